"""Any past night again, from the landing archive alone: the bytes it used, the config of that night, a lake of its own.

What comes out depends on nothing else, so the same night gives the same files today, after later nights, and after the
lake was deleted. Nothing is landed, recorded or published. Files are written by `replay_files`, the schema by
`replay_schema`; the words are in `replay_render`.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
from upath import UPath

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES as CONFIG_TABLES
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.contracts import Table
from funnel_etl.delivery.webengage.contracts import RAW_CONSENTS
from funnel_etl.delivery.webengage.intake import SOURCE as CONSENT
from funnel_etl.marts.engagement.contracts import ENGAGEMENT_FILES
from funnel_etl.marts.funnel.contracts import DATA_VERSION
from funnel_etl.marts.funnel.m0 import closing
from funnel_etl.operate.rerun.replay_files import Written, require_free, write_folder
from funnel_etl.operate.rerun.replay_schema import load_schema
from funnel_etl.operate.rerun.sandbox import Sandbox, archived_night, make_tables, table_assets
from funnel_etl.operate.rerun.table_diff import changed_rows
from funnel_etl.parts.marketing.zoom.intake import SOURCE as ZOOM
from funnel_etl.parts.sales.contracts import CRM_HISTORY, SALES
from funnel_etl.parts.sales.earlier import write_history_again
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.source_assets import write_clean_again
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres.database import open_databases
from funnel_etl.platform.postgres.owner import claim_of, require_owner
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import CONFIG

SCHEMAS = ("raw", "clean", "mart", "parity")
"""What is replayed. `ops` tells of how things went, and is written when they do."""
RAW = {
    **{source.name: source.raw.asset_key for source in SOURCES.values()},
    ZOOM: ["raw", "zoom_reports"],
    CONSENT: RAW_CONSENTS.asset_key,
}
"""Source → the asset it comes in by."""
CARRIED = [source for source in SOURCES.values() if source.carry]
"""The sources of which a night leaves rows to the next ones."""
STANDING_ON = {source.name for source in SOURCES.values() if source.carry or source.needs_all_dumps}
"""The sources all of whose dumps up to a night are needed to make it again."""
FIRST = f"{CONFIG}funnels"
"""What every night that ran has a record of."""
log = logging.getLogger("funnel_etl.progress")


@dataclass(frozen=True)
class Compared:
    """A replayed table beside the night's own in the lake. `there`: whether the lake still has that."""

    table: str
    there: bool
    added: int = 0
    removed: int = 0
    changed: int = 0

    @property
    def is_equal(self) -> bool:
        """Whether both have the same rows."""
        return self.there and not (self.added or self.removed or self.changed)


@dataclass
class Replay:
    """A night that was replayed. `not_taken_in`: sources it did not use; `failures`: asset → why, in a line.

    `code`: version of funnel_etl that made the night in the lake; None: the lake has it no more.
    """

    night: date
    folder: Path
    files: dict[str, Written] = field(default_factory=dict)
    not_taken_in: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    compared: list[Compared] = field(default_factory=list)
    code: str | None = None
    schema: str | None = None


def default_folder(settings: Settings, night: date) -> Path:
    """Return the folder a replay is written to when nobody names one."""
    return settings.state / "exports" / "replay" / night.isoformat()


