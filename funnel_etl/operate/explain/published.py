"""The published database, opened to look at what is in it."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from funnel_etl.core.errors import FunnelError
from funnel_etl.operate.run.dagster_home import prepare_tables
from funnel_etl.platform.postgres.database import connected, open_databases
from funnel_etl.platform.postgres.owner import OURS, claim_of
from funnel_etl.settings import Settings


class NothingPublished(FunnelError):
    """No night has published anything yet."""


@contextmanager
def published_database(settings: Settings, command: str = "explain") -> Iterator[sa.Connection]:
    """Open the published database. Raises `NothingPublished` while nothing is published."""
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        prepare_tables(databases, claim_of(settings))
        with connected(databases.funnel_url) as connection:
            if not connection.execute(sa.text(f"SELECT count(*) FROM ops.nights WHERE {OURS}")).scalar_one():  # noqa: S608
                raise NothingPublished("no night is published yet", where=command, fix="funnel-etl run")
            yield connection
