"""Every reason a transform gives for not keeping a row is explained, and every explained one is given."""

import ast
from collections.abc import Iterator

import pytest

from funnel_etl.core.tables.reasons import EXCLUSIONS, MERGES, REASONS
from funnel_etl.settings import PROJECT

PACKAGE = PROJECT / "funnel_etl"
TREES = [ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py") if path.name != "reasons.py"]
TEXTS = {node.value for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.Constant)}
# The last text argument of these calls is a reason.
GIVING = {"merge", "merge_duplicates", "merge_later", "_where"}


def _given() -> Iterator[str]:
    for tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                if name in GIVING and texts and node.args[-1] is not node.args[0]:
                    yield texts[-1]
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                target = node.targets[0]
                if isinstance(target, ast.Subscript) and getattr(target.value, "id", "") == "reasons":
                    yield node.value.value


@pytest.mark.parametrize("reason", sorted(set(_given())))
def test_a_reason_that_is_given_is_explained(reason):
    assert reason in {**REASONS, **MERGES, **EXCLUSIONS}


def test_the_scan_sees_reasons():
    assert {"no_start", "same_person", "staff", "after_as_of", "exact_duplicate"} <= set(_given())


@pytest.mark.parametrize("reason", sorted({**REASONS, **MERGES, **EXCLUSIONS}))
def test_an_explained_reason_stands_somewhere_in_the_code(reason):
    assert {reason, f"excluded:{reason}", f"merged:{reason}"} & TEXTS


def test_a_reason_has_one_meaning():
    assert not set(REASONS) & set(MERGES)
    assert not set(EXCLUSIONS) & (set(MERGES) | set(REASONS))
