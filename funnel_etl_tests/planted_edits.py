"""Edits planted between two nights of a tiny company, and what each must move: cause → what, on which day, how much."""

from collections.abc import Callable
from datetime import date

from funnel_etl_tests.small_nights import (
    SmallNights,
    assigned,
    at,
    attendee_report,
    lead,
    registration_report,
    sale,
    spent,
)

FIRST, SECOND, THIRD = date(2025, 11, 5), date(2025, 11, 6), date(2025, 11, 7)
A, B, C, D = "9876500001", "9876500002", "9876500003", "9876500004"
HELD = at(2025, 11, 4, 19)


def edited(rows: list[dict[str, str]], number: int, **cells: str) -> None:
    rows[number] = rows[number] | cells


def no_edit(_: SmallNights) -> None:
    pass


def new_rows(c: SmallNights) -> None:
    c.leads.append(lead("2025-11-06", C))
    c.sales.append(sale("S3", "2025-11-06", "5"))


def a_late_lead_that_is_the_first(c: SmallNights) -> None:
    c.leads.append(lead("2025-11-02", B, "g"))


def a_late_assignment_that_takes_the_m0(c: SmallNights) -> None:
    c.assigned.append(assigned("2025-11-01", B))


def a_late_sale_and_a_late_line_of_spend(c: SmallNights) -> None:
    c.sales.insert(0, sale("S0", "2025-11-01", "7.77"))
    c.spend.insert(0, spent("2025-11-01", "3.33", campaign="spring"))


def an_edited_amount(c: SmallNights) -> None:
    edited(c.sales, 0, netAmount="900")


def a_refund(c: SmallNights) -> None:
    edited(c.sales, 0, status="Refunded")


def a_sale_on_another_day_and_funnel(c: SmallNights) -> None:
    edited(c.sales, 0, createdOn="2025-11-03 12:00", Funnel="Google Ads")


def a_sale_moved_to_the_new_day(c: SmallNights) -> None:
    edited(c.sales, 0, createdOn="2025-11-06 12:00")


def a_lead_with_another_campaign(c: SmallNights) -> None:
    edited(c.leads, 0, utmSource="g")


def a_lead_on_another_day(c: SmallNights) -> None:
    edited(c.leads, 1, **{"created date": "2025-11-03 10:00"})


def an_assignment_of_another_source(c: SmallNights) -> None:
    edited(c.assigned, 0, sources="G")


def an_assignment_at_another_time(c: SmallNights) -> None:
    edited(c.assigned, 0, assignOn="2025-11-02 11:00")


def an_assignment_of_another_phone(c: SmallNights) -> None:
    edited(c.assigned, 2, leadMobile=B)


def restated_spend(c: SmallNights) -> None:
    edited(c.spend, 0, cost="260", clicks="7")


def a_vanished_lead(c: SmallNights) -> None:
    del c.leads[0]


def a_vanished_sale_and_line_of_spend(c: SmallNights) -> None:
    del c.sales[1], c.spend[1]


def a_vanished_assignment(c: SmallNights) -> None:
    del c.assigned[1]


def a_reexport_with_one_more(c: SmallNights) -> None:
    c.reports.append(attendee_report(HELD, at(2025, 11, 6, 9), [A, B, C]))


def the_first_report_of_an_older_webinar(c: SmallNights) -> None:
    c.reports.append(attendee_report(at(2025, 11, 5, 19), at(2025, 11, 6, 9), [C], "812 0000 0002"))


def a_report_of_the_new_day(c: SmallNights) -> None:
    c.reports.append(attendee_report(at(2025, 11, 6, 19), at(2025, 11, 6, 21), [C], "812 0000 0002"))


def the_first_registration_report_comes_late(c: SmallNights) -> None:
    c.reports.append(registration_report(HELD, at(2025, 11, 4, 18), [A, B, D]))


def a_mapping_edit(c: SmallNights) -> None:
    c.config["funnel_mapping"] += "Somebody,Referral\n"


def a_campaign_mapping_edit(c: SmallNights) -> None:
    c.config["campaign_mapping"] = c.config["campaign_mapping"].replace("g,,,Google Ads", "g,,,Referral")


def a_manual_mapping(c: SmallNights) -> None:
    c.config["manual_mapping"] += "S1,Friend,\n"


def another_rule_of_what_counts(c: SmallNights) -> None:
    c.config["metrics"] = "name,value\nexcluded_statuses,success\n"


def a_placeholder_phone(c: SmallNights) -> None:
    c.config["placeholder_phones"] += f"{A},\n"


def only_a_note_in_a_mapping(c: SmallNights) -> None:
    c.config["manual_value_funnel"] = "manual_value,funnel\nfriend,Referral\nnobody,Referral\n"


