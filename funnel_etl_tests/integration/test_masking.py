# ruff: noqa: S608 - the SQL of this file is made of its own constants
"""The masked views: same columns, nobody's phone or e-mail, joinable, for a login that may read nothing else."""

import hmac
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from funnel_etl.assembly import TABLES
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.masking import MASKED, PLAIN, is_typed, masked_tables, masks
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl.platform.postgres.short_locks import run
from funnel_etl_tests.servers import administer

pytestmark = pytest.mark.slow

PHONE = "9876500001"
BI = "funnel_bi_of_a_test"


@pytest.fixture(scope="module")
def engine(postgres: EmbeddedServer, template_database: str) -> Iterator[sa.Engine]:
    """A database with every table, made once: each test's changes are taken back."""
    administer(postgres.url("postgres"), f"CREATE DATABASE masking TEMPLATE {template_database}")
    made = database.engine(postgres.url("masking"))
    ensure_schema(made, TABLES)
    yield made
    made.dispose()
    administer(postgres.url("postgres"), "DROP DATABASE masking WITH (FORCE)")


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as made:
        made.exec_driver_sql(
            "INSERT INTO mart.attributed_m0 (month, phone, user_id, funnel, assigned_at, assigned_date, "
            "assignment_count, attended, attended_before_assignment, attended_count, file_id, source_row) VALUES "
            f"('2026-11-01', '{PHONE}', '91{PHONE}', 'Webinar', now(), '2026-11-02', 1, 'no', false, 0, 'f', 2)"
        )
        made.exec_driver_sql(
            "INSERT INTO mart.attributed_sales (sale_id, sold_date, phone, final_funnel, final_funnel_rule, attended, "
            "attended_before_sale, attended_count, file_id, source_row) VALUES "
            f"('S1', '2026-11-03', '{PHONE}', 'Webinar', 'crm_funnel', 'no', false, 0, 'f', 2), "
            "('S2', '2026-11-03', NULL, 'Webinar', 'crm_funnel', 'not_found', false, 0, 'f', 3)"
        )
        yield made
        made.rollback()


def ask(connection: sa.Connection, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(sql)]


def test_every_table_of_mart_has_its_view_with_the_same_columns_each_described(connection: sa.Connection) -> None:
    shown = masked_tables(TABLES)
    published = [table for table in TABLES if table.schema == "mart" and not table.lake_only]
    of_mart = {table.name for table in published if not table.restricted}
    assert {table.name for table in shown} == of_mart
    for table in shown:
        found = ask(
            connection,
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
            f"WHERE attrelid = 'mart_masked.{table.name}'::regclass AND attnum > 0 ORDER BY attnum",
        )
        assert [name for name, _ in found] == table.names
        assert all(comment for _, comment in found)


def test_a_mask_is_the_hmac_of_the_phone_and_its_last_four_digits(connection: sa.Connection) -> None:
    ((inner,),) = ask(connection, "SELECT inner_key FROM ops.mask_key")
    key = bytes(b ^ 0x36 for b in bytes.fromhex(str(inner)))
    digest = hmac.new(key.rstrip(b"\0"), PHONE.encode(), "sha256").hexdigest()
    assert ask(connection, "SELECT phone FROM mart_masked.attributed_m0") == [(f"{digest[:24]}-{PHONE[-4:]}",)]


def test_masked_tables_join_and_what_has_no_phone_has_no_mask(connection: sa.Connection) -> None:
    joined = "SELECT sale_id FROM mart_masked.attributed_m0 JOIN mart_masked.attributed_sales USING (phone)"
    assert ask(connection, joined) == [("S1",)]
    assert ask(connection, "SELECT sale_id FROM mart_masked.attributed_sales WHERE phone IS NULL") == [("S2",)]


def test_no_phone_is_anywhere_in_the_view(connection: sa.Connection) -> None:
    rows = ask(connection, "SELECT t::text FROM mart_masked.attributed_m0 AS t")
    assert len(rows) == 1
    assert PHONE not in str(rows)


