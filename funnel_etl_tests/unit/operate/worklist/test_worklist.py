"""The work-list as a file: what a spreadsheet may do to it, what becomes of what is filled in, and what is refused."""

import csv
import io
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.core.config_tables import parse_table
from funnel_etl.core.errors import FunnelError
from funnel_etl.marts.funnel.worklist.contracts import WORKLIST_MAPPING
from funnel_etl.operate.worklist.apply import Applied, apply_worklist
from funnel_etl.operate.worklist.worklist import FILE_COLUMNS, as_csv, escaped, newest_worklist, unescaped
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings

NIGHT = date(2026, 11, 20)
LIST = """\
item_kind,item,config_table,config_line,revenue_inr
unmapped_source,New Form,funnel_mapping,0,1234.50
unmapped_source,=SUM(A1),funnel_mapping,0,5
retired_source,Old Form,funnel_mapping,3,4
misc_sale,s1,manual_mapping,0,3
misc_sale,s2,manual_mapping,2,3
manual_value_unmapped,hoarding,manual_value_funnel,0,2
unknown_funnel,Telegram,funnels,0,1
unmapped_spend,(blank),funnels,0,0
unmapped_spend,Print,funnels,0,0
unmapped_source,Ref (phone),funnel_mapping,0,0
unused_mapping,Gone,funnel_mapping,2,0
"""
MAPPING = "source,funnel,valid_from,valid_to,note\nGone,Webinar,,,\nOld Form,Meta Ads,,2026-10-31,was ours\n"
MANUAL = "sale_id,manual_value,note\ns2,something,\n"
HEADER = "item_kind,item,funnel,valid_from,valid_to,note\n"


class Desk:
    """A config folder and a lake with a work-list, at which a person applies files."""

    def __init__(self, folder: Path, rows: pd.DataFrame) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.config.mkdir()
        self.put("funnels", "funnel\nWebinar\nMeta Ads\n")
        self.put("funnel_mapping", MAPPING)
        self.put("manual_mapping", MANUAL)
        self.settings = Settings(
            _env_file=None, home=folder / "home", config_dir=self.config, lake_url=None, landing_url=None
        )
        Lake(self.settings.lake_root).write(WORKLIST_MAPPING, NIGHT, rows)

    def put(self, name: str, text: str | bytes) -> None:
        (self.config / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())

    def read(self, name: str) -> bytes:
        return (self.config / f"{name}.csv").read_bytes()

    def contents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.config.iterdir()}

    def apply(self, *rows: str, text: bytes | None = None) -> Applied:
        file = self.folder / "filled.csv"
        file.write_bytes(text if text is not None else (HEADER + "".join(f"{row}\n" for row in rows)).encode())
        return apply_worklist(self.settings, file)

    def refused(self, *rows: str) -> list[str]:
        """Apply rows that are wrong; returns the errors, after seeing that nothing changed."""
        before = self.contents()
        done = self.apply(*rows)
        assert done.added == {}
        assert self.contents() == before
        return done.errors


@pytest.fixture
def desk(tmp_path: Path, table_of: Callable[..., pd.DataFrame]) -> Desk:
    return Desk(tmp_path, table_of(WORKLIST_MAPPING, LIST))


# ---------------------------------------------------------------- the file


