"""Where a row stands in the newest dump of its source, and where its text can be read today.

The line on a row is that of the first dump it stood in; `ops.line_runs` leads from there to the newest one.
"""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from funnel_etl.sources.archive.landing import Landing

LandedLine = tuple[str, int]
"""A landed file and a line of it."""
NEWEST_LINE = """(SELECT r.current_file_id, r.current_row + {row}.source_row - r.source_row AS current_row
    FROM ops.line_runs AS r WHERE r.file_id = {row}.file_id
    AND {row}.source_row BETWEEN r.source_row AND r.source_row + r.rows - 1 LIMIT 1)"""
"""SQL for where a row with file_id and source_row stands in the newest dump; none if it is not in it.

One at most: where two sources once sent the same bytes, a row that is counted must not become two.
"""
_OF_LINES = f"""
SELECT l.file_id, l.source_row, n.current_file_id, n.current_row
FROM unnest(CAST(:file_ids AS text[]), CAST(:rows AS bigint[])) AS l(file_id, source_row)
CROSS JOIN LATERAL {NEWEST_LINE.format(row="l")} AS n
"""  # noqa: S608 - our own texts


def current_lines(connection: sa.Connection, lines: Iterable[LandedLine]) -> dict[LandedLine, LandedLine]:
    """Return of those lines that stand in the newest dump of their source where they stand there."""
    asked = sorted(set(lines))
    given = {"file_ids": [file_id for file_id, _ in asked], "rows": [row for _, row in asked]}
    found = connection.execute(sa.text(_OF_LINES), given)
    return {(row.file_id, row.source_row): (row.current_file_id, row.current_row) for row in found}


def kept_lines(
    landing: Landing, lines: Iterable[LandedLine], now: Mapping[LandedLine, LandedLine]
) -> dict[LandedLine, LandedLine]:
    """Return where each line can still be read: in its file, else in the newest dump; others are left out."""
    places = {line: next((at for at in (line, now.get(line)) if at and landing.has(at[0])), None) for line in lines}
    return {line: at for line, at in places.items() if at}


def file_names(connection: sa.Connection, file_ids: Iterable[str]) -> dict[str, str]:
    """Return the name under which each file arrived first."""
    first = "SELECT DISTINCT ON (file_id) file_id, name FROM ops.files WHERE file_id = ANY(:ids)"
    found = connection.execute(sa.text(f"{first} ORDER BY file_id, received_at"), {"ids": sorted({*file_ids})})
    return {row.file_id: row.name for row in found}
