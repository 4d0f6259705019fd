"""The floor under a night: the least work known that brings the rows of the dumps, and counts of them, into PostgreSQL.

Run by `nights` as `python -m funnel_etl.bench.floor SOURCES`; libpq's PG variables name the server. DuckDB (extra
`dev`) reads the files as text, ADBC writes unkeyed tables. No Zoom report, phone, check, history or attribution is in
it: nobody could work with it, and a night does all of it and more.
"""

import sys
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import duckdb

from funnel_etl.bench.inputs import DATES

FUNNELS = {"tofu_leads": "utmCamp", "ad_spend": "Funnel", "crm_assigned_leads": "sources", "crm_sales": "Funnel"}
"""Dump → the column that names a row's funnel, or what a funnel follows from."""
READ = (
    "CREATE TEMP TABLE {name} AS SELECT * FROM read_csv('{path}', header = true, delim = ',', quote = '\"', "
    "all_varchar = true, null_padding = true, strict_mode = false, parallel = false)"
)
"""Rows of too few cells are filled up; with quoted line ends that goes only in one thread."""
COUNT = (
    "SELECT '{name}' AS dump, date_trunc('month', try_strptime(trim(\"{day}\"), '{style}')) AS month, "
    '"{funnel}" AS funnel, count(*) AS rows FROM {name} GROUP BY ALL'
)
BATCH = 100_000


def load(sources: Path) -> dict[str, int]:
    """Write the dumps and their counts by month and funnel in one transaction; return the rows of each table."""
    counts, rows = [], {}
    with duckdb.connect() as here, adbc.connect("postgresql://") as server, server.cursor() as cursor:
        for name, (day, style) in DATES.items():
            here.execute(READ.format(name=name, path=sources / f"{name}.csv"))
            counts.append(COUNT.format(name=name, day=day, style=style, funnel=FUNNELS[name]))
        tables = {name: f"SELECT * FROM {name}" for name in DATES} | {"counts": " UNION ALL ".join(counts)}  # noqa: S608
        for name, query in tables.items():
            content = here.sql(query).to_arrow_reader(BATCH)
            rows[name] = cursor.adbc_ingest(name, content, mode="create")
        server.commit()
    return rows


if __name__ == "__main__":
    load(Path(sys.argv[1]))
