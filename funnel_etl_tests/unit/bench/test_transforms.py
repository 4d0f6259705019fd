"""The benchmark of the transforms: it runs, both its sides agree, and it notices when they do not."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.bench import sql, transforms
from funnel_etl.bench.synthetic import frames
from funnel_etl.marts.funnel.contracts import SPEND_BY_FUNNEL
from funnel_etl.marts.funnel.definitions import TABLES

pytestmark = pytest.mark.slow

NOT_MEASURED = {
    "data_version": "one row about the night",
    "revenue_changes": "a sale's changes of this night, from the history of the CRM's dumps",
    "restatements": "M0 once more, and only of months that people have closed",
}


@pytest.fixture(scope="module")
def clean() -> dict[str, pd.DataFrame]:
    return frames(assignments=400, sales=80, attendances=300)


def test_every_table_of_mart_is_made_on_both_sides_with_the_same_rows_and_sums(clean: dict[str, pd.DataFrame]) -> None:
    measured = list(transforms.compare(clean))
    assert [m.table for m in measured] == list(sql.QUERIES)
    assert all(min(m.rows, m.ours, m.theirs, m.ours_work, m.theirs_work) > 0 for m in measured)


def test_no_table_of_mart_is_left_out_but_those_named_here() -> None:
    measured = {table.name for table in transforms.STEPS}
    assert {table.name for table in TABLES if table.schema == "mart"} == measured | set(NOT_MEASURED)


def test_the_same_seed_makes_the_same_rows_and_another_others() -> None:
    for name, frame in frames(50, 20, 40).items():
        pd.testing.assert_frame_equal(frame, frames(50, 20, 40)[name])
        assert not frame.equals(frames(50, 20, 40, seed=8)[name])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param(lambda rows: rows.iloc[1:], "rows", id="a row less"),
        pytest.param(lambda rows: rows.assign(clicks=rows["clicks"] + 1), "clicks", id="another number"),
        pytest.param(lambda rows: rows.assign(funnel=rows["funnel"] + "s"), "funnel", id="another text"),
        pytest.param(lambda rows: rows.assign(month=rows["month"] + pd.Timedelta(days=1)), "month", id="another day"),
        pytest.param(
            lambda rows: rows.assign(spend_inr=rows["spend_inr"].where(rows["clicks"] < 0)), "values", id="NULLs"
        ),
    ],
)
def test_a_difference_between_the_sides_is_named(
    table_of: Callable[..., pd.DataFrame], change: Callable[[pd.DataFrame], pd.DataFrame], word: str
) -> None:
    rows = table_of(SPEND_BY_FUNNEL, "month,funnel,spend_inr,clicks\n2026-11-01,A,10,1\n2026-10-01,B,5.50,2\n")
    assert transforms.disagreement(SPEND_BY_FUNNEL, rows, rows) == ""
    assert word in transforms.disagreement(SPEND_BY_FUNNEL, rows, change(rows))


def test_a_transform_that_gives_something_else_ends_the_run(
    clean: dict[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sql.QUERIES, "spend_by_funnel", sql.SPEND_BY_FUNNEL.replace("<= $as_of", "< $as_of - 99"))
    with pytest.raises(AssertionError, match=r"mart.spend_by_funnel"):
        list(transforms.compare(clean))
