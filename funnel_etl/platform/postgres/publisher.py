"""From the lake to PostgreSQL: a part's tables in one transaction, each a temporary table and a MERGE.

A table that is still empty is filled straight away, which costs the server less than a MERGE. Of one that holds exactly
rows that are still in the lake, only what differs from these is sent.

Readers see one whole night or the one before, never blocked; grants, comments, views stay. No older night goes over
a newer one; a table that PostgreSQL holds already, which is looked at, is not sent. Knows no domain.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.errors import PublishRefused
from funnel_etl.core.tables.contracts import Kind, Table
from funnel_etl.platform.difference import Difference, difference, in_key_order
from funnel_etl.platform.postgres.database import libpq_uri, literal, redacted
from funnel_etl.platform.postgres.database_errors import explained
from funnel_etl.platform.postgres.held import (
    Held,
    Known,
    Repair,
    keys_of,
    look,
    mark_of_values,
    own_transaction,
    quoted,
    quoted_key,
    quoted_name,
    rows_of,
    typed,
    written,
)
from funnel_etl.platform.postgres.owner import LAST_VERSION, Claim, refuse_other_owner, set_owner
from funnel_etl.platform.postgres.schema import identifier
from funnel_etl.platform.rows_file import StoredRows

log = logging.getLogger(__name__)

AT_A_TIME = 20_000
"""Rows that are made into a message together: of all at once there would be another copy."""
LOCK = "hashtextextended('funnel_etl.publish', 0)"
NOTHING_STAGED = "DROP TABLE IF EXISTS pg_temp.staged, pg_temp.gone"
"""Before and after: behind a pooler the session, and what is staged in it, outlives the transaction."""

MOST = 1 / 3
"""Share of a table above which the difference is not looked for to its end: all of it is merged."""


@dataclass(frozen=True)
class Publication:
    """One table to publish. `read` is called when its turn comes, and not at all if PostgreSQL holds it already.

    `mode`: replace (rows that are gone are deleted), replace_part (only those of the published part), append (none is
    deleted, and a NULL does not replace what is known), resolve (quarantine: rows of the part that are gone get their
    resolved_at). `content_hash` (with replace and replace_part) lets what is unchanged be skipped. `earlier` returns
    the rows that have a content hash, published for a night, if they are still there: the difference from them may be
    sent. A table with a column published_at is stamped with it and with the version.
    """

    table: Table
    read: Callable[[], pa.Table | StoredRows]
    mode: Literal["replace", "replace_part", "append", "resolve"] = "replace"
    content_hash: str | None = None
    earlier: Callable[[str, date], pa.Table | StoredRows | None] = lambda *_: None

    def noted_as(self, part: str) -> str:
        """Return its name in `ops.published_tables`: parts that share a table have a line each."""
        return f"{self.table.full_name} of {part}" if self.mode == "replace_part" else self.table.full_name


@dataclass(frozen=True)
class Version:
    """What a publication is recorded as in `ops.nights`."""

    part: str
    as_of: date
    run_id: str
    code_version: str
    config_version: str


@dataclass
class Published:
    """What a publication did. `version`: None if a newer night is there; `counts`: table → inserted, changed, gone.

    `repairs`: tables that somebody else had changed, and that are right again.
    """

    version: int | None
    newest: date
    counts: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    repairs: list[Repair] = field(default_factory=list)

    @property
    def totals(self) -> tuple[int, int, int]:
        """Rows inserted, changed and deleted over all tables."""
        columns = list(zip(*self.counts.values(), strict=True)) or [(0,), (0,), (0,)]
        return sum(columns[0]), sum(columns[1]), sum(columns[2])


def publish(
    url: str,
    version: Version,
    publications: Sequence[Publication],
    needed: Mapping[Table, str] | None = None,
    claim: Claim | None = None,
) -> Published:
    """Publish a part's tables as one version, all or nothing; one writer at a time.

    `needed`: tables of other parts and the content hash PostgreSQL must hold of each, or `PublishRefused` is raised.
    `claim`: who publishes; `OtherOwner` is raised if the database is another's. Raises `DatabaseUnavailable`
    (transient) when the server goes away or refuses; nothing is half-published then. `ValueError` for a live table.
    """
    if live := [each.table.full_name for each in publications if each.table.live]:
        raise ValueError(f"no night publishes {', '.join(live)}: what is in it is nowhere else")
    try:
        with adbc.connect(libpq_uri(url)) as connection, connection.cursor() as cursor:
            result = _publish(cursor, version, publications, needed or {}, claim, redacted(url))
            cursor.execute(NOTHING_STAGED)
            connection.commit()
            return result
    except adbc.Error as error:
        raise explained(error, url, f"{version.part} was not published, the last good night stays") from None


def _publish(
    cursor: adbc.Cursor,
    version: Version,
    publications: Sequence[Publication],
    needed: Mapping[Table, str],
    claim: Claim | None,
    place: str,
) -> Published:
    # What forbids to write shows here, with its SQLSTATE: ADBC's own CREATE, for a bulk load, has none.
    cursor.execute(NOTHING_STAGED)
    cursor.execute("CREATE TEMPORARY TABLE staged ()")
    cursor.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
    owner = refuse_other_owner(lambda sql: _rows(cursor, sql), claim, place) if claim else None
    since = owner.since_version if owner else 0
    newest = _newest(cursor, version.part, publications, since)
    if newest is not None and newest > version.as_of:
        return Published(version=None, newest=newest)
    number = int(_value(cursor, LAST_VERSION)) + 1
    result = Published(version=number, newest=version.as_of)
    held = "SELECT table_name, content_hash, checksum, version, run_id, as_of FROM ops.published_tables"
    known = {row[0]: Known(*row[1:]) for row in _rows(cursor, held)}
    cursor.execute("SET LOCAL default_statistics_target = 1")  # of what is staged: its size decides the plan
    cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")  # two processes more, to look at each table
    _refuse_other_parts(cursor, version, needed, known)
    for publication in publications:
        _publish_table(cursor, publication, version, known.get(publication.noted_as(version.part)), result)
    _note_night(cursor, version, number, result)
    if claim:
        _note_owner(cursor, version, number, claim, since)
    return result


def _newest(cursor: adbc.Cursor, part: str, publications: Sequence[Publication], since: int) -> date | None:
    """Return the newest night of a part that is published, by two witnesses: rows of either may be gone.

    No night is later than the day that is going on: a row that says so was not written by us.
    """
    names = ", ".join(literal(p.noted_as(part)) for p in publications if p.content_hash is not None) or "NULL"
    newest: date | None = _value(
        cursor,
        "SELECT max(as_of) FROM (SELECT as_of FROM ops.nights WHERE part = $1 AND version > $2 "  # noqa: S608 - quoted
        f"UNION ALL SELECT as_of FROM ops.published_tables WHERE table_name IN ({names})) AS nights "
        "WHERE as_of <= CAST(now() AT TIME ZONE 'UTC' AS date)",
        (part, since),
    )
    return newest


def _publish_table(
    cursor: adbc.Cursor, publication: Publication, version: Version, known: Known | None, result: Published
) -> None:
    """Publish one table; one that is the same as before, and that nobody else has touched, is not sent."""
    table, number = publication.table, result.version or 0
    if publication.content_hash is None:
        rows = _named(_whole(publication.read()))
        is_idle = not len(rows) and not _has_open(cursor, publication, version.part)
        result.counts[table.full_name] = (0, 0, 0) if is_idle else _merge(cursor, publication, rows, version.part)
        return
    is_same = known is not None and publication.content_hash == known.content_hash
    left = known.mark if known else None
    found = look(cursor, table, left, version.part if publication.mode == "replace_part" else None)
    if known and is_same and left == found.mark:
        result.counts[table.full_name] = (0, 0, 0)
        _note_same(cursor, publication, version, found.by_transactions if found.is_plain else found.mark)
    else:
        counts, mark = _send(cursor, publication, version.part, found, known if left == found.mark else None)
        result.counts[table.full_name] = counts
        if known and left and left != found.mark and found.is_comparable(left) and (any(counts) or not is_same):
            repair = Repair(table.full_name, known.version, rows_of(left), found.rows, *counts, is_same)
            result.repairs.append(repair)
            _note_repair(cursor, repair, number)
        _note_content(cursor, publication, publication.content_hash, mark, version, number)
    if "published_at" in table.by_name:
        cursor.execute(f"UPDATE {quoted_name(table)} SET version = $1, published_at = now()", (number,))  # noqa: S608 - quoted


def _has_open(cursor: adbc.Cursor, publication: Publication, part: str) -> bool:
    """Return whether the rows that are there are to be looked at, though none is sent: those of a part may be gone."""
    if publication.mode == "append":
        return False
    where = f"resolved_at IS NULL AND part = {literal(part)}" if publication.mode == "resolve" else "true"
    return bool(_value(cursor, f"SELECT EXISTS (SELECT FROM {quoted_name(publication.table)} WHERE {where})"))  # noqa: S608 - quoted


def _refuse_other_parts(
    cursor: adbc.Cursor, version: Version, needed: Mapping[Table, str], known: Mapping[str, Known]
) -> None:
    """Refuse a part made from other tables than PostgreSQL holds: BI would see two states side by side.

    What this very run has looked at a moment ago is not looked at again.
    """
    others = []
    for table, content_hash in needed.items():
        held = known.get(table.full_name)
        is_same = held is not None and held.content_hash == content_hash
        if is_same and held and held.mark and held.run_id != version.run_id:
            found = look(cursor, table, held.mark)
            is_same = held.mark == found.mark or not found.is_comparable(held.mark)
        if not is_same:
            others.append(table.full_name)
    if others:
        raise PublishRefused(
            f"{version.part} was made from another state of {', '.join(others)} than PostgreSQL holds",
            fix=f"publish the other parts of {version.as_of} too: funnel-etl run --as-of {version.as_of}",
        )


def _send(
    cursor: adbc.Cursor, publication: Publication, part: str, found: Held, held: Known | None
) -> tuple[tuple[int, int, int], str]:
    """Send the rows of a table; return how many were inserted, changed, deleted, and the mark of what that must leave.

    The mark is not looked up afterwards: what somebody else writes meanwhile shows the next time. `held`: what was
    published of it, if that is exactly what it holds.
    """
    table, rows = publication.table, publication.read()
    if held and found.is_plain and (differing := _difference(publication, rows, held)):
        return _send_difference(cursor, publication, part, differing, found)
    rows = _named(_whole(rows))
    is_filled = found.is_plain and not found.rows and (publication.mode == "replace" or not len(rows))
    if not is_filled:
        return _merge(cursor, publication, rows, part), mark_of_values(cursor, table, rows.column_names)
    if len(rows):
        _fill(cursor, table, in_key_order(rows, [identifier(name) for name in table.key]))
    counts, left = (len(rows), 0, 0), replace(found, rows=len(rows), transactions=len(rows) * own_transaction(cursor))
    return counts, left.by_transactions


def _fill(cursor: adbc.Cursor, table: Table, rows: pa.Table) -> None:
    """Send all rows of a table that is empty, straight into it."""
    if not table.restricted:
        batches = _as_jsonb(table, rows.to_reader(AT_A_TIME))
        cursor.adbc_ingest(table.name, batches, mode="append", db_schema_name=table.schema)
        return
    # COPY is not allowed into a table with row security but for a superuser.
    cursor.execute(NOTHING_STAGED)
    cursor.adbc_ingest("staged", rows.to_reader(AT_A_TIME), mode="create", temporary=True)
    columns = ", ".join(map(quoted, rows.column_names))
    cursor.execute(f"INSERT INTO {quoted_name(table)} ({columns}) {_typed(table, rows.column_names)}")


def _as_jsonb(table: Table, batches: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Return rows with their JSON as COPY's binary format takes jsonb: before the text stands a 1, its version."""
    names = {identifier(column.name) for column in table.columns if column.kind is Kind.JSON}

    def with_version(batch: pa.RecordBatch) -> pa.RecordBatch:
        for place, name in enumerate(batch.schema.names):
            if name in names:
                version, nothing = (pa.scalar(text, batch.schema.types[place]) for text in ("\x01", ""))
                texts = pc.binary_join_element_wise(version, batch.column(place), nothing)
                batch = batch.set_column(place, name, texts)
        return batch

    return pa.RecordBatchReader.from_batches(batches.schema, map(with_version, batches)) if names else batches


