"""Taking a person out of files: the landing archive, the lake, and whatever else lies in the state and drop folders."""

import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.person_matcher import PersonMatcher, Redacted, masked_bytes, no_label, redact_lines
from funnel_etl.core.reading.signatures import is_gzip, is_parquet, is_zip
from funnel_etl.core.tables.accounting import QUARANTINE_COLUMNS, TRACE
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.values.numbers import grouped
from funnel_etl.files import write_whole
from funnel_etl.operate.erase.person import Lines, Person
from funnel_etl.parts.marketing.zoom.intake import SOURCE as ZOOM
from funnel_etl.parts.marketing.zoom.reader.layout import heads_summary
from funnel_etl.platform.rows_file import rows_file
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.erasure_registry import redacted_from
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.archive.store import Store

log = logging.getLogger("funnel_etl.progress")
EVERY = 200
"""Files between two words of progress."""
LARGEST = 1_000_000_000
"""Bytes of a file of the state or drop folder that is looked into."""
ROWS = (".csv", ".tsv", ".txt")
IdsIn = Callable[[Iterable[str]], Mapping[str, frozenset[str]]]
"""Gives for columns of a table which of them hold ids, and those of the person."""


@dataclass
class RemovedLines:
    """What was, or would be, taken out. `lines`: place (a source, a folder) → lines or rows; `files`: → files.

    `file_ids`: landed files that lost lines; `problems`: files that could not be looked into.
    """

    lines: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    file_ids: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def count(self, place: str, lines: int) -> None:
        """Note that lines of one more file of a place go."""
        self.lines[place] = self.lines.get(place, 0) + lines
        self.files[place] = self.files.get(place, 0) + 1


def landed(landing: Landing, matcher: PersonMatcher) -> Iterator[tuple[str, str, Redacted]]:
    """Look through all landed files: gives file_id, source and what is left of each that names the person.

    A file that cannot be read is given without any bytes left and without lines.
    """
    arrivals = landing.arrivals()
    sources = {arrival.file_id: arrival.source for arrival in arrivals}
    pulled = {arrival.file_id for arrival in arrivals if arrival.kind == "pull"}
    file_ids = landing.file_ids()
    for number, file_id in enumerate(file_ids, start=1):
        source = sources.get(file_id, "landing")
        try:
            data = landing.read(file_id)
        except FunnelError:
            yield file_id, source, Redacted(b"")
            continue
        if is_parquet(data):
            left, rows = without_rows(data, matcher)
            withheld = Redacted(left, (), rows)
        else:
            follows_label = heads_summary if source == ZOOM else no_label
            withheld = redacted_from(data, matcher, follows_label, may_be_json=file_id in pulled)
        if withheld.is_changed:
            yield file_id, source, withheld
        if number % EVERY == 0:
            log.info("landing archive: %s of %s files looked through", grouped(number), grouped(len(file_ids)))


def count_landed(landing: Landing, matcher: PersonMatcher) -> RemovedLines:
    """Count what would be taken out of the landing archive, by source."""
    found = RemovedLines()
    for file_id, source, withheld in landed(landing, matcher):
        _note(found, file_id, source, withheld)
    return found


def erase_landed(landing: Landing, matcher: PersonMatcher, by: list[str]) -> RemovedLines:
    """Put tombstones in the place of the lines of the landing archive, and rename what came under the person's name."""
    found = RemovedLines()
    for file_id, source, withheld in landed(landing, matcher):
        if withheld.is_changed:
            landing.replace(file_id, withheld, by)
        _note(found, file_id, source, withheld)
    landing.first_lines.forget(landing.erasures.tombstones())
    for arrival in landing.arrivals():
        if names := _renamed(arrival, matcher):
            landing.rename(arrival, *names)
    return found


def _note(found: RemovedLines, file_id: str, source: str, withheld: Redacted) -> None:
    if withheld.is_changed:
        found.count(source, len(withheld.lines) + withheld.masked)
        found.file_ids.add(file_id)
    else:
        found.problems.append(f"landing archive, {file_id[:16]}: gone or damaged, and not looked into")


