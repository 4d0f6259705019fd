"""Webinars: who listened and asked, why somebody has their score, and whether the score predicts sales."""

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.acting import may_see
from funnel_etl.app.tables import Shown, own_rows, percent, table
from funnel_etl.app.visit import Page, Visit
from funnel_etl.core.values.numbers import grouped
from funnel_etl.marts.engagement.calibration import ALL, BY_TIER
from funnel_etl.marts.engagement.score_contracts import ALL_TIERS, INVERTED, NOT_SHOWN, ORDERED, TOO_FEW
from funnel_etl.operate.engagement.engagement import NothingScored, WebinarView, webinar
from funnel_etl.operate.engagement.score import people_of_scores, scored_webinars, why_score
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import ATTENDANCE, CHAT, POLL, QUESTIONS

ROLES = frozenset({Role.OPERATOR, Role.ANALYST, Role.SALES, Role.ENGINEER})
PART_NAMES = {
    "focus": "In focus, percent",
    "attendance": "Was there, percent",
    "chat": "Messages",
    "questions": "Questions",
}
WHY_NO_SCORE = {
    "No-Show": "registered, and did not come",
    "Unknown": "no attendee report is there, so nobody knows who came",
    "Unscored": "too little is known of them",
}
FILES = {CHAT: "Chat", POLL: "Poll report", QUESTIONS: "Question report", ATTENDANCE: "Attendance of Demio"}
VERDICTS = {
    TOO_FEW: "too few bought so far to say: do not read the rates",
    NOT_SHOWN: "it is not shown that it does: the order of calls by score is as good as any other",
    ORDERED: "it does: a higher tier surely buys more. Call by tier",
    INVERTED: "it does the reverse: a higher tier surely buys less. Look at the weights",
}
PEOPLE = {
    "name": Shown("Name"),
    "tier": Shown("Tier"),
    "score": Shown("Score", grouped),
    "attendance_pct": Shown("Was there", lambda share: f"{share:.0f} %", is_number=True),
    "messages": Shown("Messages", grouped),
    "questions": Shown("Questions", grouped),
    "polls_answered": Shown("Polls", grouped, "Different questions of polls answered: they give no points."),
}


def show(visit: Visit) -> None:
    """Ask for a webinar, and show its people, its files, and why one has their score."""
    st.title("Webinars")
    if not may_see(visit, ROLES):
        return
    try:
        found = scored_webinars(visit.settings)
    except NothingScored:
        st.info("No night has scored a webinar yet. Give its attendee report on Upload.", icon=":material/groups:")
        return
    rows = own_rows(visit.person, found.rows).set_index("occurrence_id")
    if rows.empty:
        st.info("None of the webinars that have scores is yours.")
        return
    names = {str(one): _title(row) for one, row in rows.to_dict("index").items()}
    chosen = st.selectbox("Webinar", list(names), format_func=names.__getitem__)
    view = webinar(visit.settings, chosen)
    people = people_of_scores(visit.settings, view.night, chosen)
    st.write(_state(view, people))
    who, files, predicts = st.tabs(["People", "Files", "Does the score predict sales?"])
    with who:
        _people(visit, view.night, people)
    with files:
        _files(view)
    with predicts:
        _predicts(view)


def _title(row: dict[Any, Any]) -> str:
    topic = row["topic"] if isinstance(row["topic"], str) else "Webinar"
    return f"{topic}, {words.day(row['event_date'])}"


def _state(view: WebinarView, people: pd.DataFrame) -> str:
    scored = int(people["score"].notna().sum())
    counts = people["tier"].value_counts()
    tiers = ", ".join(f"{grouped(int(counts[tier]))} {tier}" for tier in ALL_TIERS if tier in counts)
    return f"By the night of {words.day(view.night)}: {grouped(len(people))} people, {grouped(scored)} scored: {tiers}."


