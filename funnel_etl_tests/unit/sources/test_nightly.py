"""What a night works on: fetched for the newest night, replayed for an overtaken one; and which config is in force."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from funnel_etl.catalog import SOURCES
from funnel_etl.core.errors import ConfigError, SourceUnavailable
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now
from funnel_etl.sources.nightly import ConfigVersion, NightlySources, config_versions_frame

FIRST, SECOND, THIRD = date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)
Write = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config_csv").mkdir()
    return tmp_path


@pytest.fixture
def sources(folder: Path, landing: Landing) -> NightlySources:
    settings = Settings(
        home=folder / "home",
        config_dir=folder / "config_csv",
        addresses={"tofu_leads": str(folder / "leads.csv")},
        retry_seconds=0,
    )
    return NightlySources(settings, landing)


@pytest.fixture
def write(folder: Path) -> Write:
    """Write config tables; None takes a file away."""

    def make(**tables: str | None) -> None:
        for name, text in tables.items():
            path = folder / "config_csv" / f"{name}.csv"
            path.unlink(missing_ok=True) if text is None else path.write_text(text)

    return make


def leads(sources: NightlySources, folder: Path, night: date, text: str) -> bytes:
    (folder / "leads.csv").write_text(text)
    return sources.landing.read(*sources.pull(SOURCES["tofu_leads"], night).file_ids)


def test_the_newest_night_is_pulled_afresh_each_time(sources: NightlySources, folder: Path) -> None:
    assert leads(sources, folder, FIRST, "a,b\n1,2\n") == b"a,b\n1,2\n"
    assert leads(sources, folder, FIRST, "a,b\n3,4\n") == b"a,b\n3,4\n"
    assert leads(sources, folder, SECOND, "a,b\n5,6\n") == b"a,b\n5,6\n"


def test_an_overtaken_night_is_replayed_though_the_source_has_changed_or_gone(
    sources: NightlySources, folder: Path
) -> None:
    leads(sources, folder, FIRST, "a,b\n1,2\n")
    leads(sources, folder, THIRD, "a,b\n3,4\n")
    assert leads(sources, folder, FIRST, "a,b\n5,6\n") == b"a,b\n1,2\n"
    (folder / "leads.csv").unlink()
    assert sources.landing.read(*sources.pull(SOURCES["tofu_leads"], FIRST).file_ids) == b"a,b\n1,2\n"


def test_an_overtaken_night_that_never_ran_uses_what_the_next_later_one_used(
    sources: NightlySources, folder: Path
) -> None:
    leads(sources, folder, SECOND, "a,b\n1,2\n")
    leads(sources, folder, THIRD, "a,b\n3,4\n")
    assert leads(sources, folder, FIRST, "a,b\n5,6\n") == b"a,b\n1,2\n"


def test_a_failed_pull_records_nothing_so_that_trying_again_pulls_again(sources: NightlySources, folder: Path) -> None:
    with pytest.raises(SourceUnavailable):
        sources.pull(SOURCES["tofu_leads"], FIRST)
    assert sources.landing.nights("tofu_leads") == []
    assert leads(sources, folder, FIRST, "a,b\n1,2\n") == b"a,b\n1,2\n"


def told(versions: list[ConfigVersion]) -> dict[str, str]:
    return {version.name: version.status for version in versions}


def funnels(sources: NightlySources, night: date) -> list[str]:
    return sources.config(night).table("funnels")["funnel"].tolist()


def test_a_missing_optional_file_is_an_empty_table(sources: NightlySources) -> None:
    assert sources.accept_config(FIRST) == []
    config = sources.config(FIRST)
    assert all(frame.empty for frame in config.tables.values())


def test_good_tables_are_in_force_at_once(sources: NightlySources, write: Write) -> None:
    write(funnels="funnel\nApp\n")
    assert told(sources.accept_config(FIRST)) == {"funnels": "accepted"}
    assert funnels(sources, FIRST) == ["App"]


def test_a_bad_edit_leaves_the_last_good_version_in_force_and_is_told(sources: NightlySources, write: Write) -> None:
    write(funnels="funnel\nApp\n", metrics="name,value\nrevenue_column,a\n")
    sources.accept_config(FIRST)
    before = sources.config(FIRST).version
    write(funnels="funnel\nApp\n,\nWeb,x\n", metrics="name,value\nrevenue_column,b\n")
    seen = sources.accept_config(SECOND)
    assert told(seen) == {"funnels": "rejected", "metrics": "accepted"}
    assert seen[0].errors is not None
    assert seen[0].errors.startswith("config_csv/funnels.csv: line 4: too many fields")
    config = sources.config(SECOND)
    assert config.table("funnels")["funnel"].tolist() == ["App"]
    assert config.metric("revenue_column") == "b", "the other tables are as edited"
    assert config.version != before
    assert sources.config(FIRST).version == before


def test_a_bad_edit_of_the_same_night_falls_back_to_that_night_s_own_version(
    sources: NightlySources, write: Write
) -> None:
    write(funnels="funnel\nApp\n")
    sources.accept_config(FIRST)
    write(funnels="funnnel\nWeb\n")
    assert told(sources.accept_config(FIRST)) == {"funnels": "rejected"}
    assert funnels(sources, FIRST) == ["App"]


def test_a_bad_edit_is_told_again_every_night_until_it_is_mended(sources: NightlySources, write: Write) -> None:
    write(funnels="funnel\nApp\n")
    sources.accept_config(FIRST)
    write(funnels="bad\nWeb\n")
    for night in (SECOND, THIRD):
        assert told(sources.accept_config(night)) == {"funnels": "rejected"}
        assert funnels(sources, night) == ["App"]
    write(funnels="funnel\nWeb\n")
    assert told(sources.accept_config(THIRD)) == {"funnels": "accepted"}
    assert funnels(sources, THIRD) == ["Web"]


def test_a_bad_first_version_stops_the_night_naming_file_line_column_and_value(
    sources: NightlySources, write: Write
) -> None:
    write(funnels="funnel\nApp\n", funnel_mapping="source,funnel,valid_from\nA,App,\nB,App,someday\n")
    with pytest.raises(ConfigError) as raised:
        sources.accept_config(FIRST)
    assert str(raised.value).startswith(
        "config_csv/funnel_mapping.csv: line 3: column 'valid_from': 'someday': Input should be a valid date"
    )


def test_a_source_mapped_twice_names_both_lines(sources: NightlySources, write: Write) -> None:
    write(funnels="funnel\nApp\nWeb\n", funnel_mapping="source,funnel\nA,App\nB,App\nA,Web\n")
    with pytest.raises(ConfigError, match=r"config_csv/funnel_mapping\.csv: lines 2 and 4 give the same source"):
        sources.accept_config(FIRST)


GOOD = {
    "funnels": "funnel\nApp\nWeb\n",
    "funnel_mapping": "source,funnel\nA,App\n",
    "manual_value_funnel": "manual_value,funnel\nv,Web\n",
}


@pytest.mark.parametrize(
    ("edit", "rejected", "in_force"),
    [
        pytest.param(
            {"funnel_mapping": "source,funnel\nA,Appp\n"},
            {"funnel_mapping"},
            (["App", "Web"], ["App"], ["Web"]),
            id="a_mapping_to_a_funnel_nobody_knows",
        ),
        pytest.param(
            {"funnels": "funnel\nApp\nWeb\nNew\n", "funnel_mapping": "source,funnel\nA,Neww\n"},
            {"funnel_mapping"},
            (["App", "Web", "New"], ["App"], ["Web"]),
            id="a_typo_does_not_take_the_new_funnel_with_it",
        ),
        pytest.param(
            {
                "funnels": "funnel\nApp\nWeb\nNew\n",
                "funnel_mapping": "source,funnel\nA,Neww\n",
                "manual_value_funnel": "manual_value,funnel\nv,New\n",
            },
            {"funnel_mapping"},
            (["App", "Web", "New"], ["App"], ["New"]),
            id="nor_another_table_that_uses_the_new_funnel",
        ),
        pytest.param(
            {"funnels": "funnel\nWeb\n"},
            {"funnels"},
            (["App", "Web"], ["App"], ["Web"]),
            id="a_funnel_taken_away_that_is_still_used",
        ),
        pytest.param(
            {"funnels": "funnel\nWeb\nApplication\n", "funnel_mapping": "source,funnel\nA,Application\n"},
            set(),
            (["Web", "Application"], ["Application"], ["Web"]),
            id="a_funnel_renamed_everywhere",
        ),
    ],
)
def test_tables_that_do_not_fit_together_fall_back_and_the_night_goes_on(
    sources: NightlySources,
    write: Write,
    edit: dict[str, str],
    rejected: set[str],
    in_force: tuple[list[str], list[str], list[str]],
) -> None:
    write(**GOOD)
    sources.accept_config(FIRST)
    write(**edit)
    seen = sources.accept_config(SECOND)
    assert {name for name, status in told(seen).items() if status == "rejected"} == rejected
    config = sources.config(SECOND)
    assert (
        config.table("funnels")["funnel"].tolist(),
        config.table("funnel_mapping")["funnel"].tolist(),
        config.table("manual_value_funnel")["funnel"].tolist(),
    ) == in_force


@pytest.mark.parametrize("slip", [pytest.param(None, id="gone"), pytest.param("", id="empty")])
def test_a_table_that_is_gone_or_empty_keeps_its_last_good_version_and_says_so(
    sources: NightlySources, write: Write, slip: str | None
) -> None:
    write(metrics="name,value\nrevenue_column,a\n")
    sources.accept_config(FIRST)
    write(metrics=slip)
    seen = [version for version in sources.accept_config(SECOND) if version.name == "metrics"]
    assert [version.status for version in seen] == ["rejected"]
    assert "its last good version stays in force" in str(seen[0].errors)
    assert sources.config(SECOND).metric("revenue_column") == "a"


def test_a_table_with_only_its_header_is_emptied_on_purpose(sources: NightlySources, write: Write) -> None:
    write(metrics="name,value\nrevenue_column,a\n")
    sources.accept_config(FIRST)
    write(metrics="name,value\n")
    assert [version.status for version in sources.accept_config(SECOND)] == ["accepted"]
    assert sources.config(SECOND).table("metrics").empty


def test_a_config_folder_that_is_not_there_is_refused_on_the_first_night(sources: NightlySources) -> None:
    shutil.rmtree(sources.settings.config_folder)
    with pytest.raises(ConfigError, match="FUNNEL_CONFIG_DIR"):
        sources.accept_config(FIRST)


def test_an_overtaken_night_keeps_the_config_it_had(sources: NightlySources, write: Write) -> None:
    write(funnels="funnel\nApp\n")
    sources.accept_config(FIRST)
    write(funnels="funnel\nWeb\n")
    sources.accept_config(SECOND)
    write(funnels="funnel\nNew\n")
    assert sources.accept_config(FIRST) == []
    assert funnels(sources, FIRST) == ["App"]


def test_a_night_before_all_recorded_ones_has_the_config_of_the_first(sources: NightlySources, write: Write) -> None:
    """Its sources are those of the first night; with no config at all, everything would be Misc."""
    write(funnels="funnel\nApp\n", metrics=None)
    sources.accept_config(SECOND)
    write(funnels="funnel\nWeb\n", metrics="name,value\nrevenue_column,a\n")
    sources.accept_config(THIRD)
    assert sources.accept_config(FIRST) == []
    assert funnels(sources, FIRST) == ["App"]
    assert sources.config(FIRST).metric("revenue_column") == "netAmount", "no file then: not the next night's"


def test_the_version_names_the_content(sources: NightlySources, write: Write) -> None:
    versions = []
    for night, text in ((FIRST, "funnel\nApp\n"), (SECOND, "funnel\nWeb\n"), (THIRD, "funnel\nApp\n")):
        write(funnels=text)
        sources.accept_config(night)
        versions.append(sources.config(night).version)
    assert versions[0] == versions[2] != versions[1]


def test_versions_become_rows_and_the_last_word_on_a_file_holds(sources: NightlySources, write: Write) -> None:
    write(funnels="funnel\nApp\n")
    [version] = sources.accept_config(FIRST)
    rows = config_versions_frame([version, version])
    assert rows[["name", "status"]].to_numpy().tolist() == [["funnels", "accepted"]]
    assert config_versions_frame([]).columns.tolist() == ["name", "file_id", "status", "errors", "received_at"]


def test_a_config_table_that_came_with_a_later_version_was_not_there_on_a_night_before(
    sources: NightlySources, write: Write
) -> None:
    write(funnels="funnel\nWebinar\n")
    sources.accept_config(FIRST)
    for path in (Path(str(sources.landing.root)) / "nights").rglob("config_conductors.json"):
        path.unlink()  # as the version of that night left it
    before = sources.config(FIRST).version
    write(conductors="name,conductor\nMeera,Meera Quillon\n")
    sources.accept_config(SECOND)
    assert len(sources.config(SECOND).table("conductors")) == 1
    assert len(sources.config(FIRST).table("conductors")) == 0
    assert sources.config(FIRST).version == before
    assert sources.config(date(2026, 10, 1)).version == before


def test_the_config_of_a_night_is_read_once_a_run_however_many_assets_ask(
    sources: NightlySources, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It listed the archive sixteen times for each of fifty assets: seconds a night after a year."""
    write(funnels="funnel\nWebinar\n")
    sources.accept_config(FIRST)
    looked: list[str] = []
    recorded = Landing.recorded
    monkeypatch.setattr(Landing, "recorded", lambda own: looked.append("") or recorded(own))
    seen = [Night(FIRST, sources, "run").config for _ in range(50)]
    assert len({id(config) for config in seen}) == 1
    assert len(looked) == 1
    write(funnels="funnel\nWebinar\nReferral\n")
    sources.accept_config(FIRST)
    assert len(Night(FIRST, sources, "run").config.table("funnels")) == 2
    assert len(Night(FIRST, sources, "another run").config.table("funnels")) == 2


def test_the_header_of_sales_that_come_as_json_is_not_looked_for(landing: Landing, folder: Path) -> None:
    names = {"crm_sales": replace(SOURCES["crm_sales"], format="json").names}
    arrival = landing.put("crm_sales", "pull", "sales.json", b'[{"_id": "S1"}]', received_at=utc_now())
    landing.record_night(FIRST, "crm_sales", [arrival.file_id])
    sources = NightlySources(Settings(home=folder / "home"), landing, names)
    assert sources.names_on(FIRST)["crm_sales"].header is None
