"""The work-list: what stands on it, with what at stake, and what is suggested."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.config_tables import MISC, Config
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0
from funnel_etl.marts.funnel.worklist.contracts import ITEM_KINDS, WORKLIST_MAPPING
from funnel_etl.marts.funnel.worklist.worklist import without_people, worklist_mapping
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.clean.event_warnings import FINDINGS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES

pytestmark = pytest.mark.slow

AS_OF = pd.Timestamp("2026-11-20")
CONFIG = {
    "funnels": "funnel\nWebinar\nMeta Ads\n",
    "funnel_mapping": "source,funnel,valid_from,valid_to\nTLS Webinar,Webinar,,\nOld Form,Meta Ads,,2026-10-31\n",
}
NO_LINES = {"funnels": CONFIG["funnels"]}
TABLES = {
    "tofu_leads": TOFU_LEADS,
    "ad_spend": AD_SPEND,
    "assigned_leads": ASSIGNED_LEADS,
    "sales": SALES,
    "attributed_m0": ATTRIBUTED_M0,
    "webinars": WEBINARS,
    "zoom_attendance": ZOOM_ATTENDANCE,
    "zoom_reports": ZOOM_REPORTS,
}
HEADERS = {
    "tofu_leads": "utm_source,utm_medium,utm_campaign",
    "ad_spend": "spend_date,funnel,funnel_raw,cost_inr",
    "assigned_leads": "source,assigned_date,phone",
    "sales": "sale_id,sold_date,phone,revenue_inr,is_counted,funnel,final_funnel,final_funnel_rule,"
    "assigned_lead_sources,manual_mapping,status",
    "attributed_m0": "month,phone,source,assigned_date",
    "webinars": "occurrence_id,webinar_id,topic,event_date,profile,registered_profile,profile_source,category,"
    "category_source,conductor,conductor_source,bootcamp_day,day_source,has_attendee_report,has_registration_report",
    "zoom_attendance": "occurrence_id,phone,attended,attended_date",
    "zoom_reports": "file_id",
}
Worklist = Callable[..., pd.DataFrame]


@pytest.fixture
def worklist(config_of: Callable[..., Config], table_of: Callable[..., pd.DataFrame]) -> Worklist:
    """Return the list of the tables' rows, each written as a line of CSV in the order of HEADERS."""

    def make(config: dict[str, str], *, conflicts: pd.DataFrame | None = None, **rows: list[str]) -> pd.DataFrame:
        frames = {
            name: table_of(table, "\n".join([HEADERS[name], *rows.get(name, [])])) for name, table in TABLES.items()
        }
        outcome = worklist_mapping(**frames, config=config_of(**config), as_of=AS_OF, conflicts=conflicts)
        assert all(line.balances for line in outcome.ledger)
        conforming = WORKLIST_MAPPING.conform(outcome.rows)
        assert WORKLIST_MAPPING.problems(conforming) == []
        return conforming

    return make


def one(rows: pd.DataFrame, kind: str) -> Any:
    found = rows[rows["item_kind"] == kind]
    assert len(found) == 1, rows[["item_kind", "item"]]
    return found.iloc[0]


# ---------------------------------------------------------------- webinars


DECIDED = "p,p,topic,ACCA,topic,Meera Quillon,panelist,,"
OPEN = ",,,ACCA,topic,Meera Quillon,panelist,,"
SALE = "S{},2026-11-10,{},100,true,Webinar,Webinar,crm,,"


def test_a_topic_without_a_profile_is_listed_once_with_who_came_and_what_they_bought(worklist: Worklist) -> None:
    rows = worklist(
        CONFIG,
        webinars=[
            f"o1,811,GST  for founders,2026-11-03,{OPEN},true,false",
            f"o2,811,gst for Founders,2026-11-10,{OPEN},true,false",
            f"o3,812,ACCA evening,2026-11-10,{DECIDED},true,false",
        ],
        zoom_attendance=[
            *("o1,1,true,2026-11-03", "o2,1,true,2026-11-10", "o2,2,true,2026-11-10"),
            *("o2,3,false,", "o3,4,true,2026-11-10"),
        ],
        sales=[SALE.format(1, 1), SALE.format(2, 2).replace("true", "false"), SALE.format(4, 4)],
    )
    row = one(rows, "webinar_without_profile")
    assert (row["item"], row["rows_count"], row["sales"], row["revenue_inr"]) == ("gst for Founders", 3, 1, 10_000)
    assert (row["first_date"], row["last_date"]) == (pd.Timestamp("2026-11-03"), pd.Timestamp("2026-11-10"))
    assert (row["config_table"], row["config_line"]) == ("zoom_profiles", 0)
    assert (row["file_id"], row["source_row"]) == ("x", 3)
    assert row["what_to_do"].startswith("marketing operations: add the topic to the topic_pattern")


