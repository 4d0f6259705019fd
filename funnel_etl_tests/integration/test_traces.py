"""What is left of deleted rows in the files of a real server."""

import uuid
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.postgres import traces
from funnel_etl.platform.postgres.database import engine
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.embedded_place import settle

pytestmark = pytest.mark.slow


def files_with(data: Path, text: str) -> list[str]:
    found = []
    for path in data.rglob("*"):
        with suppress(FileNotFoundError):  # the server's own, gone meanwhile
            if path.is_file() and text.encode() in path.read_bytes():
                found.append(str(path.relative_to(data)))
    return found


def test_a_deleted_row_is_in_no_file_of_the_server(postgres: EmbeddedServer, database_url: str) -> None:
    data, secret = settle(postgres.home).data, f"secret-{uuid.uuid4().hex}"
    made = engine(database_url)
    with made.begin() as connection:
        connection.execute(sa.text("CREATE TABLE people (name text)"))
        connection.execute(sa.text("INSERT INTO people SELECT :name FROM generate_series(1, 500)"), {"name": secret})
        connection.execute(sa.text("INSERT INTO people VALUES ('somebody')"))
    with made.begin() as connection:
        connection.execute(sa.text("ANALYZE people"))
        connection.execute(sa.text("DELETE FROM people WHERE name = :name"), {"name": secret})
    assert files_with(data, secret)
    made.dispose()
    traces.rewrite_tables(database_url)
    traces.discard_log(database_url)
    assert files_with(data, secret) == []
    with made.connect() as connection:
        assert connection.execute(sa.text("SELECT name FROM people")).scalars().all() == ["somebody"]
        assert connection.execute(sa.text("SHOW wal_recycle")).scalar_one() == "on"
    made.dispose()


def test_it_is_told_when_somebody_may_still_see_the_deleted_rows(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "LOCK_SECONDS", 0.3)
    made = engine(database_url)
    with made.begin() as connection:
        connection.execute(sa.text("CREATE TABLE people (name text)"))
    with made.connect().execution_options(isolation_level="REPEATABLE READ") as reader:
        reader.execute(sa.text("SELECT * FROM pg_class")).all()
        with pytest.raises(DatabaseUnavailable, match="still read what was deleted"):
            traces.rewrite_tables(database_url)
    made.dispose()
    traces.rewrite_tables(database_url)
