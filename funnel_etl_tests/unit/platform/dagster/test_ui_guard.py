"""Which requests reach the Dagster UI: what other sites can send, as browsers send it, is refused in one line."""

import asyncio
from typing import Any

import pytest

from funnel_etl.core.errors import ConfigError
from funnel_etl.environment import load_settings
from funnel_etl.platform.dagster.ui_guard import LOOPBACK, Refusal, UiGuard, refusal
from funnel_etl.settings import Settings

HOST, OWN = "127.0.0.1:3000", "http://127.0.0.1:3000"
JSON = {"content-type": "application/json"}
UI = {"origin": OWN, "referer": f"{OWN}/runs", "sec-fetch-site": "same-origin"}
FOREIGN = {"origin": "https://evil.example", "referer": "https://evil.example/", "sec-fetch-site": "cross-site"}
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
Headers = dict[str, str] | list[tuple[str, str]]


def asked(request: str, headers: Headers, host: str = HOST, hosts: frozenset[str] = LOOPBACK) -> Refusal | None:
    """What the guard says to `METHOD /path?query`; WS as method: a WebSocket."""
    method, _, target = request.partition(" ")
    path, _, query = target.partition("?")
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    sent = [("host", host), *pairs] if host else pairs
    scope: dict[str, Any] = {
        "type": "websocket" if method == "WS" else "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent],
    }
    return refusal(scope, hosts)


def test_a_page_that_asks_for_ever_is_one_line_of_the_log_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async def nobody(*_: Any) -> None:
        return None

    now = [0.0]
    guard = UiGuard(nobody, clock=lambda: now[0])

    def ask(path: str, times: int) -> list[str]:
        caplog.clear()
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"query=1", "extensions": {}}
        scope["headers"] = [(b"host", HOST.encode()), *((k.encode(), v.encode()) for k, v in FOREIGN.items())]
        for _ in range(times):
            asyncio.run(guard(scope, nobody, nobody))
        return [record.getMessage().removeprefix("Dagster UI: refused a request: ") for record in caplog.records]

    with caplog.at_level("INFO", logger="funnel_etl.progress"):
        assert ask("/graphql", 3) == ["GraphQL is taken by POST only"]
        assert ask("/runs", 2) == ["another site loads it"]
        now[0] = 59.0
        assert ask("/graphql", 1) == []
        now[0] = 61.0
        assert ask("/graphql", 2) == ["GraphQL is taken by POST only (and 3 times since it was last said)"]
        now[0] = 122.0
        assert ask("/runs", 1) == ["another site loads it (and 1 times since it was last said)"]


ALLOWED = {
    "the_page_typed_into_the_browser": ("GET /", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}),
    "a_page_by_a_link_in_a_chat": ("GET /runs/1", LINK),
    "a_page_by_a_link_of_a_server_on_another_port": ("GET /runs/1", LINK | {"sec-fetch-site": "same-site"}),
    "a_file_of_the_ui": ("GET /_next/static/chunks/1.js", {"sec-fetch-site": "same-origin", "referer": f"{OWN}/"}),
    "what_the_ui_asks": ("POST /graphql", JSON | UI),
    "with_the_character_set": ("POST /graphql", {"content-type": "application/json; charset=UTF-8"} | UI),
    "what_a_program_asks": ("POST /graphql", JSON),
    "the_ui_s_subscription": ("WS /graphql", {"origin": OWN}),
    "a_program_s_subscription": ("WS /graphql", {}),
    "the_health_check": ("GET /server_info", {}),
    "logs_from_the_ui": ("GET /logs/1/compute_logs/a.out", {"sec-fetch-site": "same-origin"}),
    "graphiql": ("GET /graphql", {"sec-fetch-site": "none", "accept": "text/html"}),
}


@pytest.mark.parametrize(("request_", "headers"), ALLOWED.values(), ids=ALLOWED)
def test_what_people_and_programs_of_this_machine_ask_passes(request_: str, headers: Headers) -> None:
    assert asked(request_, headers) is None