@pytest.mark.parametrize(
    ("cells", "item", "table"),
    [
        pytest.param("p,p,topic_tie,ACCA,topic,M,panelist,,", "ACCA live", "zoom_profiles", id="two_profiles"),
        pytest.param("p,,topic,ACCA,topic,M,panelist,,", "ACCA live", "zoom_profiles", id="registered_profile"),
        pytest.param("p,p,topic,,,M,panelist,,", "ACCA live", "category_tokens", id="category"),
        pytest.param("p,p,topic,ACCA,topic_tie,M,panelist,,", "ACCA live", "category_tokens", id="category_tie"),
        pytest.param("p,p,topic,ACCA,topic,,,,", "811 ACCA live", "webinar_overrides", id="conductor"),
        pytest.param("p,p,topic,ACCA,topic,Asha C,first_host,,", "Asha C", "conductors", id="unlisted_conductor"),
        pytest.param(
            "p,p,topic,ACCA,topic,M,panelist,Day 1,default", "811 ACCA live", "webinar_overrides", id="default_day"
        ),
    ],
)
def test_each_thing_undecided_of_a_webinar_names_what_is_to_be_written_where(
    worklist: Worklist, cells: str, item: str, table: str
) -> None:
    rows = worklist(CONFIG, webinars=[f"o1,811,ACCA live,2026-11-03,{cells},true,true"])
    found = rows[rows["item_kind"].isin(list(FINDINGS))]
    assert found[["item", "config_table", "rows_count"]].to_numpy().tolist() == [[item, table, 0]]


def test_a_phone_in_a_topic_is_masked(worklist: Worklist) -> None:
    rows = worklist(CONFIG, webinars=[f"o1,811,Call 98765 43210,2026-11-03,{OPEN},true,false"])
    assert one(rows, "webinar_without_profile")["item"] == "Call (phone)"


# ---------------------------------------------------------------- sources


def test_a_source_without_a_line_is_listed_once_with_its_rows_days_and_newest_spelling(worklist: Worklist) -> None:
    assigned = ["new  source,2026-10-02,9876512345", "New Source,2026-11-03,9123456789", "TLS Webinar,2026-11-04,1"]
    row = one(
        worklist(NO_LINES | {"funnel_mapping": "source,funnel\nTLS Webinar,Webinar\n"}, assigned_leads=assigned),
        "unmapped_source",
    )
    assert (row["item"], row["rows_count"], row["leads"], row["sales"]) == ("New Source", 2, 2, 0)
    assert (row["first_date"], row["last_date"]) == (pd.Timestamp("2026-10-02"), pd.Timestamp("2026-11-03"))
    assert (row["file_id"], row["source_row"], row["config_table"], row["config_line"]) == ("x", 3, "funnel_mapping", 0)


def test_a_mapped_and_a_blank_source_are_not_listed(worklist: Worklist) -> None:
    rows = worklist(CONFIG, assigned_leads=["tls webinar,2026-11-02,1", ",2026-11-03,2", "Old Form,2026-10-31,3"])
    assert rows.empty, rows


def test_what_comes_after_as_of_is_not_counted_yet(worklist: Worklist) -> None:
    rows = worklist(
        NO_LINES,
        assigned_leads=["Zed,2026-11-20,1", "Zed,2026-11-21,2"],
        sales=["s1,2026-11-21,1,50,true,Strange,Strange,crm_funnel,Yak,"],
        ad_spend=["2026-11-21,Unmapped,Strange,7"],
    )
    assert one(rows, "unmapped_source")["rows_count"] == 1
    assert len(rows) == 1