def _merge(cursor: adbc.Cursor, publication: Publication, rows: pa.Table, part: str) -> tuple[int, int, int]:
    """Merge all rows of a table, and leave them staged; return how many were inserted, changed, deleted."""
    cursor.execute(NOTHING_STAGED)
    cursor.adbc_ingest("staged", rows.to_reader(AT_A_TIME), mode="create", temporary=True)
    cursor.execute(f"ANALYZE pg_temp.staged ({quoted_key(publication.table)})")
    actions = dict(_rows(cursor, _merge_sql(publication, rows.column_names, part)))
    return actions.get("INSERT", 0), actions.get("UPDATE", 0), actions.get("DELETE", 0)


def _whole(rows: pa.Table | StoredRows) -> pa.Table:
    return rows.table() if isinstance(rows, StoredRows) else rows


def _difference(publication: Publication, rows: pa.Table | StoredRows, held: Known) -> Difference | None:
    """Return what differs from what the table holds, if that is known and so little that a MERGE of all is dearer."""
    table = publication.table
    try:
        before = publication.earlier(held.content_hash, held.as_of)
        if before is None or before.schema != rows.schema:
            return None
        return difference(before, rows, table.key, most=int(len(rows) * MOST))
    except (pa.ArrowException, OSError) as error:
        # The lake is a cache: no publication fails for what it had of another night.
        kind = type(error).__name__
        log.warning(
            "%s: the lake's rows of %s cannot be read (%s); it is merged whole", table.full_name, held.as_of, kind
        )
        return None


