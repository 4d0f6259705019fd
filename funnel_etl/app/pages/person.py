"""Person: the story of one person, from where each row comes, and why these rows are one person."""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.acting import may_see
from funnel_etl.app.erase_control import MAY_LOOK, show_erasure
from funnel_etl.app.line_control import show_line
from funnel_etl.app.tables import Shown, file_title, month, own_rows, table, whole_rupees
from funnel_etl.app.visit import Page, Visit
from funnel_etl.core.errors import DatabaseUnavailable, FunnelError
from funnel_etl.core.tables.reasons import MERGES
from funnel_etl.core.values.contact_mask import masked
from funnel_etl.core.values.numbers import grouped
from funnel_etl.operate.explain.look_up import LookedUp, look_up

ROLES = frozenset({Role.OPERATOR, Role.ANALYST, Role.SALES, Role.ENGINEER})
OPEN = frozenset({Role.ANALYST})
"""Who sees phones and e-mails whole, beside the engineer."""
FOUND = "person_found"
KINDS = {
    "clean.tofu_leads": "Lead",
    "clean.zoom_registrations": "Registration",
    "clean.zoom_attendance": "Webinar",
    "clean.bootcamp_participation": "Bootcamp",
    "clean.assigned_leads": "Hand-over",
    "clean.sales": "Sale",
    "clean.crm_history": "Changed in the CRM",
    "clean.consents": "Consent",
    "mart.revenue_changes": "Sale changed",
    "mart.attributed_m0": "Lead of the month",
    "mart.lead_journey": "Journey",
    "mart.handover_gaps": "Hand-over gap",
    "mart.qualified_leads": "Qualified lead",
    "mart.restatements": "Closed month",
    "mart.attribution": "Credit",
    "ops.deliveries": "Sent",
    "ops.delivery_candidates": "To be sent",
    "ops.merged_rows": "Merged",
    "ops.quarantine": "Quarantine",
    "clean.engagement_people": "Webinar, chat",
}
"""Table → what its rows are called for people."""
STAGES = {
    "lead": "Lead",
    "registered": "Registered",
    "attended": "Attended",
    "assigned": "Assigned",
    "sold": "Sold",
}
_DAY = re.compile(r"(?<![\d-])(?:19|20)\d\d-(?:0[1-9]|1[0-2])(-\d\d)?(?![\d-])")
LOOKED_IN = (
    "leads, registrations, attendance, assignments, sales, consents, the history of the CRM, "
    "what was sent, and the quarantine"
)


def show(visit: Visit) -> None:
    """Ask whom to look for, and show who was found."""
    st.title("Person")
    if not may_see(visit, ROLES):
        return
    st.write("Find somebody by phone, e-mail, or the id of a lead or sale. Each look-up is written down.")
    with st.form("look_up", border=False):
        text = st.text_input(
            "Phone, e-mail or id", placeholder="98765 43210, +971…, name@example.com", autocomplete="off"
        )
        is_asked = st.form_submit_button("Look up", type="primary", icon=":material/search:")
    if is_asked:
        _search(visit, text)
    found: LookedUp | None = st.session_state.get(FOUND)
    if found is None:
        if not is_asked:
            st.caption("Any spelling of a phone does. Nothing of what you type stands in the address of the page.")
        return
    is_open = visit.person.may(OPEN)
    st.caption(f"Read as {_text(found.asked.read_as, is_open)}.")
    if found.facts.empty:
        st.warning(f"Nobody is known by this. Looked for in {LOOKED_IN}.", icon=":material/person_off:")
        return
    _show_person(visit, found, is_open)
    if st.button("Close", help="Take this person off the screen."):
        st.session_state.pop(FOUND)
        st.rerun()


def _search(visit: Visit, text: str) -> None:
    """Look for somebody, and write it down before anything is shown: by a key, never by what was typed."""
    st.session_state.pop(FOUND, None)
    if not text.strip():
        st.error("Type a phone, an e-mail or an id first.")
        return
    try:
        with st.spinner("Looking through all tables …"):
            found = look_up(visit.settings, text)
    except DatabaseUnavailable:
        raise
    except FunnelError as error:
        visit.did("look-up", None, "not looked for: no phone, e-mail or id")
        st.error(f"{error.what[:1].upper()}{error.what[1:]}. What to do: {error.fix}.")
        return
    visit.did("look-up", found.key, f"{grouped(len(found.facts))} rows" if len(found.facts) else "nothing found")
    st.session_state[FOUND] = found


