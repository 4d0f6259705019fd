"""Poll reports in four layouts and the question report: each answer and question of a line of its own."""

import pandas as pd
import pytest

from funnel_etl.core.errors import FunnelError
from funnel_etl.parts.marketing.zoom.reader.kinds import KINDS, read_report
from funnel_etl.parts.marketing.zoom.reader.questions import answer_of

ZONE = "Asia/Kolkata"
P1 = """#,User Name,User Email,Submitted Date/Time,
1,Asha Rao,asha@example.com,"Sep 23, 2021 18:30:00","Which exam, and when?",CFA;FRM,How many hours?,"2, or 3",
2,Anonymous Attendee,,"Sep 23, 2021 18:31:00","Which exam, and when?",ACCA,,,
"""
P2 = """Poll Report
Report Generated:,"Sep 24, 2021 10:00:00"

Topic,Webinar ID,Actual Start Time,# Poll
Masterclass,812 0000 1001,"Sep 23, 2021 18:00:00",1

#,User Name,User Email,Submitted Date/Time,"Which exam, and when?"
1,Asha Rao,asha@example.com,"Sep 23, 2021 18:30:00",CFA;FRM

#,User Name,User Email,Submitted Date/Time,How many hours?
1,Asha Rao,asha@example.com,"Sep 23, 2021 18:31:00",2
2,Dev Shah,dev@example.com,"Sep 23, 2021 18:31:10",3
"""
P3 = """Poll Report
Report generated time,08/30/2026 06:18:23 PM

Topic,Webinar ID,Actual Start Time,# Poll
Masterclass,81200001001,08/29/2026 06:00:00 PM,1

#,User Name,User Email,Submitted Time (America/Los_Angeles),Question,Answer
1,Asha Rao,asha@example.com,08/29/2026 05:30:00 AM,Which exam?,CFA;FRM
1,Asha Rao,asha@example.com,08/29/2026 05:31:00 AM,How many hours?,2
"""
P4 = """#,User Name,User Email,Submitted Date and Time,Question,Answer
1,Asha Rao,asha@example.com,08/29/2026 06:30:00 PM,"Which exam, and when?","CFA, of course"
"""


def read(text: str, encoding: str = "utf-8"):
    return read_report(text.encode(encoding), file_id="f", zone=ZONE)


def pairs(text: str) -> list[tuple[str, str, str]]:
    rows = read(text).rows
    return list(rows[["user_name", "question", "answer"]].itertuples(index=False, name=None))


def test_the_first_layout_pairs_questions_and_answers_behind_the_time() -> None:
    assert pairs(P1) == [
        ("Asha Rao", "Which exam, and when?", "CFA;FRM"),
        ("Asha Rao", "How many hours?", "2, or 3"),
        ("Anonymous Attendee", "Which exam, and when?", "ACCA"),
    ]
    assert read(P1).facts["form"] == "P1"


def test_the_second_layout_has_a_table_for_each_question() -> None:
    export = read(P2)
    assert export.facts["form"] == "P2"
    assert (export.facts["webinar_id"], export.facts["topic"]) == ("81200001001", "Masterclass")
    assert pairs(P2) == [
        ("Asha Rao", "Which exam, and when?", "CFA;FRM"),
        ("Asha Rao", "How many hours?", "2"),
        ("Dev Shah", "How many hours?", "3"),
    ]
    assert pd.Timestamp(export.facts["started_at"]) == pd.Timestamp("2021-09-23 18:00", tz=ZONE)


def test_the_zone_that_a_header_names_is_used() -> None:
    export = read(P3)
    assert export.facts["form"] == "P3"
    assert export.rows["answered_at"].iloc[0] == pd.Timestamp("2026-08-29 05:30", tz="America/Los_Angeles")
    assert export.rows["answered_at"].iloc[0] == pd.Timestamp("2026-08-29 18:00", tz=ZONE)
    assert any("America/Los_Angeles" in note for note in export.notes)


def test_the_fourth_layout_has_no_summary() -> None:
    assert read(P4).facts["form"] == "P4"
    assert pairs(P4) == [("Asha Rao", "Which exam, and when?", "CFA, of course")]
    assert read(P4).facts["webinar_id"] is None


@pytest.mark.parametrize("text", [P1, P2, P3, P4], ids=["P1", "P2", "P3", "P4"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_poll_is_known_in_any_encoding(text: str, encoding: str) -> None:
    assert read(text.replace("\n", "\r\n"), encoding).facts["report"] == "poll"
    assert len(read(text, encoding).rows) == len(read(text).rows)


QA = """Question and Answer Report
Report Generated:,"Sep 24, 2021 10:00:00"

Topic,Webinar ID,Actual Start Time
Masterclass,812 0000 1001,"Sep 23, 2021 18:00:00"

Question Details
#,Question,Asker Name,Asker Email,Answer(s)
1,"What is the fee, please?",Asha Rao,asha@example.com,Answered by Host One: 9999
2,Is it recorded?,anonymous,,live answered
3,When is the exam?,Dev Shah,,
,,,,Answered by Host One: in May
"""


def test_questions_come_with_asker_and_answer() -> None:
    export = read(QA)
    rows = export.rows
    assert KINDS[export.facts["report"]].title == "Question Report"
    assert rows["question"].tolist() == ["What is the fee, please?", "Is it recorded?", "When is the exam?"]
    assert rows["is_anonymous"].tolist() == [False, True, False]
    assert rows["is_live_answer"].tolist() == [False, True, False]
    assert rows["answer"].fillna("").tolist() == ["9999", "", "in May"]
    assert rows["answered_by"].fillna("").tolist() == ["Host One", "", "Host One"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Host One answered: yes", ("yes", "Host One", False)),
        ("Live Answered", (None, None, True)),
        ("yes", ("yes", None, False)),
        ("", (None, None, False)),
    ],
)
def test_an_answer_says_who_gave_it(text: str, wanted: tuple[str | None, str | None, bool]) -> None:
    assert tuple(answer_of(text).values()) == wanted


def test_the_beginning_of_an_attendee_report_is_no_poll() -> None:
    with pytest.raises(FunnelError):
        read("Attendee Report,\nReport Generated:,x\n")
