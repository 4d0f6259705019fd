"""Which known name is the most similar, and when none is near enough."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.marts.funnel.worklist.similar_names import CHUNK, known_names, known_sources, suggestions

KNOWN = pd.DataFrame(
    {"name": ["TLS Webinar", "Facebook Lead Form", "Google Search"], "funnel": ["Webinar", "Meta Ads", "Google Ads"]}
)


@pytest.mark.parametrize(
    ("name", "funnel"),
    [
        pytest.param("facebook_lead_form_v2", "Meta Ads", id="more_words_and_punctuation"),
        pytest.param("Form Lead Facebook", "Meta Ads", id="other_order"),
        pytest.param("TLS Webniar", "Webinar", id="typing_error"),
        pytest.param("Newspaper", None, id="nothing_near"),
        pytest.param("???", None, id="no_letters"),
    ],
)
def test_the_most_similar_name_is_suggested_if_it_is_near(name: str, funnel: str | None) -> None:
    found = suggestions(pd.Series([name], dtype="str", index=[7]), KNOWN)
    assert found.index.tolist() == [7]
    assert (found["suggested_funnel"].iloc[0] if funnel else found["suggested_funnel"].isna().iloc[0]) == (
        funnel or True
    )
    assert found["similarity"].dropna().between(0.6, 1).all()


def test_the_same_name_is_1_and_of_equal_ones_the_first_by_alphabet() -> None:
    known = pd.DataFrame({"name": ["B x", "A x"], "funnel": ["2", "1"]})
    found = suggestions(pd.Series(["tls-webinar", "C x", None], dtype="str"), pd.concat([KNOWN, known]))
    assert found["similarity"].iloc[0] == 1.0
    assert found["suggested_from"].iloc[1] == "A x"
    assert found["similarity"].isna().iloc[2]


def test_many_names_are_compared_in_pieces_each_with_its_own_answer() -> None:
    names = pd.Series([f"Newspaper {n}" for n in range(CHUNK)] + ["Google Search"], dtype="str")
    found = suggestions(names, KNOWN)
    assert found["suggested_from"].dropna().to_dict() == {CHUNK: "Google Search"}


def test_a_source_with_dated_lines_has_the_funnel_of_as_of_else_of_its_last_line(
    config_of: Callable[..., Config],
) -> None:
    lines = (
        "source,funnel,valid_from,valid_to\nA,Old,,2026-10-31\nA,New,2026-11-01,\nB,X,,2026-01-31\nB,Y,,2026-02-28\n"
    )
    config = config_of(
        funnels="funnel\nOld\nNew\nX\nY\n", funnel_mapping=lines, manual_value_funnel="manual_value,funnel\nv,old\n"
    )

    def by_name(day: str) -> dict[str, str]:
        known = known_sources(config, pd.Timestamp(day))
        return dict(zip(known["name"], known["funnel"], strict=True))

    assert by_name("2026-11-20") == {"A": "New", "B": "Y"}
    assert by_name("2026-10-31")["A"] == "Old"
    names = known_names(config, pd.Timestamp("2026-11-20"))
    assert set(zip(names["name"], names["funnel"], strict=True)) >= {("New", "New"), ("v", "Old"), ("A", "New")}
