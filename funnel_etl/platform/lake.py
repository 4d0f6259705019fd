"""The lake: one Parquet file per table and night, its account beside it. A cache: delete it, run the night again.

A table may also lie there in parts, `table/night/part-00.parquet` and so on, and is read as one. We write none.

Reads and writes frames by their contracts; knows no Dagster and no PostgreSQL.
"""

import hashlib
import io
import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.schema_drift import SchemaChange
from funnel_etl.core.tables.accounting import (
    LINE_COLUMNS,
    MERGED_COLUMNS,
    QUARANTINE_COLUMNS,
    LedgerLine,
    Made,
    Outcome,
)
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.validity import Validity
from funnel_etl.platform.rows_file import StoredRows, hash_in, rows_file
from funnel_etl.sources.archive.store import open_store


class Lake:
    """All nights' tables below one root: a folder or any universal-pathlib URL. Files are replaced whole, or not."""

    def __init__(self, root: UPath | str) -> None:
        self.root = UPath(root)
        self._store = open_store(self.root)

    def of_night(self, night: date, earlier: Collection[str]) -> "Lake":
        """Return the lake as an asset of a night sees it: of other nights only the tables `earlier` (schema.table)."""
        return _LakeOfNight(self, night, frozenset(earlier))

    def write(self, table: Table, night: date, rows: pd.DataFrame) -> None:
        """Write a conforming frame as the table of a night."""
        contract = table.extended_with(rows.columns) if table.extensible else table
        self._store.write(f"{_place(table.full_name, night)}.parquet", rows_file(contract.to_arrow(rows)))

    def reuse(self, table: Table, night: date, of: date) -> None:
        """Let the file of the night `of` be that of `night` too, without copying where the lake is a folder."""
        for name in self._files(table, of):
            self._store.link(name, name.replace(_place(table.full_name, of), _place(table.full_name, night), 1))

    def read_arrow(self, table: Table, night: date, columns: list[str] | None = None) -> pa.Table:
        """Return the table of a night as Arrow, or some columns. Raises `FunnelError` if that night has not made it."""
        return pa.concat_tables(
            [pq.read_table(io.BytesIO(self._store.read(name)), columns=columns) for name in self._files(table, night)],
            promote_options="default",
        )

    def stored(self, table: Table, night: date) -> pa.Table | StoredRows:
        """Return the table of a night to be read by columns, or whole where it lies there in parts. As `read_arrow`."""
        names = self._files(table, night)
        return StoredRows(self._store.read(names[0])) if len(names) == 1 else self.read_arrow(table, night)

    def read(self, table: Table, night: date) -> pd.DataFrame:
        """Return the table of a night as a frame by its contract, or `only` some of its columns."""
        arrow = self.read_arrow(table, night, None if table.key else table.names)
        return (table.extended_with(arrow.column_names) if table.extensible else table).from_arrow(arrow)

    def columns(self, table: Table, night: date) -> list[str]:
        """Return the columns of the table of a night. Raises `FunnelError` when that night has not made it."""
        names: dict[str, None] = {}
        for part in self._files(table, night):
            with self._store.open(part) as file:
                names |= dict.fromkeys(pq.read_schema(file).names)
        return list(names)

    def content_hash(self, table: Table, night: date) -> str:
        """Return the hash of the night's rows in their order, as `rows_file` keeps it. Raises as `read_arrow`.

        Of a table in several parts it is another than of the same rows in one.
        """
        found = []
        for name in self._files(table, night):
            with self._store.open(name) as file:
                found.append(hash_in(file))
        return found[0] if len(found) == 1 else hashlib.sha256(" ".join(found).encode()).hexdigest()

    def rows_of_hash(self, table: Table, content_hash: str, night: date) -> StoredRows | None:
        """Return the rows that have a hash, if they are those of a night or of the last one before it; else None."""
        for made in [day for day in self.nights(table) if day <= night][:-3:-1]:
            names = self._files(table, made)
            if len(names) == 1 and hash_in(file := self._store.read(names[0])) == content_hash:
                return StoredRows(file)
        return None

    def count(self, table: Table, night: date) -> int:
        """Return the number of rows of the night's table. Raises as `read_arrow`."""
        rows = 0
        for name in self._files(table, night):
            with self._store.open(name) as file:
                rows += int(pq.read_metadata(file).num_rows)
        return rows

    def exists(self, table: Table, night: date) -> bool:
        """Return whether the night has made the table."""
        return bool(self._found(table.full_name, night))

    def nights(self, table: Table) -> list[date]:
        """Return the nights that have made the table, oldest first."""
        return _made(self._store.names(f"{table.schema}/{table.name}")).get(table.full_name, [])

    def made(self, schema: str) -> dict[str, list[date]]:
        """Return each table of a schema that lies here, as schema.table, and its nights, oldest first."""
        return _made(self._store.names(schema))

    def size(self, table_name: str, night: date) -> int:
        """Return how many bytes the table of a night takes, with its account; of a table as schema.table.

        Of a file that several nights share, its part.
        """
        return sum(self._store.size(name) for name in self._everything(table_name, night) if self._store.exists(name))

    def remove(self, table_name: str, night: date) -> None:
        """Remove the table of a night, as schema.table, and its account."""
        for name in self._everything(table_name, night):
            self._store.remove(name)

    def sweep(self, older_than: timedelta = timedelta(days=1)) -> int:
        """Remove what a killed process left half-written, and return how many."""
        return self._store.sweep(older_than)

    def write_account(self, table: Table, night: date, outcome: Outcome, run_id: str) -> None:
        """Write the account of a night's table: ledger, quarantine and merged rows."""
        body = {
            "run_id": run_id,
            "ledger": [asdict(line) for line in outcome.ledger],
            "notes": outcome.notes,
            "problems": outcome.problems,
            "drift": [asdict(change) for change in outcome.drift],
            "quarantine": _records(outcome.quarantine, QUARANTINE_COLUMNS),
            "merged": _records(outcome.merged, MERGED_COLUMNS),
            "lines": _records(outcome.lines, LINE_COLUMNS),
            "made": None if outcome.made is None else self._made(table, night, outcome.made),
        }
        self._store.write(_account_name(table.full_name, night), json.dumps(body, ensure_ascii=False).encode())

    def read_account(self, table: Table, night: date) -> tuple[Outcome, str]:
        """Return the account of a night's table (an Outcome without its rows) and the run that made it."""
        body = json.loads(self._store.read(_account_name(table.full_name, night)))
        return _account(body), body["run_id"]

    def reusable(self, table: Table, night: date, fits: Callable[[Made], bool]) -> Outcome | None:
        """Return the account of a night's table that other nights may reuse, if how it was made `fits`; else None.

        It failed no check, and its file is byte for byte as it was written: what was erased or damaged is made again.
        """
        try:
            body = json.loads(self._store.read(_account_name(table.full_name, night)))
            account = _account(body)
            is_good = account.made is not None and not account.problems and fits(account.made)
            return account if is_good and body["made"]["file"] == self._bytes_hash(table, night) else None
        except (OSError, FunnelError, ValueError, KeyError):  # gone, damaged, or of an earlier version
            return None

    def _made(self, table: Table, night: date, made: Made) -> dict[str, Any]:
        """Return how a table was made as its account holds it, with the hash of the file that this is true of."""
        valid = {name: day and day.isoformat() for name, day in asdict(made.validity).items()}
        return {"key": made.key, "night": made.night.isoformat(), **valid, "file": self._bytes_hash(table, night)}

    def _bytes_hash(self, table: Table, night: date) -> str:
        """Return the SHA-256 of the files of a night's table."""
        digest = hashlib.sha256()
        for name in self._files(table, night):
            digest.update(self._store.read(name))
        return digest.hexdigest()

    def _files(self, table: Table, night: date) -> list[str]:
        """Return the names of a night's table: its file, or its parts. Raises `FunnelError`, as `read_arrow`."""
        if found := self._found(table.full_name, night):
            return found
        raise FunnelError(
            f"the night {night} has not made it yet",
            where=f"lake table {table.full_name}",
            fix=f"materialize {table.schema}/{table.name} for {night}, or run the night: "
            f"funnel-etl run --as-of {night}",
        )

    def _found(self, table_name: str, night: date) -> list[str]:
        name = f"{_place(table_name, night)}.parquet"
        return [name] if self._store.exists(name) else self._store.names(_place(table_name, night))

    def _everything(self, table_name: str, night: date) -> list[str]:
        place = _place(table_name, night)
        return [f"{place}.parquet", *self._store.names(place), _account_name(table_name, night)]


