"""What is asked of Dagster's web server on this machine."""

from urllib.parse import urlsplit

import pytest

from funnel_etl.operate.run.launch import web_answers
from funnel_etl.settings import Settings
from funnel_etl_tests.servers import new_port, serving


def test_the_web_server_of_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{new_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(b"{}") as address:
        assert web_answers(Settings(_env_file=None, ui_port=urlsplit(address).port))


def test_where_nobody_answers_there_is_none() -> None:
    assert not web_answers(Settings(_env_file=None, ui_port=new_port()))
