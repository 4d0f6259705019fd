"""Rows of dumps led back over the nights of a real archive: re-pulled, lost, purged, erased, replayed."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.first_lines import FOLDER
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.lineage import led_back
from funnel_etl.sources.nightly import CONFIG, NightlySources

SOURCE = SOURCES["ad_spend"]
FIRST = date(2025, 11, 3)
HEADER = "date_time,campaign,cost,Funnel\n"
ONE, TWO, THREE, FOUR = (f"2025-11-0{n} 10:00:00,c{n},{n}.50,Meta Ads\n" for n in (1, 2, 3, 4))


class Archive:
    """An archive whose nights are pulled one after the other from one file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ad_spend.csv"
        self.settings = Settings(
            home=folder / "state",
            config_dir=folder,
            drop_limit=1.0,
            addresses={SOURCE.name: str(self.file)},
            _env_file=None,
        )
        self.open()
        for name in TABLES:
            self.landing.record_night(FIRST, f"{CONFIG}{name}", [])

    def open(self) -> None:
        self.landing = Landing(self.settings.landing_root)
        self.sources = NightlySources(self.settings, self.landing)

    def night(self, number: int, *rows: str) -> list[tuple[str, int]]:
        """Pull these rows as a night's dump; returns where each row first stood, as (file_id, line)."""
        self.file.write_text(HEADER + "".join(rows))
        return self.again(number)

    def again(self, number: int) -> list[tuple[str, int]]:
        outcome = Night(FIRST + timedelta(days=number), self.sources, "").records(SOURCE)
        self.lines = outcome.lines
        return list(zip(outcome.rows["file_id"], outcome.rows["source_row"], strict=True))

    def file_id(self, number: int) -> str:
        [file_id] = self.landing.night(FIRST + timedelta(days=number), SOURCE.name) or []
        return file_id


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_a_row_keeps_the_first_dump_it_stood_in_whatever_comes_before_behind_or_instead(archive: Archive) -> None:
    assert archive.night(0, ONE, TWO) == [(archive.file_id(0), 2), (archive.file_id(0), 3)]
    assert archive.night(1, THREE, ONE, TWO, ONE) == [
        (archive.file_id(1), 2),
        (archive.file_id(0), 2),
        (archive.file_id(0), 3),
        (archive.file_id(1), 5),
    ]
    assert archive.night(2, ONE, THREE) == [(archive.file_id(0), 2), (archive.file_id(1), 2)]
    assert archive.night(3, TWO) == [(archive.file_id(0), 3)], "gone for a night, it is the same row again"
    assert archive.lines[["source", "rows", "current_file_id", "current_row"]].to_numpy().tolist() == [
        ["ad_spend", 1, archive.file_id(3), 2]
    ]


def test_a_night_that_is_pulled_again_keeps_what_its_first_dump_had(archive: Archive) -> None:
    first = archive.night(0, ONE, TWO)
    assert archive.night(0, THREE, ONE, TWO)[1:] == first
    assert archive.night(1, ONE, TWO, THREE) == [*first, (archive.file_id(0), 2)]
    assert archive.again(0)[1:] == first, "and so it is when it is replayed"


def test_a_night_whose_new_rows_were_not_kept_is_read_again_and_gives_the_same(archive: Archive) -> None:
    nights = [archive.night(0, ONE, TWO), archive.night(1, ONE, TWO, THREE), archive.night(2, FOUR, TWO, THREE)]
    for path in (archive.settings.state / "landing" / FOLDER / SOURCE.name).iterdir():
        path.unlink()
    archive.open()
    assert archive.again(2) == nights[2]
    assert [archive.again(number) for number in (0, 1)] == nights[:2]


@pytest.mark.parametrize("left", [b"", b"PAR1", b"no Parquet at all"])
def test_a_damaged_file_of_new_rows_is_made_again_and_an_erasure_removes_it(archive: Archive, left: bytes) -> None:
    nights = [archive.night(0, ONE, TWO), archive.night(1, ONE, TWO, THREE)]
    path = archive.settings.state / "landing" / FOLDER / SOURCE.name / f"{FIRST}.parquet"
    whole = path.read_bytes()
    for damaged in (left, whole[: len(whole) // 2], bytes(len(whole))):
        path.write_bytes(damaged)
        assert archive.again(1) == nights[1]
        assert path.read_bytes() == whole
    path.write_bytes(left)
    archive.landing.first_lines.forget({archive.file_id(0): {3}})
    assert not path.exists()


def test_a_row_keeps_its_lineage_when_the_dump_it_first_stood_in_is_removed(archive: Archive) -> None:
    first = archive.night(0, ONE, TWO)
    archive.landing.remove(archive.file_id(0), "purged")
    assert archive.night(1, ONE, TWO, THREE)[:2] == first


def test_a_dump_that_is_gone_and_was_never_looked_at_is_passed_over(archive: Archive) -> None:
    archive.night(0, ONE)
    (archive.settings.state / "landing" / FOLDER / SOURCE.name / f"{FIRST}.parquet").unlink()
    archive.landing.remove(archive.file_id(0), "purged")
    archive.open()
    assert archive.night(1, ONE, TWO) == [(archive.file_id(1), 2), (archive.file_id(1), 3)]


def test_a_killed_night_that_had_recorded_its_dump_is_completed_by_the_next(archive: Archive) -> None:
    archive.night(0, ONE)
    later = FIRST + timedelta(days=1)
    data = (HEADER + ONE + TWO).encode()
    put = archive.landing.put(SOURCE.name, "pull", "ad_spend.csv", data, received_at=pd.Timestamp.now("UTC"))
    archive.landing.record_night(later, SOURCE.name, [put.file_id])
    assert archive.night(2, ONE, TWO) == [(archive.file_id(0), 2), (archive.file_id(1), 3)]


def test_lines_that_were_erased_are_forgotten(archive: Archive) -> None:
    archive.night(0, ONE, TWO)
    archive.landing.first_lines.forget({archive.file_id(0): {3}})
    kept, _ = archive.landing.first_lines.of(SOURCE.name, FIRST)
    assert kept["source_row"].to_pylist() == [2]
    assert archive.night(1, ONE, TWO) == [(archive.file_id(0), 2), (archive.file_id(1), 3)]


def test_nothing_is_kept_of_a_dump_that_is_not_the_night_s(archive: Archive) -> None:
    archive.night(0, ONE)
    rows = Night(FIRST, archive.sources, "").records(SOURCE).rows
    led_back(archive.sources, SOURCE, FIRST, ["0" * 64], rows)
    _, files = archive.landing.first_lines.of(SOURCE.name, FIRST)
    assert files == [archive.file_id(0)]