def cells(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_the_file_has_a_bom_and_a_row_for_each_thing_with_blank_cells_to_fill_in(
    table_of: Callable[..., pd.DataFrame],
) -> None:
    data = as_csv(table_of(WORKLIST_MAPPING, LIST), parse_table("funnel_mapping", MAPPING.encode()))
    assert data.startswith(b"\xef\xbb\xbf")
    rows = cells(data)
    assert tuple(rows[0]) == FILE_COLUMNS
    assert [row["item"] for row in rows][:3] == ["New Form", "'=SUM(A1)", "Old Form"]
    assert {row["funnel"] for row in rows} == {""}
    assert (rows[0]["revenue_inr"], rows[0]["last_date"], rows[0]["similarity"]) == ("1234.50", "", "")


def test_a_source_with_lines_of_other_days_has_its_own_days_filled_in(table_of: Callable[..., pd.DataFrame]) -> None:
    mapping = (
        "source,funnel,valid_from,valid_to\nOld Form,Webinar,,2026-09-30\nOld Form,Webinar,2026-11-01,2026-11-10\n"
        "New Form,Webinar,2026-12-01,\nOld Form,Webinar,2026-11-15,\n"
    )
    rows = "item_kind,item,config_table,config_line\nretired_source,old form,f,2\nunmapped_source,New Form,f,0\n"
    rows += "retired_source,Old  Form,f,3\nmisc_sale,Old Form,f,2\nunmapped_source,Other,f,0\n"
    written = cells(as_csv(table_of(WORKLIST_MAPPING, rows), parse_table("funnel_mapping", mapping.encode())))
    assert [(row["valid_from"], row["valid_to"]) for row in written] == [
        ("2026-10-01", "2026-10-31"),
        ("", "2026-11-30"),
        ("2026-11-11", "2026-11-14"),
        ("", ""),
        ("", ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+91",
        "-1",
        "@x",
        "\tx",
        " =1",
        "＝1",
        "'quoted",
        "12345678901234567890",
        "0123",
        "66e12",
        "2026-11",
        "1/2",
    ],
)
def test_what_a_spreadsheet_would_calculate_or_round_is_escaped_and_comes_back(text: str) -> None:
    assert escaped(text) == f"'{text}"
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("text", ["New Form", "a-b", "665f00d0", "10 rupee offer", "a=b"])
def test_plain_names_are_written_as_they_are(text: str) -> None:
    assert escaped(text) == unescaped(text) == text


def test_without_a_night_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match=r"no night has made the work-list yet\. Fix: run a night"):
        newest_worklist(str(tmp_path / "lake"))


# ---------------------------------------------------------------- decisions become lines


def test_each_kind_of_decision_is_a_line_of_its_own_table_and_unfilled_rows_are_counted(desk: Desk) -> None:
    desk.put("manual_value_funnel", "manual_value,funnel\nx,Webinar\n")
    done = desk.apply(
        "unmapped_source,new  form,webinar,2026-11-01,,asked Asha",
        "unmapped_source,'=SUM(A1),,,,only a remark",
        "retired_source,Old Form,Webinar,2026-11-01,,",
        "misc_sale,s1,Meta Ads,,,walk-in",
        "manual_value_unmapped,hoarding,Telegram,,,",
        "unknown_funnel,Telegram,telegram,,,",
        "unmapped_spend,Print,,,,",
    )
    assert done.errors == []
    assert (done.already, done.unfilled) == (0, 2)
    assert desk.read("funnels") == b"funnel\nWebinar\nMeta Ads\nTelegram\n"
    assert (
        desk.read("funnel_mapping")
        == (MAPPING + "New Form,Webinar,2026-11-01,,asked Asha\nOld Form,Webinar,2026-11-01,,\n").encode()
    )
    assert desk.read("manual_mapping") == (MANUAL + "s1,Meta Ads,walk-in\n").encode()
    assert desk.read("manual_value_funnel") == b"manual_value,funnel\nx,Webinar\nhoarding,Telegram\n"
    assert {name: len(lines) for name, lines in done.added.items()} == {
        "funnels": 1,
        "manual_value_funnel": 1,
        "funnel_mapping": 2,
        "manual_mapping": 1,
    }


def test_applying_twice_adds_nothing(desk: Desk) -> None:
    rows = ("unmapped_source,New Form,Webinar,,,a", "misc_sale,s1,Meta Ads,,,", "unknown_funnel,Telegram,Telegram,,,")
    desk.apply(*rows)
    before = desk.contents()
    again = desk.apply(*rows)
    assert (again.added, again.already, again.errors) == ({}, 3, [])
    assert desk.contents() == before
    assert desk.apply("unmapped_source,NEW form,WEBINAR,,,another note").already == 1, "the same line in other words"


