"""Rows as the pages show them."""

import pandas as pd
import pytest

from funnel_etl.app.access import Person, Role
from funnel_etl.app.tables import file_title, own_rows, percent, whole_rupees

ROWS = pd.DataFrame(
    [
        (1, "o1", "Asha Rao", "webinars"),
        (2, "o2", "Dev Shah", None),
        (3, "o3", None, None),
        (4, None, None, None),
        (5, "o5", None, "bootcamps"),
    ],
    columns=["row", "occurrence_id", "conductor", "profile"],
)


@pytest.mark.parametrize(
    ("conductors", "profiles", "wanted"),
    [
        ((), (), [1, 2, 3, 4, 5]),
        (("asha rao",), (), [1, 4]),
        (("asha rao",), ("bootcamps",), [1, 4, 5]),
        (("nobody",), (), [4]),
    ],
)
def test_a_row_of_a_webinar_is_its_owners_and_one_of_none_is_everybodys(
    conductors: tuple[str, ...], profiles: tuple[str, ...], wanted: list[int]
) -> None:
    person = Person("a@example.org", frozenset({Role.SALES}), frozenset(conductors), frozenset(profiles))
    assert own_rows(person, ROWS)["row"].tolist() == wanted


def test_no_rows_stay_none() -> None:
    person = Person("a@example.org", frozenset({Role.SALES}), frozenset({"x"}))
    assert own_rows(person, ROWS.head(0)).empty


def test_a_fetched_file_is_named_by_the_end_of_its_address() -> None:
    assert file_title("https://crm.example.org/export/sales.csv") == "sales.csv"
    assert file_title("https://crm.example.org/") == "https://crm.example.org/"
    assert file_title("attendee 1/2.csv") == "attendee 1/2.csv"


def test_shares_and_rupees() -> None:
    assert percent(0.0754) == "7.5 %"
    assert whole_rupees(123456.5) == "₹1,23,457"
