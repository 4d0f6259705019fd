import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel_etl.core.values import phone

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
        pytest.param("+91 919876512345", id="code_twice"),
        pytest.param("+91+919876512345", id="code_twice_with_both_pluses"),
        pytest.param("91919876512345", id="code_twice_without_plus"),
        pytest.param("+91091 9876512345", id="code_twice_the_second_with_a_nought"),
        pytest.param("+910919876512345", id="code_twice_run_together"),
        pytest.param("0091 91 98765 12345", id="code_twice_with_noughts"),
        pytest.param("91-91-9876512345", id="code_twice_with_hyphens"),
        pytest.param("91 0 9876512345", id="code_and_trunk_nought_without_plus"),
        pytest.param("9,876,512,345", id="western_groups"),
        pytest.param("9,87,65,12,345", id="indian_groups"),
        pytest.param("919,876,512,345", id="western_groups_with_the_code"),
        pytest.param("9.876.512.345", id="groups_by_dots"),
        pytest.param("9,876,512,345.00", id="groups_and_a_fraction"),
        pytest.param("9.876512345E9", id="float_that_holds_all"),
        pytest.param("9.876512345E+09", id="float_as_a_spreadsheet_writes_it"),
        pytest.param("9,876512345e9", id="float_with_a_decimal_comma"),
        pytest.param("9.8765123450E9", id="float_with_a_nought_behind"),
        pytest.param("9.19876512345E+11", id="float_with_the_code"),
        pytest.param("p:9.19876512345E11", id="float_behind_a_prefix"),
        pytest.param("9876512345.000000", id="fraction_of_noughts"),
        pytest.param("9876512345 (2)", id="mark_of_a_copy"),
        pytest.param("+91 98765 12345 [3]", id="mark_of_a_copy_in_square_brackets"),
        pytest.param("Self: 9876512345", id="label_of_ones_own"),
        pytest.param("My no. 98765 12345", id="label_of_ones_own_in_words"),
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
        ("+971 971501234567", "+971501234567"),
        ("+44+447911123456", "+447911123456"),
        ("00971 00971 501234567", "+971501234567"),
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


@pytest.mark.parametrize(
    "text", ["9.87651E+09", "9.19988E+11", "'9.19988e+11", "9,87651E+09", "9E9", "p:9.1E+11", "9.8765123E9"]
)
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
        "14155552671",
        "98765 12345 98765",
        "9876512345 12",
        "91,9876,512,345",
        "9,876,512.345E3",
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
        ("9876512345 9123456789", "9876512345", ("9123456789",)),
        ("98765 12345 91234 56789", "9876512345", ("9123456789",)),
        ("+91 98765 12345 +91 91234 56789", "9876512345", ("9123456789",)),
        ("9876512345-9123456789", "9876512345", ("9123456789",)),
        ("09876512345 - 09123456789", "9876512345", ("9123456789",)),
        ("9876512345+919123456789", "9876512345", ("9123456789",)),
        ("9876512345 and 9123456789", "9876512345", ("9123456789",)),
        ("9876512345 ya 9123456789", "9876512345", ("9123456789",)),
        ("+971501234567 9876512345", "+971501234567", ("9876512345",)),
        ("9876512345 022-25551234", "9876512345", ()),
        ("9876512345 9876512345", "9876512345", ()),
        ("9,876,512,345 / 9,123,456,789", "9876512345", ("9123456789",)),
        ("9876512345 (1) / 9123456789 (2)", "9876512345", ("9123456789",)),
    ],
)
def test_of_several_numbers_the_first_valid_one_is_the_phone(text, chosen, alternates):
    found = one(text)
    assert (found.phone, found.alternates) == (chosen, alternates)


@pytest.mark.parametrize(
    "text",
    [
        "Self: 9876512345 Father: 9123456789",
        "Father: 9123456789 Self: 9876512345",
        "Mother 9123456789, self 9876512345",
        "9876512345 Father 9123456789",
        "9876512345 (self), 9123456789 (father)",
        "9123456789 father 9876512345 self",
        "9123456789 (guardian) 9876512345",
        "9876512345 / 9123456789 (parents)",
        "9876512345 other no. 9123456789",
        "9876512345 alternate: 9123456789",
        "Mob: 9876512345 Emergency contact: 9123456789",
        "पिता 9123456789 स्वयं 9876512345",
        "Parent's no - 9123456789; student 98765 12345",
        "Father 9123456789 Self 9.876512345E9",
    ],
)
def test_anothers_number_is_an_alternate_wherever_its_label_stands(text):
    found = one(text)
    assert (found.phone, found.alternates, found.phone_note) == ("9876512345", ("9123456789",), None)


@pytest.mark.parametrize(
    "text",
    [
        "Mother 9876512345",
        "Parent's no: +91 98765-12345",
        "Father: 9876512345",
        "9876512345 (father)",
        "9876512345 - husband",
        "Parent 2: 9876512345",
        "My father's 9876512345",
        "Emergency contact no. 9876512345",
        "Student / parent 9876512345",
    ],
)
def test_a_cell_with_only_anothers_number_has_no_phone(text):
    assert one(text) == phone.Phone(None, "invalid", "other_person", ("9876512345",))


