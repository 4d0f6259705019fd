import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.parts.marketing.zoom.files.clean_files import as_csv

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).resolve().parents[5] / "golden" / "zoom_clean_files"
SHIPPED = (DEMO_CONFIG / "zoom_profiles.csv").read_text(encoding="utf-8")
PROFILES = pd.read_csv(io.StringIO(SHIPPED), dtype="str").set_index("name")
START = "2026-04-04 10:58"
ATTENDED = (
    "Webinar Date,Bootcamp Day,Category,Webinar ID,Attended,User Name (Original Name),First Name,Last Name,Email,"
    "Phone (prefixed 91),Registration Time,Approval Status,Registration Source,Attendance Type,Join Time,Leave Time,"
    "Time in Session (minutes),Is Guest,Country/Region Name,UserID,Webinar name,Webinar conductor"
).split(",")
REGISTERED = (
    "User Name (Original Name),First Name,Last Name,Email,Registration Time,Approval Status,Phone (prefixed 91),"
    "Registration Source,Attendance Type,UserID,Webinar ID,Webinar name,Webinar Date"
).split(",")


def person(name: str, **cells: Any) -> dict[str, Any]:
    registered = {"registered_at": "2026-03-25 23:59:59", "approval_status": "approved"}
    return {"user_name": name, "first_name": name, "email": f"{name}@example.com"} | registered | cells


def came(joined: str, left: str, minutes: int, **cells: Any) -> dict[str, Any]:
    times = {"joined_at": f"2026-04-04 {joined}", "left_at": f"2026-04-04 {left}", "minutes": minutes}
    return {"attended": True, "is_guest": True, "country": "India"} | times | cells


HOST = {"section": "host", "user_name": "Meera Quillon", "email": "meera@example.com", "attended": True}
PEOPLE = [
    HOST,
    person("asha", last_name="rao", phone="+91 98765 12345", registration_source="Ads, April")
    | came("11:00", "11:30", 30),
    person("asha") | came("11:20", "12:00:30", 41),
    person("binu", user_name='"Binu" (Binu K)', phone="+971 50 123 4567", attended=False),
    person("chitra", user_name="=HYPERLINK(1)", first_name="@chitra", last_name="-rao", phone="-98765")
    | came("11:00", "11:05", 5),
    person("dev", user_name="देव कुमार", first_name="देव", country=None) | {"attended": True},
    {"section": "other", "user_name": "+919876500000", "attended": True, "minutes": 7},
]
REGISTRANTS = [
    person("asha", last_name="rao", phone="9876512345", user_name=None),
    person("esha", first_name="\tesha", approval_status="cancelled by self", phone="not told", user_name=None),
]


def event_of(night: Any, profile: str) -> Any:
    """One event of the profile: the report or reports its type is about, in its sub-folder."""
    night.config |= {
        "zoom_profiles": SHIPPED,
        "category_tokens": "token,category\nacca,ACCA\n",
        "conductors": "name,conductor\nMeera Quillon,Meera Quillon\n",
    }
    facts = {"topic": "ACCA evening, for all", "webinar_id": "81200001001", "profile": profile}
    kind = PROFILES.loc[profile, "type"]
    if kind != "registration":
        night.attendee_report("a", START, *PEOPLE, **facts)
    if kind != "webinar_attended":
        night.registration_report("r", "2026-04-04 11:00", *REGISTRANTS, **facts)
    return night


def records(data: bytes) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES.index, ids=str)
def test_the_clean_files_of_a_profile_are_the_golden_ones_byte_for_byte(night, profile: str) -> None:
    """`UPDATE_GOLDEN=1` writes them again: look at the difference before you commit it."""
    made = {file.name: as_csv(file.frame) for file in event_of(night, profile).clean_files()}
    folder = GOLDEN / profile
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.iterdir():
            stale.unlink()
        for name, data in made.items():
            (folder / name).write_bytes(data)
    assert made == {path.name: path.read_bytes() for path in folder.iterdir()}
    stem = PROFILES.loc[profile, "download_name"].removesuffix(".csv")
    is_dual = PROFILES.loc[profile, "type"] == "bootcamp_dual"
    assert sorted(made) == ([f"{stem}_attended.csv", f"{stem}_registered.csv"] if is_dual else [f"{stem}.csv"])


