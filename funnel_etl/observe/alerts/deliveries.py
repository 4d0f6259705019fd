"""What is wrong with deliveries, as causes: counts, states and reasons, never a person. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from funnel_etl.core.roles import ENGINEER, MARKETING_OPERATIONS
from funnel_etl.core.values.numbers import grouped
from funnel_etl.delivery.contracts import HELD, PERMANENT, REASONS, SENDABLE, SENDING, TRANSIENT, UNKNOWN
from funnel_etl.delivery.report import what_to_do
from funnel_etl.delivery.waiting import NotPlanned, StateCount
from funnel_etl.observe.alerts.causes import Cause
from funnel_etl.observe.alerts.contracts import DELIVERY_FAILED, DELIVERY_HELD, DELIVERY_OFF, DELIVERY_UNKNOWN

KINDS = {PERMANENT: DELIVERY_FAILED, TRANSIENT: DELIVERY_FAILED, UNKNOWN: DELIVERY_UNKNOWN, HELD: DELIVERY_HELD}
"""State → the kind of its cause."""
_NAMES = {PERMANENT: "refused for good", TRANSIENT: "fail again and again", UNKNOWN: "unknown", HELD: "held"}
_NOT_REACHED = "look in funnel-etl deliver run what the destination says; it is tried again by itself"
SHOWN_DIGITS = 12
"""Of a delivery key that a person is to type."""


def of_deliveries(
    rows: Sequence[StateCount], not_planned: Iterable[NotPlanned], destinations: Collection[str]
) -> Iterator[Cause]:
    """Return a cause per destination, state and reason that waits for a person, and of what is due while it is off.

    `destinations`: those that are on.
    """
    yield from _off(rows, not_planned, destinations)
    told: dict[str, list[StateCount]] = {}
    for row in rows:
        if row.for_a_person and row.state in KINDS and (row.state != TRANSIENT or row.destination in destinations):
            key = f"{KINDS[row.state]}:{row.destination}:{row.state}:{row.reason or ''}"
            told.setdefault(key, []).append(row)
    for key, group in told.items():
        first, count = group[0], sum(row.for_a_person for row in group)
        why = REASONS.get(first.reason or "", first.reason or "without a reason")
        since = min(row.oldest for row in group)
        said = f"{first.destination}: {grouped(count)} {_NAMES[first.state]}, the oldest since {since:%Y-%m-%d}: {why}"
        yield Cause(key, KINDS[first.state], said, _to_do(group), MARKETING_OPERATIONS)


def _off(
    rows: Iterable[StateCount], not_planned: Iterable[NotPlanned], destinations: Collection[str]
) -> Iterator[Cause]:
    due: dict[str, int] = {}
    waiting = [(row.destination, row.rows) for row in rows if row.state in (*SENDABLE, SENDING)]
    for destination, count in (*waiting, *((each.destination, each.rows) for each in not_planned)):
        if destination not in destinations:
            due[destination] = due.get(destination, 0) + count
    for destination, count in due.items():
        said = f"{destination}: {grouped(count)} due, and delivery is off: FUNNEL_DELIVERY is empty, so nothing is sent"
        to_do = (
            f"set FUNNEL_DELIVERY={destination}, then funnel-etl deliver preview; if nothing is to be sent, say no in "
            "delivery_rules.csv"
        )
        yield Cause(f"{DELIVERY_OFF}:{destination}", DELIVERY_OFF, said, to_do, ENGINEER)


def _to_do(group: Sequence[StateCount]) -> str:
    """Return what a person does, with the night, the occurrence or the key in the command if there is only one."""
    first = group[0]
    advice = _NOT_REACHED if first.state == TRANSIENT else what_to_do(first.state, first.reason)
    occurrences = {each for row in group for each in row.occurrences}
    keys = {each for row in group for each in row.keys}
    if len(occurrences) == 1:
        advice = advice.replace("--occurrence ID", f"--occurrence {occurrences.pop()}")
    if len(keys) == 1:
        advice = advice.replace("resolve KEY", f"resolve {keys.pop()[:SHOWN_DIGITS]}")
    if nights := [row.night for row in group if row.night]:
        advice = advice.replace("--plan NIGHT", f"--plan {max(nights)}")
    which = " (which: funnel-etl deliver report --to FILE.csv)" if "KEY" in advice or " ID" in advice else ""
    return f"{advice}{which}" if advice else "funnel-etl deliver status"
