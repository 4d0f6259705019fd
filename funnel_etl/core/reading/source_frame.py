"""From a raw table to values: the documented columns by name, each cast with its reason or its warning.

The steps every source shares between `raw` and `clean`; the rules themselves are in `phone`, `dates`, `money`, `text`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_etl.core.errors import AmbiguousDates, SourceRejected
from funnel_etl.core.reading import total_rows
from funnel_etl.core.reading.csv_lines import ABOVE_HEADER, REPEATED_HEADER
from funnel_etl.core.reading.csvfile import (
    PROBLEM,
    RESERVED,
    CsvRecords,
    SourceColumn,
    carriers,
    match_columns,
    read_csv,
    spellings,
)
from funnel_etl.core.reading.phone_headers import is_someone_elses
from funnel_etl.core.reading.phone_questions import asks_for_phone, may_ask_for_phone
from funnel_etl.core.tables.accounting import LedgerLine, Outcome, RowAccount, blank_reasons
from funnel_etl.core.values import dates, money, phone
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import (
    are_dummies,
    are_rounded_ids,
    arrow_text,
    first_filled,
    header_key,
    is_filled,
    lookup_keys,
    squash,
)

MOST_DIGITS = 18
"""A bigint holds any number of so many digits."""
TEST_COLUMNS, YES = {"istest", "istestlead"}, {"true", "yes", "1", "1.0"}
"""Columns in which Google's and other form tools say that a row is a test, by `header_key`; and how they say it."""


Read = Callable[[bytes, Iterable[str]], CsvRecords]
"""Reads a file as text, given header names that are known."""


@dataclass(frozen=True)
class Page:
    """A landed file of a source, or one of its pages. `erased`: lines without the person who was in them."""

    data: bytes
    file_id: str
    erased: Collection[int] = ()


def raw_records(
    data: bytes,
    file_id: str,
    source: str,
    documented: Collection[SourceColumn],
    aliases: dict[str, str],
    erased: Collection[int] = (),
) -> Outcome:
    """Read a landed CSV file into its `raw` table, as `raw_pages`."""
    return raw_pages([Page(data, file_id, erased)], source, documented, aliases)


def raw_pages(
    pages: Sequence[Page],
    source: str,
    documented: Collection[SourceColumn],
    aliases: dict[str, str],
    read: Read = read_csv,
) -> Outcome:
    """Read the landed pages of a source (one, if it comes whole) into its `raw` table, in their order.

    Every record that is not blank, as text, with its page and its line. Lines that are blank because the person in them
    was erased are left out by that rule. So are lines that are no rows (`csv_lines`), by rules of their own.
    Raises `SourceRejected` for what is no whole file, `MissingColumn` when a needed column is absent.
    """
    known = spellings(documented, aliases)
    try:
        found = [read(page.data, known) for page in pages]
        columns = list(dict.fromkeys(column for records in found for column in records.columns))
        if columns:  # pages without any object have no keys
            match_columns(columns, documented, aliases, source)
    except SourceRejected as error:
        raise type(error)(error.what, where=error.where or source, fix=error.fix) from error
    for page, records in zip(pages, found, strict=True):
        records.rows.insert(0, "file_id", pd.Series(page.file_id, index=records.rows.index, dtype="str"))
    rows = found[0].rows
    if len(found) > 1:
        rows = pd.concat([records.rows for records in found], ignore_index=True)
        rows[columns] = rows[columns].fillna("").astype("str")
    for column in documented:
        if column.name not in rows:
            rows[column.name] = pd.Series(None, index=rows.index, dtype="str")
    reasons: Counter[str] = Counter()
    for page, records in zip(pages, found, strict=True):
        reasons.update(blank_reasons(records.blank_rows, page.erased))
        reasons.update({f"excluded:{reason}": len(lines) for reason, lines in records.left_out.items()})
    excluded = sum(reasons.values())
    line = LedgerLine(source, len(rows) + excluded, len(rows), excluded=excluded, reasons=dict(reasons))
    return Outcome(rows, [line], notes=[note for records in found for note in _left_out_notes(records, source)])


def _left_out_notes(records: CsvRecords, source: str) -> list[str]:
    notes = {
        ABOVE_HEADER: "stands above the header and was not read",
        REPEATED_HEADER: "is the header again and was left out: two exports were pasted together",
    }
    return [f"{source}: line {line} {notes[why]}" for why in notes for line in records.left_out.get(why, [])]