def replay(settings: Settings, night: date, folder: Path, *, schema: bool = False) -> Replay:
    """Make the night again and write it to `folder`; with `schema`, load it into PostgreSQL too.

    Raises `FunnelError` for a night that never ran, whose files are gone, or that is made again meanwhile.
    """
    from funnel_etl.assembly import build_definitions  # noqa: PLC0415 - loading all assets takes a second

    require_free(folder, night)
    landing = Landing(UPath(settings.landing_root))
    _require_replayable(landing, night)
    used = _used(landing, night)
    erased = _erased(landing, used)
    tables = replayed_tables()
    assets = table_assets(build_definitions(settings), tables)
    with ExitStack() as stack:
        databases = (
            stack.enter_context(open_databases(settings.state, settings.database_port, settings.database_url))
            if schema
            else None
        )
        if databases:
            require_owner(databases.funnel_url, claim_of(settings, landing))
        place = stack.enter_context(archived_night(settings, night))
        _remake_earlier(place, night)
        done = Replay(night, folder, not_taken_in=[source for source in RAW if source not in used])
        lacking = [dg.AssetKey(RAW[source]) for source in done.not_taken_in]
        done.failures = make_tables(assets, place, night, tables, without=lacking)
        if (used, erased) != (_used(landing, night), _erased(landing, used)):
            raise FunnelError(
                f"the night {night} was made again, or somebody was erased from it, meanwhile",
                fix="replay it again",
                transient=True,
            )
        made = [table for table in tables if not table.lake_only and _is_good(place.lake, table, night)]
        if not made and done.failures:
            return done
        done.compared, done.code = _compared(settings, place.lake, made, night)
        about = _about(
            settings, place, night, used, [table for table in tables if table not in made and not table.lake_only]
        )
        done.files = write_folder(folder, _rows(place.lake, made, night), about)
        if databases:
            shown = [table for table in made if not table.restricted]  # a schema of its own has no row security
            log.info("loading %s tables into PostgreSQL", len(shown))
            done.schema = load_schema(databases.funnel_url, night, _rows(place.lake, shown, night))
    return done


def replayed_tables() -> list[Table]:
    """Return the tables that a replay makes."""
    from funnel_etl.assembly import TABLES  # noqa: PLC0415 - loading all assets takes a second

    return [table for table in TABLES if _is_replayed(table)]


def _is_replayed(table: Table) -> bool:
    """Whether a replay makes a table: those of the night, and what they are made from."""
    return (table.schema in SCHEMAS and not table.live) or table == ENGAGEMENT_FILES


def replayable(landing: Landing) -> list[date]:
    """Return the nights whose files are all there."""
    found: list[date] = []
    recorded = _recorded(landing)
    for night in recorded[FIRST]:
        lost = _lost(landing, recorded, night)
        if set(lost) & STANDING_ON:
            break  # the later ones stand on these dumps too
        if not lost and _used(landing, night):
            found.append(night)
    return found


def _used(landing: Landing, night: date) -> dict[str, list[str]]:
    """Return what a night used of each source it took in."""
    found = {source: landing.night(night, source) for source in RAW}
    return {source: file_ids for source, file_ids in found.items() if file_ids is not None}


def _erased(landing: Landing, used: dict[str, list[str]]) -> dict[str, tuple[int, ...]]:
    """Return the lines of erased persons of each file that a night used."""
    return {file_id: landing.erased_lines(file_id) for file_ids in used.values() for file_id in file_ids}


def _recorded(landing: Landing) -> dict[str, list[date]]:
    """Return the nights that are recorded of each source whose newest record up to a night counts for it."""
    return {
        source: landing.nights(source) for source in (*(f"{CONFIG}{name}" for name in CONFIG_TABLES), closing.SOURCE)
    }


def _lost(landing: Landing, recorded: dict[str, list[date]], night: date) -> dict[str, list[str]]:
    """Give, by source, the files that a night used itself and that are not in the archive any more."""
    needed = _used(landing, night)
    for source, nights in recorded.items():
        newest = max((day for day in nights if day <= night), default=None)
        needed[source] = (landing.night(newest, source) if newest else None) or []
    lost = {source: [f for f in file_ids if not landing.has(f)] for source, file_ids in needed.items()}
    return {source: file_ids for source, file_ids in lost.items() if file_ids}


def _require_replayable(landing: Landing, night: date) -> None:
    recorded = _recorded(landing)
    if night not in recorded[FIRST] or not _used(landing, night):
        never = "never ran" if night not in recorded[FIRST] else "took nothing in"
        raise FunnelError(f"the night {night} {never}", where="landing archive", fix=_instead(landing))
    if lost := _lost(landing, recorded, night):
        raise _gone(landing, f"the night {night} used", lost)
    for day in (day for day in recorded[FIRST] if day < night):
        dumps = {source: file_ids for source, file_ids in _used(landing, day).items() if source in STANDING_ON}
        if lost := {source: ids for source, ids in dumps.items() if not all(map(landing.has, ids))}:
            raise _gone(landing, f"the night {day} used, and the night {night} stands on,", lost)


