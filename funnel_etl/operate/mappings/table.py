"""A config table as a person edits it: its rows as text, and the file written anew with every other byte kept.

Pure: bytes and rows in, bytes out. Lines that did not change stay as they were typed: quotation marks, blank lines,
notes above the header, BOM, delimiter and line ends. Not here: what may stand in a table (`judge`), files (`write`).
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import pandas as pd

from funnel_etl.core.config_models import KEYS, TABLES
from funnel_etl.core.errors import ConfigError, FunnelError
from funnel_etl.core.reading.csvfile import header_key, read_csv
from funnel_etl.core.reading.records import Records
from funnel_etl.core.values.text import decode, lookup_key

Cells = tuple[str, ...]
ABSENT = "(no file)"


@dataclass(frozen=True)
class EditedLine:
    """A row as a person left it: `at`: which row of the table it was (from 0), None for a new one."""

    at: int | None
    cells: Cells


@dataclass(frozen=True)
class ConfigTable:
    """A version of a table. `columns` as its header names them; `rows` its cells as text; `numbers` their lines."""

    name: str
    data: bytes | None
    columns: Cells
    rows: tuple[Cells, ...]
    numbers: tuple[int, ...]

    @property
    def mark(self) -> str:
        """Name these bytes: another mark, another version."""
        return ABSENT if self.data is None else hashlib.sha256(self.data).hexdigest()

    @property
    def lines(self) -> list[EditedLine]:
        """The rows as lines that nobody has changed."""
        return [EditedLine(at, cells) for at, cells in enumerate(self.rows)]

    def field_of(self, column: str) -> str | None:
        """Return which column of the table's model a column of the file is; None: one of the team's own."""
        return next(
            (field for field in TABLES[self.name].model_fields if header_key(field) == header_key(column)), None
        )


def table_of(name: str, data: bytes | None) -> ConfigTable:
    """Read a table as text. Raises `ConfigError` for bytes that are no CSV."""
    if data is None or not data.strip():
        return ConfigTable(name, data, tuple(TABLES[name].model_fields), (), ())
    try:
        found = read_csv(data, TABLES[name].model_fields, own=TABLES[name].model_fields)
    except FunnelError as error:
        raise ConfigError(error.what, where=f"config_csv/{name}.csv", fix=_AGAIN) from error
    columns = tuple(found.columns)
    cells = found.rows[list(columns)].fillna("").astype(str)
    rows = tuple(cells.itertuples(index=False, name=None))
    return ConfigTable(name, data, columns, rows, tuple(int(line) for line in found.rows["source_row"]))


_AGAIN = "bring an earlier version back, or save the file as CSV again"


def written(table: ConfigTable, lines: Sequence[EditedLine]) -> bytes:
    """Return the table's file with these lines, in this order; one that is as it was keeps its bytes.

    Raises `ConfigError` where the file's encoding cannot hold what was typed.
    """
    if list(lines) == table.lines:
        return table.data or b""
    if table.data is None or not table.data.strip():
        return _new_file(table.columns, lines)
    text, encoding = decode(table.data)
    bom = _bom(table, text, encoding)
    end = "\r\n" if "\r\n" in text else "\n"
    records = read_csv(table.data, TABLES[table.name].model_fields, own=TABLES[table.name].model_fields)
    head, pieces, after = _pieces(text, records.delimiter, table.numbers)
    found = [head]
    for line in lines:
        is_same = line.at is not None and line.cells == table.rows[line.at]
        one = pieces[line.at] if is_same and line.at is not None else _as_csv([line.cells], records.delimiter, end)
        found += [one if one.endswith(("\n", "\r")) else one + end]
        found += [after[line.at]] if line.at is not None else []
    whole = "".join(found)
    if not text.endswith(("\n", "\r")):
        whole = whole.removesuffix(end)
    try:
        return bom + whole.encode(encoding)
    except UnicodeEncodeError:
        raise ConfigError(
            f"it is not in UTF-8, and a cell has letters that {encoding} cannot write",
            where=f"config_csv/{table.name}.csv",
            fix="save the file as CSV UTF-8 once, then type it again",
        ) from None


def _new_file(columns: Cells, lines: Sequence[EditedLine]) -> bytes:
    return _as_csv([columns, *(line.cells for line in lines)], ",", "\n").encode()


def _bom(table: ConfigTable, text: str, encoding: str) -> bytes:
    """Return the bytes before the text. Raises `ConfigError` for a file whose text does not give its bytes back."""
    data, plain = table.data or b"", text.encode(encoding, errors="replace")
    if not data.endswith(plain) or len(data) - len(plain) > 4:
        raise ConfigError(
            "some of its letters cannot be read, and would be lost",
            where=f"config_csv/{table.name}.csv",
            fix="save the file as CSV UTF-8 once, then edit it here",
        )
    return data[: len(data) - len(plain)]


def _pieces(text: str, delimiter: str, numbers: Sequence[int]) -> tuple[str, list[str], list[str]]:
    """Cut a text: what stands above the rows, each row as it was typed, and what stands between it and the next."""
    split = Records(text, delimiter)
    cut = [(split.line, "".join(split.lines())) for _ in split]
    places = {number: place for place, number in enumerate(numbers)}
    rows = {places[line]: at for at, (line, _) in enumerate(cut) if line in places}
    starts = [rows[place] for place in range(len(numbers))]
    ends = [*starts[1:], len(cut)][: len(starts)]
    head = "".join(piece for _, piece in cut[: starts[0] if starts else len(cut)])
    if head and not head.endswith(("\n", "\r")):
        head += "\n"
    typed = [cut[at][1] for at in starts]
    return head, typed, ["".join(piece for _, piece in cut[at + 1 : end]) for at, end in zip(starts, ends, strict=True)]


def _as_csv(rows: Iterable[Cells], delimiter: str, end: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue()


@dataclass(frozen=True)
class Change:
    """A row that differs between two versions: `before` None: it came; `after` None: it went."""

    before: Cells | None
    after: Cells | None

    @property
    def what(self) -> str:
        """Whether the row was added, removed or changed."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"


