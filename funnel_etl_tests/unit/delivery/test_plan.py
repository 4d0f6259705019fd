"""From candidates and ledger to what the ledger is to say: no database, a row a line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery.keys import canonical, sha256_hex
from funnel_etl.delivery.plan import Known, Plan, new_types, plan
from funnel_etl.delivery.rows import Candidate, Delivery

INDIA = ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
START = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
TYPES = {("event", "Attended", "n"): "number"}


def user(number: int = 1, name: str = "Asha", **changes: Any) -> Candidate:
    payload = canonical({"firstName": name, "userId": f"91{number}"})
    sha = sha256_hex(payload)
    parts = f"webengage\nin~demo\nuser\n91{number}\n{sha}"
    made = Candidate(
        candidate_id=f"u{number}",
        destination="webengage",
        account="in~demo",
        object="user",
        kind="user",
        effect="repeatable",
        decision="deliver",
        key_parts=parts,
        user_id=f"91{number}",
        payload=payload,
        payload_sha256=sha,
    )
    return replace(made, **changes)


def event(number: int = 1, moved: timedelta = timedelta(), n: object = 57, **changes: Any) -> Candidate:
    started = START + moved
    occurrence = f"812-{started:%Y%m%dT%H%M}"
    payload = canonical({"eventData": {"n": n}, "eventName": "Attended", "userId": f"91{number}"})
    made = Candidate(
        candidate_id=f"e{number}{occurrence}",
        destination="webengage",
        account="in~demo",
        object="event",
        kind="attended",
        effect="guarded",
        decision="deliver",
        key_parts=f"webengage\nin~demo\nevent\nattended\n{occurrence}\n91{number}",
        user_id=f"91{number}",
        email=f"p{number}@example.org",
        occurrence_id=occurrence,
        webinar_id="812",
        started_at=started,
        event_name="Attended",
        event_date=date(2026, 11, 20),
        first_day=date(2026, 11, 1),
        last_day=date(2026, 11, 27),
        payload=payload,
        payload_sha256=sha256_hex(payload),
        attribute_types=(("n", "number" if isinstance(n, int) else "text"),),
    )
    return replace(made, **changes)


def planned(
    candidates: Sequence[Candidate],
    rows: Sequence[Delivery] = (),
    journal: Mapping[str, str] | None = None,
    occurrences: Sequence[str] = (),
    approve_over: int = 100,
) -> Plan:
    there = {each.occurrence_id for each in candidates if each.occurrence_id} | set(occurrences)
    batch = (journal or {}).get
    return plan(candidates, Known(rows, there, TYPES, batch, NOW, INDIA, date(2026, 11, 20), approve_over))


def states(made: Plan, object_: str = "event") -> list[str]:
    rows = sorted((row for row in made.rows if row.object == object_), key=lambda row: row.order)
    return [f"{row.state}:{row.reason}" if row.reason else row.state for row in rows]


def delivered(made: Plan, **changes: Any) -> list[Delivery]:
    """The rows of a plan after all of it was accepted."""
    return [
        replace(row, state="delivered", accepted_at=NOW, first_sent_at=NOW, attempts=1, **changes) for row in made.rows
    ]


def test_an_event_depends_on_its_user() -> None:
    made = planned([user(), event()])
    by_object = {row.object: row for row in made.new}
    assert by_object["event"].depends_on == (by_object["user"].delivery_key,)
    assert states(made) == ["planned"]
    assert made.changed == []


def test_what_was_delivered_is_not_planned_again() -> None:
    again = planned([user(), event()], delivered(planned([user(), event()])))
    assert (again.new, again.changed) == ([], [])


def test_a_change_after_delivery_is_noted_and_the_user_is_updated() -> None:
    again = planned([user(name="Usha"), event(n=61)], delivered(planned([user(), event()])))
    assert [row.object for row in again.new] == ["user"]
    assert [row.note for _, row in again.changed] == ["changed_after_delivery"]
    assert [row.payload for _, row in again.changed] != [event(n=61).payload]


@pytest.mark.parametrize(
    ("moved", "is_adopted"),
    [(timedelta(minutes=2), True), (timedelta(hours=36), True), (timedelta(hours=36, minutes=1), False)],
)
def test_a_row_whose_occurrence_is_no_more_is_adopted_within_36_hours(moved: timedelta, is_adopted: bool) -> None:
    before = delivered(planned([user(), event()]))
    later = event(moved=moved)
    again = planned([user(), later], before)
    assert (again.new == []) is is_adopted
    if is_adopted:
        [(_, row)] = again.changed
        assert (row.occurrence_id, row.started_at) == (later.occurrence_id, later.started_at)
        assert row.delivery_key == event_row(before).delivery_key


def event_row(rows: Sequence[Delivery]) -> Delivery:
    [row] = [row for row in rows if row.object == "event"]
    return row


def test_a_row_whose_occurrence_is_still_there_is_another_webinar() -> None:
    before = delivered(planned([user(), event()]))
    again = planned([user(), event(moved=timedelta(hours=2))], before, occurrences=[str(event().occurrence_id)])
    assert [row.object for row in again.new] == ["event"]


def test_of_two_rows_that_are_homeless_the_nearer_is_adopted() -> None:
    early = delivered(planned([user(), event(moved=timedelta(hours=-20))]))
    near = [row for row in delivered(planned([event(moved=timedelta(hours=-1))])) if row.object == "event"]
    again = planned([user(), event()], [*early, *near])
    assert [row.delivery_key for _, row in again.changed] == [event_row(near).delivery_key]


def test_a_key_that_the_journal_knows_is_unknown() -> None:
    key = event_row(planned([user(), event()]).new).delivery_key
    made = planned([user(), event()], journal={key: "b1"})
    assert states(made) == ["unknown:ledger_lost"]
    assert event_row(made.new).batch_id == "b1"


@pytest.mark.parametrize(("n", "state"), [(57, "planned"), ("57", "held:attribute_type_changed")])
def test_a_type_that_is_not_the_approved_one_is_held(n: object, state: str) -> None:
    assert states(planned([user(), event(n=n)])) == [state]


def test_a_type_that_nobody_approved_is_held_and_listed() -> None:
    other = event(event_name="Other")
    assert states(planned([user(), other])) == ["held:new_attribute_type"]
    assert new_types([other, event()], TYPES) == {("event", "Other", "n"): "number"}


def test_a_plan_of_too_many_new_events_is_held_but_not_its_users() -> None:
    many = [each for n in range(6) for each in (user(n), event(n))]
    made = planned(many, approve_over=5)
    assert states(made) == ["held:large_plan"] * 6
    assert states(made, "user") == ["planned"] * 6
    assert states(planned(many, approve_over=6)) == ["planned"] * 6
    assert states(planned(many, made.new, approve_over=5)) == ["held:large_plan"] * 6


def test_a_user_that_was_refused_holds_its_events_until_its_data_change() -> None:
    made = planned([user(), event()])
    refused = [_refused(row) for row in made.new]
    again = planned([user(), event()], refused)
    assert (states(again), states(again, "user")) == (["held:dependency_failed"], ["failed_permanent:refused"])
    mended = planned([user(name="Usha"), event()], again.rows)
    assert states(mended) == ["planned"]
    assert sorted(states(mended, "user")) == ["failed_permanent:refused", "planned"]


def _refused(row: Delivery) -> Delivery:
    return replace(row, state="failed_permanent", reason="refused") if row.object == "user" else row


@pytest.mark.parametrize(("age", "why"), [(0, None), (7, None), (8, "too_old")])
def test_an_event_is_planned_within_its_days(age: int, why: str | None) -> None:
    day = date(2026, 11, 21) - timedelta(days=age)
    candidate = event(event_date=day, last_day=day + timedelta(days=7), started_at=START + timedelta(days=1 - age))
    made = planned([user(), candidate])
    assert made.unplanned == ({} if why is None else {candidate.candidate_id: why})


def test_an_event_is_not_planned_before_the_first_day_of_its_rule() -> None:
    candidate = event(first_day=date(2026, 11, 22))
    assert planned([user(), candidate]).unplanned == {candidate.candidate_id: "before_from_date"}


def test_a_payload_that_is_not_canonical_is_refused() -> None:
    text = '{"b":1, "a":2}'
    with pytest.raises(FunnelError, match="canonical"):
        planned([user(payload=text, payload_sha256=sha256_hex(text))])
