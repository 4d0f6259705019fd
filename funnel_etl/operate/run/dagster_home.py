"""Dagster's home below the state folder: its `dagster.yaml`, and its storage's address in the environment."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa

import funnel_etl
from funnel_etl.files import close_state, private_folder, private_umask, write_whole
from funnel_etl.platform.dagster.nights import begin_nights
from funnel_etl.platform.postgres.database import Databases, open_databases, opened
from funnel_etl.platform.postgres.database_errors import database_errors
from funnel_etl.platform.postgres.owner import Claim, require_owner
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl.settings import PROJECT, Settings


def prepare(settings: Settings, databases: Databases) -> dict[str, str]:
    """Write Dagster's home, and return the environment its processes need (it holds the storage's password).

    Nobody else may read what is in the state folder from then on.
    """
    close_state(settings.state, settings.drop_folder)
    begin_nights(settings, settings.yesterday())
    home = settings.state / "dagster"
    private_folder(home)
    write_whole(home / "dagster.yaml", _instance_config().read_bytes(), private=True)
    return {
        "DAGSTER_HOME": str(home),
        "FUNNEL_DAGSTER_URL": databases.dagster_url,
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "FUNNEL_HOME": str(settings.state),
    }


@contextmanager
def instance(settings: Settings) -> Iterator[tuple[dg.DagsterInstance, Databases]]:
    """Open the databases and Dagster's instance; both are left at the end. Raises `DatabaseUnavailable`."""
    with (
        open_databases(settings.state, settings.database_port, settings.database_url) as databases,
        open_instance(settings, databases) as opened,
    ):
        yield opened, databases


@contextmanager
def open_instance(settings: Settings, databases: Databases) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's instance on databases that are open. Raises `DatabaseUnavailable`."""
    os.environ.update(prepare(settings, databases))
    with database_errors(databases.dagster_url, "Dagster's storage could not be opened"):
        opened = dg.DagsterInstance.get()
    with private_umask(), opened, _kept_connections(opened, databases):
        yield opened


@contextmanager
def _kept_connections(opened: dg.DagsterInstance, databases: Databases) -> Iterator[None]:
    """Keep Dagster's connections, and what it knows of its own tables, until the instance is left.

    A connection for each event, Dagster's default, is half of what a small night costs PostgreSQL. Storing an event
    of an asset takes a second connection, and asks the catalogue which tables and columns there are; before each step
    it asks for each asset below it whether it was wiped, and which version it has, which do not change any more. That
    would be a quarter of all statements of a night.
    """
    kept = sa.create_engine(
        databases.dagster_url,
        isolation_level="AUTOCOMMIT",
        pool_size=2,
        max_overflow=20,
        pool_recycle=60,  # seconds: who waits for a source for hours must not find them cut off on the way
    )
    for storage in (opened.run_storage, opened.event_log_storage, opened.schedule_storage):
        storage._engine = kept  # type: ignore[union-attr]  # noqa: SLF001 - optimize_for_webserver does the same
    events = opened.event_log_storage
    events.has_table = cache(events.has_table)  # type: ignore[attr-defined]
    events.has_asset_key_col = cache(events.has_asset_key_col)  # type: ignore[attr-defined]
    events._get_assets_details = _remembered(events._get_assets_details)  # type: ignore[attr-defined]  # noqa: SLF001
    events.get_latest_tags_by_partition = _remembered(events.get_latest_tags_by_partition)  # type: ignore[method-assign]
    try:
        yield
    finally:
        kept.dispose()


def _remembered(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that asks once for the same; where there is no answer yet, again."""
    known: dict[str, Any] = {}

    def answer(*arguments: Any, **options: Any) -> Any:
        question = repr((arguments, options))
        if not known.get(question):
            known[question] = ask(*arguments, **options)
        return known[question]

    return answer


def prepare_tables(databases: Databases, claim: Claim | None) -> None:
    """Bring the database up to the contracts, so that every table is there before the first night.

    A table that cannot be changed stops only the part that publishes it. Raises `OtherOwner` for the database of
    another archive, and changes nothing there; without a claim nobody is asked.
    """
    with opened(databases.funnel_url) as asking:
        if claim is not None:
            require_owner(databases.funnel_url, claim, asking)
        from funnel_etl.assembly import TABLES  # noqa: PLC0415 - loading all assets takes a second only some commands need

        ensure_schema(asking, TABLES, needed=())


def _instance_config() -> Path:
    packaged = Path(funnel_etl.__file__).resolve().parent / "dagster.yaml"
    return packaged if packaged.is_file() else PROJECT / "dagster.yaml"
