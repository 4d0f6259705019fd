"""Columns of one meaning: in each row the first cell that says something counts."""

import pandas as pd
import pytest

from funnel_etl.core.reading.csvfile import SourceColumn, carriers
from funnel_etl.core.reading.source_frame import SourceFrame, raw_records
from funnel_etl.parts.marketing.contracts import TOFU_LEADS_SOURCE
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS_SOURCE, SALES_SOURCE

ZONE = "Asia/Kolkata"
DOCUMENTED = (
    SourceColumn("Phone number", ("Mobile", "Contact number"), needed=True),
    SourceColumn("Email", ("E-mail",)),
    SourceColumn("cost"),
    SourceColumn("created date", ("Timestamp",), needed=True),
)
NOBODY: frozenset[str] = frozenset()


def frame(*lines: str) -> SourceFrame:
    raw = raw_records("\n".join([*lines, ""]).encode(), "f" * 64, "tofu_leads", DOCUMENTED, {}).rows
    return SourceFrame(raw, DOCUMENTED, {}, "tofu_leads")


def phones(*lines: str) -> pd.DataFrame:
    return frame(*lines).phones("Phone number", NOBODY)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Phone number,created date,Phone number", id="twice"),
        pytest.param("Phone number,created date,phone_number", id="twice_spelled_otherwise"),
        pytest.param("Phone number,created date,Phone number.1", id="as_pandas_names_a_copy"),
        pytest.param("Phone number,created date,Mobile", id="another_spelling_beside_it"),
        pytest.param("Mobile,created date,Contact number", id="two_other_spellings"),
    ],
)
def test_the_phone_of_a_second_column_counts_where_the_first_is_blank(header: str) -> None:
    """Half of the leads lost their phone without a word when a form got a second question (faults 12, 13)."""
    found = phones(header, "9876512301,2026-11-01,", ",2026-11-02,9876512302")
    assert found["phone"].tolist() == ["9876512301", "9876512302"]
    assert found["phone_raw"].tolist() == ["9876512301", "9876512302"]


@pytest.mark.parametrize("other", ["Parent's mobile", "Emergency contact", "Alternate phone", "Father Phone number"])
def test_somebody_elses_number_is_no_second_phone_column(other: str) -> None:
    found = phones(f"Phone number,created date,{other}", ",2026-11-02,9876512302")
    assert found["phone"].isna().all()


def test_what_is_no_phone_does_not_hide_the_one_in_the_second_column() -> None:
    found = phones("Phone number,created date,Mobile", "NA,2026-11-01,9876512301", "9.87E+09,2026-11-01,9876512302")
    assert found["phone"].tolist() == ["9876512301", "9876512302"]
    assert found["phone_class"].tolist() == ["in_mobile", "in_mobile"]


def test_without_any_usable_phone_the_first_cell_with_text_is_kept() -> None:
    found = phones("Phone number,created date,Mobile", "NA,2026-11-01,12", ",2026-11-01,12", ",2026-11-01,")
    assert found["phone_raw"].tolist() == ["NA", "12", ""]
    assert found["phone_class"].tolist() == ["invalid", "invalid", "blank"]


def test_a_further_phone_of_the_row_is_an_alternate() -> None:
    found = phones(
        "Phone number,created date,Mobile",
        "9876512301,2026-11-01,9876512302",
        "9876512301/9876512303,2026-11-01,9876512302/9876512303",
        "9876512301,2026-11-01,+91 9876512301",
    )
    assert found["phone"].tolist() == ["9876512301"] * 3
    assert found["phone_alternates"].tolist() == [["9876512302"], ["9876512303", "9876512302"], None]


def test_any_column_may_stand_twice() -> None:
    source = frame(
        "Phone number,Email,cost,created date,Email,cost",
        "1,a@example.org,5,2026-11-01,b@example.org,6",
        "2, ,,2026-11-01,c@example.org,7",
    )
    assert source.text("Email").tolist() == ["a@example.org", "c@example.org"]
    assert source.needed_money("cost").tolist() == [500, 700]


def test_the_documented_name_counts_before_another_spelling_to_its_left() -> None:
    """A column that is added to a form must not move numbers that were there."""
    columns = ["Mobile", "Phone number", "Contact number", "created date"]
    found = carriers(columns, DOCUMENTED, {}, "tofu_leads")
    assert found["Phone number"] == ("Phone number", "Mobile", "Contact number")


