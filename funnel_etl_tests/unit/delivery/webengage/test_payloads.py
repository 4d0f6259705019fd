"""Payloads: attributes with their types, and the limits of WebEngage."""

import json
from typing import Any

import pytest

from funnel_etl_tests.deciding import ASHA, ATTRIBUTES, PROFILES, WEBINAR, Row, one


def test_the_same_night_gives_the_same_ids_and_bytes_whatever_the_order_of_rows(decide) -> None:
    people = [ASHA | {"person_key": str(n), "user_id": f"91987651234{n}"} for n in range(4)]
    granted = [each["user_id"] for each in people]
    first, second = (decide(order, granted=granted).rows for order in (people, people[::-1]))
    columns = ["candidate_id", "payload_sha256", "key_parts"]
    assert sorted(map(tuple, first[columns].to_numpy().tolist())) == sorted(
        map(tuple, second[columns].to_numpy().tolist())
    )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        pytest.param("attended,X,{minutes},text,", "57", id="a_number_as_text"),
        pytest.param("attended,X,{joined_at},text,", "2026-11-20 19:04:00", id="an_instant_as_text"),
        pytest.param("attended,X,{event_date},text,", "2026-11-20", id="a_day_as_text"),
        pytest.param("attended,X,{is_guest},boolean,", True, id="a_boolean"),
        pytest.param("attended,X,{is_guest},text,", "Yes", id="a_boolean_as_text"),
        pytest.param("attended,X,=2,number,", 2, id="a_constant_number"),
        pytest.param("attended,X,=2.5,number,", 2.5, id="a_constant_fraction"),
        pytest.param("attended,X,=yes,boolean,", True, id="a_constant_boolean"),
        pytest.param("attended,X,=2026-11-20,date,", "2026-11-20T00:00:00+0530", id="a_constant_day"),
        pytest.param("attended,X,= hello world ,text,", "hello world", id="a_constant_text"),
        pytest.param("attended,X,{registered_at},date,", None, id="blank_is_left_out"),
        pytest.param("attended,X,=a,text,other*", None, id="of_another_profile"),
        pytest.param("attended,X,=a,text,CAME\nattended,X,=b,text,", "a", id="the_first_that_fits"),
        pytest.param("attended,X,=a,text,other\nattended,X,=b,text,", "b", id="the_next_that_fits"),
        pytest.param("registered,X,=a,text,", None, id="of_another_kind"),
    ],
)
def test_an_attribute_has_the_type_that_its_line_says(decide, line: str, value: Any) -> None:
    header = ATTRIBUTES.splitlines()[0]
    row = one(decide([ASHA | {"is_guest": "true"}], delivery_attributes=f"{header}\n{line}\n"), "attended")
    data = json.loads(row["payload"])["eventData"]
    assert data.get("X") == value
    assert type(data.get("X")) is type(value)
    assert set(json.loads(row["attribute_types"])) == set(data)


def lines(*names: str, value: str = "=a", kind: str = "text") -> str:
    header = ATTRIBUTES.splitlines()[0]
    return "\n".join([header, *(f"attended,{name},{value},{kind}," for name in names)]) + "\n"


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        pytest.param({"delivery_attributes": lines("x" * 49)}, None, id="49_characters"),
        pytest.param({"delivery_attributes": lines("x" * 50)}, "attribute_too_long", id="50_characters"),
        pytest.param(
            {"delivery_attributes": lines("x" * 50, value="{conductor}")}, "attribute_too_long", id="a_column"
        ),
        pytest.param({"delivery_attributes": lines(*(f"x{n}" for n in range(25)))}, None, id="25_of_a_type"),
        pytest.param({"delivery_attributes": lines(*(f"x{n}" for n in range(26)))}, "too_many_attributes", id="26"),
        pytest.param({"delivery_attributes": lines("we_x")}, "reserved_name", id="a_reserved_attribute"),
        pytest.param({"zoom_profiles": PROFILES.replace("Plutus Webinar Attended", "x" * 49)}, None, id="a_name_of_49"),
        pytest.param(
            {"zoom_profiles": PROFILES.replace("Plutus Webinar Attended", "x" * 50)}, "name_too_long", id="a_name_of_50"
        ),
        pytest.param(
            {"zoom_profiles": PROFILES.replace("Plutus Webinar Attended", "we_came")}, "reserved_name", id="reserved"
        ),
    ],
)
def test_what_webengage_would_drop_in_silence_is_in_quarantine(decide, tables: Row, reason: str | None) -> None:
    outcome = decide([ASHA], **tables)
    assert outcome.quarantine["reason"].tolist() == ([reason] if reason else [])
    assert len(outcome.rows) == (0 if reason else 2)


def test_25_of_each_type_are_sent(decide) -> None:
    own = (
        lines(*(f"t{n}" for n in range(25)))
        + lines(*(f"n{n}" for n in range(25)), value="=1", kind="number").split("\n", 1)[1]
    )
    assert len(json.loads(one(decide([ASHA], delivery_attributes=own), "attended")["payload"])["eventData"]) == 50


@pytest.mark.parametrize(("length", "kept", "warnings"), [(999, 999, 0), (1000, 999, 1), (3000, 999, 1)])
def test_a_value_that_is_too_long_is_cut_with_a_warning(decide, length: int, kept: int, warnings: int) -> None:
    outcome = decide([ASHA], webinars=[WEBINAR | {"topic": "क" * length}])
    payload = json.loads(one(outcome, "attended")["payload"])
    assert len(payload["eventData"]["WebinarName"]) == kept
    assert sum(line.cell_warnings for line in outcome.ledger) == warnings


def test_without_people_and_without_config_there_is_nothing(decide) -> None:
    assert not len(decide(webinars=[], granted=[]).rows)
