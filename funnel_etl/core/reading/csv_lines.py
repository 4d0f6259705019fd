"""Lines of a CSV file that are no rows: notes above its header, the header again, and a closing count of the rows.

Here: which records these are. Not here: reading records (`csvfile`), and whether a dump was cut off (`dump_end`).
"""

import re
from collections.abc import Collection, Sequence

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.values.text import header_key

HEADER_WITHIN = 20
"""Records among which the header is: notes above one are few."""
LOOKED_FOR_WITHIN = 500
"""Records among which a header is looked for to name its line, where it is too far down to be read."""
ABOVE_HEADER, REPEATED_HEADER, ROW_COUNT = "above_header", "repeated_header", "row_count"
OF_A_PERSON = re.compile(r"[^\s@]@[^\s@]+\.\w|\d{10}|\d{5}[ -]\d{5}")
"""An e-mail address or a phone, as far as it takes to know a row of somebody."""

_A_COUNT = re.compile(
    r"\W*(?:total\W+)?(?P<count>\d[\d,]*) (?:rows?|records?|results?)(?:\(s\))?"
    r"(?: (?:were |was )?(?:selected|returned|exported|fetched|retrieved|found|in set))?\W*(?:[\d.]+ ?s(?:ec)?\W*)?"
    r"|\W*(?:total )?(?:number of )?(?:rows?|records?)(?: count| returned| exported)?\W*[:=]\W*(?P<number>\d[\d,]*)\W*"
)

_HINT = re.compile(r"""["']?sep=(?P<sign>[,;\t|])["']?[,;\t| ]*(?=[\r\n]|$)""", re.IGNORECASE)

Records = Sequence[list[str]]


def without_hint(text: str) -> tuple[str, str]:
    """Return a text with its first line empty where that is Excel's `sep=;`, and the delimiter it names; else ""."""
    found = _HINT.match(text)
    return (text[found.end() :], found["sign"]) if found else (text, "")


def is_blank(record: list[str]) -> bool:
    """Whether no cell of the record has any text."""
    return not any(cell.strip() for cell in record)


def header_place(records: Records, lines: Sequence[int], known: Collection[str]) -> int | None:
    """Return which record is the header: the first with text, or one below notes; None: no record has text.

    A record below others is the header when it has at least two of the `known` names, and the first has few of them.
    Raises `SourceRejected` when what is above it does not look like notes: it may be rows of somebody.
    """
    first = next((place for place, record in enumerate(records) if not is_blank(record)), None)
    if first is None:
        return None
    keys = {header_key(name) for name in known}
    there = range(first, min(first + HEADER_WITHIN, len(records)))
    names = [len({header_key(cell) for cell in records[place]} & keys) for place in there]
    best = there[names.index(max(names))]
    if max(names) < 2:
        further = range(there.stop, min(first + LOOKED_FOR_WITHIN, len(records)) if keys else there.stop)
        best = next((place for place in further if len({*_keys(records[place])} & keys) >= 2), first)
    elif 2 * names[0] >= max(names):
        return first
    if best not in there or any(2 * _filled(record) > _filled(records[best]) for record in records[first:best]):
        raise SourceRejected(
            f"its header is on line {lines[best]}, and what stands above it is more than notes",
            fix="have the export begin with its header, or delete the lines above it",
        )
    return best


def repeated_headers(records: Records, lines: Sequence[int], at: int, known: Collection[str]) -> set[int]:
    """Return which records say the header again and have a row behind them: two exports were pasted together.

    Raises `SourceRejected` when such a header has other columns than the first, or the same in another order: the rows
    below it would be read under wrong names.
    """
    header, keys = _keys(records[at]), {header_key(name) for name in known}
    names = {name.strip().lower() for name in (*records[at], *known)} - {""}
    has = len({*header} & keys)
    found: set[int] = set()
    for place in range(at + 1, len(records)):
        record = records[place]
        # Two looks tell nearly every row from a header.
        if not record or not (record[0].strip().lower() in names or record[-1].strip().lower() in names):
            continue
        if (cells := _keys(record)) == header:
            found.add(place)
        elif len({*cells} & keys) >= max(3, has / 2):
            raise SourceRejected(
                f"line {lines[place]} is a header with other columns than the first: two exports were pasted together",
                fix="export them again as one, or give the rows below that line the columns of the first",
            )
    width = len(header)
    is_row = (p for p in range(len(records) - 1, at, -1) if p not in found and len(records[p]) >= width)
    last = next((place for place in is_row if not is_blank(records[place])), at)
    return {place for place in found if place < last}


def right_counts(records: Records, at: int, headers: Collection[int], delimiter: str) -> set[int]:
    """Return which records say how many rows there are, as `(100 rows)`, and say it rightly.

    Right is the number of rows above it, of all or since the last header. A wrong count stays: it tells of a cut.
    """
    found: set[int] = set()
    for place in range(at + 1, len(records)):
        record = records[place]
        if any(record[1:]) and len(record) == len(records[at]):
            continue
        count = count_in(record, delimiter)
        if count is None:
            continue
        for begin in (at, max((head for head in headers if head < place), default=at)):
            above = [records[p] for p in range(begin + 1, place) if p not in headers and p not in found]
            blank = sum(map(is_blank, above))
            # The line of a person who was erased is blank, and was counted.
            if len(above) - blank <= count <= len(above):
                found.add(place)
    return found


def count_in(record: list[str], delimiter: str = ",") -> int | None:
    """Return the number of rows that a record states, if it says nothing else."""
    text = " ".join(delimiter.join(record).lower().strip(f"{delimiter} ").split())
    found = _A_COUNT.fullmatch(text)
    return int((found["count"] or found["number"]).replace(",", "")) if found else None


def _keys(record: list[str]) -> list[str]:
    keys = [header_key(cell) for cell in record]
    while keys and not keys[-1]:
        keys.pop()
    return keys


def _filled(record: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in record)
