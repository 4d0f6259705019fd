"""Whether a table is made, or that of an earlier night is reused: it was made of the same, and still holds.

What a table is made of is known by a key, a hash of everything but its as-of date; for which as-of dates it holds is
its `Validity`. Both are in its account.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from datetime import date
from importlib.metadata import requires, version
from pathlib import Path
from re import match
from typing import Any

import dagster as dg

import funnel_etl
from funnel_etl.core.tables.accounting import Made, Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.earlier import Earlier
from funnel_etl.platform.dagster.nights import QUEUE, Night
from funnel_etl.platform.lake import Lake

SETTINGS = ("timezone", "sheet_year", "zoom_date_ratio", "quarantine_limit", "webengage_licence", "chat_text_days")
"""The settings that decide about the rows of a table that may be reused, or whether they are published."""
REMAKE = "funnel_etl/remake"
"""Tag of runs that make every table."""
Past = Callable[[Night, Lake], Any]
"""Returns what a body takes from earlier nights, as JSON; or `MAKE` if that cannot be known without making it."""
MAKE = object()
ITSELF = "itself"
_DIGITS = hashlib.sha256().digest_size * 2
"""Of a key; behind them may stand the hash of the table's own rows of the night before."""


def may_reuse(run: dg.DagsterRun) -> bool:
    """Return whether a run may reuse tables: a whole job of ours, no materialized asset and no repeated run."""
    is_whole = QUEUE in run.tags and not run.asset_selection and run.parent_run_id is None
    return is_whole and REMAKE not in run.tags


def key_of(table: Table, night: Night, lake: Lake, inputs: Mapping[str, Table], past: Past) -> str | None:
    """Return the key of a table of a night; None: nothing made before can be known to be the same.

    Raises `FunnelError` when an input has not been made.
    """
    of_past = past(night, lake)
    if of_past is MAKE:
        return None
    itself = f" after {of_past.pop(ITSELF)}" if isinstance(of_past, dict) and ITSELF in of_past else ""
    return _hashed(_made_of(night, lake, inputs) | {"contract": repr(table), "past": of_past}) + itself


def key_of_files(night: Night, lake: Lake, inputs: Mapping[str, Table]) -> str:
    """Return the key of files that are made of the tables of a night. Raises as `key_of`."""
    return _hashed(_made_of(night, lake, inputs))


def _made_of(night: Night, lake: Lake, inputs: Mapping[str, Table]) -> dict[str, Any]:
    """Return what everything follows from that a night makes of these tables, as JSON."""
    return {
        "code": CODE,
        "config": night.config.version,
        "settings": {name: getattr(night.sources.settings, name) for name in SETTINGS},
        "inputs": {name: lake.content_hash(read, night.day) for name, read in inputs.items()},
        "erased": night.sources.landing.erasures.persons(),
    }


def _hashed(made_of: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def before(earlier: Mapping[Table, Collection[Earlier]], settled: Table | None = None) -> Past:
    """Return the past of a body that reads tables of the night before, as a hash of their rows.

    `settled`: the body's own table, whose rows go to the end of the key (`Uses.SETTLED`).

    A night that the lake lacks is made again from the archive: then, `MAKE`. With the night before there, the nights
    `SINCE` the table's own last one are none.
    """
    if others := {rule for rules in earlier.values() for rule in rules} - {Earlier.BEFORE, Earlier.SINCE}:
        raise RuntimeError(f"what is read by {sorted(others)} is not in the key of a table: make it every night")

    def past(night: Night, lake: Lake) -> Any:
        recorded = night.sources.landing.recorded().values()
        newest = max((day for days in recorded for day in days if day < night.day), default=None)
        found = {table.full_name: night_before(table, night, lake) for table in earlier}
        if set(found.values()) - {newest}:
            return MAKE
        read = [table for table, rules in earlier.items() if Earlier.BEFORE in rules]
        rows = {table.full_name: newest and lake.content_hash(table, newest) for table in read}
        return {ITSELF: rows.pop(settled.full_name), **rows} if settled else rows

    return past


def night_before(table: Table, night: Night, lake: Lake) -> date | None:
    """Return the latest night before that has made a table; None: there was none."""
    return max((day for day in lake.nights(table) if day < night.day), default=None)


def reusable(table: Table, night: Night, lake: Lake, key: str) -> Outcome | None:
    """Return the account of what was made of the same and holds tonight: of this night itself, or the one before it.

    After what the table of the night before was made, if it settles, does not matter: tonight's is made after that.
    """
    for day, length in ((night.day, len(key)), (night_before(table, night, lake), _DIGITS)):

        def fits(made: Made, length: int = length) -> bool:
            return made.key[:length] == key[:length] and made.validity.holds(night.day)

        if day and (account := lake.reusable(table, day, fits)):
            account.reused_from = day
            return account
    return None


def _code() -> str:
    """Return a hash of our code and of the versions of what it needs: coarse, so that no edit is overlooked."""
    digest = hashlib.sha256()
    folder = Path(funnel_etl.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    for needed in sorted(requires("funnel_etl") or []):
        name = match(r"[\w.-]+", needed)
        if name and "extra ==" not in needed:
            digest.update(f"{name[0]} {version(name[0])}\n".encode())
    return digest.hexdigest()


CODE = _code()
"""Read when this is loaded, as the code is: a process that goes on after an update still runs what it loaded."""
