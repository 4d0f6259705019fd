"""Reading a flat CSV file (one header, one table) as text, row by row, losing nothing.

Ragged rows are kept and marked, blank rows are counted, every row knows its physical line. Which lines are no rows
(notes above the header, say) is decided in `csv_lines`. Zoom reports, which hold several tables in a file, are read in
`marketing/zoom`.
"""

import csv
import difflib
import io
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

import pandas as pd

from funnel_etl.core.errors import MissingColumn, SourceRejected
from funnel_etl.core.reading import csv_lines
from funnel_etl.core.reading.plain_csv import is_by_lines, read_plain
from funnel_etl.core.reading.records import Records
from funnel_etl.core.values.contact_mask import without_contacts
from funnel_etl.core.values.text import decode, header_key

DELIMITERS = ",;\t|"
PROBLEM, OVERFLOW = "row_problem", "row_overflow"
RESERVED = ("file_id", "source_row", PROBLEM, OVERFLOW)
"""Columns beside the source's own: why a record does not fit the header, and its fields beyond it, as JSON."""

__all__ = [
    "DELIMITERS",
    "OVERFLOW",
    "PROBLEM",
    "RESERVED",
    "CsvRecords",
    "SourceColumn",
    "carriers",
    "header_key",
    "match_columns",
    "read_csv",
    "read_header",
    "spellings",
    "unique_names",
]

_WHOLE = "fetch or export it again, whole"

_COPY = re.compile(r" \(\d+\)$|\.\d+$")
"""How a repeated name of a column ends: as `unique_names` makes it different, or as other programs do."""
_CONTACT = re.compile(r"\((?:e-mail|a number)\)")
_HEAD = 1 << 18
"""Characters of a file within which its header is."""
_MESSAGE = re.compile(
    r"\s*(?:<|(?:php )?(?:warning|notice|deprecated|fatal error|parse error|error)\b.*:)", re.IGNORECASE
)
"""How a message of the program that made the file begins."""


@dataclass(frozen=True)
class SourceColumn:
    """A documented column of a source: `name` as documented, `aliases` other spellings seen, `needed` by the assets.

    `holds_phones`: people's own; a column that no name is known of carries it too if it asks for such and holds some.
    """

    name: str
    aliases: tuple[str, ...] = ()
    needed: bool = False
    holds_phones: bool = False


@dataclass
class CsvRecords:
    """A CSV file as text.

    `rows` has one row per record that is not blank: source_row, row_problem (NaN, too_few_fields, too_many_fields),
    row_overflow and the source's columns under unique names, in file order. `blank_rows` are the lines of records
    without any text, `left_out` those of other records that are no rows, by reason (as in `csv_lines`).
    """

    rows: pd.DataFrame
    columns: list[str]
    blank_rows: list[int]
    encoding: str
    delimiter: str
    left_out: dict[str, list[int]] = field(default_factory=dict)


def read_csv(data: bytes, known: Iterable[str] = (), *, own: Collection[str] = ()) -> CsvRecords:
    """Read a flat CSV file; `known` header names help to find the delimiter, and a header below notes.

    `own`: names of ours that the file may use itself, for the caller adds nothing under them.

    Raises `SourceRejected` when there is no header, also if the first line is a row of somebody, or the file was cut
    off (in a record, or in a quotation).
    """
    known = list(known)
    decoded = decode(data)
    if not decoded.text.strip():
        raise SourceRejected("the file is empty", fix="export it again; a dump without rows still has its header")
    text, hint = csv_lines.without_hint(decoded.text)
    delimiter = _delimiter(text, known, hint)
    if not hint and (plain := _plain(text, delimiter, known, own)) is not None:
        rows, columns = plain
        return CsvRecords(rows, columns, [], decoded.encoding, delimiter)
    records, lines, open_at = _records(text, delimiter)
    header_at = csv_lines.header_place(records, lines, known)
    if header_at is None:
        raise SourceRejected("the file has no header", fix="export it again, with the column names in its first line")
    _refuse_no_header(records[header_at], known)
    _refuse_open_quote(open_at)
    _refuse_cut_row(text, records, lines, header_at)
    columns = unique_names([without_contacts(cell) for cell in records[header_at]], own)
    headers = csv_lines.repeated_headers(records, lines, header_at, known)
    no_rows = {
        csv_lines.ABOVE_HEADER: {at for at in range(header_at) if not csv_lines.is_blank(records[at])},
        csv_lines.REPEATED_HEADER: headers,
        csv_lines.ROW_COUNT: csv_lines.right_counts(records, header_at, headers, delimiter),
    }
    left_out = {reason: sorted(lines[at] for at in places) for reason, places in no_rows.items() if places}
    above = [lines[at] for at in range(1 if hint else 0, header_at) if at not in no_rows[csv_lines.ABOVE_HEADER]]
    gone = headers | no_rows[csv_lines.ROW_COUNT]
    kept = [at for at in range(header_at + 1, len(records)) if at not in gone]
    rows, blank = _table([records[at] for at in kept], [lines[at] for at in kept], columns)
    return CsvRecords(rows, columns, above + blank, decoded.encoding, delimiter, left_out)