CASES: dict[Callable[[SmallNights], None], dict[str, dict[str, int]]] = {
    no_edit: {},
    new_rows: {},
    only_a_note_in_a_mapping: {},
    a_late_lead_that_is_the_first: {
        "late": {
            "leads 2025-11-02 Google Ads": 1,
            "new_leads 2025-11-02 Google Ads": 1,
            "new_leads 2025-11-04 Google Ads": -1,
        }
    },
    a_late_assignment_that_takes_the_m0: {
        "late": {
            "assigned_rows 2025-11-01 Meta Ads": 1,
            "m0_assigned 2025-11-01 Meta Ads": 1,
            "m0_assigned 2025-11-04 Google Ads": -1,
            "m0_attended 2025-11-01 Meta Ads": 1,
            "m0_attended 2025-11-04 Google Ads": -1,
        }
    },
    a_late_sale_and_a_late_line_of_spend: {
        "late": {
            "sales 2025-11-01 Meta Ads": 1,
            "revenue_inr 2025-11-01 Meta Ads": 777,
            "spend_inr 2025-11-01 Meta Ads": 333,
            "impressions 2025-11-01 Meta Ads": 100,
            "clicks 2025-11-01 Meta Ads": 5,
        }
    },
    an_edited_amount: {"edited": {"revenue_inr 2025-11-04 Meta Ads": -10050}},
    a_refund: {"edited": {"sales 2025-11-04 Meta Ads": -1, "revenue_inr 2025-11-04 Meta Ads": -100050}},
    a_sale_on_another_day_and_funnel: {
        "edited": {
            "sales 2025-11-04 Meta Ads": -1,
            "revenue_inr 2025-11-04 Meta Ads": -100050,
            "sales 2025-11-03 Google Ads": 1,
            "revenue_inr 2025-11-03 Google Ads": 100050,
        }
    },
    a_sale_moved_to_the_new_day: {
        "edited": {
            "sales 2025-11-04 Meta Ads": -1,
            "revenue_inr 2025-11-04 Meta Ads": -100050,
            "sales 2025-11-06 Meta Ads": 1,
            "revenue_inr 2025-11-06 Meta Ads": 100050,
        }
    },
    a_lead_with_another_campaign: {
        "edited": {
            "leads 2025-11-03 Meta Ads": -1,
            "leads 2025-11-03 Google Ads": 1,
            "new_leads 2025-11-03 Meta Ads": -1,
            "new_leads 2025-11-03 Google Ads": 1,
        }
    },
    a_lead_on_another_day: {
        "edited": {
            "leads 2025-11-04 Google Ads": -1,
            "leads 2025-11-03 Google Ads": 1,
            "new_leads 2025-11-04 Google Ads": -1,
            "new_leads 2025-11-03 Google Ads": 1,
        }
    },
    an_assignment_of_another_source: {
        "edited": {
            "assigned_rows 2025-11-03 Meta Ads": -1,
            "assigned_rows 2025-11-03 Google Ads": 1,
            "m0_assigned 2025-11-03 Meta Ads": -1,
            "m0_assigned 2025-11-03 Google Ads": 1,
            "m0_attended 2025-11-03 Meta Ads": -1,
            "m0_attended 2025-11-03 Google Ads": 1,
        }
    },
    an_assignment_at_another_time: {
        "edited": {
            f"{metric} 2025-11-0{day} Meta Ads": sign
            for metric in ("assigned_rows", "m0_assigned", "m0_attended")
            for day, sign in ((3, -1), (2, 1))
        }
    },
    an_assignment_of_another_phone: {"edited": {"m0_assigned 2025-11-05 Other Sources (Miscellaneous)": -1}},
    restated_spend: {"edited": {"spend_inr 2025-11-03 Meta Ads": 975, "clicks 2025-11-03 Meta Ads": 2}},
    a_vanished_lead: {
        "vanished": {
            "leads 2025-11-03 Meta Ads": -1,
            "new_leads 2025-11-03 Meta Ads": -1,
            "new_leads 2025-11-04 Google Ads": 1,
        }
    },
    a_vanished_sale_and_line_of_spend: {
        "vanished": {
            "sales 2025-11-05 Google Ads": -1,
            "revenue_inr 2025-11-05 Google Ads": -9900,
            "spend_inr 2025-11-04 Google Ads": -1000,
            "impressions 2025-11-04 Google Ads": -100,
            "clicks 2025-11-04 Google Ads": -5,
        }
    },
    a_vanished_assignment: {
        "vanished": {
            f"{metric} 2025-11-04 Google Ads": -1 for metric in ("assigned_rows", "m0_assigned", "m0_attended")
        }
    },
    a_reexport_with_one_more: {
        "zoom_reexport": {
            "registrations 2025-11-04 Webinar": 1,
            "attendances 2025-11-04 Webinar": 1,
            "m0_attended 2025-11-05 Other Sources (Miscellaneous)": 1,
        }
    },
    the_first_report_of_an_older_webinar: {
        "late": {
            "registrations 2025-11-05 Webinar": 1,
            "attendances 2025-11-05 Webinar": 1,
            "m0_attended 2025-11-05 Other Sources (Miscellaneous)": 1,
        }
    },
    the_first_registration_report_comes_late: {"late": {"registrations 2025-11-04 Webinar": 1}},
    a_mapping_edit: {
        "mapping": {
            f"{metric} 2025-11-05 {funnel}": sign
            for metric in ("assigned_rows", "m0_assigned")
            for funnel, sign in (("Referral", 1), ("Other Sources (Miscellaneous)", -1))
        }
    },
    a_campaign_mapping_edit: {
        "mapping": {
            "leads 2025-11-04 Google Ads": -2,
            "leads 2025-11-04 Referral": 2,
            "new_leads 2025-11-04 Google Ads": -1,
            "new_leads 2025-11-04 Referral": 1,
        }
    },
    a_manual_mapping: {
        "manual_mapping": {
            "sales 2025-11-04 Meta Ads": -1,
            "sales 2025-11-04 Referral": 1,
            "revenue_inr 2025-11-04 Meta Ads": -100050,
            "revenue_inr 2025-11-04 Referral": 100050,
        }
    },
    another_rule_of_what_counts: {
        "config": {
            "sales 2025-11-04 Meta Ads": -1,
            "sales 2025-11-05 Google Ads": -1,
            "revenue_inr 2025-11-04 Meta Ads": -100050,
            "revenue_inr 2025-11-05 Google Ads": -9900,
        }
    },
    a_placeholder_phone: {
        "config": {
            "m0_assigned 2025-11-03 Meta Ads": -1,
            "m0_attended 2025-11-03 Meta Ads": -1,
            "new_leads 2025-11-04 Google Ads": 1,
        }
    },
}
