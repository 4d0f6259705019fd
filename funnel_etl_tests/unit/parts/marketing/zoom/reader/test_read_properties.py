"""Nothing that is dropped crashes the reader, hangs it or fills the memory, and no record gets lost in it."""

import csv
import io
import json
import random
import subprocess
import sys
import textwrap
import time
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnel_etl.core.errors import AmbiguousDates, NotAZoomReport
from funnel_etl.core.values import dates
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport, read_export
from funnel_etl.parts.marketing.zoom.reader.section import TEXT
from funnel_etl.parts.marketing.zoom.reader.times import Column, instants

pytestmark = pytest.mark.slow

BOUNDED = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
HEAD = [
    ["Attendee Report"],
    ["Report generated time", "Apr 04, 2026 12:18 PM"],
    ["Topic", "ID", "Actual Start Time", "# Registrants"],
    ["Class", "111 2222 3333", "Apr 1, 2026 2:38 PM", " 3"],
]
COLUMNS = [
    "Attended", "User Name (Original Name)", "Email", "Join Time", "Leave Time", "Time in Session (minutes)",
    "Is Guest", "Country/Region Name", "Phone", "Mobile number", "Nome", "Puesto de trabajo",
    'Your "goal"?', "Goal", "",
]  # fmt: skip
MESS = st.one_of(
    st.sampled_from(
        ["", " ", "--", "NA", "Yes", "No", "Sim", "Apr 01, 2026 14:40:00", "4/1/2026 14:38", "13/04/2026 9:00",
         "46113.6", "'+919876512345", "9.87651E+09", "a@example.com", "Congo", " Democratic Republic of the", "-5",
         "1e99", "５", "Host Details", "Join Time", "\x00", "x\ny", 'he said "hi"', "=1+1", "९८७६५१२३४५", "😀",
         "\u202e", "\x1c"]
    ),
    st.text(max_size=12),
)  # fmt: skip


def read(data: bytes) -> ZoomExport | None:
    try:
        return read_export(data, file_id="f1", zone="Asia/Kolkata")
    except (NotAZoomReport, AmbiguousDates):
        return None


def written(records: list[list[str]], delimiter: str = ",", line_end: str = "\n") -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerows(records)
    return out.getvalue()


@BOUNDED
@given(
    header=st.lists(st.sampled_from(COLUMNS), min_size=0, max_size=8, unique=True),
    rows=st.lists(st.lists(MESS, min_size=0, max_size=14), max_size=12),
    delimiter=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    cut=st.integers(min_value=0, max_value=60),
)
def test_a_layout_with_any_mess_in_it_is_read_or_refused(
    header: list[str], rows: list[list[str]], delimiter: str, line_end: str, encoding: str, cut: int
) -> None:
    records = [*HEAD, ["Attendee Details"], [*header, "Join Time (2)", "Join Time", "Email", "Attended"], *rows]
    text = written(records, delimiter, line_end)
    export = read(text[: len(text) - cut].encode(encoding, errors="replace"))
    if export is not None:
        assert export.facts["report"] == "attendee"
        assert export.rows["source_row"].is_unique
        assert set(export.rows["source_row"]).isdisjoint(export.blank_rows)
        assert all(isinstance(json.loads(row), dict) for row in [*export.rows["row"], *export.rows["questions"]])


@BOUNDED
@given(
    rows=st.lists(
        st.lists(MESS.filter(lambda cell: cell not in {"Join Time", "Host Details"}), max_size=9), max_size=20
    ),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_every_record_is_a_row_or_a_blank_row(rows: list[list[str]], line_end: str) -> None:
    cleaned = [[cell.replace("\x00", "").replace("\r", "") for cell in row] for row in rows]
    text = written([*HEAD, ["Attendee Details"], COLUMNS[:8], *cleaned], line_end=line_end)
    export = read_export(text.encode(), file_id="f1", zone="UTC") if read(text.encode()) else None
    if export is not None:
        whole = list(csv.reader(io.StringIO(text, newline="")))
        assert len(export.rows) + len(export.blank_rows) == len(whole) - 6
        assert export.rows["row_problem"].isin(["too_few_fields", "too_many_fields"]).sum() <= len(export.rows)


@BOUNDED
@given(st.binary(max_size=3_000))
def test_any_bytes_are_refused(data: bytes) -> None:
    assert read(data) is None


VALID = written(
    [
        *HEAD,
        ["Attendee Details"],
        COLUMNS[:8],
        ["Yes", "A", "a@example.com", "Apr 01, 2026 14:40:00", "Apr 01, 2026 14:50:00", "10", "No", "India", ""],
        ["No", "B", "b@example.com", "--", "--", "--", "--", ""],
        ["Other Attended"],
        ["User Name", "Join Time", "Leave Time"],
        ["Tel", "4/1/2026 14:38", "--"],
    ]
).encode()


@BOUNDED
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(VALID)), st.integers(0, 8), st.binary(max_size=6)), min_size=1, max_size=6
    ),
    wide=st.booleans(),
)
def test_a_damaged_report_is_read_or_refused(edits: list[tuple[int, int, bytes]], wide: bool) -> None:
    data = VALID.decode().encode("utf-16") if wide else VALID
    for at, gone, more in edits:
        data = data[:at] + more + data[at + gone :]
    export = read(data)
    assert export is None or export.rows["section"].isin(["host", "panelist", "attendee", "other"]).all()


