"""What `make` says before there is anything else: its help, and one readable line when Python will not do."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from funnel_etl.settings import PROJECT

# Stands for an interpreter that is new enough, and was packaged without venv (as Debian's is).
WITHOUT_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n'


def make(*words: str) -> subprocess.CompletedProcess[str]:
    # The tests may themselves run under make, whose flags are not meant for this one.
    environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    return subprocess.run(["make", *words], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


def test_make_alone_shows_the_help():
    assert make().stdout == make("help").stdout
    assert re.search(r"^  make demo +\S", make().stdout, re.MULTILINE)


def test_every_target_that_the_readme_names_is_in_the_help():
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", (PROJECT / "README.md").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^  make {target} ", make("help").stdout, re.MULTILINE), target


def test_every_target_has_its_line_in_the_help():
    text = (PROJECT / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    targets = re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)
    assert sorted(phony.split()) == sorted(targets)
    for target in targets:
        assert re.search(rf"^  make {target} ", make("help").stdout, re.MULTILINE), target


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("", "Python 3.11 or newer is needed, and this machine has none on its PATH. Fix: "),
        ("false", "Python 3.11 or newer is needed, and false is older. Fix: "),
        ("without_venv", "has no venv module. Fix: "),
    ],
    ids=["no Python", "an old Python", "Python without venv"],
)
def test_a_python_that_will_not_do_gets_one_line_that_says_what_to_do(tmp_path: Path, python, said):
    if python == "without_venv":
        script = tmp_path / python
        script.write_text(WITHOUT_VENV)
        script.chmod(0o755)
        python = str(script)
    done = make("--no-print-directory", f"VENV={tmp_path / 'venv'}", f"PYTHON={python}", "install")
    assert done.returncode != 0
    told = [line for line in done.stderr.splitlines() if not line.startswith("make:")]
    assert len(told) == 1
    assert said in told[0]
    assert not (tmp_path / "venv").exists()


def test_an_up_to_date_installation_is_not_made_again(tmp_path: Path):
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    for name in ("bin/uv", ".installed"):
        (venv / name).touch()
    assert "Nothing to be done" in make(f"VENV={venv}", "install").stdout
