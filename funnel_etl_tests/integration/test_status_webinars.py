"""`funnel-etl status` on webinars: what nobody decided, where most people have no phone, what was dropped twice."""

from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy as sa

from funnel_etl.assembly import TABLES
from funnel_etl.operate.status.items import WEBINAR, StatusItem
from funnel_etl.operate.status.render import HEADINGS, status_lines
from funnel_etl.operate.status.status import Status, webinars
from funnel_etl.parts.marketing.zoom.clean.event_warnings import FINDINGS
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.schema import ensure_schema

LAST_DAY = date(2026, 11, 20)
OPEN, TAKEN = "webinar_without_profile", "webinar_conductor_unlisted"


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = database.engine(database_url)
    ensure_schema(engine, TABLES)
    with engine.begin() as made:
        yield made
    engine.dispose()


def held(connection: sa.Connection, name: str, day: str, with_phone: int, without: int) -> None:
    """A webinar with so many people who attended, and three no-shows."""
    webinar = sa.text(
        "INSERT INTO clean.webinars (file_id, source_row, occurrence_id, webinar_id, started_at, event_date, topic, "
        "source_tag, funnel, has_registration_report, has_attendee_report, registered_count, attended_count) "
        "VALUES ('f', 1, :name, '811', now(), :day, :topic, 'Webinar', 'Webinar', false, true, 0, 0)"
    )
    connection.execute(webinar, {"name": name, "day": day, "topic": f"Topic {name}"})
    person = sa.text(
        "INSERT INTO clean.zoom_attendance (file_id, source_row, occurrence_id, webinar_id, person_key, attended, "
        "phone, segment_count, source_tag, funnel, decided_by) "
        "VALUES ('f', :row, :name, '811', :key, :came, :phone, 0, 'Webinar', 'Webinar', '{}')"
    )
    for number in range(with_phone + without + 3):
        phone = f"98765{number:05d}" if number < with_phone else None
        cells = {"row": number, "name": name, "key": f"{name}{number}", "phone": phone}
        connection.execute(person, cells | {"came": number < with_phone + without})


def undecided(connection: sa.Connection, kind: str, item: str, revenue: int, attended: int) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO ops.worklist_mapping (item_kind, item, config_table, config_line, rows_count, leads, sales, "
            "revenue_inr, spend_inr, what_to_do) VALUES (:kind, :item, 't', 0, :attended, 0, 0, :revenue, 0, 'decide')"
        ),
        {"kind": kind, "item": item, "revenue": revenue, "attended": attended},
    )


def lines(told: list[StatusItem]) -> str:
    return "\n".join(status_lines(Status(LAST_DAY, told)))


def test_all_is_well_where_nothing_is_to_be_said(connection: sa.Connection) -> None:
    held(connection, "o1", "2026-11-12", with_phone=9, without=2)
    undecided(connection, "unmapped_source", "Radio", 5, 5)
    assert list(webinars(connection, LAST_DAY)) == []


def test_a_report_in_which_most_attendees_have_no_phone_is_told_for_sixty_days(connection: sa.Connection) -> None:
    held(connection, "o1", "2026-11-12", with_phone=6, without=14)
    held(connection, "o2", "2026-11-13", with_phone=0, without=4)
    held(connection, "o3", "2026-08-12", with_phone=0, without=20)
    [told] = webinars(connection, LAST_DAY)
    assert told.who == "marketing operations"
    shown = lines([told])
    assert "phones of 2026-11-12: Topic o1: most people who attended have no phone: 14 of 20" in shown
    assert "→ marketing operations: drop the registration report" in shown
    assert HEADINGS[WEBINAR] in shown


def test_what_nobody_decided_is_told_by_kind_the_dearest_first(connection: sa.Connection) -> None:
    undecided(connection, OPEN, "GST evening", 100, 3)
    undecided(connection, OPEN, "Town hall", 900, 20)
    undecided(connection, TAKEN, "Asha C", 5000, 7)
    told = list(webinars(connection, LAST_DAY))
    assert [one.name for one in told] == [TAKEN, OPEN]
    assert told[1].says == f"Town hall and 1 more, 23 attendances: {FINDINGS[OPEN].says}"
    assert told[1].to_do == f"{FINDINGS[OPEN].to_do}; all of them: funnel-etl worklist"


def test_what_was_dropped_twice_is_told_and_nobody_has_to_do_anything(connection: sa.Connection) -> None:
    for number, status in enumerate(("loaded", "duplicate")):
        connection.execute(
            sa.text(
                "INSERT INTO ops.files (arrival_id, file_id, source, kind, name, received_at, bytes, status, "
                "landing_path) VALUES (:id, 'f', 'zoom', 'file', 'a.csv', now(), 1, :status, 'p')"
            ),
            {"id": str(number), "status": status},
        )
    [told] = webinars(connection, LAST_DAY)
    assert told.is_well
    assert told.says == "1 in the last 7 days, the newest a.csv: nothing is counted twice"
