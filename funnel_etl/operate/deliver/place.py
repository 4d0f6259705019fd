"""What every command of deliver works with: the account, the database, the journal. Nothing is sent here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from funnel_etl.delivery.contracts import WEBENGAGE
from funnel_etl.delivery.journal import Journal
from funnel_etl.delivery.opened import is_on
from funnel_etl.delivery.reading import Account
from funnel_etl.delivery.webengage.adapter import WebEngage, adapter_of
from funnel_etl.operate.run.dagster_home import prepare_tables
from funnel_etl.platform.postgres.database import engine, open_databases
from funnel_etl.platform.postgres.owner import claim_of
from funnel_etl.settings import Settings


@dataclass(frozen=True)
class Place:
    """A destination of this installation. `is_on`: whether anything may be sent there."""

    settings: Settings
    engine: sa.Engine
    adapter: WebEngage
    is_on: bool

    @property
    def own(self) -> Account:
        """Whose rows are looked at."""
        return Account(self.adapter.destination, self.adapter.account)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of business days."""
        return ZoneInfo(self.settings.timezone)

    def journal(self) -> Journal:
        """Return the journal of the destination."""
        return Journal(self.settings.landing_root, self.adapter.destination)


@contextmanager
def open_place(settings: Settings, *, to_send: bool = False, only_read: bool = False) -> Iterator[Place]:
    """Open the database for a command. `to_send`: licence and key must be set; `only_read`: nothing is written.

    Raises `ConfigError`, `DatabaseUnavailable`, and `OtherOwner` for the database of another installation.
    """
    adapter = adapter_of(settings, must_send=to_send)
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        if not only_read:
            prepare_tables(databases, claim_of(settings))
        opened = engine(databases.funnel_url)
        try:
            yield Place(settings, opened, adapter, is_on(settings, WEBENGAGE))
        finally:
            opened.dispose()