def _show_person(visit: Visit, found: LookedUp, is_open: bool) -> None:
    facts = own_rows(visit.person, found.facts)
    zone = ZoneInfo(visit.settings.timezone)
    _journeys(found.journeys, is_open, zone)
    if hidden := len(found.facts) - len(facts):
        st.caption(f"{grouped(hidden)} of webinars that are not yours {'is' if hidden == 1 else 'are'} not shown.")
    rows = facts.assign(
        kind=facts["table"].map(lambda name: KINDS.get(name, name)),
        what=facts["what"].map(lambda text: _text(text, is_open)),
        place=[_place(*where) for where in facts[["file", "line", "line_now"]].itertuples(index=False)],
        at=[None if pd.isna(at) else at.to_pydatetime() for at in pd.to_datetime(facts["at"], utc=True)],
    )
    columns = {
        "at": Shown("When", lambda at: words.moment(at, zone) if isinstance(at, datetime) else "", width=150),
        "kind": Shown("What", width=100),
        "what": Shown("In words", width=370),
        "place": Shown("From", about="The file in which the row came first, and its line there.", width=190),
    }
    story, after, why = st.tabs(["Story", "What follows", "Why one person"])
    with story:
        dated = rows[rows["at"].notna()]
        st.write(f"{grouped(len(dated))} things happened, in order of time." if len(dated) else "Nothing has a time.")
        table(dated, columns, "story", row_height=76)
        if is_open:
            show_line(visit, f"line of {found.key}", _lines(rows))
    with after:
        rest = rows[rows["at"].isna() & rows["table"].ne("ops.merged_rows")]
        st.write("What the numbers make of it: months, credits, gaps; and what is to be sent or in quarantine.")
        table(rest, {name: column for name, column in columns.items() if name != "at"}, "after", row_height=76)
    with why:
        _why(found, rows, columns)
    if visit.person.may(MAY_LOOK) and visit.person.sees_all:
        show_erasure(visit, found.key, [*found.asked.phones, *found.asked.emails], is_open=is_open)


def _journeys(journeys: pd.DataFrame, is_open: bool, zone: ZoneInfo) -> None:
    for row in journeys.to_dict("records"):
        sales = int(row["sales"])
        bought = f", {grouped(sales)} sale{'' if sales == 1 else 's'} of {whole_rupees(row['revenue_inr'])}"
        phone = _text(f"{row['phone']}", is_open)
        st.subheader(f"{phone}: reached {row['stage_reached']}{bought if sales else ''}")
        for column, (name, title) in zip(st.columns(len(STAGES)), STAGES.items(), strict=True):
            at = row[f"first_{name}_at"]
            known = [row[f"first_{name}_{what}"] for what in ("funnel", "source")]
            shown = "never" if pd.isna(at) else words.day(_local(at, zone))
            column.markdown(f"**{title}**  \n{shown}")
            column.text(" · ".join(dict.fromkeys(str(each) for each in known if not pd.isna(each))))


def _local(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _why(found: LookedUp, rows: pd.DataFrame, columns: dict[str, Shown]) -> None:
    own = rows[rows["shares"].notna()]
    st.write("Rows are one person by the phone; without a phone by the e-mail. Names are never compared.")
    for shares, count in own["shares"].value_counts().items():
        st.write(f"- {grouped(count)} {'row shares' if count == 1 else 'rows share'} {shares}")
    if found.emails > 1:
        st.info(
            f"{grouped(found.emails)} different e-mails stand in these rows. A family may share a phone: "
            "then two persons are one here.",
            icon=":material/group:",
        )
    table(
        own,
        {"shares": Shown("Shares", width=220), **{name: columns[name] for name in ("at", "kind", "place")}},
        "why",
    )
    if found.merged.empty:
        st.write("No other row was merged into them.")
        return
    st.write(f"{grouped(len(found.merged))} more rows were merged into these, and count once:")
    merged = found.merged.assign(
        table=found.merged["table"].map(lambda name: KINDS.get(name, name)),
        reason=found.merged["reason"].map(lambda name: MERGES.get(name, name)),
        place=[_place(*where) for where in found.merged[["file", "line"]].itertuples(index=False)],
        into=[_place(*where) for where in found.merged[["into_file", "into_line"]].itertuples(index=False)],
    )
    table(
        merged,
        {
            "table": Shown("What"),
            "place": Shown("Row", width=200),
            "into": Shown("Merged into", width=200),
            "reason": Shown("By which rule", width=360),
        },
        "merged",
    )


def _text(text: str, is_open: bool) -> str:
    """Return a sentence with its days as people write them, for who may see no contacts with these masked."""
    shown = text if is_open else masked(text)
    return _DAY.sub(_day, shown)


def _day(found: re.Match[str]) -> str:
    try:
        first = date.fromisoformat(found[0] if found[1] else f"{found[0]}-01")
    except ValueError:
        return found[0]
    return words.day(first) if found[1] else month(first)


def _lines(rows: pd.DataFrame) -> list[tuple[str, str, str, int]]:
    """Return where each row stands that has a line of a file, as `show_line` asks."""
    own = rows.dropna(subset=["file_id", "line"])[["kind", "place", "table", "file_id", "line"]].drop_duplicates()
    return [
        (f"{kind}: {place}", table_name, file_id, int(line))
        for kind, place, table_name, file_id, line in own.itertuples(index=False)
    ]


def _place(file: Any, line: Any, line_now: Any = None) -> str:
    if not isinstance(file, str):
        return ""
    first = f"{file_title(file)}, line {int(line)}"
    return first if pd.isna(line_now) else f"{first}; in the newest line {int(line_now)}"


PAGE = Page(
    "person",
    "Person",
    ":material/person_search:",
    "People",
    ROLES,
    show,
)
