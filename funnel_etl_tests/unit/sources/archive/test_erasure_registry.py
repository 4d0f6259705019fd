import gzip
import hashlib
import io
import stat
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from upath import UPath

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES, Config, parse_table
from funnel_etl.core.errors import FunnelError, SourceRejected
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.reading.dumps import DumpKey
from funnel_etl.core.reading.person_matcher import Redacted
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.drop.intake import DropFolder
from funnel_etl.sources.guards import DumpReader

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
ASHA = ["phone:9876500001", "email:asha@example.org"]
BYTES = b"Name,Phone\nAsha,+91 98765 00001\nBob,9123456780\n"
LEFT = b"Name,Phone\n\nBob,9123456780\n"


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(UPath(tmp_path / "landing"))


def put(landing: Landing, data: bytes, **about: object) -> str:
    given = {"received_at": NOW} | about
    return landing.put("tofu_leads", "pull", "leads.csv", data, **given).file_id  # type: ignore[arg-type]


def test_with_nobody_erased_bytes_are_kept_as_they_came(landing: Landing) -> None:
    file_id = put(landing, BYTES)
    assert file_id == hashlib.sha256(BYTES).hexdigest() == landing.file_id_of(BYTES)
    assert landing.read(file_id) == BYTES
    assert landing.arrivals()[0].withheld is None


def test_a_later_file_is_landed_without_the_person_and_says_how_many_lines(landing: Landing) -> None:
    landing.erasures.add(ASHA)
    file_id = put(landing, BYTES)
    assert landing.read(file_id) == LEFT
    assert landing.erased_lines(file_id) == (2,)
    assert (landing.arrivals()[0].withheld, landing.arrivals()[0].bytes) == (1, len(LEFT))


def test_the_same_bytes_again_are_the_file_that_has_the_tombstone(landing: Landing) -> None:
    file_id = put(landing, BYTES)
    by = landing.erasures.add(ASHA)
    landing.replace(file_id, Redacted(LEFT, (2,)), by)
    assert landing.read(file_id) == LEFT
    assert put(landing, BYTES) == file_id == landing.file_id_of(LEFT)
    assert landing.file_ids() == [file_id]


def test_a_second_person_leaves_a_second_tombstone(landing: Landing) -> None:
    file_id = put(landing, BYTES)
    landing.replace(file_id, Redacted(LEFT, (2,)), landing.erasures.add(ASHA))
    landing.replace(file_id, Redacted(b"Name,Phone\n\n\n", (3,)), landing.erasures.add(["phone:9123456780"]))
    assert landing.erased_lines(file_id) == (2, 3)
    tombstone = landing.erasures.tombstone(file_id)
    assert tombstone is not None
    assert len(tombstone.by) == 3
    assert put(landing, BYTES) == file_id


def test_a_tombstone_written_before_its_bytes_harms_nobody(landing: Landing) -> None:
    file_id = put(landing, BYTES)
    landing.erasures.keep(file_id, Redacted(LEFT, (2,)))
    assert landing.read(file_id) == BYTES


def test_other_bytes_than_what_is_left_are_still_a_fault(landing: Landing, tmp_path: Path) -> None:
    file_id = put(landing, BYTES)
    landing.replace(file_id, Redacted(LEFT, (2,)), [])
    (tmp_path / "landing" / "objects" / file_id[:2] / file_id).write_bytes(LEFT + b"x")
    with pytest.raises(FunnelError, match="no longer the ones that arrived"):
        landing.read(file_id)


def test_only_hashes_under_a_private_key_are_kept_of_the_person(landing: Landing, tmp_path: Path) -> None:
    landing.erasures.add(ASHA)
    files = [path for path in (tmp_path / "landing").rglob("*") if path.is_file()]
    assert len(files) == 3
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for text in (*ASHA, "9876500001", hashlib.sha256(ASHA[0].encode()).hexdigest()):
            assert text not in path.read_text() + path.name


def test_without_the_key_nothing_is_landed(landing: Landing, tmp_path: Path) -> None:
    landing.erasures.add(ASHA)
    (tmp_path / "landing" / "erasures" / "key").unlink()
    with pytest.raises(FunnelError, match="the secret by which erased persons are known again is gone"):
        put(Landing(landing.root), BYTES)
    with pytest.raises(FunnelError, match="is gone"):
        Landing(landing.root).erasures.add(["phone:9123456780"])


