"""Decisions of people are kept in the landing archive; a later one replaces or undoes an earlier one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from funnel_etl.core.errors import FunnelError
from funnel_etl.sources.archive.decisions import SOURCE, accept_refused, accepted_refused, decide, decisions, in_force
from funnel_etl.sources.archive.landing import Landing


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def test_a_decision_holds_until_it_is_undone_and_may_be_made_again(landing: Landing) -> None:
    decide(landing, "withdrawn", "a", "wrong account")
    decide(landing, "withdrawn", "b", "a test")
    assert {name: one.why for name, one in in_force(landing, "withdrawn").items()} == {
        "a": "wrong account",
        "b": "a test",
    }
    decide(landing, "withdrawn", "a", "it was right", is_undone=True)
    assert in_force(landing, "withdrawn").keys() == {"b"}
    assert decisions(landing, "withdrawn")["a"].is_undone
    decide(landing, "withdrawn", "a", "wrong account")
    assert in_force(landing, "withdrawn").keys() == {"a", "b"}
    assert len(landing.arrivals(SOURCE)) == 4


def test_kinds_do_not_touch_each_other(landing: Landing) -> None:
    decide(landing, "withdrawn", "a", "one")
    decide(landing, "confirmed", "a", "other", is_undone=True)
    assert in_force(landing, "withdrawn")["a"].why == "one"
    assert in_force(landing, "confirmed") == {}


@pytest.mark.parametrize(
    ("why", "what"),
    [
        ("asked by asha@example.com", "e-mail"),
        ("call 98765 43210", "number"),
        ("call +91-98765-43210", "number"),
        ("९८७६५४३२१०", "number"),
        (" \u200b ", "empty"),
        ("x" * 501, "longer"),
    ],
)
def test_a_reason_is_a_sentence_without_anybodys_phone_or_address(landing: Landing, why: str, what: str) -> None:
    with pytest.raises(FunnelError, match=what) as error:
        decide(landing, "withdrawn", "a", why)
    assert "98765" not in str(error.value) and "asha" not in str(error.value)  # noqa: PT018
    assert landing.arrivals(SOURCE) == []


def test_days_and_counts_may_stand_in_a_reason(landing: Landing) -> None:
    assert decide(landing, "withdrawn", "a", "is of 5 Nov 2026, 18:55,  not\n11 May").why == (
        "is of 5 Nov 2026, 18:55, not 11 May"
    )


def test_what_was_confirmed_before_confirmations_were_decisions_still_holds(landing: Landing) -> None:
    old = json.dumps({"source": "crm_sales", "file_id": "a" * 64, "refusal": "few keys"}).encode()
    landing.put("confirmations", "confirmation", "crm_sales.json", old, received_at=datetime.now(UTC))
    accept_refused(landing, "crm_sales", "b" * 64, "20 keys are gone, 25.0%: 60 keys now, 80 on 2026-11-02")
    accept_refused(landing, "tofu_leads", "c" * 64, "few keys")
    assert accepted_refused(landing, "crm_sales") == ["a" * 64, "b" * 64]
    landing.put("crm_sales", "pull", "sales.csv", b"taken since", received_at=datetime.now(UTC))
    assert accepted_refused(landing, "crm_sales") == []
    assert accepted_refused(landing, "tofu_leads") == ["c" * 64]
