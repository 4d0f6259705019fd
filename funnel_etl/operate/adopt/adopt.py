"""`funnel-etl db adopt`: a person says that this installation replaces what another published into its database.

Here: what is there, and the adoption. Not here: how it looks (`render`), and who is refused (`postgres.owner`).
"""

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa

from funnel_etl.operate.run.dagster_home import prepare_tables
from funnel_etl.platform.postgres.address import read_address
from funnel_etl.platform.postgres.database import engine, open_databases
from funnel_etl.platform.postgres.database_errors import database_errors
from funnel_etl.platform.postgres.owner import (
    LAST_VERSION,
    Claim,
    OtherOwner,
    Owner,
    asker,
    claim_of,
    owner_of,
    refuse_other_owner,
    set_owner,
)
from funnel_etl.platform.postgres.publisher import LOCK
from funnel_etl.platform.postgres.short_locks import run
from funnel_etl.settings import Settings

NIGHTS = sa.text("SELECT part, max(as_of) AS as_of FROM ops.nights GROUP BY part ORDER BY part")
TABLES = sa.text("SELECT count(*) FROM pg_tables WHERE schemaname IN ('raw', 'clean', 'mart', 'parity')")
FACTS = sa.text("SELECT to_regclass('mart.funnel_facts') IS NOT NULL")
REVENUE = sa.text("SELECT count(*), coalesce(sum(revenue_inr), 0) FROM mart.funnel_facts")


@dataclass(frozen=True)
class Adoption:
    """What would be replaced, and by whom. `owner`: None if nobody has published; `refusal`: None if it is ours."""

    place: str
    owner: Owner | None
    refusal: OtherOwner | None
    nights: dict[str, date]
    tables: int
    facts: int
    revenue: Decimal
    claim: Claim
    arrivals: int


def look(settings: Settings) -> Adoption:
    """Look at what is published and at what would replace it; changes nothing. Raises `DatabaseUnavailable`."""
    claim = claim_of(settings)
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        place = read_address(databases.funnel_url).place
        with engine(databases.funnel_url).connect() as connection:
            refusal = None
            try:
                refuse_other_owner(asker(connection), claim, place)
            except OtherOwner as error:
                refusal = error
            owner = owner_of(asker(connection))
            nights = {row.part: row.as_of for row in connection.execute(NIGHTS)} if owner else {}
            tables = connection.execute(TABLES).scalar_one()
            has_facts = connection.execute(FACTS).scalar_one()
            facts, revenue = connection.execute(REVENUE).one() if has_facts else (0, Decimal(0))
    arrivals = len(claim.landing.arrivals())
    return Adoption(place, owner, refusal, nights, tables, facts, revenue, claim, arrivals)


def adopt(settings: Settings, adoption: Adoption) -> None:
    """Make the database ours: the next night replaces what is published, whichever night that was.

    Files that only the other archive has leave `ops.files`, which lists what this one has.
    """
    claim = adoption.claim
    ours = sorted(arrival.arrival_id for arrival in claim.landing.arrivals())
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        prepare_tables(databases, None)
        with database_errors(databases.funnel_url, "not adopted"), engine(databases.funnel_url).begin() as connection:
            _adopt(connection, claim, ours)


def _adopt(connection: sa.Connection, claim: Claim, ours: list[str]) -> None:
    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    version = connection.execute(sa.text(LAST_VERSION)).scalar_one()
    by_hand = f"adopted-{uuid.uuid4()}"
    # Noted in this archive only: a copy of it, or the one it is a copy of, is refused from now on.
    claim.landing.identity.note_publication(by_hand)
    run(connection, set_owner(claim, by_hand, version, version))
    connection.execute(sa.text("DELETE FROM ops.published_tables"))
    connection.execute(sa.text("DELETE FROM ops.files WHERE arrival_id <> ALL(:ours)"), {"ours": ours})