class _LakeOfNight(Lake):
    """The lake as an asset sees it. It refuses what of other nights is not declared: a purge might have removed it."""

    def __init__(self, lake: Lake, night: date, earlier: frozenset[str]) -> None:
        self.root, self._store = lake.root, lake._store  # noqa: SLF001 - the same lake
        self._night, self._earlier = night, earlier

    def exists(self, table: Table, night: date) -> bool:
        self._require_declared(table, night)
        return super().exists(table, night)

    def nights(self, table: Table) -> list[date]:
        self._require_declared(table)
        return super().nights(table)

    def read_account(self, table: Table, night: date) -> tuple[Outcome, str]:
        self._require_declared(table, night)
        return super().read_account(table, night)

    def _files(self, table: Table, night: date) -> list[str]:
        self._require_declared(table, night)
        return super()._files(table, night)

    def _require_declared(self, table: Table, night: date | None = None) -> None:
        if night != self._night and table.full_name not in self._earlier:
            raise RuntimeError(f"{table.full_name} of another night: declare it as reads_earlier, or it may be purged")


def _place(table_name: str, night: date) -> str:
    return f"{table_name.replace('.', '/', 1)}/{night.isoformat()}"


def _account_name(table_name: str, night: date) -> str:
    return f"_account/{_place(table_name, night)}.json"


