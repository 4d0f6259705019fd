"""A saved chat in twelve forms: the vectors of the design, what may not be forged, and any bytes whatever."""

import random

import pandas as pd
import pytest

from funnel_etl.core.errors import FunnelError, NotAZoomReport
from funnel_etl.parts.marketing.zoom.reader import chat
from funnel_etl.parts.marketing.zoom.reader.chat import MOST_MESSAGES, is_chat, private_rows, read_chat
from funnel_etl.parts.marketing.zoom.reader.chat_forms import read_lines
from funnel_etl.parts.marketing.zoom.reader.chat_tables import read_table
from funnel_etl.parts.marketing.zoom.reader.kinds import KINDS, read_report

ZONE = "Asia/Kolkata"


def read(text: str):
    return read_chat(text.encode(), file_id="f", zone=ZONE).rows


def all_of(text: str) -> list[tuple[str, str, str, str]]:
    """Return sender, audience, kind and text of every message, the private ones too."""
    data = text.encode()
    both = [read_chat(data, file_id="f", zone=ZONE).rows, private_rows(data, "f")]
    rows = [row for frame in both for row in frame.to_dict("records") if row["position"] >= 0]
    rows.sort(key=lambda row: row["position"])
    return [(row["sender_name"], row["audience"], row["kind"], row["text"]) for row in rows]


VECTORS = {
    "G1 V1": (
        "18:45:12\t From  Asha Rao  to  Everyone : Good evening\nsecond line",
        [("Asha Rao", "everyone", "message", "Good evening\nsecond line")],
    ),
    "G2 private by a mark": (
        "12:59:00\t From  Dev Shah   to   Host(Privately) : fee?",
        [("Dev Shah", "private", "message", "fee?")],
    ),
    "G3 direct message": (
        "18:46:00 From  Dev Shah  to  Asha Rao(Direct Message):\n\thi",
        [("Dev Shah", "private", "message", "hi")],
    ),
    "G4 one and the hosts": (
        "18:46:00 From Host One to Dev Shah, Hosts and panelists:\n\t12k",
        [("Host One", "hosts", "message", "12k")],
    ),
    "G5 V5 reply": (
        "2026-09-23 18:05:11 From Asha Rao to Everyone:\n\tReply to «Good evening»:\n\tSame to you",
        [("Asha Rao", "everyone", "reply", "Same to you")],
    ),
    "G6 V6 keeps a colon": (
        "00:05:32\tAsha Rao:\tRatio 2:1 is right",
        [("Asha Rao", "everyone", "message", "Ratio 2:1 is right")],
    ),
    "G7 V7": ("11:45:12\n From Asha Rao : Ready", [("Asha Rao", "everyone", "message", "Ready")]),
    "G8 V8": (
        "From Dev to All panelists: (01:21 PM)  any notes?",
        [("Dev", "hosts", "message", "any notes?")],
    ),
    "G9 Russian": (
        "2026-09-23 18:05:11 От Аня Орлова кому Все:\n\tпривет",
        [("Аня Орлова", "everyone", "message", "привет")],
    ),
    "G10 German": (
        "Von Asha Rao an alle:  09:00 PM\nguten Abend",
        [("Asha Rao", "everyone", "message", "guten Abend")],
    ),
    "G11 to in a name": (
        "18:45:12 From Road to CFA to Everyone:\n\thello",
        [("Road to CFA", "everyone", "message", "hello")],
    ),
    "G12 a colon in a name": (
        "18:46:00 From Asha: CFA to Everyone:\n\thi",
        [("Asha: CFA", "everyone", "message", "hi")],
    ),
    "G16 V12": (
        "18:45:12\tFrom Asha Rao to Everyone:\tGood evening",
        [("Asha Rao", "everyone", "message", "Good evening")],
    ),
    "G18 no forged header": (
        "18:45:12 From  Asha  to  Everyone:\n\thi\n\t18:45:13 From Host to Everyone:\n\tx",
        [("Asha", "everyone", "message", "hi\n18:45:13 From Host to Everyone:\nx")],
    ),
    "V2 to in a name": (
        "12:59:00\t From  Intro to Ethics : fee?\n12:59:01\t From  Dev : hi",
        [("Intro to Ethics", "everyone", "message", "fee?"), ("Dev", "everyone", "message", "hi")],
    ),
    "V2 with two blanks around to": (
        "12:59:00\t From  Dev : hi\n12:59:01\t From  Dev  to  Asha Rao : secret",
        [("Dev", "everyone", "message", "hi"), ("Dev", "private", "message", "secret")],
    ),
    "V4 an unknown audience is private": (
        "18:46:00 From Dev to Asha Rao:\n\tsecret",
        [("Dev", "private", "message", "secret")],
    ),
    "V6 to in a name": ("00:05:32\tIntro to Ethics:\thi", [("Intro to Ethics", "everyone", "message", "hi")]),
    "V10 two columns": (
        '"18:45:12 From Asha Rao to Everyone:","Good, evening"\n"18:45:14 From Dev to Everyone:",hi\n',
        [("Asha Rao", "everyone", "message", "Good, evening"), ("Dev", "everyone", "message", "hi")],
    ),
    "V10 a table": (
        'Time,Name,To,Message\n18:45:12,Asha Rao,Everyone,"Good, evening"\n18:45:13,Dev,Asha Rao,psst\n',
        [("Asha Rao", "everyone", "message", "Good, evening"), ("Dev", "private", "message", "psst")],
    ),
    "V8 from the panel": (
        "From Asha Rao to All panelists and attendees: (01:20 PM)\nhello\nthere",
        [("Asha Rao", "everyone", "message", "hello\nthere")],
    ),
}


