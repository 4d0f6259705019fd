"""The clean files on disk, as the night and `funnel-etl export` write them."""

import csv
import io
from datetime import date
from pathlib import Path

import dagster as dg
import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given
from typer.testing import CliRunner
from upath import UPath

from funnel_etl.cli import app
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.parts.marketing.sources import MARKETING
from funnel_etl.parts.marketing.zoom import assets
from funnel_etl.parts.marketing.zoom.files.clean_files import CleanFile, as_csv
from funnel_etl.parts.marketing.zoom.files.export import INPUTS, export_newest, write_clean_files
from funnel_etl.platform.dagster.lake_io import LakeIOManager
from funnel_etl.platform.dagster.source_assets import source_assets
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

NIGHT = date(2025, 10, 31)
PERSON = {"user_name": "Asha", "email": "asha@example.com", "attended": True}


def file(name: str = "a.csv", *, folder: str = "2026-04-01 111", cell: str = "x") -> CleanFile:
    return CleanFile(name, "111-20260401T1438", "some_profile", pd.DataFrame({"Email": [cell]}, dtype="str"), folder)


def there(to: Path) -> list[str]:
    return sorted(str(path.relative_to(to / "zoom")) for path in to.rglob("*.csv"))


def test_files_are_written_below_their_folder_and_again_only_where_bytes_change(tmp_path: Path) -> None:
    first = write_clean_files(tmp_path, lambda: [file("a.csv"), file("b.csv")], NIGHT)
    assert (first.written, first.unchanged, first.removed, first.by_profile) == (2, 0, 0, {"some_profile": 2})
    paths = [tmp_path / "zoom" / "2026-04-01 111" / name for name in ("a.csv", "b.csv")]
    assert paths[0].read_bytes() == as_csv(file().frame)
    before = [path.stat().st_ino for path in paths]
    again = write_clean_files(tmp_path, lambda: [file("a.csv"), file("b.csv", cell="y")], NIGHT)
    assert (again.written, again.unchanged) == (1, 1)
    after = [path.stat().st_ino for path in paths]
    assert before[0] == after[0]
    assert before[1] != after[1]


CELL = st.text(st.sampled_from('a",\n\r é='), max_size=5)


@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=6))
def test_cells_are_written_as_the_csv_module_does(rows: list[list[str]]) -> None:
    frame = pd.DataFrame(rows, columns=["one", 't"wo', "th,ree"], dtype="str")
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([frame.columns, *rows])
    assert as_csv(frame) == text.getvalue().encode("utf-8-sig")


def test_files_of_the_same_that_are_all_there_are_not_made_again(tmp_path: Path) -> None:
    made: list[str] = []

    def make(of: str) -> list[CleanFile]:
        made.append(of)
        return [file("a.csv"), file("b.csv", cell=of)]

    def write(of: str, night: date = NIGHT) -> tuple[int, int, dict[str, int]]:
        done = write_clean_files(tmp_path, lambda: make(of), night, made_of=of)
        return done.written, done.unchanged, done.by_profile

    by_profile = {"some_profile": 2}
    assert [write("x"), write("x", date(2025, 11, 1))] == [(2, 0, by_profile), (0, 2, by_profile)]
    assert made == ["x"]
    assert write_clean_files(tmp_path, list, NIGHT, made_of="x").newer == date(2025, 11, 1)
    paths = [tmp_path / "zoom" / "2026-04-01 111" / name for name in ("a.csv", "b.csv")]
    paths[0].write_bytes(b"edited")
    assert write("x", date(2025, 11, 1)) == (1, 1, by_profile)
    paths[1].unlink()
    assert write("x", date(2025, 11, 1)) == (1, 1, by_profile)
    assert write("y", date(2025, 11, 1)) == (1, 1, by_profile)
    assert made == ["x", "x", "x", "y"]


def test_a_file_that_somebody_edited_or_deleted_is_written_again(tmp_path: Path) -> None:
    write_clean_files(tmp_path, lambda: [file("a.csv"), file("b.csv")], NIGHT)
    folder = tmp_path / "zoom" / "2026-04-01 111"
    (folder / "a.csv").write_bytes(b"edited")
    (folder / "b.csv").unlink()
    assert write_clean_files(tmp_path, lambda: [file("a.csv"), file("b.csv")], NIGHT).written == 2


def test_stale_files_go_with_their_empty_folder_and_peoples_own_stay(tmp_path: Path) -> None:
    stale = [file("old.csv"), file("old.csv", folder="2026-04-08 111"), file("gone.csv", folder="2026-04-09 111")]
    write_clean_files(tmp_path, lambda: stale, NIGHT)
    own = tmp_path / "zoom" / "2026-04-08 111" / "my notes.csv"
    own.write_text("mine")
    (tmp_path / "zoom" / "2026-04-09 111" / "gone.csv").unlink()
    done = write_clean_files(tmp_path, lambda: [file("new.csv")], NIGHT)
    assert done.removed == 2
    assert there(tmp_path) == ["2026-04-01 111/new.csv", "2026-04-08 111/my notes.csv"]


