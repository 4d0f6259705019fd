from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.demo.recovered import recovery

TRUTH = {
    "files": "source,name,file_id\ntofu_leads,tofu_leads.csv,aaa\nad_spend,ad_spend.csv,bbb\n",
    "phones": (
        "lines,phone,phone_class,broken\n2,9000000001,in_mobile,\n3 9,,invalid,\n4,9000000002,in_mobile,tofu_leads:4\n"
    ),
    "first_leads": "lines,broken,funnel\n2,,Webinar\n3 9,,Webinar\n",
    "first_touch": (
        "sale_id,first_touch_at,first_touch_stage,first_touch_funnel,broken\n"
        "s1,2026-11-01 10:00:00,lead,Webinar,\ns2,,,,\n"
    ),
    "m0": (
        "month,phone,source,funnel,first_employee,current_employee,broken,attended\n"
        "2026-11-01,9000000001,,(no source),Asha,Bilal,,yes\n"
    ),
    "final_funnels": "sale_id,final_funnel,broken\ns1,Webinar,\ns2,Events,\n",
    "spend": (
        "month,funnel,paise,broken_paise,broken\n2026-11-01,Webinar,10000,0,\n2026-11-01,Events,500,100,ad_spend:7\n"
    ),
    "attendance": (
        "webinar_id,started_at,person_key,attended,minutes_union,by_lead,broken\n"
        "81,2026-11-04 19:02:00,9000000001,yes,12,yes,\n81,2026-11-04 19:02:00,email:a@example.com,yes,,no,\n"
    ),
}
PUBLISHED: dict[str, pd.DataFrame] = {
    "ops.quarantine": pd.DataFrame({"file_id": ["aaa", "bbb", "zzz"], "source_row": ["4", "7", "2"]}),
    "clean.tofu_leads": pd.DataFrame(
        {
            "file_id": ["aaa", "aaa"],
            "source_row": ["2", "9"],
            "phone": ["9000000001", None],
            "phone_class": ["in_mobile", "invalid"],
            "funnel": ["Webinar", "Webinar"],
            "is_first": ["yes", "yes"],
        }
    ),
    "mart.attributed_sales": pd.DataFrame(
        {
            "sale_id": ["s1", "s2"],
            "final_funnel": ["Webinar", "Events"],
            "first_touch_at": ["2026-11-01 10:00:00", None],
            "first_touch_stage": ["lead", None],
            "first_touch_funnel": ["Webinar", None],
        }
    ),
    "mart.attributed_m0": pd.DataFrame(
        {
            "month": ["2026-11-01"],
            "phone": ["9000000001"],
            "source": [None],
            "funnel": ["(no source)"],
            "first_employee": ["Asha"],
            "current_employee": ["Bilal"],
            "attended": ["yes"],
        }
    ),
    "mart.spend_by_funnel": pd.DataFrame(
        {"month": ["2026-11-01", "2026-11-01"], "funnel": ["Webinar", "Events"], "paise": ["10000", "400"]}
    ),
    "clean.zoom_attendance": pd.DataFrame(
        {
            "webinar_id": ["81", "81"],
            "person_key": ["9000000001", "email:a@example.com"],
            "attended": ["yes", "yes"],
            "minutes_union": ["12", None],
            "by_lead": ["yes", None],
            "started_at": ["2026-11-04 19:02:00", "2026-11-04 19:02:00"],
        }
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in TRUTH.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def querying(tables: dict[str, pd.DataFrame]) -> Callable[[str], pd.DataFrame]:
    return lambda sql: tables[sql.split(" from ")[1].split()[0]].copy()


def by_name(found: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    columns = (found["what"], found["planted"], found["recovered"], found["missed_in_quarantine"])
    return {what: (planted, got, explained) for what, planted, got, explained in zip(*columns, strict=True)}


def test_what_is_missing_is_explained_by_quarantine_only_where_its_line_is_there(folder: Path) -> None:
    found = by_name(recovery(folder, querying(PUBLISHED)))
    assert found == {
        "phones": (3, 2, 1),
        "first touches": (4, 4, 0),
        "M0": (1, 1, 0),
        "final funnels": (2, 2, 0),
        "spend (paise)": (10_500, 10_400, 100),
        "attendance": (3, 3, 0),
        "phones by e-mail": (1, 1, 0),
    }


def test_without_the_quarantined_lines_nothing_explains_a_miss(folder: Path) -> None:
    found = by_name(recovery(folder, querying(PUBLISHED | {"ops.quarantine": PUBLISHED["ops.quarantine"].iloc[2:]})))
    assert found["phones"] == (3, 2, 0)
    assert found["spend (paise)"] == (10_500, 10_400, 0)


@pytest.mark.parametrize(
    ("table", "column", "wrong", "what", "recovered"),
    [
        ("clean.tofu_leads", "phone", "9000000009", "phones", 0),
        ("clean.tofu_leads", "is_first", "no", "first touches", 2),
        ("mart.attributed_sales", "first_touch_stage", "registration", "first touches", 2),
        ("mart.attributed_sales", "final_funnel", "App", "final funnels", 0),
        ("mart.attributed_m0", "current_employee", "Asha", "M0", 0),
        ("mart.attributed_m0", "attended", "no", "attendance", 2),
        ("mart.spend_by_funnel", "paise", "9999", "spend (paise)", 1000),
        ("clean.zoom_attendance", "attended", "no", "attendance", 1),
        ("clean.zoom_attendance", "by_lead", None, "phones by e-mail", 0),
    ],
)
def test_a_wrong_value_is_not_recovered(
    folder: Path, table: str, column: str, wrong: str | None, what: str, recovered: int
) -> None:
    changed = PUBLISHED | {table: PUBLISHED[table].assign(**{column: wrong})}
    assert by_name(recovery(folder, querying(changed)))[what][1] == recovered


def test_spend_that_was_never_planted_counts_against_the_share(folder: Path) -> None:
    extra = pd.DataFrame({"month": ["2026-12-01"], "funnel": ["App"], "paise": ["300"]})
    spent = pd.concat([PUBLISHED["mart.spend_by_funnel"], extra])
    assert (
        by_name(recovery(folder, querying(PUBLISHED | {"mart.spend_by_funnel": spent})))["spend (paise)"][1] == 10_100
    )
