"""The asset of what changed: it compares with the night that was published last."""

import pandas as pd

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.earlier import Earlier
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, FUNNEL_FACTS
from funnel_etl.observe.changes import contracts
from funnel_etl.observe.changes.changed_rows import cells_that_add_up
from funnel_etl.observe.changes.decompose import explained
from funnel_etl.observe.changes.rebuild import CLEAN
from funnel_etl.observe.changes.render import shown
from funnel_etl.observe.changes.steps import rows_that_changed, what_changed
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake

GROUP = "changes"
Frames = dict[str, pd.DataFrame]
PUBLISHED = {
    **dict.fromkeys(CLEAN.values(), (Earlier.PUBLISHED,)),
    # A month closes with the rows of the night before it.
    ATTRIBUTED_M0: (Earlier.PUBLISHED, Earlier.BEFORE),
}
"""What is read of the night that was published before."""


def causes_sum(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:  # noqa: ARG001
    """Causes add up to the difference of every number that moved, and none is unexplained: such numbers, and all."""
    return explained(own), len(own[["metric", "date", "funnel"]].drop_duplicates())


@table_asset(
    contracts.CHANGES,
    group=GROUP,
    inputs={"facts": FUNNEL_FACTS},
    needs=[*(table.asset_key for table in CLEAN.values()), ["publish", "funnel"]],
    resources={"parsed_reports"},
    reads_earlier=PUBLISHED,
    conserved={"causes_sum": causes_sum},
    shows=shown,
)
def changes_asset(night: Night, lake_store: Lake, parsed_reports: ParsedReports, facts: pd.DataFrame) -> Outcome:
    """Compare with the last published night, and split what moved by cause."""
    return what_changed(night, lake_store, parsed_reports, facts)


def rows_add_up(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:
    """Rows add up to what ops.changes says of each number of a day published before: such numbers, and all."""
    changes = inputs["changes"]
    return cells_that_add_up(own, changes, changes["previous_as_of"].max()) if len(changes) else (0, 0)


@table_asset(
    contracts.CHANGED_ROWS,
    group=GROUP,
    inputs={"changes": contracts.CHANGES},
    needs=[table.asset_key for table in (*CLEAN.values(), ATTRIBUTED_M0)],
    resources={"parsed_reports"},
    reads_earlier=PUBLISHED,
    conserved={"rows_add_up": rows_add_up},
)
def changed_rows_asset(
    night: Night,
    lake_store: Lake,
    parsed_reports: ParsedReports,
    changes: pd.DataFrame,  # noqa: ARG001 - what the rows must add up to
) -> Outcome:
    """List the rows behind what moved, as they were and as they are."""
    return rows_that_changed(night, lake_store, parsed_reports)