def test_the_same_decision_twice_in_a_file_is_one_line(desk: Desk) -> None:
    done = desk.apply("unmapped_source,New Form,Webinar,,,", "unmapped_source,new form,webinar,,,")
    assert (len(done.added["funnel_mapping"]), done.already) == (1, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"\xef\xbb\xbfsource,funnel\r\nA,Webinar\r\n", b"New Form,Webinar\r\n", id="bom_and_crlf"),
        pytest.param(b"source,funnel\nA,Webinar", b"\nNew Form,Webinar\n", id="no_line_end"),
        pytest.param(b"funnel;source\nWebinar;A\n", b"Webinar;New Form\n", id="semicolons_and_another_order"),
        pytest.param(b"source,funnel\nCaf\xe9,Webinar\n", b"New Form,Webinar\n", id="cp1252"),
        pytest.param(
            "\ufeffsource\tfunnel\r\nA\tWebinar\r\n".encode("utf-16-le"),
            "New Form\tWebinar\r\n".encode("utf-16-le"),
            id="utf_16_with_tabs",
        ),
        pytest.param(
            b"source,note,owner,funnel\nA,,me,Webinar\n", b"New Form,why,,Webinar\n", id="columns_of_their_own"
        ),
        pytest.param(b"", b"source,funnel,valid_from,valid_to,note\nNew Form,Webinar,,,why\n", id="empty"),
    ],
)
def test_existing_bytes_stay_and_a_line_is_added_in_their_own_manner(desk: Desk, before: bytes, after: bytes) -> None:
    desk.put("funnel_mapping", before)
    assert desk.apply("unmapped_source,New Form,Webinar,,,why").errors == []
    assert desk.read("funnel_mapping") == before + after
    assert parse_table("funnel_mapping", before + after)["source"].iloc[-1] == "New Form"


def test_a_missing_table_is_made_with_its_header_and_permissions_stay(desk: Desk) -> None:
    (desk.config / "manual_mapping.csv").unlink()
    (desk.config / "funnel_mapping.csv").chmod(0o664)
    desk.apply("misc_sale,s1,Webinar,,,", "unmapped_source,New Form,Webinar,,,")
    assert desk.read("manual_mapping") == b"sale_id,manual_value,note\ns1,Webinar,\n"
    assert stat.S_IMODE((desk.config / "funnel_mapping.csv").stat().st_mode) == 0o664
    assert sorted(desk.contents()) == ["funnel_mapping.csv", "funnels.csv", "manual_mapping.csv"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(("\ufeff" + HEADER).encode() + b"unmapped_source,'=SUM(A1),Webinar,,,\n", id="as_it_was_written"),
        pytest.param(HEADER.encode() + b"unmapped_source,=SUM(A1),Webinar,,,\n", id="apostrophe_taken_away"),
        pytest.param(
            HEADER.replace(",", ";").encode() + b"unmapped_source;'=SUM(A1);Webinar;;;\n", id="semicolons_of_excel"
        ),
        pytest.param(b"ITEM_KIND,Item,note,Funnel\nunmapped_source,'=SUM(A1),,Webinar\n", id="fewer_columns"),
    ],
)
def test_a_file_is_read_whatever_the_spreadsheet_made_of_it(desk: Desk, text: bytes) -> None:
    assert desk.apply(text=text).added["funnel_mapping"][0]["source"] == "=SUM(A1)"


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param(
            "unmapped_source,New Form,Webinr,,,",
            "column 'funnel': 'Webinr': expected a funnel of funnels.csv (Webinar, Meta Ads). Fix: correct it, or",
            id="unknown_funnel",
        ),
        pytest.param(
            "unmapped_source,New Form,Webinar,soon,,",
            "column 'valid_from': 'soon': Input should be a valid date",
            id="no_day",
        ),
        pytest.param(
            "unmapped_source,New Form,Webinar,2026-11-02,2026-11-01,",
            "column 'valid_to': '2026-11-01': must not be before valid_from",
            id="ends_before_it_begins",
        ),
        pytest.param(
            "unmapped_source,Newer Form,Webinar,,,",
            "column 'item': 'Newer Form': expected a name of the newest list of kind unmapped_source",
            id="not_on_the_list",
        ),
        pytest.param(
            "unmaped_source,New Form,Webinar,,,", "column 'item_kind': 'unmaped_source': expected one of", id="kind"
        ),
        pytest.param(
            "misc_sale,s1,Webinar,2026-11-01,,", "column 'valid_from': '2026-11-01': expected a blank", id="dated"
        ),
        pytest.param("misc_sale,s2,Webinar,,,", "Fix: correct line 2 of manual_mapping.csv", id="sale_has_a_line"),
        pytest.param(
            "misc_sale,s1,Other Sources (Miscellaneous),,,",
            "expected a funnel of funnels.csv",
            id="misc_is_no_decision",
        ),
        pytest.param(
            "unknown_funnel,Telegram,Webinar,,,", "'Webinar': expected 'Telegram'. Fix: add it under", id="other_name"
        ),
        pytest.param("unmapped_spend,(blank),Webinar,,,", "'(blank)': expected a whole name", id="blank_spend"),
        pytest.param("unmapped_source,Ref (phone),Webinar,,,", "expected a whole name", id="masked"),
        pytest.param(
            "unused_mapping,Gone,Webinar,,,", "expected a blank cell. Fix: an unused line is deleted", id="unused"
        ),
        pytest.param("unmapped_source,New Form,Webinar,,,,x", "too many fields for its header", id="comma_in_a_cell"),
    ],
)
def test_a_wrong_row_is_told_by_file_line_column_value_and_expectation_and_nothing_is_added(
    desk: Desk, row: str, said: str
) -> None:
    errors = desk.refused("unmapped_source,'=SUM(A1),Webinar,,,", row)
    assert len(errors) == 1
    assert errors[0].startswith("filled.csv: line 3: ")
    assert said in errors[0]
    assert ". Fix: " in errors[0]