def test_a_bi_login_reads_the_masks_and_neither_the_phones_nor_the_key(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"CREATE ROLE {BI}")
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA mart_masked TO {BI}")
    connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA mart_masked TO {BI}")
    connection.exec_driver_sql(f"SET LOCAL ROLE {BI}")
    assert len(ask(connection, "SELECT * FROM mart_masked.attributed_m0")) == 1
    for forbidden in (table.full_name for table in TABLES if not table.lake_only):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), connection.begin_nested():
            connection.exec_driver_sql(f"SELECT * FROM {forbidden}")
    connection.exec_driver_sql("RESET ROLE")
    connection.exec_driver_sql(f"DROP OWNED BY {BI}")
    connection.exec_driver_sql(f"DROP ROLE {BI}")


def mask(connection: sa.Connection, value: str) -> str:
    """The mask of a value, by Python's own HMAC."""
    ((inner,),) = ask(connection, "SELECT inner_key FROM ops.mask_key")
    key = bytes(b ^ 0x36 for b in bytes.fromhex(str(inner))).rstrip(b"\0")
    return f"{hmac.new(key, value.encode(), 'sha256').hexdigest()[:24]}-{value[-4:]}"


SPELLINGS = [
    "9876500001", "98765 00001", "98765-00001", "987-650-0001", "98765.00001", "(98765) 00001", "98 76 50 00 01",
    "9 8 7 6 5 0 0 0 0 1", "98765 - 00001", "98765\u00a000001", "98765\u201100001", "98765\u200b00001", "98765\n00001",
    "+919876500001", "+91 98765 00001", "+91-98765-00001", "(+91) 98765 00001", "+91 (0) 98765 00001", "09876500001",
    "0091 98765 00001", "919876500001", "91 98765 00001", "91919876500001", "p:+919876500001", "fb_9876500001_x",
    "Ravi9876500001", "call 98765 00001 after 6 PM", "12-11-2026 19:30 98765 00001", "98765 00001 / 98765 00002",
    "९८७६५००००१", "９８７６５００００１", "+९१ ९८७६५ ००००१", "कॉल ९८७६५-००००१", "𝟗𝟖𝟕𝟔𝟓𝟎𝟎𝟎𝟎𝟏", "٩٨٧٦٥٠٠٠٠١",
    "+971 50 123 4567", "00971501234567", "+44 7911 123456", "+1 (415) 555-2671", "(415) 555-2671", "0484-2345678",
    "a@example.test", "Asha <asha.v+x@example.co.in>", "ASHA@EXAMPLE.TEST", "asha @ example.test",
    "mail:asha@example.test.",
    "ａｓｈａ＠example．test", "?e=asha%40example.test", "9876500001@upi", "आशा@उदाहरण.भारत", "x@y.io, a@b.io",
]  # fmt: skip
HARMLESS = [
    "Webinar", "Other Sources (Miscellaneous)", "fb_cfa_l1_nov26_12", "CFA Level 1, 12-11-2026 7:30 PM, batch 3",
    "2026-11-12 19:30 ACCA", "ACCA 12.11.2026 10.30", "20261112 0930 demo", "65f0a1b2c3d4e5f601234567",
    "@zoom live @ 7.30 PM",
    "65f9876500001c3d4e5f6abc", "120208374659120123", "ORD-2026-000123", "कॉमर्स फाउंडेशन 2026", "C++",
    "₹ 4,99,900", "", "A/B 50/50",
]  # fmt: skip


def shown(connection: sa.Connection, values: list[str]) -> dict[str, str]:
    """What the view shows of each value, typed as an employee."""
    connection.exec_driver_sql("DELETE FROM mart.handover_gaps")
    for number, value in enumerate(values):
        connection.execute(
            sa.text(
                "INSERT INTO mart.handover_gaps (gap_kind, phone, user_id, since_date, age_days, employee, file_id, "
                "source_row) VALUES ('attended_not_assigned', :p, :p, '2026-11-01', 1, :v, 'f', 2)"
            ),
            {"p": f"{number:04}", "v": value},
        )
    found = ask(connection, "SELECT b.employee, m.employee FROM mart.handover_gaps AS b JOIN mart_masked.handover_gaps "
                            "AS m ON right(m.phone, 4) = right(b.phone, 4)")  # fmt: skip
    return {str(before): str(after) for before, after in found}


