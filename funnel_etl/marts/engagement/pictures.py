"""Score and calibration for people: pictures (PNG) for the Dagster UI. Pure; counts alone, no person is in them."""

import pandas as pd

from funnel_etl.core.config_engagement import TIERS
from funnel_etl.core.values.numbers import grouped
from funnel_etl.marts.engagement.score_contracts import ALL_TIERS
from funnel_etl.marts.funnel.pictures import DARK, GREY, blank_figure, png_of, put_title

COLOURS = dict(
    zip(ALL_TIERS, ("#D55E00", "#E69F00", "#56B4E9", "#0072B2", "#999999", "#CCCCCC", "#E6E6E6"), strict=True)
)
MOST_WEBINARS = 12


def tiers(scores: pd.DataFrame, _as_of: pd.Timestamp) -> dict[str, bytes | str]:
    """Return a picture of how many people of each tier the last webinars had; nothing where there are none."""
    counts = pd.crosstab(scores["occurrence_id"], scores["tier"])
    if counts.empty:
        return {}
    order = sorted(counts.index, key=lambda o: (o.rpartition("-")[2], o))[-MOST_WEBINARS:]
    counts = counts.loc[order[::-1]]
    figure = blank_figure(9, 1.2 + 0.3 * len(counts))
    axes = figure.add_axes((0.27, 0.08, 0.58, 0.80))
    left = pd.Series(0, index=counts.index)
    for tier in (tier for tier in ALL_TIERS if tier in counts):
        axes.barh(list(counts.index), counts[tier], left=left, color=COLOURS[tier], label=tier, height=0.7)
        left = left + counts[tier]
    axes.set_xticks([])
    axes.tick_params(length=0, labelsize=8)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    put_title(figure, "People of the last webinars by tier")
    return {"tiers_of_webinars": png_of(figure)}


def calibration(rows: pd.DataFrame, _as_of: pd.Timestamp) -> dict[str, bytes | str]:
    """Return a picture of the share that bought by tier, with its 95 % interval; nothing where nobody counts."""
    shown = rows[(rows["product"] == "(all)") & (rows["split"] == "tier")]
    if shown.empty:
        return {}
    shown = shown.sort_values("value", key=lambda tiers_: tiers_.map(TIERS.index))
    figure = blank_figure(7, 3.2)
    axes = figure.add_axes((0.09, 0.12, 0.87, 0.72))
    for at, row in enumerate(shown.to_dict("records")):
        axes.plot([at, at], [row["wilson_low"] * 100, row["wilson_high"] * 100], color=GREY, linewidth=6, alpha=0.5)
        axes.plot(at, row["rate"] * 100, "o", color=COLOURS[row["value"]], markersize=9)
        axes.text(
            at + 0.08, row["rate"] * 100, f"{row['buyers']} of {grouped(row['n'])}", color=DARK, fontsize=8, va="center"
        )
    axes.set_xticks(range(len(shown)), shown["value"])
    axes.set_xlim(-0.5, len(shown) - 0.3)
    axes.set_ylim(bottom=0)
    axes.tick_params(length=0, labelsize=8)
    axes.set_ylabel("bought within 30 days, %", fontsize=8, color=DARK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    put_title(figure, f"Does the score predict sales: {shown['verdict'].iloc[0]}")
    return {"bought_by_tier": png_of(figure)}
