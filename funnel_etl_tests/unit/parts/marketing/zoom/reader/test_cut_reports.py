"""A Zoom report that was cut off is refused, or says so: in its rows, or in Zoom's own counts. Rule: Zoom exports."""

import numpy as np
import pytest

from funnel_etl.core.errors import FunnelError
from funnel_etl.demo.generate import generate
from funnel_etl.parts.marketing.zoom.reader.measures import file_warnings, measure
from funnel_etl.parts.marketing.zoom.reader.read import read_export
from funnel_etl_tests.golden.week import TUE

pytestmark = pytest.mark.slow


def warnings_of(data: bytes) -> list[str] | None:
    """Return what is said of a report; None: it is refused."""
    try:
        export = read_export(data, file_id="f", zone="Asia/Kolkata")
    except FunnelError:
        return None
    return file_warnings(export.facts, measure(export), 0.5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    """Reports of which nothing is said, by what they are."""
    folder = tmp_path_factory.mktemp("reports")
    generate(folder, as_of=TUE, leads=400, months=2, seed=3)
    found: dict[str, list[bytes]] = {"Attendee": [], "Registration": []}
    for path in sorted((folder / "drop" / "zoom").rglob("*.csv")):
        data = path.read_bytes()
        kind = data.lstrip(b"\xef\xbb\xbf").split(b" ")[0].decode(errors="replace")
        if kind in found and warnings_of(data) == []:
            found[kind].append(data)
    return found


@pytest.mark.parametrize("kind", ["Attendee", "Registration"])
def test_a_report_cut_at_any_of_a_hundred_places_is_refused_or_says_so(
    kind: str, whole: dict[str, list[bytes]]
) -> None:
    reports = sorted(whole[kind], key=len)[-2:]
    assert len(reports) == 2
    draw = np.random.default_rng(5)
    refused = said = 0
    for data in reports:
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))[:-1] + 1
        cells = data.rstrip(b"\r\n,;\t")
        # Within the last cell a cut cannot be seen, and no row is lost.
        last = max(cells.rfind(delimiter) for delimiter in (b",", b";", b"\t"))
        for place in {*map(int, draw.integers(1, last, 70)), *map(int, draw.choice(ends, 30))}:
            told = warnings_of(data[:place])
            assert told != [], f"cut at {place} of {len(data)}: {data[place - 60 : place]!r}"
            refused, said = refused + (told is None), said + bool(told)
    assert said > 50
    assert refused > 0
