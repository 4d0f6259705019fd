"""The tables of words contradict neither themselves nor each other."""

import pytest

from funnel_etl.parts.marketing.zoom.reader import vocabulary

TABLES = {
    name: getattr(vocabulary, name) for name in ("COLUMNS", "SECTIONS", "SUMMARY", "GENERATED", "ANSWERS", "APPROVALS")
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_no_spelling_has_two_meanings(table: vocabulary.Spellings) -> None:
    meanings: dict[str, set[str]] = {}
    for meaning, _language, spelling in vocabulary.entries(table):
        meanings.setdefault(vocabulary.key(spelling), set()).add(meaning)
    assert meanings, "the table is empty"
    assert {spelling: found for spelling, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Horário de saída", "HORARIO DE SAIDA", id="accents and case"),
        pytest.param("# Registrants", " Registrants ", id="signs and blanks"),
        pytest.param("E-mail", "Email", id="hyphen"),
        pytest.param("N.º inscritos", "No inscritos", id="ordinal sign"),
    ],
)
def test_spellings_are_compared_by_letters_and_digits(one: str, other: str) -> None:
    assert vocabulary.key(one) == vocabulary.key(other)


def test_different_words_stay_different() -> None:
    assert vocabulary.key("Hora de entrada") != vocabulary.key("Hora de salida")
