"""Damage to a file, as transport, programs and people do it: bits flipped, bytes and lines lost, doubled, moved."""

import csv
import io
import re
from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

MESS = [
    "", " ", "--", "NA", "#N/A", "9.87651E+09", "'+91 98765 12345", "45962.5", "31/12/2025", "0000-00-00",
    "2025-11-03T18:30:00Z", "99999999999999999999", "-5", "₹ 1,00,000/-", "(12.5)", "NaN", "inf", "=1+1", "a@b",
    'he said "hi"', "x\ny", "\x00", "\u200b", "\u202e", "😀", "९८७६५१२३४५", "\ufdfa", "a" * 300, ",", ";", "\t", '"',
]  # fmt: skip
Damage = tuple[str, int, int, str]
PEOPLE = "asha bina chand dev esha fay noor ravi sana rao sen jain ali"
PERSONAL = re.compile(rf"98765|1234567|@example|\b({PEOPLE.replace(' ', '|')})\b", re.IGNORECASE)
"""What of the people of `golden.week` no message may tell."""


def cut_places(data: bytes) -> list[int]:
    """Return a hundred places to cut at, or all there are: up to thirty are exactly behind a line end."""
    draw = np.random.default_rng(5)
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))[:-1] + 1
    behind = {*map(int, ends[-3:]), *map(int, draw.permutation(ends)[:27])}
    anywhere = [int(place) for place in draw.permutation(np.arange(1, len(data) - 1)) if place not in behind]
    return sorted([*behind, *anywhere[: 100 - len(behind)]])


def tried(test: Callable[[list[Damage]], None], examples: int, max_size: int = 4) -> None:
    """Run a property; the same examples each time."""
    bounded = settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # to shrink an example takes minutes, and it has only a few damages
        suppress_health_check=list(HealthCheck),
    )
    bounded(given(strategy(max_size))(test))()


def strategy(max_size: int = 4) -> st.SearchStrategy[list[Damage]]:
    """Return up to `max_size` damages, one after the other; each is a kind, two numbers and a text."""
    number = st.integers(0, 10**6)
    text = st.one_of(st.sampled_from(MESS), st.text(max_size=8))
    return st.lists(st.tuples(st.sampled_from(sorted(KINDS)), number, number, text), min_size=1, max_size=max_size)


def damaged(data: bytes, damages: list[Damage]) -> bytes:
    """Return the bytes after the damages."""
    for kind, first, second, text in damages:
        data = KINDS[kind](data, first, second, text)
    return data


def _flip(data: bytes, first: int, second: int, _text: str) -> bytes:
    if not data:
        return data
    at = first % len(data)
    return data[:at] + bytes([data[at] ^ (1 << second % 8)]) + data[at + 1 :]


def _insert(data: bytes, first: int, _second: int, text: str) -> bytes:
    at = first % (len(data) + 1)
    return data[:at] + text.encode(errors="replace") + data[at:]


def _lose(data: bytes, first: int, second: int, _text: str) -> bytes:
    at = first % (len(data) + 1)
    return data[:at] + data[at + second % 40 :]


def _double(data: bytes, first: int, second: int, _text: str) -> bytes:
    at = first % (len(data) + 1)
    return data[: at + second % 80] + data[at:]


def _truncate(data: bytes, first: int, _second: int, _text: str) -> bytes:
    return data[: first % (len(data) + 1)]


def _lines(change: Callable[[list[bytes], int, int], None]) -> Callable[[bytes, int, int, str], bytes]:
    def damage(data: bytes, first: int, second: int, _text: str) -> bytes:
        lines = data.splitlines(keepends=True)
        if lines:
            change(lines, first % len(lines), second % len(lines))
        return b"".join(lines)

    return damage


def _swap(lines: list[bytes], first: int, second: int) -> None:
    lines[first], lines[second] = lines[second], lines[first]


def _encoding(data: bytes, first: int, _second: int, _text: str) -> bytes:
    name = ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1252", "utf-32", "shift-jis"][first % 7]
    return data.decode("utf-8", errors="replace").encode(name, errors="replace")


def _line_ends(data: bytes, first: int, _second: int, _text: str) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", [b"\r\n", b"\r", b"\n\n", b"\n\r", b""][first % 5])


def _rewritten(
    change: Callable[[list[list[str]], int, int, str], None],
) -> Callable[[bytes, int, int, str], bytes]:
    """Damage the cells, as a spreadsheet program would write them again."""

    def damage(data: bytes, first: int, second: int, text: str) -> bytes:
        try:
            records = list(csv.reader(io.StringIO(data.decode("utf-8", errors="replace"), newline="")))
        except csv.Error:
            return data
        if not records:
            return data
        change(records, first, second, text)
        out = io.StringIO(newline="")
        quoting = csv.QUOTE_ALL if second % 3 == 0 else csv.QUOTE_MINIMAL
        csv.writer(out, delimiter=",;\t|"[first % 4], lineterminator="\n", quoting=quoting).writerows(records)
        return out.getvalue().encode(errors="replace")

    return damage


def _columns(records: list[list[str]], first: int, second: int, _text: str) -> None:
    for record in records:
        if record:
            one, other = first % len(record), second % len(record)
            record[one], record[other] = record[other], record[one]


def _column_lost(records: list[list[str]], first: int, _second: int, _text: str) -> None:
    for record in records:
        if record:
            del record[first % len(record)]


def _cell(records: list[list[str]], first: int, second: int, text: str) -> None:
    record = records[first % len(records)]
    if record:
        record[second % len(record)] = text


def _column(records: list[list[str]], first: int, _second: int, text: str) -> None:
    for record in records[1:]:
        if record:
            record[first % len(record)] = text


def _ragged(records: list[list[str]], first: int, second: int, text: str) -> None:
    records[first % len(records)][second % 50 :] = [text] * (second % 3)


KINDS: dict[str, Callable[[bytes, int, int, str], bytes]] = {
    "a bit flipped": _flip,
    "something inserted": _insert,
    "bytes lost": _lose,
    "bytes doubled": _double,
    "cut off": _truncate,
    "a line lost": _lines(lambda lines, first, _: lines.pop(first) and None),
    "a line doubled": _lines(lambda lines, first, _: lines.insert(first, lines[first])),
    "a line moved": _lines(_swap),
    "another encoding": _encoding,
    "other line ends": _line_ends,
    "columns swapped": _rewritten(_columns),
    "a column lost": _rewritten(_column_lost),
    "another cell": _rewritten(_cell),
    "another column": _rewritten(_column),
    "a ragged record": _rewritten(_ragged),
    "written again": _rewritten(lambda _records, _first, _second, _text: None),
}
