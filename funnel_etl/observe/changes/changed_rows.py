"""The rows behind what moved: each row that a published number counted otherwise, with its line then and now.

Pure. What a measure counts is `ORIGINS` of `marts/funnel/contracts`; how a row is known again,
`rows` and the keys here.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from funnel_etl.core.source import Pass
from funnel_etl.core.tables.accounting import TRACE
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_SALES, ORIGINS, Origin
from funnel_etl.marts.funnel.revenue.deltas import counts
from funnel_etl.observe.changes.contracts import CHANGED_ROWS, CODE, REWRITTEN, UNKNOWN
from funnel_etl.observe.changes.matching import Places, inverse, matched, same_cells

Frames = Mapping[str, pd.DataFrame]
SALES = "sales"
PASSES = {
    "zoom_registrations": (Pass(("occurrence_id", "person_key")), Pass(("occurrence_id", "email"))),
    "zoom_attendance": (Pass(("occurrence_id", "person_key")), Pass(("occurrence_id", "email"))),
    "attributed_m0": (Pass(("phone", "month")),),
}
"""Frame that is of no source → how its rows are known again."""
_CELL = ["date", "funnel", "value"]


def changed_rows(
    before: Frames, after: Frames, known: Mapping[str, Places], since: pd.Timestamp, as_of: pd.Timestamp
) -> pd.DataFrame:
    """Return the rows behind what moved in days up to `since`. Columns as `ops.changed_rows`.

    `before`, `after`: the frames of the measures' tables, of `sales`, and `webinars`, as of `since` and of `as_of`;
    `known`: which row of a source is which. The values of a cell's rows after, less those before, add up to its
    difference.
    """
    places = {**known, **{name: matched(before[name], after[name], passes) for name, passes in PASSES.items()}}
    parts = [CHANGED_ROWS.empty()]
    for metric, origin in ORIGINS.items():
        name = SALES if origin.table == ATTRIBUTED_SALES.full_name else origin.table.partition(".")[2]
        was = _behind(origin, name, before, since)
        now = _behind(origin, name, after, as_of)
        moved = _moved(was, now, places[name], since)
        parts.append(moved.assign(metric=metric, table_name=origin.table))
    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    order = [
        "metric",
        "before_date",
        "after_date",
        *(f"{side}_{name}" for side in ("before", "after") for name in TRACE),
    ]
    rows = rows.sort_values(order, kind="stable", ignore_index=True)
    return CHANGED_ROWS.conform(rows.assign(number=rows.groupby("metric").cumcount() + 1))


def cells_that_add_up(rows: pd.DataFrame, changes: pd.DataFrame, since: pd.Timestamp) -> tuple[int, int]:
    """Return how many numbers the listed rows move by exactly what `ops.changes` says, and how many there are.

    What another version of the code, or a rewritten past, adds to a number comes from no row.
    """
    of_rows = changes[(changes["date"] <= since) & ~changes["cause"].isin([CODE, REWRITTEN, UNKNOWN])]
    expected = of_rows.groupby(["metric", "date", "funnel"])["difference"].sum()
    sides = []
    for side, sign in (("before", -1), ("after", 1)):
        part = rows[["metric", *(f"{side}_{name}" for name in _CELL)]].set_axis(["metric", *_CELL], axis="columns")
        sides.append(part[part["date"].notna() & (part["date"] <= since)].assign(sign=sign))
    both = pd.concat(sides, ignore_index=True)
    both["value"] = both["value"] * both["sign"]
    listed = both.groupby(["metric", "date", "funnel"])["value"].sum()
    difference = expected.astype("int64").sub(listed.astype("int64"), fill_value=0)
    return int((difference == 0).sum()), len(difference)


def _behind(origin: Origin, name: str, frames: Frames, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return date, funnel and value (hundredths) of each row of a frame, missing where it does not count; and TRACE."""
    rows = frames[name]
    day = origin.day.rpartition(".")[2]
    if "." in origin.day:
        days = frames["webinars"].set_index("occurrence_id")[day].reindex(rows["occurrence_id"]).set_axis(rows.index)
    else:
        days = rows[day]
    wanted = counts(rows, as_of) if name == SALES else days <= as_of
    if origin.where:
        flag = rows[origin.where]
        wanted &= (flag == origin.is_value.strip("'") if origin.is_value else flag).fillna(value=False).astype(bool)
    unit = 1 if origin.summed.endswith("_inr") else 100
    values = (rows[origin.summed].astype("Int64") if origin.summed else pd.Series(1, rows.index, "Int64")) * unit
    wanted &= values.fillna(0) != 0
    cells = pd.DataFrame(
        {
            "date": days.astype("datetime64[us]"),
            "funnel": rows["final_funnel" if name == SALES else "funnel"].astype("str"),
            "value": values,
        }
    ).where(wanted)
    return cells.join(rows[TRACE]).reset_index(drop=True)


def _moved(was: pd.DataFrame, now: pd.DataFrame, places: Places, since: pd.Timestamp) -> pd.DataFrame:
    """Return the pairs whose cell or value differs, before beside after; a row that is not there is missing."""
    fresh = np.flatnonzero(inverse(places, len(now)) < 0)
    ours = np.concatenate([np.arange(len(was)), np.full(len(fresh), -1)])
    theirs = np.concatenate([places, fresh])
    sides = {"before": _taken(was, ours), "after": _taken(now, theirs)}
    differs = ~same_cells(sides["before"][_CELL], sides["after"][_CELL])
    differs &= (sides["before"]["date"].notna() | (sides["after"]["date"] <= since)).to_numpy(dtype=bool)
    return pd.concat([rows[differs].add_prefix(f"{side}_") for side, rows in sides.items()], axis="columns")


def _taken(rows: pd.DataFrame, places: Places) -> pd.DataFrame:
    return rows.reindex(pd.Index(np.where(places < 0, len(rows), places))).reset_index(drop=True)
