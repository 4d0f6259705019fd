"""What things are called on the page."""

import pytest

from funnel_etl.app import names
from funnel_etl.catalog import SOURCES
from funnel_etl.marts.funnel.attribution.contracts import MODELS
from funnel_etl.marts.funnel.contracts import MEASURES
from funnel_etl.marts.funnel.journeys.contracts import GAPS
from funnel_etl.observe.completeness.contracts import STATUSES


def test_every_measure_model_gap_and_status_has_a_word() -> None:
    assert set(names.MEASURES) == set(MEASURES)
    assert set(names.MODELS) == set(MODELS)
    assert set(names.GAPS) == set(GAPS)
    assert set(names.SOURCE_STATES) == set(STATUSES)


@pytest.mark.parametrize(
    ("ours", "word"),
    [
        ("clean.tofu_leads", "campaign leads"),
        ("raw/tofu_leads", "campaign leads"),
        ("zoom", "Zoom reports"),
        ("publish/funnel", "publishing the facts"),
        ("mart/lead_journey", "lead journey"),
    ],
)
def test_a_table_is_called_by_a_word_of_the_field(ours: str, word: str) -> None:
    assert names.table(ours) == word


def test_no_source_is_called_by_our_name_with_its_underscores() -> None:
    assert not [name for name in SOURCES if "_" in names.table(name)]


def test_days_are_written_as_people_write_them_and_what_is_no_day_stays() -> None:
    assert names.spoken("since 2026-11-18, of 2026-13-01") == "since Wed, 18 Nov 2026, of 2026-13-01"


def test_a_text_that_somebody_typed_is_no_markdown() -> None:
    assert names.plain("a_b*c [x](y) $5 :red[z]") == r"a\_b\*c \[x\](y) \$5 \:red\[z\]"
