"""Taking a person out of the ledger: their erasure is planned, what was sent is forgotten, the rest is cancelled.

Beside `ledger` the only SQL that writes `ops.deliveries`; called by `funnel-etl erase`, which has the senders' lock.
The rows stay, with key, state and occurrence, so that counts stay true; nothing in them names anybody any more.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from funnel_etl.delivery import ledger
from funnel_etl.delivery.contracts import ENDED, MAY_HAVE_BEEN_SENT
from funnel_etl.delivery.reading import read_keys
from funnel_etl.delivery.rows import Delivery

MakeErasure = Callable[[str, str, datetime], Delivery]
"""Returns the planned erasure of a user of an account."""

_OF_PERSON = "d.object <> 'erasure' AND (d.user_id = ANY(:users) OR d.email = ANY(:emails))"
_IS_OPEN = "d.state NOT IN ('delivered', 'cancelled')"
SENT_TO = sa.text(
    "SELECT DISTINCT d.account, d.user_id FROM ops.deliveries AS d WHERE d.destination = :destination "
    "AND d.object <> 'erasure' AND d.user_id = ANY(:users) AND (d.accepted_at IS NOT NULL "
    "OR d.first_sent_at IS NOT NULL OR d.resolutions > 0 OR d.reason = 'ledger_lost') ORDER BY 1, 2"
)
FORGET = sa.text(
    "UPDATE ops.deliveries AS d SET "  # noqa: S608 - our own texts
    f"state = CASE WHEN {_IS_OPEN} THEN 'cancelled' ELSE d.state END, "
    f"reason = CASE WHEN {_IS_OPEN} THEN 'erased' ELSE d.reason END, "
    f"changed_at = CASE WHEN {_IS_OPEN} THEN :now ELSE d.changed_at END, "
    f"note = CASE WHEN {_IS_OPEN} AND d.first_sent_at IS NOT NULL THEN concat_ws('; ', d.note, :may) ELSE d.note END, "
    "user_id = CASE WHEN d.user_id = ANY(:users) THEN NULL ELSE d.user_id END, email = NULL, payload = NULL, "
    "payload_sha256 = NULL, candidate_id = NULL, external_id = NULL, not_before = NULL, file_id = NULL, "
    f"source_row = NULL WHERE d.destination = :destination AND {_OF_PERSON} "
    "RETURNING d.state = 'cancelled' AND d.changed_at = :now AS is_cancelled"
)
ALSO = sa.text(
    "SELECT DISTINCT d.user_id FROM ops.deliveries AS d WHERE d.object <> 'erasure' AND d.email = ANY(:emails) "
    "AND d.user_id <> ALL(:users)"
)


@dataclass(frozen=True)
class Forgotten:
    """What was done in the ledger: erasures that are planned, rows that name nobody any more, of these cancelled."""

    erasures: int = 0
    rows: int = 0
    cancelled: int = 0


def also_sent_as(connection: sa.Connection, users: Collection[str], emails: Collection[str]) -> set[str]:
    """Return the other user ids that stand beside one of these e-mails, as of a phone that was corrected since."""
    values = {"users": sorted(users), "emails": sorted(emails)}
    return {user for user in connection.execute(ALSO, values).scalars() if user}


def forget_person(
    connection: sa.Connection,
    destination: str,
    users: Collection[str],
    emails: Collection[str],
    make_erasure: MakeErasure,
    now: datetime,
) -> Forgotten:
    """Plan the erasure of each user that may ever have been sent, and let no other row name them.

    A row with one of the e-mails and a user id that is not among `users` keeps that id: it is somebody else's.
    """
    values = {"destination": destination, "users": sorted(users), "emails": sorted(emails)}
    erasures = [make_erasure(row.account, row.user_id, now) for row in connection.execute(SENT_TO, values)]
    planned = ledger.insert(connection, erasures) + _plan_again(connection, erasures)
    rows = connection.execute(FORGET, values | {"now": now, "may": MAY_HAVE_BEEN_SENT}).scalars().all()
    return Forgotten(planned, len(rows), sum(rows))


def _plan_again(connection: sa.Connection, erasures: Sequence[Delivery]) -> int:
    """Plan those once more that were sent or refused before: the person came back, and was sent something since."""
    ended = {row.delivery_key: row for row in read_keys(connection, [each.delivery_key for each in erasures])}
    ended = {key: row for key, row in ended.items() if row.state in ENDED}
    again = [
        (ended[each.delivery_key].state, replace(each, resolutions=ended[each.delivery_key].resolutions))
        for each in erasures
        if each.delivery_key in ended
    ]
    return ledger.update(connection, [(state, row.with_new_request()) for state, row in again])
