"""One section of a Zoom report: a header and the rows under it, kept by column, as text.

Here: fitting records to their header, and holding many of them in little memory. Not here: which record is a header
(`layout`), and what a cell means (`cells`).
"""

import json
from array import array
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from funnel_etl.parts.marketing.zoom.reader import vocabulary

TOO_FEW, TOO_MANY, UNKNOWN_HEADER = "too_few_fields", "too_many_fields", "unknown_header"
TEXT = pa.large_string()
TIMES_IN = frozenset({"joined_at", "left_at", "minutes"})
ATTENDANCE = TIMES_IN | {"attended"}
"""Columns that only a section of people who could attend has."""


@dataclass
class Section:
    """One table of a report.

    `role`: host, panelist, attendee, other or registrant. `meanings`: known meaning → position.
    """

    role: str
    header: list[str]
    meanings: dict[str, int]
    is_known: bool = True
    """Whether the header is one of a report; where it is not, all rows have the problem `unknown_header`."""
    flat: list[str] = field(default_factory=list)
    """Cells of the rows added last, row by row, each row as wide as the header."""
    lines: Any = field(default_factory=lambda: array("q"))
    """The line on which each row starts."""
    zones: dict[str, str] = field(default_factory=dict)
    """What a header says beside the words of a time: known meaning → the text that should name a zone."""
    problems: dict[int, str] = field(default_factory=dict)
    """Problem by number of the row."""
    surplus: dict[int, str] = field(default_factory=dict)
    """Fields beyond the header as a JSON list, by number of the row."""
    surplus_length: int = 0
    found: dict[int, int] = field(default_factory=dict)
    """How many fields a row has, by number of the row, where they are too few."""
    _chunks: list[list[Any]] = field(default_factory=list)

    @property
    def is_attendance(self) -> bool:
        """Whether the header, not the title, says that people joined."""
        return not ATTENDANCE.isdisjoint(self.meanings)

    @property
    def has_times_in(self) -> bool:
        """Whether its header says when people were in, or how long: no registration report does."""
        return not TIMES_IN.isdisjoint(self.meanings)

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.lines)

    def column(self, at: int) -> Any:
        """Return the cells of one column, as an Arrow array, once the section is closed."""
        return self._chunks[0][at]

    def unnamed(self) -> list[int]:
        """Positions of columns without a known meaning: the questions of the registration form."""
        known = set(self.meanings.values())
        return [at for at in range(len(self.header)) if at not in known]

    def fit(self, record: list[str], line: int) -> None:
        """Add a record, padded or cut to the header's width, with its problem if it has one."""
        width, at = len(self.header), self.size
        if len(record) < width:
            self.problems[at], self.found[at] = TOO_FEW, len(record)
            record = record + [""] * (width - len(record))
        elif any(cell.strip() for cell in record[width:]) and not self._rejoin_country(record):
            self.problems[at], self.surplus[at] = TOO_MANY, json.dumps(record[width:], ensure_ascii=False)
            self.surplus_length += len(self.surplus[at])
        self.flat += record[:width]
        self.lines.append(line)

    def pack(self) -> None:
        """Turn the rows so far into columns, but the last: Python's texts take ten times the memory of Arrow's."""
        self._pack(len(self.flat) - len(self.header))

    def close(self) -> None:
        """Turn all rows into columns: no more come. Rows under a header that is not known have that problem."""
        self._pack(len(self.flat))
        whole = [pa.array([], type=TEXT)] * len(self.header)
        for at in range(len(self.header)):
            if self._chunks:
                parts = [chunk[at] for chunk in self._chunks]
                whole[at] = pa.concat_arrays(parts) if len(parts) > 1 else parts[0]
            for chunk in self._chunks:
                chunk[at] = None
        self._chunks = [whole]
        if not self.is_known:
            self.problems = dict.fromkeys(range(self.size), UNKNOWN_HEADER)

    def _pack(self, end: int) -> None:
        if end > 0:
            width = len(self.header)
            self._chunks.append([pa.array(self.flat[at:end:width], type=TEXT) for at in range(width)])
            del self.flat[:end]

    def take_back_title(self) -> str:
        """Remove the last row, and return its text, if that is all in its first cell; else give ""."""
        last = self.flat[-len(self.header) :]
        if not last or not last[0].strip() or any(cell.strip() for cell in last[1:]) or self.size - 1 in self.surplus:
            return ""
        del self.flat[-len(self.header) :]
        self.lines.pop()
        for remarks in (self.problems, self.surplus, self.found):
            remarks.pop(self.size, None)
        return last[0]

    def _rejoin_country(self, record: list[str]) -> bool:
        """Put "Congo" and " Democratic Republic of the" together again: Zoom writes them without quotation marks.

        Only for one surplus field of letters, with the minutes in their place; and where the country is not in the
        last column, only if a blank follows the comma.
        """
        at, width = self.meanings.get("country"), len(self.header)
        minutes = self.meanings.get("minutes")
        if at is None or minutes is None or not record[at].strip() or any(cell.strip() for cell in record[width + 1 :]):
            return False
        if at < width - 1 and not record[at + 1].startswith(" "):
            return False
        spent, more = record[minutes].strip(), record[at + 1]
        is_shifted = not (spent in vocabulary.BLANKS or spent.isdigit())
        if is_shifted or not more.strip() or any(ch.isdigit() or ch == "@" for ch in record[at] + more):
            return False
        record[at : at + 2] = [f"{record[at].strip()}, {more.strip()}"]
        return True
