"""What is wrong with a line of a config table, and the checks that several tables share.

Not here: what each table must hold (`config_checks`, `config_delivery`).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from funnel_etl.core.values.contact_mask import without_contacts
from funnel_etl.core.values.nearest import did_you_mean
from funnel_etl.core.values.text import lookup_key, lookup_keys

Tables = Mapping[str, pd.DataFrame]

_SEVERAL_TOPICS = re.compile(r"\*\s*(?:[;,/]|\bor\b)\s*\*", re.IGNORECASE)
_SEVERAL_PATTERNS = re.compile(r"\*\s*[;,|]\s*\*")
_OF_A_REGEX = re.compile(r"^\s*(?:\^|\.[*+])|\w\$\s*$|\\|\(\?[:=!<a-z]", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"[(\[{](?:[^()\[\]{}*]|\.\*)*\|(?:[^()\[\]{}*]|\.\*)*[)\]}]")
"""A bar in brackets; of one in `*acca (day 1* | *day 2)*` two patterns are meant."""


class Fault(NamedTuple):
    """Something wrong with a line: what, and how to fix it."""

    line: int
    what: str
    fix: str


def cell(line: int, column: str, value: str, what: str) -> str:
    """Return what is wrong with a cell, with its line and column; a contact in it is masked."""
    return f"line {line}: column {column!r}: {shown(value)} {what}"


def shown(value: str) -> str:
    """Return a cell as an error may quote it: without phones and e-mails."""
    return repr(without_contacts(value))


def unknown(tables: Tables, name: str, column: str, known: Iterable[str], what: str, fix: str) -> Iterator[Fault]:
    """Yield the filled cells of a column that are none of the known names."""
    names = list(known)
    rows = tables[name]
    keys = lookup_keys(rows[column])
    strange = rows[~keys.isin({lookup_key(one) for one in names}) & (keys != "")]
    for line, value in zip(strange["line"], strange[column], strict=True):
        yield Fault(line, cell(line, column, value, what + did_you_mean(value, names)), fix)


def bad_cells(tables: Tables, name: str, column: str, why: Callable[[str], str], fix: str) -> Iterator[Fault]:
    """Yield the filled cells of a column of which `why` returns something."""
    rows = tables[name]
    for line, value in zip(rows["line"], rows[column], strict=True):
        if value.strip() and (what := why(value)):
            yield Fault(line, cell(line, column, value, what), fix)


def patterns(tables: Tables, name: str, column: str) -> Iterator[Fault]:
    """Yield patterns that can fit nothing as they are meant: in ours `*` is anything, and all else means itself."""
    is_topic = column == "topic_pattern"
    several = _SEVERAL_TOPICS if is_topic else _SEVERAL_PATTERNS
    apart = "they are separated by |" if is_topic else "each has a line of its own"

    def why(value: str) -> str:
        if _OF_A_REGEX.search(value) or (is_topic and _ALTERNATIVES.search(value)):
            return "looks like a regular expression; here * is anything, and every other sign means itself"
        return f"holds several patterns; {apart}" if several.search(value) else ""

    fix = "write words and *, as *acca* | *cfa*" if is_topic else "write words and *, as *acca*, one line per pattern"
    return bad_cells(tables, name, column, why, fix)
