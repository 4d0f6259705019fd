"""What differs between two makings of the same night: rows that moved, cells that changed, lines of config. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from funnel_etl.core.tables.accounting import TRACE
from funnel_etl.core.tables.contracts import PANDAS_DTYPE, Kind, Table
from funnel_etl.core.values.dates import month_start
from funnel_etl.marts.funnel.contracts import FUNNEL_MONTHLY
from funnel_etl.marts.funnel.contracts import MEASURES as ADDITIVE

Frames = Mapping[str, pd.DataFrame]
"""Full name of a table → its rows, as its contract has them."""

ELSEWHERE = "(not counted)"
"""Where a row is that the other making does not have."""
OTHER_MONTH = "(another month)"
OTHER_AMOUNT = "(another amount)"
"""The far side of a row whose month, or whose amount, is another one now."""
MOVED = ["month", "from_funnel", "to_funnel"]
CELLS = ["table_name", "month", "key", "column_name", "before", "after", "difference"]


@dataclass(frozen=True)
class Moved:
    """How the rows of a table move: what names a row, its day and funnel, and what counts and amounts it adds."""

    table: str
    measure: str
    key: tuple[str, ...]
    day: str
    funnel: str
    amount: str | None = None
    amount_measure: str | None = None


MOVING = (
    Moved("clean.tofu_leads", "leads", (*TRACE,), "created_date", "funnel"),
    Moved("clean.assigned_leads", "assigned_rows", (*TRACE,), "assigned_date", "funnel"),
    Moved("mart.attributed_m0", "m0_assigned", ("month", "phone"), "assigned_date", "funnel"),
    Moved("mart.attributed_sales", "sales", ("sale_id",), "sold_date", "final_funnel", "revenue_inr", "revenue_inr"),
    Moved("clean.ad_spend", "spend_lines", (*TRACE,), "spend_date", "funnel", "cost_inr", "spend_inr"),
)
"""The rows whose way from funnel to funnel is told."""
MEASURES = ("leads", "assigned_rows", "m0_assigned", "sales", "revenue_inr", "spend_lines", "spend_inr")


def moved(before: Frames, after: Frames, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return one row per month, from_funnel and to_funnel with what moved: MEASURES (amounts in paise).

    For every month, funnel and measure, what came in less what went out is the difference of the facts.
    """
    parts = [_moved(moving, before[moving.table], after[moving.table], as_of) for moving in MOVING]
    rows = pd.concat(parts, ignore_index=True).reindex(columns=[*MOVED, *MEASURES])
    rows[list(MEASURES)] = rows[list(MEASURES)].astype("Int64").fillna(0)
    sums = rows.groupby(MOVED)[list(MEASURES)].sum().reset_index()
    return sums[(sums[list(MEASURES)] != 0).any(axis="columns")].reset_index(drop=True)


