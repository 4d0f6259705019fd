"""Reading a flat CSV file as text, losing nothing."""

import pytest

from funnel_etl.core.errors import MissingColumn, SourceRejected
from funnel_etl.core.reading.csvfile import SourceColumn, header_key, match_columns, read_csv, read_header, unique_names


def cells(data: str | bytes) -> list[list[object]]:
    records = read_csv(data.encode() if isinstance(data, str) else data)
    return records.rows[records.columns].to_numpy().tolist()


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        pytest.param("a,b\n1,2\n", ",", id="comma"),
        pytest.param("a;b\n1;2\n", ";", id="semicolon"),
        pytest.param("a\tb\n1\t2\n", "\t", id="tab"),
        pytest.param("a|b\n1|2\n", "|", id="bar"),
    ],
)
def test_the_delimiter_is_the_one_that_splits_the_header(text: str, delimiter: str) -> None:
    assert read_csv(text.encode()).delimiter == delimiter
    assert cells(text) == [["1", "2"]]


def test_known_column_names_outweigh_a_delimiter_that_splits_more() -> None:
    assert read_csv(b"cost;a,b,c,d;Funnel\n1;2;3\n", ["cost", "Funnel"]).delimiter == ";"


def test_every_value_stays_text_as_it_came() -> None:
    assert cells("a,b,c\n09876512345, 1.50 ,NA\n") == [["09876512345", " 1.50 ", "NA"]]


def test_a_blank_cell_is_an_empty_text_not_a_missing_one() -> None:
    assert cells("a,b\n1,\n") == [["1", ""]]


def test_a_row_knows_its_physical_line_even_after_line_breaks_in_cells_and_blank_lines() -> None:
    records = read_csv(b'a,b\n1,"two\nlines"\n\n3,4\n')
    assert records.rows["source_row"].tolist() == [2, 5]
    assert records.blank_rows == [4]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old_mac"])
def test_any_line_ending_is_read(end: str) -> None:
    assert cells(end.join(["a,b", "1,2", "3,4"])) == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize(
    ("line", "problem", "overflow"),
    [
        pytest.param("1,2", "too_few_fields", None, id="too_few"),
        pytest.param("1,2,3,extra", "too_many_fields", '["extra"]', id="a_field_too_many"),
        pytest.param("1,2,3,,", None, None, id="empty_fields_too_many_are_fine"),
        pytest.param("1,2,3", None, None, id="whole"),
    ],
)
def test_a_ragged_record_is_kept_and_marked(line: str, problem: str | None, overflow: str | None) -> None:
    row = read_csv(f"a,b,c\n{line}\n".encode()).rows.iloc[0]
    assert [row["a"], row["b"]] == ["1", "2"]
    assert (None if row.isna()["row_problem"] else row["row_problem"]) == problem
    assert (None if row.isna()["row_overflow"] else row["row_overflow"]) == overflow


@pytest.mark.parametrize("line", ["", ",,", " , , ", ","], ids=["empty", "commas", "blanks", "short_of_commas"])
def test_a_record_of_empty_cells_is_counted_as_blank_and_no_row(line: str) -> None:
    records = read_csv(f"a,b,c\n1,2,3\n{line}\n4,5,6\n".encode())
    assert records.blank_rows == [3]
    assert records.rows["source_row"].tolist() == [2, 4]


def test_a_header_alone_is_an_empty_table_with_its_columns() -> None:
    records = read_csv(b"a,b\n")
    assert records.columns == ["a", "b"]
    assert len(records.rows) == 0
    assert records.rows["a"].dtype == "str"


