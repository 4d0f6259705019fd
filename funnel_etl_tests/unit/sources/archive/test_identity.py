"""The record of which archive this is."""

from pathlib import Path

import pytest
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.sources.archive.identity import ArchiveIdentity
from funnel_etl.sources.archive.store import open_store


def test_an_archive_keeps_the_id_it_was_given(tmp_path: Path) -> None:
    first = ArchiveIdentity(open_store(UPath(tmp_path))).id
    assert first == ArchiveIdentity(open_store(UPath(tmp_path))).id


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"archive_id": null}', b'{"archive_id": ""}', b"\xff\xfe"],
    ids=["empty", "cut off", "a list", "without its id", "null", "an empty id", "no text"],
)
def test_a_damaged_identity_is_one_error_with_its_name_and_no_new_identity(tmp_path: Path, content: bytes) -> None:
    """It was a traceback in every command."""
    (tmp_path / "archive.json").write_bytes(content)
    with pytest.raises(FunnelError, match=r"archive\.json: this record of the landing archive is damaged"):
        _ = ArchiveIdentity(open_store(UPath(tmp_path))).id
    assert (tmp_path / "archive.json").read_bytes() == content
