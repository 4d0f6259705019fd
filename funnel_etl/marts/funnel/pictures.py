"""The facts for people: a funnel, a trend and top movers, as pictures (PNG) and Markdown for the Dagster UI.

Pure: the facts and as_of in, bytes or text out; the same facts give the same bytes. No person is in the facts.
"""

import io
import warnings
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.marts.funnel.contracts import MEASURES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = {
    "leads": "leads",
    "registrations": "registrations",
    "attendances": "attendances",
    "m0_assigned": "M0 assigned",
    "sales": "sales",
}
"""The measures of the funnel chart, top down, and what they are called there.

None is part of the one above it (a webinar may ask for no registration, M0 needs no webinar), so no share is shown.
"""

TREND_DAYS = 60
WEEK = 7
FUNNELS_APART = 6
"""So many funnels have a colour of their own; the smaller ones share one."""
PER_MEASURE = 2
LARGEST = 10
SMALL = {"count": 20, "money": 1_000_000}
"""A relative change counts only if one of the weeks has so many, or so many paise: from 1 to 3 is no news."""

# Okabe and Ito: told apart by the colour-blind too.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
GREY, DARK, LIGHT = "#999999", "#333333", "#B9CFE0"
COLOURS_KEPT = 96


def shown(facts: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, bytes | str]:
    """Return what people see of `mart.funnel_facts`: name → PNG bytes or Markdown."""
    if facts.empty:
        return {"funnel_this_month": "No source has a row yet, so there is nothing to draw."}
    return {
        "funnel_this_month": funnel_chart(facts, as_of),
        f"trend_of_{TREND_DAYS}_days": trend(facts, as_of),
        "top_movers": top_movers(facts, as_of),
    }


