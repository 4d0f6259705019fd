import hashlib
import json
import os
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest
from upath import UPath

from funnel_etl.core.errors import FunnelError, SourceRejected, SourceUnavailable, StorageUnavailable
from funnel_etl.sources.archive import store
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.landing import Landing, settled_chunks

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
DATA = b"phone\n9876543210\n"
FILE_ID = hashlib.sha256(DATA).hexdigest()


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def refuse(path: Path) -> None:
    raise SourceRejected("got a web page, not CSV", where="crm_sales", fix="renew the token")


@pytest.fixture(params=["local", "object store"])
def any_landing(request: pytest.FixtureRequest, tmp_path: Path) -> Landing:
    return Landing(tmp_path if request.param == "local" else UPath(f"memory://{uuid4()}/landing"))


def test_what_is_put_is_read_back_and_known_by_its_manifest(any_landing: Landing) -> None:
    arrival = any_landing.put("crm_sales", "pull", "sales.csv", iter([DATA[:4], DATA[4:]]), received_at=NOON)
    assert arrival.file_id == FILE_ID
    assert arrival.bytes == len(DATA)
    assert arrival.landing_path == f"objects/{FILE_ID[:2]}/{FILE_ID}"
    assert any_landing.has(FILE_ID)
    assert any_landing.read(FILE_ID) == DATA
    with any_landing.open(FILE_ID) as file:
        assert file.readline() == b"phone\n"
    assert any_landing.arrivals() == [arrival]
    assert any_landing.arrivals("crm_sales") == [arrival]
    assert any_landing.arrivals("ad_spend") == []


def test_the_same_bytes_twice_are_one_object_and_two_arrivals(any_landing: Landing) -> None:
    first = any_landing.put("crm_sales", "pull", "a.csv", DATA, received_at=NOON)
    second = any_landing.put("crm_sales", "pull", "a.csv", DATA, received_at=NOON + timedelta(days=1))
    assert first.file_id == second.file_id
    assert any_landing.arrivals() == [first, second]


def test_the_same_arrival_written_twice_is_one(any_landing: Landing) -> None:
    twice = [any_landing.put("crm_sales", "pull", "a.csv", DATA, received_at=NOON) for _ in range(2)]
    assert twice[0] == twice[1]
    assert any_landing.arrivals() == twice[:1]


def test_arrivals_are_ordered_by_when_they_were_received(landing: Landing) -> None:
    hours = [5, 1, 3]
    for hour in hours:
        landing.put(f"source_{hour}", "file", "a.csv", DATA, received_at=NOON + timedelta(hours=hour))
    assert [arrival.source for arrival in landing.arrivals()] == ["source_1", "source_3", "source_5"]


def test_an_instant_of_another_zone_is_kept_in_utc_and_one_without_zone_is_refused(landing: Landing) -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    arrival = landing.put("a", "file", "a.csv", DATA, received_at=datetime(2025, 1, 1, 2, tzinfo=india))
    assert arrival.received_at.isoformat() == "2024-12-31T20:30:00+00:00"
    assert landing.arrivals()[0].received_at.utcoffset() == timedelta(0)
    assert (landing.root / "manifests" / "a" / "2024").is_dir()
    with pytest.raises(ValueError, match="time zone"):
        landing.put("a", "file", "a.csv", DATA, received_at=datetime(2025, 1, 1))  # noqa: DTZ001


def test_a_refused_file_is_kept_with_its_reason_and_the_error_goes_on(any_landing: Landing) -> None:
    with pytest.raises(SourceRejected, match="got a web page"):
        any_landing.put("crm_sales", "pull", "a.csv", b"<html>", received_at=NOON, check=refuse)
    (arrival,) = any_landing.arrivals()
    assert arrival.status == "rejected"
    assert arrival.reason == "crm_sales: got a web page, not CSV. Fix: renew the token"
    assert any_landing.read(arrival.file_id) == b"<html>"


def test_a_transfer_that_fails_leaves_no_trace(landing: Landing, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA
        raise SourceUnavailable("broke off", fix="wait")

    with pytest.raises(SourceUnavailable):
        landing.put("crm_sales", "pull", "a.csv", broken(), received_at=NOON)
    assert files(tmp_path) == []


def test_only_headers_that_matter_are_kept(landing: Landing) -> None:
    headers = {
        "Content-Type": "text/csv",
        "ETag": "x",
        "Set-Cookie": "s=1",
        "Authorization": "Bearer y",
        "Date": "d",
    }
    landing.put("a", "pull", "a.csv", DATA, received_at=NOON, http_status=200, headers=headers)
    (arrival,) = landing.arrivals()
    assert arrival.headers == {"content-type": "text/csv", "etag": "x", "date": "d"}
    assert arrival.http_status == 200


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://u:pw@crm.test:8443/x.csv?token=abc&month=2#f", "https://crm.test:8443/x.csv?token=…&month=…"),
        ("https://crm.test/sales.csv?abc", "https://crm.test/sales.csv?…"),
        ("https://crm.test/sales.csv", "https://crm.test/sales.csv"),
        ("../../etc/pass wd.csv", "pass wd.csv"),
        ("C:\\x\\report.csv", "report.csv"),
        ("a\nb\x00.csv", "ab.csv"),
        ("http://[bad/x", "an address that cannot be read"),
        ("gsheet://ID/My%20Tab", "gsheet://ID/My%20Tab"),
    ],
    ids=["user, query and fragment", "bare query", "plain", "path", "Windows path", "control characters", "broken",
         "sheet"],
)  # fmt: skip
def test_a_manifest_names_a_file_without_its_folder_and_an_address_without_its_secrets(
    landing: Landing, given: str, kept: str
) -> None:
    assert landing.put("a", "pull", given, DATA, received_at=NOON).name == kept


