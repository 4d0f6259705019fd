import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from funnel_etl.demo.crm_server import LoopbackCrm

pytestmark = pytest.mark.slow

SALES = "".join(f"{n},naïve\n" for n in range(40_000)).encode()


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[LoopbackCrm]:
    (tmp_path / "crm_sales.csv").write_bytes(SALES)
    (tmp_path / "crm_assigned_leads.csv").write_bytes(b"sources,assignOn,leadMobile,employee\n")
    (tmp_path / "secret.txt").write_text("no")
    with LoopbackCrm(tmp_path, "right") as server:
        yield server


def get(url: str, authorization: str | None) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, headers={"Authorization": authorization} if authorization else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def test_a_dump_comes_whole_with_its_length(crm: LoopbackCrm) -> None:
    status, body, headers = get(crm.sales_url, "Bearer right")
    assert (status, body) == (200, SALES)
    assert headers["Content-Length"] == str(len(SALES))


def test_the_other_dump_has_its_own_address(crm: LoopbackCrm) -> None:
    assert get(crm.assigned_leads_url, "Bearer right")[1].startswith(b"sources,")


@pytest.mark.parametrize("given", [None, "Bearer wrong", "right", "Basic right", "Bearer "], ids=str)
def test_a_wrong_token_gets_a_login_page_and_no_row(crm: LoopbackCrm, given: str | None) -> None:
    status, body, headers = get(crm.sales_url, given)
    assert status == 401
    assert headers["Content-Type"].startswith("text/html")
    assert b"naive" not in body
    assert body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("path", ["/secret.txt", "/", "/../secret.txt", "/crm_sales.csv"])
def test_no_other_file_of_the_folder_is_served(crm: LoopbackCrm, path: str) -> None:
    assert get(crm.url + path, "Bearer right")[0] == 404


def test_the_port_is_free_again_afterwards(tmp_path: Path) -> None:
    with LoopbackCrm(tmp_path, "right") as server:
        url = server.sales_url
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=2)  # noqa: S310


def test_a_request_is_not_logged(crm: LoopbackCrm, capfd: pytest.CaptureFixture[str]) -> None:
    get(crm.sales_url, "Bearer right")
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