MUTATION = "/graphql?query=mutation{stopRunningSchedule(id:%22x%22){__typename}}"
REFUSED = {
    "mutation_by_get": (f"GET {MUTATION}", FOREIGN),
    "mutation_by_get_that_says_nothing_of_where_it_comes_from": (f"GET {MUTATION}", {}),
    "query_by_get": ("GET /graphql?query={version}", {}),
    "named_operation_by_get": ("GET /graphql?operationName=b&query=query+a{version}mutation+b{x}", {}),
    "subscription_by_get": ("GET /graphql?query=subscription{pipelineRunLogs(runId:%22x%22){__typename}}", {}),
    "persisted_id_by_get": ("GET /graphql?extensions=%7B%22persistedQuery%22:1%7D", {}),
    "get_that_asks_to_be_a_post": (f"GET {MUTATION}", {"x-http-method-override": "POST"}),
    "mutation_by_head": (f"HEAD {MUTATION}", {}),
    "form": ("POST /graphql", {"content-type": "application/x-www-form-urlencoded"}),
    "form_of_the_ui_itself": ("POST /graphql", {"content-type": "application/x-www-form-urlencoded"} | UI),
    "form_with_the_mutation_in_its_address": (f"POST {MUTATION}", {"content-type": "text/plain"}),
    "form_with_files": ("POST /graphql", {"content-type": "multipart/form-data; boundary=x"}),
    "text": ("POST /graphql", {"content-type": "text/plain"}),
    # Dagster looks for application/json anywhere in it, and browsers send this to any site without asking first.
    "text_that_has_json_in_its_type": ("POST /graphql", {"content-type": "text/plain;application/json"}),
    "two_types": ("POST /graphql", [("content-type", "text/plain"), ("content-type", "application/json")]),
    "types_in_a_list": ("POST /graphql", {"content-type": "text/plain, application/json"}),
    "graphql_s_own_type": ("POST /graphql", {"content-type": "application/graphql"}),
    "no_type": ("POST /graphql", {}),
    "json_from_another_site": ("POST /graphql", JSON | FOREIGN),
    "json_from_another_port": ("POST /graphql", JSON | {"origin": "http://127.0.0.1:8888"}),
    "json_from_the_other_loopback_name": ("POST /graphql", JSON | {"origin": "http://localhost:3000"}),
    "json_from_no_origin": ("POST /graphql", JSON | {"origin": "null"}),
    "json_from_two_origins": ("POST /graphql", [*JSON.items(), ("origin", OWN), ("origin", OWN)]),
    "json_from_a_site_that_hides_its_origin": ("POST /graphql", JSON | {"sec-fetch-site": "cross-site"}),
    "json_from_a_site_known_by_its_referer": (
        "POST /graphql",
        JSON | {"referer": "http://evil.example/127.0.0.1:3000"},
    ),
    "an_origin_that_begins_like_ours": ("POST /graphql", JSON | {"origin": f"{OWN}.evil.example"}),
    "an_origin_with_our_name_as_its_user": ("POST /graphql", JSON | {"origin": "http://127.0.0.1:3000@evil.example"}),
    "question_before_a_request_from_elsewhere": ("OPTIONS /graphql", {"access-control-request-method": "POST"}),
    "another_path_for_graphql": ("POST /graphql/", JSON),
    "put": ("PUT /graphql", JSON),
    "event_from_outside": ("POST /report_asset_materialization/mart/funnel_facts", JSON | UI),
    "event_without_a_body": ("POST /report_asset_materialization/mart/funnel_facts?partition=x", {}),
    "check_from_outside": ("POST /report_asset_check/mart/funnel_facts?check_name=contract&passed=true", {}),
    "observation_from_outside": ("POST /report_asset_observation/mart/funnel_facts", {}),
    "notebook": ("GET /notebook?path=x.ipynb", {}),
    "websocket_from_another_site": ("WS /graphql", {"origin": "https://evil.example"}),
    "websocket_from_a_file": ("WS /graphql", {"origin": "null"}),
    "websocket_elsewhere": ("WS /", {"origin": OWN}),
    "frame": ("GET /", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}),
    "picture": ("GET /favicon.png", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
    "logs_by_a_link_elsewhere": ("GET /logs/1/compute_logs/a.out", LINK),
    "debug_file_by_a_link_elsewhere": ("GET /download_debug/1", LINK),
    "reading_with_the_origin_of_another_site": ("GET /server_info", {"origin": "https://evil.example"}),
}


