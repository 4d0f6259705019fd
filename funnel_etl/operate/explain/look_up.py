"""A person as one is looked up: the story with files and lines, the journey, and why these rows are one person.

It holds personal data because somebody asked for this person; `key` is what a log may call them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from funnel_etl.catalog import PEOPLE
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.source import People
from funnel_etl.core.values.numbers import rupees
from funnel_etl.core.values.text import typed
from funnel_etl.operate.explain.current_lines import current_lines, file_names
from funnel_etl.operate.explain.person import MERGED, Asked, Event, named, names, story, whom
from funnel_etl.operate.explain.published import published_database
from funnel_etl.platform.postgres.masking import HASH_DIGITS
from funnel_etl.settings import Settings

PHONE, EMAIL, BOTH = "the phone", "the e-mail", "the phone and the e-mail"
LENT = "the e-mail of the campaign lead whose phone it was given"
"""What a row shares with the person."""
CHANGES = {
    "status_flip": "its status was changed",
    "refund": "refund: the money went back",
    "amount_edit": "its amount was edited",
    "redated": "its day was edited",
    "gone": "its row is gone",
}
"""Kind of change of what a sale counts for → it in words."""
_KEY = sa.text("SELECT inner_key, outer_key FROM ops.mask_key LIMIT 1")
_CHANGES = sa.text(
    "SELECT c.changed_date, c.sale_id, c.kind, c.old_status, c.new_status, c.delta_inr, c.file_id, c.source_row "
    "FROM mart.revenue_changes AS c JOIN clean.sales AS s USING (sale_id) WHERE c.kind <> 'new_sale' "
    "AND (s.phone = ANY(:phones) OR s.student_email = ANY(:emails)) ORDER BY c.changed_date, c.sale_id"
)
_JOURNEY = sa.text("SELECT * FROM mart.lead_journey WHERE phone = ANY(:phones) ORDER BY phone")


@dataclass(frozen=True)
class LookedUp:
    """What is known of a person.

    `facts`: a row per thing that is known, in order of time, then what follows from them: at, table, what, file, line,
    line_now (in the newest dump, where that differs), occurrence_id, conductor, profile, shares (what its row shares
    with the person; missing: it is no row of a source), file_id. `journeys`: as `mart.lead_journey`. `merged`: rows
    that were merged into the person's: table, reason, file, line, into_file, into_line. `emails`: how many different
    ones stand in the rows.
    """

    key: str
    asked: Asked
    facts: pd.DataFrame
    journeys: pd.DataFrame
    merged: pd.DataFrame
    emails: int


_FACT = "at table what file line line_now occurrence_id conductor profile shares file_id".split()
_MERGED = "table reason file line into_file into_line".split()


def look_up(settings: Settings, words: str) -> LookedUp:
    """Return what is known of a person by phone, e-mail, user_id, or the id of a lead or sale.

    Raises `FunnelError` for words that are none of these, and while nothing is published.
    """
    with published_database(settings, "the look-up") as connection:
        asked = _whom(connection, typed(words))
        rows = {(row["table"], row["file_id"], row["source_row"]): row for row in _rows(connection, asked)}
        events = [*_in_order([*story(connection, asked), *_changes(connection, asked, ZoneInfo(settings.timezone))])]
        merged = [dict(row) for row in connection.execute(sa.text(MERGED), names(asked)).mappings()]
        places = {(event.file_id, event.line) for event in events if event.file_id and event.line}
        now = current_lines(connection, places)
        ids = {place[0] for place in (*places, *now.values())}
        files = file_names(connection, ids | {row[name] for row in merged for name in ("file_id", "into_file_id")})
        return LookedUp(
            _key(connection, asked),
            asked,
            pd.DataFrame([_fact(event, rows, files, now) for event in events], columns=_FACT),
            pd.read_sql(_JOURNEY, connection, params={"phones": list(asked.phones)}),
            pd.DataFrame([_merged(row, files) for row in merged], columns=_MERGED),
            len({row["email"] for row in rows.values()} - {None}),
        )


def _whom(connection: sa.Connection, words: str) -> Asked:
    for table, people in PEOPLE.items():
        for name in people.ids:
            email = f"t.{people.email}" if people.email else "NULL"
            sql = f"SELECT t.{people.phone} AS phone, {email} AS email FROM {table} AS t WHERE t.{name} = :id LIMIT 1"  # noqa: S608 - our own texts
            row = connection.execute(sa.text(sql), {"id": words.strip()}).first()
            if row is not None and (row.phone or row.email):
                found = whom(connection, row.phone or row.email)
                return Asked(found.phones, found.emails, f"{name} {words.strip()}, of {found.read_as}")
            if row is not None:
                raise FunnelError(
                    f"the row with this {name} has neither phone nor e-mail",
                    where="the look-up",
                    fix="correct it at the source; the next night reads it again",
                )
    try:
        return whom(connection, words)
    except FunnelError:
        raise FunnelError(
            "this is no phone, e-mail or user id, and no sale or lead has it as its id",
            where="the look-up",
            fix="type a phone as it stands anywhere (98765 43210, +91…, +971…), an e-mail, or an id whole",
        ) from None


def _rows(connection: sa.Connection, asked: Asked) -> Iterator[dict[str, Any]]:
    for table, people in PEOPLE.items():
        webinar = "t.occurrence_id, e.conductor, e.profile, t.phone_source" if people.of_an_occurrence else ""
        join = "LEFT JOIN clean.webinars AS e USING (occurrence_id)" if people.of_an_occurrence else ""
        email = f"t.{people.email}" if people.email else "CAST(NULL AS text)"
        columns = ", ".join(filter(None, (f"t.{people.phone} AS phone, {email} AS email", webinar)))
        sql = f"SELECT t.file_id, t.source_row, {columns} FROM {table} AS t {join} WHERE {named(people, 't.')}"  # noqa: S608 - our own texts
        for row in connection.execute(sa.text(sql), names(asked)).mappings():
            yield {"occurrence_id": None, "conductor": None, "profile": None, "table": table, **row} | {
                "shares": _shares(row, asked, people)
            }


def _shares(row: sa.RowMapping, asked: Asked, people: People) -> str:
    if people.of_an_occurrence and row["phone_source"] == "lead" and row["email"] not in asked.emails:
        return LENT
    by_phone, by_email = row["phone"] in asked.phones, row["email"] in asked.emails
    return BOTH if by_phone and by_email else PHONE if by_phone else EMAIL


def _changes(connection: sa.Connection, asked: Asked, zone: ZoneInfo) -> Iterator[Event]:
    for row in connection.execute(_CHANGES, names(asked)):
        status = f", status {row.old_status or '(none)'} → {row.new_status or '(none)'}"
        what = f"sale {row.sale_id}: {CHANGES.get(row.kind, row.kind)}{status}, {rupees(row.delta_inr)}"
        at = datetime.combine(_day(row.changed_date), time.max, zone)
        yield Event(at, "mart.revenue_changes", what, row.file_id, row.source_row)


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _in_order(events: list[Event]) -> Iterator[Event]:
    """Yield what has a time in its order, then the rest as it came."""
    yield from sorted((event for event in events if event.at), key=lambda event: (event.at, event.table))
    yield from (event for event in events if not event.at)


def _fact(
    event: Event,
    rows: dict[Any, dict[str, Any]],
    files: dict[str, str],
    now: dict[tuple[str, int], tuple[str, int]],
) -> tuple[Any, ...]:
    place = (event.file_id or "", event.line or 0)
    row = rows.get((event.table, *place), {})
    newest = now.get(place)
    line_now = newest[1] if newest and newest != place else None
    file = files.get(place[0], place[0][:12]) if event.file_id else None
    whose = (row.get(name) for name in ("occurrence_id", "conductor", "profile", "shares"))
    return (event.at, event.table, event.what, file, event.line, line_now, *whose, event.file_id)


def _merged(row: dict[str, Any], files: dict[str, str]) -> tuple[Any, ...]:
    file, into = (files.get(row[name], row[name][:12]) for name in ("file_id", "into_file_id"))
    return (row["asset"], row["reason"], file, row["source_row"], into, row["into_source_row"])


def _key(connection: sa.Connection, asked: Asked) -> str:
    """Return what a log calls the person: the keyed hash of phone or e-mail that masks them in `mart_masked`, too."""
    key = connection.execute(_KEY).first()
    value = next(iter((*asked.phones, *asked.emails)))
    if key is None:
        return "somebody"
    inner = hashlib.sha256(bytes.fromhex(key.inner_key) + value.encode()).digest()
    return hashlib.sha256(bytes.fromhex(key.outer_key) + inner).hexdigest()[:HASH_DIGITS]