def test_blank_lines_before_the_header_are_counted_and_lines_stay_physical() -> None:
    records = read_csv(b"\n\na,b\n1,2\n")
    assert records.rows["source_row"].tolist() == [4]
    assert records.blank_rows == [1, 2]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(b"", "empty", id="no_bytes"),
        pytest.param(b" \n\n", "empty", id="only_blanks"),
        pytest.param(b",,\n,,\n", "no header", id="only_commas"),
        pytest.param(b'a,b\n1,2\n3,"cut o', "line 3 is never closed", id="cut_inside_quotes"),
    ],
)
def test_what_is_no_whole_file_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(SourceRejected, match=what):
        read_csv(data)


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert read_csv("\ufeffa,b\n1,2\n".encode()).columns == ["a", "b"]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        pytest.param(["a", "a", "a"], ["a", "a (2)", "a (3)"], id="repeated"),
        pytest.param(["a", "", "b"], ["a", "column_2", "b"], id="blank_inside"),
        pytest.param(["a", "b", "", " "], ["a", "b"], id="padded"),
        pytest.param(["  two   blanks "], ["two blanks"], id="blanks_collapse"),
        pytest.param(["file_id", "source_row"], ["file_id (2)", "source_row (2)"], id="ours_are_reserved"),
    ],
)
def test_every_column_gets_a_name_of_its_own(header: list[str], names: list[str]) -> None:
    assert unique_names(header) == names


@pytest.mark.parametrize("name", ["Phone number", "phone_number", "PhoneNumber", " PHONE-NUMBER\u200b "])
def test_column_names_are_compared_by_their_letters_and_digits(name: str) -> None:
    assert header_key(name) == "phonenumber"


DOCUMENTED = (SourceColumn("Name", ("Full name",)), SourceColumn("cost", needed=True))


@pytest.mark.parametrize(
    ("columns", "aliases", "found"),
    [
        pytest.param(["NAME", "Cost"], {}, {"Name": "NAME", "cost": "Cost"}, id="case_differs"),
        pytest.param(["full_name", "cost"], {}, {"Name": "full_name", "cost": "cost"}, id="known_other_spelling"),
        pytest.param(["Spend INR"], {"spend inr": "cost"}, {"cost": "Spend INR"}, id="alias_of_the_team"),
        pytest.param(
            ["Spend INR", "cost"],
            {"spend inr": "cost"},
            {"cost": "cost"},
            id="the_documented_name_goes_before_an_alias",
        ),
        pytest.param(["cost"], {}, {"cost": "cost"}, id="one_not_needed_may_be_absent"),
    ],
)
def test_documented_columns_are_found_under_other_spellings(
    columns: list[str], aliases: dict[str, str], found: dict[str, str]
) -> None:
    assert match_columns(columns, DOCUMENTED, aliases, "ad_spend") == found


def test_a_missing_needed_column_names_source_column_and_the_alias_line_that_would_mend_it() -> None:
    with pytest.raises(MissingColumn) as raised:
        match_columns(["Name", "costs"], DOCUMENTED, {}, "ad_spend")
    assert str(raised.value).startswith("ad_spend: the needed column 'cost' is not in its header (2 columns)")
    assert "`ad_spend,costs,cost`" in raised.value.fix


def test_a_file_that_ends_in_the_middle_of_a_record_was_cut_off() -> None:
    with pytest.raises(SourceRejected, match="middle of line 3"):
        read_csv(b"Name,cost\nAsha,1\nRa")
    assert len(read_csv(b"Name,cost\nAsha,1\nRavi,2").rows) == 2, "a whole last record may lack its line end"
    assert read_csv(b"Name,cost\nAsha,1\nRavi\n").rows["row_problem"].tolist()[1] == "too_few_fields"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("asha@example.org,9876500001,Pune", id="lost"),
        pytest.param("_id,status,FunnelS1,paid,98765 00001", id="run_together"),
        pytest.param("name,phoneAsha,a.b@example.org", id="e_mail"),
    ],
)
def test_a_row_of_somebody_is_no_header_and_is_not_quoted(header: str) -> None:
    """Its cells were once told as names of new columns: phones stood in ops.schema_drift."""
    with pytest.raises(SourceRejected) as told:
        read_csv(f"{header}\na,b,c\n".encode())
    assert "the line of the header is lost" in told.value.what
    assert not any(cell in str(told.value) for cell in header.split(",") if len(cell) > 6)


