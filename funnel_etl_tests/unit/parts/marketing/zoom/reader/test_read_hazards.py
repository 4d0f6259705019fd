"""Files that are cut off, ragged, re-saved by Excel, in odd encodings: what is kept, and what is said."""

import json

import pytest

from funnel_etl.parts.marketing.zoom.reader.json_rows import MORE_FIELDS
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport, read_export

HEAD = (
    "Attendee Report,\nReport generated time,04/14/2026 12:18:00 PM\n"
    "Topic,Webinar ID,Actual Start Time,Total Users\nClass,111 2222 3333,04/13/2026 02:38:00 PM,3\nAttendee Details,\n"
    "Attended,User Name,Email,Join Time,Leave Time,Time in Session (minutes),Country/Region Name\n"
)
ASHA = "Yes,Asha,asha@example.com,04/13/2026 02:40:00 PM,04/13/2026 02:50:00 PM,10,India"
RAVI = "Yes,Ravi,ravi@example.com,04/13/2026 02:41:00 PM,04/13/2026 02:42:00 PM,1,India"


def read(text: str | bytes) -> ZoomExport:
    data = text if isinstance(text, bytes) else text.encode()
    return read_export(data, file_id="f1", zone="Asia/Kolkata")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param(ASHA, None, id="as many fields as the header"),
        pytest.param(ASHA + ",,,", None, id="extra empty fields"),
        pytest.param(ASHA + ", ,", None, id="extra blank fields"),
        pytest.param(ASHA.rpartition(",")[0], "too_few_fields", id="the last field is missing"),
        pytest.param(ASHA + ",x1", "too_many_fields", id="an extra field"),
        pytest.param(
            ASHA.replace("Asha", "Rao, Asha", 1), "too_many_fields", id="an unquoted comma in a name shifts the row"
        ),
    ],
)
def test_field_counts_are_judged_row_by_row(row: str, problem: str | None) -> None:
    rows = read(HEAD + RAVI + "\n" + row + "\n" + RAVI + "\n").rows
    assert len(rows) == 3
    assert rows["row_problem"].dropna().tolist() == ([problem] if problem else [])
    assert rows["cell_warnings"].sum() == 0, "a row that goes to quarantine whole has no cell warnings"


@pytest.mark.parametrize("tail", ["", ",", ",,"], ids=["re-join row", "trailing comma", "padded by Excel"])
def test_a_country_with_an_unquoted_comma_is_put_together_again(tail: str) -> None:
    row = ASHA.replace("India", f"Congo, Democratic Republic of the{tail}")
    rows = read(HEAD + row + "\n").rows
    assert rows["row_problem"].isna().all()
    assert rows["country"].tolist() == ["Congo, Democratic Republic of the"]


def test_a_row_too_long_keeps_its_surplus_in_the_row() -> None:
    row = read(HEAD + ASHA + ",x1,\n").rows["row"].iloc[0]
    assert json.loads(row)[MORE_FIELDS] == ["x1", ""]


def test_a_row_too_short_names_only_the_fields_it_has() -> None:
    row = read(HEAD + "Yes,Asha,asha@example.com\n").rows["row"].iloc[0]
    assert json.loads(row) == {"Attended": "Yes", "User Name": "Asha", "Email": "asha@example.com"}


def test_blank_rows_are_counted_and_are_no_rows() -> None:
    export = read(HEAD + ASHA + "\n\n,,,,,,\n ,,\n" + RAVI + "\n")
    assert export.rows["source_row"].tolist() == [7, 11]
    assert export.blank_rows == [8, 9, 10]


def test_source_row_is_the_physical_line_when_cells_hold_newlines() -> None:
    rows = read(HEAD + ASHA.replace("Asha", '"As\nha"') + "\n" + RAVI + "\n").rows
    assert rows["source_row"].tolist() == [7, 9]
    assert rows["user_name"].iloc[0] == "As\nha"


def test_a_file_saved_again_by_excel_reads_the_same() -> None:
    plain = HEAD + ASHA + "\n" + RAVI + "\nOther Attended,\nUser Name,Join Time,Leave Time\nTel,--,--\n"
    padded = "".join(line.rstrip(",") + "," * (9 - line.rstrip(",").count(",")) + "\r\n" for line in plain.splitlines())
    before, after = read(plain).rows, read(padded).rows
    assert after["section"].tolist() == ["attendee", "attendee", "other"]
    assert after.equals(before)


