"""What is new in the header of a source, against the one before, and the line that fixes a renamed column."""

import pytest

from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.reading.schema_drift import CHANGES, schema_drift

DOCUMENTED = [SourceColumn("_id", needed=True), SourceColumn("netAmount", ("net",)), SourceColumn("status")]
BEFORE = ["_id", "netAmount", "status", "note"]


def told(before: list[str] | None, now: list[str], **aliases: str) -> list[tuple[str, str, str | None]]:
    changes = schema_drift("crm_sales", before, now, DOCUMENTED, aliases)
    assert {change.change for change in changes} <= set(CHANGES)
    return [(change.change, change.column, change.was) for change in changes]


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        pytest.param(BEFORE, [], id="the_same"),
        pytest.param(["_ID", " Net Amount", "STATUS", "note"], [], id="other_spelling_of_the_same_name"),
        pytest.param([*BEFORE, "team"], [("added", "team", None)], id="added"),
        pytest.param([*BEFORE, "", ""], [], id="padded"),
        pytest.param(["_id", "netAmount", "note"], [("missing", "status", None)], id="missing"),
        pytest.param(["_id", "netAmount", "status"], [("missing", "note", None)], id="missing_undocumented"),
        pytest.param(["_id", "status", "netAmount", "note"], [("reordered", "*", None)], id="reordered"),
        pytest.param(["_id", "net", "status", "note"], [("renamed", "net", "netAmount")], id="known_spelling"),
        pytest.param(["_id", "net_amt", "status", "note"], [("renamed", "net_amt", "netAmount")], id="likely"),
        pytest.param([*BEFORE, "Status"], [("duplicated", "status", None)], id="duplicated"),
        pytest.param(
            ["_id", "netAmount", "status", "remark"],
            [("missing", "note", None), ("added", "remark", None)],
            id="undocumented_columns_are_not_guessed_at",
        ),
    ],
)
def test_each_change_of_a_header_is_told(now: list[str], changes: list[tuple[str, str, str | None]]) -> None:
    assert told(BEFORE, now) == changes


def test_what_was_told_once_is_quiet_the_next_night() -> None:
    odd = ["status", "_id", "net_amt", "Status", "team"]
    assert told(BEFORE, odd) != []
    assert told(odd, odd) == []


def test_a_renamed_column_comes_with_the_line_that_mends_it_until_it_is_there() -> None:
    now = ["_id", "net_amt", "status", "note"]
    (change,) = schema_drift("crm_sales", BEFORE, now, DOCUMENTED, {})
    assert "`crm_sales,net_amt,netAmount` to config_csv/column_aliases.csv" in str(change)
    (fixed,) = schema_drift("crm_sales", BEFORE, now, DOCUMENTED, {"net_amt": "netAmount"})
    assert str(fixed) == "crm_sales: column 'net_amt' renamed (was 'netAmount')"


def test_a_first_dump_is_compared_with_the_documented_layout_in_any_spelling_and_order() -> None:
    assert told(None, ["status", "net", "_id"]) == []
    assert told(None, ["status", "_id", "team"]) == [("missing", "netAmount", None), ("added", "team", None)]
    assert told(None, ["status", "net_amt", "_id"]) == [("renamed", "net_amt", "netAmount")]
