"""A table is saved over what was looked at only, is judged as a night would, and both versions are kept."""

from pathlib import Path

import pytest

from funnel_etl.core.errors import ConfigError
from funnel_etl.operate.mappings.judge import judge
from funnel_etl.operate.mappings.save import can_save, id_of, open_table, save, title_of
from funnel_etl.operate.mappings.table import EditedLine, written
from funnel_etl.operate.mappings.write import replace_kept
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing

MAPPING = b"source,funnel\nA,Webinar\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    config = tmp_path / "config"
    config.mkdir()
    (config / "funnels.csv").write_bytes(b"funnel\nWebinar\nBootcamp\n")
    (config / "funnel_mapping.csv").write_bytes(MAPPING)
    return Settings(home=tmp_path / "home", config_dir=config)


def kept(settings: Settings, name: str) -> list[str]:
    return [one.file_id for one in Landing(settings.landing_root).arrivals(f"config_{name}")]


def test_both_versions_are_kept_at_once(settings: Settings) -> None:
    base = open_table(settings, "funnel_mapping")
    data = written(base, [*base.lines, EditedLine(None, ("B", "Bootcamp"))])
    save(settings, base, data)
    assert (settings.config_folder / "funnel_mapping.csv").read_bytes() == MAPPING + b"B,Bootcamp\n"
    assert kept(settings, "funnel_mapping") == [id_of(settings, MAPPING), id_of(settings, data)]


def test_what_somebody_changed_meanwhile_is_not_written_over(settings: Settings) -> None:
    base = open_table(settings, "funnel_mapping")
    path = settings.config_folder / "funnel_mapping.csv"
    path.write_bytes(MAPPING + b"Theirs,Webinar\n")
    with pytest.raises(ConfigError, match="somebody changed it just now"):
        save(settings, base, MAPPING + b"Mine,Webinar\n")
    assert path.read_bytes() == MAPPING + b"Theirs,Webinar\n"


def test_of_several_tables_all_or_none_is_written(settings: Settings) -> None:
    files = {
        "funnels": (b"funnel\nWebinar\nBootcamp\n", b"funnel\nX\n"),
        "funnel_mapping": (b"other", b"source,funnel\n"),
    }
    with pytest.raises(ConfigError):
        replace_kept(settings, files)
    assert (settings.config_folder / "funnels.csv").read_bytes() == b"funnel\nWebinar\nBootcamp\n"


def test_every_wrong_line_is_named_not_only_the_first(settings: Settings) -> None:
    verdict = judge(settings, "funnel_mapping", b"source,funnel\nA,Webbinar\nB,Bootkamp\nC,Webinar\n", {})
    assert [problem.line for problem in verdict.problems] == [2, 3]
    assert "did you mean 'Webinar'?" in verdict.problems[0].what
    assert not verdict.is_good


def test_a_cell_that_is_wrong_by_itself_is_named_by_its_line(settings: Settings) -> None:
    data = b"source,funnel,valid_from,valid_to\nA,Webinar,2026-02-01,2026-01-01\n,Webinar,,\n"
    verdict = judge(settings, "funnel_mapping", data, {})
    assert [problem.line for problem in verdict.problems] == [2, 3]


def test_a_table_that_others_need_is_told_what_would_not_fit_any_more(settings: Settings) -> None:
    verdict = judge(settings, "funnels", b"funnel\nBootcamp\n", {})
    assert verdict.problems == []
    assert [(problem.table, problem.line) for problem in verdict.others] == [("funnel_mapping", 2)]


def test_what_was_wrong_elsewhere_before_is_not_blamed_on_the_edit(settings: Settings) -> None:
    (settings.config_folder / "manual_value_funnel.csv").write_bytes(b"manual_value,funnel\nx,Gone\n")
    assert judge(settings, "funnel_mapping", MAPPING, {}).is_good


def test_a_folder_that_is_not_there_cannot_be_written(settings: Settings) -> None:
    assert can_save(settings)
    assert not can_save(settings.model_copy(update={"config_dir": settings.config_folder / "gone"}))


def test_a_table_is_titled_by_what_a_line_of_it_says() -> None:
    assert title_of("funnels") == "The funnels the team knows, in the spelling reports use."
