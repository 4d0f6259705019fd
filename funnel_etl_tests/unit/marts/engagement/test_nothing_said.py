"""An installation without chats, or without any webinar: every table is there, and empty."""

import pandas as pd

from funnel_etl.core.config_tables import parse_table
from funnel_etl.core.person_names import NameRules
from funnel_etl.marts.engagement import contracts
from funnel_etl.marts.engagement.messages import (
    Frames,
    Kept,
    chat_messages,
    chat_unmatched,
    poll_answers,
    qa_questions,
    webinar_engagement,
)
from funnel_etl.marts.engagement.people import engagement_people, engagement_staff
from funnel_etl.marts.engagement.tying import engagement_files, known_of, rows_by_file
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.reader import engagement_contracts as raw
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_ATTENDEE_ROWS, RAW_ZOOM_REGISTRANT_ROWS

ZONE = "Asia/Kolkata"
CHAT, POLL, ASKED = raw.RAW_ZOOM_CHAT_ROWS.empty(), raw.RAW_ZOOM_POLL_ROWS.empty(), raw.RAW_ZOOM_QUESTION_ROWS.empty()
KEPT = Kept(pd.Timestamp("2026-09-24"), 180)


def frames() -> Frames:
    return Frames(contracts.ENGAGEMENT_FILES.empty(), WEBINARS.empty(), {}, {}, {}, ZONE)


def test_tables_of_nothing_are_empty_and_hold_their_contracts() -> None:
    chat = chat_messages(CHAT, CHAT, frames(), parse_table("chat_noise", None), KEPT)
    made = {
        contracts.CHAT_MESSAGES: chat,
        contracts.POLL_ANSWERS: poll_answers(POLL, frames()),
        contracts.QA_QUESTIONS: qa_questions(ASKED, frames(), KEPT),
    }
    messages, answers, questions = (table.conform(outcome.rows) for table, outcome in made.items())
    made[contracts.CHAT_UNMATCHED] = chat_unmatched(messages, answers, questions, frames())
    credited = pd.Series(dtype=bool)
    made[contracts.WEBINAR_ENGAGEMENT] = webinar_engagement(frames().files, messages, WEBINARS.empty(), credited)
    reports, people = ZOOM_REPORTS.empty(), RAW_ZOOM_ATTENDEE_ROWS.empty()
    beside = {"bot_names": parse_table("bot_names", None), "placeholders": frozenset(), "rules": NameRules()}
    made[contracts.ENGAGEMENT_PEOPLE] = engagement_people(reports, people, RAW_ZOOM_REGISTRANT_ROWS.empty(), **beside)
    made[contracts.ENGAGEMENT_STAFF] = engagement_staff(reports, people)
    known = known_of(WEBINARS.empty(), {}, {}, parse_table("chat_files", None), ZONE)
    files = raw.RAW_ZOOM_ENGAGEMENT_FILES.empty()
    counts = rows_by_file(CHAT, POLL, ASKED)
    made[contracts.ENGAGEMENT_FILES] = engagement_files(files, CHAT, counts, known, NameRules())
    for table, outcome in made.items():
        rows = table.conform(outcome.rows)
        assert rows.empty, table.full_name
        assert table.problems(rows) == []
        assert all(line.balances for line in outcome.ledger)
        assert all(days.empty or days.dtype.kind == "M" for days in outcome.days)
