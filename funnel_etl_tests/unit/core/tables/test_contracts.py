"""The machinery of table contracts: conforming, validating, and the way to Arrow and back."""

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from funnel_etl.core.errors import PublishRefused
from funnel_etl.core.tables.contracts import ARROW_TYPE, MONEY_LIMIT, Column, Kind, Table

EVERY_KIND = Table(
    "clean",
    "things",
    "One row per thing",
    ("name",),
    (
        Column("name", Kind.TEXT, "Name.", required=True),
        Column("seen_count", Kind.INTEGER, "Count."),
        Column("is_good", Kind.BOOLEAN, "Good."),
        Column("seen_at", Kind.TIMESTAMP, "Instant."),
        Column("seen_date", Kind.DATE, "Day."),
        Column("price_inr", Kind.MONEY, "Price."),
        Column("share", Kind.NUMBER, "Share."),
        Column("others", Kind.TEXT_ARRAY, "Others."),
        Column("row", Kind.JSON, "Row."),
    ),
)
CLOSED = Table("mart", "colours", "One row per colour", ("c",), (Column("c", Kind.TEXT, "Colour.", values=("a", "b")),))


def things() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": ["{}", None],
            "name": ["first", "second"],
            "seen_count": [3, None],
            "is_good": [True, None],
            "seen_at": [pd.Timestamp("2026-11-01T00:00:00.000001+05:30"), None],
            "seen_date": [pd.Timestamp("2026-11-01"), None],
            "price_inr": [-1, None],
            "share": [0.1, None],
            "others": [["x", "y"], None],
        },
        index=[7, 9],
    )


def test_conform_gives_the_declared_columns_in_order_in_their_dtypes_with_a_fresh_index() -> None:
    frame = EVERY_KIND.conform(things().assign(more=1))
    assert frame.columns.tolist() == EVERY_KIND.names
    assert frame.index.tolist() == [0, 1]
    assert frame.dtypes.astype("str").to_dict() == {
        "name": "str",
        "seen_count": "Int64",
        "is_good": "boolean",
        "seen_at": "datetime64[us, UTC]",
        "seen_date": "datetime64[us]",
        "price_inr": "Int64",
        "share": "float64",
        "others": "object",
        "row": "str",
    }


def test_conform_names_the_column_a_transform_forgot() -> None:
    with pytest.raises(PublishRefused, match=r"clean\.things: the transform made no column share"):
        EVERY_KIND.conform(things().drop(columns="share"))


def test_conform_names_the_column_that_does_not_cast_and_shows_no_value() -> None:
    with pytest.raises(PublishRefused, match="seen_count does not cast to bigint") as raised:
        EVERY_KIND.conform(things().assign(seen_count=["9876512345x", "1"]))
    assert "9876512345" not in str(raised.value)


def test_the_way_to_arrow_and_back_loses_nothing() -> None:
    frame = EVERY_KIND.conform(things())
    pd.testing.assert_frame_equal(EVERY_KIND.from_arrow(EVERY_KIND.to_arrow(frame)), frame)


def test_an_empty_table_goes_the_same_way() -> None:
    arrow = EVERY_KIND.to_arrow(EVERY_KIND.empty())
    assert arrow.num_rows == 0
    assert [field.type for field in arrow.schema] == [ARROW_TYPE[c.kind] for c in EVERY_KIND.columns]
    pd.testing.assert_frame_equal(EVERY_KIND.from_arrow(arrow), EVERY_KIND.empty())


def test_empty_tables_from_the_lake_can_be_joined() -> None:
    """An empty CRM dump once stopped the night: pandas does not join text columns that have no chunk at all."""
    empty = EVERY_KIND.from_arrow(EVERY_KIND.to_arrow(EVERY_KIND.empty()))
    assert empty.join(empty.set_index(["name", "row"])["price_inr"].rename("other"), on=["name", "row"]).empty


