"""What the ledger and the newest night say, read from PostgreSQL. Only SELECT: the preview has nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from funnel_etl.delivery.candidates_contract import DELIVERY_CANDIDATES
from funnel_etl.delivery.contracts import DELIVERIES, ENDED, EVENT, PERMANENT
from funnel_etl.delivery.plan import TypeKey
from funnel_etl.delivery.rows import Candidate, Delivery, candidate_of, delivery_of

_JSON = {"payload", "attribute_types"}
_ENDED = ", ".join(f"'{state}'" for state in ENDED)
_LEDGER = ", ".join(f"d.{name}::text AS {name}" if name in _JSON else f"d.{name}" for name in DELIVERIES.names)
_LIGHT = _LEDGER.replace(
    "d.payload::text AS payload", f"CASE WHEN d.state IN ({_ENDED}) THEN NULL ELSE d.payload::text END AS payload"
)
_CANDIDATES = ", ".join(f"c.{name}" for name in DELIVERY_CANDIDATES.names)
_OURS = "d.destination = :destination AND d.account = :account"

LIKE_CANDIDATES = sa.text(
    f"SELECT {_LIGHT} FROM ops.deliveries AS d WHERE {_OURS} AND (d.state NOT IN ({_ENDED}) "  # noqa: S608 - ours
    "OR d.webinar_id = ANY(:webinars) OR d.user_id IS NULL "
    "OR (d.object = 'user' AND d.user_id = ANY(:users)) OR d.batch_id IN "
    f"(SELECT d.batch_id FROM ops.deliveries AS d WHERE {_OURS} AND d.batch_position IS NOT NULL "
    f"AND d.first_sent_at IS NOT NULL AND d.state NOT IN ({_ENDED})))"
)
OPEN = sa.text(f"SELECT {_LEDGER} FROM ops.deliveries AS d WHERE {_OURS} AND d.state NOT IN ({_ENDED})")  # noqa: S608
BY_KEY = sa.text(f"SELECT {_LEDGER} FROM ops.deliveries AS d WHERE d.delivery_key = ANY(:keys)")  # noqa: S608 - ours
LOCKED = sa.text(f"{BY_KEY.text} FOR UPDATE SKIP LOCKED")
DELIVERED_OF = sa.text(
    f"SELECT {_LEDGER} FROM ops.deliveries AS d WHERE {_OURS} AND d.object = 'event' AND d.state = 'delivered' "  # noqa: S608
    "AND d.occurrence_id = :occurrence AND d.kind = :kind AND NOT EXISTS (SELECT FROM ops.deliveries AS later "
    "WHERE later.destination = d.destination AND later.account = d.account AND later.object = d.object "
    "AND later.kind = d.kind AND later.occurrence_id = d.occurrence_id AND later.user_id = d.user_id "
    "AND later.generation > d.generation) ORDER BY d.user_id"
)
TO_DELIVER = sa.text(
    f"SELECT {_CANDIDATES} FROM ops.delivery_candidates AS c WHERE c.destination = :destination "  # noqa: S608 - ours
    "AND c.account = :account AND (c.decision = 'deliver' OR c.candidate_id IN (SELECT o.candidate_id "
    "FROM ops.delivery_candidates AS o JOIN ops.deliveries AS d ON d.destination = o.destination "
    "AND d.account = o.account AND d.object = o.object AND d.kind = o.kind AND d.user_id = o.user_id "
    f"AND coalesce(d.occurrence_id, '') = coalesce(o.occurrence_id, '') WHERE d.state NOT IN ({_ENDED})))"
)
OF_ROWS = sa.text(
    f"SELECT {_CANDIDATES} FROM ops.delivery_candidates AS c WHERE c.candidate_id = ANY(:ids)"  # noqa: S608 - ours
)
USER_STATES = sa.text(
    "SELECT DISTINCT ON (d.user_id) d.user_id, d.state FROM ops.deliveries AS d "  # noqa: S608 - ours
    f"WHERE {_OURS} AND d.object = 'user' AND d.state <> 'cancelled' AND d.user_id = ANY(:users) "
    "ORDER BY d.user_id, d.planned_at DESC, d.changed_at DESC"
)
ANY_CANDIDATE = sa.text(
    "SELECT EXISTS (SELECT FROM ops.delivery_candidates WHERE destination = :destination AND account = :account)"
)
SIZES = sa.text(
    "SELECT batch_id, max(row_count) AS size FROM ops.delivery_attempts WHERE batch_id = ANY(:batches) GROUP BY 1"
)
TYPES = sa.text(
    "SELECT object, name, attribute, type FROM ops.delivery_types WHERE destination = :destination "
    "AND account = :account"
)
COUNTS = sa.text(
    "SELECT d.object, d.kind, d.event_name, d.state, d.reason, count(*) AS rows, min(d.changed_at) AS oldest, "  # noqa: S608
    f"min(d.not_before) AS next FROM ops.deliveries AS d WHERE {_OURS} GROUP BY 1, 2, 3, 4, 5 "
    "ORDER BY 1 DESC, 2, 3, 4, 5"
)


_BARE = ", ".join(f"c.{name}" for name in DELIVERY_CANDIDATES.names if name not in {"payload", "key_parts", "consent"})
ALL_CANDIDATES = sa.text(
    f"SELECT {_BARE} FROM ops.delivery_candidates AS c WHERE c.destination = :destination "  # noqa: S608 - ours
    "AND c.account = :account"
)
_WITHOUT_PAYLOAD = _LEDGER.replace("d.payload::text AS payload", "NULL AS payload")
ALL_ROWS = sa.text(
    f"SELECT {_WITHOUT_PAYLOAD} FROM ops.deliveries AS d WHERE {_OURS} "  # noqa: S608 - ours
    "AND (CAST(:night AS date) IS NULL OR d.planned_night = :night)"
)


@dataclass(frozen=True)
class Account:
    """Whose rows are read: a destination and an account there."""

    destination: str
    account: str

    @property
    def named(self) -> dict[str, Any]:
        """It as parameters."""
        return {"destination": self.destination, "account": self.account}


def has_table(connection: sa.Connection, name: str) -> bool:
    """Whether a table is there: a database that no night has brought up to date may lack it."""
    return connection.execute(sa.text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name}).scalar_one() is True


def read_candidates(connection: sa.Connection, own: Account) -> list[Candidate]:
    """Return the candidates that say deliver, and what the night says of rows that are open; none without a night."""
    if not has_table(connection, "ops.delivery_candidates"):
        return []
    sql = TO_DELIVER.text
    if not has_table(connection, "ops.deliveries"):
        sql = sql.partition(" OR c.candidate_id")[0] + ")"
    return [candidate_of(dict(row)) for row in connection.execute(sa.text(sql), own.named).mappings()]


def has_candidates(connection: sa.Connection, own: Account) -> bool:
    """Whether the newest night made any candidate for this account, whatever it says."""
    is_there = has_table(connection, "ops.delivery_candidates")
    return is_there and bool(connection.execute(ANY_CANDIDATE, own.named).scalar_one())


def night_speaks(connection: sa.Connection, own: Account) -> bool:
    """Whether the newest night says of this account what is sent: also that nothing is, by a published empty table.

    A table that only has another account's rows says nothing of this one, nor does one that no night has published.
    """
    if has_candidates(connection, own):
        return True
    if newest_night(connection) is None or not has_table(connection, "ops.delivery_candidates"):
        return False
    is_empty = sa.text("SELECT NOT EXISTS (SELECT FROM ops.delivery_candidates)")
    return connection.execute(is_empty).scalar_one() is True


def read_rows(connection: sa.Connection, own: Account, candidates: Iterable[Candidate]) -> list[Delivery]:
    """Return the rows a plan needs: those that are open, and those of the same webinars and users."""
    if not has_table(connection, "ops.deliveries"):
        return []
    webinars = {each.webinar_id for each in candidates if each.webinar_id}
    users = {each.user_id for each in candidates if each.user_id}
    values = own.named | {"webinars": list(webinars), "users": list(users)}
    return [delivery_of(dict(row)) for row in connection.execute(LIKE_CANDIDATES, values).mappings()]


def read_open(connection: sa.Connection, own: Account) -> list[Delivery]:
    """Return the rows that are not ended."""
    return [delivery_of(dict(row)) for row in connection.execute(OPEN, own.named).mappings()]


def read_keys(connection: sa.Connection, keys: Sequence[str], *, locked: bool = False) -> list[Delivery]:
    """Return rows by key, in the order of the keys; `locked`: for a claim, without those that another holds."""
    rows = connection.execute(LOCKED if locked else BY_KEY, {"keys": list(keys)}).mappings()
    found = {row["delivery_key"]: delivery_of(dict(row)) for row in rows}
    return [found[key] for key in keys if key in found]


def read_failed(connection: sa.Connection, own: Account) -> list[Delivery]:
    """Return the rows that failed, locked."""
    sql = (
        "SELECT delivery_key FROM ops.deliveries AS d WHERE d.destination = :destination AND d.account = :account "
        "AND d.state IN ('failed_transient', 'failed_permanent')"
    )
    return read_keys(connection, list(connection.execute(sa.text(sql), own.named).scalars()), locked=True)


def read_open_or_failed(connection: sa.Connection, own: Account) -> list[Delivery]:
    """Return the rows about which a person may decide."""
    return [*read_open(connection, own), *(row for row in read_failed(connection, own) if row.state == PERMANENT)]


def read_delivered(connection: sa.Connection, own: Account, occurrence: str, kind: str) -> list[Delivery]:
    """Return the newest generation of each delivered event of an occurrence."""
    values = own.named | {"occurrence": occurrence, "kind": kind}
    return [delivery_of(dict(row)) for row in connection.execute(DELIVERED_OF, values).mappings()]


def candidates_of(connection: sa.Connection, rows: Iterable[Delivery]) -> dict[str, Candidate]:
    """Return what the newest night says of rows: candidate_id → candidate."""
    ids = [row.candidate_id for row in rows if row.candidate_id]
    if not ids:
        return {}
    return {
        row["candidate_id"]: candidate_of(dict(row)) for row in connection.execute(OF_ROWS, {"ids": ids}).mappings()
    }


def all_candidates(connection: sa.Connection, own: Account) -> list[Candidate]:
    """Return every candidate of the newest night, without its payload."""
    if not has_table(connection, "ops.delivery_candidates"):
        return []
    return [candidate_of(dict(row)) for row in connection.execute(ALL_CANDIDATES, own.named).mappings()]


def all_rows(connection: sa.Connection, own: Account, night: date | None = None) -> list[Delivery]:
    """Return every row, or those planned from a night, without payloads."""
    if not has_table(connection, "ops.deliveries"):
        return []
    values = own.named | {"night": night}
    return [delivery_of(dict(row)) for row in connection.execute(ALL_ROWS, values).mappings()]


def file_names(connection: sa.Connection) -> dict[str, str]:
    """Return the name of each file that arrived: file_id → name."""
    if not has_table(connection, "ops.files"):
        return {}
    rows = connection.execute(sa.text("SELECT file_id, max(name) AS name FROM ops.files GROUP BY 1"))
    return {row.file_id: row.name for row in rows if row.name}


def user_states(connection: sa.Connection, own: Account, rows: Iterable[Delivery]) -> dict[str, str]:
    """Return of the users that events depend on the state of each one's newest row that is not cancelled."""
    users = {row.user_id for row in rows if row.object == EVENT and row.user_id}
    values = own.named | {"users": sorted(set(users))}
    if not values["users"]:
        return {}
    return {row.user_id: row.state for row in connection.execute(USER_STATES, values)}