def _send_difference(
    cursor: adbc.Cursor, publication: Publication, part: str, differing: Difference, found: Held
) -> tuple[tuple[int, int, int], str]:
    """Send what differs from what the table holds; return as `_send` does."""
    table, rows = publication.table, _named(differing.rows)
    cursor.execute(NOTHING_STAGED)
    for name, staged in (("staged", rows), ("gone", _named(differing.deleted))):
        cursor.adbc_ingest(name, staged, mode="create", temporary=True)
        cursor.execute(f"ANALYZE pg_temp.{name} ({quoted_key(table)})")
    before = written(cursor, table, ("staged", "gone"))
    gone = f"({quoted_key(table)}) IN ({keys_of(table, 'gone')})"
    delete = f"DELETE FROM {quoted_name(table)} WHERE {gone} RETURNING 1"  # noqa: S608 - quoted
    deleted = int(_value(cursor, f"WITH deleted AS ({delete}) SELECT count(*) FROM deleted"))  # noqa: S608 - quoted
    actions = dict(_rows(cursor, _merge_sql(publication, rows.column_names, part, is_whole=False)))
    after = written(cursor, table, ("staged", "gone"))
    left = replace(
        found,
        rows=found.rows - before[0] + after[0],
        transactions=found.transactions - before[1] + after[1],
    )
    return (actions.get("INSERT", 0), actions.get("UPDATE", 0), deleted), left.by_transactions