def _people(visit: Visit, night: date, people: pd.DataFrame) -> None:
    if capped := int(people["is_capped"].sum()):
        st.info(f"{grouped(capped)} would be Hot, were more known of them: give the chat on Upload.")
    tiers = [tier for tier in ALL_TIERS if tier in set(people["tier"])]
    wanted = st.pills("Only", tiers, selection_mode="multi") if len(tiers) > 1 else []
    rows = people[people["tier"].isin(wanted)] if wanted else people
    rows = rows.assign(name=rows["display_name"].fillna("(in no attendee report)")).reset_index(drop=True)
    table(rows, PEOPLE, "people")
    records = rows.to_dict("records")
    at = st.selectbox(
        "Why has this person this score?",
        range(len(records)),
        index=None,
        format_func=lambda one: _label(records[one]),
        placeholder="Choose a person",
    )
    if at is not None:
        _why(visit, night, records[int(at)])


def _label(row: dict[Any, Any]) -> str:
    """Return how a person is offered: two of one name are told apart by the end of the phone."""
    phone = f", phone …{row['phone'][-4:]}" if isinstance(row["phone"], str) else ""
    score = "" if pd.isna(row["score"]) else f" {grouped(int(row['score']))}"
    return f"{row['name']}{phone} · {row['tier']}{score}"


def _why(visit: Visit, night: date, row: dict[Any, Any]) -> None:
    found = why_score(visit.settings, night, row)
    known = found.parts[found.parts["points"].notna()]
    if pd.isna(row["score"]):
        st.write(f"No score: {WHY_NO_SCORE.get(row['tier'], row['tier'])}.")
    else:
        terms = " + ".join(f"{part.points:g} × {part.weight:g}" for part in known.itertuples())
        st.write(
            f"**{grouped(int(row['score']))}, {row['tier']}**: ({terms}) / {row['weight_available']:g}, rounded. What "
            "is not known is left out, and the rest weighs more."
        )
    if row["is_capped"]:
        st.caption("It would be Hot, were more known: without the chat, all who stayed would be.")
    parts = found.parts.assign(
        component=found.parts["component"].map(PART_NAMES),
        known=found.parts["points"].notna().map({True: "yes", False: "no"}),
    )
    columns = {
        "component": Shown("Of"),
        "known": Shown("Known", about="Zoom tells no focus; messages and questions need a chat or a report."),
        "value": Shown("Value", lambda value: f"{value:.0f}", is_number=True),
        "points": Shown("Points", lambda value: f"{value:g}", is_number=True),
        "weight": Shown("Weight", lambda value: f"{value:g}", is_number=True),
    }
    table(parts, columns, "why_score")
    if found.evidence.empty:
        st.caption("No message and no question of theirs counts.")
        return
    st.write("The lines that were counted:")
    evidence = found.evidence.assign(what=found.evidence["what"].map({"messages": "Message", "questions": "Question"}))
    table(evidence, {"what": Shown("What"), "file": Shown("File"), "line": Shown("Line", grouped)}, "evidence")


def _files(view: WebinarView) -> None:
    if view.files.empty:
        st.info("No chat, poll or question report is there: give them on Upload.", icon=":material/forum:")
        return
    for share in view.share["chat_credited_pct"].dropna():
        st.write(f"{share:.0f} % of the messages are credited to somebody; the rest stand under Mappings.")
    columns = {
        "report": Shown("What", lambda name: FILES.get(name, name)),
        "name": Shown("File"),
        "rows_count": Shown("Rows", grouped, "Messages, answers or questions."),
        "private_count": Shown("Private", grouped, "Counted, and not kept: what two attendees wrote each other."),
    }
    table(view.files, columns, "files")


def _predicts(view: WebinarView) -> None:
    rows = view.calibration
    rows = rows[(rows["product"] == ALL) & (rows["split"] == BY_TIER)]
    if rows.empty:
        st.info("Nobody came to a first webinar 30 to 180 days ago, so there is nothing to compare yet.")
        return
    st.write(f"Over all webinars, {VERDICTS[rows['verdict'].iloc[0]]}.")
    columns = {
        "value": Shown("Tier"),
        "n": Shown("People", grouped, "At the first webinar they came to, 30 to 180 days ago."),
        "buyers": Shown("Bought", grouped, "Within 30 days."),
        "rate": Shown("Share", percent),
        "wilson_low": Shown("From", percent, "Where the true share lies, 19 times of 20."),
        "wilson_high": Shown("To", percent),
    }
    table(rows, columns, "calibration")


PAGE = Page("webinars", "Webinars", ":material/groups:", "People", ROLES, show)
