"""Demio's attendance and chat through whole nights: tied by name or by a person's word, scored with focus."""

import hashlib
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from funnel_etl_tests.installation import Installation
from funnel_etl_tests.integration.test_engagement import lay_sources

pytestmark = pytest.mark.slow

NIGHT = date(2026, 9, 24)
WEBINAR = "424242"
OCCURRENCE = f"{WEBINAR}-20260923T1800"
VECTORS = {
    "S01": ("100%", "100%", 5, 2, 100, "Hot"),
    "S17": ("89%", "79%", 2, 1, 64, "Warm"),
    "S18": ("90%", "80%", 0, 0, 70, "Warm"),
    "S19": ("90%", "39.9%", 5, 2, 60, "Warm"),
    "S20": ("75%", "60%", 3, 1, 70, "Warm"),
    "S21": ("50%", "40%", 1, 0, 36, "Cold"),
    "S22": ("74%", "11%", 0, 0, 12, "Cold"),
    "S27": ("100%", "60%", 5, 2, 88, "Hot"),
}
"""Attendance, focus, messages, questions → score and tier, as in C7 of the design."""
WORDS = "zero one two three four five six seven".split()


def attendance(*, absent: str = "No Show") -> str:
    lines = ["Name,Email,Phone,Attended?,Attendance %,Focus %,Joined,Exited"]
    for number, (name, (attended, focus, *_)) in enumerate(VECTORS.items()):
        joined = "2026-09-23 18:00:10,2026-09-23 18:59:00"
        who = f"Person {WORDS[number].title()},{name.lower()}@example.com,98100000{number:02}"
        lines.append(f"{who},Yes,{attended},{focus},{joined}")
    return "\n".join([*lines, f"{absent},away@example.com,9810000099,No,0%,,,"]) + "\n"


def chat() -> str:
    """Return Demio's chat: as many messages of each, so many of them questions; names are those of nobody."""
    lines = ["Timestamp,Name,Email,Message,Is Question"]
    for name, (_, _, messages, questions, *_) in VECTORS.items():
        for at in range(messages):
            text = f"What is the fee for paper {at}?" if at < questions else f"good point number {at}"
            lines.append(f"2026-09-23 18:{10 + at}:00,Shown,{name.lower()}@example.com,{text},{at < questions}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def story(new_installation: Callable[[], Installation]) -> Installation:
    installation = new_installation()
    lay_sources(installation)
    drop = installation.drop / "zoom"
    (drop / f"{OCCURRENCE} attendance.csv").write_text(attendance())
    file_id = hashlib.sha256(attendance().encode()).hexdigest()
    (installation.config / "file_overrides.csv").write_text(
        f"file_id,category,conductor\n{file_id},CFA,Meera Quillon\n"
    )
    (drop / f"chat {OCCURRENCE}.csv").write_text(chat())
    (drop / "export.csv").write_text(attendance(absent="Nobody Known").replace("2026-09-23", "2026-09-22"))
    done = installation.night(NIGHT)
    assert done.failures == {}
    return installation


def scores(story: Installation, occurrence: str) -> dict[str, list[object]]:
    rows = story.query(
        "SELECT p.email, s.score, s.tier, s.attendance_pct, s.focus_pct, s.messages, s.questions, s.score_basis "
        "FROM mart.engagement_scores AS s JOIN clean.engagement_people AS p USING (occurrence_id, person_key) "
        "WHERE occurrence_id = :o",
        o=occurrence,
    )
    return {str(row[0]): row[1:] for row in rows.astype("object").where(rows.notna(), None).to_numpy().tolist()}


def test_what_is_said_of_the_file_holds_for_its_webinar(story: Installation) -> None:
    found = story.query("SELECT category, conductor FROM clean.webinars WHERE occurrence_id = :o", o=OCCURRENCE)
    assert found.to_numpy().tolist() == [["CFA", "Meera Quillon"]]
    done = story.command("zoom", "check", str(next((story.drop / "zoom").rglob(f"{OCCURRENCE} attendance*"))))
    assert "conductor: Meera Quillon" in done.stdout


def test_the_vectors_with_focus_hold_through_a_night(story: Installation) -> None:
    found = scores(story, OCCURRENCE)
    assert len(found) == len(VECTORS) + 1
    for name, (attended, focus, messages, questions, score, tier) in VECTORS.items():
        row = found[f"{name.lower()}@example.com"]
        assert row[:2] == [score, tier], name
        assert row[2:6] == [float(attended[:-1]), float(focus[:-1]), messages, questions], name
        assert row[6] == "focus+attendance+chat+questions"
    assert found["away@example.com"][:2] == [None, "No-Show"]


def test_its_people_are_registrations_and_attendances_of_the_occurrence(story: Installation) -> None:
    counts = story.query(
        "SELECT registered_count, attended_count, has_attendee_report FROM clean.webinars WHERE occurrence_id = :o",
        o=OCCURRENCE,
    )
    assert counts.to_numpy().tolist() == [[9, 8, True]]
    assert story.value("SELECT count(*) FROM clean.zoom_attendance WHERE occurrence_id = :o", o=OCCURRENCE) == 9
    assert story.value("SELECT count(DISTINCT layout) FROM raw.zoom_reports WHERE layout = 'demio'") == 1


def test_an_attendance_of_which_nobody_says_the_webinar_waits_on_the_work_list(story: Installation) -> None:
    files = story.query("SELECT name, report, state FROM ops.engagement_files WHERE report = 'attendance'")
    assert files.to_numpy().tolist() == [["export.csv", "attendance", "waits"]]
    told = " ".join(story.command("worklist").stdout.split())
    assert "export.csv waits: nothing says which webinar this attendance is of" in told
    assert story.value("SELECT count(*) FROM clean.webinars") == 1


def test_zoom_check_says_what_it_is_without_a_name(story: Installation) -> None:
    done = story.command("zoom", "check", str(next((story.drop / "zoom").rglob("export.csv"), story.home / "e.csv")))
    if done.returncode:  # the drop folder is emptied by the night
        (story.home / "e.csv").write_text(attendance())
        done = story.command("zoom", "check", str(story.home / "e.csv"))
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "chat_files.csv has a line for it" in told
    assert "people who came: 8" in told
    assert "example.com" not in told
    assert "Person" not in told


def test_a_line_of_chat_files_settles_it(story: Installation) -> None:
    line = "file_name,webinar_id,started_at,note\nexport.csv,434343,2026-09-22 18:00,\n"
    (story.config / "chat_files.csv").write_text(line)
    assert story.night(NIGHT + timedelta(days=1)).failures == {}
    assert story.value("SELECT count(*) FROM ops.engagement_files WHERE state = 'waits'") == 0
    found = scores(story, "434343-20260922T1800")
    assert found["s18@example.com"][0] == 100, "focus and attendance alone: no chat is of it"
    assert "waits" not in story.command("worklist").stdout
    assert story.value("SELECT count(*) FROM clean.webinars") == 2
    assert len(scores(story, OCCURRENCE)) == len(VECTORS) + 1


def test_both_nights_replay(story: Installation, tmp_path_factory: pytest.TempPathFactory) -> None:
    for days in (0, 1):
        to = tmp_path_factory.mktemp("replay") / "out"
        done = story.command("replay", "--as-of", str(NIGHT + timedelta(days=days)), "--to", str(to))
        assert done.returncode == 0, done.stdout + done.stderr
        assert (to / "clean" / "zoom_attendance.csv").exists() or list(to.rglob("*zoom_attendance*"))