def test_at_stake_is_each_counted_sale_once_that_names_the_source_or_whose_phone_has_m0_of_it(
    worklist: Worklist,
) -> None:
    rows = worklist(
        CONFIG | {"funnel_mapping": "source,funnel\nTLS Webinar,Webinar\n"},
        assigned_leads=["Zed,2026-11-02,9876512345", "TLS Webinar,2026-11-02,9123456789"],
        attributed_m0=["2026-11-01,9876512345,Zed,2026-11-02", "2026-11-01,9123456789,TLS Webinar,2026-11-02"],
        sales=[
            "s1,2026-11-05,9876512345,100,true,Webinar,Webinar,crm_funnel,Zed;TLS Webinar,",
            "s2,2026-11-05,9876512345,20,true,Webinar,Webinar,crm_funnel,,",
            "s3,2026-11-05,,3,true,Webinar,Webinar,crm_funnel,zed,",
            "s4,2026-11-05,9876512345,1000,false,Webinar,Webinar,crm_funnel,Zed,",
            "s5,2026-11-05,9123456789,5000,true,Webinar,Webinar,crm_funnel,,",
            "s6,2026-11-05,9876512345,,true,Webinar,Webinar,crm_funnel,,",
        ],
    )
    row = one(rows, "unmapped_source")
    assert (row["sales"], row["revenue_inr"]) == (4, 123_00)
    assert (row["leads"], row["rows_count"]) == (1, 4), "the assignment, and three sales that name it"


def test_a_source_after_its_valid_to_is_retired_and_names_the_line_and_the_funnel_it_had(worklist: Worklist) -> None:
    rows = worklist(
        CONFIG,
        assigned_leads=["Old Form,2026-10-31,9876512345", "Old Form,2026-11-01,9876512345", "TLS Webinar,2026-11-01,1"],
        attributed_m0=["2026-10-01,9876512345,Old Form,2026-10-31"],
        sales=["s1,2026-11-05,9876512345,100,true,Webinar,Webinar,crm_funnel,,"],
    )
    row = one(rows, "retired_source")
    assert (row["item"], row["leads"], row["first_date"]) == ("Old Form", 1, pd.Timestamp("2026-11-01"))
    assert (row["config_line"], row["suggested_funnel"], row["similarity"]) == (3, "Meta Ads", 1.0)
    assert (row["sales"], row["revenue_inr"]) == (0, 0), "October's M0 was covered: it is not at stake"


def test_before_its_valid_from_a_source_is_unmapped_and_between_two_lines_retired(worklist: Worklist) -> None:
    mapping = "source,funnel,valid_from,valid_to\nA,Webinar,2026-10-10,2026-10-20\nA,Meta Ads,2026-11-01,\n"
    days = ["2026-10-09", "2026-10-10", "2026-10-20", "2026-10-21", "2026-10-31", "2026-11-01"]
    rows = worklist(CONFIG | {"funnel_mapping": mapping}, assigned_leads=[f"A,{day},1" for day in days])
    assert one(rows, "unmapped_source")["leads"] == 1
    assert (one(rows, "retired_source")["leads"], one(rows, "retired_source")["config_line"]) == (2, 2)
    assert len(rows) == 2


def test_a_source_whose_own_name_holds_a_comma_is_one_source(worklist: Worklist) -> None:
    sale = 's1,2026-11-05,1,1,true,Webinar,Webinar,crm_funnel,"Fair, Pune",'
    mapped = worklist(NO_LINES | {"funnel_mapping": 'source,funnel\n"Fair, Pune",Webinar\n'}, sales=[sale])
    assert mapped.empty, mapped
    assert set(worklist(NO_LINES, sales=[sale])["item"]) == {"Fair", "Pune"}


# ---------------------------------------------------------------- sales, values, funnels, spend


