"""The web server follows an installation that gets a night before all others."""

import threading
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from funnel_etl.core.errors import FunnelError
from funnel_etl.operate.run import web
from funnel_etl.platform.dagster.nights import begin_nights
from funnel_etl.settings import Settings


def test_the_code_is_loaded_again_once_when_an_earlier_night_has_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "LOOK_SECONDS", 0.01)
    settings = Settings(home=tmp_path, _env_file=None)
    begin_nights(settings, date(2026, 3, 5))
    reloaded = threading.Event()
    with web._nights_followed(settings, SimpleNamespace(reload_workspace=reloaded.set)):  # type: ignore[arg-type]
        assert not reloaded.wait(0.1)
        begin_nights(settings, date(2026, 3, 1))
        assert reloaded.wait(10)


def test_without_a_home_of_dagster_it_says_how_to_start_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    settings = Settings(home=tmp_path, _env_file=None)
    with pytest.raises(FunnelError, match=r"DAGSTER_HOME: Dagster's home is not known\. Fix: start the UI by"):
        web.serve_ui(settings, "127.0.0.1", 1, tmp_path / "workspace.yaml")
