"""Files of consents: taken out of the drop folder once, judged alone, and refused with a word that says what to do."""

from datetime import date
from pathlib import Path

import pytest

from funnel_etl.core.errors import SourceRejected
from funnel_etl.delivery.webengage.intake import SOURCE, judge, night_files, raw_consents
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

FRIDAY, SATURDAY = date(2026, 11, 20), date(2026, 11, 21)
HEADER = "phone,email,channel,state,stated_at,source\n"
ASHA = "9876512345,,sms,granted,2026-11-01 10:00,form\n"


@pytest.fixture
def sources(tmp_path: Path) -> NightlySources:
    settings = Settings(home=tmp_path / "state", drop_dir=tmp_path / "drop", drop_settle_seconds=0, _env_file=None)
    return NightlySources(settings, Landing(settings.landing_root))


def drop(sources: NightlySources, name: str, text: str) -> None:
    folder = sources.settings.drop_folder / SOURCE
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ASHA,
        HEADER,
        "Mobile;Channel;Status;Date\n9876512345;sms;granted;2026-11-01\n",
        "email,channel,state,stated_at\na@b.example,sms,granted,25/11/2026\nc@d.example,sms,granted,01/11/2026\n",
        "\ufeff" + HEADER + "9876512345,,fax,granted,never,\n",
    ],
    ids=["documented", "no_rows", "other_spellings", "days_first", "bad_cells_are_for_the_quarantine"],
)
def test_a_file_of_consents_is_taken(text: str) -> None:
    judge(text.encode(), "Asia/Kolkata")


@pytest.mark.parametrize(
    ("data", "what", "fix"),
    [
        (b"", "the file is empty", "export it again"),
        (
            b"name,age\nAsha,31\n",
            "it is no file of consents",
            "name its columns phone, email, channel, state, stated_at",
        ),
        (b"channel,state,stated_at\nsms,granted,2026-11-01\n", "neither a column of phones", "name its columns phone"),
        (
            (HEADER + "9876512345,,sms,granted,01/11/2026,\n9876512346,,sms,granted,02/11/2026,\n").encode(),
            "the order of day and month cannot be proved: 01/11/2026",
            "write the times as 2026-11-05 14:30, and drop it again",
        ),
        (b"PK\x03\x04rest of a workbook", "", ""),
    ],
    ids=["empty", "another_table", "nobody", "open_dates", "a_workbook"],
)
def test_another_file_is_refused_with_what_to_do(data: bytes, what: str, fix: str) -> None:
    with pytest.raises(SourceRejected) as refused:
        judge(data, "Asia/Kolkata")
    assert what in str(refused.value)
    assert fix in str(refused.value)


def test_a_night_uses_every_file_that_ever_came_each_content_once_the_earliest_first(sources: NightlySources) -> None:
    drop(sources, "b.csv", HEADER + ASHA)
    [first] = night_files(sources, FRIDAY)
    drop(sources, "a.csv", HEADER + ASHA.replace("granted", "withdrawn"))
    drop(sources, "c.csv", HEADER + ASHA)
    drop(sources, "bad.csv", "name\n")
    files = night_files(sources, SATURDAY)
    assert files[0] == first
    assert len(files) == 2
    assert sources.landing.night(SATURDAY, SOURCE) == files
    assert [a.status for a in sources.landing.arrivals(SOURCE)].count("rejected") == 1
    assert night_files(sources, FRIDAY) == [first], "an overtaken night keeps what it used"
    assert not list((sources.settings.drop_folder / SOURCE).glob("*.csv"))


def test_the_records_of_all_files_are_read_with_their_lines(sources: NightlySources) -> None:
    drop(sources, "a.csv", HEADER + ASHA + "\n" + ASHA)
    outcome = raw_consents(sources, night_files(sources, FRIDAY))
    assert outcome.rows["source_row"].tolist() == [2, 4]
    [line] = outcome.ledger
    assert (line.rows_in, line.rows_out, line.reasons) == (3, 2, {"excluded:blank_row": 1})


def test_without_a_file_there_is_nothing(sources: NightlySources) -> None:
    outcome = raw_consents(sources, night_files(sources, FRIDAY))
    assert outcome.rows.empty
    assert outcome.ledger == []
    assert (sources.settings.drop_folder / SOURCE).is_dir(), "people find the folder"
