"""The end of a dump: records behind its last row that are no rows, as an exporter leaves them when it breaks off.

An error message, the tail of a web page, the header again, a count of rows that is wrong, half a record. What such an
end means for the dump is decided in `sources/guards`.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from funnel_etl.core.reading.csv_lines import OF_A_PERSON, count_in
from funnel_etl.core.reading.csvfile import PROBLEM, RESERVED
from funnel_etl.core.values import date_spelling
from funnel_etl.core.values.date_spelling import MONTH_WORDS
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import arrow_text, first_filled, header_key, is_filled, squash_one

LAST = 50
"""Records at the end that are looked at: an exporter's last words are few."""
_MESSAGE = re.compile(
    r"^\W*(?:<|\{|php\b)"
    r"|\b(?:errors?|warning|fatal|exception|traceback|denied|timed? ?out|timeout|aborted|killed|lost connection)\b"
)
_WEEKDAYS = "mon tue wed thu fri sat sun tues wednes thurs satur".split()
_OF_A_DAY = "|".join(
    [*MONTH_WORDS, *_WEEKDAYS, *(f"{day}day" for day in _WEEKDAYS), r"[ap]\.?m\.?", "st", "nd", "rd", "th"]
)
_CHANGES = re.compile(rf"[\d.,:-]+|(?<![^\W\d_])(?:{_OF_A_DAY})(?![^\W\d_])")
"""What is another one each night in the same words: numbers, and names of months and weekdays."""
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class DumpEnd:
    """What stands behind the last row: its `lines`, and what they look like but for numbers and days, in `shapes`.

    `begins`: the first word of each that is no message, else "". Both are hashes. `count`: the number of rows that one
    of them states, though another number came.
    """

    lines: tuple[int, ...] = ()
    shapes: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    count: int | None = None

    def begins_like(self, other: "DumpEnd") -> bool:
        """Whether each of its lines begins with the word of the other's, and is no message: `Exported by Asha`."""
        return self.begins == other.begins and all(self.begins)

    def __str__(self) -> str:
        """Name the lines, and nothing of what they hold: it may be of a person."""
        if not self.lines:
            return "nothing"
        first, last = self.lines[0], self.lines[-1]
        lines = f"line {first} is no row" if first == last else f"lines {first} to {last} are no rows"
        return f"{lines} but a count of {grouped(self.count)} rows" if self.count is not None else lines


def dump_end(rows: pd.DataFrame, when: Sequence[str]) -> DumpEnd:
    """Return the records behind the last row of a raw table; `when` are the columns of a row's own time."""
    last = rows.tail(LAST)
    names = [name for name in rows.columns if name not in RESERVED and not rows[name].isna().all()]
    times = date_spelling.read(date_spelling.tidy(arrow_text(first_filled([last[name] for name in when]).fillna(""))))
    whole = rows.loc[rows[PROBLEM].isna(), names].head(10 * LAST)
    usual = pd.DataFrame({name: is_filled(whole[name]) for name in names}).sum(axis=1).median() if len(whole) else 0
    found: list[tuple[int, list[str]]] = []
    for place in reversed(range(len(last))):
        row = last.iloc[place]
        filled = [text for text in row[names].dropna() if text.strip()]
        is_half = row[PROBLEM] == "too_few_fields"
        if not is_half and (times.kind[place] != date_spelling.BAD or not _is_no_row(filled, names, float(usual))):
            break
        found.append((int(row["source_row"]), filled))
    found.reverse()
    counts = [count for _, filled in found if (count := count_in(filled)) is not None]
    return DumpEnd(
        tuple(line for line, _ in found),
        tuple(_shape(filled) for _, filled in found),
        tuple(_begin(filled) for _, filled in found),
        counts[-1] if counts else None,
    )


def _is_no_row(filled: list[str], names: Sequence[str], usual: float) -> bool:
    """Whether a record without a date is no row: the header again, a message, or few cells and nothing of a person."""
    known = {header_key(name) for name in names}
    if 2 * sum(header_key(text) in known for text in filled) > len(filled) or _MESSAGE.search(filled[0].lower()):
        return True
    return 2 * len(filled) <= usual and not any(OF_A_PERSON.search(text) for text in filled)


def _shape(filled: list[str]) -> str:
    return _hash(_CHANGES.sub("#", "\x1f".join(squash_one(text).casefold() for text in filled)))


def _begin(filled: list[str]) -> str:
    text = squash_one(filled[0]).casefold()
    word = None if _MESSAGE.search(text) else _WORD.match(text)
    return _hash(word[0]) if word else ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
