"""Every table and column is described, named by its suffix, and there as BI was promised."""

import re

import pytest

from funnel_etl.assembly import TABLES
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.observe.changes.contracts import CHANGED_ROWS, CHANGES
from funnel_etl.parts.marketing.contracts import SPEND_SOURCE
from funnel_etl.parts.sales.contracts import SALES_SOURCE
from funnel_etl.platform.contracts import FILES, LINE_RUNS, MERGED_ROWS, QUARANTINE, ROW_LEDGER, SCHEMA_DRIFT
from funnel_etl_tests.whole import defs

BY_NAME = {table.full_name: table for table in TABLES}
each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)


def named_by_us(table: Table) -> list[Column]:
    """The cells of a flat raw table have the names of their source, all others ours."""
    return [c for c in table.columns if not c.description.startswith("Source column ")]


PROMISED = {
    "raw.tofu_leads": "Name Email City utmSource utmMedium utmCamp",
    "raw.crm_assigned_leads": "sources assignOn leadMobile employee",
    "raw.crm_sales": "_id status createdOn StudentContact netAmount assignedLeadSources Funnel",
    "raw.ad_spend": "date_time cost Funnel",
    "raw.zoom_attendee_rows": "",
    "raw.zoom_registrant_rows": "",
    "clean.tofu_leads": "lead_id name email phone phone_raw phone_class user_id city question_1 utm_source utm_medium "
    "utm_campaign funnel created_at created_date is_first_lead",
    "clean.webinars": "occurrence_id webinar_id started_at event_date topic duration_minutes source_tag profile "
    "product category conductor conductor_source bootcamp_day day_source registered_count attended_count "
    "has_registration_report has_attendee_report",
    "clean.zoom_registrations": "occurrence_id webinar_id person_key user_name first_name last_name email phone "
    "phone_class user_id registered_at registered_date approval_status registration_source attendance_type source_tag "
    "funnel",
    "clean.zoom_attendance": "occurrence_id webinar_id person_key attended user_name first_name last_name email phone "
    "phone_class phone_source user_id registered_at approval_status registration_source attendance_type joined_at "
    "left_at minutes_max minutes_sum minutes_union segment_count is_guest country source_tag category conductor "
    "bootcamp_day funnel attended_date",
    "clean.zoom_segments": "occurrence_id person_key joined_at left_at minutes",
    "clean.bootcamp_participation": "bootcamp_id person_key phone bootcamp_days",
    "clean.ad_spend": "date_time campaign ad_group impressions clicks cost account_descriptive_name total_revenue "
    "spend_date cost_inr funnel funnel_raw",
    "clean.assigned_leads": "source assigned_at assigned_date phone phone_raw phone_class user_id employee funnel",
    "clean.sales": "sale_id status txn_id net_amount_inr assigned_lead_sources funnel phone phone_class sold_at "
    "sold_date revenue_inr is_counted manual_mapping final_funnel final_funnel_rule",
    "clean.crm_history": "dataset key valid_from valid_to change changed_columns row",
    "mart.attributed_m0": "month phone user_id source funnel assigned_at first_employee current_employee "
    "assignment_count attended attended_before_assignment first_attended_at attended_count",
    "mart.touches": "phone touch_at touch_date stage source funnel file_id source_row",
    "mart.attributed_sales": "sale_id sold_date phone final_funnel final_funnel_rule revenue_inr employee attended "
    "attended_before_sale m0_month m0_funnel first_touch_at first_touch_stage first_touch_funnel days_to_convert",
    "mart.spend_by_funnel": "month funnel spend_inr impressions clicks",
    "mart.funnel_facts": "date funnel leads new_leads registrations attendances assigned_rows m0_assigned m0_attended "
    "sales revenue_inr spend_inr impressions clicks",
    "mart.funnel_monthly": "month funnel leads registrations attendances sales revenue_inr spend_inr registration_rate "
    "attendance_rate assignment_rate conversion_rate cpl_inr cost_per_attendee_inr cac_inr roas",
    "mart.data_version": "version as_of published_at code_version config_version marketing_complete_through "
    "sales_complete_through",
    "ops.files": "file_id source kind name received_at bytes rows status reason occurrence_id landing_path",
    "ops.row_ledger": "run_id asset rows_in rows_out merged quarantined excluded cell_warnings",
    "ops.quarantine": "asset file_id source_row reason detail fix_hint row first_seen_at resolved_at",
    "ops.merged_rows": "file_id source_row into_file_id into_source_row",
    "ops.config_versions": "name status errors",
    "ops.nights": "version as_of published_at",
    "ops.completeness": "source complete_through last_received_at status what_to_do who_does_it as_of",
    "ops.missing_exports": "occurrence_id profile expected_date report age_hours what_to_do",
}
"""What BI users and acceptance checks query: add to it freely, take nothing away without a changelog entry."""


def test_no_two_tables_have_the_same_name() -> None:
    assert len(BY_NAME) == len(TABLES) > 20


@each_table
def test_a_table_says_its_grain_and_it_is_one_row_per_something(table: Table) -> None:
    assert table.grain.startswith("One row")
    assert table.description.endswith(".")
    assert table.key


@each_table
def test_every_column_is_described_in_a_sentence(table: Table) -> None:
    assert [c.name for c in table.columns if len(c.description) < 5 or not c.description.endswith(".")] == []


SUFFIXES = {
    r".*_at": Kind.TIMESTAMP,
    r"(.*_)?date": Kind.DATE,
    r"(.*_)?month": Kind.DATE,
    r".*_inr": Kind.MONEY,
    r"(is|has)_.*": Kind.BOOLEAN,
    r".*_count": Kind.INTEGER,
}


