"""What moved, over real nights: told by `ops.changes` and `funnel-etl changes`, and never in the way of the facts.

Friday's and Saturday's night of the golden week, Saturday's without Friday's in the lake, and a Sunday on which a cause
is missing. With --campaign Saturday's is run with it first, and again without it.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.observe.changes import steps as nights
from funnel_etl.operate.run.night import NightResult
from funnel_etl_tests.golden.week import FRI, SAT, SUN, write_night
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow

ROWS = "SELECT metric, date, funnel, cause, difference, previous_as_of, as_of FROM ops.changes ORDER BY 1, 2, 3, 4"


@dataclass
class Nights:
    """What the nights gave."""

    installation: Installation
    first: pd.DataFrame
    saturday: pd.DataFrame
    told: str
    one: str
    again: pd.DataFrame | None
    unexplained: NightResult


def forget_friday(installation: Installation) -> None:
    for path in (installation.home / "state" / "lake").rglob(f"{FRI}*"):
        path.unlink()


@pytest.fixture(scope="module")
def ran(published: Published, campaign: bool) -> Nights:
    installation = published.week(FRI)
    sources, zoom = installation.sources, installation.drop / "zoom"
    first = installation.query(ROWS)

    write_night(SAT, sources, installation.config, zoom)
    edit = (sources / "crm_sales.csv").read_text()
    (sources / "crm_sales.csv").write_text(edit.replace("12,500.50", "12,000.50"))
    if not campaign:
        forget_friday(installation)
    assert installation.night(SAT).failures == {}
    saturday = installation.query(ROWS)
    told = installation.command("changes")
    one = installation.command(*"changes --date 2025-10-31 --metric revenue_INR --funnel".split(), "meta ads")

    again = None
    if campaign:
        forget_friday(installation)
        assert installation.night(SAT).failures == {}
        again = installation.query(ROWS)

    write_night(SUN, sources, installation.config, zoom)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nights, "BY_ROWS", [cause for cause in nights.BY_ROWS if cause != "vanished"])
        unexplained = installation.night(SUN)
    return Nights(installation, first, saturday, told.stdout + told.stderr, one.stdout + one.stderr, again, unexplained)


def test_the_first_night_has_nothing_to_compare_with(ran: Nights) -> None:
    assert len(ran.first) == 0


def test_an_edited_amount_and_a_late_report_are_told_apart(ran: Nights) -> None:
    old = ran.saturday[ran.saturday["cause"] != "new_day"]
    assert set(old["cause"]) == {"edited", "late"}
    assert old.loc[old["cause"] == "edited", ["metric", "difference"]].to_numpy().tolist() == [["revenue_inr", -500.0]]


def test_the_command_sums_it_up_by_cause(ran: Nights) -> None:
    assert f"Night {SAT} against the night published before it, {FRI}." in ran.told
    assert "revenue_inr -₹500.00 by edited rows, in 1 numbers" in ran.told
    assert "New days:" in ran.told


def test_the_command_tells_one_number_its_causes_and_how_to_list_the_rows(ran: Nights) -> None:
    assert f"revenue_inr of Meta Ads, {FRI}: ₹12,500.50 → ₹12,000.50" in ran.one
    assert "-₹500.00  edited" in ran.one
    assert "the rows behind it (1):" in ran.one
    assert "netAmount: 12,500.50 → 12,000.50" in ran.one
    assert "counted: ₹12,500.50 for Meta Ads on 2025-10-31 → ₹12,000.50 for Meta Ads on 2025-10-31" in ran.one
    assert f'funnel-etl explain fact --date {FRI} --funnel "Meta Ads" --measure revenue_inr' in ran.one
    assert "edited: A row that was there already" in ran.one


def test_the_same_night_again_tells_the_same_even_without_the_last_night_in_the_lake(ran: Nights) -> None:
    """With --campaign only: without it, the other tests show what is told without the last night."""
    if ran.again is None:
        pytest.skip("at full size: --campaign")
    pd.testing.assert_frame_equal(ran.again, ran.saturday)


def test_a_movement_without_a_cause_fails_loudly_and_stops_no_fact(ran: Nights) -> None:
    parts = {name: part.published for name, part in ran.unexplained.parts.items()}
    others = dict.fromkeys(("marketing", "sales", "funnel", "parity", "engagement"), True)
    assert parts == others | {"changes": False}
    assert "check rows: causes_sum" in ran.unexplained.failures["ops/changes"]
    assert not ran.unexplained.is_published
    assert ran.installation.value("SELECT max(as_of) FROM mart.data_version") == SUN
    assert ran.installation.value("SELECT max(as_of) FROM ops.changes") == SAT


def test_a_measure_that_is_none_is_told_with_the_likely_one(ran: Nights) -> None:
    done = ran.installation.command("changes", "--metric", "revenue")
    assert done.returncode == 1
    assert "did you mean revenue_inr?" in done.stderr


def test_a_funnel_that_is_none_is_told_with_the_likely_one(ran: Nights) -> None:
    done = ran.installation.command("changes", "--funnel", "Meta Adds")
    assert done.returncode == 1
    assert "did you mean Meta Ads?" in done.stderr


def test_all_of_it_goes_into_a_csv_file(ran: Nights, tmp_path: Path) -> None:
    done = ran.installation.command("changes", "--to", str(tmp_path / "changes.csv"))
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(tmp_path / "changes.csv")
    assert len(rows) == len(ran.saturday)
    assert rows["difference"].sum() == pytest.approx(ran.saturday["difference"].sum())
