"""Nights of the golden week with consents dropped and a rule that says yes: what could be sent, published and kept.

The webinar of Thursday has its attendee report on Saturday: Bina and Asha came, Esha did not. All three had registered.
"""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from funnel_etl.delivery.candidates_contract import DELIVERY_CANDIDATES
from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.demo.fakes.server import Fake
from funnel_etl.demo.fakes.webengage import FakeWebEngage
from funnel_etl.operate.rerun.replay import replay
from funnel_etl.platform.lake import Lake
from funnel_etl_tests.golden.week import CONFIG, FRI, SAT, SUN, THU, WED, write_night
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow

PROFILES = CONFIG["zoom_profiles"].replace(
    "plutus,Plutus,,webinar_attended,,", "plutus,Plutus,Live,webinar_attended,Plutus Webinar Attended,"
)
REGISTERED_PROFILE = "plutus_reg,Plutus,Live,registration,Plutus Webinar Registered,,auto,,Webinar,*plutus*\n"
RULES = "profile,kind,deliver,from_date,max_age_days,unknown_consent,note\n"
YES = "*,*,yes,2025-10-01,7,hold,\n"
HEADER = "phone,email,channel,state,stated_at,source\n"
CONSENTS = HEADER + (
    "9876500002,,all,granted,2025-10-01 10:00,form\n"
    "+91 98765 00002,,all,granted,2025-10-01 10:00,the same once more\n"
    ",asha@example.org,email,granted,2025-10-02,form\n"
    "9876500006,,whatsapp,granted,2025-10-02,form\n"
    "9876500006,,fax,granted,2025-10-02,form\n"
)
ASKED = "pattern,channel,yes_values,note\n*whatsapp*updates*,whatsapp,yes,\n"


def registration_with_a_question() -> bytes:
    """Return the registration report of a webinar to come: Chand agrees, Dev does not, Ela says nothing."""
    lines = [
        "Registration Report,",
        'Report generated time,"11/01/2025 06:00:00 PM"',
        "Topic,ID,Scheduled Time,Duration (minutes),# Registrants,# Cancelled registrants",
        "Plutus FRM Live,81200000002,11/04/2025 07:00:00 PM, 90,3,0",
        "Attendee Details,",
        "First Name,Last Name,Email,Phone,Registration Time,Approval Status,May we send WhatsApp updates?",
        "Chand,Ali,chand@example.org,+971501234567,11/01/2025 09:00:00 AM,approved,Yes",
        "Dev,Nair,dev@example.org,9876500011,11/01/2025 09:10:00 AM,approved,No",
        "Ela,Bose,ela@example.org,9876500012,11/01/2025 09:20:00 AM,approved,",
    ]
    return ("\ufeff" + "".join(line + "\r\n" for line in lines)).encode()


def switch_on(at: Installation) -> None:
    (at.config / "zoom_profiles.csv").write_text(PROFILES + REGISTERED_PROFILE)
    (at.config / "delivery_rules.csv").write_text(RULES + YES)
    (at.config / "delivery_attributes.csv").write_bytes((DEMO_CONFIG / "delivery_attributes.csv").read_bytes())
    (at.config / "consent_questions.csv").write_text(ASKED)


def drop(at: Installation, name: str, text: str) -> None:
    (at.drop / "consent").mkdir(exist_ok=True)
    (at.drop / "consent" / name).write_text(text)


def run(at: Installation, day: Any = SAT) -> None:
    done = at.night(day)
    assert done.failures == {}
    assert done.is_published


@pytest.fixture(scope="module")
def on(published: Published) -> Iterator[Installation]:
    """Saturday is published, with consents and a rule that says yes."""
    at = published.week(WED, THU, FRI)
    write_night(SAT, at.sources, at.config, at.drop / "zoom")
    (at.drop / "zoom" / "to_come.csv").write_bytes(registration_with_a_question())
    switch_on(at)
    drop(at, "october.csv", CONSENTS)
    drop(at, "copy of october.csv", CONSENTS)
    drop(at, "people.csv", "name,age\nAsha,31\n")
    run(at)
    yield at
    published.discard(at)