@pytest.mark.parametrize(
    ("paise", "rupees"),
    [
        pytest.param(0, "0.00", id="zero"),
        pytest.param(1, "0.01", id="a_paisa"),
        pytest.param(-1, "-0.01", id="minus_a_paisa"),
        pytest.param(-123456, "-1234.56", id="negative"),
        pytest.param(MONEY_LIMIT - 1, "999999999999.99", id="the_largest"),
        pytest.param(1 - MONEY_LIMIT, "-999999999999.99", id="the_smallest"),
    ],
)
def test_paise_become_the_same_amount_of_rupees(paise: int, rupees: str) -> None:
    frame = EVERY_KIND.conform(things().assign(price_inr=[paise, None]))
    assert EVERY_KIND.to_arrow(frame)["price_inr"].to_pylist() == [Decimal(rupees), None]


def test_money_survives_a_sliced_and_chunked_arrow_column() -> None:
    frame = EVERY_KIND.conform(pd.concat([things().assign(price_inr=[5, None])] * 3))
    arrow = EVERY_KIND.to_arrow(frame)
    pieces = pa.concat_tables([arrow.slice(1, 2), arrow.slice(4, 2)])
    assert EVERY_KIND.from_arrow(pieces)["price_inr"].fillna(-1).tolist() == [-1, 5, 5, -1]


def test_an_amount_too_large_for_its_column_is_refused() -> None:
    frame = EVERY_KIND.conform(things().assign(price_inr=[MONEY_LIMIT, 0]))
    assert EVERY_KIND.problems(frame) == ["price_inr is too large for numeric(14,2) in 1 rows"]
    with pytest.raises(PublishRefused, match="too large"):
        EVERY_KIND.to_arrow(frame)


def test_a_frame_that_holds_its_contract_has_no_problems() -> None:
    assert EVERY_KIND.problems(EVERY_KIND.conform(things())) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"name": ["a", None]}, "name is NULL in 1 rows", id="required_is_missing"),
        pytest.param({"name": ["a", "a"]}, "One row per thing: 1 rows repeat the key (name)", id="key_repeats"),
    ],
)
def test_what_breaks_a_contract_is_told_by_column_and_count(change: dict[str, list[str]], problem: str) -> None:
    assert EVERY_KIND.problems(EVERY_KIND.conform(things().assign(**change))) == [problem]


def test_a_value_that_is_not_allowed_is_named() -> None:
    frame = CLOSED.conform(pd.DataFrame({"c": ["a", "b", "z"]}))
    assert CLOSED.problems(frame) == ["c holds 1 values that are not allowed: ['z']"]


def test_a_missing_column_is_the_only_problem_told() -> None:
    assert EVERY_KIND.problems(pd.DataFrame({"name": ["a"]}))[0] == "column seen_count is missing"


@pytest.mark.parametrize(
    ("key", "columns"),
    [pytest.param(("b",), ("a",), id="key_not_declared"), pytest.param(("a",), ("a", "a"), id="column_declared_twice")],
)
def test_a_contract_that_contradicts_itself_is_a_mistake(key: tuple[str, ...], columns: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"clean\.t"):
        Table("clean", "t", "One row per t", key, tuple(Column(c, Kind.TEXT, "T.") for c in columns))


def test_an_extensible_table_takes_further_text_columns_and_calls_them_personal() -> None:
    wider = EVERY_KIND.extended_with(["name", "ad name"])
    assert wider.names == [*EVERY_KIND.names, "ad name"]
    assert wider.by_name["ad name"].kind is Kind.TEXT
    assert wider.by_name["ad name"].personal, "nobody knows what a form asks next"
    assert EVERY_KIND.extended_with(["name"]) is EVERY_KIND


def test_the_description_is_the_grain_and_the_note() -> None:
    assert EVERY_KIND.description == "One row per thing."
    assert Table("a", "b", "One row per b", (), (), note="Kept.").description == "One row per b. Kept."
