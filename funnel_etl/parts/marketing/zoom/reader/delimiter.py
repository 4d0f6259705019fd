"""The records of a CSV text with their lines, in bounded memory, whatever the quotation marks in it do.

Here: delimiter, lines, quotation marks that are never closed, and texts that are no CSV at all. Not here: what a
record is (`layout`).
"""

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Callable, Container, Generator, Iterator
from itertools import chain, islice

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.parts.marketing.zoom.reader.classify import DOWNLOAD
from funnel_etl.parts.marketing.zoom.reader.vocabulary import key

DELIMITERS = ",;\t"
HEAD_LINES, HEAD_LENGTH = 30, 50_000
"""How much tells the delimiter: more than the head of a report and its first header take."""
PIECE = 1 << 18
"""Characters that are split into lines at a time."""
MOST_LINES = 1_000
"""A record of more lines, where a piece of text ends, is one whose quotation mark is never closed."""
MOST_UNCLOSED = 100
MOST_FIELDS = 16_384
"""Columns of a spreadsheet: a record of more fields is no row of any report."""

_LINE_END = re.compile(r"\r\n?|\n")


class _NeverClosedError(Exception):
    """A quotation mark swallows the lines after it."""


class Records:
    """Iterate over the records of a text. `line` and `end`: first and last line of the record given last.

    `between` is called between two pieces of the text, before the next one is read. `unclosed`: lines with a
    quotation mark that is never closed: such a line is a record of its own, and so are those after it.
    """

    def __init__(self, text: str, delimiter: str, between: Callable[[], None]) -> None:
        self.line = self.end = 0
        self.unclosed: list[int] = []
        self._text = text
        self._delimiter = delimiter
        self._between = between
        self._starts, self._first_lines = [0], [1]
        self._stop = 0
        self._looked_up: tuple[int, list[str]] = (-1, [])

    def __iter__(self) -> Iterator[list[str]]:
        """Return the records. Raises `NotAZoomReport` for a text whose quotation marks or fields make no sense."""
        start: int | None = 0
        while start is not None:
            start = yield from self._until_never_closed(start)

    def _until_never_closed(self, start: int) -> Generator[list[str], None, int | None]:
        lines_before = self.end
        pieces = self._pieces(start, lambda: lines_before + reader.line_num)
        reader = csv.reader(chain.from_iterable(pieces), delimiter=self._delimiter)
        try:
            for record in reader:
                self.line = self.end + 1
                self.end = lines_before + reader.line_num
                if len(record) > MOST_FIELDS:
                    raise NotAZoomReport(f"line {self.line} has over {MOST_FIELDS} fields", fix=DOWNLOAD)
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
            raise NotAZoomReport("its quotation marks are never closed: it is not CSV, or was damaged", fix=DOWNLOAD)
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


def find_delimiter(text: str, known: Container[str]) -> str:
    """Take the delimiter under which the first lines hold the most `known` headers and labels."""
    head = list(islice(io.StringIO(text[:HEAD_LENGTH].lstrip("\r\n "), newline=""), HEAD_LINES))

    def points(delimiter: str) -> int:
        return sum(key(cell) in known for record in csv.reader(head, delimiter=delimiter) for cell in record)

    return max(DELIMITERS, key=points)
