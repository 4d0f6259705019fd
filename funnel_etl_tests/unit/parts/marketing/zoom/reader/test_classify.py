"""Wrong files are named for what they look like, with what to download instead."""

import io
import zipfile

import pytest

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.parts.marketing.zoom.reader.read import read_export


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name in names:
            made.writestr(name, "content")
    return buffer.getvalue()


MEETING = (
    "Meeting ID,Topic,Start Time,End Time,User Email,Duration (Minutes),Participants\n"
    "111 2222 3333,Daily,04/01/2026 10:00:00 AM,04/01/2026 10:30:00 AM,a@example.com,30,2\n\n"
    "Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes),Guest,Recording Consent\n"
    "A,a@example.com,04/01/2026 10:00:00 AM,04/01/2026 10:30:00 AM,30,No,\n"
)
POLL = (
    "Poll Report,\nReport Generated:,04/04/2026 12:18:00 PM\nTopic,Webinar ID,Actual Start Time,# Question\n"
    "T,111 2222 3333,04/01/2026 10:00:00 AM,1\n"
    "Poll Details,\n#,User Name,User Email,Submitted Date/Time,\n1,A,a@example.com,,Q,A\n"
)
MEETING_2024 = (
    "Topic,ID,Host name,Start time,End time,Participants,Duration (minutes)\n"
    "Daily,111 2222 3333,H,04/01/2026 10:00:00 AM,04/01/2026 10:30:00 AM,2,30\n\n"
    "Name (original name),Email,Join time,Leave time,Duration (minutes),Guest,In waiting room\n"
    "A,a@example.com,04/01/2026 10:00:00 AM,04/01/2026 10:30:00 AM,30,No,No\n"
)
QUESTIONS = (
    "Q&A Report,\nTopic,Webinar ID,Actual Start Time,# Question\nT,111 2222 3333,04/01/2026 10:00:00 AM,1\n"
    "Question Details,\n"
    "#,Question,Asker Name,Asker Email,Answer(s)\n1,Why?,A,a@example.com,live answered\n"
)


@pytest.mark.parametrize(
    ("data", "looks_like"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\xef\xbb\xbf \r\n", "empty", id="a BOM and blanks"),
        pytest.param(archive("report.csv"), "ZIP", id="ZIP"),
        pytest.param(archive("[Content_Types].xml", "xl/workbook.xml"), "XLSX", id="XLSX"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 50, "XLS", id="XLS"),
        pytest.param(b"%PDF-1.7\n", "PDF", id="PDF"),
        pytest.param(b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "web page", id="HTML"),
        pytest.param(bytes(range(1, 32)) * 40, "binary", id="binary"),
        pytest.param(MEETING.encode(), "meeting's participants", id="meeting participants"),
        pytest.param(MEETING_2024.encode(), "meeting's participants", id="meeting participants of 2024"),
        pytest.param(b"Name (Original Name),User Email,Total Duration (Minutes)\nA,a@e.in,3\n", "meeting", id="2020"),
        pytest.param(POLL.encode(), "poll", id="poll"),
        pytest.param(QUESTIONS.encode(), "Q&A", id="Q&A"),
        pytest.param(b"10:00:01 From A to Everyone:\n\tHello\n", "chat", id="chat, absolute times"),
        pytest.param(b"00:12:33\tA:\tHello\n", "chat", id="chat, relative times"),
        pytest.param(b"_id,status,netAmount\n1,paid,100\n", "table of something else", id="some other CSV"),
        pytest.param(b"Dear all,\nhere is the report.\nBye\n", "plain text", id="plain text"),
        pytest.param(b" \t\r\n  \n", "empty: only white space", id="white space"),
        pytest.param("\n \n".encode("utf-16"), "empty", id="white space in UTF-16"),
        pytest.param(b"\x00" * 5000, "empty", id="zeros"),
        pytest.param(archive("[Content_Types].xml", "word/document.xml"), "Word", id="DOCX"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(200), "picture", id="PNG"),
        pytest.param(b"\xff\xd8\xff\xe0" + bytes(200), "picture", id="JPEG"),
        pytest.param(b"GIF89a" + bytes(200), "picture", id="GIF"),
        pytest.param(b"\x00\x00\x00\x20ftypmp42" + bytes(200), "recording", id="MP4"),
        pytest.param(b"WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nA: Hello\n", "transcript", id="transcript"),
        pytest.param(b'{"participants": []}', "JSON", id="JSON"),
        pytest.param(b"<!-- a --><!-- b -->\n<html>", "web page", id="HTML behind comments"),
        pytest.param(b"Performance Report,\nTopic,Webinar ID\nT,111 2222 3333\n", "performance", id="performance"),
        pytest.param(b"Survey Report,\nTopic,Webinar ID\nT,111 2222 3333\n", "survey", id="survey"),
        pytest.param(
            b"Attendee Report,\nTopic,Webinar ID,Actual Start Time\nT,111 2222 3333,04/01/2026 10:00:00 AM\n",
            "head of a Zoom report",
            id="the head of a report only",
        ),
    ],
)
def test_a_wrong_file_is_refused_for_what_it_looks_like(data: bytes, looks_like: str) -> None:
    with pytest.raises(NotAZoomReport, match=looks_like) as refused:
        read_export(data, file_id="f1", zone="Asia/Kolkata")
    assert any(word in refused.value.fix for word in ("Reports > Webinar", "unpack"))
    assert not refused.value.transient


def test_a_question_about_polls_does_not_make_a_report_a_poll() -> None:
    text = (
        "Registration Report,\nTopic,Webinar ID,Scheduled Time\nPoll Report,111 2222 3333,04/01/2026 10:00:00 AM\n"
        "Attendee Details,\n"
        "Email,Registration Time,Answer(s)\na@example.com,,\n"
    )
    assert read_export(text.encode(), file_id="f1", zone="Asia/Kolkata").facts["topic"] == "Poll Report"