def _moved(moving: Moved, before: pd.DataFrame, after: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    sides = [_side(moving, rows[rows[moving.day] <= as_of]) for rows in (before, after)]
    pairs = sides[0].merge(sides[1], on=list(moving.key), how="outer", suffixes=("_before", "_after"))
    was, now = pairs["at_before"].notna(), pairs["at_after"].notna()
    same = was & now & (pairs["at_before"] == pairs["at_after"])
    other = was & now & ~same
    here = same & (pairs["funnel_before"] != pairs["funnel_after"])
    funnel_was, funnel_now = pairs["funnel_before"], pairs["funnel_after"]
    paid_was, paid_now = pairs["amount_before"], pairs["amount_after"]
    nobody = pd.Series(ELSEWHERE, index=pairs.index).mask(other, OTHER_MONTH)
    amended = same & (paid_was != paid_now)
    parts = [
        _step(pairs["at_before"], funnel_was, funnel_now, 1, paid_was, here),
        _step(pairs["at_before"], funnel_was, nobody, 1, paid_was, was & ~same),
        _step(pairs["at_after"], nobody, funnel_now, 1, paid_now, now & ~same),
        _step(
            pairs["at_after"], pd.Series(OTHER_AMOUNT, index=pairs.index), funnel_now, 0, paid_now - paid_was, amended
        ),
    ]
    names = {"count": moving.measure} | ({"amount": moving.amount_measure} if moving.amount_measure else {})
    return pd.concat(parts, ignore_index=True)[[*MOVED, *names]].rename(columns=names)


def _side(moving: Moved, rows: pd.DataFrame) -> pd.DataFrame:
    amount = rows[moving.amount].fillna(0) if moving.amount else pd.Series(0, index=rows.index)
    given = rows[list(moving.key)].assign(at=month_start(rows[moving.day]), amount=amount.astype("Int64"))
    return given.assign(funnel=rows[moving.funnel])


def _step(
    month: pd.Series, source: pd.Series, target: pd.Series, count: int, amount: pd.Series, where: pd.Series
) -> pd.DataFrame:
    given = {"month": month, "from_funnel": source, "to_funnel": target, "count": count, "amount": amount}
    return pd.DataFrame(given)[where]


def month_totals(before: Frames, after: Frames) -> pd.DataFrame:
    """Return per month and measure of `funnel_monthly` the totals over funnels before and after, where they differ.

    Only of what may be summed: distinct people and rates are in `changed_cells`.
    """
    sums = [frames[FUNNEL_MONTHLY.full_name].groupby("month")[[*ADDITIVE]].sum() for frames in (before, after)]
    sides = [side.rename_axis(columns="measure").stack() for side in sums]  # noqa: PD013 - long is what is wanted
    rows = pd.concat(sides, axis="columns", keys=["before", "after"]).fillna(0).astype("Int64").reset_index()
    rows["difference"] = rows["after"] - rows["before"]
    return rows[rows["difference"] != 0].reset_index(drop=True)


def changed_cells(tables: Iterable[Table], before: Frames, after: Frames) -> pd.DataFrame:
    """Return CELLS: every cell that differs, of tables that tell nothing of persons. Values as text, money in rupees.

    A row that only one making has differs in all its cells; a missing value is an empty text.
    """
    parts = [_cells(table, before[table.full_name], after[table.full_name]) for table in tables]
    return pd.concat([pd.DataFrame(columns=CELLS), *parts], ignore_index=True)


def _cells(table: Table, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    key = list(table.key)
    pairs = before.merge(after, on=key, how="outer", suffixes=("_before", "_after"))
    if not len(pairs):
        return pd.DataFrame(columns=CELLS)
    names = [name for name in key if name != "month"]
    labels = pd.Series("", index=pairs.index, dtype="str")
    for name in names:
        labels = labels + ("" if name == names[0] else ", ") + name + "=" + _text(pairs[name], table.by_name[name].kind)
    month = pairs["month"] if "month" in key else pd.Series(pd.NaT, index=pairs.index)
    pairs = pairs.assign(key=labels, month=month)
    found = []
    for column in (c for c in table.columns if c.name not in key):
        rows = pairs[_differs(pairs, column.name)]
        was, now = rows[f"{column.name}_before"], rows[f"{column.name}_after"]
        cells = rows[["month", "key"]].assign(before=_text(was, column.kind), after=_text(now, column.kind))
        number = column.kind in {Kind.INTEGER, Kind.MONEY, Kind.NUMBER}
        cells["difference"] = _difference(was, now, column.kind) if number else ""
        found.append(cells.assign(table_name=table.full_name, column_name=column.name))
    return pd.concat(found, ignore_index=True)[CELLS]


def _differs(pairs: pd.DataFrame, name: str) -> pd.Series:
    """Return, for each pair of rows, whether a column differs; two missing values do not."""
    was, now = pairs[f"{name}_before"], pairs[f"{name}_after"]
    if was.dtype == object:  # lists
        was, now = was.astype("str"), now.astype("str")
    same = (was == now).fillna(value=False).astype(bool) | (was.isna() & now.isna())
    return ~same


def _text(values: pd.Series, kind: Kind) -> pd.Series:
    if kind is Kind.MONEY:
        texts = values.map(lambda paise: f"{paise / 100:.2f}", na_action="ignore")
    elif kind is Kind.DATE:
        texts = values.dt.strftime("%Y-%m-%d")
    elif kind is Kind.NUMBER:
        texts = values.map(repr, na_action="ignore")
    else:
        texts = values.astype("str")
    filled: pd.Series = texts.astype("str").fillna("")
    return filled


def _difference(was: pd.Series, now: pd.Series, kind: Kind) -> pd.Series:
    dtype = PANDAS_DTYPE[kind]  # a side without rows has lost its own in the merge
    return _text(now.astype(dtype) - was.astype(dtype), kind)


def changed_rows(table: Table, before: pd.DataFrame, after: pd.DataFrame) -> tuple[int, int, int]:
    """Count the rows that were added, removed and changed, by the key of the contract."""
    key = list(table.key)
    pairs = before.merge(after, on=key, how="outer", suffixes=("_before", "_after"), indicator="side")
    both = pairs[pairs["side"] == "both"]
    differs = pd.Series(data=False, index=both.index)
    for name in (c.name for c in table.columns if c.name not in key):
        differs |= _differs(both, name)
    return int((pairs["side"] == "right_only").sum()), int((pairs["side"] == "left_only").sum()), int(differs.sum())


def changed_lines(before: Frames, after: Frames) -> pd.DataFrame:
    """Return one row per config table that differs: its name, lines added, removed and changed, and `order_only`.

    A line that goes and one that comes with the same first cell are one line that changed.
    """
    found = []
    for name, now in after.items():
        was, own = (frame.drop(columns="line").astype("str").fillna("") for frame in (before[name], now))
        if was.equals(own):
            continue
        gone, come = _without(was, own), _without(own, was)
        first = own.columns[0]
        shared = pd.concat([gone[first].value_counts(), come[first].value_counts()], axis=1).dropna().min(axis=1)
        changed = int(shared.sum())
        counts = {"added": len(come) - changed, "removed": len(gone) - changed, "changed": changed}
        found.append({"name": name, **counts, "order_only": not len(gone) and not len(come)})
    return pd.DataFrame(found, columns=["name", "added", "removed", "changed", "order_only"])


def _without(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that `others` lacks; of equal lines, as many as there are more."""
    columns = list(rows.columns)
    numbered = [frame.assign(nth=frame.groupby(columns).cumcount()) for frame in (rows, others)]
    pairs = numbered[0].merge(numbered[1], on=[*columns, "nth"], how="left", indicator="side")
    return rows[(pairs["side"] == "left_only").to_numpy()]
