"""What `funnel-etl status` tells of the model that rewords drafts: what its last night asked, and the cost."""

from collections.abc import Iterator

import sqlalchemy as sa
from upath import UPath

from funnel_etl.core.roles import ENGINEER
from funnel_etl.core.values.numbers import grouped
from funnel_etl.marts.engagement.draft_contracts import LLM_CALLS
from funnel_etl.marts.engagement.rewording import price_of
from funnel_etl.operate.status.items import MODEL, StatusItem
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

CALLS = sa.text(
    f"SELECT night, model, outcome, count(*) AS calls, sum(cost_usd) AS cost FROM {LLM_CALLS.full_name} "  # noqa: S608
    f"WHERE night = (SELECT max(night) FROM {LLM_CALLS.full_name}) GROUP BY 1, 2, 3 ORDER BY 2, 3"
)
PRICES = "llm_prices"


def model(connection: sa.Connection, settings: Settings) -> Iterator[StatusItem]:
    """Return what the last night that asked a model asked, what it cost, and what keeps the next one from asking."""
    rows = connection.execute(CALLS).all()
    if rows:
        cost = sum(float(row.cost) for row in rows)
        outcomes = ", ".join(f"{grouped(row.calls)} {row.outcome}" for row in rows)
        most = f"{settings.llm_budget_usd:.2f}"
        says = f"night {rows[0].night}: {outcomes}; {cost:.4f} of {most} US dollars"
        facts = {
            "night": rows[0].night,
            "cost_usd": round(cost, 8),
            "budget_usd": settings.llm_budget_usd,
            "calls": {row.outcome: row.calls for row in rows},
        }
        yield StatusItem(MODEL, ", ".join(sorted({row.model for row in rows})), says, facts=facts)
    if not settings.llm_model:
        return
    name, none = settings.llm_model, "drafts have their templates' text"
    if not settings.llm_url:
        yield StatusItem(MODEL, name, f"it has no address: {none}", "set FUNNEL_LLM_URL", ENGINEER)
        return
    sources = NightlySources(settings, Landing(UPath(settings.landing_root)))
    files = sources.config_files(settings.yesterday()).get(PRICES, [])
    if price_of(sources.config_of({PRICES: files}).table(PRICES), name) is None:
        says = f"its price is not known, so no budget holds and it is not asked: {none}"
        yield StatusItem(MODEL, name, says, "give it a line in config_csv/llm_prices.csv", ENGINEER)
