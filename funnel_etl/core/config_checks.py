"""Whether what `config_csv` names is there: in another table, in the code, among the columns of a source.

A version is checked before it comes into force, never when an old night is made again: a rule that is new today must
not stop what was accepted before it. What one cell may hold by itself is in `config_models`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import pandas as pd

from funnel_etl.core.config_delivery import delivery_faults
from funnel_etl.core.config_engagement import CHECKS as ENGAGEMENT_CHECKS
from funnel_etl.core.config_faults import Fault, Tables, bad_cells, cell, patterns, shown, unknown
from funnel_etl.core.config_models import (
    COUNTED,
    DEFAULT_METRICS,
    EXCLUDED,
    KEYS,
    RESIDUAL_FUNNELS,
    STATUS_CONNECTIVES,
    STATUS_SEPARATORS,
    TABLES,
    WEBINAR_ID_DIGITS,
    statuses_of,
)
from funnel_etl.core.errors import ConfigError
from funnel_etl.core.reading.csvfile import header_key, read_header
from funnel_etl.core.values.contact_mask import without_contacts
from funnel_etl.core.values.nearest import did_you_mean, nearest
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import are_rounded_ids, lookup_key, lookup_keys

FEWEST_LINES, MOST_GONE = 10, 0.5
"""A table of fewer lines may lose any of them; of more, a loss of this share waits for a person."""
CHOSEN_COLUMNS = ("revenue_column", "sale_date_column")
"""The settings of `metrics.csv` that name a column of the CRM's sales."""
_ROUNDED = re.compile(r"\s*'?[+-]?\d(?:[.,]\d+)?\s*e\s*[+-]?\d{1,3}\s*", re.IGNORECASE)
_MOST_PHONE_DIGITS = 15
_NEARLY = 80.0
"""Where a new name is allowed, only one that is nearly a known one is taken for a typing error."""


@dataclass(frozen=True)
class SourceNames:
    """What config tables may name of a pulled source.

    `columns`: the documented ones; `amounts` and `dates`: which of them are that; `header`: the columns of its newest
    dumps as they came, None while none has come; `has_header`: whether its dumps have one, as JSON has not.
    """

    columns: tuple[str, ...]
    amounts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    header: tuple[str, ...] | None = None
    has_header: bool = True


def check_together(tables: Tables, known: Mapping[str, SourceNames] | None = None) -> dict[str, ConfigError]:
    """Return one error per table that is wrong, by what shows only across rows, tables and sources.

    `known`: the pulled sources by name; what is not given is not checked against.
    """
    errors = {name: _error(name, faults) for name, faults in faults_together(tables, known).items()}
    return {name: error for name, error in errors.items() if error is not None}


def faults_together(tables: Tables, known: Mapping[str, SourceNames] | None = None) -> dict[str, list[Fault]]:
    """Return all that is wrong with each table, as `check_together` looks for it."""
    known = known or {}
    checks: dict[str, Iterable[Fault]] = {
        "funnels": _clashes(tables, "funnels", "funnel", "funnel", exact=True),
        "funnel_mapping": [
            *_funnels(tables, "funnel_mapping"),
            *_clashes(tables, "funnel_mapping", "source", "funnel"),
        ],
        "campaign_mapping": [
            *_funnels(tables, "campaign_mapping"),
            *(
                f
                for name in ("utm_source", "utm_medium", "utm_campaign")
                for f in patterns(tables, "campaign_mapping", name)
            ),
        ],
        "manual_mapping": [
            *_rounded(tables, "manual_mapping", "sale_id"),
            *_clashes(tables, "manual_mapping", "sale_id", "manual_value", exact=True),
        ],
        "manual_value_funnel": [
            *_funnels(tables, "manual_value_funnel"),
            *_clashes(tables, "manual_value_funnel", "manual_value", "funnel"),
        ],
        "metrics": _metrics(tables, known),
        "placeholder_phones": _placeholders(tables),
        "bot_names": _bots(tables),
        "column_aliases": _aliases(tables, known),
        "zoom_profiles": _profiles(tables),
        "category_tokens": _clashes(tables, "category_tokens", "token", "category"),
        "conductors": _clashes(tables, "conductors", "name", "conductor"),
        "webinar_overrides": _webinars(tables),
        "file_overrides": _overridden(tables, "file_overrides", "file_id", "date_ratio"),
        "expected_exports": _expected(tables),
        **delivery_faults(tables),
        **{name: (Fault(*fault) for fault in find(tables[name])) for name, find in ENGAGEMENT_CHECKS.items()},
    }
    return {name: list(faults) for name, faults in checks.items()}


