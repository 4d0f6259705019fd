"""Assets of what was said in webinars: each names its inputs and calls one pure function."""

from functools import partial
from typing import Any

import pandas as pd

from funnel_etl.core.config_engagement import DEFAULT_SETTINGS, setting
from funnel_etl.core.followup_templates import templates_of
from funnel_etl.core.person_names import rules_of
from funnel_etl.core.tables.accounting import TRACE, Outcome
from funnel_etl.core.tables.validity import Uses
from funnel_etl.delivery.webengage.contracts import CONSENT_STATE
from funnel_etl.marts.engagement import contracts, edits, pictures
from funnel_etl.marts.engagement.answers import llm_calls
from funnel_etl.marts.engagement.calibration import score_calibration
from funnel_etl.marts.engagement.contracts import EXACT, MEDIUM
from funnel_etl.marts.engagement.draft_contracts import (
    FOLLOWUP_DRAFTS,
    FOLLOWUP_PRIORITY,
    FOLLOWUP_TEXTS,
    LLM_CALLS,
    RAW_FOLLOWUP_EDITS,
    RAW_LLM_ANSWERS,
)
from funnel_etl.marts.engagement.drafts import Draftable, followup_drafts, followup_texts, mail_states
from funnel_etl.marts.engagement.edits import followup_edits
from funnel_etl.marts.engagement.facts_of_drafts import offers_by_occurrence
from funnel_etl.marts.engagement.matching import Roster, credited, name_keys, rosters
from funnel_etl.marts.engagement.messages import (
    Frames,
    Kept,
    chat_messages,
    chat_unmatched,
    poll_answers,
    qa_questions,
    webinar_engagement,
)
from funnel_etl.marts.engagement.owners import owners_of
from funnel_etl.marts.engagement.people import by_occurrence, engagement_people, engagement_staff
from funnel_etl.marts.engagement.priority import followup_priority
from funnel_etl.marts.engagement.reworded import Rewordable
from funnel_etl.marts.engagement.score_contracts import ENGAGEMENT_SCORES, SCORE_CALIBRATION
from funnel_etl.marts.engagement.score_rules import ScoreRules
from funnel_etl.marts.engagement.scores import Counting, engagement_scores
from funnel_etl.marts.engagement.tying import Known, engagement_files, files_by_id, known_of, rows_by_file
from funnel_etl.marts.engagement.wording_night import wordings_of_night
from funnel_etl.parts.marketing.zoom.assets import ROWS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_REGISTRATIONS, ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.clean.people import people_beside
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.parts.marketing.zoom.reader import engagement_contracts as raw
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_ATTENDEE_ROWS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset

GROUP = "engagement"
COUNTED = ("occurrence_id", "person_key", "match_confidence", "text_hash", *TRACE)
OCCURRENCES = WEBINARS.only(
    *"occurrence_id webinar_id started_at event_date duration_minutes conductor profile".split()
)
NAMED = contracts.ENGAGEMENT_PEOPLE.only(
    "occurrence_id", "person_key", "names", "email", "phone", "attended", "presence"
)
SAID_IN = {
    "files": contracts.ENGAGEMENT_FILES,
    "raw_files": raw.RAW_ZOOM_ENGAGEMENT_FILES,
    "people": NAMED,
    "staff": contracts.ENGAGEMENT_STAFF,
    "webinars": OCCURRENCES,
}
USERS = (contracts.CHAT_MESSAGES, contracts.POLL_ANSWERS, contracts.QA_QUESTIONS, contracts.CHAT_UNMATCHED)
MADE_FROM = (WEBINARS, ZOOM_REPORTS, SALES, ASSIGNED_LEADS)
CAME = contracts.ENGAGEMENT_PEOPLE.only("occurrence_id", "names", "attended")
EVENTS = WEBINARS.only("occurrence_id", "webinar_id", "started_at", "event_date", "topic", "conductor", "profile")


@table_asset(contracts.ENGAGEMENT_PEOPLE, group=GROUP, inputs=ROWS, uses=Uses.NOTHING)
def engagement_people_asset(night: Night, lent: pd.DataFrame, **frames: Any) -> Outcome:
    """Return who was in each webinar, as its report names them: before rows are grouped by phone."""
    beside = people_beside(night.config, lent.set_index("email"))
    return engagement_people(**frames, **beside, rules=rules_of(night.config.table))


@table_asset(
    contracts.ENGAGEMENT_STAFF,
    group=GROUP,
    inputs={
        "reports": ZOOM_REPORTS.only("file_id", "occurrence_id"),
        "attendee_rows": RAW_ZOOM_ATTENDEE_ROWS.only("section", "row_problem", "user_name", "email", *TRACE),
    },
    uses=Uses.NOTHING,
)
def engagement_staff_asset(_night: Night, **frames: pd.DataFrame) -> Outcome:
    """List the names of hosts and panelists."""
    return engagement_staff(**frames)


