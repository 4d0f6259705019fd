"""What changes something: refused to who may not, and written down before and after."""

from typing import cast

import pytest
import streamlit as st

from funnel_etl.app.access import Person, Role
from funnel_etl.app.acting import act
from funnel_etl.app.visit import Visit
from funnel_etl.core.errors import FunnelError

ROLES = frozenset({Role.OPERATOR})


class Written:
    """A visit that keeps what is written down."""

    def __init__(self, role: Role) -> None:
        self.person = Person("a@example.org", frozenset({role}))
        self.log: list[tuple[str, str, str]] = []

    def did(self, action: str, about: str, outcome: str) -> None:
        self.log.append((action, about, outcome))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(st, "error", lambda text, **_: said.append(text))
    monkeypatch.setattr(st, "rerun", lambda: said.append("drawn anew"))
    return said


def test_who_may_not_does_nothing_and_the_log_says_so(shown: list[str]) -> None:
    visit = Written(Role.VIEWER)
    done: list[str] = []
    act(cast("Visit", visit), ROLES, "release", "3 held", lambda: done.append("x") or "done")
    assert done == []
    assert visit.log == [("release", "3 held", "refused")]
    assert shown == ["Your role may not do this. Ask the engineer."]


def test_what_fails_is_a_sentence_and_not_said_to_be_done(shown: list[str]) -> None:
    visit = Written(Role.OPERATOR)

    def fail() -> str:
        raise FunnelError("the row is gone", fix="look again")

    act(cast("Visit", visit), ROLES, "decide", "k1", fail)
    assert visit.log == [("decide", "k1", "begun"), ("decide", "k1", "failed")]
    assert shown == ["The row is gone. Nothing was changed. What to do: look again."]


def test_what_is_done_is_written_down_with_what_came_of_it(shown: list[str]) -> None:
    visit = Written(Role.OPERATOR)
    act(cast("Visit", visit), ROLES, "decide", "k1", lambda: "1 given up.")
    assert visit.log == [("decide", "k1", "begun"), ("decide", "k1", "1 given up.")]
    assert shown == ["drawn anew"]
