import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel_etl.core.values import text


def column(*texts):
    return pd.Series(list(texts), dtype="str")


def listed(series):
    return [None if pd.isna(value) else value for value in series]


SAMPLE = "Nome,Sobrenome\r\nJoão,Conceição\r\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"\xef\xbb\xbf" + SAMPLE.encode(), "utf-8"),
        (SAMPLE.encode(), "utf-8"),
        (b"\xff\xfe" + SAMPLE.encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + SAMPLE.encode("utf-16-be"), "utf-16-be"),
        (SAMPLE.encode("utf-16-le"), "utf-16-le"),
        (SAMPLE.encode("utf-16-be"), "utf-16-be"),
        (SAMPLE.encode("cp1252"), "cp1252"),
        (SAMPLE.replace("e,", "e\x00,").encode(), "utf-8"),
    ],
    ids=["bom", "utf-8", "utf-16-le bom", "utf-16-be bom", "utf-16-le", "utf-16-be", "cp1252", "a stray NUL"],
)
def test_a_file_is_decoded_whatever_saved_it(data, encoding):
    assert text.decode(data) == (SAMPLE, encoding)


def test_english_utf16_without_a_bom_is_not_taken_for_utf8_full_of_nuls():
    assert text.decode("First Name,Last Name\n".encode("utf-16-le")).text == "First Name,Last Name\n"


def test_a_character_cut_at_the_end_of_a_file_does_not_garble_the_rest():
    decoded = text.decode("João,Conceição".encode() + "ã".encode()[:1])
    assert decoded == ("João,Conceição\ufffd", "utf-8")


def test_the_fallback_is_the_callers_and_never_fails():
    assert text.decode("Привет".encode("cp1251"), fallback="cp1251").text == "Привет"
    assert text.decode(b"a\x81\xe3b").text == "a\ufffdãb"
    assert text.decode(b"") == ("", "utf-8")


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (" Other\u00a0 Sources\t(Miscellaneous) ", "other sources (miscellaneous)"),
        ("\ufeffWeb\u200binar\u2060", "webinar"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("a*b?~>x", "a*b?~>x"),
        ("line\u2028break\u3000wide", "line break wide"),
        (None, ""),
        (np.nan, ""),
        (pd.NA, ""),
        (pd.NaT, ""),
        (12, "12"),
        ("", ""),
    ],
)
def test_lookups_compare_folded_text_and_take_patterns_literally(raw, key):
    assert text.lookup_key(raw) == key


def test_a_column_of_keys_has_no_missing_values():
    keys = text.lookup_keys(pd.Series([" A ", None, "a"], index=[5, 6, 7], dtype="str"))
    assert keys.to_dict() == {5: "a", 6: "", 7: "a"}


def test_squash_turns_what_only_looks_like_text_into_missing():
    squashed = text.squash(column(" a \u00a0 b ", "\u200b \u3000", "", None))
    assert listed(squashed) == ["a b", None, None, None]
    assert squashed.dtype == text.STR


@pytest.mark.parametrize(
    ("raw", "email"),
    [
        (" Asha.Rao@Example.COM ", "asha.rao@example.com"),
        ("asha@mail.example.co.in", "asha@mail.example.co.in"),
        ("asha@example", None),
        ("asha.example.com", None),
        ("a@b@example.com", None),
        ("@example.com", None),
        ("asha rao@example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_an_email_has_one_at_and_a_dot_in_its_domain(raw, email):
    assert listed(text.clean_email(column(raw))) == [email]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("asha  rao", "Asha Rao"),
        (" ASHA RAO\u00a0", "Asha Rao"),
        ("Asha McRao", "Asha McRao"),
        ("aSHA rao", "aSHA rao"),
        ("o'brien", "O'Brien"),
        ("joão conceição", "João Conceição"),
        ("joa\u0303o", "João"),
        ("ИВАН", "ИВАН"),
        ("राम  कुमार", "राम कुमार"),
        ("श्री\u200dमान", "श्री\u200dमान"),
        ("राम kumar", "राम kumar"),
        ("  ", None),
        (None, None),
    ],
)
def test_names_are_proper_cased_only_when_typed_without_care_in_latin_letters(raw, name):
    assert listed(text.person_name(column(raw))) == [name]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("WithOut_Token_paidAmount", "without_token_paid_amount"),
        ("pId", "p_id"),
        ("_id", "id"),
        ("utmSource", "utm_source"),
        ("Web Purchases", "web_purchases"),
        ("EBook_Net_Amount", "ebook_net_amount"),
        ("Book_Net_Amount", "book_net_amount"),
        ("eBookRev", "ebook_rev"),
        ("bookRev", "book_rev"),
        ("netAmountAfterPDD", "net_amount_after_pdd"),
        ("AccountDescriptiveName", "account_descriptive_name"),
        ("SignUps", "sign_ups"),
        ("goalID", "goal_id"),
        ("emiId", "emi_id"),
        ("lastEmiDate", "last_emi_date"),
        ("Total_emi", "total_emi"),
        ("Paid_Emi_Count", "paid_emi_count"),
        ("DP", "dp"),
        ("sid", "sid"),
        ("assignedLeadSources", "assigned_lead_sources"),
        ("date_time", "date_time"),
        ("Question 1", "question_1"),
        ("Horário de saída", "horario_de_saida"),
        ("# Registered", "registered"),
        ("???", ""),
    ],
)
def test_column_names_become_snake_case(header, name):
    assert text.snake_case(header) == name


