"""A month that is closed: its M0 stays as published, corrections are restatements. The golden week, from its Friday on.

On Friday night October is over; on Saturday it is closed, and a late Zoom report would change it; on Sunday a row of
the CRM is gone from inside October. The nights are run once, in the order of the fixtures.
"""

import shutil
from dataclasses import dataclass, field
from datetime import date

import pandas as pd
import pytest

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
def saturday(published: Published) -> Books:
    books = Books(published.week(FRI))
    books.keep("friday")
    books.run("saturday", SAT, closed=True)
    return books


@pytest.fixture(scope="module")
def sunday(saturday: Books) -> Books:
    saturday.run("sunday", SUN, closed=True)
    return saturday


@pytest.fixture(scope="module")
def without_lake(sunday: Books) -> Books:
    shutil.rmtree(sunday.installation.home / "state" / "lake")
    sunday.run("monday", MON, closed=True)
    return sunday


@pytest.fixture(scope="module")
def reopened(without_lake: Books) -> Books:
    without_lake.run("tuesday", TUE, closed=False)
    return without_lake


def test_the_closed_month_is_as_it_was_published_the_night_before(saturday: Books) -> None:
    assert len(saturday.october["friday"]) > 1
    pd.testing.assert_frame_equal(saturday.october["saturday"], saturday.october["friday"])


def test_a_late_report_shows_as_a_restatement(saturday: Books) -> None:
    assert saturday.restated["friday"].empty
    restated = saturday.restated["saturday"]
    assert set(restated["change"]) == {"changed"}
    assert "attended" in set(restated["column_name"])


def test_a_row_that_disappears_from_a_closed_month_is_a_restatement_too(sunday: Books) -> None:
    pd.testing.assert_frame_equal(sunday.october["sunday"], sunday.october["friday"])
    removed = sunday.restated["sunday"].query("change == 'removed'")
    assert removed["column_name"].tolist() == ["(row)"]
    assert set(removed["phone"]) <= set(sunday.october["friday"]["phone"])


def test_the_facts_count_the_closed_rows(sunday: Books) -> None:
    facts = "SELECT sum(m0_assigned) FROM mart.funnel_facts WHERE date BETWEEN '2025-10-01' AND '2025-10-31'"
    assert sunday.installation.value(facts) == len(sunday.october["friday"])


def test_without_the_lake_the_archive_still_has_the_closed_month(without_lake: Books) -> None:
    pd.testing.assert_frame_equal(without_lake.october["monday"], without_lake.october["friday"])


def test_what_the_month_closed_with_is_one_listed_file(without_lake: Books) -> None:
    kinds = without_lake.installation.query("SELECT kind, status FROM ops.files WHERE source = 'closed_m0'")
    assert kinds.to_numpy().tolist() == [["closing", "loaded"]]


def test_an_opened_month_follows_the_data_again(reopened: Books) -> None:
    assert reopened.restated["tuesday"].empty
    assert len(reopened.october["tuesday"]) == len(reopened.october["friday"]) - 1


def test_replaying_a_night_on_which_it_was_closed_gives_that_month_as_it_was_closed(reopened: Books) -> None:
    lake = reopened.installation.home / "state" / "lake" / "mart" / "attributed_m0"
    before = (lake / f"{SUN}.parquet").exists()
    result = reopened.installation.night(SUN)
    assert not before
    assert result.failures == {}
    replayed = pd.read_parquet(lake / f"{SUN}.parquet")
    october = replayed[pd.to_datetime(replayed["month"]) == "2025-10-01"]
    assert october["attended"].tolist() == reopened.october["friday"]["attended"].tolist()