def test_there_is_a_golden_folder_for_each_profile_and_no_other() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(PROFILES.index)


def test_the_columns_are_those_the_team_knows(night) -> None:
    attended, registered = event_of(night, "plutus_bootcamp").clean_files()
    assert list(attended.frame) == ATTENDED
    assert list(registered.frame) == REGISTERED
    assert (len(ATTENDED), len(REGISTERED)) == (22, 13)


def test_the_cells_of_an_attendee_are_as_the_team_expects_them(night) -> None:
    [attended, _] = event_of(night, "plutus_bootcamp").clean_files()
    asha, binu = (
        next(row for row in records(as_csv(attended.frame)) if row["Email"] == f"{name}@example.com")
        for name in ("asha", "binu")
    )
    assert asha == {
        "Webinar Date": "2026-04-04",
        "Bootcamp Day": "Day 1",
        "Category": "ACCA",
        "Webinar ID": "81200001001",
        "Attended": "Yes",
        "User Name (Original Name)": "Asha",
        "First Name": "Asha",
        "Last Name": "Rao",
        "Email": "asha@example.com",
        "Phone (prefixed 91)": "919876512345",
        "Registration Time": "2026-03-25 23:59:59",
        "Approval Status": "approved",
        "Registration Source": "Ads, April",
        "Attendance Type": "",
        "Join Time": "2026-04-04 11:00:00",
        "Leave Time": "2026-04-04 12:00:30",
        "Time in Session (minutes)": "61",
        "Is Guest": "Yes",
        "Country/Region Name": "India",
        "UserID": "919876512345",
        "Webinar name": "ACCA evening, for all",
        "Webinar conductor": "Meera Quillon",
    }
    assert [binu[name] for name in ("Attended", "Phone (prefixed 91)", "Time in Session (minutes)", "Is Guest")] == [
        *("No", "971501234567", "0", "")
    ]


