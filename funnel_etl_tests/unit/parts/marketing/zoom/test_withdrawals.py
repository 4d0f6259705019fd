"""A Zoom file that was taken by mistake is withdrawn: in no night that follows, kept, and undone by the reverse."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner
from upath import UPath

from funnel_etl.cli import app
from funnel_etl.core.errors import FunnelError
from funnel_etl.parts.marketing.zoom.files.check import check_file
from funnel_etl.parts.marketing.zoom.intake import ParsedReports, night_files, take_in
from funnel_etl.parts.marketing.zoom.refresh import Remembered
from funnel_etl.parts.marketing.zoom.sensor import note_arrivals
from funnel_etl.parts.marketing.zoom.withdrawals import restore, withdraw, withdrawn
from funnel_etl.platform.dagster.publish_asset import STATE_COLUMNS, files_frame
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.archive.store import open_store
from funnel_etl.sources.nightly import NightlySources

FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)
REPORT = (
    'Attendee Report\nReport Generated:,"Nov 5, 2026 9:30 PM"\nTopic,Webinar ID,Actual Start Time\n'
    'T,123 456 7890,"Nov 5, 2026 7:00 PM"\nAttendee Details\nAttended,Email,Join Time,Leave Time\n'
    'Yes,{who}@example.com,"Nov 5, 2026 7:00 PM","Nov 5, 2026 8:00 PM"\n'
)


class Company:
    """An installation with a drop folder."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, drop_settle_seconds=0, _env_file=None)
        self.landing = Landing(self.settings.landing_root)
        self.sources = NightlySources(self.settings, self.landing)
        self.parsed = ParsedReports(open_store(UPath(self.settings.lake_root)), self.sources)
        self.folder = self.settings.drop_folder / "zoom"
        self.folder.mkdir(parents=True)

    def drop(self, name: str, who: str) -> Path:
        (self.folder / name).write_text(REPORT.format(who=who), encoding="utf-8")
        return self.folder / name

    def night(self, day: date) -> list[str]:
        return [arrival.name for arrival in night_files(self.sources, self.parsed, day)]

    def file_id(self, name: str) -> str:
        return next(arrival.file_id for arrival in self.landing.arrivals("zoom") if arrival.name == name)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = Company(tmp_path)
    made.drop("right.csv", "a")
    made.drop("wrong.csv", "b")
    assert sorted(made.night(FIRST)) == ["right.csv", "wrong.csv"]
    return made


def test_a_withdrawn_file_is_in_no_later_night_and_is_kept(company: Company) -> None:
    file_id = company.file_id("wrong.csv")
    assert withdraw(company.landing, file_id[:8], "another account").file_id == file_id
    assert company.night(SECOND) == ["right.csv"]
    assert company.landing.has(file_id)
    assert {one.why for one in withdrawn(company.landing).values()} == {"another account"}


def test_the_newest_night_run_again_is_without_it_and_an_overtaken_one_is_as_it_was(company: Company) -> None:
    withdraw(company.landing, "wrong.csv", "another account")
    assert company.night(FIRST) == ["right.csv"]
    restore(company.landing, "wrong.csv", "it was right")
    assert len(company.night(FIRST)) == 2
    company.night(SECOND)
    withdraw(company.landing, "wrong.csv", "another account")
    assert len(company.night(FIRST)) == 2
    assert company.night(SECOND) == ["right.csv"]


@pytest.mark.parametrize("name", ["wrong.csv", "again.csv"])
def test_the_same_bytes_dropped_again_are_not_taken_and_their_person_is_told_why(company: Company, name: str) -> None:
    file_id = company.file_id("wrong.csv")
    withdraw(company.landing, file_id, "another account")
    company.drop(name, "b")
    taken = take_in(company.sources, company.parsed)
    note = (company.folder / "rejected" / f"{name}.txt").read_text(encoding="utf-8")
    assert "was withdrawn on" in taken.rejected[name]
    assert "another account" in note and f"funnel-etl zoom restore {file_id[:12]}" in note  # noqa: PT018
    assert company.night(SECOND) == ["right.csv"]
    restore(company.landing, file_id, "it was right")
    company.drop(name, "b")
    assert take_in(company.sources, company.parsed).rejected == {}
    assert len(company.night(SECOND)) == 2