def _renamed(arrival: Arrival, matcher: PersonMatcher) -> tuple[str, str | None] | None:
    name, folder = matcher.masked(arrival.name), matcher.masked(arrival.folder) if arrival.folder else arrival.folder
    return (name, folder) if (name, folder) != (arrival.name, arrival.folder) else None


def erase_lake(store: Store, person: Person, contracts: Iterable[Table], lines: Lines) -> RemovedLines:
    """Take the person's rows out of every night's tables and accounts.

    They name the person, have one of the person's ids, or came from one of the erased `lines`. What was
    read of the Zoom reports among `lines`, and what is remembered of dumps, goes whole: it is made again.
    """
    found, matcher = RemovedLines(), person.matcher
    known = {table.full_name: table for table in contracts}
    for name in store.names(""):
        parts = name.split("/")
        if parts[0] == "_dumps" or (parts[0] == "_zoom" and parts[-1].partition(".")[0] in lines):
            store.remove(name)
            continue
        data = store.read(name)
        if name.endswith(".parquet"):
            table = ".".join(parts[:2])
            contract = known.get(table)
            is_of_persons = contract is None or any(column.personal for column in contract.columns)
            left, rows = without_rows(data, matcher if is_of_persons else None, partial(person.ids_in, table), lines)
            if rows:
                _adjust(store, f"_account/{'/'.join(parts[:3]).removesuffix('.parquet')}.json", rows)
            if not is_of_persons:
                left, masked_rows = with_masked_cells(left, matcher)
                rows += masked_rows
        elif parts[0] == "_account":
            left, rows = _without_quarantined(data, matcher)
        else:
            left, rows = masked(data, matcher), 1
        if left != data:
            store.write(name, left)
            found.count(parts[0] if parts[0].startswith("_") else ".".join(parts[:2]), rows)
    return found


def without_rows(
    data: bytes, matcher: PersonMatcher | None, ids_in: IdsIn = lambda _: {}, lines: Lines = MappingProxyType({})
) -> tuple[bytes, int]:
    """Return a Parquet file without the rows that name the person, have one of the ids or came from one of `lines`.

    Returns with it how many rows went.
    """
    table = pq.read_table(io.BytesIO(data))
    gone = _from_lines(table, lines)
    ids = ids_in(table.column_names)
    for name in table.column_names:
        column = table.column(name)
        if values := ids.get(name):
            gone = pc.or_(gone, pc.fill_null(pc.is_in(column.cast(pa.string()), pa.array(sorted(values))), False))
        if matcher and (naming := _naming(column, matcher)) is not None:
            gone = pc.or_(gone, naming)
    rows = int(pc.sum(gone).as_py() or 0)
    return (rows_file(table.filter(pc.invert(gone))), rows) if rows else (data, 0)


def _from_lines(table: pa.Table, lines: Lines) -> Any:
    """Return, for each row, whether it came from one of the lines."""
    if not lines or not set(TRACE) <= set(table.column_names):
        return pa.array([False] * len(table), pa.bool_())
    rows = zip(*(table.column(name).to_pylist() for name in TRACE), strict=True)
    return pa.array([line in lines.get(file_id, ()) for file_id, line in rows], pa.bool_())


def with_masked_cells(data: bytes, matcher: PersonMatcher) -> tuple[bytes, int]:
    """Return a Parquet file with the person's name masked in its texts, and in how many rows."""
    table = pq.read_table(io.BytesIO(data))
    rows = 0
    for at, name in enumerate(table.column_names):
        column = table.column(name)
        naming = _naming(column, matcher)
        if naming is None or not pa.types.is_string(column.type):
            continue
        rows = max(rows, int(pc.sum(naming).as_py() or 0))
        plain = [matcher.masked(text) if text is not None else None for text in column.to_pylist()]
        table = table.set_column(at, table.schema.field(at), pa.array(plain, column.type))
    return (rows_file(table), rows) if rows else (data, 0)


