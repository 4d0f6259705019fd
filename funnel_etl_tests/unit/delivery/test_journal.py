"""The journal in the landing archive: what may have been sent, newest batch first, and nobody can read whom."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery.journal import Journal

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_key_is_found_in_its_newest_batch(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), "webengage")
    assert journal.newest_batch("k1") is None
    journal.write("b2", ["k1", "k2"], NOW)
    journal.write("b1", ["k1"], NOW + timedelta(seconds=1))
    for each in (journal, Journal(str(tmp_path), "webengage")):
        assert [each.newest_batch(key) for key in ("k1", "k2", "k3")] == ["b1", "b2", None]
    assert Journal(str(tmp_path), "other").newest_batch("k1") is None


def test_the_secret_is_for_us_alone_and_stands_in_no_other_file(tmp_path: Path) -> None:
    Journal(str(tmp_path), "webengage").write("b1", ["k1"], NOW)
    secret = tmp_path / "deliveries" / "key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    [file] = (tmp_path / "deliveries" / "webengage").rglob("*.json")
    assert file.relative_to(tmp_path).as_posix() == "deliveries/webengage/2026-11/b1.json"
    assert secret.read_text() not in file.read_text()


def test_without_its_secret_or_with_a_damaged_file_nothing_is_known(tmp_path: Path) -> None:
    Journal(str(tmp_path), "webengage").write("b1", ["k1"], NOW)
    [file] = (tmp_path / "deliveries" / "webengage").rglob("*.json")
    file.write_text(file.read_text()[:30])
    with pytest.raises(FunnelError, match="cannot be read"):
        Journal(str(tmp_path), "webengage").newest_batch("k1")
    (tmp_path / "deliveries" / "key").unlink()
    with pytest.raises(FunnelError, match="secret"):
        Journal(str(tmp_path), "webengage").write("b2", ["k1"], NOW)


def test_old_months_are_purged(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), "webengage")
    journal.write("old", ["k1"], NOW - timedelta(days=500))
    journal.write("new", ["k2"], NOW)
    assert journal.purge(NOW) == 1
    again = Journal(str(tmp_path), "webengage")
    assert [again.newest_batch(key) for key in ("k1", "k2")] == [None, "new"]
