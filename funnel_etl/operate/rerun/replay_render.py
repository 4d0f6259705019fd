"""The words of `funnel-etl replay`."""

from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped
from funnel_etl.operate.rerun.replay import Replay, default_folder, replay
from funnel_etl.operate.rerun.replay_schema import drop_schema, schema_name
from funnel_etl.platform.postgres.database import open_databases
from funnel_etl.platform.postgres.owner import claim_of, require_owner
from funnel_etl.settings import Settings


def show(
    settings: Settings,
    out: Console,
    err: Console,
    night: date | None,
    to: Path | None,
    *,
    schema: bool,
    drop: date | None,
) -> int:
    """Replay a night (or drop the schema of one), show it, and return the exit code: 1 when a table was not made."""
    if drop is not None:
        if night or to or schema:
            raise FunnelError("--drop goes alone", where="replay", fix=f"funnel-etl replay --drop {drop}")
        return _drop(settings, out, drop)
    if night is None:
        raise FunnelError("no night is named", where="replay", fix="funnel-etl replay --as-of 2026-11-20")
    out.print(f"Night {night} again, from the landing archive …")
    done = replay(settings, night, to or default_folder(settings, night), schema=schema)
    for asset, why in done.failures.items():
        err.print(f"{asset}: {why}", style="red", markup=False, highlight=False)
    if not done.files:
        err.print("No table could be made; nothing was written.")
        return 1
    for line in _summary_lines(done):
        out.print(line, markup=False, highlight=False)
    if differing := [one for one in done.compared if one.there and not one.is_equal]:
        shown = RichTable("table", "added", "removed", "changed", box=None)
        for one in differing:
            shown.add_row(one.table, f"{grouped(one.added)}", f"{grouped(one.removed)}", f"{grouped(one.changed)}")
        out.print(shown)
    if done.failures:
        err.print("The tables named above are not in it, nor what depends on them.")
    return 1 if done.failures else 0


def _summary_lines(done: Replay) -> Iterator[str]:
    rows = sum(one.rows for one in done.files.values())
    yield f"{len(done.files)} tables, {grouped(rows)} rows, and manifest.json: {done.folder}"
    if done.schema:
        yield f"Schema {done.schema} in PostgreSQL; to remove it: funnel-etl replay --drop {done.night}"
    if done.not_taken_in:
        yield f"That night took in no {', no '.join(done.not_taken_in)}: what is made from it is not in it."
    there = [one for one in done.compared if one.there]
    equal = [one for one in there if one.is_equal]
    if not there:
        yield "The lake has that night no more, so there is nothing to compare with."
    elif len(equal) == len(done.compared):
        yield f"Equal to the night as it lies in the lake: all {len(equal)} tables."
    else:
        gone = len(done.compared) - len(there)
        yield f"Equal to the night as it lies in the lake: {len(equal)} tables." + (
            f" {gone} are in the lake no more." if gone else ""
        )
    if len(equal) != len(there):
        yield from _why(done)


def _why(done: Replay) -> Iterator[str]:
    now = version("funnel_etl")
    made_by = f"version {done.code}" if done.code else "an unknown version"
    if done.code != now:
        yield f"Others differ: the night was made by {made_by} of funnel_etl, this is {now}."
    else:
        yield (
            "Others differ. The code is the same, so: somebody was erased since, a setting is another "
            "(FUNNEL_TIMEZONE, FUNNEL_SHEET_YEAR), or that night stood on a lake with other nights."
        )


def _drop(settings: Settings, out: Console, night: date) -> int:
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        require_owner(databases.funnel_url, claim_of(settings))
        there = drop_schema(databases.funnel_url, night)
    out.print(f"{schema_name(night)} is gone." if there else f"There is no schema {schema_name(night)}.")
    return 0
