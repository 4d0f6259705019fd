"""The log of what people did on the page: `ops.app_actions`. No phone, e-mail or name of a lead goes into it."""

import uuid
from datetime import UTC, datetime

import pandas as pd
import sqlalchemy as sa

from funnel_etl.core.values.text import typed
from funnel_etl.platform.postgres.database import connected, open_databases
from funnel_etl.settings import Settings

DONE = "done"
_NOTE = sa.text(
    "INSERT INTO ops.app_actions (action_id, at, who, page, action, about, outcome) "
    "VALUES (:action_id, :at, :who, :page, :action, :about, :outcome)"
)
_WHO = sa.text(
    "SELECT DISTINCT about, who FROM ops.app_actions WHERE action = :action AND outcome = 'done' AND at > :at"
)
_NEWEST = sa.text(
    "SELECT at, who, page, action, about, outcome FROM ops.app_actions "
    "WHERE CAST(:who AS text) IS NULL OR who = :who ORDER BY at DESC LIMIT :most"
)


def note(settings: Settings, who: str, page: str, action: str, about: str | None = None, outcome: str = DONE) -> None:
    """Write down what somebody did. Raises `DatabaseUnavailable`: what cannot be written down is not to be done."""
    row = {
        "action_id": str(uuid.uuid4()),
        "at": datetime.now(UTC),
        "who": who,
        "page": page,
        "action": action,
        "about": typed(about) if about else about,
        "outcome": outcome,
    }
    with (
        open_databases(settings.state, settings.database_port, settings.database_url) as databases,
        connected(databases.funnel_url) as connection,
        connection.begin(),
    ):
        connection.execute(_NOTE, row)


def who_did(connection: sa.Connection, action: str, since: datetime) -> dict[str, frozenset[str]]:
    """Return who has done something since then, by what it was about."""
    people: dict[str, set[str]] = {}
    for row in connection.execute(_WHO, {"action": action, "at": since}):
        people.setdefault(row.about, set()).add(row.who)
    return {about: frozenset(names) for about, names in people.items()}


def newest(settings: Settings, who: str | None = None, most: int = 200) -> pd.DataFrame:
    """Return the newest actions, of one person or of all: at, who, page, action, about, outcome."""
    with (
        open_databases(settings.state, settings.database_port, settings.database_url) as databases,
        connected(databases.funnel_url) as connection,
    ):
        return pd.read_sql(_NEWEST, connection, params={"who": who, "most": most})
