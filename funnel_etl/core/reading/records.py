"""Where the records of a CSV text begin and end, with their lines: the one answer for every reader, and for the eraser.

Here: lines, quotation marks, and those never closed, in bounded memory. Not here: which delimiter it is, and what a
record means (`csvfile`, `person_matcher`, the readers of Zoom reports).
"""

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator
from itertools import chain

from funnel_etl.core.errors import FunnelError, SourceRejected

PIECE = 1 << 18
"""Characters that are split into lines at a time."""
MOST_LINES = 1_000
"""A record of more lines, where a piece of text ends, is one whose quotation mark is never closed."""
MOST_UNCLOSED = 100
MOST_FIELDS = 16_384
"""Columns of a spreadsheet: a record of more fields is no row of any table."""
_PROBE = "\0"
"""A line behind the text: it is a record of its own, unless a quotation mark is still open."""

csv.field_size_limit(2**31 - 1)

_LINE_END = re.compile(r"\r\n?|\n")


def no_records(what: str) -> FunnelError:
    """Return the refusal of a text whose records make no sense."""
    return SourceRejected(what, fix="fetch or export it again, whole")


class _NeverClosedError(Exception):
    """A quotation mark swallows the lines after it."""


class Records:
    """Iterate over the records of a text. `line` and `end`: first and last line of the record given last.

    `between` is called between two pieces of the text, before the next one is read; `refuse` makes the error for a text
    whose records make no sense. `unclosed`: lines with a quotation mark that is never closed: such a line is a record
    of its own, and so are those after it. `is_open`: the quotation of the last record does not end before the text.
    """

    def __init__(
        self,
        text: str,
        delimiter: str,
        between: Callable[[], None] = lambda: None,
        refuse: Callable[[str], FunnelError] = no_records,
    ) -> None:
        self.line = self.end = 0
        self.unclosed: list[int] = []
        self.is_open = False
        self._refuse = refuse
        self._text = text
        self._delimiter = delimiter
        self._between = between
        self._starts, self._first_lines = [0], [1]
        self._stop = 0
        self._looked_up: tuple[int, list[str]] = (-1, [])

    def __iter__(self) -> Iterator[list[str]]:
        """Return the records. Raises by `refuse` for a text whose quotation marks or fields make no sense."""
        start: int | None = 0
        while start is not None:
            start = yield from self._until_never_closed(start)

    def _until_never_closed(self, start: int) -> Generator[list[str], None, int | None]:
        lines_before = self.end
        before = self.line, self.end
        pieces = self._pieces(start, lambda: lines_before + reader.line_num)
        reader = csv.reader(chain(chain.from_iterable(pieces), [_PROBE]), delimiter=self._delimiter)
        try:
            for record in reader:
                self.line = self.end + 1
                self.end = lines_before + reader.line_num
                if len(record) > MOST_FIELDS:
                    raise self._refuse(f"line {self.line} has over {MOST_FIELDS} fields")
                if record and record[-1].endswith(_PROBE):
                    if self.line == self.end:
                        self.line, self.end = before
                        return None
                    record[-1] = record[-1].removesuffix(_PROBE)
                    self.end -= 1
                    self.is_open = True
                before = self.line, self.end
                yield record
        except _NeverClosedError:
            return (yield from self._first_line_alone())
        return None

    def _pieces(self, start: int, lines_read: Callable[[], int]) -> Iterator[io.StringIO]:
        at = start
        while at < len(self._text):
            first_line = lines_read() + 1
            if at != start:
                self._between()
            if first_line - 1 - self.end > MOST_LINES:
                raise _NeverClosedError
            if self._first_lines[-1] != first_line:
                self._starts.append(at)
                self._first_lines.append(first_line)
            found = _LINE_END.search(self._text, at + PIECE)
            self._stop = found.end() if found else len(self._text)
            yield io.StringIO(self._text[at : self._stop], newline="")
            at = self._stop

    def _first_line_alone(self) -> Generator[list[str], None, int]:
        """Return the line after the last record as a record; returns where the next line starts."""
        self.line = self.end = self.end + 1
        self.unclosed.append(self.line)
        if len(self.unclosed) > MOST_UNCLOSED:
            raise self._refuse("its quotation marks are never closed: it is not CSV, or was damaged")
        piece, lines = self._piece_of(self.line)
        number = self.line - self._first_lines[piece]
        start = self._starts[piece] + sum(map(len, lines[: number + 1]))
        yield self.split(lines[number])
        del self._starts[piece + 1 :], self._first_lines[piece + 1 :]
        self._looked_up = (-1, [])
        return start

    def forget(self) -> None:
        """Let go of the text: it may be the largest thing in memory, and references to it go in circles."""
        self._text, self._looked_up = "", (-1, [])

    def split(self, line: str) -> list[str]:
        """Read one line as a record of its own."""
        return next(csv.reader([line.rstrip("\r\n")], delimiter=self._delimiter), [])

    def lines(self) -> list[str]:
        """Return the lines of the record given last."""
        found: list[str] = []
        while self.line + len(found) <= self.end:
            piece, lines = self._piece_of(self.line + len(found))
            at = self.line + len(found) - self._first_lines[piece]
            found += lines[at : at + self.end - self.line + 1 - len(found)]
        return found

    def _piece_of(self, line: int) -> tuple[int, list[str]]:
        """Find the piece that holds a line; the lines of the last one asked for are remembered."""
        piece = bisect_right(self._first_lines, line) - 1
        if self._looked_up[0] != piece:
            ends = self._starts[piece + 1] if piece + 1 < len(self._starts) else self._stop
            lines = io.StringIO(self._text[self._starts[piece] : ends], newline="").readlines()
            self._looked_up = (piece, lines)
        return self._looked_up
