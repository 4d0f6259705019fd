"""The config of a night as an asset: which version of each table is in force, and which edits were rejected."""

from funnel_etl.core.accounting import LedgerLine, Outcome
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.nights import Night
from funnel_etl.platform.table_asset import progress, table_asset
from funnel_etl.sources.nightly import config_versions_frame


@table_asset(CONFIG_VERSIONS, group="config")
def config_versions(night: Night) -> Outcome:
    """Read `config_csv` and decide what is in force for the night; a bad edit leaves the last good version in force."""
    rows = config_versions_frame(night.sources.accept_config(night.day))
    rejected = rows["errors"].dropna().tolist()
    for error in rejected:
        progress.info("config edit rejected, the last good version stays in force: %s", error)
    return Outcome(rows, [LedgerLine("config_csv", len(rows), len(rows))], notes=rejected)
