"""Ad spend: `raw.ad_spend` → `clean.ad_spend`. Rule: Spend."""

import pandas as pd

from funnel_etl.core.config_tables import UNMAPPED, Config
from funnel_etl.core.reading.source_frame import SourceFrame
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Kind
from funnel_etl.core.values.dates import business_day
from funnel_etl.parts.marketing.contracts import SPEND_SOURCE, spend_column

SOURCE = "ad_spend"


def clean_ad_spend(raw: pd.DataFrame, config: Config, zone: str) -> Outcome:
    """Return one row per spend line; equal lines are two lines. Columns as `clean.ad_spend`.

    A line without a readable date, or with an unreadable cost, is quarantined; a blank cost is missing, adding nothing.
    """
    source = SourceFrame(raw, SPEND_SOURCE, config.aliases(SOURCE), SOURCE)
    source.quarantine_totals("date_time", amount="cost")
    spent_at = source.needed_instant("date_time", zone)
    rows = raw[["file_id", "source_row"]].assign(
        date_time=spent_at,
        spend_date=business_day(spent_at, zone),
        cost=source.text("cost"),
        cost_inr=source.needed_money("cost"),
        funnel_raw=source.text("Funnel").replace("", None),
        funnel=config.known_funnel(source.text("Funnel")).fillna(UNMAPPED),
    )
    for documented in SPEND_SOURCE:
        column = spend_column(documented.name)
        if column.name in rows.columns:
            continue
        if column.kind is Kind.INTEGER:
            rows[column.name] = source.integer(documented.name)
        elif column.kind is Kind.MONEY:
            rows[column.name] = source.money(documented.name)
        elif column.kind is Kind.NUMBER:
            rows[column.name] = source.number(documented.name)
        else:
            rows[column.name] = source.label(documented.name)
    return source.account.outcome(rows.loc[source.account.remaining])
