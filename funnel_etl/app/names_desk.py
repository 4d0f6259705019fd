"""Saying who a name in a chat is, where it is credited to nobody. A part of Mappings."""

from typing import Any

import pandas as pd
import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.markdown import literal
from funnel_etl.app.noted import save_noted
from funnel_etl.app.tables import Shown, own_rows, table
from funnel_etl.app.visit import Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped
from funnel_etl.operate.engagement.engagement import NothingScored
from funnel_etl.operate.engagement.names import OpenNames, open_names, people_of
from funnel_etl.operate.mappings.save import can_save, save
from funnel_etl.operate.upload import overrides

MAY_DECIDE = frozenset({Role.OPERATOR, Role.ANALYST, Role.ENGINEER})
WHY = {
    "ambiguous": "several people fit",
    "absent_then": "the person it fits was not there then",
    "device_name": "it is the name of a device",
    "anonymous": "it was sent without a name",
    "unmatched": "nobody in the report is called so",
}
COLUMNS = {
    "sender_name": Shown("Name in the chat"),
    "messages": Shown("Messages", grouped, "Messages, answers and questions under the name"),
    "why": Shown("Why nobody is credited"),
    "perhaps": Shown("May be", grouped, "People of the report whom it fits"),
    "webinar": Shown("Webinar"),
}


def show_names(visit: Visit) -> None:
    """Show the names that are credited to nobody, and let a person say who one is."""
    try:
        found = open_names(visit.settings)
    except NothingScored:
        st.info("No night has read a chat yet. Give chats, polls and questions on Upload.", icon=":material/forum:")
        return
    rows = _described(own_rows(visit.person, found.rows))
    if rows.empty:
        st.success(f"Every name in a chat is credited or decided, by the night of {words.day(found.night)}.")
        return
    st.write(
        f"By the night of {words.day(found.night)}, {grouped(len(rows))} name{'' if len(rows) == 1 else 's'} in chats "
        "could be several people's, or nobody's: their messages count for nobody. Say who one is where you know it."
    )
    table(rows, COLUMNS, "names-open")
    _decide(visit, found, rows)


def _described(rows: pd.DataFrame) -> pd.DataFrame:
    days = [words.day(day) if pd.notna(day) else "" for day in rows["event_date"]]
    topics = rows["topic"].fillna("Webinar")
    return rows.assign(
        webinar=[f"{topic}, {day}" for topic, day in zip(topics, days, strict=True)],
        why=rows["matched_by"].map(WHY).fillna("it is not sure"),
        perhaps=rows["candidates"].map(len),
    ).reset_index(drop=True)


def _decide(visit: Visit, found: OpenNames, rows: pd.DataFrame) -> None:
    if not can_save(visit.settings):
        st.info("The config tables cannot be written from here. Ask the engineer to add the line to chat_names.csv.")
        return
    turn = st.session_state.setdefault("names-turn", 0)
    at = st.selectbox(
        "Name",
        range(len(rows)),
        format_func=lambda one: f"{rows['sender_name'][one]} · {rows['webinar'][one]}",
        key=f"names-name-{turn}",
    )
    row = rows.iloc[int(at)]
    people = people_of(visit.settings, found.night, row["occurrence_id"]).to_dict("records")
    perhaps = set(row["candidates"])
    people.sort(key=lambda one: one["person_key"] not in perhaps)
    chosen = st.selectbox(
        "Is",
        range(len(people)),
        index=None,
        format_func=lambda one: _label(people[one], perhaps),
        placeholder="Choose a person of the report",
        key=f"names-person-{turn}-{at}",
    )
    note = st.text_input("Note, without names and numbers", key=f"names-note-{turn}-{at}")
    if chosen is not None and st.button("Save", type="primary", icon=":material/save:", key="names-save"):
        _save(visit, row, {"person_key": str(people[chosen]["person_key"]), "note": note})


def _label(person: dict[Any, Any], perhaps: set[str]) -> str:
    """Return how a person is offered: two of one name are told apart by the end of the phone, and by their minutes."""
    name = person["display_name"] if isinstance(person["display_name"], str) else "(no name)"
    phone = f", phone …{person['phone'][-4:]}" if isinstance(person["phone"], str) else ""
    there = "" if pd.isna(person["minutes_union"]) else f", there for {grouped(int(person['minutes_union']))} min"
    return f"{name}{phone}{there}{' (it fits)' if person['person_key'] in perhaps else ''}"


def _save(visit: Visit, row: "pd.Series[Any]", cells: dict[str, str]) -> None:
    if not visit.person.may(MAY_DECIDE):
        raise FunnelError(
            "only operators and analysts say who a name is", fix="ask the engineer for one of these roles"
        )
    before, data = overrides.with_name(visit.settings, row["occurrence_id"], row["sender_name"], cells)
    save_noted(visit, {before.name: data}, lambda: save(visit.settings, before, data))
    st.session_state["names-turn"] += 1
    st.session_state["mappings-said"] = f"Saved who {literal(row['sender_name'])} is. The next night credits it."
    st.rerun()