def _named(rows: pa.Table) -> pa.Table:
    """Return the rows under the names that PostgreSQL takes."""
    return rows.rename_columns([identifier(name) for name in rows.column_names])


def _typed(table: Table, names: list[str]) -> str:
    """Write the SELECT of what is staged."""
    kinds = {identifier(column.name): column.kind for column in table.columns}
    cells = ", ".join(typed(name, kinds[name]) for name in names)
    return f"SELECT {cells} FROM pg_temp.staged"  # noqa: S608 - quoted


def _merge_sql(publication: Publication, staged: list[str], part: str, *, is_whole: bool = True) -> str:
    """Write the MERGE of what is staged; `is_whole`: rows that are not staged are gone."""
    table = publication.table
    key = [identifier(name) for name in table.key]
    rest = [name for name in staged if name not in key]
    sets = [f"{quoted(name)} = s.{quoted(name)}" for name in rest]
    if publication.mode == "append":
        # What is known of an old row and not told again stays: tonight reads only tonight's files.
        sets = [f"{quoted(name)} = coalesce(s.{quoted(name)}, t.{quoted(name)})" for name in rest]
        new = ", ".join(f"coalesce(s.{quoted(name)}, t.{quoted(name)})" for name in rest)
    else:
        new = _list("s", rest)
    differs = f"({_list('t', rest)}) IS DISTINCT FROM ({new})" if rest else "false"
    gone = ""
    if publication.mode == "resolve":
        differs = f"t.resolved_at IS NOT NULL OR {differs}"
        sets.append("resolved_at = NULL")
        mine = f"t.resolved_at IS NULL AND t.part = {literal(part)}"
        gone = f"WHEN NOT MATCHED BY SOURCE AND {mine} THEN UPDATE SET resolved_at = now()"
    elif publication.mode == "replace_part":
        gone = f"WHEN NOT MATCHED BY SOURCE AND t.part = {literal(part)} THEN DELETE"
    elif publication.mode == "replace" and is_whole:
        gone = "WHEN NOT MATCHED BY SOURCE THEN DELETE"
    inserted = [*staged, "first_seen_at"] if publication.mode == "resolve" else staged
    values = [f"s.{quoted(name)}" for name in staged] + (["now()"] if publication.mode == "resolve" else [])
    return f"""
        WITH merged AS (
            MERGE INTO {quoted_name(table)} AS t
            USING ({_typed(table, staged)}) AS s
            ON {" AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in key)}
            {f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {', '.join(sets)}" if sets else ""}
            WHEN NOT MATCHED BY TARGET THEN INSERT ({", ".join(map(quoted, inserted))}) VALUES ({", ".join(values)})
            {gone}
            RETURNING merge_action() AS action
        )
        SELECT action, count(*) FROM merged GROUP BY action
    """  # noqa: S608 - names are quoted, no value is in the text


