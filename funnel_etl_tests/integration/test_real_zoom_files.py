"""The real exports, where their folder is beside the repository: sections, lines, and Zoom's own numbers."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_ATTENDEE_ROWS, RAW_ZOOM_REGISTRANT_ROWS
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport, read_export

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "zoom"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder of real exports is not on this machine")

SECTIONS = {
    "attendee_2020.csv": {"host": 1, "panelist": 73, "attendee": 940, "other": 4},
    "attendee_2021_portuguese.csv": {"host": 1, "panelist": 1, "attendee": 323},
    "attendee_2026.csv": {"host": 2, "panelist": 1, "attendee": 1074},
    "attendee_2026_registration_off_day1.csv": {"attendee": 3},
    "attendee_2026_registration_off_day2.csv": {"attendee": 1},
    "registration_2026.csv": {"registrant": 948},
}
ATTENDEE_FILES = [name for name in SECTIONS if name.startswith("attendee")]
# The 2020 webinar made five attendees panelists half-way; the author of "day1" wrote rows where he meant people.
VIEWERS_OFF_BY = {"attendee_2020.csv": 9, "attendee_2026_registration_off_day1.csv": -1}
USERS_OFF_BY = {"attendee_2020.csv": 7}
REGISTERED_OFF_BY = {"attendee_2020.csv": 8}


def read(name: str) -> ZoomExport:
    return read_export((FOLDER / name).read_bytes(), file_id=name, zone="Asia/Kolkata")


def emails(rows: pd.DataFrame) -> int:
    return int(rows["email"].str.strip().str.lower().nunique())


@pytest.mark.parametrize("name", SECTIONS)
def test_every_row_is_read_in_its_section_without_a_problem(name: str) -> None:
    export = read(name)
    table = RAW_ZOOM_ATTENDEE_ROWS if export.facts["report"] == "attendee" else RAW_ZOOM_REGISTRANT_ROWS
    assert export.rows["section"].value_counts().to_dict() == SECTIONS[name]
    assert export.rows["row_problem"].isna().all()
    assert export.rows["cell_warnings"].sum() == 0
    assert (export.blank_rows, export.notes) == ([], [])
    assert table.problems(table.conform(export.rows)) == []


@pytest.mark.parametrize("name", SECTIONS)
def test_every_row_says_the_line_it_stands_on(name: str) -> None:
    lines = (FOLDER / name).read_text(encoding="utf-8-sig").splitlines()
    rows = read(name).rows.dropna(subset="email")
    assert len(rows) > 0
    assert all(email in lines[line - 1] for email, line in zip(rows["email"], rows["source_row"], strict=True))


@pytest.mark.parametrize("name", ATTENDEE_FILES)
def test_unique_viewers_are_the_attendees_who_came(name: str) -> None:
    export = read(name)
    came = export.rows[export.rows["section"].eq("attendee") & export.rows["attended"]]
    assert emails(came) - export.facts["unique_viewers"] == VIEWERS_OFF_BY.get(name, 0)


@pytest.mark.parametrize("name", ATTENDEE_FILES)
def test_total_users_are_the_rows_of_staff_and_of_attendees_who_came(name: str) -> None:
    export = read(name)
    counted = export.rows["section"].ne("other") & export.rows["attended"]
    assert int(counted.sum()) - export.facts["total_users"] == USERS_OFF_BY.get(name, 0)


@pytest.mark.parametrize("name", ATTENDEE_FILES)
def test_minutes_are_the_seconds_of_the_row_rounded_up(name: str) -> None:
    rows = read(name).rows
    # The times of "Other Attended" have no seconds.
    timed = rows[rows["joined_at"].notna() & rows["left_at"].notna() & rows["section"].ne("other")]
    seconds = (timed["left_at"] - timed["joined_at"]).dt.total_seconds()
    assert len(timed) > 0
    assert np.ceil(seconds / 60).astype("Int64").tolist() == timed["minutes"].tolist()


@pytest.mark.parametrize("name", [name for name in SECTIONS if "registration_off" not in name])
def test_registered_and_cancelled_are_the_people_of_the_list(name: str) -> None:
    export = read(name)
    listed = export.rows[export.rows["section"].isin(["attendee", "registrant"])]
    told = export.facts["registered_count"] + export.facts["cancelled_count"]
    assert emails(listed) - told == REGISTERED_OFF_BY.get(name, 0)


def test_both_reports_of_one_webinar_list_the_same_people_and_registrations() -> None:
    attendee, registration = read("attendee_2026.csv"), read("registration_2026.csv")
    first_rows = attendee.rows[attendee.rows["registered_at"].notna()]
    both = first_rows.merge(registration.rows, on="email", suffixes=("", "_registration"), validate="1:1")
    assert attendee.facts["webinar_id"] == registration.facts["webinar_id"]
    assert len(both) == len(first_rows) == len(registration.rows)
    assert both["approval_status"].eq(both["approval_status_registration"]).all()
    # Zoom rounds the same instant differently in the two reports.
    apart = (both["registered_at_registration"] - both["registered_at"]).dt.total_seconds()
    assert apart.between(0, 1).all()


@pytest.mark.parametrize(
    ("name", "started_at", "generated_at", "order", "layout"),
    [
        ("attendee_2020.csv", "2020-03-28T08:07", "2020-04-09T20:50", "named", "en"),
        ("attendee_2021_portuguese.csv", "2021-01-11T08:21", "2021-07-13T13:41", "named", "pt"),
        ("attendee_2026.csv", "2026-04-01T14:38", "2026-04-04T12:18", "named", "en"),
        ("attendee_2026_registration_off_day1.csv", "2026-05-12T09:00", "2026-05-20T10:00", "month_first", "en"),
        ("attendee_2026_registration_off_day2.csv", "2026-05-13T09:00", "2026-05-20T10:05", "month_first", "en"),
    ],
)
def test_head_times_are_read(name: str, started_at: str, generated_at: str, order: str, layout: str) -> None:
    facts = read(name).facts
    assert facts["started_at"] == pd.Timestamp(started_at, tz="Asia/Kolkata")
    assert facts["generated_at"] == pd.Timestamp(generated_at, tz="Asia/Kolkata")
    assert (facts["date_order"], facts["layout"]) == (order, layout)


def saved_by_excel(text: str) -> bytes:
    records = list(csv.reader(io.StringIO(text, newline="")))
    return rewritten([record + [""] * (20 - len(record)) for record in records], ",").encode("utf-8-sig")


def rewritten(records: list[list[str]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(records)
    return out.getvalue()


CHANGES: dict[str, Callable[[str], bytes]] = {
    "padded, CRLF": saved_by_excel,
    "semicolons": lambda text: rewritten(list(csv.reader(io.StringIO(text, newline=""))), ";").encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "no BOM, NULs": lambda text: text.replace(",", "\x00,", 5).encode(),
}


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_file_changed_on_its_way_gives_the_same_rows(name: str, change: Callable[[str], bytes]) -> None:
    text = (FOLDER / name).read_bytes().decode("utf-8-sig")
    changed = read_export(change(text), file_id=name, zone="Asia/Kolkata")
    pd.testing.assert_frame_equal(changed.rows, read(name).rows)
    assert changed.facts == read(name).facts


@pytest.mark.parametrize("name", SECTIONS)
def test_a_file_cut_between_two_rows_gives_the_rows_before(name: str) -> None:
    whole = read(name).rows
    lines = (FOLDER / name).read_bytes().splitlines(keepends=True)
    cut = read_export(b"".join(lines[:-1]), file_id=name, zone="Asia/Kolkata").rows
    pd.testing.assert_frame_equal(cut, whole.iloc[:-1])
