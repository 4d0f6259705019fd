"""CRM assignments: `raw.crm_assigned_leads` → `clean.assigned_leads`. Rule: Assigned leads."""

import pandas as pd

from funnel_etl.core.config_tables import Config, map_sources
from funnel_etl.core.reading.source_frame import SourceFrame
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.values.dates import business_day
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS_SOURCE

SOURCE = "crm_assigned_leads"


def clean_assigned_leads(raw: pd.DataFrame, config: Config, zone: str) -> Outcome:
    """Return one row per assignment of the dump; identical rows are kept, they are assignments.

    A row without a readable time is quarantined; one without a phone is kept. Columns as `clean.assigned_leads`.
    """
    source = SourceFrame(raw, ASSIGNED_LEADS_SOURCE, config.aliases(SOURCE), SOURCE)
    source.exclude_test_leads()
    source.quarantine_totals("assignOn", contacts=("leadMobile",))
    assigned_at = source.needed_instant("assignOn", zone)
    rows = raw[["file_id", "source_row"]].assign(
        source=source.label("sources"),
        assigned_at=assigned_at,
        assigned_date=business_day(assigned_at, zone),
        employee=source.label("employee"),
        dump_state="current",
    )
    phones = source.phones("leadMobile", config.placeholders)
    rows[phones.columns] = phones
    rows["funnel"] = map_sources(rows["source"], rows["assigned_date"], config).fillna(config.misc)
    return source.account.outcome(rows.loc[source.account.remaining])