def columns_present(
    raw: pd.DataFrame, documented: Collection[SourceColumn], aliases: dict[str, str], source: str
) -> dict[str, tuple[str, ...]]:
    """Map documented names to the columns of a raw table that carry them, as `carriers`.

    A documented column that the file did not have is all NULL in the table.
    """
    names = [c for c in raw.columns if c not in RESERVED and not (raw[c].isna().all() and len(raw))]
    return carriers(names, documented, aliases, source)


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
        self._find_phones(documented)
        self.account = RowAccount(raw, f"raw.{source}")
        self.account.quarantine(raw[PROBLEM])
        self.account.notes += [note for name in self.present for note in self._second_columns(name)]

    def cells(self, name: str) -> list[pd.Series]:
        """Return every column that carries a documented one, as it came, the first to count first.

        One that is all missing when the file has none. Rule: Second columns.
        """
        columns = [self.raw[column] for column in self.present.get(name, ())]
        return columns or [pd.Series(None, index=self.raw.index, dtype="str")]

    def quarantine_totals(
        self,
        when: str,
        *,
        identifier: str | None = None,
        contacts: Collection[str] = (),
        amount: str | None = None,
        status: str | None = None,
    ) -> pd.Series:
        """Quarantine the rows that add up others as `total_row`, before anything is read of them; return which.

        Such a row is nobody's (no identifier, phone or e-mail), and a cell names a total. It is one for certain if its
        identifier is the label of a total, else by its amount. One without an amount says nothing else but the label,
        `when`, and how many rows there are. What looks like one and is kept is noted. Rule: Total rows.
        """
        cells = self.raw[[column for column in self.raw.columns if column not in RESERVED]]
        is_kept: total_rows.Bools = np.asarray(self.raw.index.isin(self.account.remaining))
        is_open = is_kept.copy()
        for name in contacts:
            is_open &= ~total_rows.are_owned(self.text(name))
        ids = None if identifier is None else self.text(identifier)
        if ids is not None:
            is_open &= total_rows.say_no_more(ids, whole=False)
        found = total_rows.candidates(cells, is_open, is_kept, ids)
        is_total = pd.Series(found.is_any, index=self.raw.index)
        if found.is_any.any():
            others = cells.drop(columns=self.text(when).name, errors="ignore")
            fits = total_rows.say_only_counts(others, found)
            if amount is not None:
                statuses = None if status is None else self.text(status)
                fits = total_rows.add_up(self.figures(amount), found, statuses).fillna(fits)
            is_total[found.is_any] = fits.to_numpy(dtype=bool) | found.is_certain[found.is_any]
            self.account.quarantine(pd.Series("total_row", index=is_total.index, dtype="str").where(is_total))
            doubtful = self.raw.loc[found.is_any & found.is_bare & ~is_total, "source_row"]
            if amount is not None and len(doubtful):
                self.account.notes.append(
                    f"{self.source}: {grouped(len(doubtful))} with the name of a total, whose amount is the sum of no "
                    f"others, read as a row (the first came on line {doubtful.iloc[0]})"
                )
        return is_total

    def exclude_test_leads(self) -> pd.Series:
        """Exclude the rows that a form tool made to test itself as `test_lead`; return which. Rule: Test leads."""
        is_test = pd.Series(data=False, index=self.raw.index)
        for column in [c for c in self.raw.columns if c not in RESERVED]:
            is_test |= are_dummies(self.raw[column])
            if header_key(column) in TEST_COLUMNS:
                is_test |= lookup_keys(self.raw[column]).isin(YES)
        self.account.exclude(pd.Series("test_lead", index=is_test.index, dtype="str").where(is_test))
        return is_test

    def text(self, name: str) -> pd.Series:
        """Return a column as it came, of several columns of one meaning the first cell that is not blank."""
        return first_filled(self.cells(name))

    def needed_instant(self, name: str, zone: str) -> pd.Series:
        """Return a date column the row needs: a row without a readable one is quarantined."""
        parsed = self._dates(name, zone)
        self.account.quarantine(parsed.reason, detail=name)
        self.account.notes += parsed.warnings
        return parsed.instants

    def instant(self, name: str, zone: str) -> pd.Series:
        """Return a date column the row can do without: an unreadable cell is missing, and counted as a cell warning."""
        texts = self.text(name)
        try:
            parsed = self._dates(name, zone)
        except AmbiguousDates as error:
            self.account.notes.append(f"{name} left empty: {error.what}")
            self.account.warn(name, lookup_keys(texts) != "")
            return pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
        self.account.notes += parsed.warnings
        self.account.warn(name, parsed.reason.notna() & (parsed.reason != "blank_date"))
        return parsed.instants.where(parsed.reason.isna())

    def needed_money(self, name: str) -> pd.Series:
        """Return an amount the row needs, in paise: an unreadable one quarantines the row, a blank one is missing."""
        parsed = money.parse(self.figures(name))
        self.account.quarantine(parsed.reason, detail=name)
        return parsed.paise

    def money(self, name: str) -> pd.Series:
        """Return an amount the row can do without, in paise: an unreadable one is missing, and a cell warning."""
        parsed = money.parse(self.figures(name))
        self.account.warn(name, parsed.reason.notna())
        return parsed.paise

    def integer(self, name: str) -> pd.Series:
        """Return a count the row can do without; a cell that is not a whole number is missing, and a cell warning.

        `1.000` is not: it may be one or a thousand.
        """
        texts = squash(self.figures(name))
        is_whole = texts.str.fullmatch(rf"{money.WHOLE}(?:\.0+)?") & ~texts.str.fullmatch(r"\d{1,3}\.0{3}")
        digits = texts.where(is_whole.fillna(value=False).astype(bool)).str.replace(r",|\..*", "", regex=True)
        digits = digits.where(digits.str.len() <= MOST_DIGITS)
        self.account.warn(name, texts.notna() & digits.isna())
        counts = pd.Series(pd.NA, index=digits.index, dtype="Int64")
        counts[digits.notna()] = [int(text) for text in digits.dropna()]  # digits of any script, mixed too
        return counts

    def number(self, name: str) -> pd.Series:
        """Return a figure the row can do without; a cell that is not a number is missing, and a cell warning."""
        texts = squash(self.figures(name))
        is_grouped = texts.str.fullmatch(rf"[-+]?{money.WHOLE}(?:\.\d*)?").fillna(value=False).astype(bool)
        plain = texts.where(is_grouped | ~texts.str.contains(",", regex=False, na=False)).str.replace(",", "")
        values = pd.to_numeric(plain, errors="coerce").astype("float64")
        values = values.where(np.isfinite(values))
        self.account.warn(name, values.isna() & texts.notna())
        return values

    def figures(self, name: str) -> pd.Series:
        """Return a column of amounts or counts with a point before the decimals.

        One that is proved to use decimal commas has them replaced; in one of both kinds what may be either is
        unreadable. Both are noted; else it is as it came.
        """
        texts = self.text(name)
        is_proved, is_disproved = money.decimal_commas(texts[texts.index.isin(self.account.remaining)])
        if not is_proved:
            return texts
        if is_disproved:
            note = f"{name}: one amount has points between thousands, another before decimals: 1.500 was not read"
            texts = money.without_unclear_points(texts)
        else:
            note = f"{name}: its amounts have points between thousands (1.234.567 or 1.234,56), and were read so"
            texts = money.with_points(texts)
        self.account.notes += [] if note in self.account.notes else [note]
        return texts

    def label(self, name: str) -> pd.Series:
        """Return a text with white space collapsed, case as typed; blank is missing."""
        return squash(self.text(name))

    def key(self, name: str) -> pd.Series:
        """Return an identifier the row needs: quarantined if it is blank (`blank_key`) or rounded (`rounded_id`)."""
        values = squash(self.text(name))
        reasons = pd.Series(None, index=values.index, dtype="str").mask(values.isna(), "blank_key")
        self.account.quarantine(reasons.mask(are_rounded_ids(values), "rounded_id"), detail=name)
        return values

    def phones(self, name: str, placeholders: frozenset[str], rows: pd.Series | None = None) -> pd.DataFrame:
        """Return the phone columns of the contracts for a column of typed phones; `rows`: whether a row is wanted.

        Of several columns the first with a usable phone counts, else the first that is not blank; `phone_raw` is that
        cell. Valid phones of the others are alternates.
        """
        columns = [cells if rows is None else cells[rows] for cells in self.cells(name)]
        first, *others = (phone.normalise(cells, placeholders).assign(phone_raw=cells) for cells in columns)
        for other in others:
            first = phone.joined(first, other)
        return first

    def _dates(self, name: str, zone: str) -> dates.Dates:
        # Ragged and blank rows are out by now: they must not disprove what the good ones prove.
        remaining = self.raw.index.isin(self.account.remaining)
        parsed = dates.parse_first([cells[remaining] for cells in self.cells(name)], zone, f"{self.source}.{name}")
        return parsed._replace(
            instants=parsed.instants.reindex(self.raw.index), reason=parsed.reason.reindex(self.raw.index)
        )

    def _find_phones(self, documented: Collection[SourceColumn]) -> None:
        """Let columns that ask for people's own phones under any name carry the phone column, after those known of it.

        Only here, not in `columns_present`: what names a row in each dump must not hang on the values of a column.
        """
        taken = {column for columns in self.present.values() for column in columns} | {c.name for c in documented}
        free = [column for column in self.raw.columns if column not in taken and column not in RESERVED]
        asked = [column for column in free if may_ask_for_phone(column) and not is_someone_elses(column)]
        for wanted in documented:
            if wanted.holds_phones and wanted.name in self.present:
                found = [column for column in asked if asks_for_phone(column, arrow_text(self.raw[column]))]
                self.present[wanted.name] += tuple(found)

    def _second_columns(self, name: str) -> list[str]:
        """Return a note of what a column beside the first of its meaning brings to these rows."""
        columns = self.present[name]
        if len(columns) == 1:
            return []
        first, *others = self.cells(name)
        other = first_filled(others)
        taken = int((~is_filled(first) & is_filled(other)).sum())
        differ = int((is_filled(first) & is_filled(other) & (lookup_keys(first) != lookup_keys(other))).sum())
        listed = ", ".join(map(repr, columns))
        note = (
            f"{self.source}: {name!r} stands in {len(columns)} columns ({listed}): in each row the first that is not "
            f"blank counts; {grouped(taken)} rows have it in a later one only, {grouped(differ)} have two that differ"
        )
        return [note]
