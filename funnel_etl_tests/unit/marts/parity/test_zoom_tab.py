"""The sheet's Zoom tab: whose phone a pasted row has, and which row speaks."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.marts.parity.zoom_tab import ZoomTab
from funnel_etl.parts.marketing.contracts import TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS, ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_ATTENDEE_ROWS

REPORTS = "file_id,received_at,occurrence_id\nlate,2026-11-09,o1\nearly,2026-11-05,o1\nnext,2026-11-20,o2\n"
EVENTS = "occurrence_id,event_date,started_at\no1,2026-11-04,2026-11-04 10:00\no2,2026-11-19,2026-11-19 10:00\n"
PHONE = "9876500001"
Tab = Callable[..., str]


@pytest.fixture
def shown(table_of: Callable[..., pd.DataFrame]) -> Tab:
    """What the tab says of PHONE: rows file_id,email,phone,attended; registrations occurrence_id,email,phone.

    `leads`: email,phone.
    """

    def make(rows: str, registered: str = "", *corrected: str, leads: str = "") -> str:
        tab = ZoomTab(
            table_of(RAW_ZOOM_ATTENDEE_ROWS, "file_id,email,phone,attended\n" + rows),
            table_of(ZOOM_REPORTS, REPORTS),
            table_of(ZOOM_REGISTRATIONS, "occurrence_id,email,phone,phone_source\n" + registered),
            table_of(ZOOM_ATTENDANCE),
            table_of(WEBINARS, EVENTS),
            pd.Timestamp("2026-11-15"),
            table_of(TOFU_LEADS, "email,phone\n" + leads),
        )
        phones = tab.numbers(pd.Series([PHONE], dtype="str"))
        return str(tab.attended(phones, phones, frozenset(corrected)).iloc[0])

    return make


@pytest.mark.parametrize(
    ("rows", "registered", "said"),
    [
        pytest.param("early,a@b.in,+91 98765 00001,true\n", "", "Yes", id="its_own_phone"),
        pytest.param(f"early,a@b.in,{PHONE},false\nearly,A@b.in,,true\n", "", "No", id="the_first_row_speaks"),
        pytest.param(f"early,A@B.in,,true\nearly,a@b.in,{PHONE},false\n", "", "Yes", id="its_e_mail_s_in_the_report"),
        pytest.param("early,a@b.in,,true\n", f"o1,a@b.in,{PHONE}\n", "Yes", id="its_e_mail_s_among_the_registrations"),
        pytest.param("early,a@b.in,,true\n", f"o2,a@b.in,{PHONE}\n", "", id="never_of_another_occurrence"),
        pytest.param("early,a@b.in,,true\n", f"o1,a@b.in,{PHONE},lead\n", "", id="nor_of_a_lead"),
        pytest.param(f"late,a@b.in,{PHONE},true\nearly,a@b.in,{PHONE},false\n", "", "No", id="in_order_of_arrival"),
        pytest.param(f"next,a@b.in,{PHONE},true\n", "", "Yes", id="later_events_are_pasted_too"),
        pytest.param("early,a@b.in,,true\n", "", "", id="nobody_s_row"),
    ],
)
def test_the_sheet_says_of_a_phone(shown: Tab, rows: str, registered: str, said: str) -> None:
    assert shown(rows, registered) == said


def test_any_row_speaks_once_that_is_corrected(shown: Tab) -> None:
    rows = f"early,a@b.in,{PHONE},false\nlate,a@b.in,{PHONE},true\n"
    assert shown(rows, "", "first_row_attended") == "Yes"


def test_later_events_are_out_once_that_is_corrected(shown: Tab) -> None:
    assert shown(f"next,a@b.in,{PHONE},true\n", "", "no_upper_bound") == ""


@pytest.mark.parametrize(
    ("rows", "leads", "said"),
    [
        pytest.param("early,A@b.in,,true\n", f"a@b.in,{PHONE}\n", "Yes", id="its_e_mail_s_among_the_leads"),
        pytest.param("early,a@b.in,,true\n", f"a@b.in,{PHONE}\na@b.in,9876500002\n", "", id="not_one_of_several"),
        pytest.param("early,a@b.in,9876500002,true\n", f"a@b.in,{PHONE}\n", "", id="not_beside_its_own"),
    ],
)
def test_a_lead_lends_its_phone_once_that_is_corrected(shown: Tab, rows: str, leads: str, said: str) -> None:
    assert shown(rows, "", leads=leads) == ""
    assert shown(rows, "", "phone_by_email", leads=leads) == said
