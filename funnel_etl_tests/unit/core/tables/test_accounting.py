"""Row accounting: in = out + merged + quarantined + excluded, for every input."""

import pandas as pd
import pytest

from funnel_etl.core.errors import PublishRefused
from funnel_etl.core.tables.accounting import LedgerLine, Outcome, RowAccount, close, summarised


def rows(*names: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "file_id": pd.Series("f", index=range(len(names)), dtype="str"),
            "source_row": pd.Series(range(2, len(names) + 2), dtype="Int64"),
            "name": pd.Series(names, dtype="str"),
        }
    )


def reasons(frame: pd.DataFrame, **by_name: str) -> pd.Series:
    return frame["name"].map(by_name).astype("str")


def test_every_row_that_goes_is_counted_by_kind_and_reason() -> None:
    frame = rows("bad", "host", "a", "a", "b")
    account = RowAccount(frame, "raw.things")
    account.quarantine(reasons(frame, bad="bad_date"))
    account.exclude(reasons(frame, host="host"))
    account.merge_duplicates(["name"], "exact_duplicate")
    line = account.outcome(account.rows()).ledger[0]
    assert (line.rows_in, line.rows_out, line.merged, line.quarantined, line.excluded) == (5, 2, 1, 1, 1)
    assert line.reasons == {"quarantined:bad_date": 1, "excluded:host": 1, "merged:exact_duplicate": 1}
    assert line.balances


def test_the_first_reason_of_a_row_stays() -> None:
    frame = rows("bad", "good")
    account = RowAccount(frame, "raw.things")
    account.quarantine(reasons(frame, bad="bad_date"))
    account.quarantine(reasons(frame, bad="bad_money"))
    account.exclude(reasons(frame, bad="host"))
    assert account.line().reasons == {"quarantined:bad_date": 1}
    assert account.remaining.tolist() == [1]


def test_a_quarantined_row_keeps_its_line_reason_column_and_cells_without_blanks() -> None:
    frame = rows("bad", "good").assign(note=["", "x"], more=["kept", None])
    account = RowAccount(frame, "raw.things")
    account.quarantine(reasons(frame, bad="bad_date"), detail="created date")
    put_aside = account.outcome(account.rows()).quarantine.iloc[0]
    assert put_aside[["file_id", "source_row", "reason", "detail"]].tolist() == ["f", 2, "bad_date", "created date"]
    assert put_aside["row"] == '{"more": "kept", "name": "bad"}'


def test_the_same_bad_line_has_the_same_row_key_every_night_wherever_it_stands() -> None:
    def keys(*names: str) -> list[str]:
        frame = rows(*names)
        account = RowAccount(frame, "raw.things")
        account.quarantine(reasons(frame, bad="bad_date", worse="bad_date"))
        return account.outcome(account.rows()).quarantine["row_key"].tolist()

    assert keys("good", "bad") == keys("bad", "good", "good")
    assert keys("bad") != keys("worse")
    twice = keys("bad", "bad")
    assert twice[0] == keys("bad")[0]
    assert twice[0] != twice[1], "two equal bad lines are two rows of quarantine"


@pytest.mark.parametrize(("keep", "into"), [("first", [(3, 2), (4, 2)]), ("last", [(2, 4), (3, 4)])])
def test_duplicates_merge_into_the_first_or_the_last(keep: str, into: list[tuple[int, int]]) -> None:
    frame = rows("a", "a", "a", "b")
    account = RowAccount(frame, "raw.things")
    account.merge_duplicates(["name"], "same", keep=keep)  # type: ignore[arg-type]
    merged = account.outcome(account.rows()).merged
    assert list(zip(merged["source_row"], merged["into_source_row"], strict=True)) == into


def test_missing_values_are_equal_when_duplicates_are_looked_for() -> None:
    frame = rows("a", "a").assign(note=pd.Series([None, None], dtype="str"))
    account = RowAccount(frame, "raw.things")
    account.merge_duplicates(["name", "note"], "same")
    assert account.remaining.tolist() == [0]


def test_only_remaining_rows_are_duplicates() -> None:
    frame = rows("a", "a")
    account = RowAccount(frame, "raw.things")
    account.quarantine(pd.Series(["bad_date", None], dtype="str"))
    account.merge_duplicates(["name"], "same")
    assert account.remaining.tolist() == [1]


def test_a_warning_counts_cells_of_remaining_rows_only() -> None:
    frame = rows("bad", "good", "good")
    account = RowAccount(frame, "raw.things")
    account.quarantine(reasons(frame, bad="bad_date"))
    account.warn("Email", pd.Series([True, True, False]))
    line = account.line()
    assert line.cell_warnings == 1
    assert line.reasons["cell_warning:Email"] == 1
    assert line.balances


@pytest.mark.parametrize("kept", [1, 3], ids=["a_row_is_lost", "a_row_is_invented"])
def test_a_table_that_does_not_balance_is_refused(kept: int) -> None:
    account = RowAccount(rows("a", "b"), "raw.things")
    with pytest.raises(PublishRefused, match=f"2 rows of raw.things were to be kept, but the table has {kept}"):
        account.outcome(rows("a", "b", "c").head(kept))


def test_several_inputs_balance_together_and_each_has_its_line() -> None:
    one, two = RowAccount(rows("a"), "one"), RowAccount(rows("b", "c"), "two")
    outcome = close(rows("a", "b", "c"), one, two)
    assert [(line.input_name, line.rows_in) for line in outcome.ledger] == [("one", 1), ("two", 2)]


def test_an_aggregate_accounts_each_input_as_merged() -> None:
    line = summarised(rows("sum"), **{"clean.things": rows("a", "b")}).ledger[0]
    assert (line.rows_in, line.rows_out, line.merged) == (2, 0, 2)
    assert line.balances


@pytest.mark.parametrize(
    ("line", "balances"),
    [
        pytest.param(LedgerLine("x", 4, 1, merged=1, quarantined=1, excluded=1), True, id="all_are_accounted"),
        pytest.param(LedgerLine("x", 4, 1, merged=1, quarantined=1), False, id="one_is_missing"),
        pytest.param(LedgerLine("x", 1, 1, cell_warnings=5), True, id="cell_warnings_are_beside_it"),
    ],
)
def test_a_ledger_line_balances_when_all_rows_are_accounted(line: LedgerLine, *, balances: bool) -> None:
    assert line.balances is balances


def test_an_empty_input_is_accounted() -> None:
    account = RowAccount(rows(), "raw.things")
    account.quarantine(pd.Series([], dtype="str"))
    account.merge_duplicates(["name"], "same")
    outcome = account.outcome(account.rows())
    assert isinstance(outcome, Outcome)
    assert outcome.ledger[0].balances
    assert outcome.quarantine.empty


def test_an_input_whose_labels_repeat_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="index of an input must be unique"):
        RowAccount(pd.concat([rows("a"), rows("b")]), "raw.things")
