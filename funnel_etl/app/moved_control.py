"""Why one number moved: its causes, and the rows behind it on both nights, to file and line. A part of Today."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from funnel_etl.app import names, words
from funnel_etl.app.access import Role
from funnel_etl.app.markdown import literal
from funnel_etl.app.visit import Visit
from funnel_etl.core.values.numbers import grouped
from funnel_etl.observe.changes.contracts import CAUSES
from funnel_etl.observe.changes.render import LABELS, number
from funnel_etl.operate.explain.behind import Behind, rows_that_moved
from funnel_etl.operate.explain.moved_rows import MovedRow, Side, differing

MAY_SEE_PEOPLE = frozenset({Role.ANALYST})
"""Who sees what stands in a line; everybody else which of its columns differ."""
MOST_ROWS = 20


def show_one_number(visit: Visit, rows: pd.DataFrame) -> None:
    """Ask for a number by measure, funnel and month, and show why it moved; then a day of it, with its rows."""
    with st.container(horizontal=True):
        measure = st.selectbox(
            "Measure",
            list(dict.fromkeys(rows["metric"])),
            index=None,
            format_func=names.MEASURES.__getitem__,
            placeholder="Choose a measure",
            width=220,
            key="moved-measure",
        )
        own = rows[rows["metric"] == measure]
        funnel = _choice("Funnel", sorted(set(own["funnel"]), key=str.casefold), f"moved-funnel-{measure}")
        own = own[own["funnel"] == funnel]
        months = sorted({day.replace(day=1).date() for day in own["date"]}, reverse=True)
        month = _choice("Month", months, f"moved-month-{measure}-{funnel}", _month)
    if measure is None or funnel is None or month is None:
        st.caption("Choose measure, funnel and month of the number that surprises you.")
        return
    own = own[[day.replace(day=1).date() == month for day in own["date"]]]
    _show_causes(measure, own)
    days = sorted({day.date() for day in own["date"]}, reverse=True)
    day = _choice("Its rows on", days, f"moved-day-{measure}-{funnel}-{month}", words.day)
    if day is not None:
        _show_rows(visit, measure, funnel, day)


def _choice(label: str, options: list[Any], key: str, write: Callable[[Any], str] = str) -> Any:
    """Ask for one of several; where there is one only, it is chosen."""
    return st.selectbox(
        label,
        options,
        index=0 if len(options) == 1 else None,
        format_func=write,
        placeholder="Choose",
        width=260,
        key=key,
        disabled=not options,
    )


def _month(first: date) -> str:
    return f"{first:%B %Y}"


def _show_causes(measure: str, own: pd.DataFrame) -> None:
    """Show by how much the month moved and because of what; the causes add up to the difference."""
    first = own.drop_duplicates("date")
    was, now = int(first["previous_value"].sum()), int(first["current_value"].sum())
    moved = number(measure, now - was, signed=True)
    days = f"{grouped(len(first))} day{'' if len(first) == 1 else 's'}"
    st.write(f"On {days} of the month that moved: {number(measure, was)} → {number(measure, now)}, **{moved}**.")
    for cause, sum_of in own.groupby("cause", sort=False)["difference"].sum().items():
        said = number(measure, int(sum_of), signed=True)
        st.markdown(f"- **{said}** by {LABELS[str(cause)]}: {names.plain(CAUSES[str(cause)])}")


def _show_rows(visit: Visit, measure: str, funnel: str, day: date) -> None:
    is_open = visit.person.may(MAY_SEE_PEOPLE)
    about = f"{measure} of {funnel}, {day}"
    if st.session_state.get("moved-noted") != about:
        visit.did("open the rows that moved a number", about, "shown open" if is_open else "shown without cells")
        st.session_state["moved-noted"] = about
    with st.spinner("Looking for the rows …"):
        found = rows_that_moved(visit.settings, measure, pd.Timestamp(day), funnel, most=MOST_ROWS)
    if not found.count:
        st.info("No row of a day that was published before moved it: it is a new day, or another version of the code.")
        return
    st.write(f"{grouped(found.count)} row{'' if found.count == 1 else 's'} moved it:")
    for row in found.rows:
        _show_row(row, measure, found, is_open=is_open)
    if found.count > len(found.rows):
        st.caption(f"The first {grouped(len(found.rows))} of {grouped(found.count)}.")


def _show_row(row: MovedRow, measure: str, found: Behind, *, is_open: bool) -> None:
    places = " → ".join(filter(None, (found.place(side.line) for side in (row.before, row.after))))
    with st.container(border=True):
        st.markdown(f"**{row.kind.capitalize()}**: {literal(places)}")
        st.markdown(f"Counted: {_counted(row.before, measure)} → {_counted(row.after, measure)}")
        cells = _cells(row, found)
        if cells.empty:
            st.caption(
                "Its line is no longer kept: it was erased, or its file was purged."
                if not any(side.line in found.cells for side in (row.before, row.after) if side.line)
                else "Its line is the same: an edit of a config table, or another row that it follows from, moved it."
            )
        elif is_open:
            st.dataframe(cells, hide_index=True)
        else:
            st.caption(f"Columns that differ: {literal(', '.join(cells['Column']))}.")


def _counted(side: Side, measure: str) -> str:
    if side.value is None or side.date is None:
        return "not"
    return f"{number(measure, side.value)} for {names.plain(side.funnel or '')} on {words.day(side.date)}"


def _cells(row: MovedRow, found: Behind) -> pd.DataFrame:
    """Return the cells in which both lines differ; of a row that came or is gone all that are filled."""
    before, after = (found.cells.get(side.line, {}) if side.line else {} for side in (row.before, row.after))
    rows = [
        {"Column": str(name), "Before": was, "Now": now}
        for name, (was, now) in differing(before, after).items()
        if was or now
    ]
    return pd.DataFrame(rows, columns=["Column", "Before", "Now"])