@pytest.mark.parametrize("source", ["../x", "A", "", "a/b", "a b"])
def test_a_source_that_is_not_a_plain_name_never_becomes_a_folder(landing: Landing, source: str) -> None:
    with pytest.raises(ValueError, match="source"):
        landing.put(source, "file", "a.csv", DATA, received_at=NOON)


def test_an_arrival_cannot_be_changed(landing: Landing) -> None:
    arrival = landing.put("a", "file", "a.csv", DATA, received_at=NOON)
    with pytest.raises(ValueError, match="frozen"):
        arrival.status = "rejected"  # type: ignore[misc]


def test_a_file_not_in_the_archive_is_told_by_its_place(any_landing: Landing) -> None:
    assert not any_landing.has(FILE_ID)
    with pytest.raises(FunnelError, match=rf"objects/{FILE_ID[:2]}/.*not in the landing archive"):
        any_landing.read(FILE_ID)


@pytest.mark.parametrize("damage", [b"phone\n9876543211\n", b"phone\n", b""], ids=["changed", "cut", "emptied"])
def test_damaged_bytes_are_detected_and_landing_them_again_mends_them(landing: Landing, damage: bytes) -> None:
    arrival = landing.put("a", "file", "a.csv", DATA, received_at=NOON)
    (landing.root / arrival.landing_path).write_bytes(damage)
    with pytest.raises(FunnelError, match="no longer the ones that arrived"):
        landing.read(FILE_ID)
    landing.put("a", "file", "a.csv", DATA, received_at=NOON)
    assert landing.read(FILE_ID) == DATA


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda _: "[]",
        lambda text: text.replace("accepted", "rejected"),
        lambda text: text.replace('"bytes": 17', '"bytes": 18'),
        lambda text: json.dumps({**json.loads(text), "file_id": "x"}),
    ],
    ids=["half-written", "empty", "another shape", "status changed", "size changed", "no file id"],
)
def test_a_damaged_manifest_is_detected_and_named(landing: Landing, damage) -> None:
    arrival = landing.put("a", "file", "a.csv", DATA, received_at=NOON)
    manifest = Path(str(landing.root)) / f"manifests/a/2025/{arrival.arrival_id}.json"
    text = manifest.read_text()
    assert damage(text) != text
    manifest.write_text(damage(text))
    with pytest.raises(FunnelError, match=rf"manifests/a/2025/{arrival.arrival_id}.*damaged"):
        landing.arrivals()


def test_a_manifest_with_a_field_of_a_later_version_is_still_read(landing: Landing, monkeypatch) -> None:
    class Later(Arrival):
        colour: str = "blue"

    with monkeypatch.context() as patch:
        patch.setattr("funnel_etl.sources.archive.landing.Arrival", Later)
        later = landing.put("a", "file", "a.csv", DATA, received_at=NOON)
    assert [arrival.arrival_id for arrival in landing.arrivals()] == [later.arrival_id]


def test_a_temporary_file_of_a_killed_process_is_not_an_arrival_and_is_swept(landing: Landing) -> None:
    landing.put("a", "file", "a.csv", DATA, received_at=NOON)
    stale = Path(str(landing.root)) / "manifests/a/2025/.incoming-abc"
    stale.write_bytes(b"{")
    assert len(landing.arrivals()) == 1
    assert landing.sweep() == 0
    os.utime(stale, (0, 0))
    assert landing.sweep() == 1
    assert not stale.exists()
    assert landing.read(FILE_ID) == DATA


def test_the_name_of_an_object_never_shows_half_of_it(landing: Landing, tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def watched() -> Iterator[bytes]:
        yield DATA[:5]
        seen.append([name for name in files(tmp_path) if "objects/" in name])
        yield DATA[5:]

    landing.put("a", "file", "a.csv", watched(), received_at=NOON)
    assert seen == [[]]
    assert landing.has(FILE_ID)


def test_writers_at_the_same_time_lose_nothing(landing: Landing) -> None:
    def put(number: int) -> Arrival:
        return landing.put("a", "file", f"{number}.csv", DATA, received_at=NOON)

    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(put, range(40)))
    assert sorted(written, key=lambda arrival: arrival.arrival_id) == landing.arrivals()
    assert landing.read(FILE_ID) == DATA


