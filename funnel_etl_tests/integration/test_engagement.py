"""Chats, polls and questions through whole nights on a real PostgreSQL: dropped, tied, matched, published."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from funnel_etl.catalog import SOURCES
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
    assert story.value("SELECT count(*) FROM ops.files WHERE status = 'loaded' AND source = 'zoom'") == 4
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
