"""The forms of a saved chat, and reading its lines: who wrote when to whom what. Twelve forms have been seen (V1 …).

Pure: text in, messages and lines without a header out. Here: how a line is laid out. Not here: words (`chat_words`),
tables of a spreadsheet (`chat_tables`), and what a stamp means (a clock or a recording: `marts/engagement/clock`).
"""

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from funnel_etl.parts.marketing.zoom.reader.chat_words import (
    EVERYONE,
    EVERYONE_WORDS,
    FROM,
    HOSTS_WORDS,
    PRIVATE,
    TO,
    Addressed,
    addressed,
)

DECIDING = 5
"""So many headers at the beginning decide which form a file has."""
_LOOKED_AT = 400
"""Lines among which a first header must stand."""
LONGEST_LINE, LONGEST_HEAD = 12_000, 500
"""Characters of a line that are looked at: a message is shorter; and of what may be two names."""
_DATE = r"(?:(?P<date>\d{4}-\d{2}-\d{2})[ \t]+)?"
_TIME = r"(?P<time>\d{1,2}:\d{2}:\d{2})(?:[ ]?(?P<half>[AaPp][Mm]))?"
_FROM = f"(?:{'|'.join(FROM)})"
_KNOWN = "|".join(re.escape(word) for word in (*EVERYONE_WORDS, *HOSTS_WORDS))
_TO = re.compile(rf"[ \t]+(?:{'|'.join(TO)})[ \t]+", re.IGNORECASE)
_WIDE_TO = re.compile(rf"[ \t]{{2,}}(?:{'|'.join(TO)})[ \t]{{2,}}", re.IGNORECASE)
"""`From  NAME  to  WHO`: blanks that no name has make of the word a sign of the form."""


