"""The requests of WebEngage: which rows go together, the path, the bytes, the id. Pure; section 7.5 and 7.7."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from funnel_etl.delivery.calls import Call
from funnel_etl.delivery.contracts import ERASURE, EVENT, USER
from funnel_etl.delivery.keys import batch_request_id
from funnel_etl.delivery.rows import Delivery

AT_MOST = 25
"""Records of a bulk request."""
PATHS = {USER: "users", EVENT: "events", ERASURE: "opengdpr_requests"}
SINGLE, BULK, GDPR = "single", "bulk", "gdpr"
"""Limits that a request counts for."""


def call_of(rows: Sequence[Delivery], *, is_bulk: bool) -> Call:
    """Return the one request of these rows: a bulk request, or a single one of the first."""
    if is_bulk:
        name = PATHS[rows[0].object]
        body = f'{{"{name}":[{",".join(row.body for row in rows)}]}}'
        # A row under a new request id must not make the id of a request that was there.
        known_by = [f"{row.delivery_key}\n{row.resolutions}" if row.resolutions else row.delivery_key for row in rows]
        return Call(f"bulk-{name}", tuple(rows), body, batch_request_id(known_by), is_bulk=True, pace=BULK)
    row = rows[0]
    pace = GDPR if row.object == ERASURE else f"{PATHS[row.object]}-{SINGLE}"
    return Call(PATHS[row.object], (row,), row.body, row.request_id, is_bulk=False, pace=pace)


def calls_of(rows: Sequence[Delivery], *, in_bulk: bool) -> list[Call]:
    """Return the requests of rows of one object in the order of sending.

    Users go in bulk, events singly unless `in_bulk`; a bulk request in doubt goes as it was, before all others.
    """
    return [*_frozen(rows), *_fresh(rows, in_bulk=in_bulk)]


def _frozen(rows: Sequence[Delivery]) -> Iterator[Call]:
    batches: dict[str, list[Delivery]] = defaultdict(list)
    for row in rows:
        if row.is_frozen:
            batches[row.batch_id or ""].append(row)
    for members in batches.values():
        yield call_of(sorted(members, key=lambda row: row.batch_position or 0), is_bulk=True)


def _fresh(rows: Sequence[Delivery], *, in_bulk: bool) -> Iterator[Call]:
    others = sorted((row for row in rows if not (row.is_frozen)), key=lambda row: row.order)
    together = [row for row in others if _goes_in_bulk(row, in_bulk=in_bulk)]
    for at in range(0, len(together), AT_MOST):
        yield call_of(together[at : at + AT_MOST], is_bulk=True)
    for row in others:
        if not _goes_in_bulk(row, in_bulk=in_bulk):
            yield call_of([row], is_bulk=False)


def _goes_in_bulk(row: Delivery, *, in_bulk: bool) -> bool:
    """Whether a row goes with others. An event that may have arrived under its own id goes under it again."""
    if row.object == USER:
        return not row.is_single
    return row.object == EVENT and in_bulk and not row.is_single and row.first_sent_at is None