def test_map_unique_asks_once_for_each_text_and_keeps_the_index():
    asked = []

    def shout(value):
        asked.append(value)
        return value.upper() if value else None

    series = pd.Series(["a", "b", "a", "", None], index=[4, 3, 2, 1, 0], dtype="str")
    result = text.map_unique(series, shout)
    assert sorted(asked) == ["", "a", "b"]
    assert listed(result) == ["A", "B", "A", None, None]
    assert list(result.index) == [4, 3, 2, 1, 0]


def test_an_all_missing_object_column_is_text_too():
    assert listed(text.squash(pd.Series([None, np.nan], dtype=object))) == [None, None]


@pytest.mark.parametrize(
    "typed",
    [
        *("6.54E+23", "6,54E+23", " 6.54e+23 ", "1.23457E+15", "1E+15", "6.54E23", "65.4E+21"),
        *("6.54 E+23", "6.54 E 23", "'6.54E+23", "’6.54E+23", '="6.54E+23"', "1 E +15"),
        *("654000000000000000000000", "654000000000000000000000.00", "'1234567890123450000", "1234567890123450000."),
        *("654,000,000,000,000,000,000,000", "6,54,00,00,00,00,00,00,00,00,00,000", "123456789012345000"),
    ],
)
def test_an_id_that_a_spreadsheet_took_for_a_number_is_known_by_the_form_it_writes(typed):
    """`654000000000000000000000` and `'6.54E+23` each were one id of several sales."""
    assert text.are_rounded_ids(pd.Series([typed, None], dtype="str")).tolist() == [True, False]


@pytest.mark.parametrize(
    "typed",
    [
        *("6e5", "64E10", "6E23", "507f1f77bcf86cd799439011", "1.5", "E+23", "a6.54E+23", "6.54E+2", "6.54E-23", ""),
        *("987650000000", "100000000000000", "1234567890123450", "1234567890123456789", "654000000000000000000001"),
        *("507f1f77bcf86cd799000000", "S-654000000000000000000000", "0.654000000000000000000000"),
    ],
)
def test_an_id_with_an_e_among_its_digits_or_zeros_at_its_end_is_an_id(typed):
    assert not text.are_rounded_ids(pd.Series([typed], dtype="str")).any()


def test_that_ids_of_sixteen_digits_are_rounded_shows_by_all_of_them():
    """One id in ten ends with a zero by chance."""
    rounded = pd.Series(["1234567890123450", "2234567890123450", "3234567890123450", "s1"], dtype="str")
    assert text.are_rounded_ids(rounded).tolist() == [True, True, True, False]
    kept = pd.concat([rounded, pd.Series(["4234567890123456"], dtype="str")])
    assert not text.are_rounded_ids(kept).any()


def test_of_many_long_ids_a_few_end_with_zeros_by_chance():
    ids = pd.Series([str(9_007_199_254_740_991 * 119 * n)[:19] for n in range(100, 30_000)], dtype="str")
    assert ids.str.endswith("0000").any()
    assert not text.are_rounded_ids(ids).any()


TYPED = st.lists(
    st.sampled_from([*"aZ9@. -_é\u200b\u200d\n\t~^`'[@", "Asha", "rao", "NA", "ÉMILE", "a@b.co", "İ"]), max_size=8
).map("".join)


@given(st.lists(TYPED, max_size=6))
def test_texts_that_are_right_already_are_told_from_others(texts):
    cells = column(*texts)
    assert listed(text.squash(cells)) == [text.squash_one(cell) or None for cell in texts]
    assert listed(text.lookup_keys(cells)) == [text.lookup_key(cell) for cell in texts]
    assert listed(text.clean_email(cells)) == [text._email(cell) for cell in texts]
    assert listed(text.person_name(cells)) == [text._person(cell) for cell in texts]


def test_what_nobody_sees_and_no_table_takes_goes_out_of_what_was_typed() -> None:
    assert text.typed("\x00a\tb\r\nसादर 🙂\x1f\ud83d") == "a\tb\r\nसादर 🙂"
