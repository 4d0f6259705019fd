"""JSON is read into the same text as CSV; its records stand where the eraser takes them out."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.reading.json_records import record_lists
from funnel_etl.core.reading.jsonfile import read_json
from funnel_etl.core.reading.person_matcher import PersonMatcher, redact_json

PERSON = "9876500001"
MATCHER = PersonMatcher(
    {f"phone:{PERSON}", "email:asha@example.org"}.__contains__, frozenset({10}), {"_id": frozenset({"S1"})}
)
ODD = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", 'q"q', "n\nl", "é\u2028", "a,b", "]", "}{", PERSON, f"+91 {PERSON}", "asha@example.org"]),
    st.just({"deep": [{"phone": PERSON}]}),
    st.just([1, {"a": []}]),
)
ROWS = st.lists(
    st.one_of(st.none(), st.dictionaries(st.sampled_from(["id", "phone", "note", "a b"]), CELLS)), max_size=6
)


def rows(text: str, under: str = "") -> list[dict[str, str]]:
    frame = read_json(text.encode(), under).rows
    return frame.drop(columns=["source_row", "row_problem", "row_overflow"]).to_dict("records")


def test_everything_is_text_and_numbers_keep_their_spelling() -> None:
    text = (
        '[{"n": 1.50, "big": 98765432109876543210, "e": -1E+5, "t": true, "s": " 07 ", "o": {"a": 1.0}, "l": [1, 2 ]}]'
    )
    assert rows(text) == [
        {
            "n": "1.50",
            "big": "98765432109876543210",
            "e": "-1E+5",
            "t": "true",
            "s": " 07 ",
            "o": '{"a": 1.0}',
            "l": "[1, 2 ]",
        }
    ]


def test_null_and_a_missing_key_are_blank_and_an_object_without_anything_is_a_blank_row() -> None:
    records = read_json(b'[{"a": null, "b": 1}, {}, null, {"a": "", "b": " "}, {"c": "x"}]')
    assert records.rows["source_row"].tolist() == [1, 5]
    assert records.blank_rows == [2, 3, 4]
    assert records.rows[["a", "b", "c"]].to_numpy().tolist() == [["", "1", ""], ["", "", "x"]]


def test_a_list_under_keys_is_found_and_numbered_behind_the_lists_before_it() -> None:
    text = '{"included": [{"x": 1}], "tags": ["a"], "data": {"items": [{"id": 1}, {"id": 2}]}}'
    assert read_json(text.encode(), "data.items").rows["source_row"].tolist() == [2, 3]
    assert rows(text, "included") == [{"x": "1"}]


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_encoding_is_read(coding: str) -> None:
    assert read_json('[{"é": "ü"}]'.encode(coding)).rows["é"].tolist() == ["ü"]


def test_what_the_database_cannot_hold_goes() -> None:
    assert rows(r'[{"a": "x\u0000y", "b": "\ud800", "c": "\ud83d\ude00"}]') == [{"a": "xy", "b": "\ufffd", "c": "😀"}]


@pytest.mark.parametrize(
    ("text", "under", "why"),
    [
        ('[{"a": 1}', "", "no whole JSON"),
        ('[{"a": 1}] x', "", "no whole JSON"),
        ('[{"a": 1,}]', "", "no whole JSON"),
        ('[{"a": NaN}]', "", "no whole JSON"),
        ("[" * 100_000, "", "no whole JSON"),
        ('[{"a": 1}, 2]', "", "no list of objects"),
        ('{"error": "x"}', "data", "no list of objects under 'data'"),
        ('[{"a": 1, "a": 2}]', "", "object 1 has a key twice"),
        ('[{"9876500001": 1}]', "", "keys hold an e-mail address or a phone"),
    ],
)
def test_what_is_no_whole_list_of_objects_is_refused(text: str, under: str, why: str) -> None:
    with pytest.raises(SourceRejected, match=re.escape(why)) as refused:
        read_json(text.encode(), under)
    assert PERSON not in str(refused.value)


@pytest.mark.slow
@ODD
@given(ROWS, st.sampled_from([None, 2]), st.booleans(), st.sampled_from(["utf-8", "utf-16"]))
def test_taking_a_person_out_changes_no_other_record(
    made: list[dict[str, object] | None], indent: int | None, escaped: bool, coding: str
) -> None:
    data = json.dumps({"of": PERSON, "data": made}, indent=indent, ensure_ascii=escaped).encode(coding)
    before, left = read_json(data, "data"), redact_json(data, MATCHER)
    assert left is not None
    after = read_json(left.data, "data")
    named = {at for at, row in enumerate(made, 1) if row and (PERSON in json.dumps(row) or "asha@" in json.dumps(row))}
    assert set(left.lines) == named
    assert PERSON not in left.data.decode(coding)
    kept = before.rows[~before.rows["source_row"].isin(named)].reset_index(drop=True)
    assert after.rows["source_row"].tolist() == kept["source_row"].tolist()
    assert after.rows.equals(kept[after.rows.columns])
    assert set(after.blank_rows) == set(before.blank_rows) | named


def test_a_record_with_only_an_id_of_the_person_goes_and_escapes_hide_nobody() -> None:
    hidden = rb'{"x": "asha\u0040example.org"}, {"x": "\nasha@example.org"}'
    data = b'[{"_id": "S1"}, ' + hidden + b', {"_id": "S4"}]'
    left = redact_json(data, MATCHER)
    assert left is not None
    assert (left.lines, left.data) == ((1, 2, 3), b'[null, null, null, {"_id": "S4"}]')


def test_records_are_found_in_time() -> None:
    text = json.dumps([{"id": n, "deep": {"a": [n] * 5}} for n in range(20_000)])
    (found,) = record_lists(text)
    assert len(found.spans) == 20_000