def changes(before: ConfigTable, after: ConfigTable) -> list[Change]:
    """Return the rows that differ between two versions; one that goes where one with its key comes has changed."""
    found: list[Change] = []
    for tag, i, j, k, m in SequenceMatcher(None, before.rows, after.rows, autojunk=False).get_opcodes():
        if tag != "equal":
            found += _paired(before, before.rows[i:j], after.rows[k:m])
    return found


def _paired(table: ConfigTable, gone: Sequence[Cells], come: Sequence[Cells]) -> list[Change]:
    left: dict[Cells, list[Cells]] = {}
    for row in gone:
        left.setdefault(_key(table, row), []).append(row)
    found = []
    for row in come:
        same = left.get(_key(table, row), [])
        found.append(Change(same.pop(0) if same else None, row))
    rest = [row for rows in left.values() for row in rows]
    return found + [Change(row, None) for row in gone if row in rest]


def _key(table: ConfigTable, row: Cells) -> Cells:
    """Return what a row is known by."""
    at = [place for place, column in enumerate(table.columns) if table.field_of(column) in KEYS[table.name]]
    return tuple(lookup_key(row[place]) for place in at if place < len(row))


@dataclass(frozen=True)
class Merged:
    """Lines of one person on the version of another. `clashes`: rows both have changed, theirs and ours; ours stay."""

    lines: list[EditedLine]
    clashes: list[tuple[Cells | None, Cells]]


def merged(base: ConfigTable, mine: Sequence[EditedLine], theirs: ConfigTable) -> Merged:
    """Put what one person changed in `base` onto what another has saved meanwhile; nothing of either is lost."""
    new_place = _places(base, theirs)
    kept = {line.at: line.cells for line in mine if line.at is not None}
    clashes: list[tuple[Cells | None, Cells]] = []
    lines = theirs.lines
    removed = set()
    for at, cells in enumerate(base.rows):
        own = kept.get(at)
        if own == cells:
            continue
        place = new_place.get(at)
        their_cells = theirs.rows[place] if place is not None else None
        if own is None:
            if place is not None and their_cells == cells:
                removed.add(place)
        elif place is None:
            clashes.append((None, own))
            lines.append(EditedLine(None, own))
        else:
            if their_cells not in (cells, own):
                clashes.append((their_cells, own))
            lines[place] = EditedLine(place, own)
    there = {line.cells for line in lines}
    added = [line for line in mine if line.at is None and line.cells not in there]
    return Merged([line for line in lines if line.at not in removed or line.at is None] + added, clashes)


def _places(base: ConfigTable, theirs: ConfigTable) -> dict[int, int]:
    """Return where the rows of one version stand in another: as they were, or by their key where that is one row's."""
    found: dict[int, int] = {}
    for tag, i, j, k, m in SequenceMatcher(None, base.rows, theirs.rows, autojunk=False).get_opcodes():
        if tag == "equal":
            found |= dict(zip(range(i, j), range(k, m), strict=True))
            continue
        by_key: dict[Cells, list[int]] = {}
        for place in range(k, m):
            by_key.setdefault(_key(theirs, theirs.rows[place]), []).append(place)
        for at in range(i, j):
            if places := by_key.get(_key(base, base.rows[at])):
                found[at] = places.pop(0)
    return found


def as_frame(columns: Cells, rows: Iterable[Cells]) -> pd.DataFrame:
    """Return rows as a frame of text."""
    return pd.DataFrame(list(rows), columns=list(columns), dtype="str")
