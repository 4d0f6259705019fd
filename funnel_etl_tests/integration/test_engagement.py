"""Chats, polls and questions through whole nights on a real PostgreSQL: dropped, tied, matched, published."""

import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from funnel_etl.catalog import SOURCES
from funnel_etl.marts.engagement import definitions as engagement
from funnel_etl_tests.installation import Installation
from funnel_etl_tests.unit.marts.engagement.conftest import START, WEBINAR, Person, report, v4

pytestmark = pytest.mark.slow

NIGHT = date(2026, 9, 24)
OCCURRENCE = f"{WEBINAR}-20260923T1800"
PEOPLE = (
    Person("Asha Rao", "asha@example.com", "9810000001"),
    Person("Dev Shah", "dev@example.com", "9810000002", was_in=(0, 40)),
    Person("Meena Iyer", "meena@example.com", "9810000007", was_in=None),
)
SECRET = "the secret of two attendees"
CHAT = (
    v4(
        [
            ("18:05:00", "Asha Rao", "Good evening everybody"),
            ("18:06:00", "Dev Shah", "fees kitni hai"),
            ("18:07:00", "Zoya Khan", "hello from nobody"),
        ]
    )
    + f"18:09:00 From Asha Rao to Dev Shah(Direct Message):\n\t{SECRET}\n".encode()
)
OTHER = "81200001002"
ROLE_A, ROLE_B, READER = (f"eng_{name}_{uuid.uuid4().hex[:8]}" for name in ("a", "b", "reader"))
RESTRICTED = [table for table in engagement.TABLES if table.restricted]


REGISTERED = f"""Registration Report
Report Generated:,"Sep 23, 2026 10:00:00"
Topic,Webinar ID,Scheduled Time,Duration (minutes),# Registered
ACCA Masterclass,{WEBINAR},"Sep 23, 2026 18:00:00",60,3
Attendee Details
First Name,Last Name,Email,Registration Time,Approval Status,May we mail you?
Asha,Rao,asha@example.com,"Sep 20, 2026 10:00:00",approved,Yes
Dev,Shah,dev@example.com,"Sep 20, 2026 11:00:00",approved,Yes
Meena,Iyer,meena@example.com,"Sep 20, 2026 12:00:00",approved,No
"""