def test_an_older_night_leaves_the_files_of_a_newer_one_alone(tmp_path: Path) -> None:
    write_clean_files(tmp_path, lambda: [file(cell="newer")], NIGHT)
    done = write_clean_files(tmp_path, lambda: [file(cell="older"), file("b.csv")], date(2025, 10, 30))
    assert (done.newer, done.written) == (NIGHT, 0)
    assert there(tmp_path) == ["2026-04-01 111/a.csv"]
    assert b"newer" in (tmp_path / "zoom" / "2026-04-01 111" / "a.csv").read_bytes()


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"night": 1}', b"\xff"], ids=["empty", "a list", "no files", "bytes"])
def test_a_damaged_list_of_what_was_written_costs_nothing_but_the_stale_files(tmp_path: Path, damage: bytes) -> None:
    write_clean_files(tmp_path, lambda: [file("old.csv")], NIGHT)
    (tmp_path / "zoom" / ".written.json").write_bytes(damage)
    write_clean_files(tmp_path, lambda: [file("new.csv")], NIGHT)
    assert there(tmp_path) == ["2026-04-01 111/new.csv", "2026-04-01 111/old.csv"]


def test_a_list_with_a_path_trick_removes_nothing_outside(tmp_path: Path) -> None:
    own = tmp_path / "mine.csv"
    own.write_text("mine")
    (tmp_path / "zoom").mkdir()
    names = f'{{"../mine.csv": "x", "{own}": "x"}}'
    (tmp_path / "zoom" / ".written.json").write_text(f'{{"night": "2025-10-01", "files": {names}}}')
    assert write_clean_files(tmp_path, list, NIGHT).removed == 0
    assert own.read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_one_readable_line(tmp_path: Path) -> None:
    (tmp_path / "zoom").write_text("a file where the folder should be")
    with pytest.raises(FunnelError, match=r"cannot be written.*choose another folder with --to"):
        write_clean_files(tmp_path, lambda: [file()], NIGHT)


def test_nothing_half_written_is_left_when_the_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clean_files(tmp_path, lambda: [file(cell="before")], NIGHT)

    def refuse(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(FunnelError, match="No space left"):
        write_clean_files(tmp_path, lambda: [file(cell="after")], NIGHT)
    folder = tmp_path / "zoom" / "2026-04-01 111"
    assert [path.name for path in folder.iterdir()] == ["a.csv"]
    assert b"before" in (folder / "a.csv").read_bytes()


@pytest.fixture
def home(night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A state folder whose lake holds one night with one webinar, and the config of that night."""
    night.config["zoom_profiles"] = (DEMO_CONFIG / "zoom_profiles.csv").read_text()
    night.attendee_report("a", "2026-04-01 14:38", PERSON, topic="Plutus talk")
    settings = Settings(home=tmp_path, config_dir=DEMO_CONFIG)
    lake, out = Lake(UPath(settings.lake_root)), night.run()
    for name, table in INPUTS.items():
        lake.write(table, NIGHT, out[f"zoom_{name}"].rows)
        lake.write_account(table, NIGHT, Outcome(pd.DataFrame()), "run")
    NightlySources(settings, Landing(UPath(settings.landing_root))).accept_config(NIGHT)
    monkeypatch.setenv("FUNNEL_HOME", str(tmp_path))
    return settings


WRITTEN = ["2026-04-01 111/plutus_webinar_attended.csv"]


def test_the_newest_night_of_the_lake_is_exported(home: Settings, tmp_path: Path) -> None:
    done = export_newest(home, None)
    assert (done.night, done.written, done.by_profile) == (NIGHT, 1, {"plutus_webinar_attended": 1})
    assert there(tmp_path / "exports") == WRITTEN


def test_the_command_writes_to_the_folder_it_is_given_and_only_what_changed(home: Settings, tmp_path: Path) -> None:
    to = tmp_path / "for the team"
    inodes = set()
    for _ in range(2):
        assert CliRunner().invoke(app, ["export", "--to", str(to)]).exit_code == 0
        assert there(to) == WRITTEN
        inodes.add((to / "zoom" / WRITTEN[0]).stat().st_ino)
    assert len(inodes) == 1
    assert not (tmp_path / "exports").exists()


def test_the_command_without_a_night_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNNEL_HOME", str(tmp_path))
    with pytest.raises(FunnelError, match=r"no night has made the Zoom tables yet.*Fix: run a night"):
        export_newest(Settings(home=tmp_path), None)
    assert CliRunner().invoke(app, ["export"]).exit_code == 1


def test_the_asset_writes_the_files_of_its_night_and_tells_how_many_of_each_profile(
    home: Settings, tmp_path: Path
) -> None:
    with dg.DagsterInstance.ephemeral() as used:
        result = dg.materialize(
            [
                *dg.load_assets_from_modules([assets]),
                *(asset for source in MARKETING.sources for asset in source_assets(source, MARKETING.name)),
            ],
            selection=[assets.zoom_clean_files],
            partition_key=NIGHT.isoformat(),
            resources={
                "sources": NightlySources(home, Landing(UPath(home.landing_root))),
                "lake": LakeIOManager(Lake(UPath(home.lake_root)), INPUTS.values()),
                "lake_store": Lake(UPath(home.lake_root)),
                "parsed_reports": dg.ResourceDefinition.none_resource(),
            },
            instance=used,
        )
    assert result.success
    metadata = result.asset_materializations_for_node("files__zoom_clean_files")[0].metadata
    assert metadata["written"].value == 1
    assert metadata["files_by_profile"].value == {"plutus_webinar_attended": 1}
    assert there(tmp_path / "exports") == WRITTEN