QUESTIONS = {
    "WhatsApp Number (e.g. 9876543210)": "WhatsApp Number (e.g. (a number))",
    "Mail us at help@plutus.example": "Mail us at (e-mail)",
    "Your number, like +91 98765-43210": "Your number, like (a number)",
    "Questions? (help@plutus.example / 98765 43210)": "Questions? (e-mail) / (a number))",
}


@pytest.mark.parametrize(("question", "shown"), QUESTIONS.items())
def test_a_question_with_an_example_is_a_header_and_is_shown_without_it(question: str, shown: str) -> None:
    """Such a question refused the whole source: "the line of the header is lost"."""
    data = f'Name,date_time,"{question}"\nAsha,2026-11-01,9876512301\n'.encode()
    records = read_csv(data, ["Name", "date_time"])
    assert records.columns == ["Name", "date_time", shown]
    assert read_header(data, ["Name", "date_time"]) == records.columns
    documented = (SourceColumn("Name"), SourceColumn("Phone", needed=True))
    for as_typed_or_shown in (question, shown):
        assert match_columns(records.columns, documented, {as_typed_or_shown: "Phone"}, "x")["Phone"] == shown
    with pytest.raises(MissingColumn) as told:
        match_columns(records.columns, [SourceColumn("WhatsApp Number", needed=True)], {}, "x")
    assert "98765" not in str(told.value)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Name,date_time,Phone9876512301", id="run_together_with_a_number"),
        pytest.param("Name,date_time,Questionasha@example.org", id="run_together_with_an_address"),
        pytest.param("Name,date_time,CityAsha,2026-11-01,98765 12301", id="a_number_in_a_cell_of_its_own"),
        pytest.param("Name,date_time,CityAsha,asha@example.org 9876512301", id="an_address_and_a_number"),
        pytest.param("Name,WhatsApp Number (e.g. 9876512301),City", id="a_question_without_known_names_beside_it"),
    ],
)
def test_a_header_with_somebody_in_it_is_refused_also_where_names_are_known(header: str) -> None:
    with pytest.raises(SourceRejected, match="the line of the header is lost"):
        read_csv(f"{header}\na,b,c\n".encode(), ["Name", "date_time"])


def test_a_header_may_hold_numbers_and_days() -> None:
    assert len(read_csv(b"as of 2025-10-31,Purchases (30 days),12345,cost 2025-10\n1,2,3,4\n").rows) == 1


@pytest.mark.parametrize("hint", ["sep=;", "SEP=;", '"sep=;"', "sep=;;"], ids=["plain", "upper", "quoted", "padded"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old_mac"])
def test_excel_s_hint_of_the_separator_is_no_header_and_lines_stay_those_of_the_file(hint: str, end: str) -> None:
    """`sep=;` above the header was taken for the header: every column was missing."""
    data = f"{hint}{end}a,b;c{end}1,5;2{end}{end}3;4{end}".encode("utf-8-sig")
    records = read_csv(data)
    assert (records.columns, records.delimiter) == (["a,b", "c"], ";")
    assert records.rows["source_row"].tolist() == [3, 5]
    assert records.blank_rows == [4]
    assert read_header(data) == ["a,b", "c"]


def test_known_column_names_outweigh_a_hint_that_was_left_behind() -> None:
    assert read_csv(b"sep=,\ncost;Funnel\n1;2\n", ["cost", "Funnel"]).columns == ["cost", "Funnel"]


def test_a_header_that_only_begins_like_the_hint_is_a_header() -> None:
    assert read_csv(b"sep=1;b\n1;2\n").columns == ["sep=1", "b"]
    with pytest.raises(SourceRejected, match="no header"):
        read_csv(b"sep=;\n")
