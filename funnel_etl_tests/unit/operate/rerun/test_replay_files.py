"""A replayed night on disk: the same bytes for the same rows, and never half a folder under its name."""

import hashlib
import io
import json
import os
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.operate.rerun.replay_files import require_free, table_csv, write_folder

NIGHT = date(2026, 11, 20)
TABLE = Table(
    "mart",
    "things",
    "One row per thing",
    ("thing",),
    (
        Column("thing", Kind.TEXT, "Name."),
        Column("rate", Kind.NUMBER, "Rate."),
        Column("credit", Kind.SHARE, "Share."),
        Column("paid_inr", Kind.MONEY, "Rupees."),
        Column("tags", Kind.TEXT_ARRAY, "Tags."),
        Column("at", Kind.TIMESTAMP, "When."),
        Column("published_at", Kind.TIMESTAMP, "Stamp."),
        Column("version", Kind.INTEGER, "Stamp."),
    ),
)
ROWS = pd.DataFrame(
    {
        "thing": ["b", "", 'a "b",\nc'],
        "rate": [0.1 + 0.2, -0.0, None],
        "credit": pd.array([10**18 // 3, 0, None], dtype="Int64"),
        "paid_inr": [-5, 123456789, None],
        "tags": [["x", '"y"'], [], None],
        "at": [pd.Timestamp("2026-11-20T23:30:00.5+05:30"), None, pd.Timestamp("2026-11-20", tz="UTC")],
        "published_at": [pd.Timestamp.now("UTC")] * 3,
        "version": [1, 2, 3],
    }
)
EXPECTED = (
    '"thing","rate","credit","paid_inr","tags","at","published_at","version"\n'
    '"","0.000000000000","0.000000000000000000",1234567.89,"[]",,,\n'
    '"a ""b"",\nc",,,,,2026-11-20 00:00:00.000000Z,,\n'
    '"b","0.300000000000","0.333333333333333333",-0.05,"[""x"", ""\\""y\\""""]",2026-11-20 18:00:00.500000Z,,\n'
)


def arrow(rows: pd.DataFrame) -> pa.Table:
    return TABLE.to_arrow(TABLE.conform(rows))


def test_a_table_is_written_exactly_with_fixed_decimals_in_utc_and_without_stamps() -> None:
    assert table_csv(TABLE, arrow(ROWS)).decode() == EXPECTED


def test_the_order_of_the_rows_does_not_matter() -> None:
    assert {table_csv(TABLE, arrow(ROWS.sample(frac=1, random_state=seed))).decode() for seed in range(5)} == {EXPECTED}


def test_a_table_without_rows_is_its_header() -> None:
    assert table_csv(TABLE, arrow(ROWS[:0])).decode() == EXPECTED.split("\n", 1)[0] + "\n"


def test_texts_and_missing_values_are_told_apart_when_it_is_read_back() -> None:
    options = csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    parse = csv.ParseOptions(newlines_in_values=True)
    back = csv.read_csv(io.BytesIO(EXPECTED.encode()), parse_options=parse, convert_options=options)
    assert back["thing"].to_pylist() == ["", 'a "b",\nc', "b"]
    assert back["credit"].null_count == 1


def write(folder: Path, rows: pd.DataFrame = ROWS, **about: object) -> None:
    write_folder(folder, [(TABLE, arrow(rows))], {"as_of": NIGHT.isoformat(), **about})


def test_a_folder_tells_the_hash_of_each_file_twice(tmp_path: Path) -> None:
    folder = tmp_path / "deeper" / "replay"
    write(folder)
    assert {path.name for path in folder.iterdir()} == {"mart.things.csv", "manifest.json", "SHA256SUMS"}
    digest = hashlib.sha256(EXPECTED.encode()).hexdigest()
    assert json.loads((folder / "manifest.json").read_bytes())["files"] == {
        "mart.things.csv": {"rows": 3, "sha256": digest}
    }
    sums = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("mart.things.csv", "manifest.json")
    }
    assert [path.name for path in folder.parent.iterdir()] == ["replay"]


def test_an_earlier_replay_is_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path / "replay")
    (tmp_path / "replay" / "mart.gone.csv").write_text("of an older version")
    write(tmp_path / "replay", ROWS[:1])
    assert not (tmp_path / "replay" / "mart.gone.csv").exists()
    assert (tmp_path / "replay" / "mart.things.csv").read_text().count("\n") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["replay"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, FunnelError("lost", fix="none")], ids=["ctrl_c", "error"])
def test_what_stops_half_way_leaves_nothing_new_and_the_earlier_one_stands(
    tmp_path: Path, error: BaseException | type[BaseException]
) -> None:
    write(tmp_path / "replay")

    def half() -> Iterator[tuple[Table, pa.Table]]:
        yield TABLE, arrow(ROWS[:1])
        raise error

    for name in ("replay", "new"):
        with pytest.raises((KeyboardInterrupt, FunnelError)):
            write_folder(tmp_path / name, half(), {})
    assert [path.name for path in tmp_path.iterdir()] == ["replay"]
    assert (tmp_path / "replay" / "mart.things.csv").read_text() == EXPECTED


def test_what_a_killed_replay_left_is_swept_a_day_later_and_what_it_moved_away_is_put_back(tmp_path: Path) -> None:
    write(tmp_path / "replay")
    (tmp_path / "replay").rename(tmp_path / ".replay.replaced-1")
    stale, fresh = tmp_path / ".replay.replaying-2", tmp_path / ".replay.replaying-3"
    for folder in (stale, fresh):
        folder.mkdir()
    long_ago = time.time() - 2 * 86_400
    os.utime(stale, (long_ago, long_ago))
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "replay", _stopped(), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".replay.replaying-3", "replay"]
    assert (tmp_path / "replay" / "mart.things.csv").read_text() == EXPECTED


def _stopped() -> Iterator[tuple[Table, pa.Table]]:
    yield TABLE, arrow(ROWS)
    raise KeyboardInterrupt


def test_only_a_new_an_empty_folder_or_one_of_the_same_night_is_written_to(tmp_path: Path) -> None:
    require_free(tmp_path / "new", NIGHT)
    require_free(tmp_path, NIGHT)
    write(tmp_path / "replay")
    require_free(tmp_path / "replay", NIGHT)
    with pytest.raises(FunnelError, match="it holds the replay of 2026-11-20"):
        require_free(tmp_path / "replay", date(2026, 11, 21))
    with pytest.raises(FunnelError, match="something else in it"):
        require_free(tmp_path, NIGHT)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FunnelError, match="this is no folder"):
        require_free(tmp_path / "file", NIGHT)


def test_a_place_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FunnelError, match=r"the replay cannot be written .*Fix: .*name another folder with --to"):
        write(tmp_path / "file" / "replay")
