"""Whose database it is: the landing archive it is published from; another one is refused until a person adopts it.

Two copies of one archive have the same id, so the last run that published must be known to the archive as well: a copy,
or an archive that was put back to an older backup, does not know it.
"""

import hashlib
import socket
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.postgres.address import read_address
from funnel_etl.platform.postgres.database import literal, opened
from funnel_etl.platform.postgres.database_errors import database_errors
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing

Ask = Callable[[str], list[tuple[Any, ...]]]
"""Runs a query and gives its rows: by whatever driver."""
KNOWN_FILES = 200
NIGHTS = "SELECT version, as_of, published_at FROM ops.nights ORDER BY version DESC LIMIT 1"
OWNER = "SELECT archive_id, run_id, version, since_version, published_at, host, home, archive_place FROM ops.owner"
FILES = f"SELECT arrival_id FROM ops.files ORDER BY received_at DESC LIMIT {KNOWN_FILES}"  # noqa: S608 - a number
LAST_VERSION = """
SELECT greatest((SELECT coalesce(max(version), 0) FROM ops.nights),
    (SELECT coalesce(max(version), 0) FROM ops.published_tables), (SELECT coalesce(max(version), 0) FROM ops.owner))
"""
"""No number is given twice, whichever of these tables was deleted from."""
OURS = "version > (SELECT coalesce(max(since_version), 0) FROM ops.owner)"
"""Condition on `ops.nights`: published by the installation that owns the database, not by one before an adoption."""
ADOPT = "funnel-etl db adopt"


class OtherOwner(DatabaseUnavailable):
    """The database is published from another landing archive."""


@dataclass(frozen=True)
class Claim:
    """An installation that wants to publish: its archive, its machine and FUNNEL_HOME, the zone of its days."""

    landing: Landing
    host: str
    home: str
    zone: str

    @property
    def archive_place(self) -> str:
        """Hash of where the archive lies: of a store its address, which no database has to know."""
        return hashlib.sha256(str(self.landing.root).encode()).hexdigest()[:16]


def claim_of(settings: Settings, landing: Landing | None = None) -> Claim:
    """Return the claim of an installation."""
    archive = landing or Landing(settings.landing_root)
    return Claim(archive, socket.gethostname(), str(settings.state), settings.timezone)


@dataclass(frozen=True)
class Owner:
    """Who published last, as the database says."""

    archive_id: str | None
    run_id: str | None
    version: int
    since_version: int
    published_at: datetime
    host: str | None = None
    home: str | None = None
    archive_place: str | None = None


def owner_of(ask: Ask) -> Owner | None:
    """Return whose database it is; one that was published before owners were kept has an owner without an id."""
    if _is_there(ask, "ops.owner") and (rows := ask(OWNER)):
        return Owner(*rows[0])
    if _is_there(ask, "ops.nights") and (rows := ask(NIGHTS)):
        version, _, at = rows[0]
        return Owner(None, None, version, 0, at)
    return None


def refuse_other_owner(ask: Ask, claim: Claim, place: str) -> Owner | None:
    """Return the owner if it is us, None if there is none yet; else raise `OtherOwner`, with who it is."""
    owner = owner_of(ask)
    if owner is None:
        return None
    if owner.archive_id is None:
        files = [row[0] for row in ask(FILES)] if _is_there(ask, "ops.files") else []
        # Published before this was recorded: whoever has the files it was made from goes on.
        is_ours = not files or bool({arrival.arrival_id for arrival in claim.landing.arrivals()} & set(files))
    else:
        is_ours = owner.archive_id == claim.landing.identity.id
    if not is_ours:
        raise _refusal("another installation", owner, claim, place)
    is_elsewhere = owner.archive_place not in (None, claim.archive_place) and owner.host != claim.host
    if is_elsewhere:
        raise _refusal("a copy of this archive, at another place on another machine,", owner, claim, place)
    if owner.run_id is not None and not claim.landing.identity.has_published(owner.run_id):
        raise _refusal("a copy of this installation, or by this one before it was put back,", owner, claim, place)
    return owner


def require_owner(url: str, claim: Claim, asking: sa.Engine | None = None) -> None:
    """Raise `OtherOwner` if the database is published from another archive; nothing is changed.

    `asking`: an engine of that address; its connection is used, and is there for what it asks next.
    """
    with database_errors(url), nullcontext(asking) if asking else opened(url) as by, by.connect() as connection:
        refuse_other_owner(asker(connection), claim, read_address(url).place)


def set_owner(claim: Claim, run_id: str, version: int, since: int) -> str:
    """Write the statement that makes the database ours, by a run that publishes or by a person's word."""
    values = {
        "archive_id": literal(claim.landing.identity.id),
        "run_id": literal(run_id),
        "version": str(version),
        "since_version": str(since),
        "published_at": "now()",
        "host": literal(claim.host),
        "home": literal(claim.home),
        "archive_place": literal(claim.archive_place),
    }
    sets = ", ".join(f"{name} = EXCLUDED.{name}" for name in values)
    return (
        f"INSERT INTO ops.owner (name, {', '.join(values)}) VALUES ('owner', {', '.join(values.values())}) "  # noqa: S608
        f"ON CONFLICT (name) DO UPDATE SET {sets}"
    )


def asker(connection: sa.Connection) -> Ask:
    """Return what asks by a connection of SQLAlchemy."""
    return lambda sql: [tuple(row) for row in connection.execute(sa.text(sql))]


def described(owner: Owner, zone: str) -> str:
    """Return who published last, from where and when, in words."""
    at = f"version {owner.version}, {owner.published_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"
    return f"{at}, {owner.host or 'machine unknown'}{f':{owner.home}' if owner.home else ''}"


def _refusal(by: str, owner: Owner, claim: Claim, place: str) -> OtherOwner:
    return OtherOwner(
        f"it was last published by {by} ({described(owner, claim.zone)})",
        where=place,
        fix="give this installation a database of its own (FUNNEL_DATABASE_URL); or, if it is to replace what is "
        f"published there: {ADOPT}",
    )


def _is_there(ask: Ask, table: str) -> bool:
    return ask(f"SELECT to_regclass('{table}') IS NOT NULL")[0][0] is True
