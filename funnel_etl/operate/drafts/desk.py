"""Drafts as a person works on them on a screen: with their webinar, and with what was kept since the night made them.

Here: what is read. Not here: landing an edit (`drafts`), and what a night makes of it (`marts/engagement/drafts`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd
from upath import UPath

from funnel_etl.core.values.patterns import wildcard
from funnel_etl.core.values.text import lookup_key
from funnel_etl.delivery.webengage.contracts import CONSENTS
from funnel_etl.marts.engagement import edits
from funnel_etl.marts.engagement.draft_contracts import APPROVED, EDITED, WITHHELD
from funnel_etl.operate.drafts.drafts import Drafts, newest_drafts
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

_OF_WEBINAR = ["occurrence_id", "topic", "event_date", "conductor", "profile"]


def drafts_now(settings: Settings) -> Drafts:
    """Return the drafts of the newest night, with what was kept since laid over them.

    Columns besides those of `mart.followup_drafts`: is_kept (an edit waits for the next night), and of the webinar
    topic, event_date, conductor and profile. Raises `FunnelError` when no night has made any.
    """
    found = newest_drafts(settings.lake_root)
    lake = Lake(UPath(settings.lake_root))
    webinars = pd.DataFrame(columns=_OF_WEBINAR)
    if lake.exists(WEBINARS, found.night):
        webinars = lake.read(WEBINARS, found.night)[_OF_WEBINAR]
    rows = found.rows.merge(webinars, on="occurrence_id", how="left")
    return Drafts(found.night, _with_kept(rows, _kept(settings, found.night)))


def _kept(settings: Settings, night: date) -> pd.DataFrame:
    """Return the last edit of each draft that was landed after a night had looked."""
    landing = Landing(UPath(settings.landing_root))
    used = set(landing.night(night, edits.SOURCE) or [])
    arrived = [each.file_id for each in landing.arrivals(edits.SOURCE) if each.status == "accepted"]
    files = {file_id: landing.read(file_id) for file_id in arrived if file_id not in used}
    frame = edits.followup_edits(files).rows
    order = frame.sort_values(["edited_at", "file_id", "source_row"])
    return order.drop_duplicates("draft_id", keep="last").set_index("draft_id")


def _with_kept(rows: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    is_kept = rows["draft_id"].isin(kept.index) & rows["status"].ne(WITHHELD)
    own = kept.reindex(rows["draft_id"]).set_axis(rows.index)
    named = {"subject": "subject", "body_text": "body", "notes": "notes", "editor": "editor", "edited_at": "edited_at"}
    laid = {name: rows[name].where(~is_kept, own[of]) for name, of in named.items()}
    approved = own["is_approved"].astype("boolean").fillna(value=False).astype(bool)
    status = rows["status"].mask(is_kept & approved, APPROVED).mask(is_kept & ~approved, EDITED)
    return rows.assign(**laid, status=status, is_kept=is_kept)


@dataclass(frozen=True)
class ConsentQuestion:
    """A line of `consent_questions.csv` in force, and how many statements its answers made: granted, refused."""

    pattern: str
    channel: str
    yes_values: str
    note: str
    granted: int
    refused: int


def consent_questions(settings: Settings, night: date) -> list[ConsentQuestion]:
    """Return the questions of registration forms that decide about consent on a night."""
    sources = NightlySources(settings, Landing(UPath(settings.landing_root)))
    return [*_questions(sources.config(night).table("consent_questions"), _statements(settings, night))]


def _statements(settings: Settings, night: date) -> pd.DataFrame:
    lake = Lake(UPath(settings.lake_root))
    if not lake.exists(CONSENTS, night):
        return pd.DataFrame(columns=["consent_source", "channel", "state"])
    return lake.read(CONSENTS, night)[["consent_source", "channel", "state"]]


def _questions(lines: pd.DataFrame, said: pd.DataFrame) -> Iterator[ConsentQuestion]:
    """Yield each line with its statements; an answer that several lines speak of is of the first."""
    keys = said["consent_source"].fillna("").map(lookup_key)
    left = pd.Series(data=True, index=said.index)
    for line in lines.to_dict("records"):
        of = wildcard(line["pattern"])
        hit = left & said["channel"].eq(line["channel"]) & keys.map(lambda key, of=of: bool(of.fullmatch(key)))
        left &= ~hit
        states = said.loc[hit, "state"].value_counts()
        yield ConsentQuestion(
            line["pattern"],
            line["channel"],
            line["yes_values"],
            line["note"],
            int(states.get("granted", 0)),
            int(states.get("refused", 0)),
        )
