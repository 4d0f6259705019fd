"""Wildcard patterns: `*` is anything, all else means itself."""

import pandas as pd
import pytest

from funnel_etl.core.values.patterns import matches
from funnel_etl.core.values.text import lookup_keys


@pytest.mark.parametrize(
    ("pattern", "value", "matched"),
    [
        pytest.param("*webinar*", "Nov Webinar 2", True, id="star_on_both_sides"),
        pytest.param("*webinar*", "webinar", True, id="star_is_also_nothing"),
        pytest.param("fb*", "fb_ads", True, id="star_at_the_end"),
        pytest.param("fb*", "my fb", False, id="the_whole_value_must_match"),
        pytest.param("FB Ads", " fb   ads ", True, id="case_and_blanks_do_not_matter"),
        pytest.param("a.c", "abc", False, id="a_point_is_a_point"),
        pytest.param("call?", "calls", False, id="a_question_mark_is_itself"),
        pytest.param("call?", "call?", True, id="and_matches_itself"),
        pytest.param("a[b]", "a[b]", True, id="brackets_are_themselves"),
        pytest.param("a*b*c", "a-b-b-c", True, id="several_stars"),
        pytest.param("", "anything", True, id="blank_is_anything"),
        pytest.param("", "", True, id="blank_is_also_nothing"),
        pytest.param("  ", "anything", True, id="blanks_are_blank"),
        pytest.param("*", "", True, id="star_alone_is_also_nothing"),
        pytest.param("*x", "", False, id="something_is_not_nothing"),
    ],
)
def test_a_pattern_matches_as_the_config_tables_say(pattern: str, value: str, *, matched: bool) -> None:
    keys = lookup_keys(pd.Series([value], dtype="str"))
    assert matches(keys, pattern).tolist() == [matched]


def test_matches_keep_the_index_of_the_values() -> None:
    keys = pd.Series(["a", "b"], index=[7, 3], dtype="str")
    assert matches(keys, "b").to_dict() == {7: False, 3: True}


def test_no_values_give_no_matches() -> None:
    found = matches(pd.Series([], dtype="str"), "a*")
    assert found.empty
    assert found.dtype == bool
