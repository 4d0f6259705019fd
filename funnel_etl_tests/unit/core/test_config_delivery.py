"""The config tables of delivery: one line says what is wrong, where, and how to fix it; a wrong one stops no night."""

from datetime import date
from pathlib import Path

import pytest

from funnel_etl.core.config_checks import check_together
from funnel_etl.core.config_delivery import COLUMNS
from funnel_etl.core.config_models import TABLES
from funnel_etl.core.config_tables import parse_table
from funnel_etl.core.errors import ConfigError
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.settings import PROJECT, Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

PROFILES = (
    "name,type,category_mode,category,source_tag,topic_pattern\ntls_cd,webinar_attended,fixed,CD,Webinar,*contract*\n"
)
RULES = "profile,kind,deliver,from_date,max_age_days,unknown_consent,note\n"
ATTRIBUTES = "kind,attribute,value,type,profile\n"
QUESTIONS = "pattern,channel,yes_values,note\n"


def error(name: str, text: str) -> str:
    """Return what is wrong with one table beside the profiles, empty if nothing is."""
    try:
        tables = {each: parse_table(each, None) for each in TABLES} | {
            "zoom_profiles": parse_table("zoom_profiles", PROFILES.encode()),
            name: parse_table(name, text.encode()),
        }
    except ConfigError as wrong:
        return str(wrong)
    found = check_together(tables)
    assert set(found) <= {name}
    return str(found.get(name, ""))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("*,*,no,,7,hold,", ""),
        ("*,*,no,,,,", ""),
        ("tls_cd,attended,yes,2026-11-01,0,omit,", ""),
        ("TLS_CD,registered,yes,01-Nov-2026,365,opted_out,", ""),
        ("tls_*,*,yes,2026-11-01,7,hold,", ""),
        ("*,*,yes,,7,hold,", "line 2: column 'from_date': '' must not be blank where deliver is yes"),
        ("*,*,yes,soon,7,hold,", "line 2: column 'from_date': 'soon'"),
        ("*,*,maybe,,7,hold,", "line 2: column 'deliver': 'maybe': Input should be 'yes' or 'no'"),
        ("*,left,no,,7,hold,", "line 2: column 'kind': 'left'"),
        ("*,*,no,,a week,hold,", "must be a whole number of days, from 0 to 365"),
        ("*,*,no,,366,hold,", "must be a whole number of days, from 0 to 365"),
        ("*,*,no,,7,send,", "line 2: column 'unknown_consent': 'send'"),
        (
            "tls_cp,*,no,,7,hold,",
            "line 2: column 'profile': 'tls_cp' is not in zoom_profiles.csv (did you mean 'tls_cd'?)",
        ),
        (",*,no,,7,hold,", "line 2: column 'profile': '': Value error, must not be blank"),
    ],
)
def test_a_rule(line: str, says: str) -> None:
    found = error("delivery_rules", f"{RULES}{line}\n")
    assert says in found
    assert (found == "") == (says == "")
    assert not found or found.startswith("config_csv/delivery_rules.csv")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("attended,Topic,{topic},text,", ""),
        ("attended,Topic,{ TOPIC },,tls_*", ""),
        ("attended,Minutes,{minutes},text,", ""),
        ("registered,Team,=TLS,text,tls_cd", ""),
        ("user,Name,{user_name},text,", ""),
        ("attended,Topic,topic,text,", "line 2: column 'value': 'topic' is neither {column} nor =constant"),
        (
            "attended,Topic,{topik},text,",
            "names no column that a line of kind attended may send (did you mean 'topic'?)",
        ),
        ("registered,Joined,{joined_at},date,", "names no column that a line of kind registered may send"),
        ("attended,Mail,{email},text,", "names no column that a line of kind attended may send"),
        ("attended,Topic,{topic},number,", "line 2: column 'type': 'number' does not fit {topic}, which is a text"),
        ("attended,Joined,{joined_at},number,", "does not fit {joined_at}, which is a date"),
        ("attended,Two,=two,number,", "line 2: column 'value': '=two' is no number"),
        ("attended,Day,=soon,date,", "'=soon' is no date"),
        ("attended,Yes,=perhaps,boolean,", "'=perhaps' is no boolean"),
        ("both,Topic,{topic},text,", "line 2: column 'kind': 'both'"),
        ("attended,Topic,{topic},json,", "line 2: column 'type': 'json'"),
        ("attended,,{topic},text,", "line 2: column 'attribute': '': Value error, must not be blank"),
        ("attended,Topic,{topic},text,tls", "line 2: column 'profile': 'tls' is not in zoom_profiles.csv"),
    ],
)
def test_an_attribute(line: str, says: str) -> None:
    found = error("delivery_attributes", f"{ATTRIBUTES}{line}\n")
    assert says in found
    assert (found == "") == (says == "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("*whatsapp*updates*,whatsapp,Yes|Yes please,", ""),
        ("*,whatsapp,yes,", "line 2: column 'pattern': '*' fits every question of every form"),
        ("*a*|*b*,whatsapp,yes,", "holds several patterns"),
        ("*updates*,fax,yes,", "line 2: column 'channel': 'fax'"),
        ("*updates*,sms,,", "line 2: column 'yes_values': '': Value error, must not be blank"),
    ],
)
def test_a_question(line: str, says: str) -> None:
    found = error("consent_questions", f"{QUESTIONS}{line}\n")
    assert says in found
    assert (found == "") == (says == "")


def test_a_column_that_may_be_sent_is_one_of_the_clean_tables_and_tells_nobody_s_name() -> None:
    derived = {"minutes", "track", "bootcamp_day_short"}
    tables = {"registered": (WEBINARS, ZOOM_REGISTRATIONS), "attended": (WEBINARS, ZOOM_ATTENDANCE)}
    for kind, made_from in tables.items():
        known = {column.name: column for table in made_from for column in table.columns}
        assert set(COLUMNS[kind]) - derived <= set(known)
        assert not [name for name in set(COLUMNS[kind]) - derived if known[name].personal]


def test_the_readme_lists_every_column_that_may_be_sent() -> None:
    readme = (PROJECT / "config_csv" / "README.md").read_text()
    section = readme.split("**delivery_attributes.csv**")[1].split("\n\n", maxsplit=1)[0]
    assert not [name for columns in COLUMNS.values() for name in columns if f"`{name}`" not in section]


def test_the_first_edit_that_is_wrong_stops_no_night(tmp_path: Path) -> None:
    folder = tmp_path / "config_csv"
    folder.mkdir()
    for path in (PROJECT / "config_csv").glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "delivery_rules.csv").write_text(f"{RULES}*,*,yes,,7,hold,\n")
    settings = Settings(home=tmp_path, config_dir=folder, _env_file=None)
    sources = NightlySources(settings, Landing(settings.landing_root))
    seen = {version.name: version for version in sources.accept_config(date(2026, 11, 20))}
    assert seen["delivery_rules"].status == "rejected"
    assert "line 2: column 'from_date'" in str(seen["delivery_rules"].errors)
    assert sources.config(date(2026, 11, 20)).table("delivery_rules").empty
