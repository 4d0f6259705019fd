"""`funnel-etl zoom check FILE`, as a person runs it: what it says, its exit code, and that it changes nothing."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from funnel_etl.cli import app
from funnel_etl.demo.config import DEMO_CONFIG

REPORT = (
    "Registration Report\n"
    'Report Generated:,"Apr 4, 2026 12:18 PM"\n'
    "Topic,Webinar ID,Scheduled Time,Duration (minutes),# Registered,# Cancelled\n"
    'Plutus ACCA Masterclass,885 8860 5779,"Apr 4, 2026 10:00 AM",120,2,0\n'
    "Attendee Details\n"
    "First Name,Last Name,Email,Mobile,Registration Time,Approval Status\n"
    'Ravi,One,ravi@mail.example,98765 43217,"Apr 1, 2026 09:00 AM",approved\n'
    'Mira,Two,mira@mail.example,91234 56781,"Apr 1, 2026 09:00 AM",approved\n'
)

DEMIO = (
    "Name,Email,Phone,Attended?,Attendance %,Focus %,Joined,Exited\n"
    "Ravi One,ravi@mail.example,9876543217,Yes,100%,90%,2026-09-23 18:00:10,2026-09-23 18:59:00\n"
    "Mira Two,mira@mail.example,9123456781,Yes,80%,40%,2026-09-23 18:02:10,2026-09-23 18:49:00\n"
    "Away Three,away@mail.example,9123456782,No,0%,,,\n"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("FUNNEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FUNNEL_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("FUNNEL_CONFIG_DIR", str(DEMO_CONFIG))
    return tmp_path


def check(path: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["zoom", "check", str(path)])
    return result.exit_code, result.output


def test_a_report_is_told_and_nothing_is_written(home: Path) -> None:
    path = home / "report.csv"
    path.write_text(REPORT)
    code, text = check(path)
    assert code == 0
    for expected in ("registration report", "Section registrant: 2 rows", "Mobile → phone", "in_mobile: 2", "ACCA"):
        assert expected in text
    for personal in ("Ravi", "ravi@", "98765"):
        assert personal not in text
    assert sorted(entry.name for entry in home.iterdir()) == ["report.csv"]


def test_a_sub_folder_named_as_a_profile_forces_it(home: Path) -> None:
    folder = home / "tls_webinar_registered_ip"
    folder.mkdir()
    for place in (home, folder):
        (place / "report.csv").write_text(REPORT)
    text = check(folder / "report.csv")[1]
    assert "category: IP" in text
    assert "category: IP" not in check(home / "report.csv")[1]


@pytest.mark.parametrize(
    ("ratio", "code"), [pytest.param("0.99", 1, id="too_few"), pytest.param("0.5", 0, id="enough_for_the_setting")]
)
def test_too_few_readable_dates_are_exit_code_1(
    home: Path, monkeypatch: pytest.MonkeyPatch, ratio: str, code: int
) -> None:
    monkeypatch.setenv("FUNNEL_ZOOM_DATE_RATIO", ratio)
    (home / "report.csv").write_text(REPORT.replace('"Apr 1, 2026 09:00 AM"', "some day", 1))
    assert check(home / "report.csv")[0] == code


def test_what_is_said_of_one_file_goes_before_the_setting_and_holds_for_no_other(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = REPORT.replace('"Apr 1, 2026 09:00 AM"', "some day", 1)
    config = home / "config"
    shutil.copytree(DEMO_CONFIG, config)
    monkeypatch.setenv("FUNNEL_CONFIG_DIR", str(config))
    for name, text in (("report.csv", data), ("other.csv", data.replace("120", "121"))):
        (home / name).write_text(text)
    code, text = check(home / "report.csv")
    file_id = hashlib.sha256(data.encode()).hexdigest()
    assert code == 1
    assert f"file_id {file_id}" in text
    (config / "file_overrides.csv").write_text(f"file_id,category,date_ratio\n{file_id},CFA,0.5\n")
    code, text = check(home / "report.csv")
    assert code == 0
    assert "category: CFA" in text
    assert "enough: 50.0%" in text
    code, text = check(home / "other.csv")
    assert code == 1
    assert "category: CFA" not in text


def test_of_demio_s_attendance_too_what_is_said_of_the_file_holds(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = home / "config"
    shutil.copytree(DEMO_CONFIG, config)
    monkeypatch.setenv("FUNNEL_CONFIG_DIR", str(config))
    placed = home / "424242-20260923T1800 attendance.csv"
    placed.write_text(DEMIO)
    code, text = check(placed)
    assert code == 0
    for expected in (
        "is a Demio attendance",
        "occurrence_id: 424242-20260923T1800",
        "no conductor:",
        "2026-09-23 18:00 IST",
    ):
        assert expected in text
    for personal in ("Ravi", "ravi@", "98765"):
        assert personal not in text
    file_id = hashlib.sha256(DEMIO.encode()).hexdigest()
    line = f"{file_id},CFA,Meera Quillon,,Day 2,1,known\n"
    with (config / "file_overrides.csv").open("a") as file:
        file.write(line)
    text = check(placed)[1]
    for expected in ("category: CFA", "conductor: Meera Quillon", "conductor_source: override"):
        assert expected in text
    assert "no conductor:" not in text
    (home / "loose.csv").write_text(DEMIO)
    assert "the file names no webinar" in check(home / "loose.csv")[1]
    with (config / "chat_files.csv").open("a") as file:
        file.write("loose.csv,424242,2026-09-23 18:00,\n")
    assert "conductor: Meera Quillon" in check(home / "loose.csv")[1]


def test_the_share_of_dates_said_of_demio_s_attendance_goes_before_the_setting(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = home / "config"
    shutil.copytree(DEMO_CONFIG, config)
    monkeypatch.setenv("FUNNEL_CONFIG_DIR", str(config))
    data = DEMIO.replace("2026-09-23 18:00:10", "some day", 1)
    (home / "export.csv").write_text(data)
    assert check(home / "export.csv")[0] == 1
    with (config / "file_overrides.csv").open("a") as file:
        file.write(f"{hashlib.sha256(data.encode()).hexdigest()},,,,,0.5,\n")
    assert check(home / "export.csv")[0] == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"%PDF-1.7", "PDF", id="pdf"),
        pytest.param(b"PK\x03\x04 [Content_Types].xml", "Excel", id="xlsx"),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"<html><body>log in</body></html>", "web page", id="web_page"),
        pytest.param(b"a,b\n1,2\n", "Attendee Report", id="other_table"),
    ],
)
def test_a_wrong_file_is_exit_code_1_with_what_to_do(home: Path, data: bytes, expected: str) -> None:
    (home / "x.csv").write_bytes(data)
    code, text = check(home / "x.csv")
    assert (code, "would be rejected" in text, "Fix:" in text) == (1, True, True)
    assert expected in text


def test_what_is_no_file_or_too_large_is_one_readable_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNNEL_ZOOM_MAX_MB", "1")
    huge = home / "huge.csv"
    huge.touch()
    os.truncate(huge, 3 * 1024**3)
    for path in (home / "nothing.csv", home, huge):
        result = CliRunner().invoke(app, ["zoom", "check", str(path)])
        assert result.exit_code == 1
        assert "Fix:" in result.output
        assert "Traceback" not in result.output


def test_a_config_table_that_is_wrong_is_told_of_and_left_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = home / "config"
    config.mkdir()
    (config / "zoom_profiles.csv").write_text("name,type,source_tag\nx,no such type,Webinar\n")
    monkeypatch.setenv("FUNNEL_CONFIG_DIR", str(config))
    (home / "report.csv").write_text(REPORT)
    code, text = check(home / "report.csv")
    assert code == 0
    assert "left out: " in text
    assert "zoom_profiles.csv" in text
