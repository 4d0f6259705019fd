import pandas as pd
import pytest

from funnel_etl.core import phone

PLACEHOLDERS = frozenset({"1234567890", "0123456789", "9876543210"})


def column(*texts):
    return pd.Series(list(texts), dtype="str")


def one(text):
    """One cell by both roads, which must agree."""
    single = phone.normalise_one(text, PLACEHOLDERS)
    row = phone.normalise(column(text), PLACEHOLDERS).iloc[0]
    from_frame = [None if not isinstance(value, list) and pd.isna(value) else value for value in row]
    alternates = list(single.alternates) or None
    assert from_frame == [single.phone, single.phone_class, single.phone_note, alternates, single.user_id]
    return single


@pytest.mark.parametrize(
    "text",
    [
        "9876512345",
        "+91 98765-12345",
        "09876512345",
        "00919876512345",
        "0091 98765 12345",
        "'9876512345",
        "'+919876512345",
        "'+91 98765-12345",
        "p:+919876512345",
        "tel: 98765 12345",
        "Mob. 9876512345",
        "Mobile No - 9876512345",
        "9876512345.0",
        "919876512345.0",
        "9876512345 ext 12",
        "9876512345x12",
        "9876512345, extn. 3",
        "९८७६५१२३४५",
        "９８７６５１２３４５",
        "98765 12345 ",
        "91+ 9876512345",
        "±919876512345",
        "+91 0 9876512345",
        "091-9876512345",
        "(+91) 98765 12345",
        "\u202a+91\u00a098765\u200b12345\u202c",
        "98765.12345",
        "9876512345 (WhatsApp)",
    ],
)
def test_an_indian_mobile_is_ten_digits_however_it_is_typed(text):
    assert one(text) == phone.Phone("9876512345", "in_mobile", None, (), "919876512345")


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+971 50 123 4567", "+971501234567"),
        ("00971501234567", "+971501234567"),
        ("+44 7911 123456", "+447911123456"),
        ("+44 (0)7911 123456", "+447911123456"),
        ("p:+6591234567", "+6591234567"),
    ],
)
def test_a_number_valid_in_another_country_keeps_its_country(text, e164):
    assert one(text) == phone.Phone(e164, "foreign", None, (), e164[1:])


@pytest.mark.parametrize(
    ("text", "national"),
    [
        ("+1 918881234567", "8881234567"),
        ("'+1918881234567", "8881234567"),
        ("'+449876512345", "9876512345"),
        ("001 9876512345", "9876512345"),
        ("+9876512345", "9876512345"),
        ("+9198765123", "9198765123"),
    ],
)
def test_an_indian_mobile_under_a_wrong_flag_is_an_indian_mobile(text, national):
    assert one(text) == phone.Phone(national, "in_mobile", "country_code_ignored", (), "91" + national)


@pytest.mark.parametrize("text", ["9.87651E+09", "9.19988E+11", "'9.19988e+11", "9,87651E+09", "9E9", "p:9.1E+11"])
def test_scientific_notation_has_lost_digits(text):
    assert one(text) == phone.Phone(None, "sci_notation")


@pytest.mark.parametrize(
    "text",
    [
        "0000000000",
        "9999999999",
        "1111111111111",
        "1234567890",
        "0123456789",
        "98765 43210",
        "+91 9999999999",
        "+919876543210",
        "0091-9876543210",
        "09876543210",
        "p:+91 98765-43210",
        "9999999999.0",
        "+1 9999999999",
        "+9999999999",
        "9999999999/NA",
    ],
)
def test_a_number_that_is_nobodys_is_a_placeholder(text):
    assert one(text) == phone.Phone(None, "placeholder")


@pytest.mark.parametrize(
    "text",
    [
        "987651234",
        "NA",
        "No",
        "-",
        "--",
        "+",
        "/",
        "5",
        "999999999",
        "5876512345",
        "98765123456",
        "919876512345678",
        "+91 1122334455",
        "+91 98765",
        "0091 2233445566",
        "+1 5551",
        "+999 123456789",
        "971501234567",
        "asha@example.com",
        "9876512345@example.com",
        "Pa55word",
        "98765,12345",
        "9876512345 9123456789",
    ],
)
def test_anything_else_is_invalid_and_nothing_is_invented(text):
    assert one(text) == phone.Phone(None, "invalid")


@pytest.mark.parametrize("text", ["", "  ", "'", "\u00a0", "\u200b", None])
def test_an_empty_cell_is_blank(text):
    assert one(text) == phone.Phone(None, "blank")


