"""Names in chats that are credited to nobody, and the people each may be: what a person needs to say who it is.

Nothing is written here; the line that says so is made by `operate/upload/overrides`.
"""

import json
from dataclasses import dataclass
from datetime import date

import pandas as pd
from upath import UPath

from funnel_etl.core.values.text import lookup_key
from funnel_etl.marts.engagement.contracts import ENGAGEMENT_PEOPLE
from funnel_etl.operate.engagement.engagement import unmatched
from funnel_etl.operate.mappings.save import open_table
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings

CHAT_NAMES = "chat_names"
_OF_WEBINAR = ("occurrence_id", "topic", "event_date", "conductor", "profile")


@dataclass(frozen=True)
class OpenNames:
    """The names of a night that nobody has decided yet, those with most messages first.

    `rows`: occurrence_id, sender_name, matched_by (why nobody is credited), messages, candidates (keys of persons), and
    of the webinar topic, event_date, conductor and profile.
    """

    night: date
    rows: pd.DataFrame


def open_names(settings: Settings) -> OpenNames:
    """Return the names of the newest night that no line of `chat_names.csv` decides.

    Raises `NothingScored` when no night has scored a webinar, `ConfigError` for a table that is no CSV.
    """
    night, rows = unmatched(settings)
    webinars = Lake(UPath(settings.lake_root)).read(WEBINARS.only(*_OF_WEBINAR), night)
    rows = rows.merge(webinars, on="occurrence_id", how="left")
    table = open_table(settings, CHAT_NAMES)
    fields = [table.field_of(column) for column in table.columns]
    lines = [dict(zip(fields, row, strict=True)) for row in table.rows]
    decided = {(line.get("occurrence_id", ""), lookup_key(line.get("sender_name", ""))) for line in lines}
    names = zip(rows["occurrence_id"], rows["sender_name"], strict=True)
    is_open = [(occurrence, lookup_key(name)) not in decided for occurrence, name in names]
    rows = rows[pd.Series(is_open, index=rows.index, dtype=bool)]
    return OpenNames(night, rows.assign(candidates=rows["candidates"].map(json.loads)))


def people_of(settings: Settings, night: date, occurrence_id: str) -> pd.DataFrame:
    """Return who was in a webinar, by name: person_key, display_name, minutes_union, phone."""
    columns = ENGAGEMENT_PEOPLE.only(
        "occurrence_id", "person_key", "display_name", "attended", "minutes_union", "phone"
    )
    people = Lake(UPath(settings.lake_root)).read(columns, night)
    people = people[(people["occurrence_id"] == occurrence_id) & people["attended"].astype(bool)]
    return people.sort_values("display_name", kind="stable", ignore_index=True)