def test_a_phone_or_an_email_that_was_typed_into_a_text_is_masked_in_any_spelling(connection: sa.Connection) -> None:
    """Phones typed as source, funnel, sale id, employee or topic were readable by every BI login."""
    assert shown(connection, SPELLINGS) == {value: mask(connection, value) for value in SPELLINGS}


def test_a_text_without_a_phone_or_an_email_is_shown_as_it_is(connection: sa.Connection) -> None:
    assert shown(connection, HARMLESS) == {value: value for value in HARMLESS}


def test_what_is_typed_masks_the_same_way_everywhere_so_that_views_still_join(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"UPDATE mart.attributed_m0 SET source = '{PHONE}', funnel = 'call {PHONE}'")
    connection.exec_driver_sql(f"UPDATE mart.attributed_sales SET final_funnel = 'call {PHONE}'")
    joined = "JOIN mart_masked.attributed_sales AS s ON s.final_funnel = m.funnel"
    assert ask(connection, f"SELECT m.source, m.phone, count(*) FROM mart_masked.attributed_m0 AS m {joined} "
                           "GROUP BY 1, 2") == [(mask(connection, PHONE), mask(connection, PHONE), 2)]  # fmt: skip


KINDS = {
    Kind.TEXT: [f"call {PHONE}", "nobody", None],
    Kind.TEXT_ARRAY: [["nobody", f"call {PHONE}", None], ["nobody"], [], None],
    Kind.JSON: [{"who": [f"+91 {PHONE}"]}, {"who": "nobody"}, None],
}


@pytest.mark.parametrize("kind", KINDS)
def test_texts_arrays_and_json_are_all_masked_by_what_they_hold(connection: sa.Connection, kind: Kind) -> None:
    columns = (Column("id", Kind.INTEGER, "Its number.", required=True), Column("note", kind, "What was typed."))
    [view] = masks([Table("mart", "notes", "One row per note", ("id",), columns)])
    connection.exec_driver_sql(f"CREATE TABLE mart.notes (id bigint, note {kind.value})")
    made = sa.Table("notes", sa.MetaData(), autoload_with=connection, schema="mart")
    for number, value in enumerate(KINDS[kind]):
        connection.execute(made.insert().values(id=number, note=sa.null() if value is None else value))
    run(connection, f"CREATE VIEW {view.quoted} AS {view.query}")
    found = [row[0] for row in ask(connection, "SELECT note FROM mart_masked.notes ORDER BY id")]
    assert PHONE not in str(found)
    assert found[1:] == KINDS[kind][1:]
    if kind is Kind.TEXT_ARRAY:
        assert found[0] == ["nobody", mask(connection, f"call {PHONE}"), None]


def test_every_text_column_of_mart_is_masked_but_the_ones_that_nobody_types() -> None:
    columns = [column for table in masked_tables(TABLES) for column in table.columns if column.kind is Kind.TEXT]
    left = {column.name for column in columns if not (column.personal or column.values or is_typed(column))}
    assert left <= PLAIN
    typed = {column.name for column in columns if is_typed(column)}
    assert {"source", "funnel", "final_funnel", "sale_id", "employee", "last_topic", "topic", "conductor"} <= typed


def test_no_view_of_mart_masked_leaves_a_typed_column_unlooked_at() -> None:
    for view, table in zip(masks(TABLES), masked_tables(TABLES), strict=True):
        assert view.schema == MASKED
        for column in table.columns:
            is_as_it_is = f't."{column.name}" AS "{column.name}"' in view.query.replace("END AS", "END_AS")
            assert is_as_it_is is not (column.personal or is_typed(column)), column.name


def test_the_key_stays_and_the_views_follow_when_the_contracts_change(database_url: str) -> None:
    engine = database.engine(database_url)
    ensure_schema(engine, TABLES)
    with engine.begin() as connection:
        before = ask(connection, "SELECT * FROM ops.mask_key")
    wider = replace(ATTRIBUTED_M0, columns=(*ATTRIBUTED_M0.columns, Column("mood", Kind.TEXT, "How it went.")))
    assert ensure_schema(engine, [*(table for table in TABLES if table != ATTRIBUTED_M0), wider])
    with engine.begin() as connection:
        assert ask(connection, "SELECT * FROM ops.mask_key") == before
        assert ask(connection, "SELECT mood FROM mart_masked.attributed_m0") == []
    engine.dispose()