@pytest.mark.parametrize(
    ("text", "chosen", "alternates"),
    [
        ("9876512345/9123456789", "9876512345", ("9123456789",)),
        ("9876512345 or 9123456789", "9876512345", ("9123456789",)),
        ("9876512345OR9123456789", "9876512345", ("9123456789",)),
        ("9876512345\n9123456789", "9876512345", ("9123456789",)),
        ("9876512345;9123456789|7123456789", "9876512345", ("9123456789", "7123456789")),
        ("12345, 9876512345 & +971501234567", "9876512345", ("+971501234567",)),
        ("9876512345, +91 98765 12345", "9876512345", ()),
        ("9999999999, 9876512345", "9876512345", ()),
        ("Mob: 9876512345 / Tel: 9123456789 ext 4", "9876512345", ("9123456789",)),
        ("9876512345 ext 12 / 9123456789", "9876512345", ("9123456789",)),
        ("9.87651E+09/9876512345", "9876512345", ()),
        ("+91/9876512345", "9876512345", ()),
        ("9123456789/९८७६५१२३४५", "9123456789", ("9876512345",)),
    ],
)
def test_of_several_numbers_the_first_valid_one_is_the_phone(text, chosen, alternates):
    found = one(text)
    assert (found.phone, found.alternates) == (chosen, alternates)


@pytest.mark.parametrize(
    ("text", "phone_class"),
    [
        ("9.87651E+09 / 12", "sci_notation"),
        ("12 / 9999999999", "invalid"),
        ("9999999999 / 12", "placeholder"),
    ],
)
def test_of_several_numbers_none_valid_the_first_gives_the_class(text, phone_class):
    assert one(text) == phone.Phone(None, phone_class)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("9876512345", "9876512345"),
        ("+91 98765-12345", "9876512345"),
        ("09876512345", "9876512345"),
        ("p:+919876512345", "9876512345"),
        ("9876512345.0", "8765123450"),
        ("9.87651E+09", ""),
        ("+971 50 123 4567", "1501234567"),
        ("+1 918881234567", "8881234567"),
        ("+44 7911 123456", "7911123456"),
        ("9876512345/9123456789", "9123456789"),
        ("9876512345 ext 12", "7651234512"),
        ("९८७६५१२३४५", ""),
        ("0000000000", "0000000000"),
        ("9999999999", "9999999999"),
        ("987651234", ""),
        ("NA", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_sheets_rule_takes_the_last_ten_digits(text, shown):
    assert phone.sheet_phone(column(text)).tolist() == [shown]


def test_a_column_keeps_its_index_its_order_and_its_repeats():
    series = pd.Series(["9876512345", None, "x", "9876512345/9123456789", "9876512345"], index=[5, 4, 3, 2, 1])
    frame = phone.normalise(series.astype("str"), PLACEHOLDERS)
    assert list(frame.columns) == ["phone", "phone_class", "phone_note", "phone_alternates", "user_id"]
    assert frame["phone_class"].to_dict() == {
        5: "in_mobile", 4: "blank", 3: "invalid", 2: "in_mobile", 1: "in_mobile",
    }  # fmt: skip
    assert frame["phone_alternates"].tolist() == [None, None, None, ["9123456789"], None]
    assert [str(dtype) for dtype in frame.dtypes] == ["str", "str", "str", "object", "str"]


def test_an_empty_column_gives_an_empty_frame():
    assert phone.normalise(column(), PLACEHOLDERS).shape == (0, 5)
    assert phone.sheet_phone(column()).tolist() == []


def test_rows_do_not_share_one_list_of_alternates():
    frame = phone.normalise(column(*["9876512345/9123456789"] * 2), PLACEHOLDERS)
    frame["phone_alternates"].iloc[0].append("changed")
    assert frame["phone_alternates"].iloc[1] == ["9123456789"]


@pytest.mark.parametrize("tail", [" .0", ").0", "-.00", " (0", ".0 ", " )"])
def test_both_roads_agree_on_odd_tails(tail):
    assert one("+91 98765 12345" + tail).phone_class in {"in_mobile", "invalid"}


def test_placeholders_are_the_callers():
    assert phone.normalise_one("9876543210", frozenset()).phone == "9876543210"
    assert phone.normalise(column("9876543210"), frozenset())["phone"].tolist() == ["9876543210"]
    assert one("9876512345").phone_class in phone.CLASSES
