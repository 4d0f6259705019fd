"""`funnel-etl status` says what is so: after a published night was run again and failed, and what waits for people."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from funnel_etl.operate.status.render import status_json, status_lines
from funnel_etl.operate.status.status import status
from funnel_etl_tests.golden.week import FRI, SAT, write_night
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow


@dataclass
class Looks:
    """What `status` said after a good night, after it was run again without a valid token, and after the next one."""

    good: dict[str, Any]
    failed: dict[str, Any]
    words: str
    next: dict[str, Any]


class _NoToken(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(401)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def crm_without_token() -> Iterator[str]:
    """A CRM that accepts nobody's token."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _NoToken) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/sales.csv"
        server.shutdown()


@pytest.fixture(scope="module")
def looks(new_installation: Callable[[], Installation]) -> Looks:
    installation = new_installation()
    sources = installation.pull_from_files()
    shutil.rmtree(installation.config)
    installation.config.mkdir()
    write_night(FRI, sources, installation.config, installation.drop / "zoom")
    sales = sources / "crm_sales.csv"
    header, *rows = sales.read_text().splitlines()
    odd = dict.fromkeys(header.split(","), "") | {"_id": "S-odd", "createdOn": "2025-10-30 10:00", "netAmount": "1,23"}
    odd |= {"netAmount": "12 thousand"}
    misc = odd | {"_id": "S-misc", "netAmount": "123456", "Funnel": "Other Sources (Miscellaneous)"}
    added = [",".join(row.values()) for row in (odd, misc)]
    sales.write_text("\n".join([header, *rows, *added, ""]))
    assert installation.night(FRI).is_published
    with installation.settings() as settings:
        good = json.loads(status_json(status(settings)))
    with crm_without_token() as url:
        assert not installation.night(FRI, crm_sales_url=url).is_published
        with installation.settings(crm_sales_url=url) as settings:
            found = status(settings)
        assert not installation.night(SAT, crm_sales_url=url).is_published
        with installation.settings(crm_sales_url=url) as settings:
            following = json.loads(status_json(status(settings)))
    return Looks(good, json.loads(status_json(found)), "\n".join(status_lines(found)), following)


def test_a_good_night_has_nothing_failed(looks: Looks) -> None:
    assert looks.good["failed"] == []


def test_a_published_night_that_failed_when_it_was_run_again_is_said_to_have_failed(looks: Looks) -> None:
    failed = {one["name"]: one for one in looks.failed["failed"]}
    assert "401" in failed["raw/crm_sales"]["says"]
    assert "FUNNEL_CRM_SECRET" in failed["raw/crm_sales"]["what_to_do"]
    assert failed["raw/crm_sales"]["night"] == str(FRI)
    assert not looks.failed["is_well"]
    assert "Failed, and not succeeded since:" in looks.words


def test_a_source_says_why_it_could_not_be_had(looks: Looks) -> None:
    sales = next(one for one in looks.next["sources"] if one["name"] == "crm_sales")
    assert "401" in sales["says"]
    assert "FUNNEL_CRM_SECRET" in sales["what_to_do"]
    assert f"funnel-etl run --as-of {SAT}" in sales["what_to_do"]


def test_quarantined_rows_are_named_by_file_and_line(looks: Looks) -> None:
    row = next(one for one in looks.good["quarantine"] if one["asset"] == "clean.sales")
    assert row["examples"] == [{"file": "crm_sales.csv", "line": 3}]
    assert row["says"] == "1 row: bad_money (crm_sales.csv line 3)"


def test_money_that_waits_in_the_work_list_is_said_with_who_decides(looks: Looks) -> None:
    row = next(one for one in looks.good["worklist"] if one["name"] == "misc_sale")
    assert "₹1,23,456.00 of revenue" in row["says"]
    assert row["who_does_it"] == "the sales lead"
    assert "funnel-etl worklist" in row["what_to_do"]
