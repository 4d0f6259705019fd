"""Names as people type them: what is a name, and which two may be one person's. Vectors of the design, C1."""

import pytest

from funnel_etl.core.person_names import NameRules, is_device, phones_in, script_of, without_roll_number

RULES = NameRules()
PAIRS = [
    ("Anita Sharma", "Anita S", "weak"),
    ("Anita Sharma", "Anita Verma", "different"),
    ("Mohd Irfan", "Mohammed Irfan", "same"),
    ("Riya Shah", "Ria Shah", "different"),
    ("Rahul Mehta", "Rahil Mehta", "same"),
    ("K Iyer", "Kavya Iyer", "weak"),
    ("Rohan's iPhone", "Rohan Mehta", "weak"),
    ("CA", "Rohan Mehta", "unknown"),
    ("O'Brien Kate", "Kate OBrien", "same"),
    ("Rahul Kumar Singh", "Rohit Kumar Singh", "different"),
    ("Gurpreet Singh", "Gurpreet Kaur", "different"),
    ("Max Müller", "Max Muller", "same"),
    ("RohitSharma", "Rohit Sharma", "same"),
    ("CA Rohit Sharma", "Rohit Sharma", "same"),
    ("Ankit Rao", "Ankita Rao", "different"),
    ("K", "Kavya Iyer", "unknown"),
    ("P. Nair", "Priya Nair", "weak"),
    ("Meena Iyerr", "Meena Iyer", "different"),
]


@pytest.mark.parametrize(("a", "b", "wanted"), PAIRS, ids=[f"{a} / {b}" for a, b, _ in PAIRS])
def test_two_names_are_related_as_the_design_says_in_either_order(a: str, b: str, wanted: str) -> None:
    assert RULES.relation(RULES.tokens(a), RULES.tokens(b)) == wanted
    assert RULES.relation(RULES.tokens(b), RULES.tokens(a)) == wanted


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("  priya   NAIR ", ("priya", "nair")),
        ("Priya Nair 🌸 (she/her)", ("priya", "nair")),
        ("Rohan's iPhone", ("rohan",)),
        ("Redmi Note 9", ()),
        ("DESKTOP-4F2K", ()),
        ("Student 3", ()),
        ("asha@example.com", ()),
        ("9810000001", ()),
        ("अनिता शर्मा", ("अनिता", "शर्मा")),
        ("CA Rohit", ("rohit",)),
        ("", ()),
    ],
)
def test_the_words_of_a_name(name: str, words: tuple[str, ...]) -> None:
    assert RULES.tokens(name) == words


def test_a_short_name_chains_no_two_full_ones() -> None:
    names = [RULES.tokens(name) for name in ("Asha Rao", "Asha Shah", "Asha", "Dev Rao")]
    first, second, short, other = RULES.groups(names)
    assert short is None
    assert len({first, second, other}) == 3


def test_two_scripts_of_one_group_each_are_one() -> None:
    assert len(set(RULES.groups([RULES.tokens("अनिता शर्मा"), RULES.tokens("Anita Sharma")]))) == 1
    assert script_of(RULES.tokens("अनिता")) == "DEVANAGARI"


def test_devices_numbers_and_phones_in_names() -> None:
    assert is_device("Galaxy A12")
    assert not is_device("Asha Rao")
    assert without_roll_number("FRM102 - Meena Iyer").strip(" -") == "Meena Iyer"
    assert phones_in("Meena 98100 00007") == ["9810000007"]
    assert phones_in("Meena +91 98100 00007") == ["9810000007"]
    assert phones_in("FRM102") == []