def candidates(at: Installation) -> pd.DataFrame:
    sql = "SELECT * FROM ops.delivery_candidates ORDER BY object, kind, occurrence_id, user_id"
    rows = at.query(sql).astype("object")
    return rows.where(rows.notna(), None)


def ledger_of(at: Installation, asset: str) -> pd.DataFrame:
    """Return the account of a table of the newest publication."""
    newest = "SELECT run_id FROM ops.nights WHERE part = 'delivery' ORDER BY version DESC LIMIT 1"
    sql = f"SELECT * FROM ops.row_ledger WHERE run_id = ({newest}) AND asset = :asset ORDER BY input_name"  # noqa: S608
    return at.query(sql, asset=asset)


def decisions(at: Installation) -> dict[tuple[str, str], str]:
    """Return kind and last digits of the phone → the reason, or what is sent."""
    rows = candidates(at)
    said = rows["reason"].fillna("deliver")
    return {(kind, str(who)[-2:]): why for kind, who, why in zip(rows["kind"], rows["user_id"], said, strict=True)}


def test_everybody_is_decided_about(on: Installation) -> None:
    assert decisions(on) == {
        ("attended", "02"): "deliver",
        ("attended", "01"): "deliver",
        ("attended", "06"): "no_show",
        ("registered", "02"): "deliver",
        ("registered", "01"): "deliver",
        ("registered", "06"): "deliver",
        ("registered", "67"): "deliver",
        ("registered", "11"): "no_consent",
        ("registered", "12"): "no_consent",
        **{("user", who): "deliver" for who in ("01", "02", "06", "67", "11")},
    }
    only_if_delivered = candidates(on).query("only_after_delivery")
    assert [who[-2:] for who in only_if_delivered["user_id"]] == ["11"]


def test_people_in_are_those_decided_about_and_those_in_quarantine(on: Installation) -> None:
    ledger = ledger_of(on, "ops.delivery_candidates")
    people = ledger[ledger["input_name"].str.startswith("clean.")]
    came_in = on.value(
        "SELECT (SELECT count(*) FROM clean.zoom_registrations) + (SELECT count(*) FROM clean.zoom_attendance)"
    )
    assert people["rows_in"].sum() == came_in == 9
    assert people["rows_out"].sum() + people["quarantined"].sum() == came_in
    assert on.value("SELECT count(*) FROM ops.delivery_candidates WHERE object = 'event'") == people["rows_out"].sum()
    assert (ledger["rows_in"] == ledger[["rows_out", "merged", "quarantined", "excluded"]].sum(axis=1)).all()


def test_every_row_of_a_dropped_file_is_accounted_for(on: Installation) -> None:
    [dropped] = ledger_of(on, "clean.consents").query("input_name == 'raw.consents'").to_dict("records")
    assert [dropped[name] for name in ("rows_in", "rows_out", "merged", "quarantined")] == [5, 3, 1, 1]
    assert on.value("SELECT reason FROM ops.quarantine WHERE asset = 'clean.consents'") == "bad_channel"
    states = on.query("SELECT name, status, rows FROM ops.files WHERE source = 'consent' ORDER BY name")
    assert states.fillna(0).to_numpy().tolist() == [
        ["copy of october.csv", "loaded", 5],
        ["october.csv", "duplicate", 5],
        ["people.csv", "rejected", 0],
    ]


def test_a_file_that_is_none_is_moved_aside_with_a_word_to_who_dropped_it(on: Installation) -> None:
    [advice] = (on.drop / "consent" / "rejected").glob("*.txt")
    assert "Name its columns phone, email, channel, state, stated_at, source, and drop it again" in advice.read_text()
    assert {path.name for path in (on.drop / "consent" / "processed").iterdir()} == {
        "october.csv",
        "copy of october.csv",
    }


def test_an_answer_of_a_form_is_a_statement_of_the_person(on: Installation) -> None:
    rows = on.query("SELECT user_id, channel, state FROM clean.consents WHERE consent_source LIKE '%WhatsApp%'")
    assert sorted(rows.to_numpy().tolist()) == [
        ["919876500011", "whatsapp", "refused"],
        ["971501234567", "whatsapp", "granted"],
    ]