def misspelled_header(name: str, data: bytes) -> ConfigError | None:
    """Return the error of a header with a column that is nearly one it lacks: its cells would be read by nobody."""
    fields = TABLES[name].model_fields
    header = [name for name in read_header(data, fields) if name.strip()]
    absent = [field for field in fields if header_key(field) not in set(map(header_key, header)) and field != "note"]
    for column in header:
        if header_key(column) not in set(map(header_key, fields)) and (meant := nearest(column, absent, 70)):
            return ConfigError(
                f"its header has the column {shown(column)}, which nobody reads (did you mean {meant!r}?)",
                where=f"config_csv/{name}.csv",
                fix=f"the header is {','.join(fields)}",
            )
    return None


class Loss(NamedTuple):
    """Lines of the version in force that a new version no longer has: how many of how many, and their keys."""

    gone: int
    had: int
    keys: list[str]

    def __str__(self) -> str:
        return f"{grouped(self.gone)} of the {grouped(self.had)} lines in force are gone"


def lost_most(name: str, before: pd.DataFrame, now: pd.DataFrame) -> Loss | None:
    """Return what a version lost of the one in force, if that is most of it; None: it is not.

    As when a filtered view was saved. Lines are known by their keys, so that other values in them are no loss; a table
    with as many lines as before was rewritten, not cut.
    """
    keys = _line_keys(name, before)
    gone = keys[~lookup_keys(keys).isin(set(lookup_keys(_line_keys(name, now))))]
    is_most = len(before) >= FEWEST_LINES and len(gone) >= len(before) * MOST_GONE and len(now) < len(before)
    return Loss(len(gone), len(before), gone.tolist()) if is_most else None


def _line_keys(name: str, rows: pd.DataFrame) -> pd.Series:
    first, *others = (rows[column].astype("str") for column in KEYS[name])
    return reduce(lambda keys, column: keys + " / " + column, others, first)


def _error(name: str, faults: list[Fault]) -> ConfigError | None:
    if not faults:
        return None
    first = min(faults, key=lambda fault: fault.line)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return ConfigError(first.what + more, where=f"config_csv/{name}.csv", fix=first.fix)


def _funnels(tables: Tables, name: str) -> Iterator[Fault]:
    known = [*tables["funnels"]["funnel"], *RESIDUAL_FUNNELS]
    fix = "use a funnel of funnels.csv in any case, or add it there"
    return unknown(tables, name, "funnel", known, "is not in funnels.csv", fix)


def _clashes(tables: Tables, name: str, key: str, value: str, *, exact: bool = False) -> Iterator[Fault]:
    """Yield two lines with the same key and different values, on a common day where lines are dated.

    `exact`: values are compared as they were typed; so are the ids of sales.
    """
    rows = tables[name]
    rows = rows.assign(
        _key=rows[key] if key == "sale_id" else _keys(rows, key),
        _value=rows[value] if exact else lookup_keys(rows[value]),
    )
    rows = rows[(lookup_keys(rows[value]) != "") | (value == "manual_value")]
    rows = rows[rows["_key"].duplicated(keep=False)]
    if not len(rows):
        return
    pairs = rows.merge(rows, on="_key", suffixes=("", "_2"))
    pairs = pairs[(pairs["line"] < pairs["line_2"]) & (pairs["_value"] != pairs["_value_2"])]
    if "valid_from" in rows:
        starts = pairs[["valid_from", "valid_from_2"]].max(axis=1)
        ends = pairs[["valid_to", "valid_to_2"]].min(axis=1)
        pairs = pairs[starts.isna() | ends.isna() | (starts <= ends)]
    if len(pairs):
        first, second = int(pairs["line"].iloc[0]), int(pairs["line_2"].iloc[0])
        dated = "valid_from" in rows
        what = f"lines {first} and {second} give the same {key} different values of {value!r}"
        if key == value:
            what = f"lines {first} and {second} are the same {key} in two spellings"
        fix = "keep one of the two lines" + (", or date them apart" if dated else "")
        yield Fault(first, what + (" for the same day" if dated else ""), fix)


def _keys(rows: pd.DataFrame, key: str) -> pd.Series:
    """Return what lines are known by: as each table's reader compares them."""
    if key == "webinar_id":
        return _digits(rows[key])
    if key == "alias":
        return lookup_keys(rows["source"]) + "\n" + rows[key].map(header_key).astype("str")
    return lookup_keys(rows[key])


def _digits(texts: pd.Series) -> pd.Series:
    return texts.str.replace(r"\D", "", regex=True)


def _rounded(tables: Tables, name: str, column: str) -> Iterator[Fault]:
    """Yield long numbers that a spreadsheet has rounded: their last digits are lost."""
    rows = tables[name]
    # An id of the CRM may have the look of a number: only what Excel writes is a rounded one.
    is_rounded = are_rounded_ids(rows[column]) if column == "sale_id" else rows[column].str.fullmatch(_ROUNDED)
    for line, value in zip(rows.loc[is_rounded, "line"], rows.loc[is_rounded, column], strict=True):
        what = "has lost its last digits: a spreadsheet has rounded it"
        yield Fault(line, cell(line, column, value, what), "type it anew with an apostrophe before it: '1234567890")


