"""How a sheet looks texts up: exact-match VLOOKUP and SUMIFS criteria. Rule: The sheet.

Case is ignored, white space is not; `*`, `?` and `~` in what is looked up are a pattern; a criterion may begin with an
operator.
"""

import re
from collections.abc import Callable, Iterable

import pandas as pd

from funnel_etl.core.values.text import lookup_key, map_unique

_OPERATOR = re.compile(r"^(<>|<=|>=|=|<|>)(.*)$", re.DOTALL)


def exact(text: str) -> str:
    """Return the form in which a sheet compares texts: without case, blanks and all."""
    return text.casefold()


def vlookup(
    wanted: pd.Series,
    table: Iterable[tuple[str, str]],
    *,
    form: Callable[[str], str] = exact,
    wildcards: bool = True,
) -> pd.Series:
    """Look each text up among the names of `table` (name, value) and return its value; missing where there is none.

    The first name that fits counts. `form`: how texts are compared; `wildcards`: whether the looked-up text may be a
    pattern.
    """
    names: dict[str, str] = {}
    for name, value in table:
        names.setdefault(form(name), value)

    def find(text: str) -> str | None:
        if wildcards and _is_pattern(text):
            fits = _pattern(form(text)).fullmatch
            return next((value for name, value in names.items() if fits(name)), None)
        return names.get(form(text))

    return map_unique(wanted, find)


def fits_criterion(
    cells: Iterable[str], criterion: str, *, form: Callable[[str], str] = exact, wildcards: bool = True
) -> set[str]:
    """Return those of the cells that a SUMIFS criterion takes; literal where `wildcards` is false."""
    cells = set(cells)
    if not wildcards:
        return {cell for cell in cells if form(cell) == form(criterion)}
    operator, rest = found.groups() if (found := _OPERATOR.match(criterion)) else ("=", criterion)
    wanted = form(rest)
    if operator in {"=", "<>"}:
        pattern = _pattern(wanted)
        equal = {cell for cell in cells if pattern.fullmatch(form(cell))}
        return equal if operator == "=" else cells - equal
    compare: dict[str, Callable[[str], bool]] = {
        "<": lambda cell: cell < wanted,
        ">": lambda cell: cell > wanted,
        "<=": lambda cell: cell <= wanted,
        ">=": lambda cell: cell >= wanted,
    }
    return {cell for cell in cells if cell and compare[operator](form(cell))}


def blanks_trimmed(texts: pd.Series) -> pd.Series:
    """Return texts as the sheet's TRIM gives them: without blanks before and behind, doubled ones single.

    It takes the blank of the keyboard only, no other white space.
    """
    return map_unique(texts, lambda text: re.sub(" +", " ", text.strip(" ")))


def trimmed(text: str) -> str:
    """Return the form in which we compare texts."""
    return lookup_key(text)


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in "*?~")


def _pattern(text: str) -> re.Pattern[str]:
    """Compile a sheet's pattern: `*` anything, `?` one character, `~` before one of them means it itself."""
    parts, at = [], 0
    while at < len(text):
        if text[at] == "~" and text[at + 1 : at + 2] in {"*", "?", "~"}:
            parts.append(re.escape(text[at + 1]))
            at += 1
        else:
            parts.append({"*": ".*", "?": "."}.get(text[at], re.escape(text[at])))
        at += 1
    return re.compile("".join(parts), re.DOTALL)


def is_in(values: pd.Series, keys: pd.Index) -> pd.Series:
    """Return which values are among unique keys; `isin` is thirty times slower on texts."""
    return pd.Series(keys.get_indexer(pd.Index(values)) >= 0, index=values.index)