@pytest.mark.parametrize("delimiter", [";", "\t"], ids=["semicolon", "tab"])
def test_other_delimiters_are_found(delimiter: str) -> None:
    assert read((HEAD + ASHA + "\n").replace(",", delimiter)).rows["email"].tolist() == ["asha@example.com"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_are_found(encoding: str) -> None:
    rows = read((HEAD + ASHA.replace("Asha", "João") + "\n").encode(encoding)).rows
    assert rows["user_name"].tolist() == ["João"]


def test_nul_bytes_are_ignored() -> None:
    assert read((HEAD + ASHA.replace("Asha", "A\x00sha") + "\n").encode()).rows["user_name"].tolist() == ["Asha"]


@pytest.mark.parametrize("cut", [RAVI[:30], 'Yes,Ravi,"ravi@exam'], ids=["within a row", "within a quoted cell"])
def test_a_file_cut_off_within_a_row_keeps_the_rows_before_and_says_so(cut: str) -> None:
    export = read(HEAD + ASHA + "\n" + cut)
    assert export.rows["row_problem"].fillna("fine").tolist() == ["fine", "too_few_fields"]
    assert any("ends within the row on line 8" in note for note in export.notes)


def test_a_quotation_mark_never_closed_swallows_no_rows() -> None:
    export = read(HEAD + ASHA.replace("Asha", '"Asha') + "\n" + RAVI + "\n" + RAVI + "\n")
    assert export.rows["source_row"].tolist() == [7, 8, 9]
    assert export.rows["row_problem"].fillna("fine").tolist() == ["too_few_fields", "fine", "fine"]
    assert any("quotation mark on line 7" in note for note in export.notes)


def test_a_quotation_mark_never_closed_in_the_last_column_swallows_no_rows() -> None:
    export = read(HEAD + ASHA.replace("India", '"India') + "\n" + RAVI + "\n")
    assert export.rows["country"].tolist() == ["India", "India"]
    assert export.rows["row_problem"].isna().all()


def test_a_quotation_mark_never_closed_swallows_no_rows_of_a_file_read_in_pieces() -> None:
    body = [f"Yes,A{at},a{at}@example.com,04/13/2026 02:41:00 PM,--,1,India" for at in range(12_000)]
    body[5] = body[5].replace("A5", '"A5', 1)
    body[9_000] = body[9_000].replace("A9000", '"A\n9000"', 1)
    export = read(HEAD + "\n".join(body) + "\n")
    assert export.rows["source_row"].tolist() == [*range(7, 9_008), *range(9_009, 12_008)]
    assert export.rows["row_problem"].dropna().index.tolist() == [5]
    assert export.rows["email"].iloc[-1] == "a11999@example.com"
    assert export.notes == ["a quotation mark on line 12 is never closed: the lines after it were read on their own"]


def test_a_country_in_two_parts_before_the_source_name_shifts_nothing() -> None:
    header = HEAD.replace("Country/Region Name", "Country/Region Name,Source Name")
    row = ASHA.replace("India", "Congo, Democratic Republic of the,Instagram")
    rows = read(header + row + "\n").rows
    assert rows["row_problem"].isna().all()
    assert (rows["country"].iloc[0], rows["source_name"].iloc[0]) == ("Congo, Democratic Republic of the", "Instagram")


def test_a_section_under_an_unknown_title_is_told_by_its_header() -> None:
    export = read(HEAD + ASHA + "\nTeilnehmer am Telefon,\nUser Name,Join Time,Leave Time\nTel,--,--\n")
    assert export.rows["section"].tolist() == ["attendee", "other"]
    assert export.rows["row_problem"].isna().all()
    assert any("not known" in note for note in export.notes)


def test_rows_under_an_unknown_header_are_kept_as_unusable() -> None:
    export = read(HEAD + ASHA + "\nOther Attended,\nBenutzer,Beitritt\nTel,--\n")
    assert export.rows["row_problem"].fillna("fine").tolist() == ["fine", "unknown_header"]
    assert json.loads(export.rows["row"].iloc[1]) == {"Benutzer": "Tel", "Beitritt": "--"}


def test_two_columns_of_one_name_are_both_kept() -> None:
    text = HEAD.replace("Country/Region Name", "Goal,Goal") + ASHA.replace("India", "Bank,Rail") + "\n"
    assert json.loads(read(text).rows["questions"].iloc[0]) == {"Goal": "Bank", "Goal (2)": "Rail"}


def test_a_topic_with_an_unquoted_comma_shifts_no_summary_value() -> None:
    facts = read(HEAD.replace("Class,", "Maths, Day 1,") + ASHA + "\n").facts
    assert (facts["topic"], facts["webinar_id"], facts["total_users"]) == ("Maths, Day 1", "11122223333", 3)


def test_notes_hold_no_personal_data() -> None:
    export = read(HEAD + ASHA.replace("Asha", '"Asha') + "\n" + RAVI + "\n" + RAVI[:40])
    assert len(export.notes) == 2
    assert not any(word in " ".join(export.notes).lower() for word in ("asha", "ravi", "example.com"))


@pytest.mark.parametrize(
    "last",
    [
        pytest.param("ERROR 2013 (HY000): Lost connection", id="an_error_message"),
        pytest.param("</body></html>", id="the_tail_of_a_page"),
        pytest.param('"Query timed out",,,,,,', id="padded"),
        pytest.param("Yes,Asha,asha@exam", id="half_a_row"),
    ],
)
def test_a_last_line_that_is_no_row_of_a_person_is_a_warning(last: str) -> None:
    """A report that broke off with a message at its end was read without a word."""
    notes = read(HEAD + ASHA + "\n" + RAVI + "\n" + last + "\n").notes
    assert any("line 9, the last one, is no row of a person" in note for note in notes)
    assert not any("no row of a person" in note for note in read(HEAD + ASHA + "\n" + RAVI + "\n").notes)


def test_excel_s_hint_of_the_separator_above_a_report_changes_only_its_lines() -> None:
    plain, hinted = read(HEAD + ASHA + "\n"), read("\ufeffsep=,\r\n" + HEAD + ASHA + "\n")
    assert hinted.facts == plain.facts
    assert hinted.notes == plain.notes
    assert (hinted.rows["source_row"] - plain.rows["source_row"]).tolist() == [1]