def _placeholders(tables: Tables) -> Iterator[Fault]:
    def why(value: str) -> str:
        count = len(re.findall(r"\d", re.sub(r"\.0*$", "", value)))
        if not count:
            return "holds no digit, and is no phone"
        return f"has {count} digits, more than any phone" if count > _MOST_PHONE_DIGITS else ""

    yield from _rounded(tables, "placeholder_phones", "phone")
    yield from bad_cells(
        tables, "placeholder_phones", "phone", why, "write the number people type, in digits, one on each line"
    )


def _bots(tables: Tables) -> Iterator[Fault]:
    yield from patterns(tables, "bot_names", "pattern")
    yield from bad_cells(
        tables,
        "bot_names",
        "pattern",
        lambda value: "" if any(sign.isalnum() for sign in value) else "fits everybody: all attendees would be bots",
        "write the words that only a bot has in its name",
    )


def _metrics(tables: Tables, known: Mapping[str, SourceNames]) -> Iterator[Fault]:
    rows = tables["metrics"]
    yield from unknown(
        tables,
        "metrics",
        "name",
        DEFAULT_METRICS,
        "is no setting",
        f"use one of {', '.join(DEFAULT_METRICS)}, or delete the line",
    )
    given = {
        key: (int(line), value.strip())
        for key, line, value in zip(lookup_keys(rows["name"]), rows["line"], rows["value"], strict=True)
        if value.strip()
    }
    if "crm_sales" in known:
        for name in CHOSEN_COLUMNS:
            if name in given:
                yield from _chosen_column(name, *given[name], known["crm_sales"], tables)
    yield from _statuses(given)


def _chosen_column(name: str, line: int, value: str, sales: SourceNames, tables: Tables) -> Iterator[Fault]:
    """Yield a column that the CRM's sales have not, or that holds something else. Documented is not enough to be there.

    While no dump has come, an undocumented name that is like no documented one may be a column of the team's own CRM.
    """
    fitting = sales.amounts if name == "revenue_column" else sales.dates
    key, keys = header_key(value), {header_key(column) for column in sales.columns}
    aliases = tables["column_aliases"]
    ours = aliases[(lookup_keys(aliases["source"]) == "crm_sales") & (aliases["column"].map(header_key) == key)][
        "alias"
    ]
    what = ""
    if key in keys and fitting and key not in {header_key(column) for column in fitting}:
        what = f"holds no {'amounts' if name == 'revenue_column' else 'dates'}"
    elif sales.header is None:
        what = (
            "is no documented column of the CRM's sales"
            if key not in keys and nearest(value, sales.columns, _NEARLY)
            else ""
        )
    elif not {key, *map(header_key, ours)} & {header_key(column) for column in sales.header}:
        what = "is no column of the CRM's newest sales"
    if what:
        header = [column for column in sales.header or () if header_key(column) not in keys and column.isascii()]
        there = set(map(header_key, sales.header or sales.columns))
        usual = sorted(fitting, key=lambda column: column != DEFAULT_METRICS[name])
        offered = [*(column for column in usual if header_key(column) in there), *header]
        yield Fault(
            line,
            cell(line, "value", value, what + did_you_mean(value, offered)),
            f"{name} is one of {', '.join(offered[:6])} …",
        )


def _statuses(given: Mapping[str, tuple[int, str]]) -> Iterator[Fault]:
    lists = [DEFAULT_METRICS[COUNTED], *(given[name][1] for name in (EXCLUDED, COUNTED) if name in given)]
    known = {lookup_key(status) for text in lists for status in statuses_of(text)}
    for name in (EXCLUDED, COUNTED):
        line, value = given.get(name, (0, ""))
        parts = [part.strip() for part in value.split("|") if part.strip()]
        right = [status for part in parts for status in _separated(part, known)]
        if right != parts:
            what = cell(line, "value", value, "is one status as it is written; statuses are separated by |")
            fix = f"write {without_contacts('|'.join(right))}; a sign that belongs to a status has a \\ before it"
            yield Fault(line, what, fix)
    if EXCLUDED in given and COUNTED in given:
        excluded = {lookup_key(status) for status in statuses_of(given[EXCLUDED][1])}
        for status in statuses_of(given[COUNTED][1]):
            if lookup_key(status) in excluded:
                line = given[COUNTED][0]
                what = cell(line, "value", status, f"is in {EXCLUDED} too (line {given[EXCLUDED][0]})")
                yield Fault(line, what, "keep it in one of the two")


