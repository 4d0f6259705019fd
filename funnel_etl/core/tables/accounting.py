"""Row accounting: no row is ever dropped silently.

A transform opens a `RowAccount` on each input, says of every row it does not keep why (quarantined, excluded, merged),
and gives an `Outcome`, whose ledger must balance: in = out + merged + quarantined + excluded. Knows no table, no rule.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pandas as pd

from funnel_etl.core.errors import PublishRefused
from funnel_etl.core.reading.schema_drift import SchemaChange
from funnel_etl.core.tables.validity import Validity
from funnel_etl.core.values.numbers import grouped

TRACE = ["file_id", "source_row"]
"""The columns that lead a row back to a line of a landed file."""

QUARANTINE_COLUMNS = [*TRACE, "row_key", "reason", "detail", "row"]
LINE_COLUMNS = ["source", *TRACE, "rows", "current_file_id", "current_row"]
MERGED_COLUMNS = [*TRACE, "into_file_id", "into_source_row", "reason"]


@dataclass(frozen=True)
class LedgerLine:
    """What became of the rows of one input of one table. `reasons` counts rows by "kind:reason"."""

    input_name: str
    rows_in: int
    rows_out: int
    merged: int = 0
    quarantined: int = 0
    excluded: int = 0
    cell_warnings: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def balances(self) -> bool:
        """Whether every row that came in is accounted for."""
        return self.rows_in == self.rows_out + self.merged + self.quarantined + self.excluded


@dataclass(frozen=True)
class Made:
    """What a table was made of (`key`: a hash of it all but the as-of date), on which night, and for which it holds."""

    key: str
    night: date
    validity: Validity


@dataclass
class Outcome:
    """A table for one night and the account of how it came about.

    `quarantine` has QUARANTINE_COLUMNS, `merged` MERGED_COLUMNS; `problems` are the checks
    it failed: such a table is never published. `notes` are one-line warnings without personal data; `drift` is how the
    header of its source differs from the night before. `lines` (LINE_COLUMNS): where rows of a dump stand in it, a run
    of lines a row, where they are led back to the first dump they stood in. `days`: what the as-of date was compared
    with, besides the days of the inputs; `made`: None, where nothing may be reused; `reused_from`: the night whose rows
    these are (`rows` is then empty).
    """

    rows: pd.DataFrame
    ledger: list[LedgerLine] = field(default_factory=list)
    quarantine: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=QUARANTINE_COLUMNS))
    merged: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=MERGED_COLUMNS))
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    drift: list[SchemaChange] = field(default_factory=list)
    lines: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=LINE_COLUMNS))
    days: list[pd.Series] = field(default_factory=list)
    made: Made | None = None
    reused_from: date | None = None


class RowAccount:
    """The account of one input frame on its way to a table. Rows are named by the labels of its unique index."""

    def __init__(self, rows: pd.DataFrame, input_name: str) -> None:
        if not rows.index.is_unique:
            msg = f"{input_name}: the index of an input must be unique"
            raise ValueError(msg)
        self.input_name = input_name
        self._input = rows
        self._open = pd.Series(data=True, index=rows.index)
        self._reasons: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._cell_warnings = 0
        self._quarantine: list[pd.DataFrame] = []
        self._merged: list[pd.DataFrame] = []
        self.notes: list[str] = []

    @property
    def remaining(self) -> pd.Index:
        """Labels of the rows that are still on their way."""
        return self._open.index[self._open]

    def rows(self) -> pd.DataFrame:
        """Return the rows that are still on their way."""
        return self._input[self._open]

    def quarantine(self, reasons: pd.Series, detail: str = "") -> None:
        """Put aside each remaining row for which `reasons` holds a code (missing = keep); the first reason stays."""
        found = reasons.reindex(self._input.index)[self._open].dropna()
        if found.empty:
            return
        taken = self._input.loc[found.index]
        self._quarantine.append(taken[TRACE].assign(reason=found.astype("str"), detail=detail, row=_as_json(taken)))
        self._close(found, "quarantined")

    def exclude(self, reasons: pd.Series) -> None:
        """Leave out, by a named rule, every remaining row for which `reasons` holds one (missing = keep)."""
        self._close(reasons.reindex(self._input.index)[self._open].dropna(), "excluded")

    def merge(self, into: pd.Series, reason: str) -> None:
        """Collapse rows into others: `into` maps the label of a row that goes to the label of the row that stays."""
        into = into[into.index.isin(self.remaining)]
        if into.empty:
            return
        kept = self._input.loc[into.to_numpy(), TRACE]
        gone = self._input.loc[into.index, TRACE]
        self._merged.append(
            gone.assign(
                into_file_id=kept["file_id"].to_numpy(), into_source_row=kept["source_row"].to_numpy(), reason=reason
            )
        )
        self._close(pd.Series(reason, index=into.index), "merged")

    def merge_duplicates(self, columns: list[str], reason: str, keep: Literal["first", "last"] = "first") -> None:
        """Merge remaining rows that agree on `columns` into the first (or last) of them."""
        rows = self.rows()
        rows = rows.loc[rows.duplicated(columns, keep=False), columns]
        if rows.empty:
            return
        labels = pd.Series(rows.index, index=rows.index)
        kept = labels.groupby([rows[c] for c in columns], dropna=False).transform(keep)
        self.merge(kept[kept != labels], reason)

    def warn(self, column: str, cells: pd.Series) -> None:
        """Count the cells of `column` (True in `cells`) that could not be read and became NULL."""
        count = int(cells.reindex(self.remaining).fillna(value=False).sum())
        if count:
            self._cell_warnings += count
            self._reasons[f"cell_warning:{column}"] += count

    def line(self) -> LedgerLine:
        """Return the ledger line as it stands."""
        return LedgerLine(
            input_name=self.input_name,
            rows_in=len(self._input),
            rows_out=len(self.remaining),
            merged=self._counts["merged"],
            quarantined=self._counts["quarantined"],
            excluded=self._counts["excluded"],
            cell_warnings=self._cell_warnings,
            reasons=dict(sorted(self._reasons.items())),
        )

    def outcome(self, rows: pd.DataFrame) -> Outcome:
        """Close the account with the table it led to; raises `PublishRefused` unless it balances."""
        return close(rows, self)

    def _close(self, reasons: pd.Series, kind: str) -> None:
        self._open[reasons.index] = False
        self._counts[kind] += len(reasons)
        for reason, count in reasons.value_counts().items():
            self._reasons[f"{kind}:{reason}"] += int(count)

    def quarantined_rows(self) -> pd.DataFrame:
        """Return what was put aside, with QUARANTINE_COLUMNS but row_key."""
        return pd.concat(
            [pd.DataFrame(columns=[*TRACE, "reason", "detail", "row"]), *self._quarantine], ignore_index=True
        )

    def merged_rows(self) -> pd.DataFrame:
        """Return what was merged, with MERGED_COLUMNS."""
        return pd.concat([pd.DataFrame(columns=MERGED_COLUMNS), *self._merged], ignore_index=True)


def close(rows: pd.DataFrame, *accounts: RowAccount) -> Outcome:
    """Close several accounts with the one table they led to; raises `PublishRefused` unless they balance together."""
    lines = [account.line() for account in accounts]
    expected = sum(line.rows_out for line in lines)
    if expected != len(rows) or not all(line.balances for line in lines):
        names = ", ".join(account.input_name for account in accounts)
        raise PublishRefused(
            f"{expected} rows of {names} were to be kept, but the table has {len(rows)}",
            fix="the transform loses or invents rows: it must say of each row it does not keep why",
        )
    return Outcome(
        rows=rows,
        ledger=lines,
        quarantine=_named(pd.concat([a.quarantined_rows() for a in accounts], ignore_index=True)),
        merged=pd.concat([a.merged_rows() for a in accounts], ignore_index=True),
        notes=[note for account in accounts for note in account.notes],
    )


FEW = 20
"""So many rows in quarantine are no alarm, whatever their share: small files have few rows."""


def too_many_quarantined(ledger: Iterable[LedgerLine], limit: float) -> list[str]:
    """Return the inputs of which more than `limit` (a share) and more than FEW rows are in quarantine, and why most."""
    told = []
    for line in ledger:
        if line.quarantined > FEW and line.quarantined > limit * line.rows_in:
            reasons = Counter({k.split(":")[1]: n for k, n in line.reasons.items() if k.startswith("quarantined:")})
            most = ", ".join(f"{grouped(count)} {name}" for name, count in reasons.most_common(3))
            told.append(
                f"{line.input_name}: {grouped(line.quarantined)} of {grouped(line.rows_in)} rows are in quarantine "
                f"({most})"
            )
    return told


def summarised(rows: pd.DataFrame, **inputs: pd.DataFrame) -> Outcome:
    """Return the outcome of an aggregate: each input's rows are summed into `rows`; only their number is accounted."""
    lines = [
        LedgerLine(
            name, len(frame), 0, merged=len(frame), reasons={"merged:aggregated": len(frame)} if len(frame) else {}
        )
        for name, frame in inputs.items()
    ]
    return Outcome(rows=rows, ledger=lines)


