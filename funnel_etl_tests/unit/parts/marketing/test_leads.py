"""Campaign leads: one row per submission, its funnel, and who was first."""

import hashlib
from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel_etl.core.config_tables import MISC, Config
from funnel_etl.core.errors import MissingColumn
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.parts.marketing.contracts import TOFU_LEADS, TOFU_LEADS_SOURCE
from funnel_etl.parts.marketing.leads import clean_tofu_leads, content_ids, first_of_person

ZONE = "Asia/Kolkata"
HEADER = "Name,Email,Phone number,utmSource,utmMedium,utmCamp,created date"
CAMPAIGNS = {
    "funnels": "funnel\nBootcamp\nMeta Ads\nGoogle Ads\n",
    "campaign_mapping": "utm_source,utm_medium,utm_campaign,funnel\n"
    "*,*,*bootcamp*,bootcamp\nfb,paid*,,Meta Ads\ngoogle,,,Google Ads\n",
}
Clean = Callable[..., Outcome]


@pytest.fixture
def clean(raw_of: Callable[..., pd.DataFrame], config_of: Callable[..., Config]) -> Clean:
    def make(*lines: str, header: str = HEADER, **tables: str) -> Outcome:
        config = config_of(**tables)
        raw = raw_of("tofu_leads", TOFU_LEADS_SOURCE, "\n".join([header, *lines]), config.aliases("tofu_leads"))
        outcome = clean_tofu_leads(raw, config, ZONE)
        assert all(line.balances for line in outcome.ledger)
        outcome.rows = TOFU_LEADS.conform(outcome.rows)
        assert TOFU_LEADS.problems(outcome.rows) == []
        return outcome

    return make


def test_a_submission_is_typed_and_normalised(clean: Clean) -> None:
    row = clean(" ASHA   RAO , Asha@Mail.IN ,+91 98765-12345,FB, paid  social,x,2026-10-31T18:30:00Z").rows.iloc[0]
    assert row[["name", "email", "phone", "utm_medium"]].tolist() == [
        "Asha Rao",
        "asha@mail.in",
        "9876512345",
        "paid social",
    ]
    assert row["created_date"] == pd.Timestamp("2026-11-01")


@pytest.mark.parametrize(
    ("utm", "funnel"),
    [
        pytest.param("fb,paid_social,Nov Bootcamp 2", "Bootcamp", id="the_first_line_that_matches"),
        pytest.param("FB,Paid Social,webinar", "Meta Ads", id="case_does_not_matter"),
        pytest.param("fb,organic,webinar", MISC, id="all_three_must_match"),
        pytest.param("google,,", "Google Ads", id="a_blank_cell_of_the_mapping_is_anything"),
        pytest.param("googles,,", MISC, id="the_whole_value_must_match"),
        pytest.param(",,", MISC, id="no_utm_at_all"),
    ],
)
def test_the_funnel_is_that_of_the_first_campaign_line_that_matches(clean: Clean, utm: str, funnel: str) -> None:
    rows = clean(f"A,a@b.in,9876512345,{utm},2026-11-01", **CAMPAIGNS).rows
    assert rows["funnel"].tolist() == [funnel]


def test_each_lead_gets_the_funnel_of_its_own_campaign(clean: Clean) -> None:
    rows = clean(
        "A,a@b.in,9876512345,google,,,2026-11-03",
        "B,b@b.in,9876512346,nobody,,,2026-11-01",
        "C,c@b.in,9876512347,fb,paid,,2026-11-02",
        "D,d@b.in,9876512348,google,,,2026-11-02",
        **CAMPAIGNS,
    ).rows
    assert rows["funnel"].tolist() == ["Google Ads", MISC, "Meta Ads", "Google Ads"]


def test_without_a_mapping_every_lead_is_misc(clean: Clean) -> None:
    assert clean("A,a@b.in,9876512345,fb,paid,x,2026-11-01").rows["funnel"].tolist() == [MISC]


def test_exact_duplicates_are_merged_into_the_first_and_counted(clean: Clean) -> None:
    line = "A,a@b.in,9876512345,fb,paid,x,2026-11-01 10:00:00"
    outcome = clean(line, "B,a@b.in,9876512345,fb,paid,x,2026-11-01 10:00:00", line)
    assert outcome.rows["source_row"].tolist() == [2, 3]
    assert outcome.merged[["source_row", "into_source_row", "reason"]].to_numpy().tolist() == [
        [4, 2, "exact_duplicate"]
    ]


def test_a_row_that_differs_anywhere_is_no_duplicate_even_in_a_column_nobody_documented(clean: Clean) -> None:
    header = HEADER + ",ad name"
    line = "A,a@b.in,9876512345,fb,paid,x,2026-11-01"
    assert len(clean(f"{line},one", f"{line},two", header=header).rows) == 2