def read_header(data: bytes, known: Iterable[str] = ()) -> list[str]:
    """Return the cells of a CSV file's header, without the numbers and addresses in them; none without any text."""
    known = list(known)
    text, hint = csv_lines.without_hint(decode(data).text)
    records, lines, _ = _records(text, _delimiter(text, known, hint)) if text.strip() else ([], [], None)
    at = csv_lines.header_place(records, lines, known)
    return [] if at is None else [without_contacts(cell) for cell in records[at]]


def unique_names(header: list[str], own: Collection[str] = ()) -> list[str]:
    """Name every column: a blank one `column_N`, a repeated one `name (2)`; trailing blank names of padded files go."""
    while header and not header[-1].strip():
        header = header[:-1]
    names: list[str] = []
    for position, cell in enumerate(header, start=1):
        base = " ".join(cell.split()) or f"column_{position}"
        name, copy = base, 1
        while name in names or (name in RESERVED and name not in own):
            copy += 1
            name = f"{base} ({copy})"
        names.append(name)
    return names


def spellings(documented: Iterable[SourceColumn], aliases: Mapping[str, str]) -> list[str]:
    """Return every header name by which a documented column is known, the team's aliases too."""
    return [name for column in documented for name in (column.name, *column.aliases)] + list(aliases)


def match_columns(
    columns: list[str], documented: Collection[SourceColumn], aliases: Mapping[str, str], source: str
) -> dict[str, str]:
    """Map each documented name that is present to the column of the file that carries it: the first of `carriers`."""
    return {name: carried[0] for name, carried in carriers(columns, documented, aliases, source).items()}


def carriers(
    columns: list[str], documented: Collection[SourceColumn], aliases: Mapping[str, str], source: str
) -> dict[str, tuple[str, ...]]:
    """Map each documented name that is present to all columns of the file that carry it, the one that counts first.

    The documented name itself goes first, then the team's `aliases` (alias → documented name, of `column_aliases.csv`),
    then the other spellings known; of the same name twice, the first in the file. Raises `MissingColumn` for a needed
    column, with the alias line that would fix it.
    """
    present: dict[str, list[str]] = {}
    for column in columns:
        again = header_key(_COPY.sub("", column))
        key = again if again in present else header_key(column)
        present.setdefault(key, []).append(column)
    carried: dict[str, list[str]] = {}
    for wanted in documented:
        own = [alias for alias, name in aliases.items() if header_key(name) == header_key(wanted.name)]
        keys = dict.fromkeys(map(header_key, (wanted.name, *own, *wanted.aliases)))
        if hits := [column for key in keys for column in present.get(key, [])]:
            carried[wanted.name] = hits
    missing = [wanted.name for wanted in documented if wanted.needed and wanted.name not in carried]
    if missing:
        taken = {column for hits in carried.values() for column in hits}
        raise MissingColumn(
            f"the needed column {', '.join(map(repr, missing))} is not in its header ({len(columns)} columns)",
            where=source,
            fix=_alias_hint(missing, [column for column in columns if column not in taken], source),
        )
    firsts = [hits[0] for hits in carried.values()]
    return {name: (hits[0], *(column for column in hits[1:] if column not in firsts)) for name, hits in carried.items()}


def _alias_hint(missing: list[str], free: list[str], source: str) -> str:
    keys = {header_key(column): column for column in free}
    for name in missing:
        close = difflib.get_close_matches(header_key(name), list(keys), n=1, cutoff=0.5)
        if close:
            return (
                f"if it was renamed, add the line `{source},{keys[close[0]]},{name}` to config_csv/column_aliases.csv; "
                "otherwise ask for the column back"
            )
    return (
        f"ask for the column back; if it was renamed, add a line `{source},<new name>,{missing[0]}` "
        "to config_csv/column_aliases.csv"
    )


def _delimiter(text: str, known: Collection[str], hint: str) -> str:
    """Return the delimiter by which the most known names stand in one of the first records; then the `hint`."""
    start = text.lstrip("\r\n \t")[:_HEAD]
    keys = {header_key(name) for name in known}
    if not start:
        return hint or ","
    best, score = ",", (-1, False, -1)
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter)
        head = list(islice(reader, csv_lines.HEADER_WITHIN if keys else 1))
        named = [len({header_key(cell) for cell in record} & keys) for record in head]
        points = (max(named), delimiter == hint, len(head[named.index(max(named))]))
        if points > score:
            best, score = delimiter, points
    return best