def nothing_to_hold(_instants: object) -> NoReturn:
    raise AssertionError("only dates that read both ways are held against others")


@pytest.mark.parametrize("seed", range(3))
def test_zooms_spelling_is_read_as_the_reader_of_all_spellings_reads_it(seed: int) -> None:
    pick = random.Random(seed)  # noqa: S311
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Foo apr".split()
    texts = [
        f"{pick.choice(months)} {pick.randint(0, 32):02}, {pick.choice([1969, 2020, 2026, 2101])} "
        f"{pick.randint(0, 25):02}:{pick.randint(0, 61):02}:{pick.randint(0, 61):02}"
        for _ in range(800)
    ] + [f"{pick.choice(months)} {day}, 2026 {hour}:05{half}" for day in (1, 9, 31) for hour in (0, 1, 12, 13)
         for half in ("", " AM", " PM", ":07", ":07 PM")]  # fmt: skip
    for part in (texts, texts[-40:], texts[:30]):
        for zone in ("Asia/Kolkata", "America/Sao_Paulo"):
            fast = instants({"at": Column(pa.array(part, type=TEXT), [(zone, len(part))])}, times_of=nothing_to_hold)
            slow = dates.parse(pd.Series(part, dtype="str"), zone, column="at")
            pd.testing.assert_series_equal(fast.columns["at"][0], slow.instants, check_names=False)
            assert np.array_equal(fast.columns["at"][1], slow.reason.notna().to_numpy(dtype=bool))


BOMBS = {
    "newlines": ("", "\n"),
    "blank records": ("", ",\n"),
    "commas": ("", ","),
    "white space": ("", " "),
    "one cell": ('Yes,"', "a"),
    "a quotation mark never closed, then short lines": ('Yes,"', "ab\n"),
    "quotation marks in every line": ("", 'a","\n'),
    "short rows": ("", "a\n"),
    "headers": ("", "Email,Attended,Join Time\n"),
    "titles": ("", "Host Details\n"),
    "letters that unfold to eighteen": ("Yes,", "\ufdfa"),
    "fields beyond the header": ("", "Yes,a,b,c,d,e,f,g,h," + "i," * 40 + "j\n"),
    "dates that are none": ("", "Yes,a,b,1 x,2 y,z,,\n"),
}
SCRIPT = """
    import sys, time
    from funnel_etl.core.errors import NotAZoomReport
    from funnel_etl.parts.marketing.zoom.reader.read import read_export
    valid = sys.stdin.buffer.read()
    start, unit, size = eval(sys.argv[1])
    read_export(valid, file_id="f", zone="Asia/Kolkata")
    def peak(): return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) * 1024
    data = valid + (start + unit * (size // len(unit.encode()))).encode()
    before, began = peak(), time.process_time()
    try:
        read_export(data, file_id='f', zone='Asia/Kolkata')
    except NotAZoomReport:
        pass
    print(peak() - before, len(data), time.process_time() - began)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is measured by /proc")
@pytest.mark.parametrize("name", ["newlines", "commas", "one cell", "a quotation mark never closed, then short lines",
                                  "letters that unfold to eighteen", "fields beyond the header"])  # fmt: skip
def test_a_bomb_takes_less_than_ten_times_its_size_in_memory(name: str) -> None:
    start, unit = BOMBS[name]
    code, bomb = textwrap.dedent(SCRIPT), repr((start, unit, 6_000_000))
    done = subprocess.run([sys.executable, "-c", code, bomb], input=VALID, capture_output=True, check=True)
    grown, size, seconds = done.stdout.decode().split()
    assert int(grown) < 10 * int(size) + 60_000_000
    assert float(seconds) < 15


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_longer_than_its_size_is_worth(name: str) -> None:
    start, unit = BOMBS[name]
    began = time.process_time()
    read(VALID + (start + unit * (2_000_000 // len(unit.encode()))).encode())
    assert time.process_time() - began < 10


def test_a_web_page_of_comments_is_judged_at_once() -> None:
    began = time.process_time()
    assert read(b"<!---->" * 500 + b"Attended,Email") is None
    assert time.process_time() - began < 2
