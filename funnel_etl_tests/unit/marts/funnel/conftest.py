"""What the tests of `mart` share: its touches, of the lines a test gives."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.marts.funnel.contracts import TOUCHES
from funnel_etl.marts.funnel.touches import touches
from funnel_etl.parts.marketing.contracts import TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS


@pytest.fixture
def touched(table_of: Callable[..., pd.DataFrame]) -> Callable[..., Outcome]:
    """`mart.touches` with its account, of CSV texts of the clean tables; its rows as the lake hands them on."""

    def make(
        leads: str = "",
        registrations: str = "",
        attendance: str = "",
        webinars: str = "",
        assigned: str = "",
        as_of: str = "2026-11-30",
    ) -> Outcome:
        outcome = touches(
            table_of(TOFU_LEADS, leads),
            table_of(ZOOM_REGISTRATIONS, registrations),
            table_of(ZOOM_ATTENDANCE, attendance),
            table_of(WEBINARS, webinars),
            table_of(ASSIGNED_LEADS, assigned),
            pd.Timestamp(as_of),
        )
        assert all(line.balances for line in outcome.ledger)
        rows = TOUCHES.conform(outcome.rows)
        assert TOUCHES.problems(rows) == []
        outcome.rows = TOUCHES.from_arrow(TOUCHES.to_arrow(rows))
        return outcome

    return make