def test_a_copy_is_one_only_beside_what_it_copies() -> None:
    found = carriers(["Phone number", "Email (2)", "created date"], DOCUMENTED, {}, "tofu_leads")
    assert "Email" not in found


def test_a_column_that_another_documented_one_stands_in_is_not_taken() -> None:
    documented = (SourceColumn("Phone", ("Contact",)), SourceColumn("Contact"))
    assert carriers(["Phone", "Contact"], documented, {}, "x") == {"Phone": ("Phone",), "Contact": ("Contact",)}


def test_each_date_column_proves_its_own_order() -> None:
    source = frame(
        "Phone number,created date,Timestamp",
        "1,13/11/2026,11/13/2026",
        "2,,11/12/2026",
        "3,,",
    )
    days = source.needed_instant("created date", "UTC")
    assert [str(day.date()) for day in days[:2]] == ["2026-11-13", "2026-11-12"]
    assert source.account.quarantined_rows()["source_row"].tolist() == [4]


def test_a_second_date_column_that_proves_nothing_is_not_read_and_stops_nothing() -> None:
    source = frame("Phone number,created date,Timestamp", "1,2026-11-13,", "2,,11/12/2026")
    source.needed_instant("created date", ZONE)
    assert source.account.quarantined_rows()["reason"].tolist() == ["blank_date"]
    assert any("second column" in note for note in source.account.notes)


def test_a_second_column_is_noted_once_with_what_it_brings() -> None:
    source = frame(
        "Phone number,created date,Mobile",
        "9876512301,2026-11-01,",
        ",2026-11-01,9876512302",
        "9876512303,2026-11-01,9876512304",
    )
    source.phones("Phone number", NOBODY)
    (note,) = source.account.notes
    assert note.startswith("tofu_leads: 'Phone number' stands in 2 columns ('Phone number', 'Mobile'): in each row the")
    assert note.endswith("1 rows have it in a later one only, 1 have two that differ")


LAYOUTS = {
    "tofu_leads": (TOFU_LEADS_SOURCE, "Phone number", "utmSource,created date"),
    "crm_assigned_leads": (ASSIGNED_LEADS_SOURCE, "leadMobile", "sources,assignOn,employee"),
    "crm_sales": (SALES_SOURCE, "StudentContact", "_id,status,Funnel"),
}
MORE_OF_THE_PERSON = {
    "tofu_leads": (
        "Phone number_1", "Phone number1", "Phone Number 2", "Your WhatsApp Number", "Mobile Phone",
        "Mobile phone number", "Telephone", "Primary phone", "Student mobile", "Registered mobile number", "Mob No",
        "Ph. No.", "Cell", "Contact", "Phone (mobile)", "Mobile number (with country code)", "work_phone_number",
        "Teléfono", "फ़ोन नंबर", "मोबाइल", "WhatsApp (if different)",
    ),
    "crm_assigned_leads": ("leadMobile2", "leadPhone", "phone", "whatsapp", "customerContact", "LeadWhatsAppNo"),
    "crm_sales": ("StudentContact2", "StudentMobile", "Phone", "studentWhatsappNumber"),
}  # fmt: skip
NOT_OF_THE_PERSON = {
    "tofu_leads": (
        "Parent's mobile", "Alternate number", "Lead ID", "Roll number", "Aadhaar number", "Question 2", "Phone model",
        "Teacher's mobile number", "Amma / Appa phone number", "Student number", "Score",
    ),
    "crm_assigned_leads": (
        "employeeMobile", "ownerPhone", "agentPhone", "counsellorMobile", "callerNumber", "managerContactNumber",
        "leadAlternateMobile", "studentParentPhone", "leadId", "orderNo", "telecallerNo", "salesRepPhone",
    ),
    "crm_sales": ("employeeMobile", "corePartnerPhone", "invoiceNumber", "fatherContact", "referrerMobile"),
}  # fmt: skip


def beside(source: str, header: str, *values: str) -> SourceFrame:
    """Return a source whose rows have no phone but in a further column."""
    documented, phone, others = LAYOUTS[source]
    lines = [f"{phone},{others},{header}", *(f",{'x,' * (others.count(',') + 1)}{value}" for value in values)]
    raw = raw_records("\n".join([*lines, ""]).encode(), "f" * 64, source, documented, {}).rows
    return SourceFrame(raw, documented, {}, source)


