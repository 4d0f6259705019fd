"""The pulled sources by name, of both parts: what config tables may name of them.

Not below the parts, which do not know each other, and not in `sources`, which knows no part.
"""

from funnel_etl.core.config_checks import SourceNames
from funnel_etl.core.tables.contracts import Kind
from funnel_etl.parts.marketing.contracts import SPEND_SOURCE, TOFU_LEADS_SOURCE
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS_SOURCE, SALES_SOURCE, sales_column

SOURCE_NAMES = {
    "tofu_leads": SourceNames(tuple(column.name for column in TOFU_LEADS_SOURCE)),
    "ad_spend": SourceNames(tuple(column.name for column in SPEND_SOURCE)),
    "crm_assigned_leads": SourceNames(tuple(column.name for column in ASSIGNED_LEADS_SOURCE)),
    "crm_sales": SourceNames(
        tuple(column.name for column in SALES_SOURCE),
        amounts=tuple(c.name for c in SALES_SOURCE if sales_column(c.name).kind is Kind.MONEY),
        dates=tuple(c.name for c in SALES_SOURCE if sales_column(c.name).kind in (Kind.DATE, Kind.TIMESTAMP)),
    ),
}
"""Each pulled source with its documented columns."""