def funnel_chart(facts: pd.DataFrame, as_of: pd.Timestamp) -> bytes:
    """Draw the month of `as_of` to date from leads to sales, split by funnel, as PNG."""
    first = as_of.replace(day=1)
    rows = facts[(facts["date"] >= first) & (facts["date"] <= as_of)]
    parts = large_and_others(rows.groupby("funnel")[[*STEPS]].sum().astype("int64"))
    totals = parts.sum()
    figure = _figure(9, 3.8)
    axes = figure.add_axes((0.13, 0.06, 0.58, 0.80))
    left = np.zeros(len(STEPS), dtype="int64")
    for name, counts, colour in zip(parts.index, parts.to_numpy(), [*COLOURS, GREY], strict=False):
        axes.barh(list(STEPS.values()), counts, left=left, color=colour, label=_short(name), height=0.72)
        left = left + counts
    for at, total in enumerate(totals):
        axes.text(total, at, f"  {grouped(int(total))}", va="center", color=DARK, fontsize=9)
    axes.set_xlim(0, max(totals.max(), 1) * 1.2)
    axes.set_ylim(len(STEPS) - 0.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks(range(len(STEPS)), STEPS.values())
    axes.tick_params(length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    _title(figure, f"From lead to sale, {_days(first, as_of)}")
    if len(parts):
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False, fontsize=8)
        for text in legend.get_texts():
            text.set_parse_math(False)
    else:
        _nothing(axes, "nothing happened this month yet")
    return _png(figure)


def trend(facts: pd.DataFrame, as_of: pd.Timestamp) -> bytes:
    """Draw the last 60 days of leads, attendances and sales, and of spend and revenue, as PNG."""
    wide = pd.date_range(as_of - pd.Timedelta(days=TREND_DAYS + WEEK - 2), as_of, unit="us")
    measures = ["leads", "attendances", "sales", "revenue_inr", "spend_inr"]
    by_day = facts.groupby("date")[measures].sum().reindex(wide, fill_value=0).astype("float64")
    mean = by_day.rolling(WEEK).mean().iloc[WEEK - 1 :]
    by_day = by_day.iloc[WEEK - 1 :]
    days = by_day.index
    figure = _figure(9, 5.8)
    panels = figure.subplots(4, 1, sharex=True)
    figure.subplots_adjust(left=0.13, right=0.98, top=0.925, bottom=0.07, hspace=0.22)
    for axes, measure in zip(panels, measures, strict=False):
        if measure == "revenue_inr":
            continue
        axes.bar(days, by_day[measure], color=LIGHT, width=0.8)
        axes.plot(days, mean[measure], color=COLOURS[0], linewidth=1.8)
        _scale(axes, measure, by_day[[measure]])
    money = by_day[["revenue_inr", "spend_inr"]] / 100
    for measure, colour in (("revenue_inr", COLOURS[2]), ("spend_inr", COLOURS[3])):
        panels[-1].plot(days, money[measure], color=colour, linewidth=0.8, alpha=0.45)
        panels[-1].plot(days, mean[measure] / 100, color=colour, linewidth=1.8, label=measure.removesuffix("_inr"))
    _scale(panels[-1], "rupees", money)
    panels[-1].legend(loc="upper left", frameon=False, fontsize=8, ncols=2)
    ticks = [*days[::-10]]
    panels[-1].set_xticks(ticks, [f"{day.day} {day:%b}" for day in ticks])
    panels[-1].set_xlim(days[0] - pd.Timedelta(hours=16), days[-1] + pd.Timedelta(hours=16))
    _title(figure, f"{TREND_DAYS} days to {as_of.day} {as_of:%B %Y}: each day, and the mean of its last {WEEK}")
    return _png(figure)


def top_movers(facts: pd.DataFrame, as_of: pd.Timestamp) -> str:
    """Give, as Markdown tables, what moved most by funnel and measure: the last 7 days against the 7 before."""
    now, before = (_week(facts, as_of - pd.Timedelta(days=WEEK * back)) for back in (0, 1))
    moves = pd.DataFrame({"before": before, "now": now}).fillna(0).astype("int64").reset_index()
    moves["change"] = moves["now"] - moves["before"]
    moves["relative"] = moves["change"] / moves["before"].where(moves["before"] != 0)
    moves = moves[moves["change"] != 0].assign(size=moves["change"].abs(), far=moves["relative"].abs())
    by_name = moves.sort_values(["measure", "funnel"], key=_order, kind="stable")
    largest = by_name.sort_values("size", ascending=False, kind="stable").groupby("measure").head(PER_MEASURE)
    largest = largest.sort_values("measure", key=_order, kind="stable")
    money = [name for name in MEASURES if _is_money(name)]
    small = by_name["measure"].isin(money).map({True: SMALL["money"], False: SMALL["count"]}).astype("int64")
    wide = by_name[by_name["relative"].notna() & (by_name[["before", "now"]].max(axis="columns") >= small)]
    wide = wide.sort_values("far", ascending=False, kind="stable").head(LARGEST)
    last, earlier = as_of, as_of - pd.Timedelta(days=WEEK)
    weeks = [_days(day - pd.Timedelta(days=WEEK - 1), day) for day in (last, earlier)]
    return "\n".join(
        [
            f"The {WEEK} days {weeks[0]}, against {weeks[1]}.",
            "",
            f"**Largest changes of each measure** (up to {PER_MEASURE} funnels)",
            "",
            *_table(largest),
            "",
            f"**Largest relative changes** (one of the weeks has {SMALL['count']}, or {rupees(SMALL['money'] // 100)})",
            "",
            *_table(wide),
        ]
    )


def _week(facts: pd.DataFrame, last: pd.Timestamp) -> pd.Series:
    """Sum each measure and funnel over the 7 days that end with `last`. Index: measure, funnel."""
    rows = facts[(facts["date"] > last - pd.Timedelta(days=WEEK)) & (facts["date"] <= last)]
    long = rows.melt(["funnel"], [*MEASURES], var_name="measure", value_name="value")
    sums: pd.Series = long.groupby(["measure", "funnel"])["value"].sum().astype("int64")
    return sums


def _table(rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return ["nothing moved"]
    head = [
        "| measure | funnel | 7 days before | last 7 days | change | |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows.to_dict("records"):
        money = _is_money(row["measure"])
        amounts = " | ".join(_amount(row[name], money, sign=name == "change") for name in ("before", "now", "change"))
        relative = "new" if pd.isna(row["relative"]) else f"{row['relative']:+,.0%}"
        head.append(f"| {row['measure']} | {_cell(row['funnel'])} | {amounts} | {relative} |")
    return head


def _amount(value: int, money: bool, sign: bool) -> str:
    text = rupees(Decimal(value) / 100) if money else grouped(value)
    return f"+{text}" if sign and value > 0 else text


def _is_money(measure: str) -> bool:
    return measure.endswith("_inr")


def _order(values: pd.Series) -> pd.Series:
    """Sort measures as the contract has them, other texts as they are."""
    places = {name: place for place, name in enumerate(MEASURES)}
    return values.map(places) if values.name == "measure" else values


def _cell(text: str) -> str:
    """Return a text as a cell of a Markdown table, whatever is in it."""
    plain = " ".join(str(text).split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|!#~" else sign for sign in plain)


def _short(text: object) -> str:
    plain = " ".join(str(text).split()) or "(blank)"
    # A label that begins with an underscore is left out of a legend.
    plain = f" {plain}" if plain.startswith("_") else plain
    return plain if len(plain) <= 30 else f"{plain[:29]}…"


def _days(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Write a range of days as people do: 1-20 November 2026."""
    end = f"{last.day} {last:%B %Y}"
    if first == last:
        return end
    if first.year != last.year:
        return f"{first.day} {first:%B %Y} to {end}"
    return f"{first.day}–{end}" if first.month == last.month else f"{first.day} {first:%B} to {end}"


def large_and_others(by_funnel: pd.DataFrame) -> pd.DataFrame:
    """Keep the funnels that are large in any step, largest first, and sum the rest into one row."""
    by_funnel = by_funnel[(by_funnel != 0).any(axis="columns")]
    shares = (by_funnel / by_funnel.sum().where(by_funnel.sum() != 0)).fillna(0).max(axis="columns")
    ordered = by_funnel.loc[shares.sort_values(ascending=False, kind="stable").index]
    if len(ordered) <= FUNNELS_APART:
        return ordered
    rest = ordered.iloc[FUNNELS_APART:]
    others = pd.DataFrame([rest.sum()], index=[f"{len(rest)} other funnels"])
    return pd.concat([ordered.iloc[:FUNNELS_APART], others])


def _figure(width: float, height: float) -> "Figure":
    # Half a second that only the drawing of a picture needs. No pyplot: it keeps figures in a global.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _title(figure: "Figure", text: str) -> None:
    figure.text(0.01, 0.985, text, ha="left", va="top", fontsize=12, fontweight="bold", color=DARK)


def _nothing(axes: "Axes", text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY, fontsize=12)


def _scale(axes: "Axes", name: str, values: pd.DataFrame) -> None:
    low, high = float(values.min().min()), float(values.max().max())
    axes.set_ylim(min(low, 0) * 1.1, max(high, 0) * 1.15 or 1)
    axes.set_ylabel(name, fontsize=9, color=DARK)
    axes.tick_params(labelsize=8, length=0)
    axes.locator_params(axis="y", nbins=4, integer=name in MEASURES)
    write = grouped if name in MEASURES else partial(rupees, paise=False)
    axes.yaxis.set_major_formatter(lambda value, _: write(round(value)))
    axes.grid(visible=True, axis="y", color="#E6E6E6", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    if not values.to_numpy().any():
        _nothing(axes, "none")


def _png(figure: "Figure") -> bytes:
    """Return the picture's bytes: in few colours, which halves them, and without date and version."""
    from PIL import Image  # noqa: PLC0415 - as in `_figure`

    canvas: Any = figure.canvas
    with warnings.catch_warnings():
        # Scripts that the font does not have are drawn as boxes; the Markdown table has the names.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas.draw()
    drawn = Image.frombuffer("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba()), "raw", "RGBA", 0, 1)
    out = io.BytesIO()
    drawn.convert("RGB").quantize(COLOURS_KEPT, dither=Image.Dither.NONE).save(out, format="png", optimize=True)
    return out.getvalue()


blank_figure, png_of, put_title = _figure, _png, _title
"""For pictures of other tables: drawn alike, and the same bytes for the same rows."""
