"""Each rule of the sheet: what it shows, what mart has, and the reason, where nothing else differs."""

from collections.abc import Callable

import pytest

from funnel_etl.core.tables.reasons import EXCLUSIONS
from funnel_etl.marts.parity.reasons import M0_RULES, PARITY_REASONS, SALES_RULES, SPEND_RULES
from funnel_etl_tests.unit.marts.parity.conftest import SALES_HEADER, Sheet

Made = Callable[..., Sheet]
PLAIN = "fb,2026-11-03 10:00,9876500009,Asha\n"


@pytest.mark.parametrize(
    ("leads", "given", "differences"),
    [
        pytest.param(PLAIN, {}, {}, id="a_plain_lead_is_the_same_in_both"),
        pytest.param(
            "fb,2026-11-01 00:00:00,9876500001,Asha\n",
            {},
            {("9876500001", "(row)"): (None, "Meta Ads", "strict_midnight")},
            id="a_lead_at_midnight_of_the_1st_is_lost",
        ),
        pytest.param(
            "fb,2026-11-16 00:05,9876500001,Asha\n",
            {},
            {("9876500001", "(row)"): ("Meta Ads", None, "no_upper_bound")},
            id="a_lead_of_today_is_in",
        ),
        pytest.param(
            "fb,2025-11-20 10:00,9876500001,Asha\n",
            {"sheet_year": 2025},
            {("9876500001", "(row)"): ("Meta Ads", None, "year_typed")},
            id="the_typed_year_is_last_year_s",
        ),
        pytest.param(
            "fb,2026-10-20 10:00,9876500001,Asha\n",
            {"as_of": "2026-11-01"},
            {("9876500001", "(row)"): ("Meta Ads", None, "month_lag")},
            id="on_the_2nd_it_is_still_october",
        ),
        pytest.param(
            "fb,2026-10-20 10:00,9876500001,Asha\n", {"as_of": "2026-11-02"}, {}, id="on_the_3rd_it_is_november"
        ),
        pytest.param("fb,2026-10-20 10:00,9876500001,Asha\n", {"as_of": "2026-10-31"}, {}, id="on_the_1st_october"),
        pytest.param(
            "fb,2025-12-20 10:00,9876500001,Asha\n",
            {"as_of": "2026-01-01"},
            {("9876500001", "(row)"): ("Meta Ads", None, "month_lag")},
            id="on_the_2nd_of_january_it_is_december_of_last_year",
        ),
        pytest.param(
            "fb,2026-11-05 10:00,9876500001,Late\nfb,2026-11-03 10:00,9876500001,Early\n",
            {},
            {("9876500001", "employee"): ("Late", "Early", "sheet_order_employee")},
            id="the_employee_is_the_first_in_sheet_order",
        ),
        pytest.param(
            PLAIN,
            {"zoom": "+91 98765 00009,false,o\n9876500009,true,o\n"},
            {("9876500009", "attended"): ("No", "Yes", "first_row_attended")},
            id="attended_is_the_first_zoom_row_s",
        ),
        pytest.param(
            PLAIN,
            {"zoom": ",true,o,asha@b.in\n", "campaign_leads": "asha@b.in,9876500009\n"},
            {("9876500009", "attended"): ("", "Yes", "phone_by_email")},
            id="attended_by_the_phone_of_a_campaign_lead",
        ),
        pytest.param(
            PLAIN,
            {"zoom": "9876500009,true,o\n,false,o,asha@b.in\n", "campaign_leads": "asha@b.in,9876500009\n"},
            {},
            id="a_campaign_lead_s_phone_that_changes_nothing_is_no_difference",
        ),
        pytest.param(
            " fb,2026-11-03 10:00,9876500001,Asha\n",
            {},
            {
                ("9876500001", "funnel"): (
                    "Other Sources (Miscellaneous)",
                    "Meta Ads",
                    "lookup_not_trimmed",
                )
            },
            id="a_blank_before_the_source_finds_nothing",
        ),
        pytest.param(
            "fb,2026-11-03 10:00,+971 50 123 4567,Asha\n",
            {},
            {
                ("1501234567", "(row)"): ("Meta Ads", None, "phone_rule"),
                ("+971501234567", "(row)"): (None, "Meta Ads", "phone_rule"),
            },
            id="a_phone_abroad_loses_its_country",
        ),
        pytest.param(
            "fb,2026-11-03 10:00,NA,Asha\nfb,2026-11-04 10:00,,Asha\n",
            {},
            {("", "(row)"): ("Meta Ads", None, "phone_rule")},
            id="all_leads_without_a_phone_are_one",
        ),
        pytest.param(
            ",2026-11-03 10:00,9876500001,Asha\n",
            {},
            {("9876500001", "funnel"): ("", "(no source)", "blank_source")},
            id="a_blank_source_shows_nothing",
        ),
        pytest.param(
            PLAIN,
            {
                "funnel_mapping": "source,funnel,valid_from,valid_to,note\n"
                "fb,Webinar,,2026-10-31,\nfb,Meta Ads,2026-11-01,,\n"
            },
            {("9876500009", "funnel"): ("Webinar", "Meta Ads", "dated_mapping")},
            id="the_mapping_s_first_line_whatever_the_day",
        ),
        pytest.param(
            "Web*,2026-11-03 10:00,9876500001,Asha\n",
            {},
            {("9876500001", "funnel"): ("Webinar", "Other Sources (Miscellaneous)", "wildcard_criterion")},
            id="a_star_in_a_source_finds_what_it_fits",
        ),
        pytest.param(
            "fb,soon,9876500001,Asha\n",
            {},
            {("9876500001", "(row)"): ("Meta Ads", None, "unparsed_date")},
            id="a_date_that_is_a_text_is_after_every_date",
        ),
        pytest.param(
            "fb,46330.5,9876500001,Asha\n",
            {},
            {("9876500001", "(row)"): ("Meta Ads", None, "unparsed_date")},
            id="an_excel_serial_is_a_date_for_the_sheet",
        ),
        pytest.param("fb,,9876500001,Asha\n", {}, {}, id="a_blank_date_is_in_neither"),
        pytest.param(
            PLAIN,
            {"funnel_mapping": "source,funnel,valid_from,valid_to,note\nfb,meta ads,,,\n"},
            {("9876500009", "funnel"): ("meta ads", "Meta Ads", "funnel_spelling")},
            id="the_funnel_as_the_mapping_spells_it",
        ),
        pytest.param(
            "Web List,2026-11-03 10:00,9876500001,Asha\n",
            {"funnel_mapping": "source,funnel,valid_from,valid_to,note\n Web List,Webinar,,,\nfb,Meta Ads,,,\n"},
            {
                ("9876500001", "funnel"): (
                    "Other Sources (Miscellaneous)",
                    "Webinar",
                    "lookup_not_trimmed",
                )
            },
            id="a_blank_before_the_source_in_the_mapping_is_not_found_either",
        ),
        pytest.param(
            "fb,2026-11-03 10:00,9876500002/9876500001,Asha\n",
            {"zoom": "9876500002,true,o\n"},
            {
                ("9876500001", "(row)"): ("Meta Ads", None, "phone_rule"),
                ("9876500002", "(row)"): (None, "Meta Ads", "phone_rule"),
            },
            id="of_two_phones_the_sheet_has_the_last",
        ),
        pytest.param(
            "fb,2026-11-03 10:00,9876500001,Asha  Rao\n",
            {},
            {("9876500001", "employee"): ("Asha  Rao", "Asha Rao", "text_not_trimmed")},
            id="white_space_in_an_employee_as_typed",
        ),
        pytest.param(
            "fb,2026-11-03 10:00,9876500001\n",
            {},
            {("9876500001", "(row)"): ("Meta Ads", None, "row_quarantined")},
            id="a_broken_row_is_in_the_sheet",
        ),
        pytest.param(
            "fb,2026-11-03 10:00,9876500001,<test lead: dummy data for employee>\n",
            {},
            {("9876500001", "(row)"): ("Meta Ads", None, "test_lead")},
            id="a_test_lead_is_in_the_sheet",
        ),
        pytest.param(
            PLAIN,
            {"aged": "9876500001,9876500001,2026-11-02 10:00,2026-11-02,fb,Meta Ads,Asha\n"},
            {("9876500001", "(row)"): (None, "Meta Ads", "aged_out")},
            id="what_left_the_dump_is_gone_from_the_sheet",
        ),
    ],
)
def test_m0(sheet: Made, leads: str, given: dict, differences: dict) -> None:
    extra = "" if leads.startswith(PLAIN) or "as_of" in given else PLAIN
    assert sheet(leads + extra, **given).reasons("m0") == differences


