"""How fast Zoom reports are read, against `csv.reader` over the same bytes in the same process.

Run: `python -m funnel_etl.bench.zoom_parse [files] [rows] [runs]`; 300 files of 2,000 rows, three runs by default.
"""

import argparse
import csv
import io
import random
import statistics
import tempfile
import time
from pathlib import Path

from funnel_etl.parts.marketing.zoom.reader.read import read_export

ZONE = "Asia/Kolkata"
HEAD = (
    'Attendee Report,\nReport generated time,"Apr 04, 2026 12:18 PM"\n'
    "Topic,ID,Actual Start Time,Actual Duration (minutes),# Registrants,# Cancelled registrants,Unique Viewers,"
    "Total Users\n"
    'Free Masterclass,111 2222 {number:04},"Apr 1, 2026 2:38 PM", 90, {rows},0,{rows},{rows}\n'
    "Attendee Details,\n"
    "Attended,User Name (Original Name),First Name,Last Name,Email,Phone,Registration Time,Approval Status,Join Time,"
    "Leave Time,Time in Session (minutes),Is Guest,Country/Region Name\n"
)


def report(number: int, rows: int) -> bytes:
    """Write an attendee report in the layout of 2026, with phones: a third each no-shows, first joins and re-joins."""
    pick = random.Random(number)  # noqa: S311 - made-up people
    out = io.StringIO(newline="")
    out.write(HEAD.format(number=number, rows=rows))
    writer = csv.writer(out, lineterminator="\n")
    for at in range(rows):
        person = at - at % 3 // 2
        who = [f"Person {number} {person}", "Person", f"No{person}", f"person.{number}.{person}@example.com"]
        phone = f"'+91{6_000_000_000 + number * 100_000 + person}"
        seconds = f"{pick.randint(0, 59):02}:{pick.randint(0, 59):02}"
        registered = f"Mar {pick.randint(10, 28)}, 2026 {pick.randint(0, 23):02}:{seconds}"
        stay = [f"Apr 01, 2026 14:{seconds}", f"Apr 01, 2026 16:{seconds}", "120", "Yes", "India"]
        kinds = (
            ["No", *who, phone, registered, "approved", "--", "--", "--", "--", "", ""],
            ["Yes", *who, phone, registered, "approved", *stay, ""],
            ["Yes", *who, "", "", "", *stay],
        )
        writer.writerow(kinds[at % 3])
    return out.getvalue().encode("utf-8-sig")


def compare(files: int, rows: int) -> dict[str, float]:
    """Read `files` reports of `rows` rows each from a folder, twice: as reports, and with `csv.reader` only.

    Returns `rows`, `bytes`, seconds of each (`read_seconds`, `csv_seconds`), `rows_per_second` and their `ratio`.
    Times are of the processor, so that other programs do not count; neither holds reading from the disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        for number in range(files):
            (Path(folder) / f"{number}.csv").write_bytes(report(number, rows))
        contents = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    read_export(contents[0], file_id="first", zone=ZONE)
    read_seconds = csv_seconds = 0.0
    read_rows = 0
    # File by file in turn, so that a busy moment of the machine slows both.
    for number, data in enumerate(contents):
        start = time.process_time()
        for _record in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            pass
        csv_seconds += time.process_time() - start
        start = time.process_time()
        read_rows += len(read_export(data, file_id=str(number), zone=ZONE).rows)
        read_seconds += time.process_time() - start
    if read_rows != files * rows:
        raise AssertionError(f"{read_rows} rows were read of {files * rows}")
    return {
        "rows": read_rows,
        "bytes": sum(map(len, contents)),
        "read_seconds": read_seconds,
        "csv_seconds": csv_seconds,
        "rows_per_second": read_rows / read_seconds,
        "ratio": read_seconds / csv_seconds,
    }


def main() -> None:
    """Measure several times; print each run, then the best and the median."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("files", nargs="?", type=int, default=300)
    parser.add_argument("rows", nargs="?", type=int, default=2_000)
    parser.add_argument("runs", nargs="?", type=int, default=3)
    chosen = parser.parse_args()
    measured = [compare(chosen.files, chosen.rows) for _ in range(chosen.runs)]
    for run in measured:
        print(f"{run['rows']:,.0f} rows: {run['rows_per_second']:,.0f} rows/s/core, {run['ratio']:.2f} × csv.reader")  # noqa: T201
    speeds = [run["rows_per_second"] for run in measured]
    ratios = [run["ratio"] for run in measured]
    print(  # noqa: T201
        f"rows/s/core: min {min(speeds):,.0f}, median {statistics.median(speeds):,.0f}; "
        f"ratio: median {statistics.median(ratios):.2f}, max {max(ratios):.2f}"
    )


if __name__ == "__main__":
    main()