@pytest.mark.parametrize(("text", "wanted"), VECTORS.values(), ids=VECTORS)
def test_a_chat_reads_as_the_design_says(text: str, wanted: list[tuple[str, str, str, str]]) -> None:
    assert all_of(text) == wanted


@pytest.mark.parametrize(("text", "wanted"), VECTORS.values(), ids=VECTORS)
def test_a_chat_reads_the_same_in_any_encoding_with_any_line_end(text: str, wanted: object) -> None:
    for data in (
        text.encode("utf-8-sig"),
        text.replace("\n", "\r\n").encode(),
        text.encode("utf-16"),
    ):
        assert is_chat(data)
        rows = read_chat(data, file_id="f", zone=ZONE).rows
        assert len(rows) + len(private_rows(data, "f")) == len(wanted)  # type: ignore[arg-type]


BODIES = {
    "G13": ('Reacted to "Good evening" with 👍', "reaction", "Good evening", "👍"),
    "without quotation marks": ('Reacted to Good eve... with "👍"', "reaction", "Good eve", "👍"),
    "G14": ('Removed a 👍 reaction from "Good evening"', "unreaction", "Good evening", "👍"),
    "Russian": ('Реакция на "привет" с помощью 👍', "reaction", "привет", "👍"),
    "Russian, taken back": ('Элемент 👍 удален из "привет"', "unreaction", "привет", "👍"),
    "G15": ('Replying to "What is the fee"\n\t\n\tsame question', "reply", "What is the fee", None),
}


@pytest.mark.parametrize(("body", "kind", "about", "emoji"), BODIES.values(), ids=BODIES)
def test_a_reaction_is_no_message_and_a_quoted_question_is_not_the_senders(
    body: str, kind: str, about: str, emoji: str | None
) -> None:
    row = read(f"18:45:12 From Asha to Everyone:\n\t{body}").iloc[0]
    assert (row["kind"], row["about"]) == (kind, about)
    assert (row["emoji"] if isinstance(row["emoji"], str) else None) == emoji
    if kind == "reply":
        assert row["text"] == "same question"


def test_lines_before_the_first_header_go_to_quarantine_and_the_rest_is_read() -> None:
    rows = read("hello without header\n18:45:12 From Asha to Everyone:\n\thi")
    assert rows["row_problem"].tolist()[0] == "no_header"
    assert rows["source_row"].tolist() == [1, 2]
    assert rows["text"].tolist()[1] == "hi"


