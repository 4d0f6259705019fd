"""Drafts: edit and approve what could be written to people, out and in as a file, and why others are withheld."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pandas as pd
import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.acting import act, asked, may_see, show_done
from funnel_etl.app.tables import Shown, own_rows, table
from funnel_etl.app.visit import Page, Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped
from funnel_etl.marts.engagement.draft_contracts import APPROVED, DRAFT, EDITED, REASONS_WITHHELD, STALE, WITHHELD
from funnel_etl.operate.drafts.desk import consent_questions, drafts_now
from funnel_etl.operate.drafts.drafts import (
    LONGEST_BODY,
    LONGEST_NOTES,
    LONGEST_SUBJECT,
    Drafts,
    Imported,
    as_csv,
    import_bytes,
    land_rows,
)
from funnel_etl.operate.drafts.render import WHY

ROLES = frozenset({Role.OPERATOR, Role.SALES, Role.ENGINEER})
STATUSES = {
    DRAFT: ("To look at", "nobody has looked at it"),
    EDITED: ("Edited", "somebody changed it, and did not approve it"),
    STALE: ("Edited, and stale", "its facts or template changed under the edit; your words stay"),
    APPROVED: ("Approved", "it may be sent"),
}
ANY = "Any"
DONE = "the next night lays it over"


def show(visit: Visit) -> None:
    """Show how many drafts there are in what state, and one part of the work."""
    st.title("Drafts")
    if not may_see(visit, ROLES):
        return
    try:
        found = drafts_now(visit.settings)
    except FunnelError as error:
        st.info(f"{error.what[:1].upper()}{error.what[1:]}. They are made by the night after a webinar.")
        return
    rows = own_rows(visit.person, found.rows)
    statuses = Counter(rows["status"])
    st.write(_state(found, rows, statuses))
    show_done()
    for column, (status, (title, about)) in zip(st.columns(len(STATUSES)), STATUSES.items(), strict=True):
        column.metric(title, grouped(statuses[status]), help=about)
    edit, files, why, consent = st.tabs(["Edit and approve", "As a file", "Withheld", "Consent questions"])
    writable = rows[rows["status"].ne(WITHHELD) & rows["body_text"].notna()]
    with edit:
        _edit(visit, writable)
    with files:
        _files(visit, writable)
    with why:
        _withheld(rows[rows["status"] == WITHHELD])
    with consent:
        _consent(visit, found)


def _state(found: Drafts, rows: pd.DataFrame, statuses: Counter[str]) -> str:
    withheld = statuses[WITHHELD]
    kept = int(rows["is_kept"].sum())
    waits = f" {grouped(kept)} edits wait for the next night." if kept else ""
    return (
        f"Night of {words.day(found.night)}: {grouped(len(rows) - withheld)} drafts for people of the last webinars, "
        f"{grouped(withheld)} withheld.{waits} Nothing is sent from here."
    )


def _edit(visit: Visit, rows: pd.DataFrame) -> None:
    if rows.empty:
        st.info("There is no draft to edit. Under Withheld stands why.", icon=":material/drafts:")
        return
    left, right = st.columns(2)
    states = [status for status in STATUSES if status in set(rows["status"])]
    state = left.selectbox("State", [ANY, *states], format_func=lambda name: STATUSES.get(name, (name,))[0])
    webinars = dict(zip(rows["occurrence_id"], _webinars(rows), strict=True))
    webinar = right.selectbox("Webinar", [ANY, *webinars], format_func=lambda name: webinars.get(name, name))
    shown = rows if state == ANY else rows[rows["status"] == state]
    shown = shown if webinar == ANY else shown[shown["occurrence_id"] == webinar]
    if shown.empty:
        st.info("No draft is in this state.")
        return
    shown = shown.sort_values(["score", "draft_id"], ascending=[False, True])
    records = {row["draft_id"]: row for row in shown.to_dict("records")}
    chosen = st.selectbox(
        f"Draft ({grouped(len(records))}, the highest score first)",
        list(records),
        format_func=lambda i: _label(records[i]),
    )
    _one(visit, rows, records[chosen])
    _approve_all(visit, rows, [row for row in records.values() if row["status"] in (DRAFT, EDITED)])


def _webinars(rows: pd.DataFrame) -> Iterable[str]:
    for topic, day in rows[["topic", "event_date"]].itertuples(index=False):
        yield f"{topic if isinstance(topic, str) else 'Webinar'}, {'' if pd.isna(day) else words.day(day)}"


def _label(row: dict[Any, Any]) -> str:
    score = "" if pd.isna(row["score"]) else f" {grouped(int(row['score']))}"
    return f"{row['name']} · {row['tier']}{score} · {STATUSES[row['status']][0]}"


def _one(visit: Visit, rows: pd.DataFrame, row: dict[Any, Any]) -> None:
    name = row["draft_id"]
    if row["is_kept"]:
        st.caption("Kept; the next night lays it over.")
    if isinstance(row["generated_text"], str):
        with st.expander("What the draft would be now"):
            st.text(row["generated_text"])
    with st.form(f"draft_{name}"):
        st.text(f"To {row['email']}")
        subject = st.text_input("Subject", row["subject"], max_chars=LONGEST_SUBJECT, key=f"subject_{name}")
        body = st.text_area("Text", row["body_text"], height=320, max_chars=LONGEST_BODY, key=f"body_{name}")
        notes = row["notes"] if isinstance(row["notes"], str) else ""
        notes = st.text_area("Your notes", notes, height=80, max_chars=LONGEST_NOTES, key=f"notes_{name}")
        is_approved = st.checkbox("Approved: it may be sent", row["status"] == APPROVED, key=f"approved_{name}")
        is_kept = st.form_submit_button("Keep", type="primary", icon=":material/save:")
    if is_kept and not (subject.strip() and body.strip()):
        st.error("A draft needs a subject and a text. Nothing was changed: write both, then Keep.")
    elif is_kept:
        made = _made(row) | {"subject": subject, "body": body, "personal_notes": notes}
        made["approved"] = "yes" if is_approved else ""
        _keep(visit, "approve draft" if is_approved else "edit draft", str(name), rows, [made])


def _made(row: dict[Any, Any]) -> dict[str, str]:
    """Return a draft as a row of an exported file has it."""
    return {
        "draft_id": row["draft_id"],
        "base_hash": row["base_hash"],
        "subject": row["subject"],
        "body": row["body_text"],
        "personal_notes": row["notes"] if isinstance(row["notes"], str) else "",
    }


def _approve_all(visit: Visit, rows: pd.DataFrame, drafts: list[dict[Any, Any]]) -> None:
    if len(drafts) == 1 or not drafts:  # one is approved by its own box
        return
    many = grouped(len(drafts))
    question = f"Approve {many} drafts as they are? Each may be sent then."
    if asked("approve_all", f"Approve all {many} in this list", question, f"Yes, approve {many}"):
        made = [_made(row) | {"approved": "yes"} for row in drafts]
        _keep(visit, "approve drafts", f"{many} drafts", rows, made)


def _keep(visit: Visit, action: str, about: str, rows: pd.DataFrame, made: list[dict[str, str]]) -> None:
    act(visit, ROLES, action, about, lambda: _said(land_rows(visit.settings, rows, made, visit.person.email)))


def _said(done: Imported) -> str:
    if not done.changed:
        return "Nothing was changed, so nothing was kept."
    many = f"{grouped(done.changed)} draft{' was' if done.changed == 1 else 's were'} changed and kept; {DONE}."
    return f"{many} {grouped(done.unchanged)} are as they were." if done.unchanged else many


def _files(visit: Visit, rows: pd.DataFrame) -> None:
    st.write(
        f"{grouped(len(rows))} drafts as CSV: edit subject, body and personal_notes in a spreadsheet, write yes under "
        "approved, save as CSV, and give it back here."
    )

    def data() -> bytes:
        visit.did("download", f"drafts.csv, {grouped(len(rows))} drafts")
        return as_csv(rows)

    label = f"{grouped(len(rows))} drafts as a file"
    st.download_button(label, data, "drafts.csv", "text/csv", icon=":material/download:", disabled=rows.empty)
    given = st.file_uploader("An edited file", type=["csv"])
    if given is None:
        return
    content, own = given.getvalue(), frozenset(rows["draft_id"])
    try:
        found = _imported(visit, content, own, is_trial=True)
    except FunnelError as error:
        st.error(f"{error.what[:1].upper()}{error.what[1:]}. What to do: {error.fix}.")
        return
    many, same = grouped(found.changed), grouped(found.unchanged)
    st.write(
        f"{many} {'draft is' if found.changed == 1 else 'drafts are'} changed in this file, {same} are as they were."
    )
    if asked("import", "Take it in", f"Keep the changes to {many}?", f"Yes, {many}", disabled=not found.changed):
        act(visit, ROLES, "import drafts", f"{many} changed", lambda: _said(_imported(visit, content, own)))


def _imported(visit: Visit, content: bytes, own: frozenset[str], *, is_trial: bool = False) -> Imported:
    return import_bytes(visit.settings, content, "the file", visit.person.email, own, is_trial=is_trial)


def _withheld(rows: pd.DataFrame) -> None:
    if rows.empty:
        st.info("None is withheld.", icon=":material/check:")
        return
    st.write(
        f"{grouped(len(rows))} people get no draft. A reason goes away with its cause; the next night looks again."
    )
    reasons = Counter(rows["withheld_reason"])
    frame = pd.DataFrame(
        [(WHY[name], reasons[name]) for name in REASONS_WITHHELD if reasons[name]], columns=["why", "count"]
    )
    table(frame, {"count": Shown("People", grouped), "why": Shown("Why", width=560)}, "why_withheld")
    shown = rows.assign(why=rows["withheld_reason"].map(WHY)).sort_values("score", ascending=False, na_position="last")
    columns = {
        "name": Shown("Name"),
        "tier": Shown("Tier"),
        "score": Shown("Score", grouped),
        "topic": Shown("Webinar"),
        "event_date": Shown("Day", words.day),
        "why": Shown("Why", width=420),
    }
    table(shown, columns, "withheld")


def _consent(visit: Visit, found: Drafts) -> None:
    st.write(
        "A person is written to only if something says that they agreed. These questions of your registration "
        "forms say so: some answers are a yes, every other one is a refusal. What people said last counts."
    )
    questions = consent_questions(visit.settings, found.night)
    if not questions:
        st.warning(
            "No question is named, so no registration form says anything about consent. Add a line to "
            "consent_questions.csv: how the question reads (* is anything), the channel, and which answers are a yes.",
            icon=":material/help:",
        )
        return
    frame = pd.DataFrame([vars(each) for each in questions])
    columns = {
        "pattern": Shown("Question"),
        "channel": Shown("Channel"),
        "yes_values": Shown("A yes is"),
        "granted": Shown("Agreed", grouped),
        "refused": Shown("Refused", grouped),
        "note": Shown("Note"),
    }
    table(frame, columns, "consent")


PAGE = Page("drafts", "Drafts", ":material/drafts:", "Sending", ROLES, show)