def read_types(connection: sa.Connection, own: Account) -> dict[TypeKey, str]:
    """Return the types that are fixed: those a person approved or that were sent."""
    if not has_table(connection, "ops.delivery_types"):
        return {}
    rows = connection.execute(TYPES, own.named)
    return {(row.object, row.name, row.attribute): row.type for row in rows}


def read_occurrences(connection: sa.Connection) -> set[str]:
    """Return the occurrences that the newest night has."""
    found: set[str] = set()
    for table in ("clean.webinars", "ops.delivery_candidates"):
        if has_table(connection, table):
            sql = f"SELECT DISTINCT occurrence_id FROM {table} WHERE occurrence_id IS NOT NULL"  # noqa: S608 - of ours
            found |= set(connection.execute(sa.text(sql)).scalars())
    return found


def batch_sizes(connection: sa.Connection, rows: Iterable[Delivery]) -> dict[str, int]:
    """Return how many rows the bulk requests that are in doubt had, whatever became of them since."""
    batches = {row.batch_id for row in rows if row.is_frozen and row.batch_id}
    if not batches:
        return {}
    found = connection.execute(SIZES, {"batches": list(batches)})
    return {row.batch_id: row.size for row in found}


def newest_night(connection: sa.Connection) -> date | None:
    """Return the night whose candidates are published; None: none is."""
    if not has_table(connection, "ops.published_tables"):
        return None
    sql = "SELECT as_of FROM ops.published_tables WHERE table_name = :name"
    night: date | None = connection.execute(sa.text(sql), {"name": DELIVERY_CANDIDATES.full_name}).scalar()
    return night


def read_counts(connection: sa.Connection, own: Account) -> list[dict[str, Any]]:
    """Return how many rows there are by object, kind, event name, state and reason; the oldest, and when one is due."""
    if not has_table(connection, "ops.deliveries"):
        return []
    return [dict(row) for row in connection.execute(COUNTS, own.named).mappings()]


def is_due(row: Delivery, now: datetime) -> bool:
    """Whether its pause is over."""
    return row.not_before is None or row.not_before <= now