def of_each(headers: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(source, header) for source, names in headers.items() for header in names]


@pytest.mark.parametrize(("source", "header"), of_each(MORE_OF_THE_PERSON))
def test_a_column_that_asks_for_the_persons_phone_is_read_under_any_name(source: str, header: str) -> None:
    """Phones in a second column were lost without a word unless its header was one of a list."""
    found = beside(source, header, "9876512301", "", "+91 98765 12302")
    phones = found.phones(LAYOUTS[source][1], NOBODY)["phone"]
    assert phones.fillna("").tolist() == ["9876512301", "", "9876512302"]
    assert any(f"{header!r}): in each row the first" in note for note in found.account.notes)


@pytest.mark.parametrize(("source", "header"), of_each(NOT_OF_THE_PERSON))
def test_a_column_of_other_numbers_or_other_people_is_no_phone_of_the_person(source: str, header: str) -> None:
    found = beside(source, header, "9876512301", "9876512302")
    assert found.phones(LAYOUTS[source][1], NOBODY)["phone"].isna().all()
    assert found.account.notes == []


@pytest.mark.parametrize(
    ("header", "values"),
    [
        pytest.param("Phone verified on", ["2026-11-01 10:00:00", "01/11/2026"], id="days"),
        pytest.param("phone_verified", ["true", "false"], id="flags"),
        pytest.param("Mobile", ["Samsung", "Nokia 3310"], id="brands_under_a_known_name"),
        pytest.param("Your mobile", ["Samsung", "Nokia 3310"], id="brands"),
        pytest.param("Do you use WhatsApp?", ["Yes", "9876512301"], id="a_yes_or_no_question"),
        pytest.param("Call slot", ["10-11 am", "4-5 pm"], id="slots"),
        pytest.param("Contact", ["by e-mail", "9876512301"], id="mostly_no_phones"),
    ],
)
def test_a_column_that_holds_no_phones_is_none_whatever_it_is_called(header: str, values: list[str]) -> None:
    found = beside("tofu_leads", header, *values)
    assert found.present["Phone number"] == (("Phone number", header) if header == "Mobile" else ("Phone number",))


def test_cells_that_say_there_is_no_number_do_not_speak_against_a_column_of_phones() -> None:
    found = beside("tofu_leads", "WhatsApp (if different)", *["same"] * 5, *["No"] * 5, "9876512301")
    assert found.phones("Phone number", NOBODY)["phone"].dropna().tolist() == ["9876512301"]


@pytest.mark.parametrize("second", ["Mobile", "Your WhatsApp number"])
def test_the_known_columns_count_before_those_found_by_their_wording(second: str) -> None:
    """A column that is added to a form must not move numbers that were there."""
    found = frame_of_leads(f"My cell,{second},Phone number", "9876512301,9876512302,9876512303")
    assert found.phones("Phone number", NOBODY)["phone"].tolist() == ["9876512303"]
    found = frame_of_leads("My cell,Mobile,Phone number", "9876512301,9876512302,")
    assert found.phones("Phone number", NOBODY)["phone"].tolist() == ["9876512302"]


@pytest.mark.parametrize(
    "header",
    [
        "Phone Number 1,Phone Number 2",
        "Phone Number 2,Phone Number 1",
        "Mobile no 2,Phone Number 1",
        "WhatsApp 2,Phone_1",
    ],
)
def test_of_numbered_columns_the_first_counts_first(header: str) -> None:
    """`Phone Number 1` was ignored beside `Phone Number 2`, and whoever typed one number had none."""
    first, second = (
        ("9876512302,9876512301", ",9876512303") if "2," in header else ("9876512301,9876512302", "9876512303,")
    )
    found = frame_of_leads(header, first, second)
    phones = found.phones("Phone number", NOBODY)
    assert phones["phone"].tolist() == ["9876512301", "9876512303"]
    assert phones["phone_alternates"].tolist() == [["9876512302"], None]


def frame_of_leads(phones: str, *rows: str) -> SourceFrame:
    lines = [f"utmSource,created date,{phones}", *(f"x,2026-11-01,{row}" for row in rows)]
    raw = raw_records("\n".join([*lines, ""]).encode(), "f" * 64, "tofu_leads", TOFU_LEADS_SOURCE, {}).rows
    return SourceFrame(raw, TOFU_LEADS_SOURCE, {}, "tofu_leads")
