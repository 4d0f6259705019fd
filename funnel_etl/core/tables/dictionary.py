"""The data dictionary and the list of reason codes as Markdown, from the contracts and `reasons`. Knows no table."""

from collections.abc import Iterable, Iterator, Mapping

from funnel_etl.core.tables.contracts import Column, Table
from funnel_etl.core.tables.reasons import EXCLUSIONS, MERGES, REASONS

GENERATED = "<!-- Written by `make docs` from the code: edit the code, not this file. -->"


def as_markdown(tables: Iterable[Table]) -> str:
    """Return the data dictionary: every table with its grain, key and columns, in the order given."""
    tables = list(tables)
    lines = [
        GENERATED,
        "# Data dictionary",
        "",
        "Every table of PostgreSQL with its grain, key and columns. The same texts are the `COMMENT`s in the database",
        "and the descriptions in the Dagster UI. **P** marks a column that may tell who somebody is.",
        "",
        "| table | grain |",
        "| --- | --- |",
        *(f"| [`{table.full_name}`](#{_anchor(table)}) | {_cell(table.grain)} |" for table in tables),
    ]
    for table in tables:
        lines += ["", *_table(table)]
    return "\n".join(lines) + "\n"


def reasons_markdown(
    parity: Mapping[str, str],
    changes: Mapping[str, str],
    candidates: Mapping[str, tuple[str, str]],
    deliveries: Mapping[str, tuple[str, str]],
) -> str:
    """Return every reason a row may have for being left out, a cell to differ from the sheet, a fact to move.

    And why somebody is not sent anything.
    """
    lines = [
        GENERATED,
        "# Reasons",
        "",
        "Why a source row is not a row of its table. `ops.row_ledger.reasons` counts them for every run, table and",
        "input as `kind:reason`; the names are stable.",
        "",
        "## Quarantined",
        "",
        "The row could not be used; it is kept whole in `ops.quarantine` until a later dump has it right.",
        "",
        "| reason | what it means | how to fix it |",
        "| --- | --- | --- |",
        *(f"| `{name}` | {_cell(what)} | {_cell(fix)} |" for name, (what, fix) in REASONS.items()),
    ]
    for title, introduction, reasons in (
        ("Merged", "The row was collapsed into another one, which `ops.merged_rows` names.", MERGES),
        ("Excluded", "The row was left out by a rule; it stays in `raw`. There is nothing to fix.", EXCLUSIONS),
        ("Parity", "Why a cell of the old sheet differs from `mart`: `parity.diff.reason`.", parity),
        ("Changes", "Why a number moved since the last published night: `ops.changes.cause`, in their order.", changes),
    ):
        lines += ["", f"## {title}", "", introduction, "", "| reason | what it means |", "| --- | --- |"]
        lines += [f"| `{name}` | {_cell(what)} |" for name, what in reasons.items()]
    for title, introduction, fixed in (
        (
            "Delivery: not sent",
            "Why an event or user is not to be sent: `ops.delivery_candidates.reason`. Of several the first of these.",
            candidates,
        ),
        ("Delivery: state", "Why a delivery is in its state: `ops.deliveries.reason`.", deliveries),
    ):
        lines += ["", f"## {title}", "", introduction, "", "| reason | what it means | how to fix it |"]
        lines += ["| --- | --- | --- |"]
        lines += [f"| `{name}` | {_cell(what)} | {_cell(fix)} |" for name, (what, fix) in fixed.items()]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> Iterator[str]:
    yield f"## {table.full_name}"
    yield ""
    yield table.description
    yield ""
    yield f"Key: {', '.join(f'`{name}`' for name in table.key)}."
    if table.extensible:
        yield "Further columns of the source are kept as text under their own names."
    if table.live:
        yield "In PostgreSQL alone: no night can make it again, so it is part of a backup of the database."
    if table.lake_only:
        yield "In the lake alone: not published, and made again from the landing archive."
    yield ""
    yield "| column | type | | description |"
    yield "| --- | --- | --- | --- |"
    for column in table.columns:
        yield f"| `{column.name}` | {column.kind.value} | {_marks(column, table)} | {_cell(column.description)} |"


def _marks(column: Column, table: Table) -> str:
    never_null = column.required or column.name in table.key
    return ", ".join(mark for mark, holds in (("not null", never_null), ("**P**", column.personal)) if holds)


def _anchor(table: Table) -> str:
    """Return the anchor that Markdown viewers make of a heading: no dots, lower case."""
    return f"{table.schema}{table.name}".lower()


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
