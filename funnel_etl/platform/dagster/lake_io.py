"""The lake as a Dagster I/O manager: assets hand over an `Outcome`, readers get a frame."""

from collections.abc import Iterable
from datetime import date

import dagster as dg
import pandas as pd

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.platform.lake import Lake


class LakeIOManager(dg.IOManager):
    """Stores each asset's rows and account below its night; loads rows by the contract of their asset key."""

    def __init__(self, lake: Lake, tables: Iterable[Table]) -> None:
        self.lake = lake
        self._tables = {tuple(table.asset_key): table for table in tables}

    def handle_output(self, context: dg.OutputContext, obj: Outcome) -> None:
        """Write the rows and the account of a night's table."""
        table, night = self._table(context), date.fromisoformat(context.partition_key)
        try:
            self.lake.write(table, night, obj.rows)
            self.lake.write_account(table, night, obj, context.run_id or "")
        except FunnelError as error:
            raise dg.Failure(description=str(error), allow_retries=error.transient) from None

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Read the rows of a night's table."""
        try:
            return self.lake.read(self._table(context), date.fromisoformat(context.partition_key))
        except FunnelError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from None

    def _table(self, context: dg.OutputContext | dg.InputContext) -> Table:
        return self._tables[tuple(context.asset_key.path)]
