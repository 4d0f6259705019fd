"""Demio's attendance: known by its header in any spelling, percentages with and without a sign, whose webinar it is."""

import json
from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.config_tables import parse_table
from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.parts.marketing.zoom.intake import decided_places, placed
from funnel_etl.parts.marketing.zoom.reader.chat import is_chat
from funnel_etl.parts.marketing.zoom.reader.demio import is_demio, read_demio
from funnel_etl.parts.marketing.zoom.reader.kinds import read_report
from funnel_etl_tests.unit.marts.engagement.conftest import Person, report

ZONE = "Asia/Kolkata"
PLAIN = """Name,Email,Attended?,Attendance %,Focus %,Joined,Exited
Asha Rao,Asha@Example.com,Yes,90%,80%,2026-09-23 18:00:00,2026-09-23 18:54:00
Dev Shah,dev@example.com,No,0%,,,
"""


def read(text: str | bytes) -> pd.DataFrame:
    data = text.encode() if isinstance(text, str) else text
    assert is_demio(data)
    export = read_report(data, file_id="d", zone=ZONE)
    assert export.facts["report"] == "attendance"
    return export.rows


def measured(rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    found = rows[["attended", "attendance_pct", "focus_pct"]].astype("object")
    return [*found.where(found.notna(), None).itertuples(index=False, name=None)]


def test_a_row_is_a_person_with_percentages_and_times() -> None:
    rows = read(PLAIN)
    assert measured(rows) == [(True, 90.0, 80.0), (False, 0.0, None)]
    assert rows["user_name"].tolist() == ["Asha Rao", "Dev Shah"]
    assert rows["email"].tolist() == ["Asha@Example.com", "dev@example.com"]
    assert rows["source_row"].tolist() == [2, 3]
    assert str(rows["joined_at"][0]) == "2026-09-23 12:30:00+00:00"
    assert pd.isna(rows["joined_at"][1])
    assert rows["cell_warnings"].tolist() == [0, 0]
    assert json.loads(rows["row"][0])["Focus %"] == "80%"


HEADERS = [
    "Name,Email,Attended?,Attendance %,Focus %",
    "name,email,attended,attendance percentage,focus percentage",
    "Full Name,Email Address,Attended Live,% Attended,% Focused",
    "ATTENDEE NAME,E-MAIL,ATTENDED,ATTENDANCE (%),FOCUS (%)",
    "Registrant,Attendee Email,Status,Attendance Rate,Average Focus %",
    "Name,Email,Attended (Yes/No),Attendance_Percent,Focus_Percent",
    "Name,Email,Attended?,Time Attended %,Focus Score",
    "Name,Email,Did Attend,Percent Attended,Focus",
    "\ufeffName,Email,Attended?,Attendance %,Focus %",
    "Name;Email;Attended?;Attendance %;Focus %",
    "Name\tEmail\tAttended?\tAttendance %\tFocus %",
    '"Name","Email","Attended?","Attendance %","Focus %"',
]


@pytest.mark.parametrize("header", HEADERS)
def test_headers_are_known_in_many_spellings(header: str) -> None:
    sign = next(s for s in ";\t," if s in header)
    row = sign.join(["Asha Rao", "asha@example.com", "Yes", "87.5%", "64%"])
    assert measured(read(f"{header}\n{row}\n")) == [(True, 87.5, 64.0)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_encoding_and_line_end_is_read(encoding: str, end: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    rows = read((mark + PLAIN.replace("\n", end)).encode(encoding))
    assert measured(rows) == [(True, 90.0, 80.0), (False, 0.0, None)]


PERCENTS = {
    "with signs": (["90%", "89.99 %", "0%"], [90.0, 89.99, 0.0]),
    "without": (["90", "89.99", "0"], [90.0, 89.99, 0.0]),
    "mixed": (["90%", "45", ""], [90.0, 45.0, None]),
    "a comma in it": (["87,5%", "9,25", ""], [87.5, 9.25, None]),
    "shares of one": (["0.9", "0.455", "1"], [90.0, 45.5, 100.0]),
    "one percent and none": (["1", "0", "1"], [1.0, 0.0, 1.0]),
    "less than one percent": (["0.5%", "1%", "0%"], [0.5, 1.0, 0.0]),
    "blank ones": (["-", "N/A", "--"], [None, None, None]),
    "no number": (["ninety", "12 min", "1e1"], [None, None, None]),
}


@pytest.mark.parametrize(("cells", "wanted"), PERCENTS.values(), ids=PERCENTS)
@pytest.mark.parametrize("name", ["attendance_pct", "focus_pct"])
def test_percentages_are_read_with_and_without_a_sign(name: str, cells: list[str], wanted: list[Any]) -> None:
    header = {"attendance_pct": "Attendance %", "focus_pct": "Focus %"}[name]
    body = "".join(f'P{n},p{n}@example.com,Yes,"{cell}"\n' for n, cell in enumerate(cells))
    found = read(f"Name,Email,Attended?,{header}\n{body}")[name]
    assert found.astype("object").where(found.notna(), None).tolist() == wanted


def test_what_cannot_be_a_percentage_is_a_warning() -> None:
    rows = read("Name,Email,Attended?,Attendance %,Focus %\nA,a@example.com,Yes,104%,180%\nB,b@example.com,Yes,-3%,x\n")
    assert measured(rows) == [(True, 100.0, None), (True, None, None)]
    assert rows["cell_warnings"].tolist() == [1, 2]


WORDS = {
    "Yes": True,
    "no": False,
    "TRUE": True,
    "0": False,
    "Attended": True,
    "No-Show": False,
    "did not attend": False,
}


@pytest.mark.parametrize(("word", "wanted"), WORDS.items(), ids=WORDS)
def test_who_attended_is_told_by_a_word(word: str, wanted: bool) -> None:
    rows = read(f"Name,Email,Attended?,Focus %\nA,a@example.com,{word},\n")
    assert rows["attended"].tolist() == [wanted]


def test_a_column_attendance_is_a_word_or_a_percentage_as_its_cells_are() -> None:
    assert measured(read("Name,Email,Attendance,Focus\nA,a@example.com,80%,50\nB,b@example.com,0%,\n")) == [
        (True, 80.0, 50.0),
        (False, 0.0, None),
    ]
    assert measured(read("Name,Email,Attendance,Focus\nA,a@example.com,yes,50\nB,b@example.com,no,\n")) == [
        (True, None, 50.0),
        (False, None, None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-23 18:02:11",
        "2026-09-23T18:02:11",
        "Sep 23, 2026 06:02:11 PM",
        "09/23/2026 06:02:11 PM",
        "23/09/2026 18:02:11",
    ],
)
def test_times_are_read_in_any_spelling(text: str) -> None:
    rows = read(f'Name,Email,Attended?,Focus %,Join Time\nA,a@example.com,Yes,50%,"{text}"\n')
    assert str(rows["joined_at"][0]) == "2026-09-23 12:32:11+00:00"


def test_a_zone_that_a_header_names_holds() -> None:
    rows = read("Name,Email,Attended?,Focus %,Joined (UTC)\nA,a@example.com,Yes,50%,2026-09-23 12:32:11\n")
    assert str(rows["joined_at"][0]) == "2026-09-23 12:32:11+00:00"


def test_lines_above_the_header_blank_and_short_lines_are_accounted_for() -> None:
    export = read_demio(f"Webinar: ACCA\n\n{PLAIN}\nShort\n".encode(), file_id="d", zone=ZONE)
    assert export.rows["row_problem"].isna().tolist() == [True, True, False]
    assert sorted([*export.blank_rows, *export.rows["source_row"]]) == [1, 2, 3, 4, 5, 6, 7]


def test_answers_of_the_form_are_kept_as_questions() -> None:
    rows = read("Name,Email,Attended?,Focus %,May we mail you?\nA,a@example.com,Yes,50%,Yes\n")
    assert json.loads(rows["questions"][0]) == {"May we mail you?": "Yes"}


OTHERS = [
    report([Person("Asha Rao", "asha@example.com")]),
    b"timestamp,name,email,message,is question\n18:05:00,Asha,asha@example.com,hello,no\n",
    b"Name,Email\nA,a@example.com\n",
    b"Name,Email,Phone,Status\nA,a@example.com,9810000001,new\n",
    b"",
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("data", OTHERS)
def test_other_files_are_none(data: bytes) -> None:
    assert not is_demio(data)
    with pytest.raises(NotAZoomReport):
        read_demio(data, file_id="d", zone=ZONE)


def test_no_demio_attendance_is_a_chat() -> None:
    assert not is_chat(PLAIN.encode())


START = pd.Timestamp("2026-09-23 18:00")
NAMES = {
    "81200001001-20260923T1800.csv": ("81200001001", START),
    "demio 81200001001 2026-09-23 18.00.csv": ("81200001001", START),
    "attendees_123456_2026-09-23_18-00.csv": ("123456", START),
    "export.csv": None,
    "81200001001.csv": None,
    "2026-09-23 18.00.csv": None,
    "81200001001-20260931T1800.csv": None,
    "81200001001-20260923T1800 81200001002-20260923T1800.csv": None,
}


@pytest.mark.parametrize(("name", "wanted"), NAMES.items(), ids=NAMES)
def test_a_name_or_a_folder_says_webinar_and_start_or_nobody_does(name: str, wanted: Any) -> None:
    assert placed(name, None, {}) == wanted
    assert placed("attendees.csv", name.removesuffix(".csv"), {}) == wanted


def test_a_line_of_chat_files_wins() -> None:
    lines = "file_name,webinar_id,started_at,note\nExport.csv,812 0000 1001,2026-09-23 18:00,\n"
    decided = decided_places(parse_table("chat_files", lines.encode()))
    assert placed("export.csv", "123456-20260101T1000", decided) == ("81200001001", START)