def blank_reasons(blank_rows: Collection[int], erased: Collection[int]) -> dict[str, int]:
    """Count blank lines by why they are left out: `erased` are the lines that persons were taken out of."""
    gone = len({*blank_rows} & {*erased})
    counts = {"excluded:blank_row": len(blank_rows) - gone, "excluded:erased": gone}
    return {reason: count for reason, count in counts.items() if count}


def _as_json(rows: pd.DataFrame) -> pd.Series:
    cells = rows.drop(columns=TRACE)
    texts = [
        json.dumps(
            {k: v for k, v in record.items() if isinstance(v, str) and v != ""}, ensure_ascii=False, sort_keys=True
        )
        for record in cells.to_dict("records")
    ]
    return pd.Series(texts, index=rows.index, dtype="str")


def _named(quarantine: pd.DataFrame) -> pd.DataFrame:
    """Name each row by its content, so that the same bad line of tomorrow's dump is known to be the same."""
    ordinal = quarantine.groupby("row").cumcount()
    keys = [
        hashlib.sha256(f"{text}#{number}".encode()).hexdigest()[:20]
        for text, number in zip(quarantine["row"], ordinal, strict=True)
    ]
    return quarantine.assign(row_key=pd.Series(keys, index=quarantine.index, dtype="str"))[QUARANTINE_COLUMNS]
