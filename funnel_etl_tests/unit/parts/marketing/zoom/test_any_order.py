"""Any order of arrival of the same files gives the same tables: sequences of exports, whole and in part."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

FIRST, SECOND = "2026-04-01 14:38", "2026-04-08 14:40"


def person(name: str, day: str = "2026-04-01", **cells: Any) -> dict[str, Any]:
    came = {"attended": True, "joined_at": f"{day} 14:40:00", "left_at": f"{day} 15:10:00", "minutes": 30}
    registered = {"registered_at": "2026-03-20 10:00:00", "approval_status": "approved"}
    return {"user_name": name, "email": f"{name}@example.com"} | came | registered | cells


def registrant(name: str, **cells: Any) -> dict[str, Any]:
    registered = {"registered_at": "2026-03-20 10:00:01", "approval_status": "approved"}
    return {"first_name": name, "email": f"{name}@example.com"} | registered | cells


GONE = {"attended": False, "joined_at": None, "left_at": None, "minutes": None}
ASHA, BINU, CHITRA = person("asha"), person("binu", phone="9876500002"), person("chitra")
CALLER = {"user_name": "Caller", "section": "other", "attended": True, "joined_at": FIRST}
HOST = {"section": "host", "user_name": "Meera", "email": "meera@example.com", "attended": True}
SERIES = {"topic": "Plutus ACCA Masterclass"}
CAMP = {"webinar_id": "222", "profile": "plutus_boot"}
FILES: list[tuple[str, str, str, list[dict[str, Any]], dict[str, Any]]] = [
    ("attendee", "partial", FIRST, [HOST, ASHA, CALLER], {"generated_at": "2026-04-01 15:00", **SERIES}),
    ("attendee", "fuller", FIRST, [HOST, ASHA, BINU, CHITRA, CALLER], {"generated_at": "2026-04-02 09:00", **SERIES}),
    ("attendee", "twin", FIRST, [HOST, ASHA, BINU, CHITRA, CALLER], {"generated_at": "2026-04-02 09:00", **SERIES}),
    ("attendee", "subset", FIRST, [ASHA, CALLER], {"generated_at": "2026-04-03 09:00", "topic": "A subset's topic"}),
    (
        "attendee",
        "contradicting",
        FIRST,
        [HOST, ASHA | GONE, BINU | {"minutes": 12, "phone": "9876500003"}, person("dev")],
        {"generated_at": "2026-04-04 09:00", **SERIES},
    ),
    (
        "attendee",
        "same minute",
        FIRST,
        [HOST, CHITRA | {"phone": "9876500004"}],
        {"generated_at": "2026-04-04 09:00", **SERIES},
    ),
    ("attendee", "no time", FIRST, [person("esha")], {"generated_at": None, **SERIES}),
    ("attendee", "next week", SECOND, [person("asha", "2026-04-08")], {"generated_at": "2026-04-09 09:00", **SERIES}),
    (
        "registration",
        "before",
        "2026-04-01 14:30",
        [registrant("asha", phone="9876500001"), registrant("fay", registered_at="2025-11-03 09:00:00")],
        {"generated_at": "2026-03-31 09:00", "profile": "plutus_web", **SERIES},
    ),
    (
        "registration",
        "after",
        "2026-04-01 14:30",
        [registrant("asha", phone="9876500009"), registrant("gita", approval_status="cancelled by self")],
        {"generated_at": "2026-04-02 09:00", **SERIES},
    ),
    ("registration", "between", "2026-04-09 01:00", [registrant("hari")], {"generated_at": "2026-04-09 02:00"}),
    ("registration", "waiting", "2026-05-06 14:30", [registrant("asha")], {"generated_at": "2026-04-09 02:00"}),
    ("attendee", "camp day 1", "2026-04-04 11:00", [ASHA, CHITRA], {"topic": "Bootcamp Day 1", **CAMP}),
    ("attendee", "camp day 2", "2026-04-05 11:00", [person("asha", "2026-04-05")], {"topic": "Bootcamp Day 2", **CAMP}),
    ("attendee", "no start", None, [ASHA], {}),  # type: ignore[list-item]
]
PROFILES = (
    "name,product,use_case,type,event_names,download_name,category_mode,category,source_tag,topic_pattern\n"
    "plutus_boot,Plutus,Bootcamp,bootcamp_dual,,,auto,,Bootcamp,*bootcamp*\n"
    "plutus_web,Plutus,Webinar,webinar_attended,,,fixed,Talk,Webinar,*plutus*\n"
    "plutus_reg,Plutus,Webinar,registration,,,fixed,Talk,Webinar,*plutus*\n"
)
made: dict[frozenset[int], dict[str, pd.DataFrame]] = {}


def tables(night: Any, order: list[int]) -> dict[str, pd.DataFrame]:
    """Make all clean tables of files that arrived in this order; when a file arrived is all that may differ."""
    night.reports, night.rows = [], {"attendee": [], "registration": []}
    night.config |= {"zoom_profiles": PROFILES, "conductors": "name,conductor\nMeera,Meera Quillon\n"}
    for number, place in enumerate(order):
        report, file_id, start, rows, facts = FILES[place]
        arrived = {"received_at": f"2026-06-01 {number:02}:00"}
        getattr(night, f"{report}_report")(file_id, start, *rows, **facts, **arrived)
    return {name: outcome.rows.drop(columns="received_at", errors="ignore") for name, outcome in night.run().items()}


@given(st.data())
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_arrival_of_the_same_files_gives_the_same_tables(night, data: st.DataObject) -> None:
    whole = data.draw(st.booleans(), label="all files")
    chosen = range(len(FILES)) if whole else data.draw(st.sets(st.sampled_from(range(len(FILES))), min_size=2))
    order = data.draw(st.permutations(sorted(chosen)), label="order")
    key = frozenset(order)
    if key not in made:
        made[key] = tables(night, sorted(order))
    for name, table in tables(night, order).items():
        pd.testing.assert_frame_equal(table, made[key][name], obj=name)


def test_the_sequence_holds_what_it_is_meant_to_hold(night) -> None:
    found = tables(night, list(range(len(FILES))))
    status = found["zoom_reports"].set_index("file_id")["status"].to_dict()
    assert status["subset"] == "subset"
    assert sorted([status["fuller"], status["twin"]]) == ["duplicate", "superseded"]
    assert {status[name] for name in ("contradicting", "next week", "waiting", "camp day 1")} == {"in_force"}
    assert sorted(found["zoom_contradictions"]["column_name"].unique()) == ["attended", "minutes", "phone"]
    attended = found["zoom_attendance"].query("occurrence_id == '111-20260401T1438'").set_index("email")
    assert not attended.loc["asha@example.com", "attended"]
    assert attended.loc["binu@example.com", ["minutes_max", "phone"]].tolist() == [12, "9876500003"]
    assert len(attended) == 6  # asha, binu, chitra, dev, esha, the caller
    occurrences = found["zoom_occurrences"].set_index("occurrence_id")
    assert sorted(occurrences.index) == [
        *("111-20260401T1438", "111-20260408T1440", "111-20260506T1430", "222-20260404T1100", "222-20260405T1100")
    ]
    assert occurrences["has_registration_report"].tolist().count(True) == 3
    registered = found["zoom_registrations"].query("occurrence_id == '111-20260401T1438'")
    assert sorted(registered["registered_at"].dt.month.unique()) == [3, 11]
    assert found["bootcamp_participation"]["bootcamp_days"].value_counts().to_dict() == {"Both": 1, "Day 1": 1}
