"""The config of a night as an asset: which version of each table is in force, and which edits were rejected."""

from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import progress, table_asset
from funnel_etl.sources.nightly import UNREAD, config_versions_frame


@table_asset(CONFIG_VERSIONS, group="config")
def config_versions(night: Night) -> Outcome:
    """Read `config_csv` and decide what is in force for the night; a bad edit leaves the last good version in force."""
    rows = config_versions_frame(night.sources.accept_config(night.day))
    for error in rows.loc[rows["status"] == "rejected", "errors"]:
        progress.info("config edit rejected, the last good version stays in force: %s", error)
    for error in rows.loc[rows["status"] == UNREAD, "errors"]:
        progress.info("%s", error)
    return Outcome(rows, [LedgerLine("config_csv", len(rows), len(rows))], notes=rows["errors"].dropna().tolist())