SALE = "S1,paid,2026-11-03 10:00,9876500001,100,fb,{}\n"


@pytest.mark.parametrize(
    ("sales", "manual", "differences"),
    [
        pytest.param(SALE.format("Webinar"), None, {}, id="a_plain_sale_is_the_same"),
        pytest.param(SALE.format("Other Sources (Miscellaneous)"), "walk in", {}, id="misc_mapped"),
        pytest.param(SALE.format("Other Sources (Miscellaneous)"), "who knows", {}, id="misc_not_mapped"),
        pytest.param(SALE.format("Other Sources (Miscellaneous)"), "  walk in", {}, id="misc_blanks_before"),
        pytest.param(SALE.format("Other Sources (Miscellaneous)"), "WALK in ", {}, id="misc_blank_behind"),
        pytest.param(SALE.format("Other Sources (Miscellaneous)"), "walk  in", {}, id="misc_blanks_doubled_inside"),
        pytest.param(
            SALE.format("Other Sources (Miscellaneous)"),
            "walk\u00a0in",
            {("S1", "final_funnel"): ("Other Sources (Miscellaneous)", "Webinar", "lookup_not_trimmed")},
            id="trim_leaves_white_space_that_is_no_blank",
        ),
        pytest.param(
            SALE.format(" other  sources (miscellaneous) "), "walk in", {}, id="misc_in_another_spelling_mapped"
        ),
        pytest.param(
            SALE.format(" other sources (miscellaneous) "),
            "who knows",
            {
                ("S1", "final_funnel"): (
                    " other sources (miscellaneous) ",
                    "Other Sources (Miscellaneous)",
                    "funnel_spelling",
                )
            },
            id="misc_not_mapped_shows_the_funnel_as_typed",
        ),
        pytest.param(
            SALE.format("Other\u00a0Sources (Miscellaneous)"),
            "walk in",
            {("S1", "final_funnel"): ("walk in", "Webinar", "lookup_not_trimmed")},
            id="misc_with_white_space_that_is_no_blank_is_no_misc_for_the_sheet",
        ),
        pytest.param(
            SALE.format("Meta Ads"),
            "  walk  in ",
            {("S1", "final_funnel"): ("  walk  in ", "Webinar", "manual_text_mapped")},
            id="a_mapped_value_shows_blanks_and_all",
        ),
        pytest.param(
            SALE.format("Webinar") + "Total,,2026-11-03 11:00,,105,,\n",
            None,
            {("Total", "(row)"): ("", None, "total_row")},
            id="a_total_is_a_sale_for_the_sheet",
        ),
        pytest.param(
            SALE.format("Webinar").replace("S1", "6.54E+23"),
            None,
            {("6.54E+23", "(row)"): ("Webinar", None, "row_quarantined")},
            id="a_sale_of_a_rounded_id_is_in_the_sheet",
        ),
        pytest.param(
            SALE.format("Meta Ads"),
            "walk in",
            {("S1", "final_funnel"): ("walk in", "Webinar", "manual_text_mapped")},
            id="a_mapped_value_shows_as_typed",
        ),
        pytest.param(
            SALE.format("Meta Ads"),
            "who knows",
            {("S1", "final_funnel"): ("who knows", "Meta Ads", "manual_value_unmapped")},
            id="an_unknown_value_shows_as_typed",
        ),
        pytest.param(
            SALE.format("Meta Ads"),
            "wa*",
            {("S1", "final_funnel"): ("wa*", "Meta Ads", "manual_value_unmapped")},
            id="a_pattern_in_a_value_is_not_looked_up_for_a_sale_with_a_funnel",
        ),
        pytest.param(
            SALE.format("Webinar").replace("S1", "") + SALE.format("Meta Ads").replace("S1", ""),
            None,
            {
                ("line 2", "(row)"): ("Webinar", None, "row_quarantined"),
                ("line 3", "(row)"): ("Meta Ads", None, "row_quarantined"),
            },
            id="sales_without_an_id_do_not_repeat_each_other",
        ),
        pytest.param(
            SALE.format("Other Sources (Miscellaneous)"),
            "Webinar",
            {("S1", "final_funnel"): ("Other Sources (Miscellaneous)", "Webinar", "manual_funnel_name")},
            id="a_funnel_s_name_is_ignored_for_misc",
        ),
        pytest.param(
            SALE.format("Meta Ads"),
            " ",
            {("S1", "final_funnel"): (" ", "Meta Ads", "blank_manual")},
            id="one_space_shows_as_one_space",
        ),
        pytest.param(
            SALE.format("Webinar").replace("paid", "refunded"),
            None,
            {("S1", "(row)"): ("Webinar", None, "uncounted_sale")},
            id="a_refunded_sale_is_in_the_sheet",
        ),
        pytest.param(
            SALE.format("Webinar").replace("11-03", "11-16"),
            None,
            {("S1", "(row)"): ("Webinar", None, "no_upper_bound")},
            id="a_sale_of_today_is_in_the_sheet",
        ),
        pytest.param(
            SALE.format(""),
            None,
            {("S1", "final_funnel"): ("", "Meta Ads", "blank_funnel")},
            id="a_blank_funnel_shows_nothing",
        ),
        pytest.param(
            SALE.format("webinar"),
            None,
            {("S1", "final_funnel"): ("webinar", "Webinar", "funnel_spelling")},
            id="the_funnel_as_the_row_spells_it",
        ),
        pytest.param(
            SALE.format("Meta Ads") + SALE.format("Webinar"),
            None,
            {("S1 line 2", "(row)"): ("Meta Ads", None, "duplicate_row")},
            id="each_row_of_a_doubled_sale_shows",
        ),
        pytest.param(
            SALE.format("Webinar").replace("100", "many"),
            None,
            {("S1", "(row)"): ("Webinar", None, "row_quarantined")},
            id="a_sale_of_an_unreadable_amount_is_in_the_sheet",
        ),
        pytest.param(
            SALE.format("Webinar").replace("2026-11-03 10:00", "soon"),
            None,
            {("S1", "(row)"): ("Webinar", None, "unparsed_date")},
            id="a_sale_at_no_readable_time_is_in_the_sheet",
        ),
    ],
)
def test_sales(sheet: Made, sales: str, manual: str | None, differences: dict) -> None:
    typed = f'S1,"{manual}",\n' if manual is not None else ""
    plain = "S9,paid,2026-11-02 10:00,9876500009,5,fb,Webinar\n"
    found = sheet(sales=sales + plain, manual_mapping="sale_id,manual_value,note\n" + typed)
    assert found.reasons("sales") == differences


