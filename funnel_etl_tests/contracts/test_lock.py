"""The lock file belongs to pyproject.toml, and the check that says so can fail."""

import importlib.util
from types import ModuleType

import pytest

from funnel_etl.settings import PROJECT

PYPROJECT = (PROJECT / "pyproject.toml").read_text()
LOCK = (PROJECT / "requirements.lock").read_text()
HASH = "    --hash=sha256:" + "0" * 64


@pytest.fixture(scope="module")
def check_lock() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_lock", PROJECT / "tools/check_lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_file_is_in_order(check_lock):
    assert list(check_lock.problems(PYPROJECT, LOCK)) == []


@pytest.mark.parametrize(
    ("lock", "found"),
    [
        (f"a==1.0 \\\n{HASH}\n", None),
        ("", "a is not in requirements.lock"),
        ("a==1.0\n", "a has no hash"),
        (f"a==2.0 \\\n{HASH}\n", "does not allow the locked 2.0"),
        (f"--index-url https://example.org/simple\na==1.0 \\\n{HASH}\n", "lock:1: holds an address"),
        (f"a==1.0 \\\n{HASH}\n--find-links ./wheels\n", "lock:3: holds an address"),
        (f"a==1.0 \\\n{HASH}\nb @ file:///b.whl \\\n{HASH}\n", "lock:3: holds an address"),
        (f"a==1.0 ; python_version < '3.12' \\\n{HASH}\na==2.0 ; python_version >= '3.12' \\\n{HASH}\n", None),
    ],
    ids=["good", "absent", "no hash", "other version", "index", "find-links", "file", "one version per marker"],
)
def test_the_check_finds_what_is_wrong_with_a_lock_file(check_lock, lock, found):
    problems = list(check_lock.problems('[project]\ndependencies = ["A[x]<2"]\n', lock))
    assert [found in problem for problem in problems] == [True] * (found is not None)
