"""What an edit of `config_csv` would move, before it is accepted: the newest night again, off to the side.

The night runs whole, on the bytes it used, with the config as it lies in the folder; then its tables are compared with
those of the lake. Nothing is landed, recorded, published or left behind. What differs is worked out in `table_diff`.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import pandas as pd
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.contracts import Table
from funnel_etl.files import storage_error, write_whole
from funnel_etl.marts.funnel.contracts import DATA_VERSION, FUNNEL_MONTHLY
from funnel_etl.operate.rerun import table_diff as moves
from funnel_etl.operate.rerun.sandbox import edited_night, make_tables, table_assets
from funnel_etl.operate.worklist.worklist import escaped
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import UNREAD, NightlySources

NOT_COMPARED = {CONFIG_VERSIONS.full_name, DATA_VERSION.full_name}
"""Tables that tell of the config itself: every edit changes them."""
DETAIL = ["what", "table_name", "month", "from_funnel", "to_funnel", "key", "column_name", "before", "after"]
DETAIL_HEADER = [*DETAIL, "difference"]


@dataclass
class Preview:
    """What an edit moves. With `errors` (of the config) or `failures` (asset → line) the night would not take it.

    `lines`, `moved`, `totals`, `cells` are frames of the functions of `table_diff`; `tables` has table_name, added,
    removed, changed. `notes`: what a person should know about the comparison.
    """

    night: date
    folder: Path
    lines: pd.DataFrame
    errors: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    moved: pd.DataFrame = field(default_factory=pd.DataFrame)
    totals: pd.DataFrame = field(default_factory=pd.DataFrame)
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)
    tables: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: list[str] = field(default_factory=list)

    @property
    def is_taken(self) -> bool:
        """Whether the night would take the config as currently on disk."""
        return not self.errors and not self.failures


def preview(settings: Settings) -> Preview:
    """Run the newest complete night again, off to the side, with the config as it lies in its folder, and compare.

    Raises `FunnelError` when there is no complete night, or it changed meanwhile.
    """
    from funnel_etl.assembly import TABLES, build_definitions  # noqa: PLC0415 - loading all assets takes a second

    real = Lake(UPath(settings.lake_root))
    assets = table_assets(build_definitions(settings), TABLES)
    made = [t for t in TABLES if dg.AssetKey(t.asset_key) in {key for a in assets for key in a.keys}]
    night = _newest_complete(real, made)
    in_force = NightlySources(settings, Landing(UPath(settings.landing_root))).config(night)
    with edited_night(settings, night) as place:
        seen = place.sources.accept_config(night)
        candidate = place.sources.config(night)
        names = sorted({*in_force.tables, *candidate.tables})
        lines = moves.changed_lines(
            {name: in_force.table(name) for name in names}, {name: candidate.table(name) for name in names}
        )
        found = Preview(night, settings.config_folder, lines)
        found.errors = [str(v.errors) for v in seen if v.status == "rejected"]
        found.notes = [str(v.errors) for v in seen if v.status == UNREAD]
        if found.errors or not len(lines):
            return found
        marks = {table.full_name: real.content_hash(table, night) for table in made}
        found.failures = make_tables(assets, place, night, TABLES)
        if not found.failures:
            _compare(found, real, place.lake, [t for t in made if t.full_name not in NOT_COMPARED])
            found.notes += _notes(real, night)
        if marks != {table.full_name: real.content_hash(table, night) for table in made}:
            raise FunnelError(
                f"the night {night} was made again meanwhile", fix="ask again when no run is going on", transient=True
            )
    return found


def _newest_complete(lake: Lake, tables: Iterable[Table]) -> date:
    made = {table.full_name: lake.nights(table) for table in tables}
    nights = set.intersection(*map(set, made.values()))
    if nights:
        return max(nights)
    newest = max((night for found in made.values() for night in found), default=None)
    lacks = next((f" (that of {newest} lacks {name})" for name, found in made.items() if newest not in found), "")
    raise FunnelError(
        f"no night is complete in the lake{lacks if newest else ''}, so there is nothing to compare with",
        where=str(lake.root),
        fix="run a night: funnel-etl run",
    )


def _compare(found: Preview, real: Lake, made: Lake, tables: Sequence[Table]) -> None:
    """Fill in what differs. A table whose bytes are the same is not even read."""
    night = found.night
    differing = [t for t in tables if real.content_hash(t, night) != made.content_hash(t, night)]
    needed = {FUNNEL_MONTHLY.full_name, *(moving.table for moving in moves.MOVING)}
    aggregates = [table for table in differing if _is_aggregate(table)]
    kept = {t.full_name for t in aggregates} | needed
    before: dict[str, pd.DataFrame] = {t.full_name: t.empty() for t in tables if t.full_name in needed}
    after = dict(before)
    rows = []
    for table in differing:
        was, now = real.read(table, night), made.read(table, night)
        added, removed, changed = moves.changed_rows(table, was, now)
        rows.append({"table_name": table.full_name, "added": added, "removed": removed, "changed": changed})
        if table.full_name in kept:
            before[table.full_name], after[table.full_name] = was, now
    found.tables = pd.DataFrame(rows, columns=["table_name", "added", "removed", "changed"])
    found.tables = found.tables[(found.tables.drop(columns="table_name") != 0).any(axis="columns")]
    found.moved = moves.moved(before, after, pd.Timestamp(night))
    found.totals = moves.month_totals(before, after)
    found.cells = moves.changed_cells(aggregates, before, after)


def _is_aggregate(table: Table) -> bool:
    """Return whether a table of `mart` or `parity` tells of sums only: no person, and no single line of a file."""
    traced = any(column.personal or column.name.endswith("source_row") for column in table.columns)
    summed = table.schema in {"mart", "parity"} and table.full_name not in NOT_COMPARED
    return summed and not traced and "sale_id" not in table.key


def _notes(lake: Lake, night: date) -> list[str]:
    made_by = set(lake.read(DATA_VERSION, night)["code_version"])
    if made_by == {version("funnel_etl")}:
        return []
    versions = ", ".join(sorted(made_by))
    note = f"The night {night} was made by version {versions} of funnel_etl: what differs may come from the update, "
    return [note + f"not from the edit. To be sure, run it again first: funnel-etl run --as-of {night}"]


def refuse_other_file(to: Path) -> None:
    """Raise `FunnelError` when `to` is a file that no preview wrote, or has no folder: before the work, not after."""
    header = ",".join(DETAIL_HEADER).encode()
    if to.is_dir() or not to.absolute().parent.is_dir():
        raise FunnelError("no file can be there", where=str(to), fix="name a file in a folder that is there")
    if to.is_file() and not to.read_bytes().removeprefix(b"\xef\xbb\xbf").startswith(header):
        raise FunnelError("another file is there already", where=str(to), fix="take another name, or delete it")


def write_detail(found: Preview, to: Path) -> None:
    """Write all that differs as CSV, one number a row. Raises `FunnelError` when it cannot be written."""
    refuse_other_file(to)
    try:
        write_whole(to, detail_csv(found))
    except OSError as error:
        raise storage_error(error, "the file", str(to), "name another with --to") from error


def detail_csv(found: Preview) -> bytes:
    """Return all that differs: `what` is config, moved, month_total, cell or table; amounts in rupees."""
    counts = {"added", "removed", "changed"}
    parts = [
        _long(found.lines.rename(columns={"name": "table_name"}), counts).assign(what="config"),
        _long(found.moved, {*moves.MEASURES} - {"spend_lines"}).assign(what="moved"),
        _totals(found.totals).assign(what="month_total"),
        found.cells.assign(what="cell"),
        _long(found.tables, counts).assign(what="table"),
    ]
    rows = pd.concat(parts, ignore_index=True).reindex(columns=DETAIL_HEADER)
    rows["month"] = pd.to_datetime(rows["month"]).dt.strftime("%Y-%m-%d")
    for column in ("from_funnel", "to_funnel", "key"):
        rows[column] = rows[column].map(escaped, na_action="ignore")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(DETAIL_HEADER)
    writer.writerows(rows.astype("object").where(rows.notna(), "").to_numpy().tolist())
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _long(rows: pd.DataFrame, measures: set[str]) -> pd.DataFrame:
    """Return one row per measure that is not 0, as column_name and difference."""
    found = [
        rows.drop(columns=list(rows.columns.intersection([*measures, *moves.MEASURES, "order_only"]))).assign(
            column_name=name, difference=rows[name].map(lambda value, name=name: in_words(name, value))
        )[rows[name] != 0]
        for name in rows.columns
        if name in measures
    ]
    return pd.concat([pd.DataFrame(columns=DETAIL_HEADER), *found], ignore_index=True)


def _totals(totals: pd.DataFrame) -> pd.DataFrame:
    if not len(totals):
        return pd.DataFrame(columns=DETAIL_HEADER)
    rows = totals.rename(columns={"measure": "column_name"})
    for side in ("before", "after", "difference"):
        rows[side] = [in_words(n, v) for n, v in zip(rows["column_name"], totals[side], strict=True)]
    return rows


def in_words(measure: str, value: int) -> str:
    """Write a number of a measure: paise as rupees."""
    return f"{value / 100:.2f}" if measure.endswith("_inr") else str(value)
