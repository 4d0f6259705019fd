"""The layout of a Zoom report: its summary and its sections, each with its own header, in any order, as text.

Here: records, headers, titles, field counts, and what a cut-off file leaves behind. Not here: what a cell
means (`cells`), and what a file is when it is no report (`classify`).
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from funnel_etl.core.csvfile import unique_names
from funnel_etl.marketing.zoom import vocabulary
from funnel_etl.marketing.zoom.vocabulary import key

DELIMITERS = ",;\t"
HEAD_LINES = 60
"""How many lines may tell the delimiter: more than the head of a report and its first header take."""

TIMES = frozenset({"joined_at", "left_at", "registered_at"})
TOO_FEW, TOO_MANY, UNKNOWN_HEADER = "too_few_fields", "too_many_fields", "unknown_header"

_COLUMNS = vocabulary.by_key(vocabulary.COLUMNS)
_PRIORITY = {key(spelling): rank for rank, (_, _, spelling) in enumerate(vocabulary.entries(vocabulary.COLUMNS))}
_SECTIONS = vocabulary.by_key(vocabulary.SECTIONS)
_SUMMARY = vocabulary.by_key(vocabulary.SUMMARY)
_GENERATED = vocabulary.by_key(vocabulary.GENERATED)
_LANGUAGES = vocabulary.languages_by_key(
    vocabulary.COLUMNS, vocabulary.SECTIONS, vocabulary.SUMMARY, vocabulary.GENERATED
)
_TIME_WORDS = frozenset(
    spelling for meaning, _, spelling in vocabulary.entries(vocabulary.COLUMNS) if meaning in TIMES
)  # fmt: skip


@dataclass
class Section:
    """One table of a report. `flat` holds its cells, row by row, each row as wide as the header.

    `role`: host, panelist, attendee, other or registrant. `meanings`: known meaning → position.
    """

    role: str
    header: list[str]
    meanings: dict[str, int]
    flat: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """The line on which each row starts."""
    problems: dict[int, str] = field(default_factory=dict)
    """Problem by number of the row."""
    surplus: dict[int, list[str]] = field(default_factory=dict)
    """Fields beyond the header, by number of the row."""
    found: dict[int, int] = field(default_factory=dict)
    """How many fields a row has, by number of the row, where they are too few."""
    is_known: bool = True
    """Whether the header is one of a report; where it is not, all rows have the problem `unknown_header`."""

    @property
    def is_attendance(self) -> bool:
        """Whether the header, not the title, says that people joined."""
        return "joined_at" in self.meanings or "left_at" in self.meanings

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.lines)

    def column(self, at: int) -> list[str]:
        """Give the cells of one column."""
        return self.flat[at :: len(self.header)]

    def row(self, number: int) -> list[str]:
        """Give the cells of one row."""
        width = len(self.header)
        return self.flat[number * width : (number + 1) * width]

    def unnamed(self) -> list[int]:
        """Positions of columns without a known meaning: the questions of the registration form."""
        known = set(self.meanings.values())
        return [at for at in range(len(self.header)) if at not in known]


@dataclass
class Layout:
    """A report as text: summary values by meaning, sections in file order, the first records as `head`."""

    summary: dict[str, str]
    sections: list[Section]
    head: list[list[str]]
    language: str
    blank_rows: list[int]
    notes: list[str]


def read_layout(text: str) -> Layout:
    """Split a decoded file into summary and sections. A file without them gives an empty `Layout`."""
    scan = _Scan(text, _delimiter(text))
    scan.run()
    summary, language = _summary(scan.loose), _language(scan.words)
    return Layout(summary, scan.sections, scan.loose[:20], language, scan.blank_rows, scan.notes)


def understand(cells: list[str]) -> dict[str, int]:
    """Map each meaning found in a header to its position; of two columns the surer spelling has it."""
    found: dict[str, tuple[int, int]] = {}
    for at, cell in enumerate(cells):
        spelled = key(cell)
        if spelled in _COLUMNS:
            rank = _PRIORITY[spelled]
            meaning = _COLUMNS[spelled]
            if meaning not in found or rank < found[meaning][0]:
                found[meaning] = (rank, at)
    return {meaning: at for meaning, (_rank, at) in found.items()}


class _Scan:
    """One pass over the records: rows go to the section whose header came last, else they are `loose`."""

    def __init__(self, text: str, delimiter: str) -> None:
        self.text = text
        self.delimiter = delimiter
        self.has_stray_quote = text.count('"') % 2 == 1
        self.sections: list[Section] = []
        self.section: Section | None = None
        self.title = ""
        self.loose: list[list[str]] = []
        self.words: list[str] = []
        self.blank_rows: list[int] = []
        self.notes: list[str] = []

    def run(self) -> None:
        """Read all records. This loop runs once per row of every file: the usual row takes the short way."""
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter)
        swallows = self.has_stray_quote
        end = 0
        for record in reader:
            line, end = end + 1, reader.line_num
            section = self.section
            if section is not None:
                width = len(section.header)
                if len(record) == width + 1 and not record[width]:
                    record.pop()
                usual = len(record) == width and record[0].strip() and record[1]
                if usual and _TIME_WORDS.isdisjoint(record) and not (swallows and end > line):
                    section.flat += record
                    section.lines.append(line)
                    continue
            self._take(record, line, end)
        self._finish()

    def _take(self, record: list[str], line: int, end: int) -> None:
        filled = [cell for cell in record if cell.strip()]
        if not filled:
            if self.sections:
                self.blank_rows.append(line)
        elif self._is_header(record):
            self._open(record, line)
        elif len(filled) == 1 and record[0] == filled[0] and key(filled[0]) in _SECTIONS:
            self.section, self.title = None, filled[0]
            self.loose.append(filled)
        elif self.section is None and self.title and len(filled) > 1:
            self._open(record, line, is_known=False)
        elif self.section is None:
            self.loose.append(record)
        elif end > line and self._swallowed(record) and self._reread(line, end):
            self.notes.append(
                f"a quotation mark on line {line} is never closed: the lines after it were read on their own"
            )
        else:
            fit(self.section, record, line)

    def _is_header(self, record: list[str]) -> bool:
        if self.section is not None and self.section.size and _TIME_WORDS.isdisjoint(record):
            return False
        meanings = understand(record)
        return len(meanings) >= (2 if self.title else 3) and not TIMES.isdisjoint(meanings)

    def _open(self, record: list[str], line: int, *, is_known: bool = True) -> None:
        title = self.title or self._unknown_title()
        header = unique_names([*record])
        meanings = understand(header)
        self.words += [title, *header]
        role = _role(title, meanings) if is_known else _SECTIONS[key(title)]
        if not is_known:
            self.notes.append(f"the header on line {line} is not known: the rows under it cannot be used")
        elif title and key(title) not in _SECTIONS:
            self.notes.append(f"the title above line {line} is not known: by the header the section is {role!r}")
        self.section = Section(role, header, meanings, is_known=is_known)
        self.sections.append(self.section)
        self.title = ""

    def _unknown_title(self) -> str:
        """Take back a lone cell right above the header: it was read as the last row of the section before."""
        section = self.section
        last = [cell for cell in section.row(section.size - 1) if cell.strip()] if section and section.size else []
        if section is None or len(last) != 1:
            return ""
        del section.flat[-len(section.header) :]
        section.lines.pop()
        for remarks in (section.problems, section.surplus, section.found):
            remarks.pop(section.size, None)
        return last[0]

    def _swallowed(self, record: list[str]) -> bool:
        """Suspect a record of several lines: a quotation mark never closed swallows the lines after it."""
        return self.has_stray_quote or (self.section is not None and len(record) < len(self.section.header))

    def _reread(self, line: int, end: int) -> bool:
        """Read the lines of a record one by one, if that gives whole rows; else leave it, and say False."""
        width = len(self.section.header) if self.section is not None else 0
        physical = io.StringIO(self.text, newline="").readlines()[line - 1 : end]
        pieces = [next(csv.reader([text.rstrip("\r\n")], delimiter=self.delimiter), []) for text in physical]
        if not any(len(piece) >= width for piece in pieces[1:]):
            return False
        for at, piece in enumerate(pieces, start=line):
            self._take(piece, at, at)
        return True

    def _finish(self) -> None:
        for unknown in (section for section in self.sections if not section.is_known):
            unknown.problems = dict.fromkeys(range(unknown.size), UNKNOWN_HEADER)
        section = self.section
        is_last_row_short = section is not None and section.size - 1 in section.found
        if section is not None and is_last_row_short and not self.text.endswith(("\n", "\r")):
            self.notes.append(f"the file ends within the row on line {section.lines[-1]}: download it again")


def fit(section: Section, record: list[str], line: int) -> None:
    """Add a record to its section, padded or cut to the header's width, with its problem if it has one."""
    width, at = len(section.header), section.size
    if len(record) < width:
        section.problems[at], section.found[at] = TOO_FEW, len(record)
        record = record + [""] * (width - len(record))
    elif any(cell.strip() for cell in record[width:]) and not _rejoin_country(section, record):
        section.problems[at], section.surplus[at] = TOO_MANY, record[width:]
    section.flat += record[:width]
    section.lines.append(line)


