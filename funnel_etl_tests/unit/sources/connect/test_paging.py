"""A source that answers in pages is refused as cut, with the words to set it right."""

from datetime import UTC, datetime
from typing import Any

import pytest

from funnel_etl.core.errors import SourceRejected
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import fetch
from funnel_etl_tests.unit.sources.conftest import Server

PAGE = b'_id,note\n1,"two\nlines"\n2,b\n\n3,c\n'
"""Three rows, in six lines."""


def pull(server: Server, landing: Landing, status: int = 200, **headers: str) -> Any:
    url = server.script("/sales.csv", lambda handler: handler.send(status, PAGE, **headers))
    return fetch(url, source="crm_sales", landing=landing, clock=lambda: datetime(2026, 11, 2, tzinfo=UTC)).arrival


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        pytest.param(
            {"Link": '<http://x/?page=2>; rel="next", <http://x/?page=9>; rel="last"'}, "next page", id="link"
        ),
        pytest.param({"Link": "<http://x/?page=2>; rel=next"}, "next page", id="link_unquoted"),
        pytest.param({"X_Total_Count": "250"}, "says 250 rows, and 4 came", id="total_count"),
        pytest.param({"X_Total": "1,250"}, "1,250 rows", id="total"),
        pytest.param({"X_WP_Total": "250"}, "250 rows", id="wordpress"),
        pytest.param({"Total_Count": "250"}, "250 rows", id="plain_total"),
        pytest.param({"Content_Range": "items 0-2/250"}, "0-2 of 250", id="content_range"),
        pytest.param({"Content_Range": "3-5/6"}, "3-5 of 6", id="content_range_of_the_last_page"),
        pytest.param({"X_Total_Pages": "3"}, "3 pages", id="pages"),
        pytest.param({"X_Next_Page": "2"}, "there is more", id="next_page"),
        pytest.param({"X_Has_More": "true"}, "there is more", id="has_more"),
    ],
)
def test_one_page_of_many_is_refused_with_how_to_get_them_all(
    headers: dict[str, str], why: str, server: Server, landing: Landing
) -> None:
    """A CRM with 250 sales gave 100 a page: the first page was published as all there is."""
    with pytest.raises(SourceRejected) as refused:
        pull(server, landing, **headers)
    assert "one page of many" in refused.value.what
    assert why in refused.value.what
    assert "FUNNEL_CRM_SALES_URL" in refused.value.fix
    assert not any(arrival.status == "accepted" for arrival in landing.arrivals("crm_sales"))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"X_Total_Count": "3"}, id="the_rows_that_came"),
        pytest.param({"X_Total_Count": "3", "X_Total_Pages": "2"}, id="all_rows_though_it_knows_pages"),
        pytest.param({"X_Total_Count": "many"}, id="no_number"),
        pytest.param({"X_Total_Pages": "1", "X_Next_Page": ""}, id="one_page"),
        pytest.param({"Content_Range": "items 0-2/3"}, id="the_whole_range"),
        pytest.param({"Content_Range": "0-2/*"}, id="a_range_of_unknown"),
        pytest.param({"Link": '<http://x/?page=1>; rel="first", <http://x/style.css>; rel="preload"'}, id="no_next"),
        pytest.param({"X_Has_More": "false"}, id="no_more"),
    ],
)
def test_an_answer_that_says_it_is_whole_is_taken(headers: dict[str, str], server: Server, landing: Landing) -> None:
    assert pull(server, landing, **headers).status == "accepted"


def test_a_partial_answer_with_its_range_names_the_range(server: Server, landing: Landing) -> None:
    with pytest.raises(SourceRejected, match="0-2 of 250"):
        pull(server, landing, status=206, Content_Range="0-2/250")
