"""The steps between two nights: what the last night was made from, and how tonight differs, cause by cause.

Here: gathering, from lake, landing archive and config. What a row's cause is, is in `rows` and `zoom`; what the facts
are with the causes so far, in `decompose`.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from funnel_etl.core.config_tables import TABLES as CONFIG_TABLES
from funnel_etl.core.config_tables import Config
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import QUARANTINE_COLUMNS, TRACE, Outcome, summarised
from funnel_etl.core.values.text import lookup_key
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, FUNNEL_FACTS
from funnel_etl.marts.funnel.m0 import closing
from funnel_etl.marts.funnel.m0.closed_months import ClosedM0, closed_months, months_over
from funnel_etl.marts.funnel.published import PublishedFacts, code_in_force, published_before
from funnel_etl.observe.changes import contracts as causes
from funnel_etl.observe.changes.changed_rows import changed_rows
from funnel_etl.observe.changes.decompose import TABLES, Inputs, as_cells, changes, m0_of
from funnel_etl.observe.changes.lent import LentPhones
from funnel_etl.observe.changes.rebuild import CLEAN, ZOOM, ZOOM_READS, Rebuilder, with_tables
from funnel_etl.observe.changes.rows import BY_TABLE, Rows, same_lines
from funnel_etl.observe.changes.zoom import Zoom
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.parts.marketing.zoom.withdrawals import ever_decided
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.source_assets import clean_before
from funnel_etl.platform.lake import Lake

Frames = dict[str, pd.DataFrame]
MAPPING = {"funnels", "funnel_mapping", "campaign_mapping", "manual_value_funnel"}
GROUPS = (
    (causes.MANUAL_MAPPING, {"manual_mapping"}),
    (causes.MAPPING, MAPPING),
    (causes.CONFIG, set(CONFIG_TABLES) - MAPPING - {"manual_mapping"}),
)
"""Causes of config, in their order, and the tables of config_csv each is about."""
COMPARED = {**CLEAN, "attributed_m0": ATTRIBUTED_M0}
"""What the rows behind the facts are compared in."""
DAYS = [(source.clean, source.day) for source in BY_TABLE.values()] + [(WEBINARS, "event_date")]
"""The days of what the facts count."""
BY_ROWS = (causes.NEW_DAY, causes.LATE, causes.ZOOM_REEXPORT, causes.ZOOM_WITHDRAWN, causes.EDITED, causes.VANISHED)
log = logging.getLogger("funnel_etl.progress")


@dataclass
class _State:
    """Clean tables, and what is in quarantine of each (QUARANTINE_COLUMNS)."""

    frames: Frames
    quarantine: Frames


def what_changed(night: Night, lake: Lake, parsed: ParsedReports, facts: pd.DataFrame) -> Outcome:
    """Compare a night with the one published last before it. Columns as `ops.changes`; no row if there was none.

    Its clean tables come from the lake: they stay in memory neither to the end of a night nor for nothing.
    """
    before = published_before(night.sources.landing, night.day)
    if before is None:
        return Outcome(causes.CHANGES.empty(), notes=["no night was published before: there is nothing to compare"])
    if nothing_moved(night, lake, before, facts):
        return summarised(causes.CHANGES.empty(), **{"mart.funnel_facts": facts})
    found = Comparison(night, lake, parsed, before, tables_of(night, lake))
    rows = changes(before.facts, found.steps(), facts, found.since, night.as_of)
    outcome = summarised(rows, **{"mart.funnel_facts": facts})
    outcome.notes += found.notes
    return outcome


def rows_that_changed(night: Night, lake: Lake, parsed: ParsedReports) -> Outcome:
    """Compare the rows behind the facts with those of the night published last. Columns as `ops.changed_rows`."""
    before = published_before(night.sources.landing, night.day)
    if before is None:
        return Outcome(causes.CHANGED_ROWS.empty())
    if nothing_moved(night, lake, before, lake.read(FUNNEL_FACTS, night.day)):
        counted = {name: pd.DataFrame(index=range(lake.count(table, night.day))) for name, table in COMPARED.items()}
        return summarised(causes.CHANGED_ROWS.empty(), **{f"tonight's {name}": rows for name, rows in counted.items()})
    tonight = {**tables_of(night, lake), "attributed_m0": lake.read(ATTRIBUTED_M0, night.day)}
    found = Comparison(night, lake, parsed, before, tonight)
    was = found.as_it_was()
    last = {**was.frames, "attributed_m0": m0_of(found.inputs_as_they_were(was))}
    rows = changed_rows(last, tonight, found.since, night.as_of)
    return summarised(rows, **{f"tonight's {name}": frame for name, frame in tonight.items()})


def nothing_moved(night: Night, lake: Lake, before: PublishedFacts, facts: pd.DataFrame) -> bool:
    """Return whether the facts are those published before, and follow from the same: then there is nothing to split.

    Not where a row of the days between is there: that the facts are the same in spite of it is to be looked into.
    """
    made_from = before.made_from
    rules = code_in_force(), night.zone, night.sources.config_files(night.day)
    if rules != (made_from.code, made_from.zone, made_from.config):
        return False
    rows = {table.full_name: lake.content_hash(table, night.day) for table in CLEAN.values()}
    if not rows.items() <= made_from.tables.items() or not as_cells(facts).equals(as_cells(before.facts)):
        return False
    since = pd.Timestamp(before.night)
    days = (lake.read(table.only(day), night.day)[day] for table, day in DAYS)
    return not any(((column > since) & (column <= night.as_of)).any() for column in days)


def tables_of(night: Night, lake: Lake) -> Frames:
    """Return the clean tables of a night that the facts follow from, read once a run."""

    def read() -> Frames:
        return {name: lake.read(CLEAN[name], night.day) for name in CLEAN}

    return night.shared("its clean tables", read, (causes.CHANGES, causes.CHANGED_ROWS))


class Comparison:
    """Tonight's clean tables against those of the night that was published last. `steps` may be walked once."""

    def __init__(
        self,
        night: Night,
        lake: Lake,
        parsed: ParsedReports,
        published: PublishedFacts,
        tonight: Mapping[str, pd.DataFrame],
    ) -> None:
        self.night, self.lake, self.published, self.tonight = night, lake, published, dict(tonight)
        self.since = pd.Timestamp(published.night)
        self.last = replace(night, day=published.night)
        made_from = published.made_from
        self.is_same_code = made_from.code == code_in_force()
        self.zone = made_from.zone
        self.config = night.sources.config_of(made_from.config)
        self.remaker = Rebuilder(
            settings=night.sources.settings,
            landing=night.sources.landing,
            sources=night.sources,
            parsed=parsed,
            night=published.night,
            files=made_from.files,
            aged=self._aged_out,
        )
        self.unknown: list[str] = []
        self.notes: list[str] = []

    def steps(self) -> Iterator[tuple[str, Inputs]]:
        """Return each cause with what the facts follow from once it is exchanged too. Raises `FunnelError`."""
        state = self.as_it_was()
        closed = self._closed_then()
        first = causes.REWRITTEN if self.is_same_code else causes.CODE
        yield causes.UNKNOWN if self.unknown else first, self._inputs(state.frames, closed, self.since)

        months = closed_months(self.night.config, self.night.as_of)
        tonight = closing.rows_as_closed(self.night, self.lake, months)
        as_closed = _reused(tonight.of(months_over(months, self.since)), closed)
        config = self.config
        for cause, names in GROUPS:
            edited = {name for name in names if not config.table(name).equals(self.night.config.table(name))}
            config = with_tables(config, self.night.config, edited)
            zone = self.night.zone if cause == causes.CONFIG else self.zone
            self._reread(state, config, edited, zone)
            closed = as_closed if cause == causes.CONFIG else closed
            yield cause, self._inputs(state.frames, closed, self.since)

        sources = {name: self._rows(name, state, config) for name in BY_TABLE}
        zoom = self._zoom(state, sources["tofu_leads"])
        as_of = self.night.as_of
        for cause in BY_ROWS:
            frames = {name: rows.up_to(cause) for name, rows in sources.items()}
            frames |= zoom.up_to(cause, frames["tofu_leads"])
            yield cause, self._inputs(frames, closed, as_of)
        # A month closes with what it has then: what came for it since, in the same night, does not count.
        yield causes.CONFIG, self._inputs(frames, _reused(tonight, closed), as_of)

    def _zoom(self, state: _State, leads: Rows) -> Zoom:
        """Return both nights' people of Zoom, all by tonight's config."""
        before, after = ({name: frames[name] for name in ZOOM} for frames in (state.frames, self.tonight))

        def people_of(tables: Frames, occurrences: list[str], leads: pd.DataFrame) -> Frames:
            return self.remaker.people(tables, occurrences, self.night.config, self.night.zone, leads)

        is_on = self.night.config.is_on("phone_by_email")
        lent = LentPhones(before, after, leads, people_of, is_on=is_on)
        return Zoom(before, after, self.since, lent, ever_decided(self.night.sources.landing))

    def _inputs(self, frames: Frames, closed: ClosedM0, as_of: pd.Timestamp) -> Inputs:
        return Inputs({name: frames[name] for name in TABLES}, as_of, closed)

    def inputs_as_they_were(self, state: _State) -> Inputs:
        """Return what the last night's facts follow from."""
        return self._inputs(state.frames, self._closed_then(), self.since)

    def _closed_then(self) -> ClosedM0:
        return closing.rows_as_closed(self.last, self.lake, closed_months(self.config, self.since))

    def as_it_was(self) -> _State:
        """Return the last night's tables by today's code: the lake's if those were published, else made again."""
        state = _State({}, {})
        for name in BY_TABLE:
            if self._is_kept(name):
                state.frames[name], state.quarantine[name] = self._from_lake(name)
            else:
                self._remade(state, [name])
        if all(self._is_kept(name) for name in ZOOM) and "tofu_leads" not in self.unknown:
            state.frames |= {name: self._read(name) for name in ZOOM}
        else:
            self._remade(state, list(ZOOM))
        return state

    def _is_kept(self, name: str) -> bool:
        table, night = CLEAN[name], self.published.night
        known = self.published.made_from.tables.get(table.full_name)
        return self.is_same_code and self.lake.exists(table, night) and self.lake.content_hash(table, night) == known

    def _from_lake(self, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        return self._read(name), self.lake.read_account(CLEAN[name], self.published.night)[0].quarantine

    def _read(self, name: str) -> pd.DataFrame:
        """Return the last night's table; tonight's very frame where it has the same rows."""
        hashes = [self.lake.content_hash(CLEAN[name], day) for day in (self.published.night, self.night.day)]
        return self.tonight[name] if len({*hashes}) == 1 else self.lake.read(CLEAN[name], self.published.night)

    def _remade(self, state: _State, names: list[str]) -> None:
        """Make tables again; where the landed files are gone take the lake's, and where it has none tonight's."""
        try:
            self._make(state, names[0], self.config, self.zone)
        except (FunnelError, FileNotFoundError, KeyError, IndexError):
            for name in names:
                if self.lake.exists(CLEAN[name], self.published.night):
                    state.frames[name], state.quarantine[name] = self._from_lake(name)
                else:
                    state.frames[name] = self.tonight[name]
                    state.quarantine[name] = self.lake.read_account(CLEAN[name], self.night.day)[0].quarantine
                    self.unknown.append(name)
                    self.notes.append(f"{CLEAN[name].full_name} of {self.published.night} can no longer be made")

    def _make(self, state: _State, name: str, config: Config, zone: str) -> None:
        log.info("ops.changes: making %s of %s again", CLEAN[name].full_name, self.published.night)
        if name in BY_TABLE:
            made = self.remaker.table(name, config, zone)
            state.frames[name], state.quarantine[name] = made.rows, made.quarantine
        else:
            state.frames |= self.remaker.zoom(config, zone, state.frames["tofu_leads"])

    def _reread(self, state: _State, config: Config, edited: set[str], zone: str) -> None:
        """Make those tables again that an edit of config can move."""
        # The leads lend phones to the people of Zoom.
        read_by = {name: source.reads for name, source in BY_TABLE.items()}
        read_by["zoom_reports"] = frozenset(ZOOM_READS) | BY_TABLE["tofu_leads"].reads
        for name, reads in read_by.items():
            if name not in self.unknown and (reads & edited or zone != self.zone):
                self._make(state, name, config, zone)

    def _rows(self, name: str, state: _State, config: Config) -> Rows:
        rows = Rows(BY_TABLE[name], state.frames[name], self.tonight[name], self.since)
        was = state.quarantine.get(name, pd.DataFrame(columns=QUARANTINE_COLUMNS))
        now = self.lake.read_account(CLEAN[name], self.night.day)[0].quarantine
        gone, fresh = was[~was["row_key"].isin(now["row_key"])], now[~now["row_key"].isin(was["row_key"])]
        nothing = pd.DataFrame(columns=TRACE)
        late, vanished, fixed, broken = rows.late(), rows.vanished(), nothing, nothing
        key = _key(name, config)
        if len(gone) and len(late):
            fixed = same_lines(_cells(gone), _lines(self.lake.read(BY_TABLE[name].raw, self.night.day), late), key)
        if len(fresh) and len(vanished):
            broken = same_lines(_cells(fresh), _lines(self.remaker.raw(name, config), vanished), key)
        rows.are_edits(broken, fixed)
        return rows

    def _aged_out(self, name: str) -> pd.DataFrame | None:
        """Return the table that says what had aged out on the last night: its own, else that of the night before it."""
        if self.lake.exists(CLEAN[name], self.published.night):
            return self.lake.read(CLEAN[name], self.published.night)
        return clean_before(BY_TABLE[name], self.last, self.lake)


def _reused(closed: ClosedM0, last: ClosedM0) -> ClosedM0:
    """Return `last` if the months are closed with the same rows: then the M0 need not be made again."""
    is_same = closed.months == last.months and closed.rows.reset_index(drop=True).equals(
        last.rows.reset_index(drop=True)
    )
    return last if is_same else closed


def _key(name: str, config: Config) -> list[str]:
    """Return the spellings of the column that names a row of a source alone; none if no column does."""
    source = BY_TABLE[name]
    key = source.dump_key(config)
    if key is None or key.identifier is None:
        return []
    named = lookup_key(key.identifier)
    documented = [column for column in source.documented(config) if lookup_key(column.name) == named]
    aliases = [alias for alias, column in config.aliases(source.name).items() if lookup_key(column) == named]
    return [spelling for column in documented for spelling in (column.name, *column.aliases)] + aliases


def _cells(quarantine: pd.DataFrame) -> pd.DataFrame:
    """Return quarantined lines as the columns of their source."""
    cells = pd.DataFrame([json.loads(row) for row in quarantine["row"]], index=quarantine.index)
    return cells.drop(columns=TRACE, errors="ignore").join(quarantine[TRACE])


def _lines(raw: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    return raw.merge(lines, on=TRACE)
