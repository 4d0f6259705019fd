"""Guards of the pulled CSV sources: a dump that came cut off, or without many rows it had, is refused whole.

What is refused is kept in the landing archive as rejected, with its reason, and no night uses it. The comparison itself
is `dumps` of `core/reading`; a person's word that a dump is right is a decision.

A cut can be seen by the dump itself (in a record, a quotation, a character, between CR and LF), by its transport
(Content-Length, chunks, gzip: `http`; pages: `paging`), by its last line end, by what is no row at its end (an error
message, say: `dump_end`), and by rows of the last good dump that are gone. A cut cannot be seen, in principle, if
it takes only rows that came since the last good dump, or that have aged out, at a line end, and the transport tells no
length: then nothing is lost that was published, and the next dump brings what is missing.
"""

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
from funnel_etl.core.reading.source_frame import columns_present, raw_records
from funnel_etl.core.source import Source
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.values.numbers import grouped
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.decisions import accepted_refused
from funnel_etl.sources.archive.dump_cache import Dump, DumpMemory
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
        (data,) = pages
        judged = self._read(data)
        if self.key is not None:
            self._refuse_worse(judged)
        return judged

    def _refuse_worse(self, judged: Judged) -> None:
        """Refuse a dump that lacks what the last good one had."""
        good = self.last_good()
        right = accepted_refused(self.landing, self.source)
        if good is None or judged.dump.file_id in (good.dump.file_id, *right):
            return
        before = self.dump(right[-1]) if right else good.dump
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
            (file_id,) = file_ids
            data = self.landing.read(file_id)
            outcome, _ = self._records(data, file_id)
            header = self._header(data)
        else:
            outcome, header = judged.outcome, judged.header
            if self.key is not None:
                self._memory.keep(self.source, judged.dump)
        outcome.drift = schema_drift(self.source, self._header_before(), header, self.documented, self.aliases)
        outcome.notes += [str(change) for change in outcome.drift]
        return outcome

    def last_good(self) -> LastGood | None:
        """Return the newest dump that a night used and that can be read."""
        for day, file_id in self._used():
            try:
                return LastGood(day, self.dump(file_id))
            except FunnelError:
                continue  # gone from the archive, or no longer readable by today's aliases: nothing to compare with
        return None

    def dump(self, file_id: str) -> Dump:
        """Return what is compared of a landed dump. Raises as `judge` for one that cannot be read."""
        known = self._memory.recall(self.source, file_id)
        return known if known is not None else self._read(self.landing.read(file_id)).dump

    def loss(self, file_id: str) -> Loss | None:
        """Compare a landed dump with the last good one; None: there is none. Raises as `judge` for one cut off."""
        good = self.last_good()
        return compare(good.dump.rows, self.dump(file_id).rows, self._days(good)) if good else None

    @property
    def _memory(self) -> DumpMemory:
        reading = f"{_READING} {self.key} {sorted(self.aliases.items())} {self.settings.timezone}"
        return DumpMemory(self.settings.lake_root, reading)

    def _read(self, data: bytes) -> Judged:
        """Read a dump whole. Raises SourceRejected for one that is cut, lacks a column, or has ambiguous dates."""
        file_id = self.landing.file_id_of(data)
        outcome, end = self._records(data, file_id)
        line_end = _line_end(data)
        self._refuse_cut(data, outcome.rows, line_end)
        rows = DumpRows.empty()
        if self.key is not None:
            whole = outcome.rows[~outcome.rows["source_row"].isin(end.lines)]
            rows = dump_rows(whole, self._present(whole), self.key, self.settings.timezone, self.source)
        return Judged(outcome, Dump(file_id, line_end, rows, end), self._header(data))

    def _records(self, data: bytes, file_id: str) -> tuple[Outcome, DumpEnd]:
        """Read a dump's records, and what stands behind the last row: a note says that it may be cut there."""
        erased = self.landing.erased_lines(file_id)
        outcome = raw_records(data, file_id, self.source, self.documented, self.aliases, erased)
        end = DumpEnd()
        if self.key is not None:
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
        return f"{_AGAIN}; if it is right as it is: {confirm_command(self.source)}, then run the night again"

    def _used(self) -> Iterator[tuple[date, str]]:
        """Return the nights that used a dump, newest first."""
        for day in reversed(self.landing.nights(self.source)):
            for file_id in self.landing.night(day, self.source) or []:
                yield day, file_id

    def _days(self, good: LastGood) -> float:
        """Return how many days the window may have moved since the last good dump: by its night, or by when it came."""
        came = [a.received_at for a in self.landing.arrivals(self.source) if a.file_id == good.dump.file_id]
        passed = (utc_now() - max(came)).total_seconds() / 86_400 if came else 0.0
        return max((self.night - good.night).days, passed)

    def _header_before(self) -> list[str] | None:
        for day, file_id in self._used():
            if day < self.night and self.landing.has(file_id):
                with self.landing.open(file_id) as file:
                    return self._header(file.read(_HEADER))
        return None

    def _header(self, data: bytes) -> list[str]:
        return read_header(data[:_HEADER], spellings(self.documented, self.aliases))


def confirm_command(source: str) -> str:
    """Return the command by which a person says that a refused dump is right."""
    return f"funnel-etl confirm {source}"


def _line_end(data: bytes) -> str:
    r"""Return the line end a file ends with ("\n", "\r\n", "\r"), or "" if it ends within a line."""
    tail = data[-8:].replace(b"\0", b"")
    return next((end.decode() for end in (b"\r\n", b"\n", b"\r") if tail.endswith(end)), "")


def _last_cells(rows: pd.DataFrame) -> pd.Series:
    return rows.iloc[-1].drop([name for name in (*RESERVED, PROBLEM) if name in rows]).dropna().astype("str")