def test_a_large_file_passes_in_bounded_memory(landing: Landing) -> None:
    tracemalloc.start()
    arrival = landing.put("a", "file", "a.csv", (b"x" * 1_000_000 for _ in range(60)), received_at=NOON)
    with landing.open(arrival.file_id):
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert arrival.bytes == 60_000_000
    assert peak < 10_000_000


def test_thousands_of_arrivals_are_read_quickly(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_flush", lambda _: None)
    for number in range(1500):
        landing.put("zoom", "file", f"{number}.csv", DATA, received_at=NOON + timedelta(seconds=number))
    began = time.perf_counter()
    assert len(landing.arrivals("zoom")) == 1500
    assert time.perf_counter() - began < 2


def test_a_folder_that_may_not_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "landing"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(FunnelError, match=r"landing archive cannot be written .*FUNNEL_LANDING_URL") as caught:
        Landing(blocked).put("a", "file", "a.csv", DATA, received_at=NOON)
    assert isinstance(caught.value, StorageUnavailable)
    assert not caught.value.transient


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "_flush", full)
    with pytest.raises(FunnelError, match="No space left on device"):
        landing.put("a", "file", "a.csv", DATA, received_at=NOON)
    assert files(tmp_path) == []


def test_a_local_file_is_landed_and_stays_where_it_is(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "drop" / "report.csv"
    path.parent.mkdir()
    path.write_bytes(DATA)
    arrival = landing.put("zoom", "file", path.name, settled_chunks("zoom", path), received_at=NOON)
    assert (arrival.kind, arrival.name, arrival.file_id) == ("file", "report.csv", FILE_ID)
    assert path.read_bytes() == DATA


def test_a_file_still_being_written_is_not_taken(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(b"x" * 3_000_000)
    reading = settled_chunks("zoom", path)
    next(reading)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(SourceUnavailable, match=r"zoom at report.csv: the file changed while it was read"):
        list(reading)


def test_a_file_that_is_gone_is_told(landing: Landing, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"zoom at gone.csv: the file is not there"):
        next(settled_chunks("zoom", tmp_path / "gone.csv"))


def test_a_night_remembers_its_files_in_their_order(any_landing: Landing) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    assert any_landing.night(date(2025, 3, 1), "zoom") is None
    any_landing.record_night(date(2025, 3, 2), "zoom", [other, FILE_ID])
    any_landing.record_night(date(2025, 3, 1), "zoom", [FILE_ID])
    any_landing.record_night(date(2025, 3, 1), "crm_sales", [])
    assert any_landing.night(date(2025, 3, 2), "zoom") == [other, FILE_ID]
    assert any_landing.night(date(2025, 3, 1), "crm_sales") == []
    assert any_landing.nights("zoom") == [date(2025, 3, 1), date(2025, 3, 2)]
    assert any_landing.nights("ad_spend") == []


def test_a_night_recorded_again_replaces_itself(any_landing: Landing) -> None:
    any_landing.record_night(date(2025, 3, 1), "zoom", [])
    any_landing.record_night(date(2025, 3, 1), "zoom", [FILE_ID])
    assert any_landing.night(date(2025, 3, 1), "zoom") == [FILE_ID]
    assert any_landing.nights("zoom") == [date(2025, 3, 1)]


@pytest.mark.parametrize("text", ['{"file_ids": ["ab', '{"file_ids": ["x"]}', "{}"], ids=["cut", "no hash", "no list"])
def test_a_damaged_night_is_detected(landing: Landing, text: str) -> None:
    landing.record_night(date(2025, 3, 1), "zoom", [FILE_ID])
    (landing.root / "nights" / "2025-03-01" / "zoom.json").write_text(text)
    with pytest.raises(FunnelError, match=r"nights/2025-03-01/zoom.json: .*damaged"):
        landing.night(date(2025, 3, 1), "zoom")


def test_a_night_takes_only_file_ids(landing: Landing) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        landing.record_night(date(2025, 3, 1), "zoom", ["../../etc/passwd"])


def test_removed_bytes_are_gone_with_a_word_why_and_what_is_told_of_them_stays(any_landing: Landing) -> None:
    kept = any_landing.put("crm_sales", "pull", "sales.csv", b"then", received_at=NOON)
    any_landing.record_night(date(2026, 11, 20), "crm_sales", [kept.file_id], [kept.arrival_id])
    for _ in range(2):  # killed in between, it is done again
        any_landing.remove(kept.file_id, "purged on a day")
    assert not any_landing.has(kept.file_id)
    with pytest.raises(FunnelError, match=r"purged on a day\. Fix: restore it from a backup"):
        any_landing.read(kept.file_id)
    assert any_landing.arrivals("crm_sales") == [kept]
    assert any_landing.night(date(2026, 11, 20), "crm_sales") == [kept.file_id]
    assert any_landing.night_arrivals(date(2026, 11, 20), "crm_sales") == [kept.arrival_id]
    assert any_landing.night_arrivals(date(2026, 11, 21), "crm_sales") == []
    any_landing.put("crm_sales", "pull", "sales.csv", b"then", received_at=NOON)
    assert any_landing.read(kept.file_id) == b"then"
