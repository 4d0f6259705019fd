"""Every reader and the eraser split a text into the same records, whatever its quotation marks and line ends do."""

import csv
import io

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.reading.csvfile import RESERVED, CsvRecords, read_csv
from funnel_etl.core.reading.person_matcher import PersonMatcher, redact_lines
from funnel_etl.core.reading.records import PIECE, Records

PERSON = "9876500001"
MATCHER = PersonMatcher({f"phone:{PERSON}"}.__contains__, frozenset({10}))
KNOWN = ("Name", "Phone", "Note")
PIECES = st.sampled_from(
    [PERSON, "9123456780", "Asha", 'q"', '"', '""', '"As\nha"', '"x\r\ny', 'y"', ",", ";", "|", "", " ", "é", "\0"]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\r\n"])
CODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]
ODD = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Make a table with notes above it, and lines and quotation marks as no program writes them."""
    sign = draw(st.sampled_from([",", ";"]))
    above = draw(st.sampled_from(["", f"sep={sign}\r\n", "Leads of November\n\n", f'"Leads\nof{sign}November"\n']))
    rows = draw(st.lists(st.tuples(st.lists(PIECES, min_size=1, max_size=5), ENDS), max_size=12))
    header = sign.join(KNOWN) + draw(ENDS)
    body = "".join(sign.join(cells) + end for cells, end in rows)
    return above + header + (body if draw(st.booleans()) else body.rstrip("\r\n"))


def read(data: bytes) -> CsvRecords | None:
    """Return what the reader reads, or None for a text it refuses."""
    try:
        return read_csv(data, KNOWN)
    except SourceRejected:
        return None


def cells(records: CsvRecords) -> dict[int, list[str]]:
    names = [name for name in records.rows if name not in RESERVED]
    rows = records.rows[names].fillna("").to_numpy().tolist()
    overflow = records.rows["row_overflow"].fillna("").tolist()
    return dict(
        zip(records.rows["source_row"], [[*row, more] for row, more in zip(rows, overflow, strict=True)], strict=True)
    )


@pytest.mark.slow
@ODD
@given(texts(), st.sampled_from(CODINGS))
@example(f'Name,Phone,Note\nAsha,{PERSON},"x\nBob,1,y\nEsha,2,z"\nZoe,3,\n', "utf-8")
@example(f'Name;Phone;Note\n"x,y";1;"As\n{PERSON}, ha"\nBob;2;z\n', "utf-16")
def test_taking_a_person_out_changes_no_other_record_for_the_reader(text: str, coding: str) -> None:
    """A row that began a quotation was emptied alone: the mark that ended it began another, and swallowed the file."""
    data = text.encode(coding)
    before = read(data)
    if before is None:
        return
    left = redact_lines(data, MATCHER)
    after = read(left.data)
    assert after is not None, "a file that could be read can be read without the person"
    assert PERSON not in "".join(cell for row in cells(after).values() for cell in row)
    others = {line: row for line, row in cells(before).items() if line not in left.lines}
    kept = cells(after)
    assert {line: row for line, row in kept.items() if line not in left.lines} == kept
    assert kept.keys() == others.keys()
    assert all(row == others[line] or PERSON in "".join(others[line]) for line, row in kept.items())


@ODD
@given(st.text(st.sampled_from('ab1,;"\n\r '), max_size=60), st.sampled_from(",;"))
def test_records_are_those_of_the_csv_module_with_their_lines(text: str, delimiter: str) -> None:
    split = Records(text, delimiter)
    lines = list(io.StringIO(text, newline=""))
    found = [(record, split.line, split.end) for record in split]
    assert [record for record, _, _ in found] == list(csv.reader(lines, delimiter=delimiter))
    assert [line for _, first, end in found for line in range(first, end + 1)] == list(range(1, len(lines) + 1))
    probed = list(csv.reader([*lines, "probe"], delimiter=delimiter))
    assert split.is_open == (len(probed) == len(found))


@pytest.mark.parametrize("text", ['a,b\n"x', 'a,b\n"x\n', '"', 'a,"b"c\n"'])
def test_a_quotation_that_does_not_end_is_told(text: str) -> None:
    split = Records(text, ",")
    assert list(split) == list(csv.reader(io.StringIO(text, newline="")))
    assert split.is_open


def test_a_mark_never_closed_in_a_long_text_swallows_only_its_line() -> None:
    text = 'a,b\n"x,1\n' + "y,2\n" * (PIECE // 3)
    split = Records(text, ",")
    records = list(split)
    assert (split.unclosed, len(records)) == ([2], text.count("\n"))
    with pytest.raises(SourceRejected, match="opened on line 2 is never closed"):
        read_csv(text.encode())
