"""The layout of a Zoom report: its summary and its sections, each with its own header, in any order, as text.

Here: which records are headers, titles, labels and rows. Not here: how records are split (`records` of
`core/reading`) and held (`section`), what a cell means (`cells`), and what a file is when it is no report (`classify`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.core.reading.csvfile import unique_names
from funnel_etl.core.reading.records import Records
from funnel_etl.parts.marketing.zoom.reader import vocabulary, zones
from funnel_etl.parts.marketing.zoom.reader.classify import DOWNLOAD
from funnel_etl.parts.marketing.zoom.reader.delimiter import find_delimiter
from funnel_etl.parts.marketing.zoom.reader.section import ATTENDANCE, Section
from funnel_etl.parts.marketing.zoom.reader.vocabulary import key

TIMES = frozenset({"joined_at", "left_at", "registered_at"})
_OF_A_HEADER = TIMES | {"minutes"}
_OF_THE_REGISTERED = frozenset({"registered_at", "approval_status"})
MOST_LOOSE = 1_000
"""Records before the first header: after so many none will come."""
MOST_SECTIONS = 100
MOST_COLUMNS = 400
"""Of one header: twice what a registration form with all its questions has."""
ROW_BYTES, ROOM = 300, 40_000_000
"""What a row takes whatever it holds, and what all rows may take beyond eight times the file."""

_COLUMNS = vocabulary.by_key(vocabulary.COLUMNS)
_PRIORITY = {key(spelling): rank for rank, (_, _, spelling) in enumerate(vocabulary.entries(vocabulary.COLUMNS))}
_SUMMARY = vocabulary.by_key(vocabulary.SUMMARY)
_GENERATED = vocabulary.by_key(vocabulary.GENERATED)
_LANGUAGES = vocabulary.languages_by_key(
    vocabulary.COLUMNS, vocabulary.SECTIONS, vocabulary.SUMMARY, vocabulary.GENERATED
)
_STARTS = frozenset({"started_at", "scheduled_at"})
_HEADER_WORDS = frozenset(
    spelled
    for table, wanted in (
        (vocabulary.COLUMNS, {*TIMES, "user_name", "first_name", "last_name", "minutes", "approval_status"}),
        (vocabulary.SUMMARY, {*_STARTS, "topic", "webinar_id"}),
    )
    for meaning, _, spelling in vocabulary.entries(table)
    if meaning in wanted
    for spelled in (spelling, spelling.lower(), spelling.upper(), spelling.title(), spelling.capitalize())
)
"""Words that rows of persons hardly hold: with one of them a record may be a header, or the head of another report."""
_TIME_KEYS = tuple(
    key(spelling)
    for table, wanted in ((vocabulary.COLUMNS, TIMES), (vocabulary.SUMMARY, _STARTS), (vocabulary.GENERATED, None))
    for meaning, _, spelling in vocabulary.entries(table)
    if wanted is None or meaning in wanted
)


@dataclass
class Layout:
    """A report as text: summary values by meaning, sections in file order, the first records as `head`.

    `zones`: what names the zone of a time of the summary, where its label or its value does.
    """

    summary: dict[str, str]
    zones: dict[str, str]
    sections: list[Section]
    head: list[list[str]]
    language: str
    blank_rows: list[int]
    notes: list[str]


def read_layout(text: str) -> Layout:
    """Split a decoded file into summary and sections. A file without them gives an empty `Layout`.

    Raises `NotAZoomReport` for a text that has the size or the quotation marks of no report, and for two reports
    in one file.
    """
    scan = _Scan(text, find_delimiter(text, _COLUMNS.keys() | _SUMMARY.keys()))
    del text
    scan.run()
    (summary, zones), language = _summary(scan.loose), _language(scan.words)
    return Layout(summary, zones, scan.sections, scan.loose[:20], language, scan.blank_rows, scan.notes)


def understand(cells: list[str]) -> dict[str, int]:
    """Map each meaning found in a header to its position; of two columns the surer spelling has it."""
    found: dict[str, tuple[int, int]] = {}
    for at, cell in enumerate(cells):
        meaning, rank, _zone = _meaning(cell)
        if meaning and (meaning not in found or rank < found[meaning][0]):
            found[meaning] = (rank, at)
    return {meaning: at for meaning, (_rank, at) in found.items()}


def _meaning(cell: str) -> tuple[str, int, str]:
    """Return the meaning of a header ("" for none), how sure it is, and what may name a time zone in it."""
    spelled = key(cell)
    if spelled in _COLUMNS:
        return _COLUMNS[spelled], _PRIORITY[spelled], ""
    words, zone = _with_zone(cell, _COLUMNS)
    spelled = key(words)
    return _COLUMNS.get(spelled, ""), len(_PRIORITY) + _PRIORITY.get(spelled, 0), zone


def _with_zone(cell: str, known: Mapping[str, str]) -> tuple[str, str]:
    """Split a header or label of a time into words that are `known` and what is said beside them; ("", "") for none."""
    if not key(cell).startswith(_TIME_KEYS):
        return "", ""
    return next((way for way in zones.ways_to_split(cell) if key(way.words) in known), ("", ""))


def heads_summary(record: list[str]) -> bool:
    """Return whether a record is the header of the summary: the one after it tells of the webinar, not of a person."""
    return "webinar_id" in _labels(record)


class _Scan:
    """One pass over the records: rows go to the section whose header came last, else they are `loose`."""

    def __init__(self, text: str, delimiter: str) -> None:
        self.ends_in_a_row = not text.endswith(("\n", "\r"))
        self.has_stray_quote = text.count('"') % 2 == 1
        self.records = Records(text, delimiter, self._between_pieces, _no_report)
        self.room = ROOM + 8 * len(text)
        self.sections: list[Section] = []
        self.section: Section | None = None
        self.title = ""
        self.loose: list[list[str]] = []
        self.words: list[str] = []
        self.blank_rows: list[int] = []
        self.notes: list[str] = []

    def run(self) -> None:
        """Read all records. This loop runs once per row of every file: the usual row takes the short way."""
        records = self.records
        swallows = self.has_stray_quote
        for record in records:
            section = self.section
            if section is not None:
                width = len(section.header)
                if len(record) == width + 1 and not record[width]:
                    record.pop()
                usual = len(record) == width and record[0].strip() and record[1]
                if usual and _HEADER_WORDS.isdisjoint(record) and not (swallows and records.end > records.line):
                    section.flat += record
                    section.lines.append(records.line)
                    continue
            self._take(record, records.line, records.end)
            if len(self.loose) > MOST_LOOSE:
                self._refuse_loose_records()
                break
        self._finish()

    def _refuse_loose_records(self) -> None:
        if self.sections:
            raise NotAZoomReport(f"over {MOST_LOOSE} of its lines belong to no section", fix=DOWNLOAD)

    def _take(self, record: list[str], line: int, end: int) -> None:
        filled = [cell for cell in record if cell.strip()]
        if not filled:
            if self.sections:
                self.blank_rows.append(line)
        elif self._is_header(record):
            self._open(record, line)
        elif len(filled) == 1 and record[0] == filled[0] and vocabulary.section_of(filled[0]):
            self.section, self.title = None, filled[0]
            self.loose.append(filled)
        elif self.sections and not _HEADER_WORDS.isdisjoint(record) and "webinar_id" in _labels(record):
            self.section, self.title = None, ""
            self.loose.append(record)
        elif self.section is None and self.title and len(filled) > 1:
            self._open(record, line, is_known=False)
        elif self.section is None:
            self.loose.append(record)
        elif end > line and self._swallowed(record) and self._reread(line):
            self._note_unclosed(line)
        else:
            self.section.fit(record, line)

    def _is_header(self, record: list[str]) -> bool:
        if self.section is not None and self.section.size and _HEADER_WORDS.isdisjoint(record):
            return False
        meanings = understand(record)
        return len(meanings) >= (2 if self.title else 3) and not _OF_A_HEADER.isdisjoint(meanings)

    def _open(self, record: list[str], line: int, *, is_known: bool = True) -> None:
        title = self.title or (self.section.take_back_title() if self.section is not None else self._lone_cell())
        width = max(at for at, cell in enumerate(record, start=1) if cell.strip())
        if width > MOST_COLUMNS or len(self.sections) >= MOST_SECTIONS:
            raise NotAZoomReport(
                f"it has over {MOST_COLUMNS} columns or {MOST_SECTIONS} headers (line {line}): no report has",
                fix=DOWNLOAD,
            )
        header = unique_names(record[:width])
        meanings = understand(header)
        self.words += [title, *header]
        named = vocabulary.section_of(title)
        if named is None and is_known and _OF_THE_REGISTERED.isdisjoint(meanings):
            named = vocabulary.staff_in(title)
            if named is not None:
                self.notes.append(f"the title above line {line} has words that are not known: it was read as {named!r}")
        role = _role(named, meanings) if is_known or named is None else named
        if not is_known:
            self.notes.append(f"the header on line {line} is not known: the rows under it cannot be used")
        elif title and named is None:
            self.notes.append(f"the title above line {line} is not known: by the header the section is {role!r}")
        named_zones = {meaning: zone for meaning, at in meanings.items() if (zone := _meaning(header[at])[2])}
        self.section = Section(role, header, meanings, is_known=is_known, zones=named_zones)
        self.sections.append(self.section)
        self.title = ""

    def _lone_cell(self) -> str:
        """Return the record before a header where it is one cell: a title that is not known; "" for another."""
        last = self.loose[-1] if self.loose and not self.sections else []
        filled = [cell for cell in last if cell.strip()]
        return filled[0] if len(self.loose) > 1 and len(filled) == 1 else ""

    def _swallowed(self, record: list[str]) -> bool:
        """Suspect a record of several lines: a quotation mark never closed swallows the lines after it."""
        return self.has_stray_quote or (self.section is not None and len(record) < len(self.section.header))

    def _reread(self, line: int) -> bool:
        """Read the lines of a record one by one, if that gives whole rows; else leave it, and say False."""
        width = len(self.section.header) if self.section is not None else 0
        pieces = [self.records.split(text) for text in self.records.lines()]
        if not any(len(piece) >= width for piece in pieces[1:]):
            return False
        for at, piece in enumerate(pieces, start=line):
            self._take(piece, at, at)
        return True

    def _note_unclosed(self, line: int) -> None:
        self.notes.append(f"a quotation mark on line {line} is never closed: the lines after it were read on their own")

    def _between_pieces(self) -> None:
        """Keep memory bounded: rows far shorter than their header would take more than the file is worth."""
        needed = len(self.blank_rows) * 40
        for section in self.sections:
            section.pack()
            names = sum(len(name) + 6 for name in section.header)
            needed += section.size * (ROW_BYTES + names) + len(section.problems) * 500
            needed += 6 * section.surplus_length
        if needed > self.room:
            raise NotAZoomReport("it has too many rows, blank or too short to be those of a report", fix=DOWNLOAD)

    def _finish(self) -> None:
        self._between_pieces()
        for line in self.records.unclosed:
            self._note_unclosed(line)
        section = self.section
        if section is not None and section.size - 1 in section.found and self.ends_in_a_row:
            self.notes.append(f"the file ends within the row on line {section.lines[-1]}: download it again")
        self.records.forget()
        for section in self.sections:
            section.close()


def _no_report(what: str) -> NotAZoomReport:
    return NotAZoomReport(what, fix=DOWNLOAD)


def _role(named: str | None, meanings: dict[str, int]) -> str:
    """Return what the rows of a section are: by the header, and between like headers by what the title names."""
    if ATTENDANCE.isdisjoint(meanings):
        return "registrant"
    if named in {"host", "panelist", "other"}:
        return named
    return "attendee" if "attended" in meanings or "email" in meanings else "other"


def _summary(records: list[list[str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Read the time of generation and the one-row summary from the records outside the sections; and their zones."""
    found: dict[str, str] = {}
    named: dict[str, str] = {}
    occurrences: set[tuple[str, str]] = set()
    for at, record in enumerate(records):
        words, zone = _with_zone(record[0], _GENERATED)
        if key(words or record[0]) in _GENERATED and "generated_at" not in found:
            found["generated_at"] = ", ".join(cell.strip() for cell in record[1:] if cell.strip())
            named["generated_at"] = zone
        labels = _labels(record)
        if "webinar_id" in labels and len(set(labels) - {""}) >= 2 and at + 1 < len(records):
            width = max(i for i, cell in enumerate(record, start=1) if cell.strip())
            values = _with_topic_whole(labels, records[at + 1], width)
            told = {label: value.strip() for label, value in zip(labels, values, strict=False) if label}
            occurrences |= {(name, key(told[name])) for name in ("webinar_id", "started_at") if told.get(name)}
            found |= told
            named |= {label: _with_zone(cell, _SUMMARY)[1] for label, cell in zip(labels, record, strict=False)}
    if len(occurrences) > len({name for name, _ in occurrences}):
        raise NotAZoomReport(
            "it holds the reports of several webinars, one after the other",
            fix="drop every report as a file of its own, as it was downloaded",
        )
    for name in {"generated_at", *_STARTS} & found.keys():
        if not named.get(name):
            found[name], named[name] = zones.split_off(found[name])
    return found, {name: zone for name, zone in named.items() if zone}


def _labels(record: list[str]) -> list[str]:
    return [_SUMMARY.get(key(cell)) or _SUMMARY.get(key(_with_zone(cell, _SUMMARY)[0]), "") for cell in record]


def _with_topic_whole(labels: list[str], values: list[str], width: int) -> list[str]:
    """Put a topic with unquoted commas together again: a row wider than its labels has its surplus there."""
    while len(values) > width and not values[-1].strip():
        values = values[:-1]
    surplus = len(values) - width
    if surplus <= 0 or "topic" not in labels:
        return values
    at = labels.index("topic")
    return [*values[:at], ",".join(values[at : at + surplus + 1]), *values[at + surplus + 1 :]]


def _language(words: Iterable[str]) -> str:
    """Return the language most of the words belong to; English when none stands out."""
    votes: Counter[str] = Counter()
    for word in words:
        votes.update(_LANGUAGES.get(key(word), ()))
    return max(votes, key=lambda language: (votes[language], language == "en"), default="en")
