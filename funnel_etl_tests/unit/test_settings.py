"""What is read from `.env` and the environment, and what is refused in one line that shows no value."""

import os
from pathlib import Path

import pytest

from funnel_etl.core.errors import ConfigError
from funnel_etl.demo.crm_server import LoopbackCrm
from funnel_etl.demo.installation import settings_of
from funnel_etl.environment import load_settings
from funnel_etl.settings import Settings

SECRET = "s3cr3t"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.upper().startswith("FUNNEL")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused() -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings()
    line = str(caught.value)
    assert SECRET not in line + repr(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"FUNNEL_DATABSE_URL=postgresql://u:{SECRET}@h/d", "FUNNEL_DATABSE_URL (did you mean FUNNEL_DATABASE_URL?)"),
        ("funnel_crm_sale_url=x", "funnel_crm_sale_url (did you mean FUNNEL_CRM_SALES_URL?)"),
        ("FUNEL_HOME=x", "FUNEL_HOME (did you mean FUNNEL_HOME?)"),
        ("FUNNEL-HOME=x", "FUNNEL-HOME (did you mean FUNNEL_HOME?)"),
        ("FUNNELHOME=x", "FUNNELHOME (did you mean FUNNEL_HOME?)"),
        ('$env:FUNNEL_HOME = "x"', "FUNNEL_HOME (did you mean FUNNEL_HOME?)"),
        (f"FUNNEL_CRM_SECRET:{SECRET}=x", "FUNNEL_CRM_SECRET… (did you mean FUNNEL_CRM_SECRET?)"),
        ("FUNNEL_XYZZY_QQQQ=1\nFUNNEL_HOM=x", "FUNNEL_XYZZY_QQQQ, FUNNEL_HOM (did you mean FUNNEL_HOME?)"),
    ],
    ids=["letters", "small letters", "prefix", "hyphen", "run together", "PowerShell", "colon", "two"],
)
def test_a_name_that_is_no_setting_is_refused_with_the_one_that_was_meant(folder: Path, line: str, says: str) -> None:
    """A misspelt FUNNEL_DATABASE_URL silently meant the embedded server: the night was published elsewhere."""
    (folder / ".env").write_text(line + "\n")
    assert refused().startswith(f".env: no such setting: {says}. Fix: correct the name")


def test_a_name_of_the_environment_that_is_no_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNNEL_CRM_SECERT", SECRET)
    assert refused().startswith("the environment: no such setting: FUNNEL_CRM_SECERT (did you mean FUNNEL_CRM_SECRET?)")


@pytest.mark.parametrize(
    "name", ["FUNNEL_DAGSTER_URL", "POSTGRES_PASSWORD", "TUNNEL_HOME", "FULL_HOME", "FUNNEL_OF_AN_EARLIER_VERSION"]
)
def test_names_of_others_and_empty_ones_are_let_through(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    value = "" if name.endswith("VERSION") else "x"
    monkeypatch.setenv(name, value)
    (folder / ".env").write_text(f"{name}={value}\n")
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("encoding", "end"),
    [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("utf-16", "\r\n"), ("utf-16-le", "\r\n"), ("utf-16-be", "\n"),
     ("cp1252", "\r\n"), ("utf-8", "\x00\n"), ("utf-8", "\r")],
    ids=["UTF-8", "BOM", "Notepad's UTF-16", "UTF-16 without BOM", "big-endian", "cp1252", "NULs", "old Mac"],
)  # fmt: skip
def test_a_file_is_read_right_whatever_program_wrote_it(folder: Path, encoding: str, end: str) -> None:
    lines = [
        "# what is set",
        "FUNNEL_CRM_SECRET=caffé",
        "export FUNNEL_HOME='my state'",
        "FUNNEL_DROP_LIMIT=0.5 # half",
    ]
    (folder / ".env").write_bytes("".join(line + end for line in lines).encode(encoding))
    read = load_settings()
    secret = read.logins["crm"].secret
    assert secret is not None
    assert (secret.get_secret_value(), read.home, read.drop_limit) == ("caffé", Path("my state"), 0.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'FUNNEL_CRM_SECRET="{SECRET}', "a quotation mark or the = is missing in this line"),
        (f'FUNNEL_CRM_SECRET="{SECRET}\nFUNNEL_HOME="x"', "a quotation mark or the = is missing in this line"),
        (f'FUNNEL_CRM_SECRET="{SECRET}\nFUNNEL_HOME=" # x', "the value of FUNNEL_CRM_SECRET has no closing quotation"),
        (f'FUNNEL_CRM_SECRET={SECRET}"', "the value of FUNNEL_CRM_SECRET has a quotation mark at one end"),
        (f"FUNNEL_CRM_SECRET=“{SECRET}”", "the value of FUNNEL_CRM_SECRET has a quotation mark at one end"),
        (f"FUNNEL_CRM_SECRET: {SECRET}", "a quotation mark or the = is missing in this line"),
        ("FUNNEL_CRM_SECRET", "FUNNEL_CRM_SECRET has no ="),
        (f"set FUNNEL_CRM_SECRET={SECRET}", "a quotation mark or the = is missing in this line"),
    ],
    ids=["not closed", "not closed, then another", "closed lines later", "only closed", "typographic", "colon",
         "no =", "as in a batch file"],
)  # fmt: skip
def test_a_line_that_is_written_wrongly_is_named_by_its_number(folder: Path, text: str, says: str) -> None:
    (folder / ".env").write_text(f"# one\n\nFUNNEL_UI_PORT=3001\n\n{text}\n")
    assert refused().startswith(f".env, line 5: {says}")


