"""A night made again: which config each table is made by is what its functions really read."""

from datetime import date

import pandas as pd
import pytest

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES, Config
from funnel_etl.observe.changes.rebuild import CLEAN, ZOOM, ZOOM_READS, Rebuilder
from funnel_etl.observe.changes.rows import BY_TABLE
from funnel_etl.observe.changes.steps import GROUPS
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.sources.archive.store import open_store
from funnel_etl.sources.nightly import NightlySources
from funnel_etl_tests.small_nights import SmallNights, assigned, at, attendee_report, lead, sale, spent

DAY = date(2025, 11, 5)


class Watched(Config):
    """A config that remembers which of its tables were asked for."""

    def table(self, name: str) -> pd.DataFrame:
        self.__dict__.setdefault("asked", set()).add(name)
        return super().table(name)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> SmallNights:
    made = SmallNights(
        tmp_path_factory.mktemp("company"),
        leads=[lead("2025-11-03", "9876500001")],
        assigned=[assigned("2025-11-03", "9876500001")],
        sales=[sale("S1", "2025-11-04", "1000.50", funnel="", assignedLeadSources="FB")],
        spend=[spent("2025-11-03", "250.25")],
        reports=[attendee_report(at(2025, 11, 4, 19), at(2025, 11, 4, 21), ["9876500001"])],
    )
    made.night(DAY)
    return made


def remaker(company: SmallNights) -> tuple[Rebuilder, Config]:
    sources = NightlySources(company.settings, company.landing)
    parsed = ParsedReports(open_store(company.lake.root), sources)
    files = {source: company.landing.night(DAY, source) or [] for source in [*SOURCES, "zoom"]}
    return Rebuilder(company.settings, company.landing, sources, parsed, DAY, files, lambda _: None), sources.config(
        DAY
    )


READS = {name: source.reads for name, source in BY_TABLE.items()} | {"zoom": ZOOM_READS}


@pytest.mark.parametrize("name", READS)
def test_the_config_a_table_is_made_by_is_declared(company: SmallNights, name: str) -> None:
    again, config = remaker(company)
    watched = Watched(config.tables)
    if name == "zoom":
        again.zoom(watched, "Asia/Kolkata", CLEAN["tofu_leads"].empty())
    else:
        again.table(name, watched, "Asia/Kolkata")
    assert watched.__dict__["asked"] == READS[name]
    assert READS[name] <= set(TABLES)


def test_a_night_made_again_is_what_the_lake_has(company: SmallNights) -> None:
    again, config = remaker(company)
    made = {name: again.table(name, config, "Asia/Kolkata").rows for name in BY_TABLE}
    made |= again.zoom(config, "Asia/Kolkata", made["tofu_leads"])
    assert set(made) == set(CLEAN)
    assert set(ZOOM) <= set(made)
    for name, rows in made.items():
        pd.testing.assert_frame_equal(rows, company.lake.read(CLEAN[name], DAY))
        assert len(rows)


def test_every_config_table_that_moves_a_clean_table_is_in_a_group_of_causes() -> None:
    groups = [name for _, names in GROUPS for name in names]
    assert sorted(groups) == sorted(TABLES)
