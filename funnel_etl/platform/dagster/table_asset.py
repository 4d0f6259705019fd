"""Assets from contracts: `@table_asset(CONTRACT)` around a body that calls one pure function and gives an `Outcome`.

The adaptor conforms the rows to the contract, hands them to the lake, and tells Dagster the column schema, the counts,
and one blocking check of all that must hold of the rows. Expected failures become one readable line.
"""

import base64
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import LedgerLine, Made, Outcome, too_many_quarantined
from funnel_etl.core.tables.contracts import Kind, Table
from funnel_etl.core.tables.earlier import Earlier, EarlierReads
from funnel_etl.core.tables.validity import Uses, validity
from funnel_etl.core.values.numbers import grouped
from funnel_etl.platform.dagster.freshness import EVERY_NIGHT
from funnel_etl.platform.dagster.lake_io import reads
from funnel_etl.platform.dagster.nights import ANY_NIGHTS, Night
from funnel_etl.platform.dagster.patience import order_tag, patiently
from funnel_etl.platform.dagster.reuse import before, key_of, may_reuse, reusable
from funnel_etl.platform.lake import Lake

Conservation = Callable[[pd.DataFrame, dict[str, pd.DataFrame], pd.Timestamp], tuple[int, int]]
"""Gives a total of a table and the same total of what it was made from."""

Shows = Callable[[pd.DataFrame, pd.Timestamp], Mapping[str, bytes | str]]
"""Gives, of the rows of a table and as_of, what people see of it in the UI: name → PNG bytes or Markdown."""

Settled = Callable[[list[LedgerLine], int], list[LedgerLine]]
"""Gives the account of a table that settled: of the night after, made of the same and of the table's rows, so many."""

progress = logging.getLogger("funnel_etl.progress")

READS_EARLIER = "reads_earlier"
"""Metadata of an asset: the tables of other nights it reads, and which nights."""
ROWS_CHECK = "rows"
"""The one check of a table: a check of its own for each condition would be two fifths of the events of a night."""
NOTES = "notes"
"""Metadata of an asset: what its account notes."""
CONDITIONS = ("contract", "every_row_accounted", "few_in_quarantine")
"""What it asks of every table."""


@dataclass(frozen=True)
class ReadIf:
    """An input that config may have no use for: then its rows are left out unread, by the rule `otherwise`."""

    table: Table
    is_asked: Callable[[Config], bool]
    otherwise: str


