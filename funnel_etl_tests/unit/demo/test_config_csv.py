"""The two sets of config tables: the one a real team starts from, and the one of the demo's company."""

import csv
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from funnel_etl.catalog import SOURCE_NAMES
from funnel_etl.core.config_checks import check_together, misspelled_header
from funnel_etl.core.config_tables import TABLES, parse_table
from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.settings import PROJECT
from funnel_etl.sources.config_folder import table_bytes

START = PROJECT / "config_csv"
SETS = pytest.mark.parametrize("folder", [START, DEMO_CONFIG], ids=["start", "demo"])
HEADERS = {
    "funnels": "funnel",
    "funnel_mapping": "source,funnel,valid_from,valid_to,note",
    "campaign_mapping": "utm_source,utm_medium,utm_campaign,funnel",
    "manual_mapping": "sale_id,manual_value,note",
    "manual_value_funnel": "manual_value,funnel",
    "metrics": "name,value",
    "closed_months": "month",
    "placeholder_phones": "phone,note",
    "bot_names": "pattern,note",
    "column_aliases": "source,alias,column",
    "zoom_profiles": (
        "name,product,use_case,type,event_names,download_name,category_mode,category,source_tag,topic_pattern"
    ),
    "category_tokens": "token,category",
    "conductors": "name,conductor",
    "webinar_overrides": "webinar_id,conductor,category,profile,bootcamp_day,note",
    "file_overrides": "file_id,category,conductor,profile,bootcamp_day,date_ratio,note",
    "expected_exports": "profile,weekday,report,note",
    "delivery_rules": "profile,kind,deliver,from_date,max_age_days,unknown_consent,note",
    "delivery_attributes": "kind,attribute,value,type,profile",
    "consent_questions": "pattern,channel,yes_values,note",
    "chat_files": "file_name,webinar_id,started_at,note",
    "chat_names": "occurrence_id,sender_name,person_key,note",
    "chat_noise": "text",
    "engagement_settings": "name,value,note",
    "engagement_weights": "component,weight",
    "engagement_bands": "component,at_least,points",
    "engagement_tiers": "tier,at_least",
    "engagement_owners": "conductor,profile,webinar_id,role,note",
    "webinar_offers": "webinar_id,started_at,offer_name,offer_description,price,deadline,replay_url",
    "llm_prices": "model,usd_per_million_in,usd_per_million_out,note",
    "non_names": "word",
    "name_titles": "word",
    "name_aliases": "name,other",
}


def rows(name: str, folder: Path = DEMO_CONFIG) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@SETS
def test_a_set_has_exactly_the_documented_tables(folder: Path) -> None:
    assert {file.stem for file in folder.glob("*.csv")} == set(HEADERS)


@SETS
@pytest.mark.parametrize("name", HEADERS, ids=str)
def test_the_header_of_a_table_is_the_documented_one(folder: Path, name: str) -> None:
    assert (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0] == HEADERS[name]


@pytest.mark.parametrize("name", ["funnel_mapping", "campaign_mapping", "manual_value_funnel"])
def test_a_mapping_names_only_listed_funnels(name: str) -> None:
    named = {row["funnel"] for row in rows(name)}
    assert named
    assert named <= {row["funnel"] for row in rows("funnels")}


def test_the_readme_speaks_of_every_table_and_every_column() -> None:
    readme = (START / "README.md").read_text(encoding="utf-8")
    for name, header in HEADERS.items():
        section = readme.split(f"**{name}.csv**", maxsplit=1)[1].split("\n\n", maxsplit=1)[0]
        assert not [column for column in header.split(",") if f"`{column}`" not in section], name


@SETS
def test_the_placeholders_are_the_three_that_the_rules_name(folder: Path) -> None:
    assert [row["phone"] for row in rows("placeholder_phones", folder)] == ["1234567890", "0123456789", "9876543210"]


def test_sixteen_profiles_carry_seventeen_events() -> None:
    profiles = rows("zoom_profiles")
    assert len({row["name"] for row in profiles}) == 16
    assert len({event for row in profiles for event in row["event_names"].split("|")}) == 17
    assert all(row["download_name"] == f"{row['name']}.csv" for row in profiles)


def test_the_events_have_the_names_that_journeys_wait_for() -> None:
    events = {event for row in rows("zoom_profiles") for event in row["event_names"].split("|")}
    tracks = ("CD", "IP", "MA", "TF", "ADR", "Misc")
    assert events == {
        *("Plutus Webinar Attended", "Plutus Webinar Registered"),
        *("Plutus Bootcamp Registered", "Plutus Bootcamp Attended", "TLS Misc Bootcamp Attended"),
        *(f"TLS Webinar {kind} {track}" for kind in ("Attended", "Registered") for track in tracks),
    }


@SETS
def test_nothing_is_sent_until_somebody_says_so(folder: Path) -> None:
    [rule] = rows("delivery_rules", folder)
    assert [rule[name] for name in ("profile", "kind", "deliver", "from_date", "unknown_consent")] == [
        *("*", "*", "no", "", "hold"),
    ]


def test_profiles_named_elsewhere_exist() -> None:
    known = {row["name"] for row in rows("zoom_profiles")}
    named = {row["profile"] for name in ("expected_exports", "webinar_overrides") for row in rows(name)} - {""}
    assert named
    assert named <= known


def test_a_real_team_starts_without_a_line_that_only_one_team_can_know() -> None:
    """Incident: the demo's lines gave a real team reports that "were missing", and fifty lines that nothing used."""
    of_a_team = (
        *("funnel_mapping", "campaign_mapping", "manual_mapping", "manual_value_funnel", "closed_months"),
        *("column_aliases", "category_tokens", "conductors", "webinar_overrides", "expected_exports"),
        *("file_overrides", "chat_files", "chat_names", "engagement_owners", "webinar_offers", "consent_questions"),
        "llm_prices",
    )
    assert {name: rows(name, START) for name in of_a_team} == {name: [] for name in of_a_team}
    of_all = set(HEADERS) - set(of_a_team)
    assert all(rows(name, START) for name in of_all)
    shipped = "".join((START / f"{name}.csv").read_text() for name in HEADERS).casefold()
    assert not [word for word in ("plutus", "tls", "solvane", "demo") if word in shipped]


def test_the_set_a_team_starts_from_has_no_error() -> None:
    texts = {name: table_bytes(START, name) or b"" for name in TABLES}
    assert check_together({name: parse_table(name, text) for name, text in texts.items()}, SOURCE_NAMES) == {}
    assert [misspelled_header(name, text) for name, text in texts.items()] == [None] * len(TABLES)


def test_the_demo_has_its_tables_with_it_when_the_package_is_installed(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {f"funnel_etl/demo/config_csv/{name}.csv" for name in HEADERS} <= packed
