"""From a raw table to values: the documented columns by name, each cast with its reason or its warning.

The steps every source shares between `raw` and `clean`; the rules themselves are in `phone`, `dates`, `money`, `text`.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from funnel_etl.core import dates, money, phone
from funnel_etl.core.accounting import LedgerLine, Outcome, RowAccount, blank_reasons
from funnel_etl.core.csvfile import PROBLEM, RESERVED, SourceColumn, match_columns, read_csv
from funnel_etl.core.errors import AmbiguousDates, SourceRejected
from funnel_etl.core.text import lookup_keys, squash


def raw_records(
    data: bytes,
    file_id: str,
    source: str,
    documented: Collection[SourceColumn],
    aliases: dict[str, str],
    erased: Collection[int] = (),
) -> Outcome:
    """Read a landed CSV file into its `raw` table: every record that is not blank, as text, with its line.

    `erased`: lines that are blank because the person in them was erased; they are left out by that rule.
    Raises `SourceRejected` for what is no whole CSV file, `MissingColumn` when a needed column is absent.
    """
    try:
        records = read_csv(data, [column.name for column in documented])
        match_columns(records.columns, documented, aliases, source)
    except SourceRejected as error:
        raise type(error)(error.what, where=error.where or source, fix=error.fix) from error
    rows = records.rows
    rows.insert(0, "file_id", pd.Series(file_id, index=rows.index, dtype="str"))
    for column in documented:
        if column.name not in rows:
            rows[column.name] = pd.Series(None, index=rows.index, dtype="str")
    blank = len(records.blank_rows)
    reasons = blank_reasons(records.blank_rows, erased)
    line = LedgerLine(source, len(rows) + blank, len(rows), excluded=blank, reasons=reasons)
    return Outcome(rows, [line])


def columns_present(
    raw: pd.DataFrame, documented: Collection[SourceColumn], aliases: dict[str, str], source: str
) -> dict[str, str]:
    """Map documented names to the columns of a raw table that carry them; one the file did not have is all NULL."""
    names = [c for c in raw.columns if c not in RESERVED and not (raw[c].isna().all() and len(raw))]
    return match_columns(names, documented, aliases, source)


class SourceFrame:
    """A raw table seen through its documented columns, with the account of its rows.

    Opening it quarantines ragged records. Raises `MissingColumn` when a needed column is absent.
    """

    def __init__(
        self, raw: pd.DataFrame, documented: Collection[SourceColumn], aliases: dict[str, str], source: str
    ) -> None:
        self.source = source
        self.present = columns_present(raw, documented, aliases, source)
        self.raw = raw
        self.account = RowAccount(raw, f"raw.{source}")
        self.account.quarantine(raw[PROBLEM])

    def text(self, name: str) -> pd.Series:
        """Give a column as it came; all missing when the file does not have it."""
        if name not in self.present:
            return pd.Series(None, index=self.raw.index, dtype="str")
        return self.raw[self.present[name]]

    def needed_instant(self, name: str, zone: str) -> pd.Series:
        """Give a date column the row needs: a row without a readable one is quarantined."""
        parsed = self._dates(name, zone)
        self.account.quarantine(parsed.reason, detail=name)
        self.account.notes += parsed.warnings
        return parsed.instants

    def instant(self, name: str, zone: str) -> pd.Series:
        """Give a date column the row can do without: an unreadable cell is missing, and counted as a cell warning."""
        texts = self.text(name)
        try:
            parsed = self._dates(name, zone)
        except AmbiguousDates as error:
            self.account.notes.append(f"{name} left empty: {error.what}")
            self.account.warn(name, lookup_keys(texts) != "")
            return pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
        self.account.warn(name, parsed.reason.notna() & (parsed.reason != "blank_date"))
        return parsed.instants

    def needed_money(self, name: str) -> pd.Series:
        """Give an amount the row needs, in paise: an unreadable one quarantines the row, a blank one is missing."""
        parsed = money.parse(self.text(name))
        self.account.quarantine(parsed.reason, detail=name)
        return parsed.paise

    def money(self, name: str) -> pd.Series:
        """Give an amount the row can do without, in paise: an unreadable one is missing, and a cell warning."""
        parsed = money.parse(self.text(name))
        self.account.warn(name, parsed.reason.notna())
        return parsed.paise

    def integer(self, name: str) -> pd.Series:
        """Give a count the row can do without; a cell that is not a whole number is missing, and a cell warning."""
        texts = squash(self.text(name))
        is_whole = texts.str.fullmatch(r"\d[\d,]{0,17}(?:\.0+)?").fillna(value=False).astype(bool)
        self.account.warn(name, texts.notna() & ~is_whole)
        digits = texts.where(is_whole).str.replace(r",|\..*", "", regex=True)
        counts = pd.Series(pd.NA, index=digits.index, dtype="Int64")
        counts[digits.notna()] = [int(text) for text in digits.dropna()]  # digits of any script, mixed too
        return counts

    def number(self, name: str) -> pd.Series:
        """Give a figure the row can do without; a cell that is not a number is missing, and a cell warning."""
        texts = squash(self.text(name))
        values = pd.to_numeric(texts.str.replace(",", ""), errors="coerce").astype("float64")
        values = values.where(np.isfinite(values))
        self.account.warn(name, values.isna() & texts.notna())
        return values

    def label(self, name: str) -> pd.Series:
        """Give a text with white space collapsed, case as typed; blank is missing."""
        return squash(self.text(name))

    def key(self, name: str) -> pd.Series:
        """Give an identifier the row needs: a row without one is quarantined as `blank_key`."""
        values = squash(self.text(name))
        self.account.quarantine(
            pd.Series("blank_key", index=values.index, dtype="str").where(values.isna()), detail=name
        )
        return values

    def phones(self, name: str, placeholders: frozenset[str]) -> pd.DataFrame:
        """Give the phone columns of the contracts for a column of typed phones."""
        found = phone.normalise(self.text(name), placeholders)
        return found.assign(phone_raw=self.text(name))

    def _dates(self, name: str, zone: str) -> dates.Dates:
        # Ragged and blank rows are out by now: they must not disprove what the good ones prove.
        texts = self.text(name)
        parsed = dates.parse(texts[texts.index.isin(self.account.remaining)], zone, column=f"{self.source}.{name}")
        return dates.Dates(
            instants=parsed.instants.reindex(texts.index),
            reason=parsed.reason.reindex(texts.index),
            order=parsed.order,
            proof=parsed.proof,
            warnings=parsed.warnings,
        )