def _note_same(cursor: adbc.Cursor, publication: Publication, version: Version, mark: str) -> None:
    cursor.execute(
        "UPDATE ops.published_tables SET as_of = $1, run_id = $2, checksum = $3 WHERE table_name = $4",
        (version.as_of, version.run_id, mark, publication.noted_as(version.part)),
    )


def _note_content(
    cursor: adbc.Cursor, publication: Publication, content_hash: str, left: str, version: Version, number: int
) -> None:
    cursor.execute(
        "INSERT INTO ops.published_tables (table_name, content_hash, as_of, version, checksum, run_id) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (table_name) DO UPDATE "
        "SET content_hash = $2, as_of = $3, version = $4, checksum = $5, run_id = $6",
        (publication.noted_as(version.part), content_hash, version.as_of, number, left, version.run_id),
    )


def _note_repair(cursor: adbc.Cursor, repair: Repair, number: int) -> None:
    cursor.execute(
        "INSERT INTO ops.repairs "
        "(name, found_at, says, version, rows_left, rows_found, inserted, changed, deleted) "
        "VALUES ($1, now(), $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        (
            repair.table,
            repair.says,
            number,
            repair.rows_left,
            repair.rows_found,
            repair.inserted,
            repair.changed,
            repair.deleted,
        ),
    )


def _note_owner(cursor: adbc.Cursor, version: Version, number: int, claim: Claim, since: int) -> None:
    """Record who published; first in the archive: a run that is killed in between has only noted too much."""
    claim.landing.identity.note_publication(version.run_id)
    cursor.execute(set_owner(claim, version.run_id, number, since))


def _note_night(cursor: adbc.Cursor, version: Version, number: int, result: Published) -> None:
    cursor.execute(
        "INSERT INTO ops.nights "
        "(version, part, as_of, published_at, run_id, code_version, config_version, inserted, changed, deleted) "
        "VALUES ($1, $2, $3, now(), $4, $5, $6, $7, $8, $9)",
        (
            number,
            version.part,
            version.as_of,
            version.run_id,
            version.code_version,
            version.config_version,
            *result.totals,
        ),
    )


def _rows(cursor: adbc.Cursor, sql: str, parameters: tuple[Any, ...] | None = None) -> list[tuple[Any, ...]]:
    cursor.execute(sql, parameters)
    return list(cursor.fetchall())


def _value(cursor: adbc.Cursor, sql: str, parameters: tuple[Any, ...] | None = None) -> Any:
    return _rows(cursor, sql, parameters)[0][0]


def _list(alias: str, names: list[str]) -> str:
    return ", ".join(f"{alias}.{quoted(name)}" for name in names)
