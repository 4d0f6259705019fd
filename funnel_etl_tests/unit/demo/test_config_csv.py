import csv
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[3] / "config_csv"
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
    "expected_exports": "profile,weekday,report,note",
}


def rows(name: str) -> list[dict[str, str]]:
    with (CONFIG / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_project_ships_exactly_the_documented_tables() -> None:
    assert {file.stem for file in CONFIG.glob("*.csv")} == set(HEADERS)


@pytest.mark.parametrize("name", HEADERS, ids=str)
def test_the_header_of_a_table_is_the_documented_one(name: str) -> None:
    assert (CONFIG / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0] == HEADERS[name]


@pytest.mark.parametrize("name", ["funnel_mapping", "campaign_mapping", "manual_value_funnel"])
def test_a_mapping_names_only_listed_funnels(name: str) -> None:
    named = {row["funnel"] for row in rows(name)}
    assert named
    assert named <= {row["funnel"] for row in rows("funnels")}


def test_the_readme_speaks_of_every_table_and_every_column() -> None:
    readme = (CONFIG / "README.md").read_text(encoding="utf-8")
    for name, header in HEADERS.items():
        section = readme.split(f"**{name}.csv**", maxsplit=1)[1].split("\n\n", maxsplit=1)[0]
        assert not [column for column in header.split(",") if f"`{column}`" not in section], name


def test_the_placeholders_are_the_three_that_the_rules_name() -> None:
    assert [row["phone"] for row in rows("placeholder_phones")] == ["1234567890", "0123456789", "9876543210"]


def test_sixteen_profiles_carry_seventeen_events() -> None:
    profiles = rows("zoom_profiles")
    assert len({row["name"] for row in profiles}) == 16
    assert len({event for row in profiles for event in row["event_names"].split("|")}) == 17
    assert all(row["download_name"] == f"{row['name']}.csv" for row in profiles)


def test_profiles_named_elsewhere_exist() -> None:
    known = {row["name"] for row in rows("zoom_profiles")}
    named = {row["profile"] for name in ("expected_exports", "webinar_overrides") for row in rows(name)} - {""}
    assert named
    assert named <= known