def test_a_candidate_holds_the_bytes_their_hash_and_the_parts_of_its_key(on: Installation) -> None:
    sent = candidates(on).query("decision == 'deliver'")
    assert len(sent) == 11
    for row in sent.to_dict("records"):
        payload = json.loads(row["payload"])
        assert row["payload_sha256"] == hashlib.sha256(row["payload"].encode()).hexdigest()
        assert payload["userId"] == row["user_id"]
        assert row["key_parts"].split("\n")[:3] == ["webengage", row["account"], row["object"]]
        assert row["user_id"] in row["key_parts"].split("\n")
    bina = sent.query("kind == 'attended' and user_id == '919876500002'").iloc[0]
    assert json.loads(bina["payload"])["eventTime"] == "2025-10-30T18:58:10+0530"
    assert json.loads(bina["payload"])["eventData"]["TimeInSessionMinutes"] == 67


def test_the_night_again_and_its_replay_give_the_same(on: Installation, tmp_path: Path) -> None:
    before = on.contents("ops")["ops.delivery_candidates"]
    run(on)
    assert on.contents("ops")["ops.delivery_candidates"] == before
    (on.home / "state" / "landing" / "nights" / str(FRI) / "consent.json").unlink()  # as before there were consents
    with on.settings() as settings:
        done = replay(settings, SAT, tmp_path / "replay")
        older = replay(settings, FRI, tmp_path / "older")
    assert done.failures == older.failures == {}
    assert (done.not_taken_in, older.not_taken_in) == ([], ["consent"])
    assert {one.table for one in done.compared if not one.is_equal} == set()
    assert {"raw.consents", "clean.consents", "clean.consent_state"} <= {one.table for one in done.compared}


def test_explain_tells_what_a_person_said(on: Installation) -> None:
    told = on.command("explain", "98765 00002")
    assert told.returncode == 0
    assert "consent granted on all" in " ".join(told.stdout.split())


def test_a_yes_without_a_day_is_refused_and_the_last_good_version_stays_in_force(
    on: Installation, published: Published
) -> None:
    before = decisions(on)
    rules = on.config / "delivery_rules.csv"
    rules.write_text(RULES + "plutus,*,no,,,hold,\n*,*,yes,,7,hold,\n")
    run(on)
    [error] = on.query("SELECT errors FROM ops.config_versions WHERE name = 'delivery_rules' AND status = 'rejected'")[
        "errors"
    ]
    assert error.startswith("config_csv/delivery_rules.csv: line 3: column 'from_date'")
    assert decisions(on) == before
    rules.write_text(RULES + YES)
    run(on)


def test_who_withdraws_is_sent_no_event_and_the_profile_is_told(on: Installation) -> None:
    drop(on, "november.csv", HEADER + ",asha@example.org,all,withdrawn,2025-11-02 08:00,e-mail\n")
    run(on)
    found = decisions(on)
    assert {found["attended", "01"], found["registered", "01"]} == {"no_consent"}
    [asha] = candidates(on).query("kind == 'user' and user_id == '919876500001'").to_dict("records")
    assert asha["only_after_delivery"]
    assert not any(json.loads(asha["payload"])[f"{channel}OptIn"] for channel in ("email", "sms", "whatsapp", "rcs"))
    state = on.value("SELECT state FROM clean.consent_state WHERE email = 'asha@example.org' AND channel = 'whatsapp'")
    assert state == "withdrawn"


def test_an_older_night_keeps_what_it_had_and_moves_nothing(on: Installation) -> None:
    run(on, SUN)
    before = on.contents("ops")["ops.delivery_candidates"]
    assert on.night(SAT).failures == {}
    assert on.contents("ops")["ops.delivery_candidates"] == before


def erase(at: Installation) -> subprocess.CompletedProcess[str]:
    return at.command("erase", "9876500002", "--yes")


