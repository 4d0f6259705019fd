"""A file is laid into the drop folder whole, under a name of its own, where a sensor finds it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from funnel_etl.core.errors import FunnelError, SourceRejected
from funnel_etl.operate.upload import upload
from funnel_etl.operate.upload.upload import Checked, accept, check, name_in_folder
from funnel_etl.parts.marketing.zoom.files.diagnose import Diagnosis
from funnel_etl.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "config").mkdir()
    return Settings(home=tmp_path / "home", drop_dir=tmp_path / "drop", config_dir=tmp_path / "config", app_upload_mb=1)


def checked(name: str = "a.csv", refusal: str | None = None) -> Checked:
    return Checked(name, "f" * 64, 1, Diagnosis("f" * 64, 0.99, refusal=refusal))


@pytest.mark.parametrize("has_links", [True, False])
def test_people_who_give_files_of_one_name_at_once_replace_nobodys(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "not on this share")

    if not has_links:
        monkeypatch.setattr(upload.os, "link", no_links)
    texts = [f"file {at}".encode() * 1000 for at in range(12)]
    with ThreadPoolExecutor(12) as pool:
        names = list(pool.map(lambda data: accept(settings, checked(), data), texts))
    folder = settings.drop_folder / "zoom"
    assert len(set(names)) == len(texts)
    assert [(folder / name).read_bytes() for name in names] == texts
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("a.csv", "a.csv"),
        (".a.csv", "a.csv"),
        ("~$a.csv", "$a.csv"),
        ("a.csv.part", "a.csv.part.csv"),
        ("../../etc/a.csv", "a.csv"),
        ("..", "unnamed.csv"),
        ("", "unnamed"),
    ],
)
def test_a_name_is_one_that_the_sensor_takes(name: str, there: str) -> None:
    assert name_in_folder(name) == there


def test_what_would_be_rejected_is_not_laid_down(settings: Settings) -> None:
    with pytest.raises(SourceRejected, match="it is empty"):
        accept(settings, checked(refusal="it is empty. Fix: export it again"), b"")
    assert not settings.drop_folder.exists()


@pytest.mark.parametrize("profile", ["processed", "../x", ".hidden", ""])
def test_a_profile_that_is_no_folder_cannot_be_forced(settings: Settings, profile: str) -> None:
    with pytest.raises(FunnelError, match="cannot be the name of a folder"):
        accept(settings, checked(), b"x", profile)


def test_the_page_takes_no_more_than_its_limit(settings: Settings) -> None:
    with pytest.raises(SourceRejected, match="larger than 1 MB"):
        check(settings, "a.csv", b"x" * 1_000_001)
