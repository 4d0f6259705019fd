"""Random sources: whatever they hold, each differing cell of the sheet has a reason."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnel_etl.core.errors import AmbiguousDates
from funnel_etl_tests.unit.marts.parity.conftest import Sheet

pytestmark = pytest.mark.slow

Made = Callable[..., Sheet]
CELLS = st.sampled_from
MESSY_DATES = [
    *("2026-11-01 00:00", "2026-11-03 10:00", "2026-10-31 23:59", "2026-11-16 01:00"),
    *("soon", "", "46330", "2024-11-20"),
]
MESSY_PHONES = ["9876500001", "+91 98765 00001", "9876500002/9876500003", "+971 50 123 4567", "NA", "", "0000000000"]
MESSY_LEADS = st.tuples(
    *(CELLS(["fb", " fb ", "F*", "Radio", "", "Old"]), CELLS(MESSY_DATES), CELLS(MESSY_PHONES)),
    CELLS(["Asha", " Asha", "", "Asha,extra"]),
)
MESSY_SALES = st.tuples(
    *(
        CELLS(["S1", "S2", " S2", "", "Total", "1.5E+15"]),
        CELLS(["paid", "refunded", ""]),
        CELLS(MESSY_DATES),
        CELLS(MESSY_PHONES),
    ),
    *(
        CELLS(["5", "", "many"]),
        CELLS(["fb", "fb;Radio", ""]),
        CELLS(["Webinar", "meta ads", "", "Misc", " other  Sources (Miscellaneous)"]),
    ),
)
MESSY_SPEND = st.tuples(
    CELLS([*MESSY_DATES, "Total"]),
    CELLS(["5", "0.005", "₹ 3", "", "x", '"1.234,56"', '"12,5"']),
    CELLS(["Webinar", "webinar ", "Meta", "", "M*"]),
)


def csv(rows: list[tuple[str, ...]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    leads=st.lists(MESSY_LEADS, min_size=1, max_size=8),
    sales=st.lists(MESSY_SALES, min_size=1, max_size=6),
    spend=st.lists(MESSY_SPEND, min_size=1, max_size=6),
    zoom=st.lists(st.tuples(CELLS(MESSY_PHONES[:2]), CELLS(["true", "false"]), st.just("o")), max_size=4),
    typed=CELLS(["walk in", " walk  in", "walk\u00a0in", "Webinar", " ", "?", "WALK*"]),
    as_of=CELLS(["2026-11-01", "2026-11-02", "2026-11-15", "2026-10-31"]),
    sheet_year=CELLS([None, 2025]),
    page=CELLS([None, 1, 3]),
)
def test_whatever_the_sources_hold_no_cell_differs_without_a_reason(
    sheet: Made,
    leads: list,
    sales: list,
    spend: list,
    zoom: list,
    typed: str,
    as_of: str,
    sheet_year: int | None,
    page: int | None,
) -> None:
    try:
        found = sheet(
            *(csv(leads), csv(sales), csv(spend), csv(zoom)),
            as_of=as_of,
            sheet_year=sheet_year,
            page=page,
            prove_by_all_rows=True,
            funnels="funnel\nWebinar\nMeta Ads\nM*\n",
            funnel_mapping="source,funnel,valid_from,valid_to,note\n"
            "Old,Webinar,,2026-10-31,\nOld,Meta Ads,2026-11-01,,\nFB,webinar,,,\n",
            manual_mapping=f'sale_id,manual_value,note\nS1,"{typed}",\n',
        )
    except AmbiguousDates:
        return  # then there is no clean table, and so no night to compare
    assert found.diff["reason"].notna().all(), found.diff[found.diff["reason"].isna()].to_dict("records")
    assert not found.diff.duplicated(["table_name", "key", "column_name"]).any()
