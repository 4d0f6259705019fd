"""The publish asset of a part: after its tables and their blocking checks, one transaction into PostgreSQL."""

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from importlib.metadata import version as package_version
from typing import Any

import dagster as dg
import pandas as pd
import sqlalchemy as sa

from funnel_etl.core.errors import PublishRefused
from funnel_etl.core.parts import FOLLOWS, OPTIONAL
from funnel_etl.core.tables.accounting import LINE_COLUMNS, MERGED_COLUMNS, QUARANTINE_COLUMNS
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.reasons import fix_hint
from funnel_etl.core.values.numbers import grouped
from funnel_etl.platform.contracts import (
    CONFIG_VERSIONS,
    FILES,
    LINE_RUNS,
    MERGED_ROWS,
    QUARANTINE,
    ROW_LEDGER,
    SCHEMA_DRIFT,
)
from funnel_etl.platform.dagster.nights import ANY_NIGHTS, Night
from funnel_etl.platform.dagster.patience import order_tag
from funnel_etl.platform.dagster.table_asset import night_of, progress, run_body
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres.database import connected, opened
from funnel_etl.platform.postgres.owner import claim_of, require_owner
from funnel_etl.platform.postgres.publisher import Publication, Published, Version, publish
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl.platform.rows_file import rows_hash
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.landing import Landing

FileStates = Callable[[Night, Lake], pd.DataFrame]
"""Gives, per file_id, status, occurrence_id, warnings (a list as JSON) and a reason as a part knows them."""
STATE_COLUMNS = ["file_id", "status", "occurrence_id", "warnings", "why"]
UNTOUCHED_CHECK = "untouched"
IDLE = "idle"
"""Metadata of a part that has nothing yet: it is not published, and nobody misses it."""
PAUSE_SECONDS = 3
"""Before a publication whose connection broke off is tried again."""
TWICE = "the same bytes came before, as {}: nothing is counted twice, and nothing is to be done"