def lay_sources(installation: Installation, *sales: dict[str, str]) -> None:
    folder = installation.pull_from_files()
    (installation.config / "column_aliases.csv").write_text("source,alias,column\n")
    lead = {"Name": "Asha Rao", "Phone Number": "9810000001", "Email": "asha@example.com"}
    given = {"sources": "Webinar", "assignOn": "24-09-2026 10:00", "leadMobile": "9810000001", "employee": "Gauri"}
    rows: dict[str, tuple[dict[str, str], ...]] = {
        "tofu_leads": (lead,),
        "ad_spend": (),
        "crm_assigned_leads": (given,),
        "crm_sales": sales,
    }
    for name, records in rows.items():
        columns = [column.name for column in SOURCES[name].columns]
        lines = [",".join(columns), *(",".join(record.get(column, "") for column in columns) for record in records)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def story(new_installation: Callable[[], Installation]) -> Installation:
    installation = new_installation()
    lay_sources(installation)
    drop = installation.drop / "zoom"
    (drop / "attendees.csv").write_bytes(report(PEOPLE))
    (installation.config / "engagement_owners.csv").write_text(
        f"conductor,profile,webinar_id,role,note\n,,{WEBINAR},{ROLE_A},\n,,{OTHER},{ROLE_B},\n"
    )
    (drop / "registered.csv").write_text(REGISTERED)
    (installation.config / "consent_questions.csv").write_text(
        "pattern,channel,yes_values,note\n*mail you*,email,yes,\n"
    )
    (drop / "other.csv").write_bytes(report(PEOPLE, webinar_id=OTHER, start=START + pd.Timedelta(minutes=10)))
    (drop / f"chat_{WEBINAR}.txt").write_bytes(CHAT)
    saved = drop / "2026-09-23 18.05.11 ACCA"
    saved.mkdir()
    (saved / "meeting_saved_chat.txt").write_bytes(v4([("18:15:00", "Asha Rao", "hi"), ("18:16:00", "Dev Shah", "hi")]))
    done = installation.night(NIGHT)
    assert done.failures == {}
    return installation


def test_the_drop_folder_takes_chats_and_their_messages_are_published(story: Installation) -> None:
    rows = story.query(
        "SELECT sender_name, person_key, matched_by, is_question FROM clean.chat_messages ORDER BY position"
    )
    assert rows.fillna("").to_numpy().tolist() == [
        ["Asha Rao", "9810000001", "exact_name", False],
        ["Dev Shah", "9810000002", "exact_name", True],
        ["Zoya Khan", "", "unmatched", False],
    ]
    assert story.value("SELECT count(*) FROM ops.files WHERE status = 'loaded' AND source = 'zoom'") == 5
    assert story.query("SELECT sender_name, matched_by FROM ops.chat_unmatched").to_numpy().tolist() == [
        ["Zoya Khan", "unmatched"]
    ]


def test_a_chat_that_fits_two_webinars_waits_and_is_on_the_work_list(story: Installation) -> None:
    files = story.query("SELECT name, state, occurrence_id FROM ops.engagement_files ORDER BY name")
    assert files.fillna("").to_numpy().tolist() == [
        [f"chat_{WEBINAR}.txt", "tied", OCCURRENCE],
        ["meeting_saved_chat.txt", "waits", ""],
    ]
    told = story.command("worklist").stdout
    assert "meeting_saved_chat.txt waits: its clock and the names in it fit 2 webinars" in " ".join(told.split())


def test_what_two_attendees_wrote_each_other_is_nowhere_but_in_the_landed_file(story: Installation) -> None:
    state = Path(story.environment["FUNNEL_HOME"])
    found = [
        path.relative_to(state) for path in state.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert [path.parts[0] for path in found] == ["landing"]
    with story.engine.connect() as connection:
        names = connection.execute(
            sa.text(
                "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname IN "
                "('raw', 'clean', 'mart', 'ops', 'parity')"
            )
        ).scalars()
        for name in [*names]:
            sql = f"SELECT count(*) FROM {name} AS t WHERE t::text LIKE '%{SECRET}%'"  # noqa: S608 - of the catalogue
            assert connection.execute(sa.text(sql)).scalar_one() == 0, name


def test_the_text_of_a_chat_is_not_in_raw_tables_of_the_database(story: Installation) -> None:
    assert story.value("SELECT count(*) FROM pg_tables WHERE tablename = 'zoom_chat_rows'") == 0


def test_a_line_of_chat_files_settles_it_the_night_after(story: Installation) -> None:
    line = f"file_name,webinar_id,started_at,note\nmeeting_saved_chat.txt,{OTHER},2026-09-23 18:10,\n"
    (story.config / "chat_files.csv").write_text(line)
    assert story.night(NIGHT + timedelta(days=1)).failures == {}
    assert story.value("SELECT state FROM ops.engagement_files WHERE name = 'meeting_saved_chat.txt'") == "tied"
    assert story.value("SELECT count(*) FROM clean.chat_messages WHERE starts_with(occurrence_id, :id)", id=OTHER) == 2
    assert "waits" not in story.command("worklist").stdout


def test_zoom_check_knows_a_chat_and_shows_nobodys_words(story: Installation, tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_bytes(CHAT)
    done = story.command("zoom", "check", str(tmp_path / "chat.txt"))
    assert done.returncode == 0
    assert "saved chat" in done.stdout
    assert "private messages, not kept: 1" in done.stdout
    assert not [word for word in ("Asha", "evening", SECRET) if word in done.stdout]


def test_everybody_has_a_tier_and_a_draft_or_a_reason(story: Installation) -> None:
    rows = story.query(
        "SELECT s.person_key, s.tier, s.score, d.status, d.withheld_reason FROM mart.engagement_scores AS s "
        "JOIN mart.followup_drafts AS d USING (occurrence_id, person_key) "
        "WHERE s.occurrence_id = :o ORDER BY s.person_key",
        o=OCCURRENCE,
    )
    assert rows.fillna("").to_numpy().tolist() == [
        ["9810000001", "Warm", 63, "draft", ""],
        ["9810000002", "Cool", 45, "draft", ""],
        ["9810000007", "No-Show", "", "withheld", "no_consent"],
    ]
    assert story.value("SELECT count(*) FROM mart.followup_drafts WHERE withheld_reason = 'no_consent'") >= 1
    assert story.value("SELECT count(*) FROM mart.score_calibration WHERE verdict <> 'too_few'") == 0


def test_an_edit_is_exported_changed_imported_and_stays(story: Installation, tmp_path: Path) -> None:
    file = tmp_path / "drafts.csv"
    assert story.command("drafts", "export", str(file)).returncode == 0
    rows = pd.read_csv(file, dtype="str", keep_default_na=False)
    assert list(rows.columns)[:7] == "name email subject body engagement_tier score personal_notes".split()
    at = rows.index[rows["email"] == "asha@example.com"][0]
    draft = rows.loc[at, "draft_id"]
    rows.loc[at, ["body", "personal_notes", "approved"]] = ["=My own words.", "call after six", "yes"]
    changed = tmp_path / "changed.csv"
    rows.to_csv(changed, index=False)
    assert "1 drafts were changed" in story.command("drafts", "import", str(changed), "--editor", "gauri").stdout
    for day in (2, 3):
        assert story.night(NIGHT + timedelta(days=day)).failures == {}
        row = story.query(
            "SELECT status, body_text, notes, editor FROM mart.followup_drafts WHERE draft_id = :d", d=draft
        )
        assert row.to_numpy().tolist() == [["approved", "=My own words.", "call after six", "gauri"]]
    again = tmp_path / "again.csv"
    story.command("drafts", "export", str(again))
    assert "'=My own words." in again.read_text(encoding="utf-8-sig")
    assert "0 drafts were changed" in story.command("drafts", "import", str(again)).stdout


def test_a_night_before_the_edit_is_replayed_without_it(story: Installation, tmp_path: Path) -> None:
    done = story.command("replay", "--as-of", str(NIGHT + timedelta(days=1)), "--to", str(tmp_path / "replay"))
    assert done.returncode == 0, done.stderr
    found = next((tmp_path / "replay").rglob("*followup_drafts*"))
    text = found.read_bytes() if found.is_file() else b"".join(f.read_bytes() for f in found.rglob("*") if f.is_file())
    assert b"My own words" not in text


def test_a_draft_that_is_not_there_refuses_the_whole_file(story: Installation, tmp_path: Path) -> None:
    file = tmp_path / "foreign.csv"
    file.write_text("subject,body,draft_id,base_hash\nx,y,0123456789abcdef,z\n")
    done = story.command("drafts", "import", str(file))
    assert done.returncode == 1
    assert "line 2: names a draft that is not there; nothing was imported" in " ".join(done.stderr.split())


def test_the_commands_say_counts_and_no_words(story: Installation) -> None:
    shown = story.command("engagement", "show", WEBINAR).stdout
    assert "Does the score predict" not in shown or "too_few" in shown
    assert "chat (V3)" in shown
    assert "everybody" not in shown + story.command("drafts", "status").stdout
    assert f'{OCCURRENCE},"Zoya Khan",' in story.command("engagement", "unmatched").stdout


@pytest.fixture(scope="module")
def roles(story: Installation) -> Iterator[None]:
    """Three roles that may read every table and view: of one webinar each, and of none."""
    with story.engine.begin() as connection:
        for role in (ROLE_A, ROLE_B, READER):
            connection.execute(sa.text(f"CREATE ROLE {role}"))
            for schema in ("clean", "mart", "mart_masked", "ops"):
                connection.execute(sa.text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
                connection.execute(sa.text(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"))
    yield
    with story.engine.begin() as connection:
        for role in (ROLE_A, ROLE_B, READER):
            connection.execute(sa.text(f"DROP OWNED BY {role}"))
            connection.execute(sa.text(f"DROP ROLE {role}"))


def seen(story: Installation, role: str, sql: str) -> list[tuple[object, ...]]:
    with story.engine.connect() as connection:
        connection.execute(sa.text(f"SET ROLE {role}"))
        found = [tuple(row) for row in connection.execute(sa.text(sql))]
        connection.execute(sa.text("RESET ROLE"))
    return found


@pytest.mark.usefixtures("roles")
def test_a_role_sees_the_rows_of_its_own_webinars_and_no_other(story: Installation) -> None:
    for table in RESTRICTED:
        sql = f"SELECT DISTINCT split_part(occurrence_id, '-', 1) FROM {table.full_name}"  # noqa: S608 - of a contract
        of_a, of_b = seen(story, ROLE_A, sql), seen(story, ROLE_B, sql)
        assert set(of_a) <= {(WEBINAR,)}, table.full_name
        assert set(of_b) <= {(OTHER,)}, table.full_name
        assert seen(story, READER, sql) == [], table.full_name
    assert seen(story, ROLE_A, "SELECT count(*) FROM clean.chat_messages") == [(3,)]
    assert seen(story, ROLE_B, "SELECT count(*) FROM clean.chat_messages") == [(2,)]


@pytest.mark.usefixtures("roles")
def test_no_way_of_sql_leads_to_another_roles_rows(story: Installation) -> None:
    names = [table.full_name for table in RESTRICTED]
    quoted = ", ".join(f"'{name}'" for name in names)
    stats = "SELECT count(*) FROM pg_stats WHERE schemaname || '.' || tablename IN "
    assert seen(story, ROLE_A, f"{stats} ({quoted})") == [(0,)]
    with story.engine.begin() as connection:
        for name in names:
            connection.execute(sa.text(f"ANALYZE {name}"))
    texts = "AND attname IN ('text', 'body_text', 'subject', 'question', 'sender_name', 'notes', 'answer')"
    assert story.value(f"{stats} ({quoted}) {texts}") == 0
    assert seen(story, ROLE_B, f"SELECT count(*) FROM mart.followup_drafts WHERE owner = '{ROLE_A}'") == [(0,)]  # noqa: S608
    views = story.query("SELECT table_name FROM information_schema.views WHERE table_schema = 'mart_masked'")[
        "table_name"
    ].tolist()
    assert not set(views) & {table.name for table in RESTRICTED}
    raw = story.engine.raw_connection()
    try:
        with raw.cursor() as cursor:
            cursor.execute(f"SET ROLE {ROLE_A}")
            cursor.execute("SET row_security = off")
            with pytest.raises(Exception, match="row-level security"):
                cursor.execute("SELECT * FROM clean.chat_messages")
    finally:
        raw.rollback()
        raw.close()


def test_row_security_that_somebody_took_away_is_put_back_by_the_next_night(story: Installation) -> None:
    with story.engine.begin() as connection:
        connection.execute(sa.text("DROP POLICY funnel_etl_members ON mart.engagement_scores"))
        connection.execute(sa.text("ALTER TABLE clean.chat_messages NO FORCE ROW LEVEL SECURITY"))
        connection.execute(sa.text("ALTER POLICY funnel_etl_members ON mart.followup_drafts USING (true)"))
    assert story.night(NIGHT + timedelta(days=4)).failures == {}
    forced = (
        "SELECT count(*) FROM pg_class WHERE relname IN ('engagement_scores', 'chat_messages') AND relforcerowsecurity"
    )
    assert story.value(forced) == 2
    for_members = "SELECT bool_and(pg_get_expr(polqual, polrelid) LIKE '%pg_has_role%') || ' ' || count(*)"
    assert (
        story.value(f"{for_members} FROM pg_policy WHERE polname = 'funnel_etl_members'") == f"true {len(RESTRICTED)}"
    )


def test_erasing_somebody_takes_what_she_said_and_leaves_what_others_said(story: Installation) -> None:
    done = story.command("erase", "9810000001", "asha@example.com", "--yes", "--shared")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = story.query("SELECT sender_name, text FROM clean.chat_messages ORDER BY occurrence_id, position")
    assert "Asha Rao" not in set(rows["sender_name"])
    assert {"Dev Shah", "Zoya Khan"} <= set(rows["sender_name"])
    assert story.value("SELECT count(*) FROM mart.followup_drafts WHERE email = 'asha@example.com'") == 0
    for folder in (Path(story.environment["FUNNEL_HOME"]), story.drop):
        for path in folder.rglob("*"):
            if path.is_file() and "postgres" not in path.parts:
                data = path.read_bytes()
                assert not [
                    word for word in (b"Good evening everybody", SECRET.encode(), b"My own words") if word in data
                ], path
    assert story.night(NIGHT + timedelta(days=5)).failures == {}