def test_rows_on_the_same_line_of_two_pages_are_two(sheet: Made) -> None:
    again = SALE.format("Meta Ads") + SALE.format("Webinar") + SALE.format("App")
    found = sheet(sales=again, page=1)
    assert found.reasons("sales") == {
        ("S1 line 2", "(row)"): ("Meta Ads", None, "duplicate_row"),
        ("S1 line 2 (2)", "(row)"): ("Webinar", None, "duplicate_row"),
    }


def test_attended_of_a_sale_is_the_first_zoom_row_s(sheet: Made) -> None:
    found = sheet(sales=SALE.format("Webinar"), zoom="9876500001,false,o\n9876500001,true,o\n")
    assert found.reasons("sales") == {("S1", "attended"): ("No", "Yes", "first_row_attended")}


def test_attended_of_a_sale_may_be_by_the_phone_of_a_campaign_lead(sheet: Made) -> None:
    lent = {"zoom": ",true,o,asha@b.in\n", "campaign_leads": "asha@b.in,9876500001\n"}
    found = sheet(sales=SALE.format("Webinar"), **lent)
    assert found.reasons("sales") == {("S1", "attended"): ("", "Yes", "phone_by_email")}


def test_the_phone_of_a_sale_with_two_is_another_in_the_sheet(sheet: Made) -> None:
    two = SALE.format("Webinar").replace("9876500001", "9876500001|9876500002")
    found = sheet(sales=two, zoom="9876500001,false,o\n")
    assert found.reasons("sales") == {("S1", "attended"): ("", "No", "phone_rule")}


