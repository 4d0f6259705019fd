"""The lake as a Dagster I/O manager: assets hand over an `Outcome`, readers get a frame."""

from collections.abc import Iterable
from datetime import date
from weakref import WeakValueDictionary

import dagster as dg
import pandas as pd

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.platform.lake import Lake


class LakeIOManager(dg.IOManager):
    """Stores each asset's rows and account below its night; gives rows to the assets made from them.

    Rows of this run that are still in memory are not read again: Dagster keeps them to the end of a run in process.
    """

    def __init__(self, lake: Lake, tables: Iterable[Table]) -> None:
        self.lake = lake
        self._tables = {tuple(table.asset_key): table for table in tables}
        self._made: WeakValueDictionary[tuple[str, date], pd.DataFrame] = WeakValueDictionary()

    def handle_output(self, context: dg.OutputContext, obj: Outcome) -> None:
        """Write the rows and the account of a night's table."""
        table, night = self._table(context), date.fromisoformat(context.partition_key)
        try:
            self.lake.write(table, night, obj.rows)
            self.lake.write_account(table, night, obj, context.run_id or "")
        except FunnelError as error:
            raise dg.Failure(description=str(error), allow_retries=error.transient) from None
        self._made[table.full_name, night] = obj.rows

    def rows(self, table: Table, night: date) -> pd.DataFrame:
        """Return the rows of a night's table. Raises `FunnelError` when that night has not made it."""
        made = self._made.get((table.full_name, night))
        return self.lake.read(table, night) if made is None else made.copy(deep=False)

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Refuse: an asset reads its tables by `table_asset.frames_of`, which costs a night fewer events."""
        raise NotImplementedError(
            f"declare {context.asset_key.to_user_string()} by `inputs` of @table_asset, not by ins="
        )

    def _table(self, context: dg.OutputContext) -> Table:
        return self._tables[tuple(context.asset_key.path)]