@pytest.fixture
def fake(on: Installation) -> Iterator[Fake]:
    """WebEngage, and delivery to it switched on: users only, for the events are of another year."""
    with Fake(lambda: FakeWebEngage("demo-key", "in~demo")) as serving:
        on.environment |= {
            "FUNNEL_DELIVERY": "webengage",
            "FUNNEL_DELIVERY_WINDOW": "00:00-24:00",
            "FUNNEL_WEBENGAGE_URL": serving.url,
            "FUNNEL_WEBENGAGE_LICENCE": "in~demo",
            "FUNNEL_WEBENGAGE_KEY": "demo-key",
        }
        yield serving


def test_an_erased_person_is_in_none_of_it(on: Installation, fake: Fake) -> None:
    """The last of the story: what is left is without Bina, and a new file with her is landed without her."""
    run(on, SUN)
    assert on.command("deliver", "approve", "--types").returncode == 0
    assert on.command("deliver", "run").returncode == 0
    assert "919876500002" in fake.behaviour.state()["users"]
    before = len(fake.log)
    assert erase(on).returncode == 0
    landed = [path for path in (on.home / "state" / "landing").rglob("*") if path.is_file()]
    assert landed
    assert not [path for path in landed if b"9876500002" in path.read_bytes()]
    texts = [str(on.query(f"SELECT * FROM {table}").to_dict()) for table in PERSONAL]  # noqa: S608 - ours
    assert not [table for table, text in zip(PERSONAL, texts, strict=True) if "9876500002" in text]
    assert decisions(on)["registered", "06"] == "deliver"
    drop(on, "again.csv", HEADER + "9876500002,,sms,granted,2025-11-02,form\n9876500013,,sms,granted,2025-11-02,form\n")
    run(on, SUN)
    said = set(on.query("SELECT user_id FROM clean.consents")["user_id"].dropna())
    assert "919876500013" in said
    assert "919876500002" not in said
    kept = [path.read_text() for path in (on.drop / "consent" / "processed").iterdir()]
    assert kept
    assert not [text for text in kept if "9876500002" in text]
    assert on.command("deliver", "run").returncode == 0
    naming = [one for one in fake.log[before:] if "9876500002" in str(one)]
    assert [one["path"].rpartition("/")[2] for one in naming] == ["opengdpr_requests"]
    ops = on.query("SELECT tablename FROM pg_tables WHERE schemaname = 'ops'")["tablename"]
    assert not [name for name in ops if "9876500002" in str(on.query(f"SELECT * FROM ops.{name}").to_dict())]  # noqa: S608


PERSONAL = ("raw.consents", "clean.consents", "clean.consent_state", "ops.delivery_candidates", "ops.quarantine")


def test_while_no_rule_says_yes_nothing_is_read_and_everybody_is_counted(published: Published) -> None:
    at = published.week(WED, THU, FRI)
    lake = Lake(at.home / "state" / "lake")
    lines = {line.input_name: line for line in lake.read_account(DELIVERY_CANDIDATES, FRI)[0].ledger}
    people = lines["clean.zoom_registrations"]
    assert (people.rows_in, people.rows_out, people.excluded) == (3, 0, 3)
    assert people.reasons == {"excluded:delivery_off": 3}
    assert lake.count(DELIVERY_CANDIDATES, FRI) == 0


def test_a_part_that_has_nothing_yet_is_not_published_and_nobody_misses_it(published: Published) -> None:
    at = published.week(WED, THU, FRI)
    assert at.value("SELECT count(*) FROM ops.nights WHERE part = 'delivery'") == 0
    assert at.value("SELECT count(*) FROM ops.delivery_candidates") == 0
    said = at.command("status").stdout
    assert "delivery: delivery is off" in said
    assert "delivery: nothing published yet" not in said


def test_a_part_that_had_something_is_published_every_night(published: Published) -> None:
    at = published.week(WED, THU, FRI)
    switch_on(at)
    run(at, FRI)
    assert at.value("SELECT count(*) FROM ops.delivery_candidates") == 3
    (at.config / "delivery_rules.csv").write_text(RULES + "*,*,no,,7,hold,\n")
    run(at, FRI)
    assert at.value("SELECT count(*) FROM ops.delivery_candidates") == 0
    assert ledger_of(at, "ops.delivery_candidates")["excluded"].sum() == 3
    assert at.value("SELECT count(*) FROM ops.nights WHERE part = 'delivery'") == 2
    published.discard(at)