@pytest.mark.parametrize("value", ['"quoted"', "'pass\"'", '"a # b"'], ids=["double", "a quote inside", "a hash"])
def test_quotes_that_are_right_are_read_right(folder: Path, value: str) -> None:
    (folder / ".env").write_text(f"FUNNEL_CRM_SECRET={value}\n")
    secret = load_settings().logins["crm"].secret
    assert secret is not None
    assert secret.get_secret_value() == value[1:-1]


def test_a_setting_with_two_values_is_refused_and_an_empty_one_counts_for_nothing(folder: Path) -> None:
    (folder / ".env").write_text("FUNNEL_HOME=a\nFUNNEL_HOME=\n")
    assert load_settings().home == Path("a")
    (folder / ".env").write_text("FUNNEL_HOME=a\nFUNNEL_HOME=\nFUNNEL_HOME=b\n")
    assert refused().startswith(".env, line 3: FUNNEL_HOME has another value already on line 1")


def test_a_value_of_the_environment_that_kept_its_quotes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNNEL_CRM_SECRET", f'"{SECRET}"')
    assert refused().startswith("FUNNEL_CRM_SECRET: its value is between quotes")


def test_a_folder_of_that_name_is_one_line(folder: Path) -> None:
    (folder / ".env").mkdir()
    assert refused().startswith(".env: this is a folder, not a file. Fix:")


def test_a_link_that_leads_nowhere_is_one_line(folder: Path) -> None:
    (folder / ".env").symlink_to("nowhere")
    assert refused().startswith(".env: this file cannot be read (No such file or directory). Fix:")


def test_characters_that_cannot_be_read_are_one_line(folder: Path) -> None:
    (folder / ".env").write_bytes(b"# \xc3\xa9\nFUNNEL_CRM_SECRET=\x81\xff\n")
    assert refused().startswith(".env, line 2: its characters cannot be read. Fix: save it as UTF-8")


def test_the_environment_wins_over_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("FUNNEL_HOME=of_the_file\nFUNNEL_TIMEZONE=Asia/Dubai\n")
    monkeypatch.setenv("FUNNEL_HOME", "of_the_environment")
    monkeypatch.setenv("FUNNEL_TIMEZONE", "")
    read = load_settings()
    assert (read.home, read.timezone) == (Path("of_the_environment"), "Asia/Dubai")


def test_a_wrong_value_in_the_file_names_its_setting(folder: Path) -> None:
    (folder / ".env").write_text("FUNNEL_DROP_LIMIT=20%\n")
    assert refused().startswith("FUNNEL_DROP_LIMIT: Input should be a valid number")


@pytest.mark.parametrize("text", ["none", "NONE", "", " "])
def test_a_delivery_of_none_is_off_whatever_an_env_file_says(text: str) -> None:
    assert Settings(delivery=text).destinations == ()


def test_the_demo_never_delivers_with_an_installation_s_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNNEL_DELIVERY", "webengage")
    own = Settings(home=tmp_path)
    with LoopbackCrm(tmp_path, "t") as crm:
        (tmp_path / "demo").mkdir()
        assert settings_of(own, crm).destinations == ()