@pytest.mark.parametrize(
    ("final", "rule", "is_counted", "listed"),
    [
        pytest.param(MISC, "crm_funnel", "true", True, id="plain"),
        pytest.param(MISC.upper(), "crm_funnel", "true", True, id="in_any_case"),
        pytest.param(MISC, "blank_manual", "true", True, id="blank_manual_value"),
        pytest.param(MISC, "manual_value_unmapped", "true", True, id="unmapped_manual_value"),
        pytest.param(MISC, "manual_mapped", "true", False, id="a_person_said_misc"),
        pytest.param(MISC, "crm_funnel", "false", False, id="does_not_count"),
        pytest.param("Webinar", "crm_funnel", "true", False, id="has_a_funnel"),
    ],
)
def test_a_misc_sale_is_listed_if_it_counts_and_nobody_decided_it(
    worklist: Worklist, final: str, rule: str, is_counted: str, listed: bool
) -> None:
    rows = worklist(NO_LINES, sales=[f"s1,2026-11-05,1,100,{is_counted},{final},{final},{rule},,typed"])
    assert ("misc_sale" in set(rows["item_kind"])) is listed


def test_a_misc_sale_has_the_funnel_suggested_that_its_lead_source_or_else_its_m0_points_to(worklist: Worklist) -> None:
    misc = f"{MISC},{MISC},crm_funnel"
    rows = worklist(
        CONFIG,
        attributed_m0=["2026-11-01,9876512345,Old Form 2,2026-11-02", "2026-10-01,9876512345,Yak,2026-10-02"],
        assigned_leads=["TLS Webinar,2026-11-02,1", "Old Form,2026-10-02,1"],
        sales=[
            f"s1,2026-11-05,9876512345,100,true,{misc},tls_webinar,",
            f"s2,2026-11-05,9876512345,20,true,{misc},,",
            f"s3,2026-11-05,,3,true,{misc},,",
        ],
    )
    found = rows[rows["item_kind"] == "misc_sale"].set_index("item")
    assert found["suggested_funnel"].fillna("none").to_dict() == {"s1": "Webinar", "s2": "Meta Ads", "s3": "none"}
    assert found["suggested_from"].fillna("none").to_dict() == {"s1": "TLS Webinar", "s2": "Old Form", "s3": "none"}
    assert found["revenue_inr"].to_dict() == {"s1": 100_00, "s2": 20_00, "s3": 3_00}


def test_an_unmapped_manual_value_is_listed_once_for_all_its_sales_and_the_line_is_told_for_a_misc_sale(
    worklist: Worklist,
) -> None:
    rule = "manual_value_unmapped"
    rows = worklist(
        NO_LINES | {"manual_mapping": "sale_id,manual_value\ns0,Web inar\ns1,Web inar\n"},
        sales=[
            f"s0,2026-11-04,1,5,false,Webinar,Webinar,{rule},,web inar",
            f"s1,2026-11-05,1,100,true,{MISC},{MISC},{rule},,  Web inar ",
        ],
    )
    row = one(rows, "manual_value_unmapped")
    assert (row["item"], row["rows_count"], row["sales"], row["revenue_inr"]) == ("Web inar", 2, 1, 100_00)
    assert (row["config_table"], row["suggested_funnel"]) == ("manual_value_funnel", "Webinar")
    assert one(rows, "misc_sale")["config_line"] == 3


def test_a_funnel_of_the_crm_that_is_not_known_is_listed_but_no_residual_one(worklist: Worklist) -> None:
    rows = worklist(
        NO_LINES,
        sales=[
            "s1,2026-11-05,1,100,true,Webinars,Webinars,crm_funnel,,",
            "s2,2026-11-05,1,10,true,webinar,webinar,crm_funnel,,",
            "s3,2026-11-05,1,10,true,(no source),(no source),crm_funnel,,",
        ],
    )
    row = one(rows, "unknown_funnel")
    assert (row["item"], row["sales"], row["revenue_inr"], row["suggested_funnel"]) == (
        "Webinars",
        1,
        100_00,
        "Webinar",
    )
    assert len(rows) == 1


