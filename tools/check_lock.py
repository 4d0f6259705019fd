#!/usr/bin/env python3
"""Check, without a network, that requirements.lock belongs to pyproject.toml and holds no address.

Every declared dependency is locked at a version its specifier allows, every locked one has hashes. Making the lock is
`make lock`.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|^\s*(?:-i|-f|-e|--(?:extra-)?index-url|--find-links|--editable)\b|\s@\s")
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)")


def problems(pyproject: str, lock: str) -> Iterator[str]:
    """Return one line for each thing that is wrong with the text of a lock file."""
    for number, line in enumerate(lock.splitlines(), start=1):
        if ADDRESS.search(line):
            yield f"requirements.lock:{number}: holds an address"
    locked = _locked(lock)
    for name, (_, hashed) in locked.items():
        if not hashed:
            yield f"requirements.lock: {name} has no hash"
    for requirement in _declared(pyproject):
        name = canonicalize_name(requirement.name)
        if name not in locked:
            yield f"pyproject.toml: {name} is not in requirements.lock"
        elif not any(requirement.specifier.contains(version, prereleases=True) for version in locked[name][0]):
            yield f"pyproject.toml: {requirement} does not allow the locked {', '.join(sorted(locked[name][0]))}"


def _locked(lock: str) -> dict[str, tuple[set[str], bool]]:
    """Return the locked versions of each package (markers may choose between several), and whether all have hashes."""
    found: dict[str, tuple[set[str], bool]] = {}
    for block in re.split(r"\n(?=\S)", lock):
        if pin := PINNED.match(block):
            name = canonicalize_name(pin["name"])
            versions, hashed = found.get(name, (set(), True))
            found[name] = (versions | {pin["version"]}, hashed and "--hash=sha256:" in block)
    return found


def _declared(pyproject: str) -> list[Requirement]:
    project = tomllib.loads(pyproject)["project"]
    groups = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    return [Requirement(text) for group in groups for text in group]


def main() -> int:
    """Print what is wrong and how to fix it; return the exit code."""
    found = list(problems((ROOT / "pyproject.toml").read_text(), (ROOT / "requirements.lock").read_text()))
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    if found:
        sys.stderr.write("Fix: make lock\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
