import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gspread
import pytest
import requests
from google.auth.exceptions import RefreshError, TransportError
from requests.adapters import BaseAdapter

from funnel_etl.core.errors import ConfigError, SourceRejected, SourceUnavailable
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.auth import Auth
from funnel_etl.sources.connect.gsheet import fetch_sheet
from funnel_etl.sources.connect.request import FetchPolicy, Request


class Google(BaseAdapter):
    """Stands where the network would: answers what it is told, in turn, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[str] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.asked.append(request.url or "")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code, content = answer
        response._content = json.dumps(content).encode() if not isinstance(content, bytes) else content
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Hold nothing."""

    def client(self) -> gspread.Client:
        session = requests.Session()
        session.mount("https://", self)
        return gspread.Client(auth=None, session=session)


def request(landing: Landing, url: str = "gsheet://SHEET-Id_1/TOFU%20'leads'") -> Request:
    policy = FetchPolicy(retries=2, backoff=0.01, backoff_max=0.01, jitter=0)
    return Request(
        url=url, source="tofu_leads", setting="FUNNEL_TOFU_LEADS_URL", landing=landing, auth=Auth(),
        policy=policy, clock=lambda: datetime(2025, 3, 1, tzinfo=UTC),
    )  # fmt: skip


def refusal(code: int) -> tuple[int, dict[str, Any]]:
    return code, {"error": {"code": code, "message": "for someone@example.test", "status": "X"}}


def test_a_tab_is_landed_as_csv_with_one_request_and_every_row_as_wide_as_the_header(
    landing: Landing,
) -> None:
    google = Google((200, {"values": [["phone", "source", "note"], ["+91 98", 'a "b", c'], [], ["1", "", "x\ny"]]}))
    arrival = fetch_sheet(request(landing), None, google.client()).arrival
    assert landing.read(arrival.file_id) == b'phone,source,note\n+91 98,"a ""b"", c",\n,,\n1,,"x\ny"\n'
    assert arrival.name == "gsheet://SHEET-Id_1/TOFU%20'leads'"
    assert arrival.kind == "pull"
    assert len(google.asked) == 1
    assert "/SHEET-Id_1/values/%27TOFU%20%27%27leads%27%27%27?" in google.asked[0]
    assert "valueRenderOption=FORMATTED_VALUE" in google.asked[0]


@pytest.mark.parametrize(
    "failure",
    [refusal(429), refusal(503), requests.ConnectionError("x"), TransportError("x"), (200, b"half")],
    ids=["429", "503", "network", "login network", "not JSON"],
)
def test_what_fails_once_is_tried_again(landing: Landing, failure: Any) -> None:
    google = Google(failure, (200, {"values": [["phone"]]}))
    assert fetch_sheet(request(landing), None, google.client()).arrival.bytes == 6
    assert len(google.asked) == 2


def test_what_fails_every_time_is_transient(landing: Landing) -> None:
    google = Google(refusal(500))
    with pytest.raises(SourceUnavailable, match=r"tofu_leads at gsheet://SHEET-Id_1/.*: Google answered 500"):
        fetch_sheet(request(landing), None, google.client())
    assert len(google.asked) == 3


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (refusal(403), "may not read this sheet .403.. Fix: share the sheet with its address"),
        (refusal(404), "there is no such sheet. Fix: correct the ID in FUNNEL_TOFU_LEADS_URL"),
        (refusal(400), "there is no such tab"),
        (RefreshError("someone@example.test", {"x": 1}), "does not accept the service account's key"),
    ],
    ids=["403", "404", "400", "revoked key"],
)
def test_a_refusal_is_permanent_and_repeats_nothing_of_the_answer(landing: Landing, failure: Any, says: str) -> None:
    google = Google(failure)
    with pytest.raises(SourceRejected, match=says) as caught:
        fetch_sheet(request(landing), None, google.client())
    assert "example.test" not in str(caught.value)
    assert caught.value.__context__ is None
    assert len(google.asked) == 1


def test_an_empty_tab_is_rejected(landing: Landing) -> None:
    with pytest.raises(SourceRejected, match="got nothing"):
        fetch_sheet(request(landing), None, Google((200, {"range": "x"})).client())
    assert [arrival.status for arrival in landing.arrivals()] == ["rejected"]


def test_a_mistake_of_ours_is_not_taken_for_googles(landing: Landing) -> None:
    with pytest.raises(ZeroDivisionError):
        fetch_sheet(request(landing), None, Google(ZeroDivisionError()).client())


def test_without_the_package_the_error_says_what_to_install(landing: Landing, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "gspread", None)
    with pytest.raises(ConfigError, match=r"Fix: pip install funnel_etl\[sheets\]"):
        fetch_sheet(request(landing), None)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no service account file"),
        ("{not json", "is not the key of a service account"),
        ('{"type": "authorized_user", "client_secret": "s3cr3t"}', "is not the key of a service account"),
    ],
    ids=["missing", "broken", "another kind"],
)
def test_credentials_that_cannot_be_used_are_told_without_their_content(
    landing: Landing, tmp_path: Path, content: str | None, says: str
) -> None:
    key = tmp_path / "key.json"
    if content is not None:
        key.write_text(content)
    with pytest.raises(ConfigError, match=says) as caught:
        fetch_sheet(request(landing), key)
    assert "s3cr3t" not in str(caught.value)


def test_no_credentials_at_all_is_told(landing: Landing) -> None:
    with pytest.raises(ConfigError, match="no service account is set"):
        fetch_sheet(request(landing), None)


@pytest.mark.parametrize("url", ["gsheet://", "gsheet://ID", "gsheet://ID/", "gsheet:///Tab"])
def test_an_address_without_sheet_or_tab_is_told(landing: Landing, url: str) -> None:
    with pytest.raises(ConfigError, match="needs its ID and its tab"):
        fetch_sheet(request(landing, url), None)


def test_a_judge_refuses_a_tab_as_any_other_source(landing: Landing) -> None:
    def judge(pages: Sequence[bytes]) -> None:
        assert pages == [b"Name,Phone\n"]
        raise SourceRejected("only its header came", where="tofu_leads", fix="look at the tab")

    google = Google((200, {"values": [["Name", "Phone"]]}))
    with pytest.raises(SourceRejected, match="only its header came"):
        fetch_sheet(replace(request(landing), judge=judge), None, google.client())
    (arrival,) = landing.arrivals("tofu_leads")
    assert (arrival.status, arrival.reason) == ("rejected", "tofu_leads: only its header came. Fix: look at the tab")