def test_a_name_that_names_the_person_is_masked(landing: Landing) -> None:
    landing.erasures.add(ASHA)
    arrival = landing.put("zoom", "file", "of 98765-00001.csv", b"x\n", received_at=NOW, folder="asha@example.org")
    assert (arrival.name, arrival.folder) == ("of xxxxx-xxxxx.csv", "xxxx@xxxxxxx.xxx")


def test_a_manifest_is_written_anew_under_another_name(landing: Landing) -> None:
    put(landing, BYTES)
    renamed = landing.rename(landing.arrivals()[0], "x.csv", None)
    assert landing.arrivals() == [renamed]


def packed(kind: str) -> bytes:
    if kind == "gzip":
        return gzip.compress(BYTES)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/strings.xml", "<t>asha@example.org</t>")
    return file.getvalue()


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_packed_file_with_the_person_in_it_goes_whole(landing: Landing, kind: str) -> None:
    landing.erasures.add(ASHA)
    assert landing.redact_lines(packed(kind)).data == b""
    assert landing.redact_lines(gzip.compress(b"nobody")).data == gzip.compress(b"nobody")
    assert landing.redact_lines(b"PK\x03\x04 damaged").data == b"PK\x03\x04 damaged"


def test_a_dropped_file_is_read_landed_and_set_aside_without_the_person(landing: Landing, tmp_path: Path) -> None:
    landing.erasures.add(ASHA)
    folder = tmp_path / "drop" / "zoom"
    folder.mkdir(parents=True)
    (folder / "9876500001.csv").write_bytes(BYTES)
    read: list[tuple[bytes, str]] = []
    drop = DropFolder("zoom", folder, landing, lambda *given: read.append(given), tmp_path, 0, 10)
    taken = drop.take()
    assert read == [(LEFT, taken.arrivals[0].file_id, taken.arrivals[0].received_at)]
    assert taken.arrivals[0].withheld == 1
    assert [p.name for p in folder.rglob("*.csv")] == ["xxxxxxxxxx.csv"]
    assert (folder / "processed" / "xxxxxxxxxx.csv").read_bytes() == LEFT
    (folder / "9876500001.csv").write_bytes(BYTES)
    assert drop.take().arrivals == []  # the same file again


def test_an_erasure_is_no_lost_row_to_the_guard_of_dumps(landing: Landing, tmp_path: Path) -> None:
    columns = (SourceColumn("_id", needed=True), SourceColumn("createdOn", needed=True), SourceColumn("phone"))
    key = DumpKey("createdOn", identifier="_id")
    sales = replace(SOURCES["crm_sales"], columns=columns, key=key, chosen=None)
    config = Config({name: parse_table(name, None) for name in TABLES}, "none")
    rows = [f"S{n},2026-10-{n:02} 10:00,{'9876500001' if n % 2 else '9123456780'}" for n in range(1, 21)]
    data = "\n".join(["_id,createdOn,phone", *rows]).encode()
    settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[call-arg]

    def reader(day: int) -> DumpReader:
        return DumpReader(settings, landing, sales, config, night=NOW.date().replace(day=day))

    first = landing.put("crm_sales", "pull", "sales.csv", data, received_at=NOW)
    landing.record_night(NOW.date(), "crm_sales", [first.file_id])
    landing.replace(first.file_id, landing.redact_lines(data), [])
    gone = [row for row in rows if "9876500001" not in row]
    with pytest.raises(SourceRejected, match="keys are gone"):
        reader(2).judge(["\n".join(["_id,createdOn,phone", *gone]).encode()])
    by = landing.erasures.add(ASHA)
    landing.replace(first.file_id, landing.redact_lines(data), by)
    assert len(landing.erased_lines(first.file_id)) == 10
    second = reader(2)
    arrival, judged = landing.put_read(
        "crm_sales", "pull", "sales.csv", data, lambda p: second.judge([p.read_bytes()]), received_at=NOW
    )
    assert arrival.file_id == first.file_id
    outcome = second.records([arrival.file_id], judged)
    assert outcome.ledger[0].reasons == {"excluded:erased": 10}
    assert outcome.ledger[0].balances
