"""A source that hands out its rows in pages, over a real server: all of its pages are used, or none."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina
from pydantic import SecretStr

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES, Config, parse_table
from funnel_etl.core.errors import FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.core.paging import Cursor, NextLink, Offset, Paging, StartingAfter
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.reading.dumps import DumpKey
from funnel_etl.core.source import Source
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.settings import Login, Settings
from funnel_etl.sources.archive.arrivals import newest_pull
from funnel_etl.sources.archive.decisions import accept_refused
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.guards import DumpReader
from funnel_etl.sources.nightly import NightlySources
from funnel_etl_tests.unit.sources.conftest import Handler, Server

FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)
CONFIG = Config({name: parse_table(name, None) for name in TABLES}, "none")
ORDERS = [{"id": f"o{n}", "at": f"2026-10-{1 + n:02}T10:00:00Z", "amount": n, "who": {"n": n}} for n in range(7)]
Change = Callable[[dict[str, Any], int], None]


class Shop:
    """A source of orders in pages of `size`, by any style; `faults`: page → answers before the right one."""

    def __init__(self, server: Server, landing: Landing, home: Path) -> None:
        self.server = server
        self.landing = landing
        self.home = home
        self.orders: list[dict[str, Any]] = list(ORDERS)
        self.size = 3
        self.faults: dict[int, list[Callable[[Handler], None]]] = {}
        self.change: Change = lambda _body, _number: None
        self.links = False
        self.retry_seconds = 0
        self.max_mb = 500
        self.login = Login()
        self.url = server.script("/orders", self.answer)

    def answer(self, handler: Handler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        after = query.get("starting_after")
        ids = [order["id"] for order in self.orders]
        start = ids.index(after) + 1 if after else int(query.get("cursor", query.get("offset", 0)))
        number = start // self.size + 1
        if faults := self.faults.get(number):
            faults.pop(0)(handler)
            return
        rows, end = self.orders[start : start + self.size], start + self.size
        body: dict[str, Any] = {"data": {"orders": rows}, "has_more": end < len(self.orders)}
        following = f"/orders?cursor={end}" if end < len(self.orders) else None
        body |= {"next": following, "cursor": following and str(end)}
        self.change(body, number)
        link = {"Link": f'<{following}>; rel="next"'} if self.links and following else {}
        handler.send(body=json.dumps(body).encode(), Content_Type="application/json", **link)

    def source(self, pages: Paging, **declared: Any) -> Source:
        columns = (SourceColumn("id", needed=True), SourceColumn("at", needed=True), SourceColumn("amount"))
        given = {"columns": columns, "key": DumpKey("at", identifier="id"), "chosen": None, "format": "json"}
        return replace(SOURCES["crm_sales"], **(given | {"under": "data.orders", "pages": pages} | declared))

    def sources(self) -> NightlySources:
        given = Settings(
            home=self.home,
            retry_seconds=self.retry_seconds,
            download_max_mb=self.max_mb,
            addresses={"crm_sales": self.url},
            logins={"crm": self.login},
        )
        return NightlySources(given, self.landing)

    def pull(self, pages: Paging, night: date = FIRST, **declared: Any) -> Outcome:
        sources, source = self.sources(), self.source(pages, **declared)
        reader = DumpReader(sources.settings, self.landing, source, CONFIG, night=night)
        got = sources.pull(source, night, reader.judge)
        return reader.records(got.file_ids, got.judged)

    def told(self) -> list[tuple[int | None, str]]:
        return [(arrival.page, arrival.status) for arrival in self.landing.arrivals("crm_sales")]

    def refused(self, pages: Paging, kind: type[FunnelError] = SourceRejected, **declared: Any) -> str:
        """Pull, and see that nothing is used and that what came is kept with the reason."""
        with pytest.raises(kind) as refused:
            self.pull(pages, **declared)
        assert self.landing.nights("crm_sales") == []
        arrivals = self.landing.arrivals("crm_sales")
        assert {arrival.status for arrival in arrivals} <= {"rejected"}
        assert {arrival.reason for arrival in arrivals} <= {str(refused.value)}
        return str(refused.value)


STYLES = {
    "link": NextLink(),
    "body": NextLink("next"),
    "cursor": Cursor("cursor"),
    "offset": Offset(3),
    "after": StartingAfter(),
    "after_until_empty": StartingAfter(more=None),
}


@pytest.fixture
def shop(server: Server, landing: Landing, tmp_path: Path) -> Shop:
    return Shop(server, landing, tmp_path / "home")


@pytest.fixture(params=STYLES)
def style(request: pytest.FixtureRequest, shop: Shop) -> Paging:
    shop.links = request.param == "link"
    return STYLES[request.param]


def failing(status: int) -> Callable[[Handler], None]:
    return lambda handler: handler.send(status, b"")


def test_every_page_is_landed_as_it_came_and_a_row_leads_to_its_page(shop: Shop, style: Paging) -> None:
    rows = shop.pull(style).rows
    file_ids = shop.landing.night(FIRST, "crm_sales") or []
    pages = [json.loads(shop.landing.read(file_id))["data"]["orders"] for file_id in file_ids]
    assert [len(page) for page in pages][:3] == [3, 3, 1]
    assert rows["id"].tolist() == [order["id"] for order in ORDERS]
    for row in rows.itertuples():
        assert pages[file_ids.index(row.file_id)][int(row.source_row) - 1]["id"] == row.id
    assert rows["who"].tolist() == [f'{{"n": {n}}}' for n in range(7)]
    assert shop.told() == [(number, "accepted") for number in range(1, len(file_ids) + 1)]


def test_a_night_is_replayed_from_its_pages(shop: Shop, style: Paging) -> None:
    first = shop.pull(style, FIRST).rows
    shop.orders = [*ORDERS, {"id": "new", "at": "2026-11-02T10:00:00Z", "amount": 1}]
    assert len(shop.pull(style, SECOND).rows) == 8
    replayed = shop.pull(style, FIRST)
    assert replayed.rows.equals(first)
    assert replayed.ledger[0].balances


@pytest.mark.parametrize("status", [429, 500])
def test_a_page_that_fails_once_is_asked_for_again(shop: Shop, style: Paging, status: int) -> None:
    shop.faults, shop.retry_seconds = {2: [failing(status)]}, 10
    with stamina.set_testing(True, attempts=1):
        assert len(shop.pull(style).rows) == 7


@pytest.mark.parametrize("status", [429, 500])
def test_a_page_that_fails_in_the_middle_leaves_nothing_to_be_used(shop: Shop, style: Paging, status: int) -> None:
    shop.faults = {2: [failing(status)] * 9}
    assert f"answered {status}" in shop.refused(style, SourceUnavailable)
    assert shop.told() == [(1, "rejected")]
    shop.faults = {}
    assert len(shop.pull(style).rows) == 7


def test_a_page_cut_off_in_the_middle_leaves_nothing_to_be_used(shop: Shop) -> None:
    cut = b'{"data": {"orders": [{"id": "o3", "at": "2026-10-04T10:00:00Z", "am'
    shop.faults = {2: [lambda handler: handler.send(body=cut, Content_Type="application/json")]}
    assert "page 2: it is no whole JSON" in shop.refused(Cursor("cursor"))
    assert shop.told() == [(1, "rejected"), (2, "rejected")]
    assert shop.landing.read(shop.landing.arrivals("crm_sales")[1].file_id) == cut


def test_a_web_page_among_the_pages_is_refused(shop: Shop) -> None:
    shop.faults = {2: [lambda handler: handler.send(body=b"<html>Sign in</html>", Content_Type="text/html")]}
    assert "got a web page, not JSON" in shop.refused(Cursor("cursor"))


def test_an_empty_last_page_is_the_end(shop: Shop) -> None:
    shop.orders = ORDERS[:6]
    assert len(shop.pull(Offset(3)).rows) == 6
    assert len(shop.landing.night(FIRST, "crm_sales") or []) == 3


def test_a_source_that_hands_out_fewer_rows_than_wanted_is_read_to_its_end(shop: Shop) -> None:
    shop.size = 2
    assert len(shop.pull(Offset(1000)).rows) == 7


def test_an_answer_without_any_object_is_no_dump_to_use(shop: Shop) -> None:
    shop.pull(Cursor("cursor"), FIRST)
    shop.orders = []
    with pytest.raises(SourceRejected, match="without any row: 0 keys now, 7 in the last good dump"):
        shop.pull(Cursor("cursor"), SECOND)


def test_the_login_goes_with_every_page_and_into_no_manifest(shop: Shop) -> None:
    shop.login = Login(auth="query:key", secret=SecretStr("s3cr3t"))
    shop.change = lambda body, _: body.update(next=body["next"] and f"{body['next']}&key=s3cr3t")
    shop.pull(NextLink("next"))
    asked = [parse_qs(urlsplit(path).query)["key"] for path, _ in shop.server.seen]
    assert asked == [["s3cr3t"]] * 3
    assert not any(
        "s3cr3t" in path.read_text() for path in (shop.home.parent / "landing" / "manifests").rglob("*.json")
    )


def test_a_pull_of_pages_may_be_no_larger_than_one_of_a_whole_file(shop: Shop) -> None:
    shop.change = lambda body, _: body.update(fill="x" * 400_000)
    shop.max_mb = 1
    assert "it is larger than 1 MB" in shop.refused(Cursor("cursor"))


def test_the_newest_pull_is_all_of_its_pages(shop: Shop) -> None:
    shop.pull(Cursor("cursor"), FIRST)
    shop.pull(Cursor("cursor"), SECOND)
    arrivals = shop.landing.arrivals("crm_sales")
    assert newest_pull(arrivals) == arrivals[3:]
    assert newest_pull([]) == []


def repeats(body: dict[str, Any], number: int) -> None:
    if number == 2:
        body |= {"next": "/orders?cursor=3", "cursor": "3"}


@pytest.mark.parametrize("pages", [NextLink("next"), Cursor("cursor")], ids=["body", "cursor"])
def test_a_cursor_that_comes_again_is_an_error(shop: Shop, pages: Paging) -> None:
    shop.change = repeats
    assert "its pages do not end: page 2 leads to a page that was read before" in shop.refused(pages)


def test_the_same_page_under_another_address_is_an_error(shop: Shop) -> None:
    body = json.dumps({"data": {"orders": ORDERS[:3]}}).encode()
    shop.server.script("/orders", lambda handler: handler.send(body=body, Content_Type="application/json"))
    assert "page 2 is one that came before, byte for byte" in shop.refused(Offset(3))


def test_there_are_no_more_pages_than_declared(shop: Shop) -> None:
    assert "after 2 pages there is still another" in shop.refused(Cursor("cursor", most=2))
    assert shop.told() == [(1, "rejected"), (2, "rejected")]


def test_a_next_page_on_another_host_is_not_followed(shop: Shop, start_server: Callable[[], Server]) -> None:
    other = start_server()
    shop.change = lambda body, _: body.update(next=other.url("/orders"))
    assert "page 1 leads to another host, and was not followed" in shop.refused(NextLink("next"))
    assert other.seen == []


def test_fewer_rows_than_the_source_says_there_are_is_an_error(shop: Shop) -> None:
    body = json.dumps({"data": {"orders": ORDERS[:2]}}).encode()
    answer = {"Content_Type": "application/json", "X_Total_Count": "7"}
    shop.server.script("/orders", lambda handler: handler.send(body=body, **answer))
    assert "have 2 rows, and it says that there are 7" in shop.refused(Cursor("cursor"))


def test_what_the_judge_refuses_is_refused_with_all_its_pages_and_a_person_may_confirm_it(shop: Shop) -> None:
    pages = Cursor("cursor")
    shop.pull(pages, FIRST)
    shop.orders = ORDERS[:2]
    with pytest.raises(SourceRejected, match="keys are gone"):
        shop.pull(pages, SECOND)
    shop.orders, shop.size = ORDERS[:2], 1
    with pytest.raises(SourceRejected, match="keys are gone"):
        shop.pull(pages, SECOND)
    newest = shop.landing.arrivals("crm_sales")[-2:]
    assert [(arrival.page, arrival.status) for arrival in newest] == [(1, "rejected"), (2, "rejected")]
    accept_refused(shop.landing, "crm_sales", " ".join(arrival.file_id for arrival in newest), "few keys")
    assert len(shop.pull(pages, SECOND).rows) == 2


def test_an_erased_person_is_in_no_page_and_every_row_is_accounted_for(shop: Shop) -> None:
    shop.orders = [{**order, "phone": 9876500001 if n == 4 else 9123456780 + n} for n, order in enumerate(ORDERS)]
    shop.landing.erasures.add(["phone:9876500001"])
    outcome = shop.pull(Cursor("cursor"))
    assert outcome.rows["id"].tolist() == ["o0", "o1", "o2", "o3", "o5", "o6"]
    assert outcome.rows["source_row"].tolist() == [1, 2, 3, 1, 3, 1]
    assert outcome.ledger[0].reasons == {"excluded:erased": 1}
    for file_id in shop.landing.night(FIRST, "crm_sales") or []:
        assert b"9876500001" not in shop.landing.read(file_id)


def test_a_source_that_declares_no_pages_still_refuses_a_page_of_many(shop: Shop) -> None:
    shop.links = True
    assert "one page of many" in shop.refused(None)  # type: ignore[arg-type]


def test_a_source_that_declares_no_json_still_refuses_it(shop: Shop) -> None:
    declared = {"format": "csv", "under": ""}
    assert "got JSON, not CSV" in shop.refused(None, **declared)  # type: ignore[arg-type]


def test_a_source_of_csv_may_have_pages_too(shop: Shop) -> None:
    def answer(handler: Handler) -> None:
        start = int(parse_qs(urlsplit(handler.path).query)["offset"][0])
        rows = "".join(f"{order['id']},{order['at']},1\n" for order in ORDERS[start : start + 3])
        handler.send(body=f"id,at,amount\n{rows}".encode())

    shop.server.script("/orders", answer)
    rows = shop.pull(Offset(3), format="csv", under="").rows
    assert rows["id"].tolist() == [order["id"] for order in ORDERS]
    assert rows["source_row"].tolist() == [2, 3, 4, 2, 3, 4, 2]


@pytest.mark.parametrize("pages", [NextLink("next"), Cursor("cursor"), StartingAfter()])
def test_only_json_can_tell_its_next_page_by_keys(shop: Shop, pages: Paging) -> None:
    with pytest.raises(ValueError, match="only JSON has keys"):
        shop.source(pages, format="csv", under="")


def test_a_judge_is_given_the_pages_in_their_order(shop: Shop) -> None:
    def judge(pages: Sequence[bytes]) -> list[str]:
        return [json.loads(page)["data"]["orders"][0]["id"] for page in pages]

    got = shop.sources().pull(shop.source(Cursor("cursor")), FIRST, judge)
    assert got.judged == ["o0", "o3", "o6"]