def _gone(landing: Landing, whose: str, lost: dict[str, list[str]]) -> FunnelError:
    first = next(file_id for file_ids in lost.values() for file_id in file_ids if not landing.has(file_id))
    why = landing.removed(first) or "nothing says why: they are lost"
    return FunnelError(
        f"files that {whose} are not there any more ({', '.join(sorted(lost))}: {why})",
        where="landing archive",
        fix=f"restore them from a backup of the archive, or {_instead(landing)}",
    )


def _instead(landing: Landing) -> str:
    nights = replayable(landing)
    return f"replay one of {spans(nights)}" if nights else "run a night first: funnel-etl run"


def spans(nights: list[date]) -> str:
    """Return days in few words: those in a row as first to last."""
    rows = [list(row) for _, row in groupby(enumerate(nights), lambda at: at[1].toordinal() - at[0])]
    days = [[day for _, day in row] for row in rows]
    return ", ".join(f"{row[0]} to {row[-1]}" if len(row) > 1 else f"{row[0]}" for row in days)


def _remake_earlier(place: Sandbox, night: date) -> None:
    """Make again, oldest first, what the nights before left to this one: some dumps reach back months only."""
    pulled = {day for source in STANDING_ON for day in place.sources.landing.nights(source) if day < night}
    for number, day in enumerate(sorted(pulled), start=1):
        log.info("the dumps of %s, for what they leave to %s (%s of %s)", day, night, number, len(pulled))
        at = Night(day, place.sources, "")
        for source in CARRIED:
            write_clean_again(source, at, place.lake)
        write_history_again(at, place.lake)
        for table in {*(source.clean for source in CARRIED), CRM_HISTORY} - {SALES}:  # only the newest is read again
            for old in place.lake.nights(table)[:-1]:
                place.lake.remove(table.full_name, old)


def _is_good(lake: Lake, table: Table, night: date) -> bool:
    return lake.exists(table, night) and not lake.read_account(table, night)[0].problems


def _rows(lake: Lake, tables: list[Table], night: date) -> Iterator[tuple[Table, pa.Table]]:
    for table in tables:
        rows = lake.read_arrow(table, night)
        yield (table.extended_with(rows.column_names) if table.extensible else table), rows


def _compared(settings: Settings, lake: Lake, made: list[Table], night: date) -> tuple[list[Compared], str | None]:
    """Compare with the night in the lake, and return the version of the code that made it there."""
    real = Lake(UPath(settings.lake_root))
    found = []
    for table in made:
        if not real.exists(table, night):
            found.append(Compared(table.full_name, there=False))
        elif real.content_hash(table, night) == lake.content_hash(table, night):
            found.append(Compared(table.full_name, there=True))
        else:
            sides = [_rows_of(one, table, night) for one in (real, lake)]
            found.append(Compared(table.full_name, True, *_changed(table, *sides)))
    there = real.exists(DATA_VERSION, night)
    return found, str(real.read(DATA_VERSION, night)["code_version"].iloc[0]) if there else None


def _rows_of(lake: Lake, table: Table, night: date) -> Any:
    rows = lake.read_arrow(table, night)
    missing = [column for column in table.names if column not in rows.column_names]
    if missing:  # made before the contract had it
        for column in table.to_arrow(table.empty()).schema:
            if column.name in missing:
                rows = rows.append_column(column, pa.nulls(len(rows), column.type))
    contract = table.extended_with(rows.column_names) if table.extensible else table
    return contract.from_arrow(rows)


def _changed(table: Table, before: Any, after: Any) -> tuple[int, int, int]:
    both = table.extended_with([*before.columns, *after.columns]) if table.extensible else table
    return changed_rows(both, before.reindex(columns=both.names), after.reindex(columns=both.names))


def _about(
    settings: Settings, place: Sandbox, night: date, used: dict[str, list[str]], not_made: list[Table]
) -> dict[str, Any]:
    """Return what the manifest tells besides the files: all that the night's tables follow from."""
    return {
        "as_of": night.isoformat(),
        "code_version": version("funnel_etl"),
        "config_version": place.sources.config(night).version,
        "settings": {
            "timezone": settings.timezone,
            "sheet_year": settings.sheet_year,
            "zoom_date_ratio": settings.zoom_date_ratio,
        },
        "used": used,
        "not_made": [table.full_name for table in not_made],
    }
