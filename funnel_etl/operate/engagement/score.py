"""The people of a webinar with their scores, and why one has theirs: component by component, to the lines of files.

Nothing is scored anew here: points are those of the night, weights those of the config it used.
"""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from upath import UPath

from funnel_etl.core.config_engagement import COMPONENTS, DEFAULT_WEIGHTS
from funnel_etl.marts.engagement.contracts import ENGAGEMENT_FILES, ENGAGEMENT_PEOPLE
from funnel_etl.marts.engagement.score_contracts import ALL_TIERS, ENGAGEMENT_SCORES
from funnel_etl.operate.engagement.engagement import newest
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

MEASURED = dict(zip(COMPONENTS, ("focus_pct", "attendance_pct", "messages", "questions"), strict=True))
"""Component → the column with what it is made of."""


@dataclass(frozen=True)
class ScoredWebinars:
    """The webinars of a night that have scores, the newest first.

    `rows`: occurrence_id, topic, event_date, conductor, profile, and people (how many there are of each).
    """

    night: date
    rows: pd.DataFrame


@dataclass(frozen=True)
class WhyScore:
    """Why a person has their score.

    `parts`: a row per component: component, value, points, weight; points are missing where it is not known, and then
    its weight does not count. `evidence`: a row per line that was counted: what, file, line.
    """

    parts: pd.DataFrame
    evidence: pd.DataFrame


def scored_webinars(settings: Settings) -> ScoredWebinars:
    """Return the webinars of the newest night that have scores. Raises `NothingScored` when no night has any."""
    lake, night = newest(settings)
    people = lake.read(ENGAGEMENT_SCORES.only("occurrence_id", "person_key"), night).groupby("occurrence_id").size()
    rows = lake.read(WEBINARS.only("occurrence_id", "topic", "event_date", "conductor", "profile"), night)
    rows = rows[rows["occurrence_id"].isin(people.index)]
    rows = rows.assign(people=rows["occurrence_id"].map(people))
    return ScoredWebinars(night, rows.sort_values(["event_date", "occurrence_id"], ascending=False, ignore_index=True))


def people_of_scores(settings: Settings, night: date, occurrence_id: str) -> pd.DataFrame:
    """Return the people of a webinar, the highest score first: as `mart.engagement_scores`, with display_name."""
    lake, _ = newest(settings)
    scores = lake.read(ENGAGEMENT_SCORES, night)
    names = lake.read(ENGAGEMENT_PEOPLE.only("occurrence_id", "person_key", "display_name"), night)
    rows = scores[scores["occurrence_id"] == occurrence_id].merge(names, on=["occurrence_id", "person_key"], how="left")
    rows["rank"] = rows["tier"].map(ALL_TIERS.index)
    rows = rows.sort_values(["score", "rank", "person_key"], ascending=[False, True, True], na_position="last")
    return rows.drop(columns="rank").reset_index(drop=True)


def why_score(settings: Settings, night: date, row: Mapping[Hashable, Any]) -> WhyScore:
    """Return why a row of `people_of_scores` has its score."""
    points = json.loads(row["points"])
    weights = _weights(settings, night)
    parts = [
        {
            "component": component,
            "value": None if pd.isna(row[column]) else float(row[column]),
            "points": points.get(component),
            "weight": weights.get(component, 0.0),
        }
        for component, column in MEASURED.items()
    ]
    lake, _ = newest(settings)
    files = lake.read(ENGAGEMENT_FILES, night).set_index("file_id")["name"]
    evidence = [
        {"what": what, "file": files.get(file_id, file_id[:12]), "line": int(line)}
        for what, lines in json.loads(row["evidence"]).items()
        for file_id, line in lines
    ]
    return WhyScore(pd.DataFrame(parts), pd.DataFrame(evidence, columns=["what", "file", "line"]))


def _weights(settings: Settings, night: date) -> dict[str, float]:
    """Return the weights that the config of a night has, or else the code."""
    table = NightlySources(settings, Landing(UPath(settings.landing_root))).config(night).table("engagement_weights")
    own = dict(zip(table["component"], table["weight"], strict=True)) or DEFAULT_WEIGHTS
    return {component: float(str(weight)) for component, weight in own.items()}
