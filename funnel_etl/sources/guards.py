"""Guards of the pulled sources: a dump that came cut off, or without many rows it had, is refused whole.

What is refused is kept in the landing archive as rejected, with its reason, and no night uses it. The comparison itself
is `dumps` of `core/reading`; a person's word that a dump is right is a decision.

A cut can be seen by the dump itself (in a record, a quotation, a character, between CR and LF), by its transport
(Content-Length, chunks, gzip: `http`; pages: `paging`), by its last line end, by what is no row at its end (an error
message, say: `dump_end`), and by rows of the last good dump that are gone. A cut cannot be seen, in principle, if
it takes only rows that came since the last good dump, or that have aged out, at a line end, and the transport tells no
length: then nothing is lost that was published, and the next dump brings what is missing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.errors import FunnelError, SourceRejected
from funnel_etl.core.reading.csvfile import PROBLEM, RESERVED, read_header, spellings
from funnel_etl.core.reading.dump_end import DumpEnd, dump_end
from funnel_etl.core.reading.dumps import DumpRows, Loss, compare, dump_rows
from funnel_etl.core.reading.schema_drift import schema_drift
from funnel_etl.core.reading.source_frame import Page, columns_present, raw_pages
from funnel_etl.core.source import Source
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.values.numbers import grouped
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.decisions import accepted_refused
from funnel_etl.sources.archive.dump_cache import Dump, DumpCache
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now

_AGAIN = "pull it again, whole"
_HEADER = 1 << 18
"""Bytes of a file within which its header is."""
_READING = 3
"""Goes up when the same dump is read to other keys: what is remembered of the last good one is then read anew."""


@dataclass(frozen=True)
class LastGood:
    """The last good dump, and the night that used it."""

    night: date
    dump: Dump
    file_ids: tuple[str, ...]


@dataclass
class Judged:
    """A dump that was read: its records for the `raw` table, what is compared of it, and its header."""

    outcome: Outcome
    dump: Dump
    header: list[str]


@dataclass
class DumpReader:
    """The dump of a source for a night: `judge` reads it when it is pulled, `records` makes of that its `raw` table."""

    settings: Settings
    landing: Landing
    declared: Source
    config: Config
    night: date

    def __post_init__(self) -> None:
        self.source = self.declared.name
        self.documented = self.declared.documented(self.config)
        self.key = self.declared.dump_key(self.config)
        self.aliases = self.config.aliases(self.source)

    def judge(self, pages: Sequence[bytes]) -> Judged:
        """Read a dump that may be used. Raises SourceRejected for another; `fix` says when `confirm` helps."""
        judged = self._read(pages)
        if self.key is not None:
            self._refuse_worse(judged)
        return judged

    def _refuse_worse(self, judged: Judged) -> None:
        """Refuse a dump that lacks what the last good one had."""
        good = self.last_good()
        right = accepted_refused(self.landing, self.source)
        if good is None or judged.dump.file_id in (good.dump.file_id, *(dump_id(one.split()) for one in right)):
            return
        before = self.dump(right[-1].split()) if right else good.dump
        self._refuse_other_end(judged.dump, before, good.night)
        loss = compare(before.rows, judged.dump.rows, self._days(good))
        end = judged.dump.end
        is_known = {*end.shapes} <= {*before.end.shapes} or (not loss.lost and end.begins_like(before.end))
        self._refuse_loss(loss, DumpEnd() if is_known else end, good.night)

    def records(self, file_ids: Sequence[str], judged: Judged | None) -> Outcome:
        """Return the records of a dump that may be used, with what is new in its header.

        `judged`: what was read of these files when they were pulled; None: the night is replayed, and they are read.
        """
        if judged is None:
            pages = [self.landing.read(file_id) for file_id in file_ids]
            outcome, _ = self._records(pages, file_ids)
            header = self._header(pages, outcome.rows)
        else:
            outcome, header = judged.outcome, judged.header
            if self.key is not None:
                self._cache.keep(self.source, judged.dump)
        outcome.drift = schema_drift(self.source, self._header_before(), header, self.documented, self.aliases)
        outcome.notes += [str(change) for change in outcome.drift]
        return outcome

    def rows(self, file_ids: Sequence[str]) -> pd.DataFrame:
        """Return the rows of a landed dump with its own lines. Raises as `raw_pages`, and if it is gone."""
        return self._records([self.landing.read(file_id) for file_id in file_ids], file_ids)[0].rows

    def last_good(self) -> LastGood | None:
        """Return the newest dump that a night used and that can be read."""
        for day, file_ids in self._used():
            try:
                return LastGood(day, self.dump(file_ids), tuple(file_ids))
            except FunnelError:
                continue  # gone from the archive, or no longer readable by today's aliases: nothing to compare with
        return None

    def dump(self, file_ids: Sequence[str]) -> Dump:
        """Return what is compared of a landed dump. Raises as `judge` for one that cannot be read."""
        known = self._cache.recall(self.source, dump_id(file_ids))
        return known if known is not None else self._read([self.landing.read(file_id) for file_id in file_ids]).dump

    def loss(self, file_ids: Sequence[str]) -> Loss | None:
        """Compare a landed dump with the last good one; None: there is none. Raises as `judge` for one cut off."""
        good = self.last_good()
        return compare(good.dump.rows, self.dump(file_ids).rows, self._days(good)) if good else None

    @property
    def _cache(self) -> DumpCache:
        reading = f"{_READING} {self.key} {sorted(self.aliases.items())} {self.settings.timezone}"
        return DumpCache(self.settings.lake_root, reading)

    def _read(self, pages: Sequence[bytes]) -> Judged:
        """Read a dump whole. Raises SourceRejected for one that is cut, lacks a column, or has ambiguous dates."""
        file_ids = [self.landing.file_id_of(data) for data in pages]
        outcome, end = self._records(pages, file_ids)
        is_text = self.declared.format == "csv"
        line_end = _line_end(pages[-1]) if is_text else ""
        if is_text:
            for file_id, data in zip(file_ids, pages, strict=True):
                self._refuse_cut(data, outcome.rows[outcome.rows["file_id"] == file_id], _line_end(data))
        rows = DumpRows.empty()
        if self.key is not None and len(outcome.rows):
            at_end = (outcome.rows["file_id"] == file_ids[-1]) & outcome.rows["source_row"].isin(end.lines)
            whole = outcome.rows[~at_end]
            rows = dump_rows(whole, self._present(whole), self.key, self.settings.timezone, self.source)
        dump = Dump(dump_id(file_ids), line_end, rows, end)
        return Judged(outcome, dump, self._header(pages, outcome.rows))

    def _records(self, pages: Sequence[bytes], file_ids: Sequence[str]) -> tuple[Outcome, DumpEnd]:
        """Read a dump's records, and what stands behind the last row: a note says that it may be cut there."""
        landed = [
            Page(data, file_id, self.landing.erased_lines(file_id))
            for data, file_id in zip(pages, file_ids, strict=True)
        ]
        outcome = raw_pages(landed, self.source, self.documented, self.aliases, self.declared.read)
        end = DumpEnd()
        if self.key is not None and self.declared.format == "csv":  # JSON that is whole has nothing behind its rows
            end = dump_end(outcome.rows, self._present(outcome.rows)[self.key.when])
        if end.lines:
            outcome.notes.append(f"{self.source}: {end} behind the last row: the dump may be cut off there")
        return outcome, end

    def _present(self, rows: pd.DataFrame) -> dict[str, tuple[str, ...]]:
        return columns_present(rows, self.documented, self.aliases, self.source)

    def _refuse_cut(self, data: bytes, rows: pd.DataFrame, end: str) -> None:
        """Refuse what tells by itself that its end is missing; `read_csv` has refused cut records and quotations."""
        in_character = not end and len(rows) > 0 and _last_cells(rows).str.endswith("\ufffd").any()
        if in_character or (data.startswith((b"\xff\xfe", b"\xfe\xff")) and len(data) % 2):
            raise SourceRejected("it ends within a character: it was cut off", where=self.source, fix=_AGAIN)
        if not end and not len(rows):
            raise SourceRejected(
                "it has only a header, with no line end: it looks cut off",
                where=self.source,
                fix=f"{_AGAIN}; if it is really empty, enter its first row",
            )
        if end == "\r" and _line_end(data[: data.find(b"\n") + 1]) == "\r\n":
            raise SourceRejected("it ends within a line end: it was cut off", where=self.source, fix=_AGAIN)

    def _refuse_other_end(self, now: Dump, before: Dump, day: date) -> None:
        if bool(now.line_end) == bool(before.line_end):
            return
        differs = "has no line end, and" if before.line_end else "has a line end, and"
        had = "had one" if before.line_end else "had none"
        raise SourceRejected(
            f"its last line {differs} that of the last good dump (night {day}) {had}: it looks cut off there",
            where=self.source,
            fix=self._fix,
        )

    def _refuse_loss(self, loss: Loss, end: DumpEnd, day: date) -> None:
        """Refuse a dump that lacks what the last good one had, or has an `end` that it had not."""
        counts = f"{grouped(loss.has)} keys now, {grouped(loss.had)} in the last good dump (night {day})"
        if loss.aged_out:
            counts += f", {grouped(loss.aged_out)} of which its window has moved past"
        if loss.had and not loss.has:
            what = f"only its header came, without any row: {counts}"
        elif loss.share > self.settings.drop_limit:
            what = (
                f"{grouped(loss.lost)} keys are gone, {loss.share:.1%}, more than FUNNEL_DROP_LIMIT "
                f"({self.settings.drop_limit:.0%}): {counts}"
            )
        elif loss.cut_off:
            before = f"{grouped(loss.cut_off)} rows before the last good dump did"
            what = f"it ends {before}, as if cut off at a line end: {counts}"
        elif end.lines:
            what = f"it looks cut off at its end: {counts}"
        else:
            return
        said = f"; {end} behind the last row, and the last good dump had none such" if end.lines else ""
        raise SourceRejected(what + said, where=self.source, fix=self._fix)

    @property
    def _fix(self) -> str:
        return f"{_AGAIN}; if it is complete as it is: {confirm_command(self.source)}, then run the night again"

    def _used(self) -> Iterator[tuple[date, list[str]]]:
        """Return the nights that used a dump, newest first, with its files."""
        for day in reversed(self.landing.nights(self.source)):
            if file_ids := self.landing.night(day, self.source):
                yield day, file_ids

    def _days(self, good: LastGood) -> float:
        """Return how many days the window may have moved since the last good dump: by its night, or by when it came."""
        came = [a.received_at for a in self.landing.arrivals(self.source) if a.file_id in good.file_ids]
        passed = (utc_now() - max(came)).total_seconds() / 86_400 if came else 0.0
        return max((self.night - good.night).days, passed)

    def _header_before(self) -> list[str] | None:
        for day, file_ids in self._used():
            if day < self.night and all(self.landing.has(file_id) for file_id in file_ids):
                if self.declared.format == "csv":
                    with self.landing.open(file_ids[0]) as file:
                        return self._header([file.read(_HEADER)], pd.DataFrame())
                pages = [self.landing.read(file_id) for file_id in file_ids]
                return self._header(pages, self._records(pages, file_ids)[0].rows)
        return None

    def _header(self, pages: Sequence[bytes], rows: pd.DataFrame) -> list[str]:
        """Return the header of a dump; of JSON the keys of its objects, which are columns that hold anything."""
        if self.declared.format == "csv":
            return read_header(pages[0][:_HEADER], spellings(self.documented, self.aliases))
        return [str(name) for name in rows if name not in RESERVED and not rows[name].isna().all()]


def dump_id(file_ids: Sequence[str]) -> str:
    """Return what names the bytes of a dump: its file_id, or a hash of those of its pages."""
    return file_ids[0] if len(file_ids) == 1 else hashlib.sha256(" ".join(file_ids).encode()).hexdigest()


def confirm_command(source: str) -> str:
    """Return the command by which a person says that a refused dump is right."""
    return f"funnel-etl confirm {source}"


def _line_end(data: bytes) -> str:
    r"""Return the line end a file ends with ("\n", "\r\n", "\r"), or "" if it ends within a line."""
    tail = data[-8:].replace(b"\0", b"")
    return next((end.decode() for end in (b"\r\n", b"\n", b"\r") if tail.endswith(end)), "")


def _last_cells(rows: pd.DataFrame) -> pd.Series:
    return rows.iloc[-1].drop([name for name in (*RESERVED, PROBLEM) if name in rows]).dropna().astype("str")