@table_asset(
    contracts.ENGAGEMENT_FILES,
    group=GROUP,
    inputs={
        "files": raw.RAW_ZOOM_ENGAGEMENT_FILES,
        "chat_rows": raw.RAW_ZOOM_CHAT_ROWS.only(
            "file_id", "row_problem", "position", "stamp_day", "stamp_seconds", "sender_name"
        ),
        "poll_rows": raw.RAW_ZOOM_POLL_ROWS.only("file_id", "row_problem"),
        "question_rows": raw.RAW_ZOOM_QUESTION_ROWS.only("file_id", "row_problem"),
        "people": NAMED.only("occurrence_id", "names", "attended"),
        "staff": contracts.ENGAGEMENT_STAFF,
        "webinars": OCCURRENCES,
    },
    uses=Uses.NOTHING,
)
def engagement_files_asset(
    night: Night, files: pd.DataFrame, chat_rows: pd.DataFrame, **frames: pd.DataFrame
) -> Outcome:
    """Tie each chat, poll and question file to its occurrence, or let it wait for a person."""
    known = _known(night, files, frames)
    counts = rows_by_file(chat_rows, frames["poll_rows"], frames["question_rows"])
    return engagement_files(files, chat_rows, counts, known, rules_of(night.config.table))


@table_asset(
    contracts.CHAT_MESSAGES,
    group=GROUP,
    inputs={"rows": raw.RAW_ZOOM_CHAT_ROWS, **SAID_IN},
    resources={"parsed_reports"},
    uses=Uses.CUT_OFF,
)
def chat_messages_asset(
    night: Night, parsed_reports: ParsedReports, rows: pd.DataFrame, **said: pd.DataFrame
) -> Outcome:
    """Return who wrote what in the chats; private messages to a host are read from the landed file."""
    private, noise = _private(said["files"], parsed_reports), night.config.table("chat_noise")
    return chat_messages(rows, private, _frames(night, said), noise, _kept(night))


@table_asset(contracts.POLL_ANSWERS, group=GROUP, inputs={"rows": raw.RAW_ZOOM_POLL_ROWS, **SAID_IN}, uses=Uses.NOTHING)
def poll_answers_asset(night: Night, rows: pd.DataFrame, **said: pd.DataFrame) -> Outcome:
    """Return who answered what in the polls."""
    return poll_answers(rows, _frames(night, said))


@table_asset(
    contracts.QA_QUESTIONS, group=GROUP, inputs={"rows": raw.RAW_ZOOM_QUESTION_ROWS, **SAID_IN}, uses=Uses.CUT_OFF
)
def qa_questions_asset(night: Night, rows: pd.DataFrame, **said: pd.DataFrame) -> Outcome:
    """Return who asked what in the question reports."""
    return qa_questions(rows, _frames(night, said), _kept(night))


@table_asset(
    contracts.CHAT_UNMATCHED,
    group=GROUP,
    inputs={
        "messages": contracts.CHAT_MESSAGES.only("occurrence_id", "sender_name", "sent_at", "person_key", "matched_by"),
        "answers": contracts.POLL_ANSWERS.only(
            "occurrence_id", "sender_name", "answered_at", "person_key", "matched_by"
        ),
        "questions": contracts.QA_QUESTIONS.only(
            "occurrence_id", "sender_name", "asked_at", "person_key", "matched_by"
        ),
        **SAID_IN,
    },
    uses=Uses.NOTHING,
)
def chat_unmatched_asset(
    night: Night, messages: pd.DataFrame, answers: pd.DataFrame, questions: pd.DataFrame, **said: pd.DataFrame
) -> Outcome:
    """List the names that are credited to nobody, with who they might be."""
    return chat_unmatched(messages, answers, questions, _frames(night, said))


@table_asset(
    contracts.WEBINAR_ENGAGEMENT,
    group=GROUP,
    inputs={
        "files": contracts.ENGAGEMENT_FILES,
        "messages": contracts.CHAT_MESSAGES.only(
            "occurrence_id", "kind", "audience", "matched_by", "match_confidence", "person_key"
        ),
        "webinars": OCCURRENCES,
    },
    uses=Uses.NOTHING,
)
def webinar_engagement_asset(
    night: Night, files: pd.DataFrame, messages: pd.DataFrame, webinars: pd.DataFrame
) -> Outcome:
    """Count what is there of each occurrence, and how much of its chat is credited."""
    return webinar_engagement(files, messages, webinars, credited(messages, confidences(night)))


