# ruff: noqa: S608 - the SQL of this file is made of its own constants
"""The masked views: same columns, nobody's phone, joinable, and readable by a login that may read nothing else."""

import hmac
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from funnel_etl.core.contracts import Column, Kind
from funnel_etl.definitions import TABLES
from funnel_etl.funnel.contracts import ATTRIBUTED_M0
from funnel_etl.platform import database
from funnel_etl.platform.masking import masked_tables
from funnel_etl.platform.schema import ensure_schema

PHONE = "9876500001"
BI = "funnel_bi_of_a_test"


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = database.engine(database_url)
    ensure_schema(engine, TABLES)
    with engine.begin() as made:
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
    engine.dispose()


def ask(connection: sa.Connection, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(sql)]


def test_every_person_level_table_of_mart_has_its_view_with_the_same_columns_each_described(
    connection: sa.Connection,
) -> None:
    personal = masked_tables(TABLES)
    assert {"attributed_m0", "attributed_sales", "restatements"} <= {table.name for table in personal}
    for table in personal:
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
    for forbidden in (ATTRIBUTED_M0.full_name, "ops.mask_key"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), connection.begin_nested():
            connection.exec_driver_sql(f"SELECT * FROM {forbidden}")
    connection.exec_driver_sql("RESET ROLE")
    connection.exec_driver_sql(f"DROP OWNED BY {BI}")
    connection.exec_driver_sql(f"DROP ROLE {BI}")


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