def test_all_wrong_rows_are_told_in_the_order_of_the_file(desk: Desk) -> None:
    errors = desk.refused("misc_sale,s1,X,,,", "unmapped_source,New Form,,,,", "unknown_funnel,Telegram,Y,,,")
    assert [error.split(":")[1] for error in errors] == [" line 2", " line 4"]


def test_lines_that_would_not_fit_together_are_refused_and_the_row_is_named(desk: Desk) -> None:
    errors = desk.refused("unmapped_source,'=SUM(A1),Webinar,,,", "retired_source,Old Form,Webinar,,,")
    assert len(errors) == 1
    assert "config_csv/funnel_mapping.csv: lines 3 and 5 give the same source different values" in errors[0]
    assert "(line 5 would be line 3 of filled.csv)" in errors[0]


def test_a_table_that_is_wrong_already_is_told_first(desk: Desk) -> None:
    desk.put("metrics", "name,value\nrevenue_column\n")
    with pytest.raises(FunnelError, match=r"config_csv/metrics\.csv: line 2"):
        desk.apply("unmapped_source,New Form,Webinar,,,")
    assert desk.read("funnel_mapping") == MAPPING.encode()


def test_a_line_that_its_table_has_no_column_or_no_letters_for_is_refused(desk: Desk) -> None:
    desk.put("funnel_mapping", "source,funnel\nA,Webinar\n")
    with pytest.raises(FunnelError, match="it has no column 'valid_from', which a line to be added needs"):
        desk.apply("unmapped_source,New Form,Webinar,2026-11-01,,")
    desk.put("funnel_mapping", b"source,funnel,note\nCaf\xe9,Webinar,\n")
    with pytest.raises(FunnelError, match=r"letters that cp1252 cannot write\. Fix: save it as CSV UTF-8"):
        desk.apply("unmapped_source,New Form,Webinar,,,नमस्ते")
    assert desk.read("funnel_mapping") == b"source,funnel,note\nCaf\xe9,Webinar,\n"


def test_if_one_table_cannot_be_written_none_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = desk.contents()
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "manual_mapping.csv":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FunnelError, match="cannot be written"):
        desk.apply(
            "unmapped_source,New Form,Webinar,,,", "misc_sale,s1,Webinar,,,", "unknown_funnel,Telegram,Telegram,,,"
        )
    assert desk.contents() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b"PK\x03\x04rest", "this is a workbook, not CSV", id="workbook"),
        pytest.param(b"a,b\n1,2\n", "the column 'item_kind' is missing; found a, b", id="another_file"),
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param((HEADER + "unmapped_source,New").encode(), "the file was cut off", id="cut_off"),
    ],
)
def test_what_is_no_work_list_is_told(desk: Desk, text: bytes, said: str) -> None:
    with pytest.raises(FunnelError, match=said) as told:
        desk.apply(text=text)
    assert str(told.value).startswith("filled.csv: ")


def test_a_file_that_is_not_there_is_told(desk: Desk) -> None:
    with pytest.raises(FunnelError, match="the file cannot be read"):
        apply_worklist(desk.settings, desk.folder / "gone.csv")


def test_days_as_a_spreadsheet_rewrote_them_are_read_where_their_order_is_proved_and_else_refused(desk: Desk) -> None:
    row = "unmapped_source,New Form,Webinar,{},,"
    with pytest.raises(FunnelError, match="valid_from") as told:
        desk.apply(row.format("01-11-2026"))
    assert str(told.value).startswith("filled.csv, column 'valid_from': ")
    assert str(told.value).endswith("Fix: write dates as YYYY-MM-DD")
    assert desk.read("funnel_mapping") == MAPPING.encode()
    assert desk.apply(row.format("13-11-2026")).added["funnel_mapping"][0]["valid_from"] == "2026-11-13"
