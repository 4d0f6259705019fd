"""From the lake to PostgreSQL: a part's tables in one transaction, each a temporary table and a MERGE.

Readers see one whole night or the one before, never blocked; grants, comments, views stay. No older night goes over
a newer one; a table whose content PostgreSQL already has is not sent. Knows no domain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa

from funnel_etl.core.contracts import Table
from funnel_etl.core.errors import DatabaseUnavailable, PublishRefused
from funnel_etl.platform.database import libpq_uri, literal, redacted
from funnel_etl.platform.schema import identifier

LOCK = "hashtextextended('funnel_etl.publish', 0)"


@dataclass(frozen=True)
class Publication:
    """One table to publish.

    `mode`: replace (rows that are gone are deleted), replace_part (only those of the published part), append (none is
    deleted, and a NULL does not replace what is known), resolve (quarantine: rows of the part that are gone get their
    resolved_at). `content_hash`, when given, lets an unchanged table be skipped. A table with a column published_at is
    stamped with it and with the version.
    """

    table: Table
    rows: pa.Table
    mode: Literal["replace", "replace_part", "append", "resolve"] = "replace"
    content_hash: str | None = None


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
    """What a publication did. `version`: None if a newer night is there; `counts`: table → inserted, changed, gone."""

    version: int | None
    newest: date
    counts: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def totals(self) -> tuple[int, int, int]:
        """Rows inserted, changed and deleted over all tables."""
        columns = list(zip(*self.counts.values(), strict=True)) or [(0,), (0,), (0,)]
        return sum(columns[0]), sum(columns[1]), sum(columns[2])


def publish(
    url: str, version: Version, publications: Sequence[Publication], needed: Mapping[str, str] | None = None
) -> Published:
    """Publish a part's tables as one version, all or nothing; one writer at a time.

    `needed`: tables of other parts and the content hash PostgreSQL must hold of each, or `PublishRefused` is raised.
    Raises `DatabaseUnavailable` (transient) when the server goes away or refuses; nothing is half-published then.
    """
    try:
        with adbc.connect(libpq_uri(url)) as connection, connection.cursor() as cursor:
            result = _publish(cursor, version, publications, needed or {})
            connection.commit()
            return result
    except adbc.Error as error:
        raise DatabaseUnavailable(
            f"{version.part} was not published, the last good night stays ({first_line(error)})",
            where=redacted(url),
            fix="see that the server runs and has room, then materialize the publish asset again",
            transient=isinstance(error, adbc.OperationalError),
        ) from error


def _publish(
    cursor: adbc.Cursor, version: Version, publications: Sequence[Publication], needed: Mapping[str, str]
) -> Published:
    cursor.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
    newest = _value(cursor, "SELECT max(as_of) FROM ops.nights WHERE part = $1", (version.part,))
    if newest is not None and newest > version.as_of:
        return Published(version=None, newest=newest)
    number = int(_value(cursor, "SELECT coalesce(max(version), 0) + 1 FROM ops.nights"))
    result = Published(version=number, newest=version.as_of)
    known = dict(_rows(cursor, "SELECT table_name, content_hash FROM ops.published_tables"))
    _refuse_other_parts(version, needed, known)
    for publication in publications:
        name = publication.table.full_name
        is_same = publication.content_hash is not None and known.get(name) == publication.content_hash
        result.counts[name] = (0, 0, 0) if is_same else _merge(cursor, publication, version.part)
        _note_content(cursor, publication, version, number, is_same=is_same)
        if "published_at" in publication.table.by_name:
            table = f"{quoted(publication.table.schema)}.{quoted(publication.table.name)}"
            cursor.execute(f"UPDATE {table} SET version = $1, published_at = now()", (number,))  # noqa: S608 - quoted
    _note_night(cursor, version, number, result)
    return result


def _refuse_other_parts(version: Version, needed: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Refuse a part made from other tables than PostgreSQL holds: BI would see two states side by side."""
    others = [name for name, content_hash in needed.items() if known.get(name) != content_hash]
    if others:
        raise PublishRefused(
            f"{version.part} was made from another state of {', '.join(others)} than the published one",
            fix=f"materialize the publish assets of the other parts for {version.as_of} first, then this one",
        )


def _merge(cursor: adbc.Cursor, publication: Publication, part: str) -> tuple[int, int, int]:
    table = publication.table
    names = {column.name: identifier(column.name) for column in table.columns}
    staged = publication.rows.rename_columns([names[name] for name in publication.rows.column_names])
    cursor.execute("DROP TABLE IF EXISTS pg_temp.staged")
    cursor.adbc_ingest("staged", staged, mode="create", temporary=True)
    cursor.execute("ANALYZE pg_temp.staged")
    actions = dict(_rows(cursor, _merge_sql(publication, staged.column_names, part)))
    return actions.get("INSERT", 0), actions.get("UPDATE", 0), actions.get("DELETE", 0)


def _merge_sql(publication: Publication, staged: list[str], part: str) -> str:
    """Write the MERGE; types are cast on the server, because ADBC sends numerics and arrays as it knows them."""
    table = publication.table
    kinds = {identifier(column.name): column.kind.value for column in table.columns}
    key = [identifier(name) for name in table.key]
    rest = [name for name in staged if name not in key]
    source = ", ".join(f"CAST({quoted(name)} AS {kinds[name]}) AS {quoted(name)}" for name in staged)
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
    elif publication.mode == "replace":
        gone = "WHEN NOT MATCHED BY SOURCE THEN DELETE"
    inserted = [*staged, "first_seen_at"] if publication.mode == "resolve" else staged
    values = [f"s.{quoted(name)}" for name in staged] + (["now()"] if publication.mode == "resolve" else [])
    return f"""
        WITH merged AS (
            MERGE INTO {quoted(table.schema)}.{quoted(table.name)} AS t
            USING (SELECT {source} FROM pg_temp.staged) AS s
            ON {" AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in key)}
            {f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {', '.join(sets)}" if sets else ""}
            WHEN NOT MATCHED BY TARGET THEN INSERT ({", ".join(map(quoted, inserted))}) VALUES ({", ".join(values)})
            {gone}
            RETURNING merge_action() AS action
        )
        SELECT action, count(*) FROM merged GROUP BY action
    """  # noqa: S608 - names are quoted, no value is in the text


def _note_content(
    cursor: adbc.Cursor, publication: Publication, version: Version, number: int, *, is_same: bool
) -> None:
    if publication.content_hash is None:
        return
    if is_same:
        name = publication.table.full_name
        cursor.execute("UPDATE ops.published_tables SET as_of = $1 WHERE table_name = $2", (version.as_of, name))
        return
    cursor.execute(
        "INSERT INTO ops.published_tables (table_name, content_hash, as_of, version) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (table_name) DO UPDATE SET content_hash = $2, as_of = $3, version = $4",
        (publication.table.full_name, publication.content_hash, version.as_of, number),
    )


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


def quoted(name: str) -> str:
    """Give a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _list(alias: str, names: list[str]) -> str:
    return ", ".join(f"{alias}.{quoted(name)}" for name in names)


def first_line(error: Exception) -> str:
    """Give the server's own words, without the statement and without the DETAIL, which quotes values of rows."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return next((line[line.index("ERROR:") :] for line in lines if "ERROR:" in line), lines[0])