def _separated(part: str, known: Collection[str]) -> list[str]:
    """Return the statuses that are meant by what stands between two bars, as they are to be written."""
    pieces = [piece.strip() for piece in STATUS_SEPARATORS.split(part) if piece.strip()]
    if any(len(piece) == 1 for piece in pieces):
        return [STATUS_SEPARATORS.sub(r"\\\g<0>", part)]  # `N/A` is one
    words = [STATUS_CONNECTIVES.split(piece) for piece in pieces]
    return [
        status
        for piece, found in zip(pieces, words, strict=True)
        for status in (found if all(len(one.split()) == 1 or lookup_key(one) in known for one in found) else [piece])
    ]


def _aliases(tables: Tables, known: Mapping[str, SourceNames]) -> Iterator[Fault]:
    rows = tables["column_aliases"]
    if known:
        what, fix = "is no pulled source", f"use one of {', '.join(known)}"
        yield from unknown(tables, "column_aliases", "source", known, what, fix)
    metrics = tables["metrics"]
    chosen = metrics["value"][lookup_keys(metrics["name"]).isin(CHOSEN_COLUMNS)]
    for line, source, column in zip(rows["line"], lookup_keys(rows["source"]), rows["column"], strict=True):
        if source not in known:
            continue
        columns = [*known[source].columns, *(chosen if source == "crm_sales" else ())]
        if header_key(column) not in set(map(header_key, columns)):
            what = f"is no documented column of {source}{did_you_mean(column, columns)}"
            fix = f"alias is the header in the file, column one of {', '.join(columns[:6])} …"
            yield Fault(line, cell(line, "column", column, what), fix)
    yield from _clashes(tables, "column_aliases", "alias", "column")


def _profiles(tables: Tables) -> Iterator[Fault]:
    rows = tables["zoom_profiles"]
    for value in ("type", "source_tag", "category_mode", "category", "topic_pattern", "product", "use_case"):
        yield from _clashes(tables, "zoom_profiles", "name", value)
    yield from patterns(tables, "zoom_profiles", "topic_pattern")
    blank = rows[(rows["category_mode"] == "fixed") & (lookup_keys(rows["category"]) == "")]
    for line in blank["line"]:
        what = cell(line, "category", "", "must not be blank where category_mode is fixed")
        yield Fault(line, what, "fill it in, or write auto for category_mode")


def _webinars(tables: Tables) -> Iterator[Fault]:
    least, most = WEBINAR_ID_DIGITS

    def why(value: str) -> str:
        if not re.fullmatch(r"[\d\s'-]+", value):
            return "" if _ROUNDED.fullmatch(value) else "is not digits only"
        count = len(re.findall(r"\d", value))
        return "" if least <= count <= most else f"has {count} digits; a webinar id has {least} to {most}"

    yield from _rounded(tables, "webinar_overrides", "webinar_id")
    fix = "write the webinar id as Zoom shows it, as 812 0000 2006"
    yield from bad_cells(tables, "webinar_overrides", "webinar_id", why, fix)
    yield from _overridden(tables, "webinar_overrides", "webinar_id")


def _overridden(tables: Tables, name: str, key: str, *more: str) -> Iterator[Fault]:
    """Yield what a table of overrides names that is not there, and where it says two things of one webinar or file."""
    profiles = tables["zoom_profiles"]
    fix = "use a profile of zoom_profiles.csv, or add it there"
    yield from unknown(tables, name, "profile", profiles["name"], "is not in zoom_profiles.csv", fix)
    categories = [one for one in [*tables["category_tokens"]["category"], *profiles["category"]] if lookup_key(one)]
    known = set(map(lookup_key, categories))
    yield from bad_cells(
        tables,
        name,
        "category",
        lambda value: (
            f"is nearly the category {like!r}"
            if lookup_key(value) not in known and (like := nearest(value, categories, _NEARLY))
            else ""
        ),
        "write it as in category_tokens.csv; if it is another one, add it there",
    )
    for value in ("conductor", "category", "profile", "bootcamp_day", *more):
        yield from _clashes(tables, name, key, value)


def _expected(tables: Tables) -> Iterator[Fault]:
    rows, profiles = tables["expected_exports"], tables["zoom_profiles"]
    fix = "use a profile of zoom_profiles.csv, or add it there"
    yield from unknown(tables, "expected_exports", "profile", profiles["name"], "is not in zoom_profiles.csv", fix)
    registered = set(lookup_keys(profiles["name"][profiles["type"] == "registration"]))
    never = rows[lookup_keys(rows["profile"]).isin(registered) & (rows["report"] == "attendee")]
    for line, profile in zip(never["line"], never["profile"], strict=True):
        what = cell(line, "profile", profile, "is of type registration: no attendee report is ever of it")
        yield Fault(line, what, "name the profile of the attendee report")