_MARKS = re.compile("^[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_BLANK = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
"""Blanks that are no blank to a pattern: macOS writes one before AM and PM."""


@dataclass(frozen=True)
class Form:
    """How a header stands in a line. `is_block`: its text follows on lines of its own, each with a tab before it.

    `names_hold_to`: an unmarked ` to ` belongs to the name; `stamp`: the line with the time, where that is one of its
    own before the header.
    """

    name: str
    header: re.Pattern[str]
    is_block: bool = False
    names_hold_to: bool = False
    stamp: re.Pattern[str] | None = None


def _form(name: str, header: str, *, is_block: bool = False, names_hold_to: bool = False) -> Form:
    return Form(name, re.compile(header, re.IGNORECASE), is_block, names_hold_to)


_SPACED = rf"{_DATE}{_TIME}[ \t]+{_FROM}[ \t]+(?P<head>\S.*?)[ \t]:(?:[ \t](?P<text>.*))?"
FORMS = (
    _form("V1", _SPACED),
    _form("V2", _SPACED, names_hold_to=True),
    _form("V3", rf"{_DATE}{_TIME}[ \t]+{_FROM}[ \t]+(?P<head>\S.*\S|\S):[ \t]*", is_block=True),
    _form("V12", rf"{_DATE}{_TIME}[ \t]+{_FROM}[ \t]+(?P<head>\S[^\t]*):\t(?P<text>.*)"),
    _form(
        "V12",
        rf"{_DATE}{_TIME}[ \t]+{_FROM}[ \t]+(?P<head>\S.*?[ \t](?:{'|'.join(TO)})[ \t]+(?:{_KNOWN})):[ ]+"
        r"(?P<text>\S.*)",
    ),
    _form("V6", rf"{_DATE}{_TIME}\t(?P<head>[^\t\n]*\S):\t(?P<text>.*)", names_hold_to=True),
    _form(
        "V8",
        rf"{_FROM}[ \t]+(?P<head>\S.*?):[ \t]*\(?(?P<time>\d{{1,2}}:\d{{2}}(?::\d{{2}})?)[ ]?(?P<half>[AP]M)?\)?"
        r"(?:[ \t]+(?P<text>.*)|$)",
    ),
    Form(
        "V7",
        re.compile(rf"[ \t]*{_FROM}[ \t]+(?P<head>\S.*?)[ \t]:(?:[ \t](?P<text>.*))?", re.IGNORECASE),
        names_hold_to=True,
        stamp=re.compile(rf"{_DATE}{_TIME}[ \t]*", re.IGNORECASE),
    ),
)
"""The forms that are lines of text. V3 is V4 and V5, too (one blank or two, with or without a day), V8 the second of
V9, whose first one is V5."""


@dataclass
class Message:
    """One message as it stands in the file. `line`: of its header, from 1; `lines`: how many it takes.

    `day`: the day of its stamp, where one is given; `seconds`: of the day, or since the recording began.
    """

    line: int
    sender: str
    to: Addressed
    day: date | None
    seconds: int | None
    body: str = ""
    lines: int = 1
    email: str | None = None
    is_marked_question: bool | None = None


@dataclass
class ChatLines:
    """What was read of a chat: its form, its messages in file order, and the lines before the first header."""

    form: str
    messages: list[Message]
    headless: list[tuple[int, str]] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, without their ends; only CR, LF and both end one."""
    return [line.rstrip("\n") for line in io.StringIO(text, newline=None)]


def form_of(lines: list[str]) -> Form | None:
    """Return the form of a chat by its first five headers; None: there is none among the first lines.

    V1 and V2 differ in what an unmarked ` to ` is: where each header names an audience it is V1.
    """
    found: Counter[str] = Counter()
    heads: list[str] = []
    first = [line for line in lines[:_LOOKED_AT] if line.strip()]
    for number, line in enumerate(first):
        if (matching := _matching(line[:LONGEST_LINE], first[number - 1] if number else "")) is not None:
            found[matching[0].header.pattern] += 1
            heads.append(matching[1]["head"])
        if found.total() == DECIDING:
            break
    if not found:
        return None
    most = max(found.values())
    form = next(each for each in FORMS if found.get(each.header.pattern) == most)
    if form.name == "V1" and not all(map(_names_an_audience, heads)):
        return FORMS[1]
    return form


def read_lines(text: str) -> ChatLines | None:
    """Read a chat that is lines of text; None: it is none. Every line is a message's, blank, or without a header."""
    lines = lines_of(text)
    form = form_of(lines)
    return None if form is None else _read(lines, form)


def _read(lines: list[str], form: Form) -> ChatLines:
    found = ChatLines(form.name, [])
    bodies: list[list[str]] = []
    stamp: re.Match[str] | None = None
    for number, whole in enumerate(lines, start=1):
        line = whole[:LONGEST_LINE]
        if form.stamp is not None and (alone := form.stamp.fullmatch(_plain(line))) is not None:
            follows = lines[number] if number < len(lines) else ""
            if _header(form, follows[:LONGEST_LINE]) is not None:
                stamp = alone
                continue
        header = _header(form, line) if form.stamp is None or stamp is not None else None
        if header is not None:
            message = _message(header, stamp or header, number - (stamp is not None), form)
            message.lines += stamp is not None
            found.messages.append(message)
            bodies.append([text] if (text := header.groupdict().get("text") or "").strip() else [])
        elif not bodies:
            (found.headless.append((number, line)) if line.strip() else found.blank.append(number))
        else:
            bodies[-1].append(line.removeprefix("\t"))
            found.messages[-1].lines += 1
        stamp = None
    for message, body in zip(found.messages, bodies, strict=True):
        message.body = "\n".join(body).strip("\r\n \t")
    return found


def _matching(line: str, before: str) -> tuple[Form, re.Match[str]] | None:
    for form in FORMS:
        if form.stamp is not None and form.stamp.fullmatch(_plain(before)) is None:
            continue
        if (found := _header(form, line)) is not None:
            return form, found
    return None


def _header(form: Form, line: str) -> re.Match[str] | None:
    found = form.header.fullmatch(_plain(line))
    return found if found is not None and len(found["head"]) <= LONGEST_HEAD else None


def _plain(line: str) -> str:
    """Return a line with plain blanks, and without the marks of direction that some programs put before it."""
    return line if line.isascii() else _BLANK.sub(" ", _MARKS.sub("", line))


def _message(header: re.Match[str], stamp: re.Match[str], line: int, form: Form) -> Message:
    name, to = cut_head(header["head"], names_hold_to=form.names_hold_to)
    given = stamp.groupdict()
    return Message(line, name, to, day_of(given.get("date")), seconds_of(given["time"], given.get("half")))


def cut_head(head: str, *, names_hold_to: bool = False) -> tuple[str, Addressed]:
    """Cut `NAME to WHO` at the last ` to ` whose right side is an audience or is marked; else at the first: private.

    `names_hold_to`: else nowhere, it is a name that everyone is spoken to by; but for one with two blanks around it.
    """
    places = list(_cuts(head, _TO))
    for place in reversed(places):
        if (to := addressed(head[place.end() :].strip())) is not None:
            return " ".join(head[: place.start()].split()), to
    places = list(_cuts(head, _WIDE_TO)) if names_hold_to else places
    if not places:
        return _named_alone(head)
    first = places[0]
    return " ".join(head[: first.start()].split()), Addressed(PRIVATE, " ".join(head[first.end() :].split()))


def _named_alone(head: str) -> tuple[str, Addressed]:
    """Return a head without an addressee: everyone's, unless it is marked private itself."""
    to = addressed(head)
    is_private = to is not None and to.audience == PRIVATE
    return " ".join(head.split()), Addressed(PRIVATE if is_private else EVERYONE)


def _cuts(head: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Yield every place of a ` to `, those that share a blank too."""
    at = 0
    while (found := pattern.search(head, at)) is not None:
        yield found
        at = max(found.end() - 1, at + 1)


def _names_an_audience(head: str) -> bool:
    _, to = cut_head(head, names_hold_to=True)
    return to.audience != EVERYONE or any(addressed(head[p.end() :].strip()) for p in _cuts(head, _TO))


def day_of(text: str | None) -> date | None:
    """Return a day written YYYY-MM-DD; None for none, or for one that is no day."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def seconds_of(text: str, half: str | None = None) -> int | None:
    """Return the seconds of `HH:MM` or `HH:MM:SS`, with AM or PM; None where that is no time."""
    parts = [int(part) for part in text.split(":")]
    hours, minutes, seconds = (*parts, 0)[:3]
    if minutes > 59 or seconds > 59 or (half and not 1 <= hours <= 12):
        return None
    if half:
        hours = hours % 12 + (12 if half.upper() == "PM" else 0)
    return hours * 3600 + minutes * 60 + seconds
