"""A filled-in work-list becomes lines of `config_csv`: checked whole, then added, or nothing is changed at all."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from funnel_etl.core.config_tables import RESIDUAL_FUNNELS, TABLES, Config, check_together, iso_days, parse_table
from funnel_etl.core.errors import ConfigError, FunnelError
from funnel_etl.core.reading.csvfile import PROBLEM, CsvRecords, header_key, read_csv
from funnel_etl.core.reading.signatures import is_zip
from funnel_etl.core.values.text import decode, lookup_key, squash_one, typed
from funnel_etl.marts.funnel.worklist.contracts import DECIDED_IN, ITEM_KINDS, WHAT_TO_DO
from funnel_etl.marts.funnel.worklist.worklist import BLANK
from funnel_etl.operate.mappings.write import alone, bytes_of, replace_kept
from funnel_etl.operate.worklist.worklist import FILL_IN, escaped, newest_worklist, unescaped
from funnel_etl.settings import Settings

DATES = ("valid_from", "valid_to")
ADDED_IN_ORDER = ("funnels", "manual_value_funnel", "funnel_mapping", "manual_mapping")
"""Tables a decision is added to; in this order every state in between fits together."""
COLUMN_OF_FILE = {"source": "item", "sale_id": "item", "manual_value": "item"}
"""Columns of the tables that are filled from another column of the work-list."""
Record = dict[str, str]


@dataclass
class Applied:
    """What became of a filled file. `added`: table → its new lines; with `errors` nothing was changed."""

    added: dict[str, list[Record]] = field(default_factory=dict)
    already: int = 0
    unfilled: int = 0
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What a filled list would do. `files`: table → its bytes as they are, and as they would be."""

    done: Applied
    files: dict[str, tuple[bytes | None, bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Decision:
    """A filled row, by its line: the table it is added to, and the new line of that table."""

    line: int
    table: str
    record: Record


def apply_worklist(settings: Settings, file: Path) -> Applied:
    """Add the decisions of a filled file to the tables of `config_csv`. Existing lines stay as they are.

    All or nothing. Rows without a funnel are counted and skipped, and so are decisions that stand there already.
    Raises `FunnelError` when the file or a table cannot be read or written.
    """
    return save_decisions(settings, _read(file), file.name)


def save_decisions(settings: Settings, rows: pd.DataFrame, named: str) -> Applied:
    """Add the decisions of filled rows to their tables, or change nothing."""
    with alone(settings.state):
        plan = plan_decisions(settings, rows, named)
        replace_kept(settings, plan.files)
    return plan.done


def plan_decisions(settings: Settings, rows: pd.DataFrame, named: str) -> Plan:
    """Return what the filled rows of a list add, and change nothing. `rows`: a list of a file, or `grid_rows`.

    Raises `FunnelError` when a table cannot be read.
    """
    folder = settings.config_folder
    data = {name: bytes_of(folder / f"{name}.csv") for name in TABLES}
    config = Config({name: parse_table(name, found) for name, found in data.items()})
    filled = rows[rows["funnel"].map(lookup_key) != ""]
    done = Applied(unfilled=len(rows) - len(filled))
    listed = newest_worklist(settings.lake_root).rows
    checker = _Checker(
        config, {(k, lookup_key(i)): i for k, i in zip(listed["item_kind"], listed["item"], strict=True)}
    )
    decisions: list[_Decision] = []
    wrong: dict[int, str] = {}
    # Funnels first: what they add, other rows may use.
    for record in sorted(filled.to_dict("records"), key=lambda r: DECIDED_IN.get(r["item_kind"]) != "funnels"):
        line = int(record["source_row"])
        try:
            found = checker.decision(line, record)
        except ConfigError as error:
            wrong[line] = f"{named}: line {line}: {error.what}. Fix: {error.fix}"
            continue
        done.already += found is None
        decisions += [found] if found else []
    if wrong:
        done.errors = [wrong[line] for line in sorted(wrong)]
        return Plan(done)
    texts = {name: _with_lines(name, data[name], decisions) for name in ADDED_IN_ORDER}
    new = {name: text for name, text in texts.items() if text is not None}
    done.errors = _refusals(data | new, config, decisions, named)
    if done.errors:
        return Plan(done)
    done.added = {name: [d.record for d in decisions if d.table == name] for name in new}
    return Plan(done, {name: (data[name], text) for name, text in new.items()})


def grid_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a list that was filled in on a page as `plan_decisions` takes it, its rows numbered from 1."""
    filled = rows[["item_kind", "item", *FILL_IN]].fillna("").astype("str").reset_index(drop=True)
    filled[[*FILL_IN]] = filled[[*FILL_IN]].map(typed)
    return filled.assign(item=filled["item"].map(escaped), source_row=range(1, len(filled) + 1), **{PROBLEM: None})


class _Checker:
    """Checks filled rows one by one against the tables as they are, and as the rows before have made them."""

    def __init__(self, config: Config, listed: Mapping[tuple[str, str], str]) -> None:
        self.listed = listed
        self.funnels = {lookup_key(name): str(name) for name in config.table("funnels")["funnel"]}
        self.typed = dict(zip(*(config.table("manual_mapping")[c] for c in ("sale_id", "line")), strict=True))
        self.there = {
            _identity(name, {str(k): _text(v) for k, v in record.items()})
            for name in ADDED_IN_ORDER
            for record in config.table(name).to_dict("records")
        }

    def decision(self, line: int, row: Mapping[Any, Any]) -> _Decision | None:
        """Return the line a row adds, None if it stands there already. Raises `ConfigError` for a row that is wrong."""
        kind, item = str(row["item_kind"]), unescaped(str(row["item"]))
        item = self.listed.get((kind, lookup_key(item)), item)
        if isinstance(row[PROBLEM], str):
            raise ConfigError(f"{row[PROBLEM].replace('_', ' ')} for its header", fix="look for a comma in a cell")
        if kind not in ITEM_KINDS:
            raise _wrong("item_kind", kind, f"one of {', '.join(DECIDED_IN)}", "leave the column as it was written")
        if kind not in DECIDED_IN:
            by_hand = "an unused line is deleted by hand, in its own table"
            fix = by_hand if kind == "unused_mapping" else WHAT_TO_DO[kind]
            raise _wrong("funnel", row["funnel"], "a blank cell", fix)
        if item == BLANK or "(phone)" in item or "(e-mail)" in item:
            raise _wrong("item", item, "a whole name", "correct it at its source, or add the line by hand")
        table = DECIDED_IN[kind]
        record = self._record(table, kind, item, row)
        _validate(table, record)
        identity = _identity(table, record)
        if identity in self.there:
            return None
        if (kind, lookup_key(item)) not in self.listed:
            raise _wrong("item", item, f"a name of the newest list of kind {kind}", "undo what the spreadsheet changed")
        if kind == "misc_sale" and item in self.typed:
            raise _wrong(
                "item", item, "a sale without a line", f"correct line {self.typed[item]} of manual_mapping.csv"
            )
        self.there.add(identity)
        if table == "funnels":
            self.funnels[lookup_key(item)] = squash_one(item)
        return _Decision(line, table, record)

    def _record(self, table: str, kind: str, item: str, row: Mapping[Any, Any]) -> Record:
        given = {name: str(row[name]) for name in FILL_IN}
        given["funnel"] = unescaped(given["funnel"])
        if table != "funnel_mapping" and (dated := next((name for name in DATES if given[name].strip()), None)):
            raise _wrong(dated, given[dated], "a blank cell", f"only sources have days; {table}.csv has none")
        key = lookup_key(given["funnel"])
        if table == "funnels":
            if key != lookup_key(item):
                why = "add it under its own name, or leave the cell blank and have the name corrected at its source"
                raise _wrong("funnel", given["funnel"], repr(item), why)
            return {"funnel": squash_one(item)}
        residual = {} if kind == "misc_sale" else {lookup_key(name): name for name in RESIDUAL_FUNNELS}
        funnel = {**residual, **self.funnels}.get(key)
        if funnel is None:
            known = ", ".join(self.funnels.values())
            raise _wrong("funnel", given["funnel"], f"a funnel of funnels.csv ({known})", "correct it, or add it there")
        if table == "manual_mapping":
            return {"sale_id": item, "manual_value": funnel, "note": given["note"]}
        if table == "manual_value_funnel":
            return {"manual_value": item, "funnel": funnel, "note": given["note"]}
        return {
            "source": item,
            "funnel": funnel,
            **{name: given[name].strip() for name in DATES},
            "note": given["note"],
        }


def _wrong(column: str, value: object, expected: str, fix: str) -> ConfigError:
    return ConfigError(f"column {column!r}: {str(value)!r}: expected {expected}", fix=fix)


def _validate(table: str, record: Record) -> None:
    try:
        TABLES[table].model_validate({k: None if k in DATES and not v else v for k, v in record.items()})
    except ValidationError as error:
        first = error.errors()[0]
        column = str(first["loc"][0]) if first["loc"] else "?"
        why = first["msg"].removeprefix("Value error, ")
        raise ConfigError(
            f"column {COLUMN_OF_FILE.get(column, column)!r}: {record.get(column)!r}: {why}",
            fix="correct the cell and save the file as CSV",
        ) from error


def _identity(table: str, record: Mapping[str, str]) -> tuple[str, ...]:
    """Name a line by what it says, whatever its note: a second one that says the same adds nothing."""
    if table == "manual_mapping":
        return table, record["sale_id"], lookup_key(record["manual_value"])
    names = [name for name in TABLES[table].model_fields if name != "note"]
    return table, *(lookup_key(record.get(name, "")) for name in names)


def _text(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _read(file: Path) -> pd.DataFrame:
    """Read a filled file as text; days as YYYY-MM-DD. Raises `ConfigError` when it is no work-list."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the file cannot be read ({error.strerror or type(error).__name__})",
            where=str(file),
            fix="name the file that funnel-etl worklist --to has written",
        ) from error
    if is_zip(data):
        raise ConfigError("this is a workbook, not CSV", where=file.name, fix="save it as CSV (UTF-8) and name that")
    try:
        records = read_csv(data, [*FILL_IN, "item_kind", "item"])
    except FunnelError as error:
        raise ConfigError(error.what, where=file.name, fix="save it as CSV again") from error
    found = {header_key(column): column for column in records.columns}
    if missing := [name for name in ("item_kind", "item", "funnel") if header_key(name) not in found]:
        raise ConfigError(
            f"line 1: the column {missing[0]!r} is missing; found {', '.join(records.columns)}",
            where=file.name,
            fix="fill in a file that funnel-etl worklist --to has written, and leave its header",
        )
    names = {found[header_key(c)]: c for c in ("item_kind", "item", *FILL_IN) if header_key(c) in found}
    rows = records.rows.rename(columns=names)
    for column in FILL_IN:
        rows[column] = rows[column].fillna("") if column in rows else ""
    # Only where a funnel is: what stands in undecided rows is nobody's mistake.
    rows[["item_kind", "item"]] = rows[["item_kind", "item"]].fillna("")
    rows[list(DATES)] = rows[list(DATES)].where(rows["funnel"].str.strip() != "", "")
    for column in DATES:
        rows[column] = iso_days(rows, column, file.name).fillna("")
    return rows


def _with_lines(table: str, data: bytes | None, decisions: list[_Decision]) -> bytes | None:
    """Return a table's file with the new lines at its end, in its encoding, delimiter and line end; None: no line."""
    own = [decision.record for decision in decisions if decision.table == table]
    if not own:
        return None
    if data is None or not data.strip():
        data = (",".join(TABLES[table].model_fields) + "\n").encode()
    records = read_csv(data, TABLES[table].model_fields)
    text = decode(data).text
    end = "\r\n" if "\r\n" in text else "\n"
    added = io.StringIO(newline="")
    writer = csv.writer(added, delimiter=records.delimiter, lineterminator=end)
    writer.writerows(_cells(table, record, records) for record in own)
    joint = "" if text.endswith(("\n", "\r")) else end
    try:
        return data + (joint + added.getvalue()).encode(records.encoding)
    except UnicodeEncodeError:
        raise ConfigError(
            f"it is not in UTF-8, and a name to be added has letters that {records.encoding} cannot write",
            where=f"config_csv/{table}.csv",
            fix="save it as CSV UTF-8, then apply again",
        ) from None


def _cells(table: str, record: Record, records: CsvRecords) -> list[str]:
    """Put the cells of a new line in the order of the file's own columns."""
    columns = [header_key(column) for column in records.columns]
    lost = [name for name, text in record.items() if text and name != "note" and header_key(name) not in columns]
    if lost:
        raise ConfigError(
            f"it has no column {lost[0]!r}, which a line to be added needs",
            where=f"config_csv/{table}.csv",
            fix=f"add it; the header is {','.join(TABLES[table].model_fields)}",
        )
    by_key = {header_key(name): text for name, text in record.items()}
    return [by_key.get(column, "") for column in columns]


def _refusals(data: Mapping[str, bytes | None], before: Config, decisions: list[_Decision], file: str) -> list[str]:
    """Return what is wrong with the tables as they would be together; a new line is named by the row it comes from."""
    tables = {name: parse_table(name, found) for name, found in data.items()}
    told = []
    edited = {decision.table for decision in decisions}
    wrong_before = {name: str(error) for name, error in check_together(before.tables).items() if name not in edited}
    for name, error in check_together(tables).items():
        if str(error) == wrong_before.get(name):
            continue  # of another table: a night goes on with its last good version
        had = len(before.table(name))
        new = tables[name]["line"].iloc[had:]
        rows = [decision.line for decision in decisions if decision.table == name]
        named = [f"line {n} would be line {row} of {file}" for n, row in zip(new, rows, strict=True)]
        named = [text for text in named if text.split()[1] in error.what.replace(":", "").split()]
        shown = f" ({', '.join(named)})" if named else ""
        told.append(f"{error.where}: {error.what}{shown}. Fix: {error.fix}")
    return told
