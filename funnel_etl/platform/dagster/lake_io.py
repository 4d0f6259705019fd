"""The lake as a Dagster I/O manager: assets hand over an `Outcome`, readers get a frame."""

from collections.abc import Iterable
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Kind, Table
from funnel_etl.core.values.text import arrow_text, spread, text_series, unique_texts
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.memory import give_back, keep_little

READS = "reads"
"""Metadata of an asset: the tables of its night whose rows it is given, and the columns of each."""
FEW = frozenset(
    "file_id touch_file_id occurrence_id webinar_id funnel first_touch_funnel source first_touch_source source_tag "
    "stage first_touch_stage utm_source utm_medium utm_campaign registration_source registration_from employee "
    "first_employee current_employee employee_name dump_state dataset change phone_class category conductor "
    "decided_by".split()
)
"""Columns of few different texts: kept as categories, handed out as texts. Two fifths of what a night keeps."""


class LakeIOManager(dg.IOManager):
    """Stores each asset's rows and account below its night; gives rows to the assets made from them.

    Rows stay in memory until the last asset of the run that reads them has them, or does without them, and of their
    columns those that some asset still reads. Others, and those of a reused table, come from the lake each time.
    """

    def __init__(self, lake: Lake, tables: Iterable[Table]) -> None:
        keep_little()
        self.lake = lake
        self._tables = {tuple(table.asset_key): table for table in tables}
        self._made: dict[tuple[str, date], tuple[pd.DataFrame, list[list[str]]]] = {}

    def handle_output(self, context: dg.OutputContext, obj: Outcome) -> None:
        """Write the rows and the account of a night's table, and take both out of the outcome.

        Dagster holds what a step gave to the end of a run in process. Rows of another night are linked, not written.
        """
        table, night = self._table(context), date.fromisoformat(context.partition_key)
        try:
            if obj.reused_from is None:
                self.lake.write(table, night, obj.rows)
            elif obj.reused_from != night:
                self.lake.reuse(table, night, obj.reused_from)
            self.lake.write_account(table, night, obj, context.run_id or "")
        except FunnelError as error:
            raise dg.Failure(description=str(error), allow_retries=error.transient) from None
        if obj.reused_from is None:
            self._keep(table, night, obj.rows, _read_later(context, table))
        # Not `iloc[:0]`, which holds all that it is a slice of.
        obj.rows, obj.quarantine, obj.merged, obj.lines = (pd.DataFrame() for _ in range(4))
        give_back()

    def rows(self, table: Table, night: date) -> pd.DataFrame:
        """Return the rows of a night's table, or `only` some columns. Raises `FunnelError` if that night has none."""
        rows, later = self._made.get((table.full_name, night), (None, []))
        if rows is None or table.names not in later:
            return self.lake.read(table, night)
        later.remove(table.names)
        self._keep(table, night, rows, later)
        asked = rows if table.extensible else rows[table.names]
        texts = [name for name in asked.columns if isinstance(asked[name].dtype, pd.CategoricalDtype)]
        return asked.assign(**{name: _as_texts(asked[name]) for name in texts})

    def do_without(self, tables: Iterable[Table], night: date) -> None:
        """Let the rows of these tables stay no longer for an asset that would have read them."""
        for table in tables:
            rows, later = self._made.get((table.full_name, night), (None, []))
            if rows is not None and table.names in later:
                later.remove(table.names)
                self._keep(table, night, rows, later)

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Refuse: an asset reads its tables by `table_asset.frames_of`, which costs a night fewer events."""
        raise RuntimeError(f"declare {context.asset_key.to_user_string()} by `inputs` of @table_asset, not by ins=")

    def _keep(self, table: Table, night: date, rows: pd.DataFrame, later: list[list[str]]) -> None:
        """Keep in memory the columns that are read later; of a whole table also those that its source added."""
        self._made.pop((table.full_name, night), None)
        if later:
            whole = self._tables[tuple(table.asset_key)].names
            unread = set(whole if whole in later else rows.columns).difference(*later)
            kept = rows.drop(columns=list(unread)) if unread else rows
            self._made[table.full_name, night] = kept.assign(**_as_categories(kept)), later

    def _table(self, context: dg.OutputContext) -> Table:
        return self._tables[tuple(context.asset_key.path)]


def _as_categories(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns of few different texts as categories; `astype` takes ten times as long, either way."""
    texts = [name for name in FEW & set(rows.columns) if isinstance(rows[name].dtype, pd.StringDtype)]
    found = {}
    for name in texts:
        uniques, codes = unique_texts(rows[name])
        category = pd.CategoricalDtype(text_series(uniques, pd.RangeIndex(len(uniques))))
        found[name] = pd.Series(pd.Categorical.from_codes(codes, dtype=category), index=rows.index)
    return found


def _as_texts(kept: pd.Series) -> pd.Series:
    """Return a column of categories as it was."""
    codes = np.asarray(kept.cat.codes, dtype=np.int64)
    return spread(arrow_text(pd.Series(kept.cat.categories)), codes, kept.index)


def reads(inputs: Iterable[Table]) -> dict[str, dg.MetadataValue]:
    """Return the metadata by which the lake knows what an asset is going to read of its night."""
    return {READS: dg.MetadataValue.json({table.full_name: table.names for table in inputs})}


def _read_later(context: dg.OutputContext, table: Table) -> list[list[str]]:
    """Return the columns that each of the assets of this run asks for that a table stays in memory for.

    Of `raw` these are those of its own part: others have their turn long after. Who asks for JSON that each row has
    reads the lake: it is two thirds of the rows of a report, and would stay for that one reader.
    """
    layer = context.step_context.job_def.asset_layer
    own = layer.get(context.asset_key)
    after = [layer.get(key) for key in own.child_keys & layer.selected_asset_keys]
    given = [
        asset.metadata[READS].value
        for asset in after
        if READS in asset.metadata and (table.schema != "raw" or asset.group_name == own.group_name)
    ]
    json = {column.name for column in table.columns if column.kind is Kind.JSON and column.required}
    asked = [tables[table.full_name] for tables in given if table.full_name in tables]
    return [columns for columns in asked if json.isdisjoint(columns)]
