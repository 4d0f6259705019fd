"""When a refresh is asked for, when it gives way, and that no report is ever forgotten."""

from datetime import date

import pytest

from funnel_etl.parts.marketing.zoom.refresh import ATTEMPTS, Remembered, Situation, batch_key, decide

NIGHT = date(2026, 10, 31)
PENDING = Remembered(taken="t", shown="s", pending=("a", "b"))


def situation(**facts: object) -> Situation:
    return Situation(night=NIGHT, **facts)  # type: ignore[arg-type]


def test_new_reports_ask_for_one_refresh_of_all_of_them() -> None:
    verdict = decide(PENDING, situation())
    assert verdict.run_key == batch_key(NIGHT, ["a", "b"])
    assert verdict.files == verdict.remembered.asked == ("a", "b")
    assert (verdict.remembered.taken, verdict.remembered.shown) == ("t", "s")


def test_without_new_reports_nothing_is_asked_for() -> None:
    verdict = decide(Remembered(), situation())
    assert (verdict.run_key, verdict.why) == (None, "nothing new and settled")


def test_reports_the_night_works_with_already_are_not_asked_for() -> None:
    verdict = decide(PENDING, situation(used=frozenset({"a", "b", "c"})))
    assert (verdict.run_key, verdict.remembered.pending) == (None, ())


def test_a_withdrawn_report_the_night_works_with_asks_for_a_refresh_and_one_it_does_not_for_none() -> None:
    used, gone = frozenset({"a", "b"}), frozenset({"b"})
    assert decide(Remembered(pending=("b",)), situation(used=used, withdrawn=gone)).files == ("b",)
    assert decide(Remembered(pending=("b",)), situation(used=used - gone, withdrawn=gone)).run_key is None


def test_a_report_that_counts_again_asks_for_a_refresh() -> None:
    assert decide(Remembered(pending=("a", "b")), situation(used=frozenset({"a"}))).files == ("b",)


def test_only_what_the_night_does_not_work_with_is_asked_for() -> None:
    assert decide(PENDING, situation(used=frozenset({"a"}))).files == ("b",)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        pytest.param({"under_way": "nightly"}, "nightly is queued or running", id="night_running"),
        pytest.param({"under_way": "zoom_refresh"}, "zoom_refresh is queued", id="refresh_running"),
        pytest.param({"missing": ("clean.sales",)}, "has not made clean.sales", id="night_not_made"),
        pytest.param({"rest": 3}, "3 more files are being taken", id="files_still_coming"),
        pytest.param(
            {"under_way": "nightly", "used": frozenset({"a", "b"})}, "nightly is", id="night_running_that_has_them"
        ),
    ],
)
def test_it_gives_way_says_why_and_keeps_what_is_not_worked_in(facts: dict[str, object], why: str) -> None:
    verdict = decide(PENDING, situation(**facts))
    assert verdict.run_key is None
    assert why in verdict.why
    assert "2 reports wait" in verdict.why
    assert verdict.remembered == PENDING
    assert decide(verdict.remembered, situation()).files == ("a", "b"), "the next look asks for them"


ASKED = Remembered(pending=("a", "b"), asked=("a", "b"), run_key="k", attempt=1)


def test_a_refresh_that_went_well_is_forgotten() -> None:
    done = decide(ASKED, situation(asked_run="done", used=frozenset({"a", "b"}))).remembered
    assert (done.pending, done.asked, done.run_key) == ((), (), "")


def test_a_refresh_that_failed_is_asked_for_again_under_another_key_even_if_its_files_count_as_used() -> None:
    verdict = decide(ASKED, situation(asked_run="failed", used=frozenset({"a", "b"})))
    assert verdict.files == ("a", "b")
    assert verdict.run_key == batch_key(NIGHT, ["a", "b"], 2)
    assert verdict.run_key != batch_key(NIGHT, ["a", "b"])
    assert verdict.remembered.attempt == 2


def test_new_reports_join_a_refresh_that_failed() -> None:
    later = Remembered(pending=("a", "b", "c"), asked=("a", "b"), run_key="k", attempt=1)
    assert decide(later, situation(asked_run="failed", used=frozenset({"a", "b"}))).files == ("a", "b", "c")


def test_it_does_not_try_for_ever() -> None:
    remembered = ASKED
    asked = 0
    for _ in range(10):
        verdict = decide(remembered, situation(asked_run="failed"))
        asked += verdict.run_key is not None
        remembered = verdict.remembered
        if not remembered.run_key:
            break
    assert asked == ATTEMPTS - 1, "the first one was asked for before"
    assert remembered.pending == ()


def test_a_refresh_whose_run_was_never_made_is_asked_for_again_under_the_same_key() -> None:
    first = decide(PENDING, situation())
    assert decide(first.remembered, situation(asked_run=None)).run_key == first.run_key


def test_a_batch_is_named_by_its_files_whatever_their_order_and_by_its_night() -> None:
    assert batch_key(NIGHT, ["b", "a"]) == batch_key(NIGHT, ["a", "b"])
    assert batch_key(NIGHT, ["a"]) != batch_key(NIGHT, ["a", "b"])
    assert batch_key(NIGHT, ["a"]) != batch_key(date(2026, 10, 30), ["a"])


def test_what_is_remembered_comes_back_from_the_cursor() -> None:
    assert Remembered.from_cursor(ASKED.to_cursor()) == ASKED


@pytest.mark.parametrize("cursor", [None, "", "{", "[]", '"x"', '{"unknown": 1}'])
def test_a_cursor_that_cannot_be_read_is_a_fresh_start(cursor: str | None) -> None:
    assert Remembered.from_cursor(cursor) == Remembered()