@pytest.mark.parametrize(("request_", "headers"), REFUSED.values(), ids=REFUSED)
def test_what_another_site_can_send_is_refused_and_says_what_to_do(request_: str, headers: Headers) -> None:
    refused = asked(request_, headers)
    assert refused is not None
    assert refused.fix


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:3000", "127.0.0.1:1", "[::1]:3000", "dagster.example.org:8443"]
)
def test_the_ui_is_served_under_the_loopback_names_and_those_that_are_set(host: str) -> None:
    hosts = LOOPBACK | {"dagster.example.org"}
    assert asked("GET /", {}, host, hosts) is None
    assert asked("POST /graphql", JSON | {"origin": f"https://{host}"}, host, hosts) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "dagster.example.org", "localhost.evil.example", "127.0.0.1.evil.example:3000"]
)
def test_another_name_is_refused_with_the_setting_that_allows_it(host: str) -> None:
    refused = asked("GET /", {}, host)
    assert refused is not None
    name = host.partition(":")[0]
    assert f"add {name} to FUNNEL_UI_HOSTS" in refused.fix
    assert name not in refused.why, "it is logged"


@pytest.mark.parametrize(
    "host", ["", "localhost@evil.example", "localhost/..", "a\r\nb", "localhost:3000:1", "<script>"]
)
def test_a_host_that_is_no_name_is_refused_without_repeating_it(host: str) -> None:
    refused = asked("GET /", {}, host)
    assert refused is not None
    assert "evil" not in str(refused)
    assert "<" not in str(refused)


def test_two_hosts_are_refused() -> None:
    assert asked("GET /", [("host", "localhost")], "127.0.0.1") is not None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("dagster.example.org", "https://dagster.example.org"),
        ("dagster.example.org", "https://dagster.example.org:443"),
        ("dagster.example.org:443", "https://dagster.example.org"),
        ("dagster.example.org", "http://dagster.example.org"),
        ("dagster.example.org:8443", "https://DAGSTER.example.org:8443"),
    ],
)
def test_behind_a_proxy_the_origin_is_that_of_the_host_it_passes_on(host: str, origin: str) -> None:
    hosts = frozenset({"dagster.example.org"})
    assert asked("POST /graphql", JSON | {"origin": origin}, host, hosts) is None
    assert asked("POST /graphql", JSON | {"origin": f"{origin}9"}, host, hosts) is not None


def test_the_names_of_the_setting_are_read_in_any_case_and_spacing() -> None:
    given = Settings(ui_hosts=" Dagster.Example.org,, [fd00::1] ", _env_file=None)
    assert given.ui_host_names == {"dagster.example.org", "[fd00::1]"}
    assert Settings(ui_hosts="", _env_file=None).ui_host_names == frozenset()


@pytest.mark.parametrize("wrong", ["https://dagster.example.org", "dagster.example.org:443", "*", "a b", "x,*.a.org"])
def test_a_wrong_name_in_the_setting_is_one_line_that_shows_a_right_one(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNNEL_UI_HOSTS", wrong)
    with pytest.raises(ConfigError, match=r"FUNNEL_UI_HOSTS: .* is not a host name; an example is dagster\.example\."):
        load_settings()
