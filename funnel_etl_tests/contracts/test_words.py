"""The code speaks the field's language: a docstring says what a function returns, shows, writes or raises."""

import ast
from collections.abc import Iterator
from pathlib import Path

import funnel_etl

PACKAGE = Path(funnel_etl.__file__).parent
DEFINED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def docstrings() -> Iterator[tuple[str, str]]:
    """Each function's and class's place and docstring."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, DEFINED) and (text := ast.get_docstring(node)):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}", text


def test_no_docstring_gives_says_or_tells() -> None:
    """A function returns, shows, writes or raises; a reader should not have to guess which of these it "gives"."""
    found = dict(docstrings())
    assert len(found) > 1000
    assert {place for place, text in found.items() if text.split()[0] in {"Give", "Say", "Tell"}} == set()