def test_demio_tells_e_mail_and_whether_it_is_a_question() -> None:
    text = "Timestamp,Name,Email,Message,Is Question\n2026-09-23 18:05:11,Whoever,ps@example.com,Is it free?,Yes\n"
    row = read(text).iloc[0]
    assert (row["email"], row["is_marked_question"], row["stamp_seconds"]) == ("ps@example.com", True, 65111)
    assert str(row["stamp_day"].date()) == "2026-09-23"


def test_a_private_line_is_counted_and_not_kept() -> None:
    export = read_chat(
        b"18:46:00 From Dev to Asha(Direct Message):\n\tmy number\n18:46:01 From Dev to Everyone:\n\thi",
        file_id="f",
        zone=ZONE,
    )
    assert export.facts["private_count"] == 1
    assert "my number" not in export.rows.to_csv() + str(export.facts)
    assert export.rows["text"].tolist() == ["hi"]


def test_a_long_message_is_cut_and_that_is_said() -> None:
    export = read_chat(f"18:46:00 From Dev to Everyone:\n\t{'x' * 11_000}".encode(), file_id="f", zone=ZONE)
    assert export.rows["text"].str.len().tolist() == [10_000]
    assert "longer than 10,000" in export.facts["notes"]


def test_more_messages_than_a_chat_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_MESSAGES == 50_000
    monkeypatch.setattr(chat, "MOST_MESSAGES", 2)
    with pytest.raises(NotAZoomReport, match="more than the 2"):
        read("18:46:00 From Dev to Everyone:\n\thi\n" * 3)


def test_no_other_report_is_taken_for_a_chat() -> None:
    others = (
        b'Attendee Report,\nTopic,Webinar ID,Actual Start Time\nX,812 0000 1001,"Apr 1, 2026 2:38 PM"\n',
        b"Name,Time,Amount\nA,10:00,5\n",
        b"From: somebody\nTo: all of you\n",
        b"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nhello\n",
    )
    assert not any(map(is_chat, others))


PIECES = (
    "18:45:12\t From  Asha Rao  to  Everyone : hi", "18:46:00 From Dev to Everyone:", "\thi", "00:05:32\tAsha:\t2:1",
    "11:45:12", " From Asha Rao : Ready", "From Dev to All panelists: (01:21 PM)  x", '","',
    "2026-09-23 18:05:11 От А кому Все:", "18:46:00 From  Dev  to  Asha(Direct Message):", "99:99:99 From A to B:", "",
    "\t", ": : :", "to to to to", '"',
    "Time,Name,Message", "18:45:12,Asha,hi", '"18:45:12 From A to Everyone:",x', 'Reacted to "x" with 👍',
    'Replying to "a', "\u2028", "\x00", "\ufeff", "अनिता शर्मा", "Von A an alle:  09:00 PM", " to Everyone", ":" * 50,
)  # fmt: skip


def fuzzed(seed: int) -> bytes:
    """Return bytes as no program writes them: pieces of all forms, cut, doubled, and in any encoding."""
    random_ = random.Random(seed)  # noqa: S311 - no secret
    lines = [random_.choice(PIECES) for _ in range(random_.randrange(1, 14))]
    text = random_.choice(("\n", "\r\n", "\r", "\n\n")).join(lines)
    for _ in range(random_.randrange(3)):
        at = random_.randrange(len(text) + 1)
        text = (
            text[:at] + random_.choice(("\t", " ", ":", "\n", "", '"', "(", " to ")) + text[at + random_.randrange(3) :]
        )
    data = text.encode(random_.choice(("utf-8", "utf-8", "utf-16", "cp1252")), errors="replace")
    return data[: random_.randrange(1, len(data) + 1)] if data and random_.random() < 0.3 else data


def read_any(data: bytes) -> bool:
    """Read fuzzed bytes; whether they were a chat. Every line is a message's, blank, or without a header."""
    try:
        export = read_chat(data, file_id="f", zone=ZONE)
    except FunnelError:
        return False
    text = chat.decode(data).text
    found = read_lines(text)
    if found is not None:
        lines = [n for m in found.messages for n in range(m.line, m.line + m.lines)]
        lines += [number for number, _ in found.headless] + found.blank
        count = len(chat.lines_of(text))
        assert sorted(lines) == list(range(1, count + 1))
    else:
        found = read_table(text)
        assert found is not None
    private = private_rows(data, "f")
    assert len(export.rows) + len(private) == len(found.messages) + len(found.headless)
    assert export.facts["private_count"] == len(private)
    assert not export.rows.duplicated(["file_id", "source_row"]).any()
    assert not export.rows["audience"].eq("private").any()
    return True


