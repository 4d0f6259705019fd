"""Which version of a table a night uses when an edit names what is not there, loses its lines, or has a wrong name."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from funnel_etl.catalog import SOURCE_NAMES
from funnel_etl.core.errors import ConfigError, FunnelError
from funnel_etl.operate.confirm.config import accept_table, shrunk_table
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now
from funnel_etl.sources.nightly import UNREAD, NightlySources

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)
PROFILES = (
    "name,type,source_tag,topic_pattern\nacca,webinar_attended,Webinar,*acca*\ncfa,webinar_attended,Webinar,*cfa*\n"
)
GOOD = {
    "funnels": "funnel\nApp\nWeb\n",
    "metrics": "name,value\nrevenue_column,netAmount\nexcluded_statuses,failed|cancelled\n",
    "funnel_mapping": "source,funnel\n" + "".join(f"source {n},App\n" for n in range(20)),
    "zoom_profiles": PROFILES,
    "expected_exports": "profile,weekday,report\nacca,Monday,attendee\n",
}
Write = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config_csv").mkdir()
    return tmp_path / "config_csv"


@pytest.fixture
def sources(folder: Path, landing: Landing) -> NightlySources:
    settings = Settings(home=folder.parent / "home", config_dir=folder, landing_url=str(landing.root), _env_file=None)
    return NightlySources(settings, landing, SOURCE_NAMES)


@pytest.fixture
def write(folder: Path) -> Write:
    def make(**tables: str) -> None:
        for name, text in tables.items():
            (folder / f"{name}.csv").write_text(text)

    return make


def rejected(sources: NightlySources, night: date) -> dict[str, str]:
    return {one.name: str(one.errors) for one in sources.accept_config(night) if one.status == "rejected"}


@pytest.mark.parametrize(
    ("edit", "what", "kept"),
    [
        pytest.param("revenue_column,NetAmont", "did you mean 'netAmount'?", "netAmount", id="column"),
        pytest.param("excluded_statuses,failed;cancelled", "separated by |", "netAmount", id="separator"),
    ],
)
def test_an_edit_that_names_nothing_leaves_the_last_good_version_in_force(
    sources: NightlySources, write: Write, edit: str, what: str, kept: str
) -> None:
    write(**GOOD)
    assert rejected(sources, FIRST) == {}
    write(metrics=f"name,value\n{edit}\n")
    assert what in rejected(sources, SECOND)["metrics"]
    config = sources.config(SECOND)
    assert config.metric("revenue_column") == kept
    assert config.statuses("excluded_statuses") == {"failed", "cancelled"}


def test_a_column_counts_as_known_when_the_newest_dump_has_it_though_that_was_refused(
    sources: NightlySources, write: Write, landing: Landing
) -> None:
    """The CRM has renamed it: the team can say so before a dump is taken again."""
    write(**GOOD)
    sources.accept_config(FIRST)
    taken = landing.put("crm_sales", "pull", "s.csv", b"sep=;\n_id;netAmount;createdOn\n", received_at=utc_now())
    landing.record_night(FIRST, "crm_sales", [taken.file_id])
    write(metrics="name,value\nrevenue_column,net_after_gst\n")
    assert "no column of the CRM's newest sales" in rejected(sources, SECOND)["metrics"]
    landing.put("crm_sales", "pull", "s.csv", b"_id,net after GST,createdOn\n", received_at=utc_now())
    assert rejected(sources, SECOND) == {}


def test_a_profile_taken_away_that_is_still_named_falls_back_and_what_names_it_stays(
    sources: NightlySources, write: Write
) -> None:
    write(**GOOD, webinar_overrides="webinar_id,profile\n81200002006,acca\n")
    sources.accept_config(FIRST)
    write(zoom_profiles=PROFILES.replace("acca,", "plutus_acca,"))
    assert list(rejected(sources, SECOND)) == ["zoom_profiles"]
    assert sources.config(SECOND).table("zoom_profiles")["name"].tolist() == ["acca", "cfa"]
    assert sources.config(SECOND).table("webinar_overrides")["profile"].tolist() == ["acca"]
    write(webinar_overrides="webinar_id,profile\n81200002006,plutus_acca\n")
    write(expected_exports="profile,weekday,report\nplutus_acca,Monday,attendee\n")
    assert rejected(sources, THIRD) == {}, "renamed in all"


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        pytest.param("profile,weekday,report\naca,Monday,attendee\n", "did you mean 'acca'?", id="names nothing"),
        pytest.param("profile,weekday,report\nacca,Someday,attendee\n", "Someday", id="cannot be read"),
    ],
)
def test_what_should_come_from_zoom_stops_no_first_night_for_no_number_follows_from_it(
    sources: NightlySources, write: Write, wrong: str, what: str
) -> None:
    write(**GOOD | {"expected_exports": wrong})
    found = rejected(sources, FIRST)
    assert list(found) == ["expected_exports"]
    assert what in found["expected_exports"]
    assert len(sources.config(FIRST).table("expected_exports")) == 0


def test_a_profile_taken_away_that_is_only_expected_goes(sources: NightlySources, write: Write) -> None:
    write(**GOOD)
    sources.accept_config(FIRST)
    write(zoom_profiles=PROFILES.replace("acca,", "plutus_acca,"))
    assert list(rejected(sources, SECOND)) == ["expected_exports"]
    assert sources.config(SECOND).table("zoom_profiles")["name"].tolist() == ["plutus_acca", "cfa"]


def test_what_was_wrong_in_the_version_in_force_before_the_check_came_is_told_and_stops_no_night(
    sources: NightlySources, write: Write
) -> None:
    """An update brings new checks; a night that ran yesterday must run today, and an old one be made again."""
    old = NightlySources(sources.settings, sources.landing)
    write(**GOOD | {"metrics": "name,value\nrevenue_column,NetAmont\n"})
    assert rejected(old, FIRST) == {}, "nothing to check columns against, as before"
    assert "did you mean 'netAmount'?" in rejected(sources, SECOND)["metrics"]
    assert sources.config(SECOND).metric("revenue_column") == "NetAmont", "no other version there is"
    write(zoom_profiles=PROFILES + "law,webinar_attended,Webinar,*law*\n")
    assert list(rejected(sources, THIRD)) == ["metrics"], "an edit of another table is not held up by it"
    assert len(sources.config(THIRD).table("zoom_profiles")) == 3


def test_the_first_night_refuses_what_names_nothing(sources: NightlySources, write: Write) -> None:
    write(**GOOD | {"metrics": "name,value\nexluded_statuses,failed\n"})
    with pytest.raises(ConfigError, match="did you mean 'excluded_statuses'"):
        sources.accept_config(FIRST)


# ---------------------------------------------------------------- lines that are gone


FILTERED = "source,funnel\n" + "".join(f"source {n},App\n" for n in range(8))


def test_a_mapping_that_lost_most_of_its_lines_waits_until_a_person_confirms_exactly_these_bytes(
    sources: NightlySources, write: Write
) -> None:
    """As when a filtered view was saved as CSV."""
    write(**GOOD)
    sources.accept_config(FIRST)
    write(funnel_mapping=FILTERED)
    told = rejected(sources, SECOND)["funnel_mapping"]
    assert told.startswith("config_csv/funnel_mapping.csv: 12 of the 20 lines in force are gone; it has 8 now. Fix: ")
    assert "funnel-etl confirm funnel_mapping" in told
    assert len(sources.config(SECOND).table("funnel_mapping")) == 20
    waiting = shrunk_table(sources.settings, "funnel_mapping")
    assert (waiting.loss.gone, waiting.loss.keys[0]) == (12, "source 8")
    accept_table(sources.settings, waiting)
    with pytest.raises(FunnelError, match="it is confirmed already"):
        shrunk_table(sources.settings, "funnel_mapping")
    write(funnel_mapping=FILTERED.replace("source 7,App\n", ""))
    assert "funnel_mapping" in rejected(sources, SECOND), "other bytes than the confirmed ones"
    write(funnel_mapping=FILTERED)
    assert "funnel_mapping" in rejected(sources, SECOND), "a version came since: what was confirmed is asked again"
    accept_table(sources.settings, shrunk_table(sources.settings, "funnel_mapping"))
    assert rejected(sources, SECOND) == {}
    assert len(sources.config(SECOND).table("funnel_mapping")) == 8
    assert rejected(sources, THIRD) == {}, "it is what is in force now"


def test_a_confirmation_before_any_night_has_seen_the_edit_holds(sources: NightlySources, write: Write) -> None:
    """`config preview` names the command; the night comes after it."""
    write(**GOOD)
    sources.accept_config(FIRST)
    write(funnel_mapping=FILTERED)
    accept_table(sources.settings, shrunk_table(sources.settings, "funnel_mapping"))
    assert rejected(sources, SECOND) == {}


def test_there_is_nothing_to_confirm_of_a_table_that_lost_little(sources: NightlySources, write: Write) -> None:
    write(**GOOD)
    sources.accept_config(FIRST)
    write(funnel_mapping=GOOD["funnel_mapping"].replace("source 3,App\n", ""))
    with pytest.raises(FunnelError, match="nothing to confirm"):
        shrunk_table(sources.settings, "funnel_mapping")
    with pytest.raises(FunnelError, match="the file is not there"):
        shrunk_table(sources.settings, "bot_names")
    assert rejected(sources, SECOND) == {}


# ---------------------------------------------------------------- files nobody reads


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("funnel_maping.csv", "'funnel_mapping.csv'", id="misspelled"),
        pytest.param("metrics.xlsx", "'metrics.csv'", id="a_workbook"),
        pytest.param("metrics (1).csv", "'metrics.csv'", id="a_second_download"),
        pytest.param("Conductors.CSV", "'conductors.csv'", id="another_case"),
        pytest.param("closed_months.csv.txt", "'closed_months.csv'", id="two_endings"),
        pytest.param("funnel_mapping - Copy.csv", "'funnel_mapping.csv'", id="a_copy"),
    ],
)
def test_a_file_that_nobody_reads_is_named_with_the_table_it_may_mean(
    sources: NightlySources, write: Write, folder: Path, name: str, meant: str
) -> None:
    write(**GOOD)
    (folder / name).write_text("name,value\n")
    [unread] = [one for one in sources.accept_config(FIRST) if one.status == UNREAD]
    assert unread.name == name
    assert f"config_csv/{name}: nobody reads this file (did you mean {meant}" in str(unread.errors)
    taken = meant.strip("'").removesuffix(".csv") in GOOD
    assert ("which is there too" in str(unread.errors)) == taken


def test_a_strange_file_is_named_without_a_guess_and_without_a_phone(
    sources: NightlySources, write: Write, folder: Path
) -> None:
    write(**GOOD)
    (folder / "9876543210.csv").write_text("")
    [unread] = [one for one in sources.accept_config(FIRST) if one.status == UNREAD]
    assert unread.name == "(a number).csv"
    assert "did you mean" not in str(unread.errors)


def test_hidden_temporary_and_lock_files_and_the_readme_are_fine(
    sources: NightlySources, write: Write, folder: Path
) -> None:
    write(**GOOD)
    for name in ("README.md", "~$metrics.csv", ".~lock.metrics.csv#", ".DS_Store", "metrics.csv~", "metrics.csv.tmp"):
        (folder / name).write_text("")
    (folder / "archive").mkdir()
    assert [one.name for one in sources.accept_config(FIRST) if one.status == UNREAD] == []