def _made(names: Iterable[str]) -> dict[str, list[date]]:
    """Return table → the nights whose files these are, oldest first."""
    found: dict[str, set[date]] = {}
    for name in names:
        if name.endswith(".parquet"):
            schema, table, night = name.removesuffix(".parquet").split("/")[:3]
            found.setdefault(f"{schema}.{table}", set()).add(date.fromisoformat(night))
    return {name: sorted(nights) for name, nights in found.items()}


def _account(body: dict[str, Any]) -> Outcome:
    """Return an account as it was written; those of releases before some fields lack them."""
    made = body.get("made")
    days = {name: made[name] and date.fromisoformat(made[name]) for name in ("since", "until")} if made else {}
    return Outcome(
        rows=pd.DataFrame(),
        ledger=[LedgerLine(**line) for line in body["ledger"]],
        quarantine=pd.DataFrame(dict(zip(QUARANTINE_COLUMNS, body["quarantine"], strict=True))),
        merged=pd.DataFrame(dict(zip(MERGED_COLUMNS, body["merged"], strict=True))),
        notes=body["notes"],
        problems=body["problems"],
        drift=[SchemaChange(**change) for change in body.get("drift", [])],
        lines=pd.DataFrame(dict(zip(LINE_COLUMNS, body.get("lines", [[]] * len(LINE_COLUMNS)), strict=True))),
        made=Made(made["key"], date.fromisoformat(made["night"]), Validity(**days)) if made else None,
    )


def _records(frame: pd.DataFrame, columns: Iterable[str]) -> list[list[object]]:
    return [frame[column].tolist() for column in columns]
