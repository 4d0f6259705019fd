"""A first night that is refused, on a real PostgreSQL: one line says why, and nothing is published."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow

NIGHT = date(2025, 10, 31)


def test_a_broken_config_on_the_first_night_is_one_line_and_publishes_nothing(
    new_installation: Callable[[], Installation],
) -> None:
    installation = new_installation()
    (installation.config / "metrics.csv").write_text("name,value,\nrevenue_column\n")
    result = installation.night(NIGHT)
    assert set(result.failures) == {"ops/config_versions"}
    line = result.failures["ops/config_versions"]
    assert line.startswith("config_csv/metrics.csv: line 2: ")
    assert "\n" not in line
    assert ". Fix: " in line
    assert not any(part.published for part in result.parts.values())
    assert installation.query("SELECT DISTINCT part FROM ops.nights")["part"].tolist() == ["watch"]
    said = installation.query("SELECT status, why FROM ops.completeness WHERE source = 'config'")
    assert said["status"].tolist() == ["failed"]
    told = installation.command("run", "--as-of", NIGHT.isoformat())
    assert told.returncode == 1
    assert line in told.stderr
    assert "Traceback" not in told.stderr


def test_a_night_that_is_not_over_is_refused_before_anything_starts(
    new_installation: Callable[[], Installation],
) -> None:
    installation = new_installation()
    with installation.settings() as settings, pytest.raises(Exception, match="is not over yet") as told:
        installation.night(settings.yesterday() + timedelta(days=1))
    assert "\n" not in str(told.value)
    assert not (installation.home / "state").exists()