def table_asset(  # noqa: PLR0913 - each is a word of the declaration
    table: Table,
    *,
    group: str,
    inputs: Mapping[str, Table | ReadIf] | None = None,
    needs: Sequence[dg.AssetKey | Sequence[str]] = (),
    resources: Collection[str] = (),
    reads_earlier: Mapping[Table, Collection[Earlier]] | None = None,
    conserved: Mapping[str, Conservation] | None = None,
    shows: Shows | None = None,
    lineage: Mapping[str, Sequence[str]] | None = None,
    uses: Uses = Uses.NIGHT,
    settled_ledger: Settled | None = None,
) -> Callable[[Callable[..., Outcome]], dg.AssetsDefinition]:
    """Make the body `(night, **frames) -> Outcome` an asset of the daily partition.

    `inputs`: parameter → table it is read from, or `only` some columns of it; `needs`: assets that must be there first,
    without being read; `resources`: handed to the body by their names; `reads_earlier`: the tables of other nights that
    the body reads from the lake, which is then handed to it as `lake_store` and shows it no others; `conserved`:
    further conditions, that two totals are equal, given the rows, the inputs and as_of; `shows`: pictures and texts for
    people, without personal data; `lineage`: column → the columns it comes from, as schema.table.column; `uses`: what
    else it follows from, so that a night may reuse the table of another; `settled_ledger`: its account then, where it
    is another than the one of the night before. One that asks a source counts as stale if it did not, and asks one
    that is silent again (`patience`).
    """
    origins = column_lineage(lineage or {})
    rules = {name: each for name, each in (inputs or {}).items() if isinstance(each, ReadIf)}
    read = {name: each.table if isinstance(each, ReadIf) else each for name, each in (inputs or {}).items()}
    earlier = {other.full_name: tuple(rules) for other, rules in (reads_earlier or {}).items()}
    given_names = {*resources, *({"lake_store"} if reads_earlier else ())}
    balances = dict(conserved or {})
    settled = table if Uses.SETTLED in uses else None
    past = before(reads_earlier or {}, settled) if uses.is_reusable else None
    pulls = Uses.SOURCE in uses

    def wrap(body: Callable[..., Outcome]) -> dg.AssetsDefinition:
        def made(context: dg.AssetExecutionContext, night: Night, key: str | None) -> Iterator[Any]:
            settings, given = night.sources.settings, _given(context, given_names, night, earlier)
            frames, unread = _asked_for(context, read, rules, night)
            make = partial(_made, table, body, night, **given, **frames)
            outcome, contract = run_body(context, partial(patiently, context, settings, make) if pulls else make)
            outcome.ledger = [unread.get(line.input_name, line) for line in outcome.ledger]
            night.done(table)
            if outcome.reused_from is not None:  # its source sent the same again
                yield from _reused(table, outcome, _lake(context), [*CONDITIONS, *balances], origins)
                return
            progress.info("%s: %s rows", table.full_name, grouped(len(outcome.rows)))
            told = _judged(contract, outcome, settings.quarantine_limit)
            told |= {name: _not_conserved(*sums(outcome.rows, frames, night.as_of)) for name, sums in balances.items()}
            outcome.problems = [f"{name}: {broken}" for name, broken in told.items() if broken]
            if key:
                compared = (frames[name][day] for name, each in read.items() for day in _days(each))
                holds = validity(uses, night.day, [*outcome.days, *compared], night.zone)
                outcome.made, outcome.days = Made(key, night.day, holds), []
            del frames, make  # while the rows are written, what they were made from is in memory for nothing
            shown = _shown(shows, outcome, night)
            yield dg.Output(outcome, metadata={**shown, **_counts(outcome, len(outcome.rows)), **origins})
            yield _check_result(told, outcome.problems)

        @dg.asset(
            key=table.asset_key,
            # Read in the body: as Dagster's inputs they would be a third of the events of a night.
            deps=[*dict.fromkeys(map(_asset_key, [*(given.asset_key for given in read.values()), *needs]))],
            group_name=group,
            partitions_def=ANY_NIGHTS,
            freshness_policy=EVERY_NIGHT if pulls else None,
            io_manager_key="lake",
            required_resource_keys={"sources", *({"lake"} if read or past or pulls else ()), *given_names},
            description=_description(table, body),
            metadata={
                "dagster/column_schema": column_schema(table),
                "dagster/table_name": table.full_name,
                **reads(read.values()),
                **({READS_EARLIER: dg.MetadataValue.json(earlier)} if earlier else {}),
            },
            kinds={"python", "parquet"},
            op_tags=order_tag(group, pulls=pulls),
            check_specs=[
                dg.AssetCheckSpec(
                    ROWS_CHECK, asset=table.asset_key, blocking=True, description=conditions(table, balances)
                )
            ],
        )
        def compute(context: dg.AssetExecutionContext) -> Iterator[Any]:
            night = night_of(context)
            key = run_body(context, lambda: key_of(table, night, _lake(context), read, past)) if past else None
            account = reusable(table, night, _lake(context), key) if key and night.may_reuse else None
            if account is None:
                yield from made(context, night, key)
            else:
                context.resources.lake.do_without(read.values(), night.day)
                night.done(table)
                if settled_ledger and account.reused_from and account.reused_from != night.day:
                    rows = _lake(context).count(table, account.reused_from)
                    account.ledger = settled_ledger(account.ledger, rows)
                shown = _shown_on(context, account.made.night) if shows and account.made else {}
                yield from _reused(table, account, _lake(context), [*CONDITIONS, *balances], shown | origins)

        return compute

    return wrap


def _lake(context: dg.AssetExecutionContext) -> Lake:
    lake: Lake = context.resources.lake.lake
    return lake


def _days(table: Table) -> list[str]:
    """Return the columns of a table that hold days or instants."""
    return [column.name for column in table.columns if column.kind in (Kind.DATE, Kind.TIMESTAMP)]


def _reused(
    table: Table, account: Outcome, lake: Lake, held: Sequence[str], metadata: Mapping[str, Any]
) -> Iterator[Any]:
    """Yield what Dagster is to know of a table that is not made again; when it was made, these conditions held."""
    assert account.made is not None  # noqa: S101 - what is reusable has it
    rows, made_on = lake.count(table, account.reused_from or account.made.night), account.made.night.isoformat()
    progress.info("%s: %s rows, as on %s", table.full_name, grouped(rows), made_on)
    yield dg.Output(account, metadata={**_counts(account, rows), **metadata, "same_as_the_night_of": made_on})
    yield _check_result(dict.fromkeys(held, ""), [])


