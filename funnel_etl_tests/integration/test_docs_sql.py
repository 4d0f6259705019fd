"""The queries that docs/operations.md tells people to run do run on a database of ours."""

import re
import textwrap

import pytest
from sqlalchemy import text

from funnel_etl.definitions import TABLES
from funnel_etl.platform import database
from funnel_etl.platform.schema import ensure_schema
from funnel_etl.settings import PROJECT

PAGE = (PROJECT / "docs/operations.md").read_text()
BLOCKS = [textwrap.dedent(block).strip() for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)]
INLINE = re.findall(r"`((?:SELECT|CREATE ROLE)\b[^`]+;)`", PAGE)


def test_there_are_queries():
    assert len(BLOCKS) >= 5
    assert len(INLINE) >= 2


@pytest.mark.parametrize("query", BLOCKS + INLINE)
def test_a_query_of_the_page_runs(query, database_url):
    engine = database.engine(database_url)
    ensure_schema(engine, TABLES)
    with engine.connect() as connection:
        for statement in query.replace("\n", " ").rstrip(";").split("; "):
            connection.execute(text(statement))
        connection.rollback()
    engine.dispose()
