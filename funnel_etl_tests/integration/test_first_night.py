"""The first night of a real team: its own files, and config_csv as it comes with the project."""

from collections.abc import Callable
from datetime import date

import pytest

from funnel_etl.operate.status.status import Status, status
from funnel_etl.settings import PROJECT
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow

NIGHT = date(2026, 11, 20)


@pytest.fixture(scope="module")
def first(new_installation: Callable[[], Installation]) -> tuple[Installation, Status]:
    """The installation after its first night, and what status says of it."""
    at = new_installation()
    for table in (PROJECT / "config_csv").glob("*.csv"):
        (at.config / table.name).write_bytes(table.read_bytes())
    at.lay_demo(NIGHT)
    result = at.night(NIGHT)
    assert result.failures == {}
    assert result.is_published
    with at.settings() as settings:
        return at, status(settings)


def test_it_is_published_with_every_row_in_a_funnel(first: tuple[Installation, Status]) -> None:
    at, _ = first
    assert at.value("SELECT sum(leads) FROM mart.funnel_facts") > 300
    assert at.value("SELECT sum(spend_inr) FROM mart.funnel_facts WHERE funnel = 'Webinar'") > 0
    assert at.value("SELECT count(*) FROM clean.webinars WHERE profile IS NULL") == 0
    assert set(at.query("SELECT DISTINCT funnel FROM clean.zoom_attendance")["funnel"]) == {"Webinar", "Bootcamp"}


def test_no_report_is_missed_that_nobody_expects_and_no_line_is_unused(first: tuple[Installation, Status]) -> None:
    at, _ = first
    assert at.value("SELECT count(*) FROM ops.missing_exports WHERE occurrence_id IS NULL") == 0
    assert at.value("SELECT count(*) FROM ops.worklist_mapping WHERE item_kind = 'unused_mapping'") == 0


def test_status_says_which_tables_are_to_be_filled_in(first: tuple[Installation, Status]) -> None:
    at, found = first
    to_do = {one.name: str(one.to_do) for one in found.items if not one.is_well}
    assert "campaign_mapping.csv" in to_do["campaign_leads"]
    assert "funnel_mapping.csv" in to_do["unmapped_source"]
    assert "category_tokens.csv" in to_do["webinar_without_category"]
    assert "conductors.csv" in to_do["webinar_conductor_unlisted"]
    named = set(at.query("SELECT item FROM ops.worklist_mapping WHERE item_kind = 'unmapped_source'")["item"])
    assert {"FB Lead Form", "Google Search"} <= named


def test_status_says_no_more_of_campaign_leads_once_one_has_a_funnel(
    first: tuple[Installation, Status], campaign: bool
) -> None:
    """With --campaign a night gives it the funnel, by a line of the mapping."""
    at, _ = first
    if campaign:
        lines = "utm_source,utm_medium,utm_campaign,funnel\nfacebook,,,Meta Ads\n"
        (at.config / "campaign_mapping.csv").write_text(lines)
        assert at.night(NIGHT).is_published
    else:
        one = "SELECT source_row FROM clean.tofu_leads LIMIT 1"
        with at.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE clean.tofu_leads SET funnel = 'Meta Ads' WHERE source_row = ({one})")  # noqa: S608 - ours
    with at.settings() as settings:
        assert "campaign_leads" not in {one.name for one in status(settings).items}