@table_asset(
    ENGAGEMENT_SCORES,
    group=GROUP,
    shows=pictures.tiers,
    inputs={
        "people": contracts.ENGAGEMENT_PEOPLE.only(
            "occurrence_id",
            "person_key",
            "zoom_person_key",
            "email",
            "phone",
            "attended",
            "minutes_union",
            "attendance_pct",
            "focus_pct",
        ),
        "registrations": ZOOM_REGISTRATIONS.only("occurrence_id", "person_key", "email", "phone"),
        "webinars": WEBINARS.only(
            *"occurrence_id webinar_id event_date duration_minutes has_attendee_report conductor profile".split()
        ),
        "share": contracts.WEBINAR_ENGAGEMENT,
        "messages": contracts.CHAT_MESSAGES.only(*COUNTED, "kind", "audience", "sent_at", "position", "is_question"),
        "questions": contracts.QA_QUESTIONS.only(*COUNTED),
        "answers": contracts.POLL_ANSWERS.only("occurrence_id", "person_key", "match_confidence", "question"),
    },
    uses=Uses.CUT_OFF,
)
def engagement_scores_asset(night: Night, **frames: Any) -> Outcome:
    """Score each person of each webinar by what is known of them."""
    owners = owners_of(frames["webinars"], night.config.table("engagement_owners"))
    counting = Counting(score_rules(night), confidences(night), owners)
    return engagement_scores(**frames, counting=counting, as_of=night.as_of)


