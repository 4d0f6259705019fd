"""The container files without a container engine: what compose starts, shows and is told."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from requests import Session
from requests.utils import should_bypass_proxies

from funnel_etl.catalog import SOURCES
from funnel_etl.environment import load_settings
from funnel_etl.settings import PROJECT, Settings, setting_names

COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
OURS = [name for name, service in SERVICES.items() if service["image"] != "postgres:18"]
SETTINGS = set(setting_names(SOURCES.values()))
# Not settings: FUNNEL_DAGSTER_URL is for dagster.yaml, the POSTGRES_ ones for the image of PostgreSQL.
BESIDE = {yaml.safe_load((PROJECT / "dagster.yaml").read_text())["storage"]["postgres"]["postgres_url"]["env"]}
OF_THE_NETWORK = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"}
OF_POSTGRES = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}


def test_compose_has_the_database_the_code_location_the_daemon_the_web_server_and_the_page():
    assert set(SERVICES) == {"postgres", "prepare", "code", "daemon", "web", "page"}
    assert {SERVICES[name]["image"] for name in OURS} == {"funnel_etl:latest"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_published_on_loopback_only(name):
    ports = SERVICES[name].get("ports", [])
    assert all(re.fullmatch(r"127\.0\.0\.1:[^:]+(:-\d+\})?:\d+", port) for port in ports), ports
    assert bool(ports) == (name in {"postgres", "web"})


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "prepare"])
def test_a_service_that_stays_up_has_a_health_check(name):
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(check)
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_preparation_ends_before_the_code_location_starts_and_that_before_its_users():
    assert SERVICES["prepare"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["code"]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
    for name in ("daemon", "web"):
        assert SERVICES[name]["depends_on"] == {"code": {"condition": "service_healthy"}}


def test_every_variable_a_service_is_given_is_a_setting():
    given = {name for service in SERVICES.values() for name in service["environment"]}
    assert given - SETTINGS - BESIDE - OF_POSTGRES - OF_THE_NETWORK == set()
    assert {"FUNNEL_DATABASE_URL", "FUNNEL_CRM_SECRET", "FUNNEL_TOFU_LEADS_URL", "FUNNEL_ALERT_URLS"} <= given


@pytest.mark.parametrize("name", OURS)
def test_every_setting_reaches_every_container_of_ours(name):
    """Eleven settings were handed to no container: keep, drop and quarantine limits, and Google's credentials."""
    given = SERVICES[name]["environment"]
    # Ports of this machine, at which compose publishes those of the containers.
    assert SETTINGS - set(given) == {"FUNNEL_DATABASE_PORT", "FUNNEL_UI_PORT", "FUNNEL_APP_PORT"}
    own = {"FUNNEL_DATABASE_URL", "FUNNEL_HOME", "FUNNEL_DROP_DIR", "FUNNEL_CONFIG_DIR"}
    own |= {"FUNNEL_GOOGLE_CREDENTIALS", "FUNNEL_APP_USERS"}
    for setting in SETTINGS & set(given) - own:
        assert given[setting] == f"${{{setting}:-}}", setting


def test_what_compose_hands_over_is_read_as_if_nothing_were_set_when_nothing_is(monkeypatch):
    for setting in SETTINGS:
        monkeypatch.delenv(setting, raising=False)
    given = {name: value for name, value in SERVICES["code"]["environment"].items() if name in SETTINGS}
    for name, value in given.items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:[-+][^}]*\}", "", value))
    read, own = load_settings(), {"home", "database_url", "config_dir", "drop_dir"}
    assert read.model_dump(exclude=own) == Settings(_env_file=None).model_dump(exclude=own)
    assert (str(read.home), str(read.drop_dir), str(read.config_dir)) == ("/state", "/drop", "/app/config_csv")


def test_googles_credentials_are_a_mounted_secret_and_not_set_without_them():
    assert COMPOSE["secrets"]["google_credentials"]["file"] == "${FUNNEL_GOOGLE_CREDENTIALS:-/dev/null}"
    for name in OURS:
        assert "google_credentials" in SERVICES[name]["secrets"]
        given = SERVICES[name]["environment"]["FUNNEL_GOOGLE_CREDENTIALS"]
        assert given == "${FUNNEL_GOOGLE_CREDENTIALS:+/run/secrets/google_credentials}"


