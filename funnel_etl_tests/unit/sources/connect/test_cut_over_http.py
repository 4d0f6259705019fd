"""A source whose transfer is cut at any of a hundred places is not taken, even if nothing of it was known before."""

import gzip
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import stamina

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES, Config, parse_table
from funnel_etl.core.errors import FunnelError
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.guards import DumpReader
from funnel_etl.sources.nightly import NightlySources
from funnel_etl_tests.golden.week import TUE, write_night
from funnel_etl_tests.unit.sources.conftest import Handler, Server

CONFIG = Config({name: parse_table(name, None) for name in TABLES}, "none")


def with_length(handler: Handler, data: bytes, end: int) -> None:
    handler.send(body=data[:end], Content_Length=str(len(data)))
    handler.hang_up()


def in_chunks(handler: Handler, data: bytes, end: int) -> None:
    whole = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (data[i : i + 50] for i in range(0, len(data), 50))
    )
    handler.send(body=(whole + b"0\r\n\r\n")[:end], Content_Length="", Transfer_Encoding="chunked")
    handler.hang_up()


def gzipped(handler: Handler, data: bytes, end: int) -> None:
    """Without a length: only the end of the gzip stream tells."""
    handler.send(body=gzip.compress(data, mtime=0)[:end], Content_Length="", Content_Encoding="gzip")
    handler.hang_up()


@pytest.fixture(autouse=True)
def one_attempt() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cut")
    for name in ("config", "zoom"):
        (folder / name).mkdir()
    write_night(TUE, folder, folder / "config", folder / "zoom")
    return folder


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("transport", [with_length, in_chunks, gzipped], ids=lambda each: each.__name__)
def test_a_transfer_cut_at_any_of_a_hundred_places_is_not_taken_even_the_first_time(
    transport: Callable[[Handler, bytes, int], None],
    source: str,
    made: Path,
    server: Server,
    landing: Landing,
    tmp_path: Path,
) -> None:
    data = (made / f"{source}.csv").read_bytes()
    size = len(gzip.compress(data, mtime=0)) if transport is gzipped else len(data)
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))[:-1] + 1
    draw = np.random.default_rng(7)
    places = {*map(int, draw.integers(0, size, 40)), *map(int, ends[ends < size]), 0, size - 1}
    while len(places) < min(100, size):
        places.add(int(draw.integers(0, size)))
    answers = [lambda handler, end=end: transport(handler, data, end) for end in sorted(places)]
    url = server.script("/dump", *answers, lambda handler: transport(handler, data, 10**9))
    declared = SOURCES[source]
    given = Settings(home=tmp_path / "home", retry_seconds=0, addresses={source: url})
    sources = NightlySources(given, landing)
    reader = DumpReader(given, landing, declared, CONFIG, night=TUE)
    for _ in sorted(places):
        with pytest.raises(FunnelError) as told:
            sources.pull(declared, TUE, reader.judge)
        assert "\n" not in str(told.value)
    assert [a for a in landing.arrivals(source) if a.status == "accepted"] == []
    assert landing.nights(source) == []
    assert landing.read(*sources.pull(declared, TUE, reader.judge).file_ids) == data
    assert landing.nights(source) == [date.fromisoformat(str(TUE))]
