"""`funnel-etl explain`: a person's story and the rows behind a number, each with its line, in the golden week.

Two nights are published: Saturday's and Sunday's.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from funnel_etl.assembly import TABLES
from funnel_etl.marts.funnel.contracts import MEASURES
from funnel_etl.operate.explain.fact import Period, as_csv, explain_fact
from funnel_etl.operate.explain.person import Asked, story
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl_tests.golden.week import SAT, SUN
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow

BY_NAME = {table.full_name: table for table in TABLES}


@pytest.fixture(scope="module")
def week(published: Published) -> Installation:
    return published.week(SAT, SUN)


@pytest.fixture(scope="module")
def asha(week: Installation) -> str:
    """Run the command for Asha, who bought, in another spelling of her phone; with the lines."""
    done = week.command("explain", "+91 98765-00001", "--lines", "--json")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("measure", MEASURES)
def test_the_rows_behind_every_cell_of_the_facts_sum_to_it_exactly(week: Installation, measure: str) -> None:
    facts = week.query(f"SELECT date, funnel, {measure}::text AS value FROM mart.funnel_facts")  # noqa: S608
    assert any(map(float, facts["value"]))
    with week.engine.connect() as connection:
        for cell in facts.itertuples():
            found = explain_fact(connection, BY_NAME, measure, cell.funnel, Period(cell.date, cell.date))
            assert (found.total, found.is_whole) == (Decimal(cell.value), True)
            assert found.rows["file"].notna().all()
            assert found.rows["line"].notna().all()


def test_a_month_is_the_sum_of_its_days(week: Installation) -> None:
    done = week.command(*"explain fact --month 2025-11 --funnel referral --measure revenue_inr".split())
    assert done.returncode == 0, done.stderr
    assert "The rows sum to exactly the published number" in done.stdout


def test_a_fact_is_told_with_the_line_of_each_row(week: Installation, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    sold = week.query("SELECT sold_date::text, final_funnel FROM mart.attributed_sales WHERE sale_id = 'S1'")
    sale = sold.iloc[0]
    done = week.command(
        *("explain", "fact", "--date", sale["sold_date"], "--funnel", sale["final_funnel"], "--measure", "sales"),
        *("--to", str(file)),
    )
    assert done.returncode == 0, done.stderr
    assert "S1" in done.stdout
    assert "crm_sales.csv" in done.stdout
    assert (
        file.read_text(encoding="utf-8-sig").splitlines()[0]
        == "day,sale_id,value,file,line,file_id,received_at,line_now"
    )


def test_numbers_the_parts_no_longer_hold_are_told_as_such(week: Installation) -> None:
    with week.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE mart.funnel_facts SET sales = sales + 1 WHERE date = '2025-10-31'")
        found = explain_fact(
            connection,
            BY_NAME,
            "sales",
            "Webinar",
            Period(SAT.replace(month=10, day=31), SAT.replace(month=10, day=31)),
        )
        assert not found.is_whole
        connection.rollback()


def test_a_row_is_counted_once_where_two_sources_sent_the_same_bytes(week: Installation) -> None:
    with week.engine.connect() as connection:
        names = "file_id, source_row, rows, current_file_id, current_row, part"
        connection.exec_driver_sql(f"INSERT INTO ops.line_runs SELECT 'other', {names} FROM ops.line_runs")  # noqa: S608
        [cell] = connection.exec_driver_sql("SELECT * FROM mart.funnel_facts WHERE leads > 0 ORDER BY date LIMIT 1")
        found = explain_fact(connection, BY_NAME, "leads", cell.funnel, Period(cell.date, cell.date))
        assert (len(found.rows), found.is_whole) == (cell.leads, True)
        assert found.rows["line_now"].notna().all()
        connection.rollback()


def test_no_cell_of_the_file_is_a_formula(week: Installation) -> None:
    with week.engine.connect() as connection:
        found = explain_fact(connection, BY_NAME, "sales", "Webinar", Period(SAT, SAT))
    found.rows["sale_id"] = "=1+1"
    found.rows.loc[0, ["sale_id"]] = "=1+1"
    assert b"'=1+1" in as_csv(found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param("fact --date 2025-10-31 --funnel Webinr --measure sales", "did you mean Webinar?", id="funnel"),
        pytest.param("fact --date 2025-10-31 --funnel Webinar --measure sale", "did you mean sales?", id="measure"),
        pytest.param("fact --funnel Webinar --measure sales", "a day or a month", id="no_day"),
        pytest.param(
            "fact --date 2025-10-31 --month 2025-10 --funnel Webinar --measure sales", "a day or a", id="both"
        ),
        pytest.param("fact --date soon --funnel Webinar --measure sales", "soon", id="no_date"),
        pytest.param("hello", "this is no phone, user_id or e-mail", id="no_phone"),
        pytest.param("9123456789", "No published table knows this person", id="nobody"),
    ],
)
def test_a_slip_is_told_with_what_to_do(week: Installation, arguments: str, said: str) -> None:
    done = week.command("explain", *arguments.split())
    assert done.returncode != 0
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_before_the_first_night_it_says_so(new_installation: Callable[[], Installation]) -> None:
    done = new_installation().command("explain", "9876500001")
    assert done.returncode == 1
    assert "no night is published yet" in done.stderr


def test_a_person_s_story_is_over_all_tables_in_order_of_time(asha: str) -> None:
    events = json.loads(asha)["events"]
    tables = {event["table"] for event in events}
    assert {
        "clean.tofu_leads",
        "clean.assigned_leads",
        "clean.sales",
        "mart.attributed_m0",
        "mart.lead_journey",
    } <= tables
    assert {"clean.crm_history", "mart.attribution"} <= tables  # her sale was edited on Sunday
    times = [event["at"] for event in events if event["at"]]
    assert times == sorted(times)
    assert len(times) > 3


def test_each_event_has_the_line_that_says_so_as_it_arrived(asha: str) -> None:
    sale = next(event for event in json.loads(asha)["events"] if event["table"] == "clean.sales")
    assert sale["file"] == "crm_sales.csv"
    assert sale["text"].startswith("S1,")


def test_an_e_mail_and_a_user_id_name_the_same_person(week: Installation, asha: str) -> None:
    known = len(json.loads(asha)["events"])
    by_email = json.loads(week.command("explain", "ASHA@example.org", "--json").stdout)
    by_user_id = json.loads(week.command("explain", "919876500001", "--json").stdout)
    assert len(by_user_id["events"]) == known
    assert len(by_email["events"]) >= known


@pytest.mark.parametrize(
    "row",
    ['{"student contact": "+91 98765-00001"}', '{"mobile": "९८७६५00001"}', '{"StudentEmail": " Asha@Example.org"}'],
    ids=["other_header", "other_digits", "e-mail"],
)
def test_a_row_of_the_crm_is_found_whatever_its_column_is_called(week: Installation, row: str) -> None:
    before = "SELECT file_id, 77, dataset, 'other', valid_from, valid_to, 'disappeared', changed_columns, row_at"
    with week.engine.connect() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO clean.crm_history (file_id, source_row, dataset, key, valid_from, valid_to, change, "
                f"changed_columns, row_at, row) {before}, CAST(:row AS jsonb) FROM clean.crm_history LIMIT 1"
            ),
            {"row": row},
        )
        for words in ("9876500001", "asha@example.org"):
            found = [event.line for event in story(connection, Asked(("9876500001",), ("asha@example.org",), words))]
            assert 77 in found
        assert 77 not in [event.line for event in story(connection, Asked(("9876500002",), ("b@example.org",), ""))]
        connection.rollback()


def test_somebody_abroad_is_found_by_user_id(week: Installation) -> None:
    told = json.loads(week.command("explain", "971501234567", "--json").stdout)
    assert "+971501234567" in told["read_as"]
    assert told["events"]


def test_the_story_as_people_read_it(week: Installation) -> None:
    done = week.command("explain", "9876500001")
    assert done.returncode == 0
    assert "counts" in done.stdout
    assert "reached: sale" in done.stdout
    assert "line" in done.stdout


def test_the_story_says_whose_phone_an_attendance_without_one_has(database_url: str) -> None:
    engine = database.engine(database_url)
    ensure_schema(engine, TABLES)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO clean.webinars (file_id, source_row, occurrence_id, webinar_id, started_at, event_date, "
            "topic, source_tag, funnel, has_registration_report, has_attendee_report, registered_count, "
            "attended_count) VALUES ('f', 1, 'o', '811', now(), '2026-11-12', 'ACCA', 'Webinar', 'Webinar', false, "
            "true, 0, 0)"
        )
        connection.exec_driver_sql(
            "INSERT INTO clean.zoom_attendance (file_id, source_row, occurrence_id, webinar_id, person_key, attended, "
            "email, phone, phone_source, segment_count, source_tag, funnel, decided_by) VALUES "
            "('f', 6, 'o', '811', '9876500001', true, 'a@b.in', '9876500001', 'lead', 0, 'Webinar', 'Webinar', '{}'), "
            "('f', 7, 'o', '811', 'email:c@b.in', true, 'c@b.in', NULL, NULL, 0, 'Webinar', 'Webinar', "
            """'{"phone": "none: several among the leads of this e-mail"}')"""
        )
        told = {email: story(connection, Asked((), (email,), email))[0].what for email in ("a@b.in", "c@b.in")}
    engine.dispose()
    assert "phone of the campaign lead with this e-mail" in told["a@b.in"]
    assert "phone none: several among the leads of this e-mail" in told["c@b.in"]