def _records(text: str, delimiter: str) -> tuple[list[list[str]], list[int], int | None]:
    """Return the records, the physical line on which each starts, and the first whose quotation is never closed."""
    split = Records(text, delimiter)
    records: list[list[str]] = []
    lines: list[int] = []
    for record in split:
        records.append(record)
        lines.append(split.line)
    never_closed = [*split.unclosed, *([split.line] if split.is_open else [])]
    return records, lines, min(never_closed, default=None)


def _plain(
    text: str, delimiter: str, known: Collection[str], own: Collection[str]
) -> tuple[pd.DataFrame, list[str]] | None:
    """Return what `read_csv` reads of a plain file, which has nothing but whole rows, and its columns; else None."""
    if not is_by_lines(text, delimiter):
        return None
    records, lines, _ = _records(_first_lines(text), delimiter)
    if csv_lines.header_place(records, lines, known) != 0:
        return None
    _refuse_no_header(records[0], known)
    columns = unique_names([without_contacts(cell) for cell in records[0]], own)
    names = {name.strip().lower() for name in (*records[0], *known)} - {""}
    if not 2 <= len(columns) == len(records[0]) or (rows := read_plain(text, delimiter, columns, names)) is None:
        return None
    return _with_lines(rows, list(range(2, len(rows) + 2))), columns


def _first_lines(text: str) -> str:
    """Return the lines of a text among which `csv_lines.header_place` looks."""
    at = -1
    for _ in range(csv_lines.LOOKED_FOR_WITHIN + csv_lines.HEADER_WITHIN):
        at = text.find("\n", at + 1)
        if at < 0:
            return text
    return text[: at + 1]


def _refuse_cut_row(text: str, records: list[list[str]], lines: list[int], header_at: int) -> None:
    """Refuse a file whose last record is short and lacks its line end: it was cut off there, and more is missing."""
    if len(records) - 1 > header_at and len(records[-1]) < len(records[header_at]) and text[-1] not in "\r\n":
        raise SourceRejected(f"it ends in the middle of line {lines[-1]}: the file was cut off", fix=_WHOLE)


def _refuse_no_header(header: list[str], known: Collection[str]) -> None:
    """Refuse a row of somebody as header: what it holds would be shown as the names of columns.

    A question of a form may hold a number as its example, where other names are known.
    """
    if _MESSAGE.match(header[0]):
        raise SourceRejected(
            "it begins with a message of the program that makes it, and no header follows",
            fix="open it and read that message, have the export fixed, and fetch it again",
        )
    found = [cell for cell in header if csv_lines.OF_A_PERSON.search(cell)]
    is_header = len({header_key(cell) for cell in header} & {header_key(name) for name in known}) >= 2
    if any(not (is_header and _asks_with_example(cell)) for cell in found):
        raise SourceRejected(
            "its header holds an e-mail address or a phone number: the line of the header is lost, or the next line "
            "was run together with it",
            fix=_WHOLE,
        )


def _asks_with_example(cell: str) -> bool:
    """Whether words, not run together with it, stand before the first number or address of a cell."""
    before = _CONTACT.split(without_contacts(cell))[0]
    return re.search(r"[^\W\d_]{2}", before) is not None and not before[-1].isalnum()


def _refuse_open_quote(line: int | None) -> None:
    if line is not None:
        raise SourceRejected(
            f"a quotation mark opened on line {line} is never closed: the file was cut off", fix=_WHOLE
        )


def _table(records: list[list[str]], lines: list[int], columns: list[str]) -> tuple[pd.DataFrame, list[int]]:
    width = len(columns)
    blank: list[int] = []
    kept: list[list[str]] = []
    kept_lines: list[int] = []
    problems: list[str | None] = []
    overflow: list[str | None] = []
    for record, line in zip(records, lines, strict=True):
        problem = extra = None
        if len(record) != width:
            rest = record[width:]
            if len(record) < width:
                problem = "too_few_fields"
                record = record + [""] * (width - len(record))  # noqa: PLW2901
            elif any(cell.strip() for cell in rest):
                problem, extra = "too_many_fields", json.dumps(rest, ensure_ascii=False)
        if not any(record) or not any(cell.strip() for cell in record):
            blank.append(line)
            continue
        kept.append(record[:width])
        kept_lines.append(line)
        problems.append(problem)
        overflow.append(extra)
    cells = zip(*kept, strict=True) if kept else [()] * width
    frame = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in zip(columns, cells, strict=True)})
    return _with_lines(frame, kept_lines, problems, overflow), blank


def _with_lines(
    frame: pd.DataFrame,
    lines: list[int],
    problems: list[str | None] | None = None,
    overflow: list[str | None] | None = None,
) -> pd.DataFrame:
    """Return the cells of a file with the line of each row, and why a row does not fit the header (none: all do)."""
    frame.insert(0, "source_row", pd.Series(lines, dtype="Int64"))
    frame.insert(1, PROBLEM, pd.Series(problems, index=frame.index, dtype="str"))
    frame.insert(2, OVERFLOW, pd.Series(overflow, index=frame.index, dtype="str"))
    return frame
