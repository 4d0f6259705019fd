"""The score by its rules: what is known of a person → points, weight, score, tier. Exact: whole numbers throughout.

Pure, whole columns. Here: arithmetic of B8 of the design. Not here: counting messages and questions (`scores`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.core.config_engagement import (
    ATTENDANCE,
    CHAT,
    COMPONENTS,
    DEFAULT_BANDS,
    DEFAULT_TIERS,
    DEFAULT_WEIGHTS,
    FOCUS,
    HOT,
    NO_SHOW,
    QUESTIONS,
    TIERS,
    UNKNOWN,
    UNSCORED,
    WARM,
    setting,
)

UNIT = 10_000
"""Weights, points and percents are held in whole units of this: four decimals."""
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ScoreRules:
    """Weights and bands by component, tiers by score, all in units; bands and tiers with the highest first."""

    weights: Mapping[str, int]
    bands: Mapping[str, Sequence[tuple[int, int]]]
    tiers: Sequence[tuple[str, int]]
    least_weight: int
    least_weight_hot: int

    @classmethod
    def of(
        cls, weights: pd.DataFrame, bands: pd.DataFrame, tiers: pd.DataFrame, settings: pd.DataFrame
    ) -> "ScoreRules":
        """Return the rules of the config tables; what they are silent about is as the code has it."""
        own = dict(zip(weights["component"], map(Decimal, weights["weight"]), strict=True)) or DEFAULT_WEIGHTS
        of_component: dict[str, list[tuple[int, int]]] = {}
        for component, at_least, points in bands[["component", "at_least", "points"]].itertuples(index=False):
            of_component.setdefault(component, []).append((_units(at_least), _units(points)))
        for component in COMPONENTS:
            given = [(_units(at_least), _units(points)) for at_least, points in DEFAULT_BANDS[component]]
            of_component[component] = sorted(of_component.get(component, given), reverse=True)
        from_score = dict(zip(tiers["tier"], tiers["at_least"], strict=True)) or DEFAULT_TIERS
        return cls(
            {component: _units(own[component]) for component in COMPONENTS if component in own},
            of_component,
            [(tier, _units(from_score[tier])) for tier in TIERS],
            _units(setting(settings, "least_weight")),
            _units(setting(settings, "least_weight_hot")),
        )

    @property
    def version(self) -> str:
        """Return a hash of the rules: of two scores it says whether they are of the same ones."""
        bands = {name: list(self.bands[name]) for name in COMPONENTS}
        text = repr((dict(self.weights), bands, list(self.tiers), self.least_weight, self.least_weight_hot))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _units(value: object) -> int:
    return int((Decimal(str(value)) * UNIT).to_integral_value())


DEFAULT_RULES = ScoreRules.of(
    pd.DataFrame(columns=["component", "weight"]),
    pd.DataFrame(columns=["component", "at_least", "points"]),
    pd.DataFrame(columns=["tier", "at_least"]),
    pd.DataFrame(columns=["name", "value"]),
)
"""The rules while the config tables are silent."""


def scored(known: pd.DataFrame, rules: ScoreRules = DEFAULT_RULES) -> pd.DataFrame:
    """Return score, tier, weight_available, is_capped, and points of each component, on the index of `known`.

    `known`: has_attendee_report, attended; minutes_union and duration_minutes (NA: not known), attendance_pct where a
    source says it itself, focus_pct; has_chat, has_questions; messages, questions. Bands are compared before any
    rounding; half a point of the score rounds up.
    """
    minutes, duration = _whole(known["minutes_union"]), _whole(known["duration_minutes"])
    focus = known["focus_pct"].to_numpy(np.float64, na_value=np.nan)
    given = known.get("attendance_pct", pd.Series(np.nan, index=known.index))
    percent = given.to_numpy(np.float64, na_value=np.nan)
    is_said, is_timed = ~np.isnan(percent), (minutes >= 0) & (duration > 0)
    available: dict[str, Bools] = {
        FOCUS: ~np.isnan(focus),
        ATTENDANCE: is_said | is_timed,
        CHAT: known["has_chat"].to_numpy(bool),
        QUESTIONS: known["has_questions"].to_numpy(bool),
    }
    points: dict[str, Ints] = {
        FOCUS: _by_bands([focus >= at_least / UNIT for at_least, _ in rules.bands[FOCUS]], rules.bands[FOCUS]),
        ATTENDANCE: _by_bands(
            [
                np.where(is_said, percent >= at_least / UNIT, 100 * UNIT * minutes >= at_least * duration)
                for at_least, _ in rules.bands[ATTENDANCE]
            ],
            rules.bands[ATTENDANCE],
        ),
    }
    for component, column in ((CHAT, "messages"), (QUESTIONS, "questions")):
        counts = _whole(known[column])
        own = rules.bands[component]
        points[component] = _by_bands([counts * UNIT >= at_least for at_least, _ in own], own)
    weights = {name: np.where(available[name], rules.weights.get(name, 0), 0) for name in COMPONENTS}
    weight: Ints = np.sum([weights[name] for name in COMPONENTS], axis=0, dtype=np.int64)
    total: Ints = np.sum([weights[name] * points[name] for name in COMPONENTS], axis=0, dtype=np.int64)
    whole = np.maximum(weight, 1) * UNIT
    score = (2 * total + whole) // (2 * whole)
    has_report = known["has_attendee_report"].to_numpy(bool)
    attended = known["attended"].fillna(value=False).to_numpy(bool)
    is_scored = has_report & attended & (weight >= rules.least_weight) & (weight > 0)
    tier = np.select([score * UNIT >= at_least for _, at_least in rules.tiers], [name for name, _ in rules.tiers], "")
    is_capped = is_scored & (tier == HOT) & (weight < rules.least_weight_hot)
    tier = np.where(is_capped, WARM, tier)
    tier = np.where(is_scored, tier, np.where(~has_report, UNKNOWN, np.where(attended, UNSCORED, NO_SHOW)))
    found = pd.DataFrame(
        {
            "score": pd.Series(score, index=known.index, dtype="Int64").where(is_scored),
            "tier": pd.Series(tier, index=known.index, dtype="str"),
            "weight_available": pd.Series(weight / UNIT, index=known.index).where(has_report & attended, 0.0),
            "is_capped": pd.Series(is_capped, index=known.index, dtype="boolean"),
        }
    )
    for name in COMPONENTS:
        own_points = pd.Series(points[name] / UNIT, index=known.index)
        found[f"{name}_points"] = own_points.where(available[name] & (weights[name] > 0) & has_report & attended)
    return found


def _by_bands(reached: Sequence[Any], bands: Sequence[tuple[int, int]]) -> Any:
    """Return the points of the highest band that is reached; 0 where none is."""
    return np.select(list(reached), [points for _, points in bands], 0).astype(np.int64)


def _whole(values: pd.Series) -> Any:
    """Return whole numbers, -1 where missing."""
    return values.astype("Int64").fillna(-1).to_numpy(np.int64)