def test_check_says_that_a_file_was_withdrawn(company: Company) -> None:
    withdraw(company.landing, "wrong.csv", "another account")
    found, text = check_file(company.drop("wrong.csv", "b"), company.settings)
    assert any("was withdrawn on" in warning for warning in found.warnings)
    assert "another account" in text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.csv", "no Zoom report that was taken matches this"),
        ("ffffffffffff", "no Zoom report that was taken matches this"),
        ("zz", "no Zoom report that was taken matches this"),
    ],
)
def test_a_name_that_means_no_file_is_one_line_that_lists_those_there_are(
    company: Company, name: str, said: str
) -> None:
    with pytest.raises(FunnelError, match=said) as error:
        withdraw(company.landing, name, "why")
    line = str(error.value)
    assert f"{company.file_id('right.csv')[:12]} (right.csv, came " in line
    assert "\n" not in line


def test_a_name_that_means_two_files_lists_both(company: Company) -> None:
    company.drop("wrong.csv", "c")
    company.night(SECOND)
    with pytest.raises(FunnelError, match="2 files match this") as error:
        withdraw(company.landing, "wrong.csv", "why")
    assert "right.csv" not in str(error.value)


def test_a_file_cannot_be_withdrawn_twice_nor_one_restored_that_counts(company: Company) -> None:
    withdraw(company.landing, "wrong.csv", "another account")
    with pytest.raises(FunnelError, match=r"withdrawn already, on .* \(another account\)"):
        withdraw(company.landing, "wrong.csv", "again")
    restore(company.landing, "wrong.csv", "it was right")
    with pytest.raises(FunnelError, match="it is not withdrawn"):
        restore(company.landing, "wrong.csv", "again")


def test_the_commands_withdraw_and_restore(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("funnel_etl.session.load_settings", lambda: company.settings)
    runner = CliRunner()
    done = runner.invoke(app, ["zoom", "withdraw", "wrong.csv", "--why", "another account"])
    assert (done.exit_code, "wrong.csv is withdrawn" in done.output) == (0, True)
    assert f"funnel-etl zoom restore {company.file_id('wrong.csv')[:12]}" in done.output
    assert runner.invoke(app, ["zoom", "withdraw", "right.csv", "--why", "call 9876543210"]).exit_code == 1
    assert runner.invoke(app, ["zoom", "restore", "wrong.csv"]).exit_code == 0
    assert withdrawn(company.landing) == {}


def test_the_sensor_notes_what_was_withdrawn_and_restored_once(company: Company) -> None:
    seen = note_arrivals(Remembered(), company.sources)
    calm = note_arrivals(Remembered(taken=seen.taken), company.sources)
    assert calm.pending == ()
    withdraw(company.landing, "wrong.csv", "another account")
    noted = note_arrivals(calm, company.sources)
    assert len(noted.pending) == 1
    assert note_arrivals(Remembered(taken=noted.taken, decided=noted.decided), company.sources).pending == ()


def test_ops_files_says_withdrawn_and_why(company: Company) -> None:
    withdraw(company.landing, "wrong.csv", "another account")
    state = [company.file_id("wrong.csv"), "withdrawn", None, None, "another account"]
    states = pd.DataFrame([state], columns=STATE_COLUMNS, dtype="str")
    files = files_frame(company.landing.arrivals("zoom"), states, pd.Series(dtype="int64")).set_index("name")
    assert files["status"].to_dict() == {"right.csv": "loaded", "wrong.csv": "withdrawn"}
    assert files.loc["wrong.csv", "reason"] == "another account"
    assert pd.isna(files.loc["right.csv", "reason"])