def test_spend_of_an_unknown_funnel_is_listed_by_name_and_spend_without_one_as_blank(worklist: Worklist) -> None:
    rows = worklist(
        NO_LINES,
        ad_spend=[
            "2026-11-01,Unmapped,Meta Add,10.50",
            "2026-11-02,Unmapped,meta add,1",
            "2026-11-02,Unmapped,,7",
            "2026-11-02,Meta Ads,meta ads,500",
        ],
    )
    found = rows.set_index("item")
    assert found["spend_inr"].to_dict() == {"meta add": 11_50, "(blank)": 7_00}
    assert found["rows_count"].to_dict() == {"meta add": 2, "(blank)": 1}
    assert found["suggested_funnel"].fillna("none").to_dict() == {"meta add": "Meta Ads", "(blank)": "none"}
    assert found["revenue_inr"].eq(0).all()


# ---------------------------------------------------------------- lines that nothing used


def test_lines_that_nothing_used_are_listed_by_table_and_line(worklist: Worklist) -> None:
    config = {
        "funnels": CONFIG["funnels"],
        "funnel_mapping": "source,funnel,valid_from,valid_to\n"
        "Used,Webinar,,\nUnused,Webinar,,\nEnded,Webinar,,2026-10-01\n"
        "To come,Webinar,2026-11-21,\nOf a sale,Webinar,,\n",
        "manual_mapping": "sale_id,manual_value\ns1,FB\ns9,FB\n",
        "manual_value_funnel": "manual_value,funnel\nfb,Meta Ads\ngone,Meta Ads\n",
        "campaign_mapping": "utm_source,utm_medium,utm_campaign,funnel\n"
        "fb,,,Meta Ads\nfb,paid,,Webinar\n*,,*tls*,Webinar\n",
    }
    rows = worklist(
        config,
        assigned_leads=["used,2026-11-21,1", "Ended,2026-10-02,1"],
        sales=["s1,2026-11-22,1,1,true,Webinar,Meta Ads,manual_text_mapped,Of a sale,FB"],
        tofu_leads=["FB,paid,x", "g,cpc,My TLS"],
    )
    unused = rows[rows["item_kind"] == "unused_mapping"]
    assert set(zip(unused["config_table"], unused["config_line"], unused["item"], strict=True)) == {
        ("funnel_mapping", 3, "Unused"),
        ("funnel_mapping", 4, "Ended"),
        ("manual_mapping", 3, "s9"),
        ("manual_value_funnel", 3, "gone"),
        ("campaign_mapping", 3, "fb / paid / "),
    }
    assert unused[["rows_count", "leads", "sales", "revenue_inr"]].eq(0).all(axis=None)
    assert unused["suggested_funnel"].isna().all()


def test_a_line_of_a_file_that_counts_nowhere_is_unused(worklist: Worklist) -> None:
    here, gone = "a" * 64, "9876543210" + "b" * 54
    config = NO_LINES | {"file_overrides": f"file_id,category\n{here.upper()},CFA\n{gone},CFA\n"}
    rows = worklist(config, zoom_reports=[here])
    found = one(rows, "unused_mapping")
    assert (found["config_table"], found["config_line"], found["item"]) == ("file_overrides", 3, gone)


# ---------------------------------------------------------------- sales nobody has decided about

STATUSES = NO_LINES | {"metrics": "name,value\nexcluded_statuses,failed|cancelled|refunded|test\n"}


def sold(status: str, rupees: int, *, number: int = 1, day: str = "2026-11-05", counted: bool = True) -> str:
    flag = "true" if counted else "false"
    return f"s{number},{day},,{rupees},{flag},Webinar,Webinar,crm_funnel,,,{status}"


@pytest.mark.parametrize(
    ("status", "like", "its_list"),
    [
        pytest.param("canceled", "cancelled", "excluded_statuses", id="another_spelling"),
        pytest.param("Refund", "refunded", "excluded_statuses", id="another_form"),
        pytest.param("Failure", "failed", "excluded_statuses", id="another_word"),
        pytest.param("fail", "failed", "excluded_statuses", id="shorter"),
        pytest.param("Partially Refunded", "refunded", "excluded_statuses", id="with_a_word_more"),
        pytest.param("Succes", "success", "counted_statuses", id="like_a_counted_one"),
        pytest.param("pending", "", "", id="like_none"),
        pytest.param("chargeback", "", "", id="nor_this"),
    ],
)
def test_a_status_nobody_has_decided_about_is_listed_with_the_rupees_that_count(
    worklist: Worklist, status: str, like: str, its_list: str
) -> None:
    """They count as sales, and nothing said so."""
    sales = [sold(status, 100), sold(f" {status.upper()} ", 20, number=2), sold(status, 5, number=3, day="2026-11-21")]
    row = one(worklist(STATUSES, sales=sales), "unknown_status")
    assert (row["config_table"], row["sales"], row["rows_count"], row["revenue_inr"]) == ("metrics", 2, 2, 120_00)
    shown = row[["suggested_from", "suggested_funnel"]].fillna("").tolist()
    assert shown == [like, its_list]
    assert row["what_to_do"].startswith(f"did you mean '{like}'? it counts" if like else "it counts as a sale")