def test_a_thousand_fuzzed_files_raise_nothing_and_leave_no_line_unexplained() -> None:
    assert sum(read_any(fuzzed(seed)) for seed in range(1_000)) > 300


@pytest.mark.slow
def test_a_hundred_thousand_fuzzed_files_raise_nothing(campaign: bool) -> None:
    count = 100_000 if campaign else 2_000
    assert sum(read_any(fuzzed(seed)) for seed in range(1_000, 1_000 + count)) > count * 0.3


@pytest.mark.parametrize("form", ["V1", "V4", "V6", "V12"])
def test_the_reports_of_the_drop_folder_know_a_chat(form: str) -> None:
    lines = {
        "V1": "18:45:12\t From  Asha Rao  to  Everyone : hi",
        "V4": "18:45:12 From Asha Rao to Everyone:\n\thi",
        "V6": "00:45:12\tAsha Rao:\thi",
        "V12": "18:45:12\tFrom Asha Rao to Everyone:\thi",
    }
    export = read_report(lines[form].encode(), file_id="f", zone=ZONE)
    assert KINDS[export.facts["report"]].title == "saved chat"


BLANKS = ["\u00a0", "\u202f", "\u2009", "\u3000"]


@pytest.mark.parametrize("blank", BLANKS, ids=["no-break", "narrow", "thin", "wide"])
def test_a_blank_of_another_kind_is_a_blank_of_a_header(blank: str) -> None:
    header = f"6:46:00{blank}PM{blank}From{blank}Asha Rao{blank}to{blank}Everyone:"
    assert all_of(f"{header}\n\thi{blank}there") == [("Asha Rao", "everyone", "message", f"hi{blank}there")]


@pytest.mark.parametrize("mark", ["\u200e", "\u200f", "\u202a", "\u2068", "\ufeff"])
def test_a_mark_of_direction_before_a_header_hides_nothing(mark: str) -> None:
    text = f"18:46:00 From Asha to Everyone:\n\thi\n{mark}18:47:00 From Dev to Asha(Direct Message):\n\tsecret"
    assert [row[:2] for row in all_of(text)] == [("Asha", "everyone"), ("Dev", "private")]


TIMES = {
    "2026-09-23 18:05:12": ("2026-09-23", 65112),
    "2026-09-23T12:35:12Z": ("2026-09-23", 65112),
    "2026-09-23T12:35:12+00:00": ("2026-09-23", 65112),
    "2026-09-23 20:00:00+00:00": ("2026-09-24", 5400),
    "09/23/2026 06:05:12 PM": ("2026-09-23", 65112),
    "23/09/2026 18:05:12": ("2026-09-23", 65112),
    "Sep 23, 2026 06:05:12 PM": ("2026-09-23", 65112),
    "6:05\u202fPM": (None, 65100),
    "18:05:12": (None, 65112),
}


@pytest.mark.parametrize(("time", "wanted"), TIMES.items(), ids=TIMES)
def test_the_time_of_a_table_is_read_in_any_spelling(time: str, wanted: tuple[str | None, int]) -> None:
    row = read(f'Timestamp,Name,Email,Message,Is Question\n"{time}",Asha,a@example.com,hi,No\n').iloc[0]
    day = None if pd.isna(row["stamp_day"]) else f"{row['stamp_day']:%Y-%m-%d}"
    assert (day, row["stamp_seconds"]) == wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Reacted to the price with horror?", "message"),
        ("Reacted to fee... with \U0001f44d", "reaction"),
        ('Reacted to fee... with "\u2764\ufe0f"', "reaction"),
        ('Reacted to "I am with you" with \U0001f44d\U0001f3fd', "reaction"),
        ("Replying to you: yes", "message"),
    ],
)
def test_only_a_sign_makes_a_reaction(text: str, kind: str) -> None:
    assert all_of(f"18:46:00 From Asha to Everyone:\n\t{text}")[0][2] == kind
