"""`docs/own-data.md`: its samples and date styles are read as it says, and it lists the columns that the code reads."""

import re
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import Config
from funnel_etl.core.values import dates, money, phone
from funnel_etl.operate.check.check import CheckedFile, check_source
from funnel_etl.settings import PROJECT, Settings

PAGE = (PROJECT / "docs/own-data.md").read_text()
SECTIONS = dict(re.findall(r"<!-- columns: (\w+) -->\n(.*?)(?=<!-- columns:|\Z)", PAGE, re.DOTALL))


@pytest.fixture
def check(tmp_path: Path):
    def run(source: str, text: str) -> CheckedFile:
        file = tmp_path / f"{source}.csv"
        file.write_text(text)
        return check_source(Settings(home=tmp_path, config_dir=PROJECT / "config_csv"), source, file)

    return run


def sample(source: str) -> str:
    return re.findall(r"```csv\n(.*?)```", SECTIONS[source], re.DOTALL)[0]


def test_every_source_has_its_section():
    assert set(SECTIONS) == set(SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_every_column_and_spelling_the_code_reads_is_on_the_page(source):
    listed = set(re.findall(r"`([^`\n]+)`", SECTIONS[source].partition("<!-- end -->")[0]))
    documented = SOURCES[source].documented(Config())
    assert {name for column in documented for name in (column.name, *column.aliases)} <= listed
    assert SOURCES[source].variable in listed
    needed = set(re.findall(r"^\| `([^`]+)` \| yes \|", SECTIONS[source], re.MULTILINE))
    assert needed == {column.name for column in documented if column.needed}
    assert needed


@pytest.mark.parametrize("source", SOURCES)
def test_a_sample_of_the_page_is_kept_whole(source, check):
    found = check(source, sample(source))
    assert found.rows_in == found.rows_out >= 2
    assert (found.quarantined, found.unknown, found.notes, found.by_reason) == ([], [], [], {})


@pytest.mark.parametrize("source", SOURCES)
def test_a_sample_without_a_needed_column_is_refused_with_the_line_that_mends_it(source, check):
    needed = next(column.name for column in SOURCES[source].documented(Config()) if column.needed)
    with pytest.raises(Exception, match=f"the needed column '{needed}' is not in its header") as refused:
        check(source, sample(source).replace(needed, "xyz", 1))
    assert "column_aliases.csv" in str(refused.value)


@pytest.mark.parametrize("text", re.findall(r"`([^`]+)`", PAGE.partition("| style |")[2].partition("\n\n")[0]))
def test_a_date_style_of_the_page_is_read_as_that_day(text):
    read = dates.parse(pd.Series([text], dtype="str"), "Asia/Kolkata", column="day")
    assert read.instants.dt.tz_convert("Asia/Kolkata").dt.strftime("%Y-%m-%d").tolist() == ["2026-11-20"]


def test_the_page_lists_date_styles_at_all():
    assert len(re.findall(r"`([^`]+)`", PAGE.partition("| style |")[2].partition("\n\n")[0])) > 10


def test_the_phones_and_amounts_of_the_page_are_read():
    line = {
        name: re.findall(r"`([^`]+)`", PAGE.split(f"- **{name}**")[1].split("\n")[0]) for name in ("Phones", "Amounts")
    }
    numbers = [phone.normalise_one(text, frozenset()).phone for text in line["Phones"] if text != "+"]
    assert numbers == ["9876512345"] * 3
    assert money.parse(pd.Series(line["Amounts"], dtype="str")).paise.tolist() == [12345650, 123400, 9900]


def test_a_check_names_what_a_night_would_put_into_quarantine(check):
    text = sample("crm_sales").replace("24999", "about 25k").replace("employeeName", "remark")
    found = check("crm_sales", text)
    assert [(one.reason, one.lines) for one in found.quarantined if one.reason == "bad_money"] == [("bad_money", [2])]
    assert "digits" in next(one.fix for one in found.quarantined if one.reason == "bad_money")
    assert found.unknown == ["remark"]
