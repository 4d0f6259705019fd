"""Lines that are no rows: what stands above a header, the header again, a closing count."""

import pytest

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.reading.csvfile import SourceColumn, read_csv, read_header
from funnel_etl.core.reading.source_frame import raw_records

DOCUMENTED = (
    SourceColumn("Name"),
    SourceColumn("Phone", ("Mobile",), needed=True),
    SourceColumn("when", ("at",), needed=True),
    SourceColumn("cost"),
)
KNOWN = ["Name", "Phone", "when", "cost"]
HEADER = "Name,Phone,when,cost\n"
ROWS = "A,9876512301,2026-11-01,5\nB,9876512302,2026-11-02,6\n"


def lines(text: str) -> list[int]:
    return read_csv(text.encode(), KNOWN).rows["source_row"].tolist()


@pytest.mark.parametrize(
    ("above", "row"),
    [
        pytest.param("Leads Nov 2026 - do not edit\n", 3, id="a_note"),
        pytest.param('"Leads Nov 2026 - do not edit",,,\n', 3, id="a_note_padded_by_a_sheet"),
        pytest.param("Exported by,Asha\nLeads\n\n", 5, id="some_notes_and_a_blank_line"),
        pytest.param("Warning: Undefined array key 3 in /srv/export.php on line 12\n", 3, id="a_php_warning"),
        pytest.param("<br />\n<b>Notice</b>:  Undefined index in <b>x.php</b> on line <b>3</b><br />\n", 4, id="php"),
        pytest.param('"two\nlines"\n', 4, id="a_note_of_two_lines"),
    ],
)
def test_a_header_below_notes_is_found_and_lines_stay_physical(above: str, row: int) -> None:
    """A note row above the header refused the whole sheet, with advice that misled (faults 52)."""
    outcome = raw_records((above + HEADER + ROWS).encode(), "f" * 64, "tofu_leads", DOCUMENTED, {})
    assert outcome.rows["source_row"].tolist() == [row, row + 1]
    assert outcome.rows["Phone"].tolist() == ["9876512301", "9876512302"]
    assert outcome.ledger[0].balances
    assert outcome.ledger[0].reasons["excluded:above_header"] >= 1
    assert "line 1 stands above the header and was not read" in outcome.notes[0]
    assert read_header((above + HEADER + ROWS).encode(), KNOWN) == HEADER.strip().split(",")


@pytest.mark.parametrize("notes", [20, 25, 60])
def test_a_header_below_too_many_notes_is_named_by_its_line(notes: int) -> None:
    """It was told as two exports that were pasted together."""
    text = "".join(f"note {at}\n" for at in range(notes)) + HEADER + ROWS
    with pytest.raises(SourceRejected, match=f"its header is on line {notes + 1}, and what stands above"):
        raw_records(text.encode(), "f" * 64, "tofu_leads", DOCUMENTED, {})


def test_a_header_below_nineteen_notes_is_read() -> None:
    text = "".join(f"note {at}\n" for at in range(19)) + HEADER + ROWS
    assert lines(text) == [21, 22]


def test_a_header_of_aliases_only_is_found_below_a_note_too() -> None:
    data = b"Leads\nwho,mob,at\nA,9876512301,2026-11-01\n"
    outcome = raw_records(data, "f" * 64, "tofu_leads", DOCUMENTED, {"who": "Name", "mob": "Phone"})
    assert outcome.rows["mob"].tolist() == ["9876512301"]


def test_a_delimiter_is_found_by_the_header_below_a_note() -> None:
    records = read_csv(b"a, b, c, and d, e\nName;Phone;when\nA;9876512301;2026-11-01\n", KNOWN)
    assert (records.delimiter, records.columns) == (";", ["Name", "Phone", "when"])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param(ROWS + HEADER + ROWS, "its header is on line 3", id="rows_above_the_header"),
        pytest.param("<br />\n<b>Fatal error</b>: no memory\n", "message of the program", id="only_a_php_error"),
        pytest.param("PHP Fatal error:  Uncaught PDOException\n", "message of the program", id="php_in_plain_text"),
    ],
)
def test_what_is_more_than_notes_or_has_no_header_is_refused(text: str, what: str) -> None:
    with pytest.raises(SourceRejected, match=what):
        raw_records(text.encode(), "f" * 64, "tofu_leads", DOCUMENTED, {})


def test_a_header_pasted_again_in_the_middle_is_left_out_by_a_reason_of_its_own() -> None:
    """Two exports pasted together: the header was a row in quarantine as bad_date."""
    data = HEADER + ROWS + "NAME, phone ,when,cost\n" + ROWS
    outcome = raw_records(data.encode(), "f" * 64, "tofu_leads", DOCUMENTED, {})
    assert outcome.rows["source_row"].tolist() == [2, 3, 5, 6]
    assert outcome.ledger[0].reasons == {"excluded:repeated_header": 1}
    assert outcome.notes == [
        "tofu_leads: line 4 is the header again and was left out: two exports were pasted together"
    ]


def test_a_header_at_the_very_end_stays_a_record_for_no_row_follows_it() -> None:
    assert lines(HEADER + ROWS + HEADER) == [2, 3, 4]


def test_a_second_header_with_other_columns_is_refused() -> None:
    """Rows below it would be read under wrong names."""
    with pytest.raises(SourceRejected, match="line 4 is a header with other columns"):
        lines(HEADER + ROWS + "Name,when,Phone,cost\nA,2026-11-01,9876512301,5\n")


@pytest.mark.parametrize(
    "last",
    ["(2 rows)", "2 rows selected.", "2 rows in set (0.05 sec)", "-- 2 record(s)", "Total rows: 2", "(2 rows),,,"],
)
def test_a_right_count_of_the_rows_is_left_out(last: str) -> None:
    records = read_csv(f"{HEADER}{ROWS}\n{last}\n\n".encode(), KNOWN)
    assert records.rows["source_row"].tolist() == [2, 3]
    assert records.left_out == {"row_count": [5]}


@pytest.mark.parametrize("last", ["(1 row)", "(3 rows)", "1,002 rows selected."])
def test_a_wrong_count_stays_a_record(last: str) -> None:
    assert lines(f"{HEADER}{ROWS}{last}\n") == [2, 3, 4]


def test_the_line_of_an_erased_person_counts_as_the_row_it_was() -> None:
    """Else the count of a dump that names somebody who was erased would be wrong for ever, and the dump refused."""
    assert lines(f"{HEADER}\nB,9876512302,2026-11-02,6\n(2 rows)\n") == [3]


def test_each_of_two_exports_pasted_together_may_count_its_own_rows() -> None:
    text = f"{HEADER}{ROWS}(2 rows)\n{HEADER}{ROWS}{ROWS}(4 rows)\n"
    assert lines(text) == [2, 3, 6, 7, 8, 9]
