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


DROPPED = set(
    "told tell aside apart set_aside put_aside turn alive taking rungs ladder remake made_up mend mended no_memory "
    "withhold turn_away say_right Told Aside Taken Seen Found Line Sought Withheld Patience Words".split()
)
"""Names that a colleague would have to learn; `docs/glossary.md` has those that remain ours."""


def test_no_function_class_or_module_has_a_name_of_the_old_dialect() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        names = [n.name for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, DEFINED)]
        found += [f"{path.relative_to(PACKAGE)}: {name}" for name in (path.stem, *names) if name.strip("_") in DROPPED]
    assert found == []
