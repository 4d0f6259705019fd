"""A month that is closed: its M0 stays as published, corrections are restatements. The golden week, from its Friday on.

On Friday night October is over. On Sunday, the next night that is run, it is closed: a late Zoom report would change
it, and a row of the CRM is gone from inside October. The nights are run once, in the order of the fixtures.
"""

import shutil
from dataclasses import dataclass, field
from datetime import date

import pandas as pd
import pytest

from funnel_etl.operate.run.night import NightResult
from funnel_etl_tests.golden.week import FRI, MON, SAT, SUN, TUE, write_night
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow

OCTOBER_M0 = "SELECT * FROM mart.attributed_m0 WHERE month = '2025-10-01' ORDER BY phone"
RESTATED = "SELECT phone, change, column_name, closed_value, current_value FROM mart.restatements ORDER BY 1, 3"


@dataclass
class Books:
    """An installation, and what it published of October after each night."""

    installation: Installation
    october: dict[str, pd.DataFrame] = field(default_factory=dict)
    restated: dict[str, pd.DataFrame] = field(default_factory=dict)
    contents: list[dict[str, str]] = field(default_factory=list)
    again: NightResult | None = None

    def run(self, name: str, night: date, *, closed: bool) -> None:
        write_night(night, self.installation.sources, self.installation.config, self.installation.drop / "zoom")
        months = "month\n2025-10-01\n" if closed else "month\n"
        (self.installation.config / "closed_months.csv").write_text(months)
        result = self.installation.night(night)
        assert result.failures == {}
        self.keep(name)

    def keep(self, name: str) -> None:
        self.october[name] = self.installation.query(OCTOBER_M0)
        self.restated[name] = self.installation.query(RESTATED)


@pytest.fixture(scope="module")
def sunday(published: Published) -> Books:
    books = Books(published.week(FRI))
    books.keep("friday")
    write_night(SAT, books.installation.sources, books.installation.config, books.installation.drop / "zoom")
    books.run("sunday", SUN, closed=True)
    return books


@pytest.fixture(scope="module")
def without_lake(sunday: Books, campaign: bool) -> Books:
    """The lake is gone; with --campaign another night follows on which the month is closed."""
    shutil.rmtree(sunday.installation.home / "state" / "lake")
    if campaign:
        sunday.run("monday", MON, closed=True)
    return sunday


@pytest.fixture(scope="module")
def reopened(without_lake: Books) -> Books:
    without_lake.run("tuesday", TUE, closed=False)
    return without_lake


@pytest.fixture(scope="module")
def older(reopened: Books) -> Books:
    """Sunday's night again, after a newer one and without its tables in the lake."""
    assert not (reopened.installation.home / "state" / "lake" / "mart" / "attributed_m0" / f"{SUN}.parquet").exists()
    reopened.contents.append(reopened.installation.contents("raw", "clean", "mart", "parity", "ops"))
    reopened.again = reopened.installation.night(SUN)
    reopened.contents.append(reopened.installation.contents("raw", "clean", "mart", "parity", "ops"))
    return reopened


def test_the_closed_month_is_as_it_was_published_the_night_before(sunday: Books) -> None:
    assert len(sunday.october["friday"]) > 1
    pd.testing.assert_frame_equal(sunday.october["sunday"], sunday.october["friday"])


def test_a_late_report_shows_as_a_restatement(sunday: Books) -> None:
    assert sunday.restated["friday"].empty
    restated = sunday.restated["sunday"]
    assert set(restated["change"]) == {"changed", "removed"}
    assert "attended" in set(restated.query("change == 'changed'")["column_name"])


def test_a_row_that_disappears_from_a_closed_month_is_a_restatement_too(sunday: Books) -> None:
    removed = sunday.restated["sunday"].query("change == 'removed'")
    assert removed["column_name"].tolist() == ["(row)"]
    assert set(removed["phone"]) <= set(sunday.october["friday"]["phone"])


def test_the_facts_count_the_closed_rows(sunday: Books) -> None:
    facts = "SELECT sum(m0_assigned) FROM mart.funnel_facts WHERE date BETWEEN '2025-10-01' AND '2025-10-31'"
    assert sunday.installation.value(facts) == len(sunday.october["friday"])


def test_without_the_lake_the_archive_still_has_the_closed_month(without_lake: Books, campaign: bool) -> None:
    """With --campaign only: the last test shows it for the night that is run again."""
    if not campaign:
        pytest.skip("at full size: --campaign")
    pd.testing.assert_frame_equal(without_lake.october["monday"], without_lake.october["friday"])


def test_what_the_month_closed_with_is_one_listed_file(without_lake: Books) -> None:
    kinds = without_lake.installation.query("SELECT kind, status FROM ops.files WHERE source = 'closed_m0'")
    assert kinds.to_numpy().tolist() == [["closing", "loaded"]]


def test_an_opened_month_follows_the_data_again(reopened: Books) -> None:
    assert reopened.restated["tuesday"].empty
    assert len(reopened.october["tuesday"]) == len(reopened.october["friday"]) - 1


def test_a_night_on_which_it_was_closed_gives_that_month_as_it_was_closed_when_it_is_run_again(older: Books) -> None:
    assert older.again is not None
    assert older.again.failures == {}
    replayed = pd.read_parquet(older.installation.home / "state" / "lake" / "mart" / "attributed_m0" / f"{SUN}.parquet")
    october = replayed[pd.to_datetime(replayed["month"]) == "2025-10-01"].sort_values("phone")
    for column in ("phone", "attended"):
        assert october[column].tolist() == older.october["friday"][column].tolist()


def test_an_older_night_is_made_in_the_lake_and_never_goes_over_a_newer_one(older: Books) -> None:
    assert older.again is not None
    assert not older.again.is_published
    assert {part.newest for part in older.again.parts.values()} == {TUE.isoformat()}
    assert not any(part.published for part in older.again.parts.values())
    assert older.contents[1] == older.contents[0]
    facts = pd.read_parquet(older.installation.home / "state" / "lake" / "mart" / "funnel_facts" / f"{SUN}.parquet")
    assert pd.to_datetime(facts["date"]).max() == pd.Timestamp(SUN)