def test_without_a_funnel_column_the_sheet_derives_it_for_every_row(sheet: Made) -> None:
    header = "_id,status,createdOn,StudentContact,netAmount,assignedLeadSources\n"
    row = "S1,paid,2026-11-03 10:00,9876500001,100,fb\n"
    found = sheet(sales=row + row, sales_header=header)
    assert found.sales["final_funnel"].tolist() == ["Meta Ads", "Meta Ads"]
    assert found.reasons("sales") == {("S1 line 2", "(row)"): ("Meta Ads", None, "duplicate_row")}


@pytest.mark.parametrize(
    ("spend", "given", "differences"),
    [
        pytest.param("2026-11-03,10,Webinar\n", {}, {}, id="plain_spend_is_the_same"),
        pytest.param(
            "2026-11-16,10,Webinar\n",
            {},
            {("Webinar", "spend_inr"): ("10.00", "0.00", "no_upper_bound")},
            id="spend_of_today_is_in_the_sheet",
        ),
        pytest.param(
            "2026-11-03,10,Radio\n2026-11-03,5,\n",
            {},
            {("Unmapped", "(row)"): (None, "15.00", "unmapped_spend")},
            id="unmapped_spend_vanishes",
        ),
        pytest.param(
            "2026-11-03,10, Webinar\n",
            {},
            {("Webinar", "spend_inr"): ("0.00", "10.00", "lookup_not_trimmed")},
            id="a_blank_before_the_funnel_finds_nothing",
        ),
        pytest.param(
            "2026-11-03,10,Meta Ads\n2026-11-03,7,Meta *\n",
            {"funnels": "funnel\nMeta Ads\nMeta *\nWebinar\n"},
            {("Meta *", "spend_inr"): ("17.00", "7.00", "wildcard_criterion")},
            id="a_star_in_a_funnel_takes_the_others_too",
        ),
        pytest.param(
            "2026-11-03,₹ 10,Webinar\n2026-11-03,5,Webinar\n",
            {},
            {("Webinar", "spend_inr"): ("5.00", "15.00", "text_amount")},
            id="a_cost_with_a_rupee_sign_is_a_text",
        ),
        pytest.param(
            '2026-11-03,"1.234,56",Webinar\n2026-11-03,"98,75",Webinar\n',
            {},
            {("Webinar", "spend_inr"): ("9875.00", "1333.31", "decimal_comma")},
            id="a_decimal_comma_means_nothing_to_the_sheet",
        ),
        pytest.param(
            '2026-11-03,"12,50",Webinar\n2026-11-03,5,Webinar\n',
            {},
            {("Webinar", "spend_inr"): ("1255.00", "5.00", "row_quarantined")},
            id="a_comma_that_groups_nothing_is_dropped_by_the_sheet",
        ),
        pytest.param(
            "2026-11-03,5000000000000,Webinar\n2026-11-03,5,Webinar\n",
            {},
            {},
            id="a_cost_too_large_for_a_column_adds_nothing_on_either_side",
        ),
        pytest.param(
            "2026-11-03,0.004,Webinar\n2026-11-03,0.004,Webinar\n",
            {},
            {("Webinar", "spend_inr"): ("0.01", "0.00", "row_rounding")},
            id="the_sheet_rounds_nothing_before_the_sum",
        ),
        pytest.param(
            "2026-11-03,10,Webinar\n2026-11-03,5,Webinar\nTotal,15,Webinar\n",
            {},
            {("Webinar", "spend_inr"): ("30.00", "15.00", "total_row")},
            id="a_total_is_spend_for_the_sheet",
        ),
        pytest.param(
            ",10,Webinar\n2026-11-03,5,Webinar\n",
            {},
            {("Webinar", "spend_inr"): ("15.00", "5.00", "unparsed_date")},
            id="spend_of_no_day_is_in_the_sheet",
        ),
        pytest.param('2026-11-03,"(1,234.50)",Webinar\n', {}, {}, id="brackets_are_less_than_nothing_in_both"),
        pytest.param(
            "soon,10,Webinar\n2026-11-03,5,Webinar\n",
            {},
            {("Webinar", "spend_inr"): ("15.00", "5.00", "unparsed_date")},
            id="spend_of_no_readable_day_is_in_the_sheet",
        ),
    ],
)
def test_spend(sheet: Made, spend: str, given: dict, differences: dict) -> None:
    assert sheet(spend=spend, **given).reasons("spend_by_funnel") == differences


def test_every_rule_is_a_reason_that_is_told_and_every_reason_is_a_rule() -> None:
    steps = {*M0_RULES, *SALES_RULES, *SPEND_RULES, "month_closed"}
    assert steps == set(PARITY_REASONS)
    assert all(PARITY_REASONS.values())
    assert "month_closed" in EXCLUSIONS


def test_a_phone_of_a_second_column_is_a_difference_by_the_phone_rule(sheet: Made) -> None:
    """The sheet looks into its own column only; without a reason the night would not be published."""
    header = SALES_HEADER.strip() + ",StudentContact\n"
    sales = "s1,success,2026-11-03 10:00,,100,fb,Meta Ads,9876500001\n"
    made = sheet(sales=sales, sales_header=header, zoom="9876500001,true,o\n")
    assert made.reasons("sales")[("s1", "attended")][2] == "phone_rule"
