"""The fast way through a plain CSV file: it reads what the careful way reads, or leaves the file to it."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.reading import csvfile
from funnel_etl.core.reading.csvfile import read_csv

KNOWN = ("name", "Phone number", "cost")
PIECES = (
    *KNOWN,
    *', ; \t \n \r " a 0 98 é ₹ \x00 \x1c \xa0 \u2028'.split(" "),
    " ",
    '""',
    "\r\n",
    "(2 rows)",
    "sep=;",
    "''",
    "NA",
)
CELLS = ("", " ", "a", "98 76", "name", "é ₹", 'say ""when""', "x,y", "NULL", "(1 rows)")


def read(data: bytes, monkeypatch: pytest.MonkeyPatch | None = None) -> Any:
    """Read a file, by the careful way alone if it is to be patched; a refusal is what it says."""
    if monkeypatch:
        monkeypatch.setattr(csvfile, "_plain", lambda *_: None)
    try:
        found = read_csv(data, KNOWN)
    except SourceRejected as error:
        return str(error)
    return found.rows.to_dict("list"), found.rows.dtypes.tolist(), vars(found) | {"rows": None}


def same(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        careful = read(data, patch)
    assert repr(read(data)) == repr(careful)


@pytest.mark.slow
@settings(max_examples=500)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@example("a,b\n1,2\n")
@example('a,b\n"1"x,2\n')
@example('a,b\n1"2,2\n')
@example("a,b\n1,2\n\x1c,\n")
def test_whatever_is_in_a_file_both_ways_read_the_same(text: str) -> None:
    same(text.encode())
    same(("name,cost,Phone number\n" + text).encode())


@pytest.mark.slow
@settings(max_examples=300)
@given(
    rows=st.lists(st.lists(st.sampled_from(CELLS), min_size=3, max_size=3), max_size=6),
    delimiter=st.sampled_from((",", ";", "\t")),
    end=st.sampled_from(("\n", "\r\n")),
    quoted=st.booleans(),
)
def test_rows_of_any_cells_are_read_the_same(rows: list[list[str]], delimiter: str, end: str, *, quoted: bool) -> None:
    lines = [
        delimiter.join(f'"{cell}"' if quoted or '"' in cell or "," in cell else cell for cell in row) for row in rows
    ]
    same((end.join([delimiter.join(KNOWN), *lines]) + end).encode())


def test_a_plain_file_goes_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def careful(*_: object) -> None:
        raise AssertionError("every record of it was read")

    monkeypatch.setattr(csvfile, "_table", careful)
    found = read_csv(b'name,cost\r\n"Rao, A",1\r\n,NA\r\n'.replace(b"\r\n,NA", b"\r\n ,NA"), KNOWN)
    assert found.rows[found.columns].to_numpy().tolist() == [["Rao, A", "1"], [" ", "NA"]]
    assert found.rows["source_row"].tolist() == [2, 3]