def earlier_reads(definitions: dg.Definitions) -> EarlierReads:
    """Return what all assets declare to read of other nights."""
    found = {}
    for assets in definitions.assets or []:
        for spec in assets.specs if isinstance(assets, dg.AssetsDefinition) else ():
            if (declared := spec.metadata.get(READS_EARLIER)) is not None:
                rules = {name: tuple(map(Earlier, each)) for name, each in declared.value.items()}
                found[".".join(spec.key.path)] = rules
    return found


def night_of(context: dg.AssetExecutionContext) -> Night:
    """Return the night of a run's partition."""
    night, run = date.fromisoformat(context.partition_key), context.run
    return Night(night, context.resources.sources, run.run_id, may_reuse=may_reuse(run))


def frames_of(context: dg.AssetExecutionContext, inputs: Mapping[str, Table], night: Night) -> dict[str, pd.DataFrame]:
    """Return the rows of the tables of a night, by the names they are given. The asset needs the resource `lake`."""

    def read() -> dict[str, pd.DataFrame]:
        return {name: context.resources.lake.rows(table, night.day) for name, table in inputs.items()}

    found: dict[str, pd.DataFrame] = run_body(context, read) if inputs else {}
    return found


def _asked_for(
    context: dg.AssetExecutionContext, inputs: Mapping[str, Table], rules: Mapping[str, ReadIf], night: Night
) -> tuple[dict[str, pd.DataFrame], dict[str, LedgerLine]]:
    """Return the rows of the inputs, none of those that config has no use for, and what the ledger says of these."""
    unasked = {name: rule for name, rule in rules.items() if not rule.is_asked(night.config)}
    if not unasked:
        return frames_of(context, inputs, night), {}
    context.resources.lake.do_without([inputs[name] for name in unasked], night.day)
    frames = frames_of(context, {name: table for name, table in inputs.items() if name not in unasked}, night)
    lines = {}
    for name, rule in unasked.items():
        table = inputs[name]
        rows = run_body(context, partial(_lake(context).count, table, night.day))
        reasons = {f"excluded:{rule.otherwise}": rows} if rows else {}
        lines[table.full_name] = LedgerLine(table.full_name, rows, 0, excluded=rows, reasons=reasons)
    return frames | {name: inputs[name].empty() for name in unasked}, lines


def run_body(context: dg.AssetExecutionContext, body: Callable[[], Any]) -> Any:
    """Run a body; an expected failure becomes a Dagster failure told in one line, retried only if that may help."""
    try:
        return body()
    except FunnelError as error:
        progress.info("%s: failed", "/".join(context.asset_key.path))
        raise dg.Failure(description=str(error), allow_retries=error.transient) from None


def column_schema(table: Table) -> dg.TableSchema:
    """Show a contract's columns in the Dagster UI."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.kind.value,
                column.description,
                constraints=dg.TableColumnConstraints(nullable=not column.required, unique=(column.name,) == table.key),
            )
            for column in table.columns
        ]
    )


def column_lineage(lineage: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Show in the Dagster UI which columns (schema.table.column) a column comes from."""
    if not lineage:
        return {}
    origins = {
        column: [dg.TableColumnDep(dg.AssetKey(parts[:2]), parts[2]) for parts in (name.split(".") for name in names)]
        for column, names in lineage.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(origins)}


def _asset_key(key: dg.AssetKey | Sequence[str]) -> dg.AssetKey:
    return key if isinstance(key, dg.AssetKey) else dg.AssetKey(list(key))


def _shown(shows: Shows | None, outcome: Outcome, night: Night) -> dict[str, Any]:
    if shows is None:
        return {}
    try:
        seen = shows(outcome.rows, night.as_of)
    except Exception as error:  # noqa: BLE001 - whatever it was: a picture is no reason not to publish a table
        progress.warning("a picture could not be made (%s); the table is whole", type(error).__name__)
        return {"not_shown": f"could not be made: {type(error).__name__}"}
    return {name: dg.MetadataValue.md(_markdown(name, what)) for name, what in seen.items()}


