"""The lake as a Dagster I/O manager: assets hand over an `Outcome`, readers get a frame."""

from collections.abc import Iterable
from datetime import date

import dagster as dg
import pandas as pd

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.platform.lake import Lake

READS = "reads"
"""Metadata of an asset: the tables of its night whose rows it is given."""


class LakeIOManager(dg.IOManager):
    """Stores each asset's rows and account below its night; gives rows to the assets made from them.

    Rows stay in memory until the last asset of the run that reads them has them, or does without them. Those of a
    reused table are first read when an asset asks for them; those of no asset of the run come from the lake each time.
    """

    def __init__(self, lake: Lake, tables: Iterable[Table]) -> None:
        self.lake = lake
        self._tables = {tuple(table.asset_key): table for table in tables}
        self._made: dict[tuple[str, date], tuple[pd.DataFrame | None, int]] = {}

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
        if readers := _readers(context, table):
            self._made[table.full_name, night] = obj.rows if obj.reused_from is None else None, readers
        # Not `iloc[:0]`, which holds all that it is a slice of.
        obj.rows, obj.quarantine, obj.merged = pd.DataFrame(), pd.DataFrame(), pd.DataFrame()

    def rows(self, table: Table, night: date) -> pd.DataFrame:
        """Return the rows of a night's table. Raises `FunnelError` when that night has not made it."""
        name = table.full_name, night
        rows, readers = self._made.pop(name, (None, 0))
        if rows is None:
            rows = self.lake.read(table, night)
        if readers > 1:
            self._made[name] = rows, readers - 1
        return rows.copy(deep=False)

    def do_without(self, tables: Iterable[Table], night: date) -> None:
        """Let the rows of these tables stay no longer for an asset that would have read them."""
        for table in tables:
            rows, readers = self._made.pop((table.full_name, night), (None, 0))
            if readers > 1:
                self._made[table.full_name, night] = rows, readers - 1

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Refuse: an asset reads its tables by `table_asset.frames_of`, which costs a night fewer events."""
        raise RuntimeError(f"declare {context.asset_key.to_user_string()} by `inputs` of @table_asset, not by ins=")

    def _table(self, context: dg.OutputContext) -> Table:
        return self._tables[tuple(context.asset_key.path)]


def _readers(context: dg.OutputContext, table: Table) -> int:
    """Count the assets of this run that read a table."""
    layer = context.step_context.job_def.asset_layer
    after = layer.get(context.asset_key).child_keys & layer.selected_asset_keys
    return sum(
        table.full_name in layer.get(key).metadata[READS].value for key in after if READS in layer.get(key).metadata
    )
