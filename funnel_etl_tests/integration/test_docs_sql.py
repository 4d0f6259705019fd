"""The queries that the docs tell people to run do run; those that answer a question find something in the demo."""

import re
import textwrap
import uuid
from collections.abc import Iterator

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy import text

from funnel_etl.assembly import TABLES
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl.settings import PROJECT
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow

PAGE = (PROJECT / "docs/operations.md").read_text()
RIGHTS = "GRANT CONNECT"
"""The block by which an owner gives the user its rights: a test of its own runs it, on a database without us."""
BLOCKS = [textwrap.dedent(block).strip() for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)]
RIGHTS_BLOCK = next(block for block in BLOCKS if block.startswith(RIGHTS))
QUERIES = [block for block in BLOCKS if not block.startswith(RIGHTS)]
INLINE = re.findall(r"`((?:SELECT|CREATE ROLE)\b[^`]+;)`", PAGE)

QUESTIONS = dict(
    re.findall(
        r"^### (\d+)\. [^\n]+\n(?:(?!^#|```).)*```sql\n(.*?)```",
        (PROJECT / "docs/queries.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
)
WITHOUT_ROWS = {
    "22": "no month is closed in the demo",
    "23": "the CRM has changed nothing before the second night",
    "25": "nothing was published before the first night",
}
"""Questions to which the first night of the demo has no answer, and why."""


def test_there_are_queries():
    assert len(QUERIES) >= 5
    assert len(INLINE) >= 2


@pytest.fixture(scope="module")
def tables(postgres: EmbeddedServer) -> Iterator[sa.Engine]:
    """A database with all tables, empty."""
    name = "docs_sql"
    database.ensure_database(postgres.url("postgres"), name)
    engine = database.engine(postgres.url(name))
    ensure_schema(engine, TABLES)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("query", QUERIES + INLINE)
def test_a_query_of_the_page_runs(query: str, tables: sa.Engine) -> None:
    with tables.connect() as connection:
        for statement in re.sub(r"--[^\n]*", "", query).split(";"):
            if statement.strip():
                connection.execute(text(statement))
        connection.rollback()


@pytest.mark.parametrize("way", ["CREATE SCHEMA raw", "GRANT CREATE"])
def test_rights_of_the_page_are_enough_for_the_tables(way: str, postgres: EmbeddedServer) -> None:
    """Either way the page shows: the schemas are made for the user, or it may make them."""
    name, admin = f"rights_{uuid.uuid4().hex[:8]}", database.engine(postgres.url("postgres"))
    given = [line.split("--")[0] for line in RIGHTS_BLOCK.splitlines() if "funnel_dagster" not in line]
    given = [line for line in given if line.startswith(("GRANT CONNECT", way))]
    assert len(given) == 2
    schemas = ["mart_masked", *{table.schema for table in TABLES} - {"raw"}]
    given += [given[1].replace("raw", schema) for schema in schemas if way.startswith("CREATE")]
    with admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD 'p'"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    owner = database.engine(postgres.url(name))
    with owner.begin() as connection:
        connection.execute(text(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC"))
        for line in given:
            connection.execute(text(re.sub(r"\bfunnel\b", name, line)))
    owner.dispose()
    user = database.engine(
        sa.make_url(postgres.url(name)).set(username=name, password="p").render_as_string(hide_password=False)
    )
    ensure_schema(user, TABLES)
    with user.begin() as connection:
        connection.execute(text("SELECT * FROM mart_masked.funnel_facts"))
        connection.execute(text("CREATE TEMPORARY TABLE rows_of_a_night (id int)"))
    user.dispose()
    with admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        connection.execute(text(f"DROP ROLE {name}"))
    admin.dispose()


def test_the_questions_are_numbered_and_each_is_in_the_list_above_them():
    page = (PROJECT / "docs/queries.md").read_text()
    assert list(QUESTIONS) == [str(number) for number in range(1, len(QUESTIONS) + 1)]
    assert len(QUESTIONS) >= 20
    assert re.findall(r"^### (\d+)\. ", page, re.MULTILINE) == list(QUESTIONS)
    assert re.findall(r"\[(\d+)\]\(#\1-", page) == list(QUESTIONS)


@pytest.fixture(scope="module")
def demo(published: Published) -> Installation:
    """The first night of a small company, published."""
    return published.demo()


@pytest.mark.parametrize("number", QUESTIONS)
def test_a_question_is_answered_by_its_query(number: str, demo: Installation):
    rows = demo.query(QUESTIONS[number])
    assert isinstance(rows, pd.DataFrame)
    assert rows.empty == (number in WITHOUT_ROWS), WITHOUT_ROWS.get(number, "no row")


@pytest.mark.parametrize("number", QUESTIONS)
def test_no_answer_shows_a_phone_or_an_address(number: str, demo: Installation):
    text = demo.query(QUESTIONS[number]).to_csv(index=False)
    assert not re.search(r"(?<!\w)[6-9]\d{9}(?!\w)|@[\w-]+\.\w", text)
