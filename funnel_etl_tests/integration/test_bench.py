"""`funnel-etl bench` whole: what it writes and shows, that it says why it ends, and that nothing of it stays."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image
from typer.testing import CliRunner

from funnel_etl.bench import floor, inputs, nights
from funnel_etl.cli import app
from funnel_etl_tests.installation import PROGRAM

pytestmark = pytest.mark.slow

LEADS = 400
"""The fewest that the demo makes."""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for the temporary files of a benchmark, which must be empty after it."""
    with tempfile.TemporaryDirectory(prefix="funnel-etl-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def bench(temporary: Path, to: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, "bench", "--leads", str(LEADS), "--floor", "--to", str(to)],
        env=os.environ | {"TMPDIR": str(temporary)} | environment,
        cwd=to.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def servers(temporary: Path) -> set[int]:
    """The PostgreSQL servers whose data lie in a folder, by their process ids."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"postgres") and any(str(temporary).encode() in word for word in words):
            found.add(int(path.parent.name))
    return found


def test_it_measures_all_nights_of_a_size_and_leaves_nothing_but_json_and_picture(
    temporary: Path, tmp_path: Path
) -> None:
    # A setting of the installation it is run from must not reach the nights.
    program = bench(temporary, tmp_path / "to", FUNNEL_TIMEZONE="Nowhere/Land")
    shown, progress = program.communicate(timeout=600)
    assert program.returncode == 0, progress
    content = json.loads((tmp_path / "to" / "bench.json").read_text())
    measured = {(night["leads"], night["kind"]): night for night in content["nights"]}
    kinds = [(0, "empty"), (LEADS, "floor"), (LEADS, "first"), (LEADS, "ordinary"), (LEADS, "unchanged")]
    assert [*measured] == kinds
    for night in content["nights"]:
        if night["kind"] == "floor":
            continue
        assert night["seconds"] > 1
        assert night["client_seconds"] > 1
        assert night["server_seconds"] > 0.1
        assert night["peak_bytes"] > 100_000_000
    least = measured[LEADS, "floor"]
    assert 0 < least["cpu_seconds"] < measured[LEADS, "unchanged"]["cpu_seconds"] / 2
    rows = {(stage["leads"], stage["name"]): stage for stage in content["stages"]}
    assert {name for _, name in rows} == {"raw", "clean", "mart", "parity", "ops"}
    assert rows[0, "raw"]["rows"] == rows[0, "clean"]["rows"] == 0
    assert rows[LEADS, "raw"]["rows"] > 4 * LEADS
    assert all(rows[LEADS, name][size] > 0 for _, name in rows for size in ("rows", "database_bytes", "lake_bytes"))
    assert content["growth"] == []
    assert Image.open(tmp_path / "to" / "bench.png").size == (900, 420)
    assert "unchanged" in shown
    assert f"{LEADS} leads: runs the unchanged night" in progress
    assert [*temporary.iterdir()] == []
    assert servers(temporary) == set()


def test_the_floor_brings_every_row_of_the_dumps_and_its_counts_into_the_database(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs.first_day(tmp_path, nights.FIRST_NIGHT, LEADS, seed=7)
    address = sa.make_url(database_url)
    for name, value in {
        "PGHOST": address.host,
        "PGPORT": address.port,
        "PGUSER": address.username,
        "PGPASSWORD": address.password,
        "PGDATABASE": address.database,
    }.items():
        monkeypatch.setenv(name, str(value))
    floor.load(tmp_path)
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        for name in inputs.DATES:
            lines = sum(bool(cells) for _, cells in inputs.records(tmp_path / f"{name}.csv")) - 1
            assert connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() == lines  # noqa: S608
            counted = "SELECT sum(rows), count(DISTINCT month), count(*) FROM counts WHERE dump = :name"
            rows, months, groups = connection.execute(sa.text(counted), {"name": name}).one()
            assert rows == lines
            assert months >= 3
            assert groups > months
    engine.dispose()


def test_ctrl_c_in_the_middle_of_a_night_ends_its_server_and_removes_its_folder(
    temporary: Path, tmp_path: Path
) -> None:
    program = bench(temporary, tmp_path / "to")
    deadline = time.monotonic() + 120
    while not [*temporary.glob("*/night.log")]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(servers(temporary)) == 1
    time.sleep(2)
    program.send_signal(signal.SIGINT)
    _, progress = program.communicate(timeout=120)
    assert program.returncode == 130, progress
    assert progress.rstrip().endswith("stopped")
    assert [*temporary.iterdir()] == []
    assert servers(temporary) == set()


def test_a_night_that_fails_ends_it_with_its_last_lines(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\nfor line in $(seq 100); do echo line $line; done; exit 7\n")
    failing.chmod(0o755)
    monkeypatch.setattr(nights, "PROGRAM", failing)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    done = CliRunner().invoke(app, ["bench", "--leads", str(LEADS), "--to", str(tmp_path / "to")])
    assert done.exit_code == 1
    assert "the empty night ended with exit code 7" in done.stderr
    assert "line 100" in done.stderr
    assert "line 80\n" not in done.stderr
    assert [*temporary.iterdir()] == []
    assert servers(temporary) == set()


def test_elsewhere_than_on_linux_it_says_so_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nights.platform, "system", lambda: "Darwin")
    done = CliRunner().invoke(app, ["bench", "--to", str(tmp_path / "to")])
    assert done.exit_code == 1
    assert "this is not Linux" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "to").exists()