@each_table
def test_a_suffix_means_one_kind(table: Table) -> None:
    wrong = [
        f"{column.name} is {column.kind.value}"
        for column in named_by_us(table)
        for suffix, kind in SUFFIXES.items()
        if re.fullmatch(suffix, column.name) and column.kind is not kind
    ]
    assert wrong == []


@each_table
def test_a_key_is_of_kinds_that_are_equal_to_postgresql_when_they_are_to_arrow(table: Table) -> None:
    """As the publisher takes a difference: JSON may be spelled otherwise, and 0 is -0."""
    kinds = {table.by_name[name].kind for name in table.key}
    assert kinds <= {Kind.TEXT, Kind.INTEGER, Kind.DATE, Kind.TIMESTAMP}


OF_A_METRIC = {
    CHANGES: {"difference", "previous_value", "current_value"},
    CHANGED_ROWS: {"before_value", "after_value"},
}
"""Columns that are rupees or a count, as the row's metric is."""
NAMES_OF_KINDS = {Kind.MONEY: r".*_inr", Kind.BOOLEAN: r"(is|has)_.*|attended(_before_.*)?|in_force|only_after_.*"}


@each_table
def test_money_and_booleans_are_named_as_such(table: Table) -> None:
    wrong = {c.name for c in named_by_us(table) if not re.fullmatch(NAMES_OF_KINDS.get(c.kind, ".*"), c.name)}
    assert wrong - OF_A_METRIC.get(table, set()) == set()


PERSONAL = re.compile(
    r"(.*_)?(phone|phone_raw|phone_alternates|email|user_name|first_name|last_name|student_name|student_contact|"
    r"student_email|user_id|person_key|leadMobile)|row|questions"
)


@each_table
def test_a_column_that_may_tell_who_somebody_is_is_marked(table: Table) -> None:
    cells_of_a_file = {c.name for c in table.columns} - {c.name for c in named_by_us(table)}
    names_of_people = {"name"} if table.full_name == "clean.tofu_leads" else set()
    texts = [c for c in table.columns if c.kind is not Kind.INTEGER]  # a count of questions is nobody's answer
    telling = {c.name for c in texts if PERSONAL.fullmatch(c.name)} | cells_of_a_file | names_of_people
    assert telling - {c.name for c in table.columns if c.personal} == set()


def test_the_scans_of_columns_see_them() -> None:
    assert len(named_by_us(BY_NAME["raw.crm_sales"])) == 4, "trace, problem, overflow"
    assert sum(len(named_by_us(table)) for table in TABLES) > 300
    assert sum(c.personal for table in TABLES for c in table.columns) > 100


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_column_is_there(name: str) -> None:
    assert set(PROMISED[name].split()) - set(BY_NAME[name].names) == set()


def test_every_column_of_the_crm_and_the_spend_sheet_has_its_typed_one() -> None:
    assert len(SALES_SOURCE) == 44
    assert len(SPEND_SOURCE) == 43
    for source, table in ((SALES_SOURCE, "clean.sales"), (SPEND_SOURCE, "clean.ad_spend")):
        typed = [c for c in BY_NAME[table].columns if re.match(r"(CRM|Sheet) column '", c.description)]
        # Funnel is described by its rule, not as a column of the source.
        assert len(typed) == len(source) - 1


@pytest.mark.parametrize(
    "table", [t for t in TABLES if t.schema in {"raw", "clean"}], ids=lambda table: table.full_name
)
def test_every_row_of_raw_and_clean_can_be_walked_back_to_a_line_of_a_file(table: Table) -> None:
    of_files = {"raw.zoom_reports", "raw.zoom_engagement_files"}
    wanted = {"file_id"} if table.full_name in of_files else {"file_id", "source_row"}
    assert all(table.by_name[name].required for name in wanted)


@pytest.mark.parametrize(
    "table",
    [t for t in TABLES if t.schema == "clean" and "phone" in t.by_name],
    ids=lambda table: table.full_name,
)
def test_wherever_clean_has_a_phone_it_says_how_the_phone_was_read(table: Table) -> None:
    assert {"phone_raw", "phone_class", "phone_note", "phone_alternates"} <= set(table.names)
    assert table.by_name["phone_alternates"].kind is Kind.TEXT_ARRAY


def test_a_table_and_its_asset_have_the_same_key_and_every_table_but_the_ledgers_is_an_asset() -> None:
    keys = {tuple(key.path) for key in defs.resolve_asset_graph().get_all_asset_keys()}
    for table in TABLES:
        if table.schema != "ops":
            assert tuple(table.asset_key) in keys, f"{table.full_name} has no asset"
    named = {key for key in keys if key[0] in {"raw", "clean", "mart", "ops"}}
    assert named - {tuple(table.asset_key) for table in TABLES} == set()


def test_what_no_night_makes_is_live_and_what_is_live_no_night_makes() -> None:
    """Files, ledger, quarantine, merged rows, lines, drift: accounts of a publication; landing has what they tell."""
    keys = {tuple(key.path) for key in defs.resolve_asset_graph().get_all_asset_keys()}
    accounts = {table.full_name for table in (FILES, ROW_LEDGER, QUARANTINE, MERGED_ROWS, LINE_RUNS, SCHEMA_DRIFT)}
    live = {table.full_name for table in TABLES if table.live}
    assert "ops.alerts" in live
    assert live == {t.full_name for t in TABLES if tuple(t.asset_key) not in keys} - accounts