def _rejoin_country(section: Section, record: list[str]) -> bool:
    """Put "Congo" and " Democratic Republic of the" together again: Zoom writes them without quotation marks.

    Only in the last column, for one surplus field of letters, and with the minutes in their place.
    """
    last = len(section.header) - 1
    surplus = [cell for cell in record[last + 1 :] if cell.strip()]
    minutes = section.meanings.get("minutes")
    shape_fits = section.meanings.get("country") == last and len(surplus) == 1 and record[last + 1] == surplus[0]
    if minutes is None or not shape_fits or not record[last].strip():
        return False
    spent = record[minutes].strip()
    is_shifted = not (spent in vocabulary.BLANKS or spent.isdigit())
    if is_shifted or any(ch.isdigit() or ch == "@" for ch in record[last] + surplus[0]):
        return False
    record[last] = f"{record[last].strip()}, {surplus[0].strip()}"
    return True


def _role(title: str, meanings: dict[str, int]) -> str:
    """Tell what the rows of a section are: by the header, and between like headers by the title."""
    if "joined_at" not in meanings and "left_at" not in meanings:
        return "registrant"
    named = _SECTIONS.get(key(title))
    if named in {"host", "panelist", "other"}:
        return named
    return "attendee" if "attended" in meanings or "email" in meanings else "other"


