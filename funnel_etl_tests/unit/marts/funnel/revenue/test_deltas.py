"""What a sale counts for, night after night, as deltas: each with its reason, all adding up to what was published."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.marts.funnel.revenue.contracts import KINDS, REVENUE_CHANGES
from funnel_etl.marts.funnel.revenue.deltas import revenue_changes
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, ASSIGNED_LEADS_SOURCE, CRM_HISTORY, SALES, SALES_SOURCE
from funnel_etl.parts.sales.history import crm_history, with_aged_out_sales
from funnel_etl.parts.sales.sales import clean_sales

pytestmark = pytest.mark.slow

ZONE = "Asia/Kolkata"
METRICS = "name,value\nexcluded_statuses,failed|refunded\n"
HEADER = "_id,status,createdOn,StudentContact,netAmount,paidAmount,Funnel"


@dataclass
class Nights:
    """The changes and history after each night that was run, and what counted on it, in paise."""

    config_of: Callable[..., Config]
    raw_of: Callable[..., pd.DataFrame]
    sales: pd.DataFrame | None = None
    history: pd.DataFrame | None = None
    changes: pd.DataFrame | None = None
    since: pd.Timestamp | None = None
    counted: dict[str, int] = field(default_factory=dict)

    def run(self, day: str, *lines: str, metrics: str = METRICS) -> list[tuple[str, ...]]:
        """Run a night in November; give its own changes as (sale, kind, status before → after, delta in rupees)."""
        night = pd.Timestamp(f"2026-11-{day}")
        config = self.config_of(funnels="funnel\nWebinar\n", metrics=metrics)
        raw = self.raw_of("crm_sales", SALES_SOURCE, "\n".join([HEADER, *lines]))
        leads = self.raw_of("crm_assigned_leads", ASSIGNED_LEADS_SOURCE, "sources,assignOn,leadMobile,employee")
        today = with_aged_out_sales(clean_sales(raw, config, ZONE), self.sales, config)
        sales = SALES.conform(today.rows)
        made = crm_history(leads, raw, ASSIGNED_LEADS.empty(), sales, self.history, night, config)
        history = CRM_HISTORY.conform(made.rows)
        outcome = revenue_changes(self.changes, sales, history, self.since, night)
        assert all(line.balances for line in outcome.ledger)
        rows = REVENUE_CHANGES.conform(outcome.rows)
        assert REVENUE_CHANGES.problems(rows) == []
        self.sales, self.history, self.changes, self.since = sales, history, rows, night
        counts = sales["is_counted"] & (sales["sold_date"] <= night)
        self.counted[day] = int(sales.loc[counts, "revenue_inr"].sum())
        own = rows[rows["changed_date"] == night].fillna({"old_status": "", "new_status": ""})
        deltas = (own["delta_inr"] // 100).astype("str")
        flips = own["old_status"] + "→" + own["new_status"]
        return list(zip(own["sale_id"], own["kind"], flips, deltas, strict=True))


@pytest.fixture
def nights(config_of: Callable[..., Config], raw_of: Callable[..., pd.DataFrame]) -> Nights:
    return Nights(config_of, raw_of)


def sale(name: str, status: str = "paid", revenue: str = "500", day: str = "2026-10-05", paid: str = "500") -> str:
    return f"{name},{status},{day} 10:00,9876512345,{revenue},{paid},Webinar"


FIRST = sale("S0", day="2026-10-01", revenue="1")
"""Where the dump's window begins."""


def test_a_sale_that_nobody_touches_is_one_row_for_ever(nights: Nights) -> None:
    assert nights.run("01", FIRST) == [("S0", "new_sale", "→paid", "1")]
    assert nights.run("02", FIRST) == []
    assert nights.run("03", FIRST) == []


@pytest.mark.parametrize(
    ("after", "change"),
    [
        pytest.param([sale("S1", "refunded")], [("refund", "paid→refunded", "-500")], id="refund"),
        pytest.param([sale("S1", "failed")], [("status_flip", "paid→failed", "-500")], id="status_flip"),
        pytest.param([sale("S1", revenue="700.50")], [("amount_edit", "paid→paid", "200")], id="amount_edit"),
        pytest.param([sale("S1", revenue="-500")], [("amount_edit", "paid→paid", "-1000")], id="negative"),
        pytest.param([sale("S1", revenue="")], [("amount_edit", "paid→paid", "-500")], id="blank_amount"),
        pytest.param([], [("disappeared", "paid→", "-500")], id="disappeared"),
        pytest.param([sale("S1", revenue="lots")], [("unreadable", "paid→", "-500")], id="unreadable"),
        pytest.param([sale("S1", day="2026-11-20")], [("redated", "paid→paid", "-500")], id="redated"),
        pytest.param([sale("S1", "settled")], [], id="another_status_that_counts"),
        pytest.param([sale("S1", paid="9")], [], id="another_column"),
        pytest.param([sale("S1"), sale("S2")], [], id="another_sale"),
    ],
)
def test_each_change_is_told_by_its_kind_with_its_delta(
    after: list[str], change: list[tuple[str, str, str]], nights: Nights
) -> None:
    nights.run("01", FIRST, sale("S1"))
    told = nights.run("02", FIRST, *after)
    assert [row[1:] for row in told if row[0] == "S1"] == change
    assert nights.run("03", FIRST, *after) == []