@table_asset(
    SCORE_CALIBRATION,
    group=GROUP,
    shows=pictures.calibration,
    inputs={
        "scores": ENGAGEMENT_SCORES.only("occurrence_id", "person_key", "phone", "score", "tier", "points"),
        "webinars": WEBINARS.only("occurrence_id", "started_at", "event_date", "duration_minutes", "product"),
        "sales": SALES.only("phone", "sold_at", "revenue_inr", "is_counted"),
    },
    uses=Uses.CUT_OFF,
)
def score_calibration_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Compare what people of each tier bought, and whether the score predicts it."""
    return score_calibration(**frames, as_of=night.as_of)


@table_asset(RAW_FOLLOWUP_EDITS, group=GROUP)
def raw_followup_edits(night: Night) -> Outcome:
    """List what people made of drafts, as it was landed up to this night."""
    landing = night.sources.landing
    return followup_edits({each: landing.read(each) for each in edits.files_of_night(night.sources, night.day)})


@table_asset(
    FOLLOWUP_TEXTS,
    group=GROUP,
    inputs={
        "scores": ENGAGEMENT_SCORES,
        "people": contracts.ENGAGEMENT_PEOPLE.only(
            "occurrence_id", "person_key", "display_name", "first_name", "email", "names", "attended"
        ),
        "webinars": EVENTS,
        "messages": contracts.CHAT_MESSAGES.only(*COUNTED, "audience", "is_question", "text"),
        "questions": contracts.QA_QUESTIONS.only(*COUNTED, "question"),
        "edits": RAW_FOLLOWUP_EDITS,
        "consents": CONSENT_STATE.only("user_id", "email", "channel", "state"),
        "sales": SALES.only("phone", "sold_date", "is_counted"),
    },
    uses=Uses.CUT_OFF,
)
def followup_texts_asset(night: Night, edits: Any, consents: Any, sales: Any, **frames: pd.DataFrame) -> Outcome:
    """Write a text for each person of the last webinars by its template, or say why there is none."""
    given = _draftable(night, edits, consents, sales, frames["people"], frames["webinars"])
    return followup_texts(**frames, given=given)


@table_asset(
    RAW_LLM_ANSWERS,
    group=GROUP,
    inputs={"texts": FOLLOWUP_TEXTS, "edits": RAW_FOLLOWUP_EDITS, "people": CAME},
)
def raw_llm_answers(night: Night, texts: pd.DataFrame, edits: pd.DataFrame, people: pd.DataFrame) -> Outcome:
    """Ask the model, if one is set, for the wordings that are lacking; list the answers there are."""
    return wordings_of_night(night, texts, edits, _rewordable(night, texts, people))


@table_asset(LLM_CALLS, group=GROUP, inputs={"answers": RAW_LLM_ANSWERS}, uses=Uses.NOTHING)
def llm_calls_asset(_night: Night, answers: pd.DataFrame) -> Outcome:
    """List what a model was asked, how it went and what it cost."""
    return llm_calls(answers)


@table_asset(
    FOLLOWUP_DRAFTS,
    group=GROUP,
    inputs={"texts": FOLLOWUP_TEXTS, "answers": RAW_LLM_ANSWERS, "edits": RAW_FOLLOWUP_EDITS, "people": CAME},
    uses=Uses.CUT_OFF,
)
def followup_drafts_asset(night: Night, people: pd.DataFrame, **frames: pd.DataFrame) -> Outcome:
    """Lay over each text what a model made of it, and over that what a person did."""
    return followup_drafts(**frames, rewordable=_rewordable(night, frames["texts"], people), kept=_kept(night))


@table_asset(
    FOLLOWUP_PRIORITY,
    group=GROUP,
    inputs={
        "drafts": FOLLOWUP_DRAFTS,
        "scores": ENGAGEMENT_SCORES,
        "assigned": ASSIGNED_LEADS.only("phone", "assigned_at", "employee"),
        "sales": SALES.only("phone", "sold_date", "is_counted"),
    },
    uses=Uses.CUT_OFF,
)
def followup_priority_asset(night: Night, sales: pd.DataFrame, **frames: pd.DataFrame) -> Outcome:
    """List whom each representative should call first."""
    most = int(setting(night.config.table("engagement_settings"), "priority_rows"))
    return followup_priority(**frames, bought=_bought(sales, night.as_of), most=most)


def _bought(sales: pd.DataFrame, as_of: pd.Timestamp) -> frozenset[str]:
    counted = sales[sales["is_counted"].astype(bool) & (sales["sold_date"] <= as_of)]
    return frozenset(counted["phone"].dropna())


def _draftable(
    night: Night,
    edits: pd.DataFrame,
    consents: pd.DataFrame,
    sales: pd.DataFrame,
    people: pd.DataFrame,
    webinars: pd.DataFrame,
) -> Draftable:
    """Gather what drafts rest on beside scores."""
    table = night.config.table
    settings = {name: setting(table("engagement_settings"), name) for name in DEFAULT_SETTINGS}
    recent = webinars[webinars["event_date"] > night.as_of - pd.Timedelta(days=int(settings["draft_days"]))]
    return Draftable(
        templates=templates_of(table("followups")),
        language=settings["draft_language"],
        offers=offers_by_occurrence(table("webinar_offers"), recent, night.zone),
        owners=owners_of(webinars, table("engagement_owners")),
        consents=mail_states(consents),
        bought=_bought(sales, night.as_of),
        names=name_keys(people[people["occurrence_id"].isin(recent["occurrence_id"])]),
        edits=edits,
        rules=rules_of(table),
        days=int(settings["draft_days"]),
        pause_days=int(settings["contact_pause_days"]),
        limit=int(settings["draft_limit"]),
        kept=_kept(night),
    )


def _rewordable(night: Night, texts: pd.DataFrame, people: pd.DataFrame) -> Rewordable:
    """Return what wordings are held against."""
    templates = {each.file: each for each in templates_of(night.config.table("followups")).values()}
    return Rewordable(templates, name_keys(people[people["occurrence_id"].isin(texts["occurrence_id"])]))


def score_rules(night: Night) -> ScoreRules:
    """Return the weights, bands and tiers in force."""
    names = ("engagement_weights", "engagement_bands", "engagement_tiers", "engagement_settings")
    return ScoreRules.of(*(night.config.table(name) for name in names))


def confidences(night: Night) -> tuple[str, ...]:
    """Return the confidences that count: medium ones too, unless `credit_medium` says no."""
    credit = setting(night.config.table("engagement_settings"), "credit_medium")
    return (EXACT, MEDIUM) if credit.casefold() == "yes" else (EXACT,)


def _private(files: pd.DataFrame, parsed_reports: ParsedReports) -> pd.DataFrame:
    """Return the private messages of all chats that have some, from the landed files: they are written nowhere."""
    with_private = files[files["private_count"].gt(0) & files["occurrence_id"].notna()]["file_id"]
    found = [parsed_reports.private_rows(file_id) for file_id in with_private]
    return pd.concat(found or [raw.RAW_ZOOM_CHAT_ROWS.empty()], ignore_index=True)


def _known(night: Night, files: pd.DataFrame, frames: dict[str, pd.DataFrame]) -> Known:
    """Return what files are tied by; without a file nothing is looked up."""
    names = name_keys(frames["people"]) if len(files) else {}
    staff, decided = by_occurrence(frames["staff"]), night.config.table("chat_files")
    return known_of(frames["webinars"], staff, names, decided, night.zone)


def _kept(night: Night) -> Kept:
    return Kept(night.as_of, night.sources.settings.chat_text_days)


def _frames(night: Night, said: dict[str, pd.DataFrame]) -> Frames:
    """Return what all that was said rests on, worked out once a run."""
    return night.shared("what was said rests on", partial(_make_frames, night, said), USERS)


def _make_frames(night: Night, said: dict[str, pd.DataFrame]) -> Frames:
    files, staff = said["files"], by_occurrence(said["staff"])
    tied = files["occurrence_id"].dropna().unique()
    found: dict[str, Roster] = rosters(
        said["people"], staff, night.config.table("chat_names"), rules_of(night.config.table), tied
    )
    owners = owners_of(said["webinars"], night.config.table("engagement_owners"))
    return Frames(files, said["webinars"], found, staff, files_by_id(said["raw_files"], night.zone), night.zone, owners)
