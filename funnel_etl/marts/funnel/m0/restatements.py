"""What tonight's data would change in the M0 of closed months, cell by cell: a restatement, not changed history.

Rule: D-1.
"""

import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.values.dates import month_start
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0
from funnel_etl.marts.funnel.m0.m0 import attributed_m0

KEY = ["month", "phone"]
COMPARED = [c for c in ATTRIBUTED_M0.names if c not in {*KEY, "user_id", "assigned_date", "file_id", "source_row"}]
"""Columns whose corrections are restated; those left out follow from them, or only say where a line lies now."""
ROW = "(row)"


def restatements(
    assigned_leads: pd.DataFrame,
    zoom_attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    closed: pd.DataFrame,
    months: tuple[pd.Timestamp, ...],
    as_of: pd.Timestamp,
) -> Outcome:
    """Return one row per cell of a closed month's M0 that tonight's data would change. Columns as `mart.restatements`.

    `closed`: `mart.attributed_m0` with the months as they were closed.
    """
    of_closed = month_start(assigned_leads["assigned_date"]).isin(months)
    fresh = attributed_m0(assigned_leads[of_closed], zoom_attendance, webinars, as_of).rows
    before = closed[closed["month"].isin(months)]
    pairs = before.merge(fresh, on=KEY, how="outer", suffixes=("_closed", "_now"), indicator=True)
    found = [
        _whole_rows(pairs[pairs["_merge"] == "right_only"], "added"),
        _whole_rows(pairs[pairs["_merge"] == "left_only"], "removed"),
        *(_cells(pairs[pairs["_merge"] == "both"], column) for column in COMPARED),
    ]
    rows = pd.concat(found, ignore_index=True).sort_values([*KEY, "column_name"], kind="stable")
    return summarised(rows, **{"mart.attributed_m0": before, "clean.assigned_leads": assigned_leads})


def _whole_rows(pairs: pd.DataFrame, change: str) -> pd.DataFrame:
    side = "now" if change == "added" else "closed"
    texts = _as_text(pairs[f"funnel_{side}"])
    values = {"closed_value": None, "current_value": texts} if change == "added" else {"closed_value": texts}
    return _rows(pairs, change, ROW, side).assign(**values)


def _cells(pairs: pd.DataFrame, column: str) -> pd.DataFrame:
    before, now = _as_text(pairs[f"{column}_closed"]), _as_text(pairs[f"{column}_now"])
    differs = before.fillna("") != now.fillna("")
    rows = _rows(pairs[differs], "changed", column, "now")
    return rows.assign(closed_value=before[differs], current_value=now[differs])


def _rows(pairs: pd.DataFrame, change: str, column: str, side: str) -> pd.DataFrame:
    trace = {"file_id": pairs[f"file_id_{side}"], "source_row": pairs[f"source_row_{side}"]}
    empty = pd.Series(None, index=pairs.index, dtype="str")
    values = {"closed_value": empty, "current_value": empty}
    return pairs[KEY].assign(change=change, column_name=column, funnel=pairs[f"funnel_{side}"], **values, **trace)


def _as_text(values: pd.Series) -> pd.Series:
    is_time = isinstance(values.dtype, pd.DatetimeTZDtype)
    texts: pd.Series = (values.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if is_time else values).astype("str")
    return texts