def publish_asset(
    part: str,
    tables: Sequence[Table],
    *,
    sources: Collection[str] = (),
    made_from: Sequence[Table] = (),
    file_states: FileStates | None = None,
    afterwards: Callable[[Night, Lake], None] | None = None,
) -> dg.AssetsDefinition:
    """Make the asset `publish/<part>`: `tables` and the part's ledger, quarantine, merged rows, files as one version.

    `sources` are the part's landing sources, whose arrivals it lists in `ops.files`; `made_from` the tables of other
    parts it was made from: it is refused unless PostgreSQL holds exactly those. `afterwards` is called once they are
    what readers see.
    """

    @dg.asset(
        key=["publish", part],
        deps=[
            *(dg.AssetKey(list(table.asset_key)) for table in tables),
            *(dg.AssetKey(["publish", other]) for other in {**FOLLOWS, **OPTIONAL}.get(part, ())),
        ],
        group_name=part,
        op_tags=order_tag(part),
        partitions_def=ANY_NIGHTS,
        # `lake` too: who has it has the turn, so no other run writes the tables that are read here.
        required_resource_keys={"sources", "lake", "lake_store", "database_url", "all_tables"},
        description=f"Moves the {part} tables of the night into PostgreSQL, in one transaction. "
        "Never an older night over a newer one.",
        kinds={"postgres"},
        check_specs=[
            dg.AssetCheckSpec(
                UNTOUCHED_CHECK,
                asset=["publish", part],
                description="PostgreSQL held what was published last: nobody else had written to its tables.",
            )
        ],
        # Without a delay of Dagster's: a pull that waits for its source would go first, and hold it up for long.
        retry_policy=dg.RetryPolicy(max_retries=2),
    )
    def compute(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        if context.retry_number:
            time.sleep(PAUSE_SECONDS)
        if part in OPTIONAL and run_body(context, lambda: _has_nothing_yet(context, part, tables)):
            progress.info("publish %s: there is nothing in it yet", part)
            nothing = Published(None, night_of(context).day)
            return dg.MaterializeResult(
                metadata={**_metadata(nothing), IDLE: True}, check_results=[_untouched(nothing)]
            )
        published = run_body(context, lambda: _publish(context, part, tables, made_from, sources, file_states))
        if published.version is not None and afterwards:
            run_body(context, lambda: afterwards(night_of(context), context.resources.lake_store))
        return dg.MaterializeResult(metadata=_metadata(published), check_results=[_untouched(published)])

    return compute


def _has_nothing_yet(context: dg.AssetExecutionContext, part: str, tables: Sequence[Table]) -> bool:
    """Return whether a part has no row tonight, and never had one that was published."""
    night, lake = night_of(context), context.resources.lake_store
    if any(lake.count(table, night.day) for table in tables):
        return False
    published = sa.text("SELECT EXISTS (SELECT 1 FROM ops.nights WHERE part = :part)")
    with connected(context.resources.database_url) as connection:
        return not connection.execute(published, {"part": part}).scalar_one()


def _publish(
    context: dg.AssetExecutionContext,
    part: str,
    tables: Sequence[Table],
    made_from: Sequence[Table],
    sources: Collection[str],
    file_states: FileStates | None,
) -> Published:
    night, lake, url = night_of(context), context.resources.lake_store, context.resources.database_url
    version = Version(part, night.day, night.run_id, package_version("funnel_etl"), night.config.version)
    publications = [_table_publication(lake, table, night.day) for table in tables if not table.lake_only]
    publications += _accounts(lake, part, tables, night.day)
    states = file_states(night, lake) if file_states else pd.DataFrame(columns=STATE_COLUMNS)
    rows = _rows_by_file(lake, tables, night.day)
    publications.append(_publication(FILES, files_frame(_arrivals(night.sources.landing, sources), states, rows)))
    if lake.exists(CONFIG_VERSIONS, night.day):
        publications.append(
            replace(_table_publication(lake, CONFIG_VERSIONS, night.day), mode="append", content_hash=None)
        )
    extended = {p.table.full_name: p.table for p in publications}
    claim = claim_of(night.sources.settings, night.sources.landing)
    all_tables = [extended.get(table.full_name, table) for table in context.resources.all_tables]
    with opened(url) as asking:
        require_owner(url, claim, asking)
        ensure_schema(asking, all_tables, needed=extended)
    needed = {table: lake.content_hash(table, night.day) for table in made_from}
    published = publish(url, version, publications, needed, claim)
    said = "published" if published.version else f"not published: {published.newest} is newer and stays"
    progress.info("publish %s: %s", part, said)
    for repair in published.repairs:
        progress.info("publish %s: %s", part, repair.says)
    return published


def _table_publication(lake: Lake, table: Table, night: date) -> Publication:
    contract = table.extended_with(lake.columns(table, night)) if table.extensible else table
    return Publication(
        contract,
        partial(lake.stored, table, night),
        content_hash=lake.content_hash(table, night),
        earlier=partial(lake.rows_of_hash, table),
    )


def _accounts(lake: Lake, part: str, tables: Sequence[Table], night: date) -> list[Publication]:
    """Gather the accounts of a part's tables.

    Raises `PublishRefused` for a table that failed a check: the net for publishing alone, without the run that checked.
    """
    drift: list[dict[str, Any]] = []
    ledger, quarantine, merged = [], [pd.DataFrame(columns=QUARANTINE_COLUMNS)], [pd.DataFrame(columns=MERGED_COLUMNS)]
    lines = [pd.DataFrame(columns=LINE_COLUMNS)]
    for table in tables:
        account, run_id = lake.read_account(table, night)
        common = {"asset": table.full_name, "part": part}
        if account.problems:
            raise PublishRefused(
                f"it failed its checks: {'; '.join(account.problems)}",
                where=f"{table.full_name} of {night}",
                fix="correct what the check names, then materialize the table and what depends on it again",
            )
        for line in account.ledger:
            counts = {k: v for k, v in vars(line).items() if k != "reasons"}
            reasons = json.dumps(line.reasons, sort_keys=True)
            ledger.append({**counts, **common, "reasons": reasons, "run_id": run_id, "as_of": pd.Timestamp(night)})
        quarantine.append(account.quarantine.assign(**common))
        merged.append(account.merged.assign(**common))
        lines.append(account.lines.assign(part=part))
        drift += [
            {**vars(change), "column_name": change.column, "as_of": pd.Timestamp(night), "part": part}
            for change in account.drift
        ]
    quarantined = pd.concat(quarantine, ignore_index=True)
    quarantined = quarantined.assign(
        fix_hint=quarantined["reason"].map(fix_hint).astype("str"), first_seen_at=None, resolved_at=None
    )
    return [
        _publication(ROW_LEDGER, pd.DataFrame(ledger, columns=ROW_LEDGER.names)),
        replace(_publication(QUARANTINE, quarantined, drop=("first_seen_at", "resolved_at")), mode="resolve"),
        _publication(SCHEMA_DRIFT, pd.DataFrame(drift, columns=SCHEMA_DRIFT.names)),
        _of_part(MERGED_ROWS, pd.concat(merged, ignore_index=True)),
        _of_part(LINE_RUNS, pd.concat(lines, ignore_index=True)),
    ]


def _arrivals(landing: Landing, sources: Collection[str]) -> list[Arrival]:
    """Return what a part tells of: its own arrivals, config, and all rejected ones, whose own part may not publish."""
    return [a for a in landing.arrivals() if a.source in sources or a.kind == "config" or a.status == "rejected"]


def _rows_by_file(lake: Lake, tables: Sequence[Table], night: date) -> pd.Series:
    """Count the records of each file over the part's raw tables, of a dump those that stand in it. Index: file_id."""
    counts = [pd.Series(dtype="Int64")]
    for table in (table for table in tables if table.schema == "raw" and "source_row" in table.by_name):
        lines = lake.read_account(table, night)[0].lines
        if len(lines):
            counts.append(lines.groupby("current_file_id")["rows"].sum())
        else:
            counts.append(lake.read_arrow(table, night, ["file_id"])["file_id"].to_pandas().value_counts())
    found: pd.Series = pd.concat(counts).groupby(level=0).sum()
    return found


def files_frame(arrivals: Sequence[Arrival], states: pd.DataFrame, rows: pd.Series) -> pd.DataFrame:
    """Return the rows of `ops.files`: what arrived, and what a part made of it (`states`: STATE_COLUMNS)."""
    columns = "arrival_id file_id source kind name received_at bytes status reason landing_path".split()
    files = pd.DataFrame([[getattr(arrival, c) for c in columns] for arrival in arrivals], columns=columns)
    files["status"] = files["status"].map({"accepted": "loaded", "rejected": "rejected"})
    again = files.duplicated(["source", "file_id"]) & (files["status"] == "loaded") & (files["kind"] == "file")
    files.loc[again, "status"] = "duplicate"
    files = files.merge(states.rename(columns={"status": "file_status"}), on="file_id", how="left")
    own = files["file_status"].notna() & (files["status"] == "loaded")
    is_again = files["status"] == "duplicate"
    files["status"] = files["status"].mask(own, files["file_status"])
    files["warnings"] = files["warnings"].where(own & files["warnings"].ne("[]"))
    files["reason"] = files["reason"].mask(own & files["why"].notna(), files["why"])
    first = files.drop_duplicates("file_id").set_index("file_id")["name"]
    said = files["file_id"].map(first).map(lambda name: json.dumps([TWICE.format(name)], ensure_ascii=False))
    files["warnings"] = files["warnings"].mask(is_again, said)
    return files.assign(rows=files["file_id"].map(rows))


def _publication(table: Table, frame: pd.DataFrame, *, drop: tuple[str, ...] = ()) -> Publication:
    rows = table.to_arrow(table.conform(frame))
    sent = rows.drop_columns(list(drop))
    return Publication(table, lambda: sent, mode="append")


def _of_part(table: Table, frame: pd.DataFrame) -> Publication:
    """Return the rows of a part in a table that parts share: the same as before are not sent again."""
    rows = table.to_arrow(table.conform(frame))
    return Publication(table, lambda: rows, mode="replace_part", content_hash=rows_hash(rows))


def _untouched(published: Published) -> dg.AssetCheckResult:
    says = "; ".join(repair.says for repair in published.repairs)
    fix = "nothing here: it is right again. Find who writes there, and let only funnel-etl do it (docs/operations.md)"
    return dg.AssetCheckResult(
        check_name=UNTOUCHED_CHECK,
        passed=not published.repairs,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{says}. Fix: {fix}" if says else None,
    )


def _metadata(published: Published) -> dict[str, Any]:
    inserted, changed, deleted = published.totals
    table = "\n".join(
        f"| {name} | {grouped(i)} | {grouped(c)} | {grouped(d)} |"
        for name, (i, c, d) in sorted(published.counts.items())
    )
    return {
        "published": published.version is not None,
        "version": published.version or 0,
        "newest_as_of": published.newest.isoformat(),
        "inserted": inserted,
        "changed": changed,
        "deleted": deleted,
        "repairs": [repair.says for repair in published.repairs],
        "tables": dg.MetadataValue.md(f"| table | inserted | changed | deleted |\n| --- | --- | --- | --- |\n{table}"),
    }