@pytest.mark.parametrize(
    ("meanwhile", "kind"),
    [
        pytest.param([sale("S1", "refunded")], "status_flip", id="refund"),
        pytest.param([sale("S1", "failed")], "status_flip", id="status_flip"),
        pytest.param([], "reappeared", id="disappeared"),
        pytest.param([sale("S1", revenue="lots")], "reappeared", id="unreadable"),
        pytest.param([sale("S1", day="2026-11-20")], "redated", id="redated"),
    ],
)
def test_what_comes_back_counts_again(meanwhile: list[str], kind: str, nights: Nights) -> None:
    nights.run("01", FIRST, sale("S1"))
    nights.run("02", FIRST, *meanwhile)
    assert [(row[1], row[3]) for row in nights.run("03", FIRST, sale("S1"))] == [(kind, "500")]


def test_a_sale_counts_from_the_night_of_its_day(nights: Nights) -> None:
    future = sale("S1", day="2026-11-03")
    assert len(nights.run("02", FIRST, future)) == 1
    assert nights.run("03", FIRST, future) == [("S1", "new_sale", "→paid", "500")]


def test_a_sale_put_off_counts_on_its_new_day_though_nobody_edits_it_then(nights: Nights) -> None:
    nights.run("01", FIRST, sale("S1"))
    nights.run("02", FIRST, sale("S1", day="2026-11-03"))
    assert nights.run("03", FIRST, sale("S1", day="2026-11-03")) == [("S1", "redated", "paid→paid", "500")]


def test_a_sale_that_first_counts_after_a_flip_is_new(nights: Nights) -> None:
    nights.run("01", FIRST, sale("S1", "failed"))
    assert nights.run("02", FIRST, sale("S1")) == [("S1", "new_sale", "→paid", "500")]


def test_a_row_that_ages_out_goes_on_counting(nights: Nights) -> None:
    nights.run("01", FIRST, sale("S1"))
    assert nights.run("02", sale("S1")) == []
    assert nights.run("03", sale("S1")) == []


@pytest.mark.parametrize(
    ("metrics", "delta"),
    [
        pytest.param("name,value\nexcluded_statuses,paid\n", "-500", id="excluded_statuses"),
        pytest.param(METRICS + "revenue_column,paidAmount\n", "-100", id="revenue_column"),
    ],
)
def test_an_edit_of_metrics_csv_is_not_taken_for_one_of_the_crm(metrics: str, delta: str, nights: Nights) -> None:
    line = sale("S1", paid="400")
    nights.run("01", line)
    assert nights.run("02", line, metrics=metrics) == [("S1", "rule_edit", "paid→paid", delta)]
    assert nights.run("03", line)[0][1] == "rule_edit"


def test_the_deltas_up_to_each_night_are_what_counted_on_it_to_the_paisa(nights: Nights) -> None:
    nights.run("01", FIRST, sale("S1", revenue="99.99"), sale("S2", revenue=""), sale("S3", "failed"))
    nights.run("02", FIRST, sale("S1", revenue="100.004"), sale("S2", revenue="0.01"), sale("S4", revenue="-7.77"))
    nights.run("03", sale("S1", "refunded"), sale("S4"), sale("S5", revenue="12345.67"))
    nights.run("05", sale("S1", revenue="1,00,000.50"), sale("S2"), metrics="name,value\n")
    assert nights.changes is not None
    assert len(nights.counted) == 4
    for day, counted in nights.counted.items():
        until = nights.changes[nights.changes["changed_date"] <= f"2026-11-{day}"]
        assert int(until["delta_inr"].sum()) == counted, day
    assert set(nights.changes["kind"]) <= set(KINDS)


def test_what_past_nights_said_stays_and_later_history_does_not_matter(nights: Nights) -> None:
    """A night made again from the archive is given the newest history."""
    nights.run("01", FIRST, sale("S1"))
    first, since, early = nights.changes, nights.since, nights.sales
    nights.run("02", FIRST, sale("S1", "refunded"))
    second = nights.changes
    before = nights.sales
    nights.run("03", FIRST)
    assert early is not None
    assert before is not None
    assert nights.history is not None
    again = revenue_changes(first, before, nights.history, since, pd.Timestamp("2026-11-02")).rows
    pd.testing.assert_frame_equal(REVENUE_CHANGES.conform(again), second)
    pd.testing.assert_frame_equal(
        REVENUE_CHANGES.conform(revenue_changes(None, early, nights.history, None, pd.Timestamp("2026-11-01")).rows),
        first,
    )
