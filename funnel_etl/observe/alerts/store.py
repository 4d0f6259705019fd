"""`ops.alerts`: what was seen, what was sent, what is still to be sent. Only SQL; what is wrong is not known here."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from funnel_etl.observe.alerts.causes import Cause
from funnel_etl.observe.alerts.contracts import NIGHT
from funnel_etl.observe.alerts.messages import AlertText

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
"""How long a failed delivery waits before it is tried again: it doubles each time."""
STALE = timedelta(days=2)
"""That something is resolved is not news any more after this time."""

PENDING = sa.text(
    "SELECT cause, first_seen_at, kind, what, what_to_do, who_does_it, attempts, accepted_by, resolved_at "
    "FROM ops.alerts WHERE ((sent_at IS NULL AND resolved_at IS NULL) "
    "OR (sent_at IS NOT NULL AND resolved_at IS NOT NULL AND resolved_told_at IS NULL AND resolved_at > :since)) "
    "AND (:force OR next_attempt_at IS NULL OR next_attempt_at <= :now) ORDER BY first_seen_at, cause"
)


@dataclass(frozen=True)
class Pending:
    """An alert that is still to be sent; `is_resolved`: what is to be sent is that its cause is gone."""

    cause: str
    first_seen_at: datetime
    told: AlertText
    attempts: int
    accepted_by: frozenset[str]
    is_resolved: bool


def note(
    connection: sa.Connection,
    causes: Iterable[Cause],
    looked: Collection[str],
    now: datetime,
    unresolved: Collection[str] = (),
) -> None:
    """Bring the memory up to the causes there are now, of the kinds that were looked at (`looked`).

    What is gone is resolved, and that will be told, unless it is among the `unresolved`.
    """
    there = {cause.key: cause for cause in causes}
    known = {
        row.cause: row for row in connection.execute(sa.text("SELECT * FROM ops.alerts WHERE resolved_at IS NULL"))
    }
    told_nights = sa.text("SELECT cause FROM ops.alerts WHERE kind = :kind AND cause = ANY(:causes)")
    nights = set(connection.execute(told_nights, {"kind": NIGHT, "causes": list(there)}).scalars())
    for key, cause in there.items():
        values: dict[str, object] = {"cause": key, "what": cause.what, "to_do": cause.what_to_do, "who": cause.who}
        values["until"] = cause.listed_until
        if key not in known and key not in nights:
            connection.execute(
                sa.text(
                    "INSERT INTO ops.alerts (cause, first_seen_at, kind, what, what_to_do, who_does_it, attempts, "
                    "listed_until) VALUES (:cause, :now, :kind, :what, :to_do, :who, 0, :until) ON CONFLICT DO NOTHING"
                ),
                values | {"now": now, "kind": cause.kind},
            )
        elif key in known:
            is_told = known[key].sent_at is not None
            sets = "" if is_told else "what = :what, what_to_do = :to_do, who_does_it = :who, "
            connection.execute(
                sa.text(
                    f"UPDATE ops.alerts SET {sets}listed_until = :until "  # noqa: S608 - our own texts
                    "WHERE cause = :cause AND resolved_at IS NULL"
                ),
                values,
            )
    gone = [key for key, row in known.items() if row.kind in looked and key not in there]
    connection.execute(
        sa.text(
            "UPDATE ops.alerts SET resolved_at = :now, attempts = CASE WHEN sent_at IS NULL THEN attempts ELSE 0 END, "
            "next_attempt_at = NULL, "
            "resolved_told_at = CASE WHEN sent_at IS NULL OR kind = :night OR cause = ANY(:unresolved) "
            "THEN CAST(:now AS timestamptz) END "
            "WHERE resolved_at IS NULL AND cause = ANY(:gone)"
        ),
        {"now": now, "night": NIGHT, "gone": gone, "unresolved": list(unresolved)},
    )


def pending(connection: sa.Connection, now: datetime, *, force: bool) -> list[Pending]:
    """Return what is to be sent now; with `force` also what is to wait before it is tried again."""
    rows = connection.execute(PENDING, {"now": now, "force": force, "since": now - STALE})
    return [
        Pending(
            row.cause,
            row.first_seen_at,
            AlertText(row.kind, row.what, row.what_to_do, row.who_does_it),
            row.attempts,
            frozenset(row.accepted_by or []),
            row.resolved_at is not None,
        )
        for row in rows
    ]


def accepted(connection: sa.Connection, alerts: Iterable[Pending], mark: str) -> None:
    """Note at once that an address has these alerts: a crash must not send them again."""
    for alert in alerts:
        _mark(connection, alert, mark)


def unanswered(connection: sa.Connection, alerts: Iterable[Pending], mark: str) -> list[Pending]:
    """Note that an address may have these alerts; returns those it is sent once more, as it was the first time."""
    again = []
    for alert in alerts:
        if maybe(mark) in alert.accepted_by:
            _mark(connection, alert, mark)
        else:
            _mark(connection, alert, maybe(mark))
            again.append(alert)
    return again


def maybe(mark: str) -> str:
    """Return the mark of an address that got a message and did not answer in time."""
    return f"{mark}?"


def done(connection: sa.Connection, alert: Pending, errors: Collection[str], now: datetime) -> None:
    """Note how an attempt to send an alert to all addresses ended: `errors` by address, none when all have it."""
    if errors:
        pause = min(FIRST_PAUSE * 2 ** min(alert.attempts, 10), LONGEST_PAUSE)
        _update(
            connection,
            alert,
            "attempts = attempts + 1, last_error = :error, next_attempt_at = :next",
            {"error": "; ".join(errors), "next": now + pause},
        )
        return
    column = "resolved_told_at" if alert.is_resolved else "sent_at"
    _update(
        connection,
        alert,
        f"{column} = :now, attempts = attempts + 1, last_error = NULL, next_attempt_at = NULL, accepted_by = NULL",
        {"now": now},
    )


def _mark(connection: sa.Connection, alert: Pending, mark: str) -> None:
    sets = "accepted_by = coalesce(accepted_by, '[]'::jsonb) || CAST(:mark AS jsonb)"
    _update(connection, alert, sets, {"mark": json.dumps([mark])})


def _update(connection: sa.Connection, alert: Pending, sets: str, values: dict[str, object]) -> None:
    where = "WHERE cause = :cause AND first_seen_at = :first"
    key = {"cause": alert.cause, "first": alert.first_seen_at}
    connection.execute(sa.text(f"UPDATE ops.alerts SET {sets} {where}"), values | key)  # noqa: S608 - our own texts
