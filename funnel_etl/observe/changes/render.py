"""What changed, in words: the movements that matter most, for the run's page and the command. Pure, nobody's data."""

from decimal import Decimal

import pandas as pd

from funnel_etl.core.values.numbers import grouped, measure
from funnel_etl.observe.changes.contracts import CAUSES, NEW_DAY

TOP = 10
LABELS = {
    "unknown_previous": "last night's rows are gone",
    "history_rewritten": "last night's rows were rewritten",
    "code_version": "another version of funnel_etl",
    "manual_mapping": "manual mapping",
    "mapping": "mapping edits",
    "config": "other config edits",
    "new_day": "new days",
    "late": "late rows",
    "zoom_reexport": "Zoom re-exports",
    "zoom_withdrawn": "withdrawn Zoom reports",
    "edited": "edited rows",
    "vanished": "vanished rows",
    "unexplained": "no cause",
}
"""Cause → two or three words for a line."""


def shown(rows: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, str]:
    """Return the top movers of a night for its page in the UI."""
    return {"what_changed": "\n".join(f"- {line}" for line in summary_lines(rows, as_of))}


def summary_lines(rows: pd.DataFrame, as_of: pd.Timestamp, top: int = TOP) -> list[str]:
    """Return in a line each what moved most: days that were published before, largest share first; then new days."""
    if not len(rows):
        return [f"Nothing moved by {as_of:%Y-%m-%d}, or it is the first night."]
    since = rows["previous_as_of"].iloc[0]
    old = rows[rows["cause"] != NEW_DAY]
    lines = [
        f"Since the night of {since:%Y-%m-%d}: {grouped(len(old))} movements of numbers that were published before."
    ]
    for mover in movers(old).head(top).to_dict("records"):
        net = number(str(mover["metric"]), int(mover["net"]), signed=True)
        lines.append(f"{mover['metric']} {net} by {LABELS[mover['cause']]}, in {grouped(mover['cells'])} numbers")
    new = rows[rows["cause"] == NEW_DAY].groupby("metric")["difference"].sum()
    if len(new):
        sums = ", ".join(f"{metric} {number(str(metric), int(value), signed=True)}" for metric, value in new.items())
        lines.append(f"New days: {sums}")
    return lines


def movers(rows: pd.DataFrame) -> pd.DataFrame:
    """Return metric, cause, net (hundredths) and cells; first what moved the largest part of the numbers it touched."""
    given = rows.assign(size=rows["difference"].abs(), held=rows[["previous_value", "current_value"]].abs().max(axis=1))
    sums = given.groupby(["metric", "cause"], sort=True).agg(
        net=("difference", "sum"), cells=("difference", "size"), size=("size", "sum"), held=("held", "sum")
    )
    part = sums["size"].astype("float64") / sums["held"].astype("float64").clip(lower=1)
    return sums.assign(part=part).sort_values(["part", "cells"], ascending=False, kind="stable").reset_index()


def number(metric: str, hundredths: int, *, signed: bool = False) -> str:
    """Write a number of a metric: rupees with paise, else a count."""
    sign = "+" if signed and hundredths >= 0 else ""
    return sign + measure(metric, Decimal(hundredths) / 100)


assert list(LABELS) == list(CAUSES)  # noqa: S101 - a cause without words is found when the module is loaded
