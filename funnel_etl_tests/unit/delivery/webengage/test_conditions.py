"""What blocks the publication of candidates."""

import json
from typing import Any

import pandas as pd
import pytest

from funnel_etl.delivery.webengage import conditions
from funnel_etl.delivery.webengage.contracts import CHANNELS
from funnel_etl.parts.marketing.zoom.clean.contracts import ZOOM_ATTENDANCE
from funnel_etl_tests.deciding import (
    ASHA,
    rows,
)


def fails(outcome: Any, attendance: pd.DataFrame) -> set[str]:
    frames = {"attendance": attendance}
    sums = {
        name: held(outcome.rows, frames, pd.Timestamp("2026-11-20")) for name, held in conditions.CONDITIONS.items()
    }
    return {name for name, (found, wanted) in sums.items() if found != wanted}


BREAKING = {
    "a_value_of_1000": ("attended", "payload", lambda text: text.replace("ACCA career webinar", "x" * 1000)),
    "a_time_with_a_z": ("attended", "payload", lambda text: text.replace("19:04:00+0530", "13:34:00Z")),
    "a_blank_value": ("attended", "payload", lambda text: text.replace("Taran Belwick", "")),
    "a_reserved_name": ("attended", "payload", lambda text: text.replace("Plutus Webinar Attended", "we_x")),
    "types_of_other_attributes": ("attended", "attribute_types", lambda text: text.replace("Conductor", "Host")),
    "a_withdrawal": ("attended", "consent", lambda text: text.replace("granted", "withdrawn")),
    "a_suppression": ("user", "consent", lambda _: json.dumps(dict.fromkeys(CHANNELS, "suppressed"))),
    "a_flag_nobody_agreed_to": ("user", "payload", lambda text: text.replace('"smsOptIn":false', '"smsOptIn":true')),
    "no_flag_of_who_refused": ("user", "payload", lambda text: text.replace('"smsOptIn":false,', "")),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_payload_that_must_not_be_sent_blocks_the_publication(decide, table_of, name: str) -> None:
    outcome, attendance = decide([ASHA]), rows(table_of, ZOOM_ATTENDANCE, [ASHA])
    assert fails(outcome, attendance) == set()
    kind, column, broken = BREAKING[name]
    at = outcome.rows["kind"] == kind
    outcome.rows.loc[at, column] = outcome.rows.loc[at, column].map(broken)
    assert len(fails(outcome, attendance)) == 1


def test_an_event_of_a_no_show_and_one_that_stands_twice_block_the_publication(decide, table_of) -> None:
    outcome = decide([ASHA])
    assert fails(outcome, rows(table_of, ZOOM_ATTENDANCE, [ASHA | {"attended": "false"}])) == {"nobody_absent"}
    outcome.rows = pd.concat([outcome.rows, outcome.rows.assign(candidate_id="x")], ignore_index=True)
    assert "everybody_once" in fails(outcome, rows(table_of, ZOOM_ATTENDANCE, [ASHA]))
