"""What people did on the page is written down, newest first, and by whom."""

import pytest

from funnel_etl.assembly import TABLES
from funnel_etl.operate.audit import audit
from funnel_etl.platform.postgres.database import open_databases
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl_tests.installation import Published


@pytest.fixture
def settings(published: Published):
    installation = published.new()
    with installation.settings() as own, open_databases(own.state, own.database_port, own.database_url):
        ensure_schema(installation.engine, TABLES)
        yield own


def test_what_somebody_did_is_a_row_with_what_came_of_it(settings) -> None:
    audit.note(settings, "a@example.com", "upload", "accepted a file", "report.csv")
    audit.note(settings, "b@example.com", "today", "ran the night", "2026-11-29", "the web server does not run")
    rows = audit.newest(settings)
    assert rows[["who", "page", "action", "about", "outcome"]].to_numpy().tolist() == [
        ["b@example.com", "today", "ran the night", "2026-11-29", "the web server does not run"],
        ["a@example.com", "upload", "accepted a file", "report.csv", "done"],
    ]
    assert audit.newest(settings, who="a@example.com")["page"].tolist() == ["upload"]
    assert audit.newest(settings, most=1)["page"].tolist() == ["today"]