def _delimiter(text: str) -> str:
    """Take the delimiter under which the first lines hold the most known headers and labels."""
    known = _COLUMNS.keys() | _SUMMARY.keys()
    head = [line for line, _ in zip(io.StringIO(text, newline=""), range(HEAD_LINES), strict=False)]

    def points(delimiter: str) -> int:
        return sum(key(cell) in known for record in csv.reader(head, delimiter=delimiter) for cell in record)

    return max(DELIMITERS, key=points)


def _summary(records: list[list[str]]) -> dict[str, str]:
    """Read the time of generation and the one-row summary from the records outside the sections."""
    found: dict[str, str] = {}
    for at, record in enumerate(records):
        if key(record[0]) in _GENERATED and "generated_at" not in found:
            found["generated_at"] = ", ".join(cell.strip() for cell in record[1:] if cell.strip())
        labels = [_SUMMARY.get(key(cell), "") for cell in record]
        if "webinar_id" in labels and len(set(labels) - {""}) >= 2 and at + 1 < len(records):
            values = _with_topic_whole(labels, records[at + 1], len(record))
            found |= {label: value.strip() for label, value in zip(labels, values, strict=False) if label}
    return found


def _with_topic_whole(labels: list[str], values: list[str], width: int) -> list[str]:
    """Put a topic with unquoted commas together again: a row wider than its labels has its surplus there."""
    while len(values) > width and not values[-1].strip():
        values = values[:-1]
    surplus = len(values) - width
    if surplus <= 0 or labels[0] != "topic":
        return values
    return [",".join(values[: surplus + 1]), *values[surplus + 1 :]]


def _language(words: Iterable[str]) -> str:
    """Give the language most of the words belong to; English when none stands out."""
    votes: Counter[str] = Counter()
    for word in words:
        votes.update(_LANGUAGES.get(key(word), ()))
    return max(votes, key=lambda language: (votes[language], language == "en"), default="en")