def _naming(column: pa.ChunkedArray, matcher: PersonMatcher) -> Any:
    """Return, for each cell, whether it names the person; None: no cell does. Each different text is looked at once."""
    column = column.combine_chunks()
    if pa.types.is_list(column.type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), "\n")
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    uniques = pc.unique(column.drop_null())
    if not matcher.named_in("\n".join(uniques.to_pylist())):
        return None
    named = pa.array([text for text in uniques.to_pylist() if matcher.named_in(text)], column.type)
    return pc.fill_null(pc.is_in(column, named), False) if len(named) else None


def _adjust(store: Store, account: str, rows: int) -> None:
    """Let the account of a table of an earlier night say what became of rows that it had."""
    if not store.exists(account):
        return
    body = json.loads(store.read(account))
    if not body["ledger"] or not sum(line["rows_out"] for line in body["ledger"]):
        return
    body["ledger"].append(_ledger_line(rows_out=-rows, excluded=rows))
    store.write(account, json.dumps(body, ensure_ascii=False).encode())


def _without_quarantined(data: bytes, matcher: PersonMatcher) -> tuple[bytes, int]:
    """Return an account without the rows in quarantine that name the person, and how many there were."""
    body = json.loads(data)
    rows = list(zip(*body["quarantine"], strict=True))
    kept = [row for row in rows if not matcher.named_in("\n".join(str(cell) for cell in row))]
    gone = len(rows) - len(kept)
    if gone:
        body["quarantine"] = [list(cells) for cells in zip(*kept, strict=True)] or [[] for _ in QUARANTINE_COLUMNS]
        body["ledger"].append(_ledger_line(quarantined=-gone, excluded=gone))
        data = json.dumps(body, ensure_ascii=False).encode()
    return masked(data, matcher), gone


def _ledger_line(**counts: int) -> dict[str, Any]:
    nothing = {"rows_in": 0, "rows_out": 0, "merged": 0, "quarantined": 0, "excluded": 0, "cell_warnings": 0}
    reasons = {"excluded:erased": counts["excluded"]}
    return {"input_name": "erased after the night was made", **nothing, **counts, "reasons": reasons}


def masked(data: bytes, matcher: PersonMatcher) -> bytes:
    """Return a file that is no table with the person's name masked. A packed one with the person becomes empty."""
    if is_zip(data) or is_gzip(data):
        return redacted_from(data, matcher).data
    return masked_bytes(data, matcher)


def erase_folders(
    folders: Iterable[Path], without: Iterable[Path], matcher: PersonMatcher, *, dry: bool = False
) -> RemovedLines:
    """Take the person out of all files below folders, but not below those in `without`; also out of their names.

    With `dry`, only count.
    """
    found = RemovedLines()
    left_alone = [path.resolve() for path in without]
    for folder in folders:
        for path in _files(folder.resolve(), left_alone):
            try:
                _erase_file(path, matcher, found, f"{folder.name}/", dry=dry)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                found.problems.append(f"a file in {path.parent.name}/ could not be looked into ({reason})")
    return found


def _files(folder: Path, left_alone: list[Path]) -> Iterator[Path]:
    if folder in left_alone or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path in left_alone:
            continue
        if path.is_dir():
            yield from _files(path, left_alone)
        elif path.is_file():
            yield path


def _erase_file(path: Path, matcher: PersonMatcher, found: RemovedLines, place: str, *, dry: bool) -> None:
    size = path.stat().st_size
    if size > LARGEST:
        found.problems.append(f"{path.name}: too large to be looked into ({grouped(size)} bytes): delete it yourself")
        return
    data = path.read_bytes()
    rows = 1
    if is_parquet(data):
        left, rows = without_rows(data, matcher)
    elif path.suffix.lower() in ROWS and not (is_zip(data) or is_gzip(data)):
        withheld = redact_lines(data, matcher, heads_summary)
        left, rows = withheld.data, len(withheld.lines) + withheld.masked
    else:
        left = masked(data, matcher)
    name = matcher.masked(path.name)
    if left == data and name == path.name:
        return
    found.count(place, rows)
    if dry:
        return
    if left != data:
        write_whole(path, left)
    if name != path.name:
        free = (path.with_name(f"{n}_{name}" if n else name) for n in count())
        path.rename(next(goal for goal in free if not goal.exists()))