@pytest.mark.parametrize(
    "text",
    [
        "Rajesh bhai 9876512345",
        "Ramesh Pai 9876512345",
        "Papa Rao 9876512345",
        "Mata Prasad: 9876512345",
        "9876512345 (whatsapp no other number)",
        "9876512345 (alternate: none)",
        "9876512345 - no alternate number",
        "9876512345 (same for parent)",
        "9876512345 (Self & parent)",
        "Self and father: 9876512345",
        "9876512345 ref by Ravi",
        "9876512345 referred by a friend",
        "Sister Mary 9876512345",
        "9876512345 call on alternate days",
        "Dr. Kin Sonawane 9876512345",
        "9876512345 my friend uses it too",
    ],
)
def test_a_name_or_a_remark_beside_a_number_takes_it_from_nobody(text):
    found = one(text)
    assert (found.phone, found.phone_note, found.alternates) == ("9876512345", None, ())


@pytest.mark.parametrize(
    "text",
    [
        "Papa 9876512345",
        "Mummy's no. 9876512345",
        "9876512345 (bhai)",
        "Pai: 9876512345",
        "Friend - 9876512345",
        "9876512345 (alternate)",
        "Alternate no. 9876512345",
        "Other: 9876512345",
        "Father Ramesh 9876512345",
        "9876512345 wife's phone",
        "अभिभावक 9876512345",
        "call father 9876512345",
    ],
)
def test_a_word_that_is_a_name_too_counts_where_it_stands_alone(text):
    assert one(text) == phone.Phone(None, "invalid", "other_person", ("9876512345",))


def test_brackets_behind_a_number_are_about_it_whatever_stands_in_them():
    found = one("9876512345 (self & father), 9123456789 (mother)")
    assert (found.phone, found.alternates) == ("9876512345", ("9123456789",))


def test_a_label_of_another_person_counts_up_to_one_of_the_persons_own():
    assert one("Father: 9123456789, 9876512345").phone is None
    assert one("Father: 9123456789, 9876512345; me 7123456789").phone == "7123456789"


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


NATIONAL = st.from_regex(r"[6-9][0-9]{9}", fullmatch=True)
SPELLINGS = {
    "code_twice": lambda p, gap: f"+91{gap}91{gap}{p}",
    "code_with_noughts_twice": lambda p, gap: f"0091{gap}091{gap}{p}",
    "halves": lambda p, gap: f"+91{gap}{p[:5]}{gap}{p[5:]}",
    "western_groups": lambda p, _: f"{p[0]},{p[1:4]},{p[4:7]},{p[7:]}",
    "indian_groups": lambda p, _: f"{p[0]},{p[1:3]},{p[3:5]},{p[5:7]},{p[7:]}",
    "float": lambda p, _: f"{p[0]}.{p[1:]}E+09",
    "float_with_the_code": lambda p, _: f"9.1{p}E11",
    "fraction": lambda p, _: f"91{p}.0",
    "copy": lambda p, gap: f"{p[:5]}{gap}{p[5:]} (2)",
    "own_label": lambda p, gap: f"Self:{gap}{p}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@settings(max_examples=40, deadline=None)
@given(national=NATIONAL, gap=st.sampled_from(["", " ", "-", " - ", "."]))
def test_a_well_formed_indian_number_comes_out_of_every_spelling(spelling, national, gap):
    found = phone.normalise_one(SPELLINGS[spelling](national, gap), frozenset())
    assert found.phone == (None if len(set(national)) == 1 else national)


@settings(max_examples=60, deadline=None)
@given(NATIONAL, NATIONAL, st.sampled_from([" ", "-", " and ", " or ", "/", ", ", " Father ", " (self) father:"]))
def test_of_two_numbers_the_first_is_the_phone_whatever_stands_between(first, second, between):
    found = phone.normalise_one(f"{first}{between}{second}", frozenset())
    if len(set(first)) > 1:
        assert found.phone == first
        assert set(found.alternates) <= {second}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(NATIONAL, st.sampled_from(
    ["91", "+", "0", "00", " ", "-", ",", ".", "/", "E+09", "E9", "father", "self", "(2)", "9", "12", "971", "x"]
)), max_size=9))  # fmt: skip
def test_no_digit_is_invented(pieces):
    """Every number that comes out stands in the cell, digit by digit in this order."""
    text = "".join(pieces)
    found = one(text)
    for number in filter(None, [found.phone, *found.alternates]):
        rest = iter(text)
        assert all(digit in rest for digit in number.removeprefix("+"))


def test_a_column_of_odd_spellings_reads_each_once(monkeypatch):
    calls = []
    read = phone.normalise_one
    monkeypatch.setattr(phone, "normalise_one", lambda text, nobodys: calls.append(text) or read(text, nobodys))
    frame = phone.normalise(column(*["Self: 9876512345 Father: 9123456789"] * 1000), PLACEHOLDERS)
    assert frame["phone"].eq("9876512345").all()
    assert len(calls) <= 2