def test_the_lead_id_names_the_content_wherever_the_row_stands(clean: Clean) -> None:
    a, b = "A,a@b.in,9876512345,fb,paid,x,2026-11-01", "B,b@b.in,9876512346,fb,paid,x,2026-11-01"
    first = clean(a, b).rows.set_index("name")["lead_id"]
    turned = clean(b, a).rows.set_index("name")["lead_id"]
    wider = clean(a + ",", b + ",", header=HEADER + ",ad name").rows.set_index("name")["lead_id"]
    assert first["A"] == turned["A"] == wider["A"]
    assert first["A"] != first["B"]


@given(st.lists(st.tuples(*[st.sampled_from(["", " ", "a", "é ₹", "\x1f", "b\x1e", "NA", None])] * 3), max_size=5))
def test_a_lead_id_is_the_hash_of_the_names_and_texts_of_its_cells_that_are_filled(rows: list[tuple[str, ...]]) -> None:
    cells = pd.DataFrame(rows, columns=["b", "a c", "a"], dtype="str")
    expected = []
    for row in rows:
        named = sorted(zip(cells.columns, row, strict=True))
        text = "\x1f".join(f"{name}\x1e{cell}" for name, cell in named if cell)
        expected.append(hashlib.sha256(text.encode()).hexdigest()[:16])
    assert content_ids(cells).tolist() == expected


def test_the_first_lead_of_a_person_is_the_earliest_by_phone_then_e_mail_then_the_row_itself(clean: Clean) -> None:
    rows = clean(
        "A,a@b.in,9876512345,,,,2026-11-02",
        "A,other@b.in,+919876512345,,,,2026-11-01",
        "B,b@b.in,,,,,2026-11-01",
        "B,B@B.in,invalid,,,,2026-11-02",
        "C,,,,,,2026-11-01",
        "C,,,,,,2026-11-02",
    ).rows
    assert rows["is_first_lead"].tolist() == [False, True, True, False, True, True]


def test_of_two_leads_at_the_same_time_the_one_on_the_earlier_page_is_first(
    table_of: Callable[..., pd.DataFrame],
) -> None:
    same = "2026-11-01 10:00"
    rows = table_of(
        TOFU_LEADS,
        "phone,email,created_at,source_row\n"
        f"9876512345,,{same},3\n9876512345,,{same},2\n,,{same},2\n,,{same},2\n,a@x.in,{same},9\n,a@x.in,{same},8\n",
    )
    assert first_of_person(rows).tolist() == [True, False, True, True, True, False]


def test_of_two_leads_at_the_same_time_the_earlier_line_is_first(clean: Clean) -> None:
    rows = clean("A,a@b.in,9876512345,,,x,2026-11-01", "A,a@b.in,9876512345,,,y,2026-11-01").rows
    assert rows["is_first_lead"].tolist() == [True, False]


def test_a_lead_without_phone_or_e_mail_is_kept_and_an_unreadable_e_mail_counted(clean: Clean) -> None:
    outcome = clean("A,,,,,,2026-11-01", "B,nobody,9876512345,,,,2026-11-01")
    assert outcome.rows["email"].isna().all()
    assert outcome.ledger[0].reasons == {"cell_warning:Email": 1}


@pytest.mark.parametrize(
    ("created", "reason"),
    [("", "blank_date"), ("45962.5", "excel_serial"), ("yesterday", "bad_date")],
    ids=["blank", "excel_serial", "unreadable"],
)
def test_a_lead_without_a_readable_created_date_is_quarantined(clean: Clean, created: str, reason: str) -> None:
    outcome = clean(f"A,a@b.in,9876512345,,,,{created}", "B,b@b.in,9876512346,,,,2026-11-01")
    assert outcome.quarantine[["source_row", "reason"]].to_numpy().tolist() == [[2, reason]]
    assert outcome.rows["name"].tolist() == ["B"]


@pytest.mark.parametrize(
    ("header", "aliases"),
    [
        pytest.param("Full name,E-mail,Mobile,utm_source,utm_medium,utm_campaign,created_at", "", id="other_forms"),
        pytest.param("NAME,EMAIL,PHONE NUMBER,UTMSOURCE,UTMMEDIUM,UTMCAMP,CREATED DATE", "", id="other_case"),
        pytest.param(
            "Your name,Email,WhatsApp,utmSource,utmMedium,utmCamp,created date",
            "tofu_leads,Your name,Name\ntofu_leads,whatsapp,Phone number\n",
            id="aliases_of_the_team",
        ),
    ],
)
def test_headers_vary_from_form_to_form(clean: Clean, header: str, aliases: str) -> None:
    tables = {"column_aliases": "source,alias,column\n" + aliases, **CAMPAIGNS}
    row = clean("Asha,a@b.in,9876512345,google,x,y,2026-11-01", header=header, **tables).rows.iloc[0]
    assert row[["name", "email", "phone", "funnel"]].tolist() == ["Asha", "a@b.in", "9876512345", "Google Ads"]


