"""A plan of what the database says now: candidates, ledger, types, journal brought together. Writes nothing."""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from funnel_etl.delivery import reading
from funnel_etl.delivery.journal import Journal
from funnel_etl.delivery.plan import Known, Plan, plan
from funnel_etl.delivery.rows import Delivery


def make_plan(
    connection: sa.Connection, own: reading.Account, journal: Journal, now: datetime, zone: ZoneInfo, approve_over: int
) -> Plan:
    """Return what follows from the newest night; reads, and writes nothing."""
    candidates = reading.read_candidates(connection, own)
    if not candidates and not reading.night_speaks(connection, own):
        return Plan(rows=reading.read_rows(connection, own, []))
    known = known_of(connection, own, reading.read_rows(connection, own, candidates), journal, now, zone, approve_over)
    return plan(candidates, known)


def known_of(
    connection: sa.Connection,
    own: reading.Account,
    rows: Collection[Delivery],
    journal: Journal,
    now: datetime,
    zone: ZoneInfo,
    approve_over: int,
) -> Known:
    """Return what a plan rests on, beside the candidates."""
    return Known(
        rows=[*rows],
        occurrences=reading.read_occurrences(connection),
        types=reading.read_types(connection, own),
        newest_batch=journal.newest_batch,
        now=now,
        zone=zone,
        night=reading.newest_night(connection),
        approve_over=approve_over,
        batch_sizes=reading.batch_sizes(connection, rows),
    )