def _shown_on(context: dg.AssetExecutionContext, night: date) -> dict[str, Any]:
    """Return what the asset showed of a night; nothing when its event is not kept any more."""
    wanted = dg.AssetRecordsFilter(context.asset_key, asset_partitions=[night.isoformat()])
    found = context.instance.fetch_materializations(wanted, limit=1).records
    metadata = found[0].asset_materialization.metadata if found and found[0].asset_materialization else {}
    return {n: what for n, what in metadata.items() if isinstance(what, dg.MarkdownMetadataValue) and n != NOTES}


def _markdown(name: str, what: bytes | str) -> str:
    if isinstance(what, str):
        return what
    return f"![{name}](data:image/png;base64,{base64.b64encode(what).decode()})"


def _description(table: Table, body: Callable[..., Outcome]) -> str:
    return f"{table.description}\n\n{(body.__doc__ or '').strip()}".strip()


def _counts(outcome: Outcome, rows: int) -> dict[str, Any]:
    lines = outcome.ledger
    return {
        "dagster/row_count": rows,
        "rows_in": sum(line.rows_in for line in lines),
        "merged": sum(line.merged for line in lines),
        "quarantined": sum(line.quarantined for line in lines),
        "excluded": sum(line.excluded for line in lines),
        "cell_warnings": sum(line.cell_warnings for line in lines),
        "reasons": dg.MetadataValue.json({line.input_name: line.reasons for line in lines}),
        **({NOTES: dg.MetadataValue.md("\n".join(f"- {note}" for note in outcome.notes))} if outcome.notes else {}),
    }


def _given(
    context: dg.AssetExecutionContext, names: Collection[str], night: Night, earlier: Collection[str]
) -> dict[str, Any]:
    """Return the resources of a body; the lake shows it of other nights only what it declares."""
    given = {name: getattr(context.resources, name) for name in names}
    if "lake_store" in given:
        given["lake_store"] = given["lake_store"].of_night(night.day, earlier)
    return given


def _made(table: Table, body: Callable[..., Outcome], night: Night, **given: Any) -> tuple[Outcome, Table]:
    try:
        return _conforming(table, body(night, **given))
    except KeyError as error:
        error.add_note(
            f"{table.full_name}: a column that it reads must be declared, `only` those of its `inputs` are there"
        )
        raise


def _conforming(table: Table, outcome: Outcome) -> tuple[Outcome, Table]:
    """Return the outcome with its rows by the contract, and the contract with the columns the source added."""
    if outcome.reused_from is not None:
        return outcome, table
    contract = table.extended_with(outcome.rows.columns) if table.extensible else table
    return replace(outcome, rows=contract.conform(outcome.rows)), contract


def conditions(table: Table, conserved: Mapping[str, Conservation]) -> str:
    """Return what must hold of the rows of a table before anything reads them, as Markdown."""
    told = {
        "contract": f"{table.grain}; columns, types and keys as declared.",
        "every_row_accounted": "rows_in = rows_out + merged + quarantined + excluded, for every input.",
        "few_in_quarantine": "Not more than FUNNEL_QUARANTINE_LIMIT of the rows of an input are in quarantine.",
        **{name: (totals.__doc__ or "").strip() for name, totals in conserved.items()},
    }
    return "\n".join(f"- `{name}`: {text}" for name, text in told.items())


def _check_result(told: Mapping[str, str], problems: Sequence[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=ROWS_CHECK,
        passed=not problems,
        description="; ".join(problems) or None,
        metadata={name: broken or "holds" for name, broken in told.items()},
    )


def _judged(contract: Table, outcome: Outcome, limit: float) -> dict[str, str]:
    """Return condition → what is wrong, empty where it holds."""
    unaccounted = [line.input_name for line in outcome.ledger if not line.balances]
    return {
        "contract": "; ".join(contract.problems(outcome.rows)),
        "every_row_accounted": f"does not balance: {', '.join(unaccounted)}" if unaccounted else "",
        "few_in_quarantine": _over_the_limit(outcome, limit),
    }


def _over_the_limit(outcome: Outcome, limit: float) -> str:
    told = too_many_quarantined(outcome.ledger, limit)
    fix = f"more than FUNNEL_QUARANTINE_LIMIT ({limit:.0%}). Fix: correct the source; if this is expected, raise it"
    return f"{'; '.join(told)}: {fix}" if told else ""


def _not_conserved(own: int, expected: int) -> str:
    return "" if own == expected else f"{own} here, {expected} in what it was made from"
