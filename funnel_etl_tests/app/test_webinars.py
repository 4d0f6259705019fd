"""Webinars: who has which score and why, from which files, and whether the score predicts sales."""

import math
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import Person, Role
from funnel_etl.core.values.numbers import grouped
from funnel_etl_tests.app.test_names import lay_webinar
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow
LEAD = Person("lead@example.org", frozenset({Role.SALES}))
NEWEST = (
    "SELECT s.* FROM mart.engagement_scores AS s JOIN clean.webinars AS e USING (occurrence_id) "
    "ORDER BY e.event_date DESC, occurrence_id DESC"
)


def shown(seen: AppTest, column: str) -> AppTest:
    return next(each.value for each in seen.dataframe if column in each.value)


def why(seen: AppTest, label: str) -> AppTest:
    box = next(each for each in seen.selectbox if each.label.startswith("Why has"))
    return box.select(next(each for each in box.options if label in each)).run()


def test_the_people_are_those_of_the_table_the_highest_score_first(
    demo: Installation, tester: Callable[..., AppTest]
) -> None:
    seen = tester("webinars", demo, LEAD)
    assert not seen.exception
    scores = demo.query(NEWEST)
    scores = scores[scores["occurrence_id"] == scores["occurrence_id"].iloc[0]]
    assert (
        f"{grouped(len(scores))} people, {grouped(int(scores['score'].notna().sum()))} scored" in seen.markdown[0].value
    )
    people = shown(seen, "attendance_pct")
    assert people["score"].dropna().tolist() == sorted(scores["score"].dropna(), reverse=True)
    assert people["tier"].value_counts().to_dict() == scores["tier"].value_counts().to_dict()


def test_the_score_of_each_follows_from_the_parts_that_are_shown(
    demo: Installation, tester: Callable[..., AppTest]
) -> None:
    seen = tester("webinars", demo, LEAD)
    people = shown(seen, "attendance_pct")
    of_tiers = people.dropna(subset="score").drop_duplicates("tier")
    assert len(of_tiers) > 1
    for name, score in of_tiers[["name", "score"]].itertuples(index=False):
        seen = why(seen, f"{name},")
        parts = shown(seen, "component")
        known = parts.dropna(subset="points")
        sums = (known["points"] * known["weight"]).sum() / known["weight"].sum()
        assert math.floor(sums + 0.5) == score
        assert any(f"**{score}, " in each.value for each in seen.markdown)
        assert set(known["known"]) == {"yes"}


def test_evidence_leads_to_the_lines_that_were_counted(
    new_installation: Callable[[], Installation], tester: Callable[..., AppTest]
) -> None:
    made = new_installation()
    lay_webinar(made)
    found = made.query(
        "SELECT p.display_name, s.messages, s.tier, f.name AS file, m.source_row AS line "
        "FROM mart.engagement_scores AS s JOIN clean.engagement_people AS p USING (occurrence_id, person_key) "
        "JOIN clean.chat_messages AS m USING (occurrence_id, person_key) JOIN ops.engagement_files AS f "
        "ON f.file_id = m.file_id WHERE s.messages = 1 ORDER BY s.person_key LIMIT 1"
    ).iloc[0]
    seen = why(tester("webinars", made, LEAD), f"{found['display_name']},")
    assert not seen.exception
    evidence = shown(seen, "line")
    assert ["Message", found["file"], found["line"]] in evidence.to_numpy().tolist()
    assert (
        shown(seen, "private_count")["rows_count"].tolist()
        == made.query("SELECT rows_count FROM ops.engagement_files")["rows_count"].tolist()
    )


def test_whether_it_predicts_is_said_with_its_interval(demo: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("webinars", demo, LEAD)
    rows = demo.query("SELECT * FROM mart.score_calibration WHERE product = '(all)' AND split = 'tier'")
    assert len(rows) > 0
    table = shown(seen, "wilson_low")
    assert table["buyers"].sum() == rows["buyers"].sum()
    assert (table["wilson_low"] <= table["rate"]).all()


def test_webinars_of_others_are_not_shown_and_without_a_role_none(
    demo: Installation, tester: Callable[..., AppTest]
) -> None:
    other = Person("other@example.org", frozenset({Role.SALES}), conductors=frozenset({"nobody"}))
    seen = tester("webinars", demo, other)
    assert seen.info[0].value == "None of the webinars that have scores is yours."
    assert not seen.dataframe
    seen = tester("webinars", demo, Person("viewer@example.org", frozenset({Role.VIEWER})))
    assert seen.error[0].value.startswith("This page is not among those of your role.")
    assert not seen.dataframe


def test_before_a_webinar_is_scored_it_says_so(
    new_installation: Callable[[], Installation], tester: Callable[..., AppTest]
) -> None:
    seen = tester("webinars", new_installation(), LEAD)
    assert not seen.exception
    assert seen.info[0].value.startswith("No night has scored a webinar yet.")