@pytest.mark.parametrize("name", OURS)
def test_proxies_and_the_ca_file_reach_every_container_of_ours(name):
    """operations.md says to set them, and no container saw them."""
    given = SERVICES[name]["environment"]
    assert {proxy: given[proxy] for proxy in ("HTTP_PROXY", "HTTPS_PROXY")} == {
        "HTTP_PROXY": "${HTTP_PROXY:-}",
        "HTTPS_PROXY": "${HTTPS_PROXY:-}",
    }
    # The health check of `web` asks 127.0.0.1, by a library that goes by these variables.
    assert given["NO_PROXY"].split(",") == ["${NO_PROXY:-}", "localhost", "127.0.0.1", "postgres", "code"]
    assert given["REQUESTS_CA_BUNDLE"] == "${REQUESTS_CA_BUNDLE:+/run/secrets/ca_bundle}"
    assert COMPOSE["secrets"]["ca_bundle"]["file"] == "${REQUESTS_CA_BUNDLE:-/dev/null}"
    assert SERVICES[name]["secrets"] == ["google_credentials", "ca_bundle", "app_users"]


def test_without_a_proxy_or_ca_file_requests_asks_directly(monkeypatch):
    for name in ("CURL_CA_BUNDLE", *map(str.lower, OF_THE_NETWORK)):
        monkeypatch.delenv(name, raising=False)
    for name in OF_THE_NETWORK:
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:[-+][^}]*\}", "", SERVICES["code"]["environment"][name]))
    assert should_bypass_proxies("http://127.0.0.1:3000/server_info", no_proxy=None)
    found = Session().merge_environment_settings("https://crm.example.org", {}, None, None, None)
    assert found["proxies"].keys() <= {"no", "all"}
    assert found["verify"] is True


def test_a_misspelt_setting_of_the_env_file_is_seen_by_the_container_that_all_others_wait_for():
    assert [name for name in OURS if "env_file" in SERVICES[name]] == ["prepare"]
    assert SERVICES["prepare"]["env_file"] == [{"path": ".env", "required": False}]


def test_every_variable_that_compose_reads_from_the_environment_is_a_setting():
    read = set(re.findall(r"\$\{(\w+)", (PROJECT / "docker-compose.yml").read_text()))
    assert read - SETTINGS - OF_POSTGRES - OF_THE_NETWORK == set()
    assert "POSTGRES_PASSWORD" in read


def test_no_secret_is_written_in_the_files():
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|_URL", name) and value:
                assert "${" in str(value), name


def test_the_workspace_names_the_code_service_and_its_port():
    [entry] = yaml.safe_load((PROJECT / "workspace.docker.yaml").read_text())["load_from"]
    server = entry["grpc_server"]
    command = SERVICES["code"]["command"]
    assert server["host"] == "code"
    assert str(server["port"]) == command[command.index("-p") + 1]
    assert server["location_name"] == command[command.index("--location-name") + 1]
    for name in ("daemon", "web"):
        assert SERVICES[name]["command"][-2:] == ["-w", "workspace.docker.yaml"]


def test_postgresql_keeps_its_data_in_a_volume():
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]
    assert set(COMPOSE["volumes"]) == {"postgres", "state"}


def test_what_people_edit_and_drop_is_mounted_read_only():
    for name in OURS:
        mounts = [volume for volume in SERVICES[name]["volumes"] if volume.startswith("./")]
        assert len(mounts) == 2
        assert all(mount.endswith(":ro") != (name == "page") for mount in mounts), (
            "the page takes files and edits config"
        )


def test_everything_the_image_copies_is_there_and_not_ignored():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert {"funnel_etl", "requirements.lock", "dagster.yaml"} <= sources
    let_through = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for source in sources:
        assert (PROJECT / source).exists(), source
        assert source in let_through, source


def test_the_image_does_not_run_as_root():
    assert DOCKERFILE.rindex("\nUSER funnel") > DOCKERFILE.rindex("\nRUN ")


def test_the_image_names_no_registry_host():
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(images) > 5
    assert not [image for image in images if "/" in image or "." in image.partition(":")[0]]


@pytest.mark.parametrize("name", ["FUNNEL_HOME", "FUNNEL_DROP_DIR", "DAGSTER_HOME"])
def test_the_folders_of_the_image_are_the_ones_compose_mounts(name):
    [folder] = re.findall(rf"{name}=(\S+)", DOCKERFILE)
    targets = [volume.split(":")[1] for volume in SERVICES["web"]["volumes"]]
    assert any(Path(folder).is_relative_to(target) for target in targets)
