"""A replayed night as files: one CSV per table, the same bytes for the same rows, and a list of their hashes.

For programs and for comparing, exact to the character: a spreadsheet program may take a cell for a formula. They hold
personal data, so only their owner may read them.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.contracts import Kind, Table
from funnel_etl.files import private_folder, storage_error, write_whole

MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
MADE_BY = "funnel-etl replay"
STAMPS = ("version", "published_at")
"""Columns that are set when a table is published: blank in a replay."""
DECIMALS = {Kind.NUMBER: "z.12f", Kind.SHARE: "z.18f"}
"""How many decimals are written: of a double so few that no last bit of a machine shows."""
_STALE_SECONDS = 86_400


@dataclass(frozen=True)
class Written:
    """A file of a replay: its hash and how many rows it has."""

    sha256: str
    rows: int


def table_csv(table: Table, rows: pa.Table) -> bytes:
    r"""Return a table as CSV: UTF-8, LF, a header, rows in the order of the key.

    Texts, rates and shares are quoted, and a NULL is an empty cell without quotes, as PostgreSQL's COPY reads them.
    Instants are in UTC, money has two decimals, lists are JSON.
    """
    keys = [(name, "ascending") for name in table.key]
    ordered = rows.take(pc.sort_indices(rows, sort_keys=keys))
    columns = {column.name: _cells(ordered.column(column.name), column.kind) for column in table.columns}
    if "published_at" in columns:
        columns |= {name: pa.nulls(len(rows), pa.string()) for name in STAMPS if name in columns}
    buffer = io.BytesIO()
    csv.write_csv(pa.table(columns), buffer, csv.WriteOptions(quoting_style="needed"))
    return buffer.getvalue()


def _cells(values: pa.ChunkedArray, kind: Kind) -> pa.ChunkedArray | pa.Array:
    if kind in DECIMALS:
        unique = pc.unique(values)
        texts = [None if v is None else f"{v:{DECIMALS[kind]}}" for v in unique.to_pylist()]
        return pa.array(texts, type=pa.string()).take(pc.index_in(values, value_set=unique))
    if kind is Kind.TEXT_ARRAY:
        texts = [None if v is None else json.dumps(v, ensure_ascii=False) for v in values.to_pylist()]
        return pa.array(texts, type=pa.string())
    return values


def require_free(folder: Path, night: date) -> None:
    """Raise `FunnelError` if a replay of the night may not be written there: before the work, not after."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise FunnelError("this is no folder", where=str(folder), fix="name a folder with --to")
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise FunnelError("it cannot be written", where=str(folder), fix="name a folder of yours with --to")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    told = _manifest(folder)
    if told.get("made_by") != MADE_BY:
        raise FunnelError(
            "there is something else in it", where=str(folder), fix="name a folder with --to that is new or empty"
        )
    if told.get("as_of") != night.isoformat():
        raise FunnelError(
            f"it holds the replay of {told.get('as_of')}", where=str(folder), fix="name another folder with --to"
        )


def write_folder(
    folder: Path, tables: Iterable[tuple[Table, pa.Table]], about: Mapping[str, Any]
) -> dict[str, Written]:
    """Write the files beside `folder` and put them there when they are whole; an earlier replay in it is replaced.

    Raises `FunnelError` when it cannot be written; nothing new is left then.
    """
    folder = folder.absolute()
    try:
        private_folder(folder.parent)
        _sweep(folder)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.replaying-", dir=folder.parent))
        try:
            written = _fill(fresh, tables, about)
            _put(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise storage_error(error, "the replay", str(folder), "name another folder with --to") from error
    return written


def _fill(fresh: Path, tables: Iterable[tuple[Table, pa.Table]], about: Mapping[str, Any]) -> dict[str, Written]:
    written: dict[str, Written] = {}
    for table, rows in tables:
        written[f"{table.full_name}.csv"] = _write(fresh / f"{table.full_name}.csv", table_csv(table, rows), len(rows))
    files = {name: vars(one) for name, one in sorted(written.items())}
    text = json.dumps({"made_by": MADE_BY, **about, "files": files}, sort_keys=True, ensure_ascii=False, indent=1)
    manifest = _write(fresh / MANIFEST, f"{text}\n".encode(), 0)
    sums = {**{name: one.sha256 for name, one in written.items()}, MANIFEST: manifest.sha256}
    _write(fresh / SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode(), 0)
    return written


def _write(path: Path, data: bytes, rows: int) -> Written:
    write_whole(path, data, private=True)
    return Written(hashlib.sha256(data).hexdigest(), rows)


def _put(fresh: Path, folder: Path) -> None:
    """Rename the filled folder to its name; what was there goes only when the new one stands."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = fresh.with_name(fresh.name.replace(".replaying-", ".replaced-"))
    folder.rename(old)
    try:
        fresh.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what a killed replay left beside the folder, a day later; put back what it had moved out of the way."""
    limit = time.time() - _STALE_SECONDS
    if not folder.exists():
        for old in sorted(folder.parent.glob(f".{folder.name}.replaced-*"))[-1:]:
            old.rename(folder)
    for stale in folder.parent.glob(f".{folder.name}.repla*-*"):
        with suppress(OSError):
            if stale.stat().st_mtime < limit:
                shutil.rmtree(stale, ignore_errors=True)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
