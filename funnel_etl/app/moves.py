"""What an edit of the config tables moves, as Mappings shows it: a night made with it, beside the one there is."""

from decimal import Decimal

import pandas as pd
import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.markdown import literal
from funnel_etl.app.visit import Visit
from funnel_etl.core.values.numbers import measure as measure_text
from funnel_etl.operate.mappings.save import preview_of
from funnel_etl.operate.rerun.preview import Preview

MOVES = {
    "leads": "Leads",
    "assigned_rows": "Assigned",
    "m0_assigned": "M0",
    "sales": "Sales",
    "revenue_inr": "Revenue",
    "spend_inr": "Ad spend",
}


def make_preview(visit: Visit, edits: dict[str, bytes]) -> None:
    """Make a night with the edits, off to the side, and keep it for `show_preview`."""
    with st.status("A night is made with your edit, off to the side: half a minute or so …") as told:
        found = preview_of(visit.settings, edits)
        told.update(label="The preview is there; nothing was changed.", state="complete")
    st.session_state["mappings-preview"] = (edits, found)


def show_preview(edits: dict[str, bytes]) -> None:
    """Show what was made of these edits, if anything was: months, funnels, totals, tables."""
    asked, found = st.session_state.get("mappings-preview", (None, None))
    if asked != edits or found is None:
        return
    st.subheader("What it moves", divider="gray")
    for why in [*found.errors, *(f"{asset}: {line}" for asset, line in found.failures.items())]:
        st.error(literal(why))
    for note in found.notes:
        st.info(literal(note))
    if not found.is_taken:
        return
    if found.tables.empty:
        st.write(f"Nothing: every table of the night of {words.day(found.night)} stays as it is.")
        return
    _show_moves(found)


def _show_moves(found: Preview) -> None:
    if found.moved.empty and found.totals.empty:
        st.write("No lead, sale or rupee changes its month or funnel.")
    if len(found.moved):
        shown = found.moved.assign(Month=found.moved["month"].dt.strftime("%b %Y"))
        shown = shown.rename(columns={"from_funnel": "From", "to_funnel": "To"})[["Month", "From", "To", *MOVES]]
        _numbers(shown, list(MOVES)).rename(columns=MOVES).pipe(_table, list(MOVES.values()))
    if len(found.totals):
        st.markdown("**Totals of the month, over all funnels, that change**")
        sides = ["before", "after", "difference"]
        rows = [
            {"Month": f"{row['month']:%b %Y}", "Measure": row["measure"].removesuffix("_inr").replace("_", " ")}
            | {side.capitalize(): _number(row["measure"], row[side]) for side in sides}
            for row in found.totals.to_dict("records")
        ]
        _table(pd.DataFrame(rows), [side.capitalize() for side in sides])
    elif len(found.moved):
        st.write("The totals of each month, over all funnels, stay as they are.")
    with st.expander("Tables with other rows"):
        _table(found.tables.rename(columns=lambda name: name.replace("_", " ").capitalize()), [])


def _numbers(rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    return rows.assign(**{name: [_number(name, value) if value else "" for value in rows[name]] for name in names})


def _number(measure: str, value: int) -> str:
    return measure_text(measure, Decimal(int(value)) / 100 if measure.endswith("_inr") else int(value))


def _table(rows: pd.DataFrame, right: list[str]) -> None:
    columns = {name: st.column_config.TextColumn(alignment="right") for name in right}
    st.dataframe(rows, hide_index=True, column_config=columns)
