"""A source whose rows lose their phones is told; chance, also that of small sources, is not."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from upath import UPath

from funnel_etl.assembly import TABLES
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.observe.completeness.phone_contracts import PHONE_SHARES
from funnel_etl.observe.completeness.phone_state import phone_counts_of
from funnel_etl.observe.completeness.phones import PhoneCounts, phone_shares
from funnel_etl.operate.status import status
from funnel_etl.parts.marketing.contracts import TOFU_LEADS
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres.database import engine
from funnel_etl.platform.postgres.schema import ensure_schema

pytestmark = pytest.mark.slow

FRI = pd.Timestamp("2026-11-20")
CERTAINTY = 3.5


def counts(rows: float, share: float, days: int = 70, seed: int = 0, unsteady: float = 0.0) -> pd.DataFrame:
    """Rows by day up to the Friday, some of them without a phone: a share of them, or one that sways."""
    random = np.random.default_rng(seed)
    index = pd.date_range(end=FRI, periods=days, unit="us")
    count = random.poisson(rows, days)
    shares = random.beta(share / unsteady, (1 - share) / unsteady, days) if unsteady else np.full(days, share)
    frame = pd.DataFrame({"rows": count, "blank": random.binomial(count, shares)}, index=index)
    return frame[frame["rows"] > 0]


def judged(by_day: pd.DataFrame, before: pd.DataFrame | None = None, source: str = "tofu_leads") -> dict[str, object]:
    night = date(2026, 11, 14) if before is not None else None
    outcome = phone_shares([PhoneCounts(source, by_day, before, night)], FRI, CERTAINTY)
    return outcome.rows.to_dict("records")[0]  # type: ignore[return-value]


def without_phones(by_day: pd.DataFrame, days: int, share: float) -> pd.DataFrame:
    """The newest days lose this share of their phones."""
    changed = by_day.copy()
    changed.loc[changed.index[-days:], "blank"] = (changed["rows"] * share).round().astype("int64")
    return changed


@pytest.mark.parametrize(
    ("rows", "days"), [(400, 1), (60, 1), (12, 3), (4, 7)], ids=["large", "medium", "small", "very_small"]
)
def test_half_of_the_phones_gone_is_told_with_the_numbers(rows: int, days: int) -> None:
    """Half the leads lost their phone to a second column, and nothing said so."""
    row = judged(without_phones(counts(rows, 0.03), days, 0.5))
    assert row["status"] == "more"
    assert "have no phone" in str(row["says"])
    assert "is usual" in str(row["says"])
    assert "column_aliases.csv" in str(row["what_to_do"])
    assert row["who_does_it"] == "marketing operations"


def test_a_single_day_is_told_for_a_week() -> None:
    by_day = counts(80, 0.03)
    by_day.loc[by_day.index[-6], "blank"] = 40
    assert judged(by_day)["status"] == "more"
    later = pd.concat([by_day, by_day.iloc[:2].set_axis([FRI + pd.Timedelta(days=n) for n in (1, 2)])])
    assert judged(later)["status"] == "usual"


@pytest.mark.parametrize("rows", [0.5, 3, 12, 80, 500])
@pytest.mark.parametrize(("share", "unsteady"), [(0.0, 0.0), (0.02, 0.0), (0.3, 0.0), (0.3, 0.05), (0.6, 0.02)])
def test_chance_is_not_told(rows: float, share: float, unsteady: float) -> None:
    told = [judged(counts(rows, share, seed=seed, unsteady=unsteady))["status"] for seed in range(25)]
    assert told.count("more") == 0


def test_a_few_points_more_are_not_told_however_sure() -> None:
    assert judged(without_phones(counts(3000, 0.05), 7, 0.12))["status"] == "usual"


def test_fewer_without_a_phone_are_good_news() -> None:
    assert judged(without_phones(counts(100, 0.5), 7, 0.0))["status"] == "usual"


def test_phones_that_an_earlier_night_had_and_tonight_are_gone_are_told_though_no_day_stands_out() -> None:
    """The whole column went to another header: every day of the sheet lost its phones."""
    by_day = counts(20, 0.02)
    row = judged(by_day.assign(blank=by_day["rows"] - 1), by_day[:-6])
    assert row["status"] == "more"
    assert "as the night 2026-11-14 read the same days" in str(row["says"])


@pytest.mark.parametrize(("days", "status"), [(0, "unknown"), (3, "too_small")])
def test_a_source_with_too_little_to_compare_is_told_so(days: int, status: str) -> None:
    assert judged(counts(5, 0.1).iloc[:days])["status"] == status


def test_phones_are_counted_as_the_newest_good_night_and_one_up_to_a_week_before_have_them(tmp_path: Path) -> None:
    lake = Lake(UPath(tmp_path / "lake"))

    def night(day: date, phones: list[str | None], problems: list[str]) -> None:
        made = pd.DataFrame({"phone": phones, "created_date": FRI - pd.Timedelta(days=6)})
        rows = TOFU_LEADS.conform(made.reindex(columns=TOFU_LEADS.names))
        lake.write(TOFU_LEADS, day, rows)
        lake.write_account(TOFU_LEADS, day, Outcome(rows, problems=problems), "run")

    night(date(2026, 11, 12), ["9876512301"], [])  # too long ago
    night(date(2026, 11, 15), ["9876512301", "9876512302", None], [])
    night(date(2026, 11, 20), ["9876512301", None, None], [])
    night(date(2026, 11, 21), [None, None, None], ["it failed a check"])
    leads = phone_counts_of(SimpleNamespace(day=date(2026, 11, 21)), lake)[0]  # type: ignore[arg-type]
    assert leads.night == date(2026, 11, 15)
    assert leads.by_day.loc[FRI - pd.Timedelta(days=6)].to_dict() == {"rows": 3, "blank": 2}
    assert leads.before is not None
    assert leads.before["blank"].tolist() == [1]


def test_status_says_it_with_what_to_do(database_url: str) -> None:
    by_day = without_phones(counts(60, 0.03), 1, 0.5)
    rows = PHONE_SHARES.conform(phone_shares([PhoneCounts("tofu_leads", by_day)], FRI, CERTAINTY).rows)
    assert PHONE_SHARES.problems(rows) == []
    made = engine(database_url)
    ensure_schema(made, TABLES)
    with made.begin() as connection:
        rows.to_sql("phone_shares", connection, schema="ops", if_exists="append", index=False)
        (told,) = status._volumes(connection)
    made.dispose()
    assert told.says.startswith("far more without a phone than usual: ")
    assert told.to_do
    assert "column_aliases.csv" in told.to_do
