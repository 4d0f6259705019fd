"""How the header of a source differs from the one it had before: columns added, missing, renamed, moved, doubled.

A header that is as it was has no drift. What a renamed column means for the night is decided where columns are matched.
"""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from funnel_etl.core.reading.csvfile import SourceColumn, header_key, unique_names

ALL_COLUMNS = "*"
"""Stands for the column of a change that is about their order."""


@dataclass(frozen=True)
class SchemaChange:
    """One change of a header. `column`: as the new header names it (or, if it is gone, the old one)."""

    source: str
    change: str
    column: str
    was: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        told = f"column {self.column!r} {self.change}" if self.column != ALL_COLUMNS else f"columns {self.change}"
        was = f" (was {self.was!r})" if self.was and self.column != ALL_COLUMNS else ""
        return f"{self.source}: {told}{was}" + (f": {self.hint}" if self.hint else "")


CHANGES = {
    "added": "a column that was not there before",
    "missing": "a column that was there before is gone",
    "renamed": "a column is gone and one with a similar name, or another spelling known of it, is there",
    "reordered": "the columns that stayed are in another order",
    "duplicated": "a column is there more than once; in each row the first that is not blank counts",
}
"""What can happen to a header."""


def schema_drift(
    source: str,
    before: list[str] | None,
    now: list[str],
    documented: Collection[SourceColumn],
    aliases: Mapping[str, str],
) -> list[SchemaChange]:
    """Compare two headers, as they came; a first dump, without a `before`, with the documented layout."""
    was = _named([column.name for column in documented] if before is None else before)
    has = _named(now)
    carried = _documented_by_key(documented, aliases)
    spelled = {carried.get(key, key): key for key in has}
    renamed: list[tuple[str, str, str | None]] = []
    gone = [key for key in was if key not in has]
    fresh = [key for key in has if key not in was]
    for key in list(gone):
        other = spelled.get(carried.get(key, key))
        if other in fresh:  # another spelling that is known: nothing is to be done
            renamed.append((key, other, None))
    renamed += _likely(
        [key for key in gone if key not in {old for old, _, _ in renamed}],
        [key for key in fresh if key not in carried],
        {key: _name_of(documented, carried[key]) for key in gone if key in carried},
        source,
        has,
    )
    left, came = {old for old, _, _ in renamed}, {new for _, new, _ in renamed}
    # A first dump may use any spelling that is known.
    told = [(old, new, hint) for old, new, hint in renamed if hint or before is not None]
    changes = [SchemaChange(source, "renamed", has[new], was[old], hint) for old, new, hint in told]
    changes += [
        SchemaChange(source, "missing", was[key], hint="what it held is NULL" if key in carried else None)
        for key in gone
        if key not in left
    ]
    changes += [SchemaChange(source, "added", has[key], hint="kept as it is") for key in fresh if key not in came]
    changes += list(_moved(source, was, has)) if before is not None else []
    return changes + list(_doubled(source, before, now))


def _likely(
    gone: list[str], fresh: list[str], names: Mapping[str, str], source: str, has: Mapping[str, str]
) -> Iterator[tuple[str, str, str | None]]:
    """Pair documented columns that are gone with unknown ones of a similar name, and return the line that says so."""
    free = list(fresh)
    for key in gone:
        close = difflib.get_close_matches(key, free, n=1, cutoff=0.5) if key in names else []
        if close:
            free.remove(close[0])
            line = f"{source},{has[close[0]]},{names[key]}"
            yield key, close[0], f"if it was renamed, add the line `{line}` to config_csv/column_aliases.csv"


def _moved(source: str, was: Mapping[str, str], has: Mapping[str, str]) -> Iterator[SchemaChange]:
    stayed, order = [key for key in was if key in has], [key for key in has if key in was]
    if stayed != order:
        matched = difflib.SequenceMatcher(a=stayed, b=order, autojunk=False).get_matching_blocks()
        kept = {key for block in matched for key in order[block.b : block.b + block.size]}
        moved = ", ".join(has[key] for key in order if key not in kept)
        yield SchemaChange(source, "reordered", ALL_COLUMNS, hint=f"moved: {moved}; read by their names as before")


def _doubled(source: str, before: list[str] | None, now: list[str]) -> Iterator[SchemaChange]:
    had = _counts(before or [])
    for key, count in _counts(now).items():
        if count > max(had.get(key, 1), 1):
            hint = f"it is there {count} times: in each row the first that is not blank counts"
            yield SchemaChange(source, "duplicated", next(name for name in now if header_key(name) == key), hint=hint)


def _counts(header: list[str]) -> dict[str, int]:
    keys = [key for key in map(header_key, header) if key]
    return {key: keys.count(key) for key in keys}


def _named(header: list[str]) -> dict[str, str]:
    """Return the columns of a header by what is compared of their names; of doubled ones the first."""
    named: dict[str, str] = {}
    for raw, name in zip(header, unique_names(list(header)), strict=False):
        named.setdefault(header_key(raw) or name, name)
    return named


def _documented_by_key(documented: Collection[SourceColumn], aliases: Mapping[str, str]) -> dict[str, str]:
    """Give, for every known spelling, the key of the documented column it stands for."""
    known: dict[str, str] = {}
    for column in documented:
        own = [alias for alias, name in aliases.items() if header_key(name) == header_key(column.name)]
        for spelling in (column.name, *own, *column.aliases):
            known.setdefault(header_key(spelling), header_key(column.name))
    return known


def _name_of(documented: Collection[SourceColumn], key: str) -> str:
    return next(column.name for column in documented if header_key(column.name) == key)
