"""Writing a flat CSV file row by row, breaking some of its rows on purpose, and knowing the line of each."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

BREAKAGES = ("bad_date", "blank_date", "excel_serial", "bad_money", "blank_key", "too_few_fields", "too_many_fields")


def columns(text: str) -> list[str]:
    """Return the names in a text that lists them with commas, as a header does."""
    return text.split(",")


@dataclass(frozen=True)
class SheetLine:
    """A row of a file. `item` is the planted fact behind it (-1: none), `reason` why it cannot be used ("": it can)."""

    cells: list[str]
    item: int = -1
    reason: str = ""


@dataclass(frozen=True)
class Needed:
    """Where the needed cells of a file are."""

    date: int | None = None
    money: int | None = None
    key: int | None = None

    def breakages(self) -> list[str]:
        """Return the ways in which a row of this file can be unusable."""
        absent = {name for name, at in (("bad_money", self.money), ("blank_key", self.key)) if at is None}
        return [name for name in BREAKAGES if name not in absent]


@dataclass
class Sheet:
    """A file to be written: header, rows, and how."""

    source: str
    name: str
    header: list[str]
    lines: list[SheetLine]
    bom: bool = False
    newline: str = "\n"
    written: pd.DataFrame = field(default_factory=pd.DataFrame)
    file_id: str = ""

    def write(self, folder: Path) -> None:
        """Write the file; fills `written` (item, line, reason) and `file_id`."""
        data, first_lines = render([self.header, *[line.cells for line in self.lines]], self.newline)
        payload = (b"\xef\xbb\xbf" if self.bom else b"") + data
        (folder / self.name).write_bytes(payload)
        self.file_id = hashlib.sha256(payload).hexdigest()
        self.written = pd.DataFrame(
            {
                "item": [line.item for line in self.lines],
                "line": first_lines[1:],
                "reason": pd.Series([line.reason for line in self.lines], dtype="str"),
            }
        )


def render(records: Sequence[Sequence[str]], newline: str = "\n", delimiter: str = ",") -> tuple[bytes, list[int]]:
    """Return the bytes of a CSV file and the line on which each record starts. An empty record is an empty line."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=newline, delimiter=delimiter)
    lines: list[int] = []
    line = 1
    for record in records:
        lines.append(line)
        line += 1 + sum(cell.count("\n") for cell in record)
    writer.writerows(records)
    return buffer.getvalue().encode(), lines


def broken(line: SheetLine, how: str, needed: Needed, serial: str) -> SheetLine:
    """Return the row with its needed cell, or its width, made unusable in one of BREAKAGES."""
    cells = list(line.cells)
    if how == "too_few_fields":
        cells = cells[:-2]
    elif how == "too_many_fields":
        cells = [*cells, "moved"]
    elif how == "bad_money" and needed.money is not None:
        cells[needed.money] = "as agreed"
    elif how == "blank_key" and needed.key is not None:
        cells[needed.key] = " "
    elif needed.date is not None:
        cells[needed.date] = {"bad_date": "not yet known", "blank_date": "", "excel_serial": serial}[how]
    return replace(line, cells=cells, reason=how)


def spoil(
    rng: np.random.Generator, lines: list[SheetLine], needed: Needed, *, lost: Sequence[int] = ()
) -> list[SheetLine]:
    """Break rows: one extra broken copy of some row for every breakage, and the rows at the positions `lost`.

    An extra copy has no fact behind it (the good row is there too); a row of `lost` is the only trace of its fact.
    """
    kinds = needed.breakages()
    serials = [f"{45_900 + int(i)}.5" for i in rng.integers(0, 90, len(kinds) + len(lost))]
    result = list(lines)
    for n, position in enumerate(lost):
        result[position] = broken(result[position], kinds[n % len(kinds)], needed, serials[-1 - n])
    whole = [i for i in range(len(lines)) if i not in set(lost)]
    for how, position, serial in zip(kinds, rng.choice(whole, len(kinds), replace=False), serials, strict=False):
        copy = replace(broken(lines[int(position)], how, needed, serial), item=-1)
        result.insert(int(rng.integers(1, len(result))), copy)
    return result


def untidy(rng: np.random.Generator, lines: list[SheetLine], width: int, trailing: int = 3) -> list[SheetLine]:
    """Add what does no harm: an empty line, a row of empty cells, one of blanks, rows with empty fields too many."""
    result = list(lines)
    good = [i for i, line in enumerate(result) if not line.reason and len(line.cells) == width]
    for position in rng.choice(good, min(trailing, len(good)), replace=False):
        line = result[int(position)]
        result[int(position)] = replace(line, cells=[*line.cells, "", ""])
    for blank in ([], [""] * width, [" "] * width):
        result.insert(int(rng.integers(1, len(result))), SheetLine(cells=blank, reason="blank_row"))
    return result