def test_no_cell_starts_a_formula_and_phones_stay_digits(night) -> None:
    made = event_of(night, "plutus_bootcamp").clean_files()
    cells = [(header, cell) for file in made for row in records(as_csv(file.frame)) for header, cell in row.items()]
    assert not [cell for _, cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert {"'=Hyperlink(1)", "'@Chitra", "'-Rao", "'+919876500000"} <= {cell for _, cell in cells}
    phones = [cell for header, cell in cells if header in {"Phone (prefixed 91)", "UserID"} and cell]
    assert len(phones) == 6
    assert all(phone.isdigit() for phone in phones)


def test_the_bytes_open_right_in_a_spreadsheet_program(night) -> None:
    [file] = event_of(night, "tls_misc_bootcamp").clean_files()
    data = as_csv(file.frame)
    assert data.startswith(b"\xef\xbb\xbfWebinar Date,")
    assert data.count(b"\n") == data.count(b"\r\n") == len(file.frame) + 1
    assert "देव कुमार" in data.decode("utf-8-sig")


def test_rows_stand_by_person_whatever_order_reports_have(night) -> None:
    rows = [person(name) | came("11:00", "11:10", 10) for name in ("zoya", "asha", "mira")]
    event_of(night, "tls_webinar_attended_ip")
    night.reports, night.rows = [], {"attendee": [], "registration": []}
    night.attendee_report("a", START, *rows, profile="tls_webinar_attended_ip")
    [file] = night.clean_files()
    assert file.frame["First Name"].tolist() == ["Asha", "Mira", "Zoya"]


@pytest.mark.parametrize(
    ("profile", "reports", "names"),
    [
        ("tls_webinar_attended_ip", "a", ["tls_webinar_attended_ip.csv"]),
        ("tls_webinar_attended_ip", "ar", ["tls_webinar_attended_ip.csv", "tls_webinar_registered_ip.csv"]),
        ("tls_webinar_attended_ip", "r", ["tls_webinar_registered_ip.csv"]),
        ("plutus_bootcamp", "a", ["plutus_bootcamp_attended.csv", "plutus_bootcamp_registered.csv"]),
        ("plutus_bootcamp", "r", ["plutus_bootcamp_registered.csv"]),
        ("tls_misc_bootcamp", "ar", ["tls_misc_bootcamp.csv"]),
        ("no such", "ar", ["no_profile_attended.csv", "no_profile_registered.csv"]),
        (None, "r", ["no_profile_registered.csv"]),
    ],
)
def test_which_files_an_occurrence_has_follows_from_its_profile_and_reports(night, profile, reports, names) -> None:
    night.config["zoom_profiles"] = SHIPPED
    facts = {"profile": profile, "topic": "Alumni evening"}
    if "a" in reports:
        night.attendee_report("a", START, *PEOPLE, **facts)
    if "r" in reports:
        night.registration_report("r", START, *REGISTRANTS, **facts)
    assert [file.name for file in night.clean_files()] == names


def test_a_dual_event_without_registration_report_has_who_registered_by_its_attendee_report(night) -> None:
    night.config["zoom_profiles"] = SHIPPED
    night.attendee_report("a", START, *PEOPLE, profile="plutus_bootcamp")
    registered = next(file for file in night.clean_files() if "registered" in file.name)
    assert sorted(registered.frame["Email"]) == [f"{name}@example.com" for name in ("asha", "binu", "chitra", "dev")]


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("", "fair.csv"),
        ("list", "list.csv"),
        ("../../list.csv", "_.._list.csv"),
        ("C:\\x.csv", "C__x.csv"),
        ("..", ".csv"),
    ],
    ids=["blank", "no ending", "path", "drive", "dots"],
)
def test_a_download_name_is_a_file_name_and_never_a_path(night, cell, name) -> None:
    header = SHIPPED.splitlines()[0]
    night.config["zoom_profiles"] = f"{header}\nfair,All,Fair,webinar_attended,,{cell},auto,,Other,*fair*\n"
    night.attendee_report("a", START, *PEOPLE, topic="Career fair")
    [file] = night.clean_files()
    assert file.name == name
    assert Path(file.name).name == file.name


def test_two_profiles_with_one_download_name_do_not_overwrite_each_other(night) -> None:
    header = SHIPPED.splitlines()[0]
    lines = [
        f"fair_{kind},All,Fair,{kind},,fair.csv,auto,,Other,*fair*" for kind in ("webinar_attended", "registration")
    ]
    night.config["zoom_profiles"] = "\n".join([header, *lines])
    night.attendee_report("a", START, *PEOPLE, topic="Career fair")
    night.registration_report("r", START, *REGISTRANTS, topic="Career fair")
    assert [file.name for file in night.clean_files()] == ["fair_attended.csv", "fair_registered.csv"]


def test_two_occurrences_of_one_webinar_on_one_day_have_folders_of_their_own(night) -> None:
    night.config["zoom_profiles"] = SHIPPED
    for number, start in enumerate(["2026-04-04 10:58", "2026-04-04 19:02", "2026-04-05 10:58"]):
        night.attendee_report(str(number), start, *PEOPLE, profile="tls_webinar_attended_ip")
    assert [file.folder for file in night.clean_files()] == [
        "2026-04-04 111 1058",
        "2026-04-04 111 1902",
        "2026-04-05 111",
    ]


def test_a_report_without_people_gives_a_file_with_its_header_alone(night) -> None:
    night.config["zoom_profiles"] = SHIPPED
    night.attendee_report("a", START, HOST, profile="tls_webinar_attended_ip")
    [file] = night.clean_files()
    assert as_csv(file.frame).decode("utf-8-sig") == ",".join(ATTENDED) + "\r\n"
