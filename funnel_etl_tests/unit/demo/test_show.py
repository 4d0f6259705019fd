"""`make demo-up` uses a finished demo as it is; one that was not finished, or is of other things, is made anew."""

import contextlib
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from funnel_etl.demo import show
from funnel_etl.settings import Settings

NIGHT = date(2026, 11, 20)
Demo = Callable[..., list[str]]


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """Run the demo without making, running or serving anything; returns what it would have done."""
    settings = Settings(home=tmp_path, _env_file=None)
    done: list[str] = []
    given = SimpleNamespace(state=settings.demo, database_port=1, database_url=None, ui_port=2)
    databases = SimpleNamespace(funnel_url="postgresql://demo", server=SimpleNamespace(keep=lambda: None))
    crm = SimpleNamespace(url="http://127.0.0.1:1")
    published = {"is": True}

    def settings_of(_settings: Settings, _crm: Any) -> Any:
        settings.demo.mkdir(parents=True, exist_ok=True)
        return given

    def run_night(_settings: Any, _night: date) -> Any:
        done.append("run")
        return SimpleNamespace(failures={}, is_published=published["is"])

    monkeypatch.setattr(show, "generate", lambda *_, **__: done.append("make"))
    monkeypatch.setattr(show, "LoopbackCrm", lambda *_: contextlib.nullcontext(crm))
    monkeypatch.setattr(show, "settings_of", settings_of)
    monkeypatch.setattr(show, "open_databases", lambda *_: contextlib.nullcontext(databases))
    monkeypatch.setattr(show, "run_night", run_night)
    monkeypatch.setattr(show, "_show_tables", lambda *_: None)
    monkeypatch.setattr(show, "_show_again", lambda *_: done.append("again"))
    monkeypatch.setattr(show, "serve", lambda *_, **__: done.append("serve") or 0)

    def run(*, is_published: bool = True, **other: Any) -> list[str]:
        done.clear()
        published["is"] = is_published
        asked = {"leads": 400, "seed": 7, "as_of": NIGHT, "keep_up": True} | other
        show.show_demo(settings, **asked, console=Console(file=io.StringIO()))
        return list(done)

    return run


def test_a_finished_demo_is_used_as_it_is_and_make_demo_makes_it_anew(demo: Demo) -> None:
    assert demo(keep_up=False) == ["make", "run"]
    assert demo() == ["again", "serve"]
    assert demo() == ["again", "serve"]
    assert demo(keep_up=False) == ["make", "run"]


def test_a_finished_demo_is_used_on_later_days_too(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Incident: the next day `make demo-up` deleted the demo, with the nights that had been run in the UI."""
    monkeypatch.setattr(Settings, "yesterday", lambda _self: NIGHT)
    assert demo(as_of=None) == ["make", "run", "serve"]
    monkeypatch.setattr(Settings, "yesterday", lambda _self: date(2026, 11, 21))
    assert demo(as_of=None) == ["again", "serve"]
    assert demo(as_of=None) == ["again", "serve"]
    assert demo(as_of=None, seed=8) == ["make", "run", "serve"]
    assert demo(as_of=NIGHT, seed=8) == ["make", "run", "serve"]
    assert demo(as_of=None, keep_up=False) == ["make", "run"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"seed": 8}, id="seed"),
        pytest.param({"leads": 500}, id="leads"),
        pytest.param({"as_of": date(2026, 11, 19)}, id="night"),
    ],
)
def test_a_demo_of_something_else_is_made_anew(demo: Demo, other: dict[str, Any]) -> None:
    demo(keep_up=False)
    assert demo(**other) == ["make", "run", "serve"]


def test_a_demo_of_other_code_is_made_anew(demo: Demo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    demo(keep_up=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "funnels.csv").write_text("funnel\n")
    monkeypatch.setattr(show, "DEMO_CONFIG", tmp_path / "other")
    assert demo() == ["make", "run", "serve"]


def test_a_demo_that_was_not_published_or_was_interrupted_is_made_anew(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert demo(is_published=False) == ["make", "run", "serve"]
    assert demo() == ["make", "run", "serve"]

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(show, "run_night", interrupted)
        with pytest.raises(KeyboardInterrupt):
            demo(keep_up=False)
    assert demo() == ["make", "run", "serve"]