def test_a_form_without_its_phone_column_is_refused_by_name(clean: Clean) -> None:
    with pytest.raises(MissingColumn, match="'Phone number'"):
        clean("A,a@b.in,x,2026-11-01", header="Name,Email,utmSource,created date")


def test_a_sheet_with_only_its_header_gives_an_empty_table(clean: Clean) -> None:
    assert clean(**CAMPAIGNS).rows.empty
    assert clean().rows.empty


@pytest.mark.parametrize("other", ["Mobile no", "Phone number 2", "WhatsApp number", "Phone"])
def test_a_lead_has_the_phone_of_whichever_own_number_was_typed(clean: Clean, other: str) -> None:
    header = f"Name,Phone number,{other},Parent's mobile,utmSource,created date"
    rows = clean("A,,9876512301,9876512309,fb,2026-11-01", header=header).rows
    assert rows["phone"].tolist() == ["9876512301"]
    assert rows["phone_raw"].tolist() == ["9876512301"]


@pytest.mark.parametrize(
    "line",
    [
        "<test lead: dummy data for full_name>,test@meta.com,<test lead: dummy data for phone_number>,fb,,,2026-11-02",
        "Asha,a@b.in,,fb,,<Test lead: dummy data for campaign>,2026-11-02",
        "FirstName LastName,test@example.com,+16505550123,google,,,2026-11-02",
        "Asha,Test@FB.com,9876512345,fb,,,2026-11-02",
        "Asha,a@b.in,p:+1 650-555-0123,google,,,2026-11-02",
        "Asha,a@b.in,,google,,TeSter-123-ABCDEFGHIJKLMNOPQRSTUVWXYZ-abc,2026-11-02",
    ],
    ids=[
        "as_meta_fills_it_in",
        "any_cell",
        "as_google_fills_it_in",
        "address_of_meta",
        "phone_of_google",
        "id_of_google",
    ],
)
def test_a_test_lead_is_left_out_and_is_nobodys_first(clean: Clean, line: str) -> None:
    """The incident: test leads counted, and were one person with the first lead."""
    people = ("Tester Lal,test@example.com.in,,fb,,,2026-11-03", "Test,latest@fb.com,6505550123,fb,,Tester,2026-11-04")
    outcome = clean(line, line, *people)
    assert outcome.rows["name"].tolist() == ["Tester Lal", "Test"], "people with such names are people"
    assert outcome.rows["is_first_lead"].tolist() == [True, True]
    assert outcome.ledger[0].reasons == {"excluded:test_lead": 2}
    assert outcome.merged.empty


@pytest.mark.parametrize("column", ["is_test", "isTest", "Is Test"])
def test_a_row_that_says_it_is_a_test_is_left_out(clean: Clean, column: str) -> None:
    values = ["true", "TRUE", "Yes", "1", "false", "no", "0", ""]
    lines = [f"A,a{n}@b.in,98765123{n:02},fb,2026-11-01,{value}" for n, value in enumerate(values)]
    outcome = clean(*lines, header=f"Name,Email,Phone number,utmSource,created date,{column}")
    assert outcome.rows["source_row"].tolist() == [6, 7, 8, 9]


@pytest.mark.parametrize(
    ("line", "is_total"),
    [
        pytest.param("Total,,,,,,", True, id="a_label_alone"),
        pytest.param("Total,,2,,,,2026-11-02 23:59", True, id="the_number_of_leads_and_the_last_day"),
        pytest.param("Grand total: 2,-,NA,,,,", True, id="the_number_behind_the_label"),
        pytest.param("Total,,3,,,,2026-11-02", False, id="another_number"),
        pytest.param("Total,t@b.in,,,,,2026-11-02", False, id="with_an_e_mail"),
        pytest.param("Total,,9876512349,,,,2026-11-02", False, id="with_a_phone"),
        pytest.param("Asha,,,fb,,Total,2026-11-02", False, id="a_campaign_called_total"),
    ],
)
def test_a_row_that_counts_the_leads_is_no_lead(clean: Clean, line: str, *, is_total: bool) -> None:
    outcome = clean("A,a@b.in,9876512345,fb,,,2026-11-01", "B,b@b.in,9876512346,fb,,,2026-11-02", line)
    assert outcome.quarantine["reason"].tolist() == (["total_row"] if is_total else [])