def test_a_known_a_blank_and_an_excluded_status_are_not_listed(worklist: Worklist) -> None:
    statuses = ["success", "Success ", "", "  ", "PAID"]
    sales = [sold(status, 100, number=at) for at, status in enumerate(statuses)]
    assert worklist(STATUSES, sales=[*sales, sold("Refunded", 7, number=9, counted=False)]).empty
    own = {"metrics": "name,value\ncounted_statuses,partially paid|Success\n"}
    listed = worklist(NO_LINES | own, sales=[*sales, sold("Partially  Paid", 1, number=8)])
    assert listed["item"].tolist() == ["PAID"], "the team's own list stands instead of the default"


def test_a_phone_in_a_status_is_masked(worklist: Worklist) -> None:
    assert one(worklist(STATUSES, sales=[sold("ask 9876512345", 1)]), "unknown_status")["item"] == "ask (phone)"


def test_a_sale_of_rows_that_contradict_is_listed_by_the_rupees_that_differ(worklist: Worklist) -> None:
    conflicts = pd.DataFrame(
        {
            "sale_id": ["s1", "s2"],
            "sold_date": pd.to_datetime(["2026-11-05", "2026-11-21"]),
            "is_counted": [True, True],
            "rows_count": [3, 2],
            "revenue_inr": [500_00, 9],
            "detail": "kept …; merged …",
            "file_id": "x",
            "source_row": [7, 8],
        }
    )
    row = one(worklist(NO_LINES, conflicts=conflicts), "conflicting_sale")
    assert (row["item"], row["config_table"], row["revenue_inr"], row["rows_count"]) == ("s1", "crm_sales", 500_00, 3)
    assert (row["detail"], row["file_id"], row["source_row"]) == ("kept …; merged …", "x", 7)


# ---------------------------------------------------------------- order, people, nothing


def test_the_dearest_comes_first_then_by_spend_then_by_rows(worklist: Worklist) -> None:
    rows = worklist(
        NO_LINES,
        assigned_leads=["A,2026-11-01,1", "B,2026-11-01,1", "B,2026-11-01,1"],
        sales=["s1,2026-11-05,1,1,true,X,X,crm_funnel,,", f"s2,2026-11-05,1,2,true,{MISC},{MISC},crm_funnel,,"],
        ad_spend=["2026-11-01,Unmapped,Y,900"],
    )
    assert rows["item"].tolist() == ["s2", "X", "Y", "B", "A"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Referral of +91 98765-12345", "Referral of (phone)"),
        ("9876512345", "(phone)"),
        ("from asha@example.in", "from (e-mail)"),
        ("fb_120210045678901234", "fb_120210045678901234"),
        ("Batch 2026-11", "Batch 2026-11"),
    ],
)
def test_a_phone_or_e_mail_in_a_name_is_masked_and_ids_of_ads_stay(worklist: Worklist, text: str, shown: str) -> None:
    assert without_people(pd.Series([text], dtype="str")).tolist() == [shown]
    assert worklist(NO_LINES, assigned_leads=[f"{text},2026-11-01,1"])["item"].tolist() == [shown]


def test_every_kind_is_explained_and_nothing_gives_an_empty_list(worklist: Worklist) -> None:
    assert worklist(CONFIG | {"funnel_mapping": "source,funnel\n"}).empty
    assert set(WORKLIST_MAPPING.by_name["item_kind"].values) == set(ITEM_KINDS)
