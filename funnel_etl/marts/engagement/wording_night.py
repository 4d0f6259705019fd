"""What a night asks a model for, and which answers it uses: settings, landing archive and `rewording` together."""

import logging
from collections.abc import Mapping
from decimal import Decimal

import pandas as pd

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.marts.engagement.answers import all_files, files_of_night, land, llm_answers
from funnel_etl.marts.engagement.model import ModelServer, model_server
from funnel_etl.marts.engagement.reworded import Rewordable
from funnel_etl.marts.engagement.rewording import Asked, Row, ask_all, price_of, wanted
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now

progress = logging.getLogger("funnel_etl.progress")
NO_ADDRESS = "FUNNEL_LLM_MODEL is set and FUNNEL_LLM_URL is not: drafts have their templates' text"
NO_PRICE = "llm_prices.csv has no line for FUNNEL_LLM_MODEL, so no budget holds and it is not asked: add its price"


def wordings_of_night(night: Night, texts: pd.DataFrame, edits: pd.DataFrame, given: Rewordable) -> Outcome:
    """Ask for what the newest night lacks, and return all answers there are. Columns as `raw.llm_answers`."""
    settings, landing = night.sources.settings, night.sources.landing
    server, notes = model_server(settings), []
    if night.sources.is_newest(night.day) and settings.llm_model:
        notes = [_asked(night, server, texts, edits, given)] if server else [NO_ADDRESS]
    used = files_of_night(night.sources, night.day, server.model if server else None)
    since = night.as_of - pd.Timedelta(days=settings.chat_text_days)
    outcome = llm_answers(_files(landing), used, since)
    outcome.notes = [note for note in notes if note]
    for note in outcome.notes:
        progress.info("%s", note)
    return outcome


def _files(landing: Landing) -> Mapping[str, bytes]:
    return {file_id: landing.read(file_id) for file_id in all_files(landing)}


def _asked(night: Night, server: ModelServer, texts: pd.DataFrame, edits: pd.DataFrame, given: Rewordable) -> str:
    """Ask for the drafts that have no answer yet; returns what came of it in words."""
    settings, landing = night.sources.settings, night.sources.landing
    price = price_of(night.config.table("llm_prices"), server.model)
    if price is None:
        return NO_PRICE
    files = files_of_night(night.sources, night.day, server.model)
    every = llm_answers(_files(landing), files, pd.Timestamp.min).rows
    known = every[every["is_in_use"].astype(bool)]
    spent = sum((Decimal(str(cost)) for cost in every.loc[every["night"].eq(night.as_of), "cost_usd"]), Decimal(0))

    def keep(rows: list[Row]) -> None:
        land(landing, rows, server.model, utc_now())

    drafts = wanted(texts, edits, known, server.model, given)
    done: Asked = ask_all(drafts, known, server, price, settings.llm_budget_usd - spent, night.day, keep)
    return done.says
