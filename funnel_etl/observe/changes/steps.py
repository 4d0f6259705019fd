"""The steps between two nights: what the last night was made from, and how tonight differs, cause by cause.

Here: gathering, from lake, landing archive and config. What a row's cause is, is in `rows` and `zoom`; what the facts
are with the causes so far, in `decompose`.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import pandas as pd

from funnel_etl.core.config_tables import TABLES as CONFIG_TABLES
from funnel_etl.core.config_tables import Config
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import QUARANTINE_COLUMNS, TRACE, Outcome, summarised
from funnel_etl.core.values.text import lookup_key
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, FUNNEL_FACTS
from funnel_etl.marts.funnel.m0 import closing
from funnel_etl.marts.funnel.m0.closed_months import ClosedM0, closed_months, months_over
from funnel_etl.marts.funnel.m0.m0 import M0_COLUMNS
from funnel_etl.marts.funnel.published import PublishedFacts, code_in_force, published_before
from funnel_etl.observe.changes import contracts as causes
from funnel_etl.observe.changes.changed_rows import changed_rows
from funnel_etl.observe.changes.decompose import TABLES, Inputs, as_cells, changes, m0_of
from funnel_etl.observe.changes.lent import LentPhones
from funnel_etl.observe.changes.matching import Places
from funnel_etl.observe.changes.moved import what_moved
from funnel_etl.observe.changes.rebuild import CLEAN, ZOOM, ZOOM_READS, Rebuilder, with_tables
from funnel_etl.observe.changes.rows import BY_TABLE, Rows, same_lines
from funnel_etl.observe.changes.zoom import CONTENT, Zoom, differing
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS
from funnel_etl.parts.marketing.zoom.clean.people import PHONE
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
M0 = ATTRIBUTED_M0.only("phone", "month", "assigned_date", "funnel", "attended", *TRACE)
COMPARED = {**CLEAN, "attributed_m0": M0}
"""What the rows behind the facts are compared in."""
_PEOPLE = ("email", "phone", *TRACE)
_OWN = {
    "tofu_leads": (*(set(PHONE) - {"phone_alternates"}), "email", "created_at", "is_first_lead"),
    "assigned_leads": M0_COLUMNS,
    "zoom_registrations": (*CONTENT["zoom_registrations"], *_PEOPLE),
    "zoom_attendance": (*CONTENT["zoom_attendance"], *_PEOPLE),
}
_KNOWN_BY = {
    name: (*TRACE, source.day, *source.content, *(column for each in source.matching for column in each.columns))
    for name, source in BY_TABLE.items()
}
READ = CLEAN | {name: CLEAN[name].only(*_KNOWN_BY.get(name, ()), *_OWN.get(name, ())) for name in {*_KNOWN_BY, *_OWN}}
"""What is read of the clean tables: what the facts follow from, and what rows and people are known by."""
NOT_READ: dict[str, dict[str, None]] = {"tofu_leads": {"phone_alternates": None}}
"""What is blank instead: no number follows from a lead's further phones, and lists take longest to read."""
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
    found = _comparison(night, lake, parsed, before)
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
    m0 = lake.read(M0, night.day)
    found = _comparison(night, lake, parsed, before)
    rows = changed_rows(*found.rows_that_moved(m0), found.since, night.as_of)
    tonight = {**found.tonight, "attributed_m0": m0}
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


def _comparison(night: Night, lake: Lake, parsed: ParsedReports, before: PublishedFacts) -> "Comparison":
    """Return the night beside the one published before it, read once a run."""
    users = (causes.CHANGES, causes.CHANGED_ROWS)
    return night.shared("the comparison of two nights", lambda: Comparison(night, lake, parsed, before), users)


class Comparison:
    """Tonight's clean tables against those of the night that was published last. `steps` may be walked once."""

    def __init__(self, night: Night, lake: Lake, parsed: ParsedReports, published: PublishedFacts) -> None:
        self.night, self.lake, self.published = night, lake, published
        self.tonight = {name: self._table(name, night.day) for name in READ}
        self.since = pd.Timestamp(published.night)
        self.last = replace(night, day=published.night)
        made_from = published.made_from
        self.is_same_code = made_from.code == code_in_force()
        self.zone = made_from.zone
        is_same_config = made_from.config == night.sources.config_files(night.day)
        self.config = night.config if is_same_config else night.sources.config_of(made_from.config)
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
        self.remade: list[str] = []
        self.notes: list[str] = []
        self._matched: dict[str, Rows] = {}

    def steps(self) -> Iterator[tuple[str | None, Inputs]]:
        """Return each cause with what the facts follow from once it is exchanged too. Raises `FunnelError`.

        Before the causes that are in rows, with no cause: the inputs less what none of them moves.
        """
        state = _State(dict(self.was.frames), dict(self.was.quarantine))
        tonight, closed = self._closed_now(), self._closed_then()
        as_closed = _reused(tonight.of(months_over(tonight.months, self.since)), closed)
        if not self._is_as_published(closed):
            yield from self._by_rules(state, closed, as_closed)
        closed = as_closed
        tonight = _reused(tonight, closed)

        sources = {name: self._rows(name, state) for name in BY_TABLE}
        zoom = self._zoom(state, sources["tofu_leads"])
        as_of, moved = self.night.as_of, None
        if tonight is closed:
            moved = what_moved(
                sources,
                (zoom.before, zoom.after | {"webinars": zoom.webinars}),
                zoom.occurrences(),
                as_of,
                zoom.lent.phones(),
            )
            # A lead that lends its phone is looked for among all of them.
            whole = {"tofu_leads"} if zoom.lent.occurrences else set()
            sources |= {name: moved.rows(name, rows) for name, rows in sources.items() if name not in whole}
            closed = tonight = ClosedM0(closed.months, closed.rows.iloc[:0])
            frames = moved.people(zoom.before) | {name: rows.before for name, rows in sources.items()}
            yield None, self._inputs(frames, closed, self.since)
        for cause in BY_ROWS:
            frames = {name: rows.up_to(cause) for name, rows in sources.items()}
            people = zoom.up_to(cause, frames["tofu_leads"])
            frames |= moved.people(people) if moved else people
            yield cause, self._inputs(frames, closed, as_of)
        # A month closes with what it has then: what came for it since, in the same night, does not count.
        yield causes.CONFIG, self._inputs(frames, tonight, as_of)

    def rows_that_moved(self, m0: pd.DataFrame) -> tuple[Frames, Frames, dict[str, Places]]:
        """Return the rows that can count otherwise, on the last night and tonight, and which row of a source is which.

        `m0`: tonight's.
        """
        was, now = self.was.frames, self.tonight
        sources = {name: self._rows_as_they_were(name) for name in BY_TABLE}
        occurrences = {each for name in CONTENT for each in differing(name, was[name], now[name])}
        moved = what_moved(sources, (was, now), occurrences, self.night.as_of)
        sources = {name: moved.rows(name, rows) for name, rows in sources.items()}
        before, after = ({name: frames[name] for name in ZOOM} for frames in (was, now))
        before = moved.people(before) | {name: rows.before for name, rows in sources.items()}
        after = moved.people(after) | {name: rows.after for name, rows in sources.items()}
        closed = self._closed_then()
        if _reused(self._closed_now(), closed) is closed:
            closed, m0 = ClosedM0(closed.months, moved.of_phones(closed.rows)), moved.of_phones(m0)
            made = m0_of(self._inputs(before, closed, self.since))
        else:
            made = m0_of(self._inputs(was, closed, self.since))
        places = {name: rows.places for name, rows in sources.items()}
        return {**before, "attributed_m0": made}, {**after, "attributed_m0": m0}, places

    def _is_as_published(self, closed: ClosedM0) -> bool:
        """Return whether the published facts are those of the last night's tables by today's code and config.

        They follow from them, if they are the very rows that were published; not where M0 has rows from elsewhere.
        """
        is_edited = any(not self.config.table(name).equals(self.night.config.table(name)) for name in CONFIG_TABLES)
        return not (self.remade or is_edited or self.zone != self.night.zone or closed.months)

    def _by_rules(self, state: _State, closed: ClosedM0, as_closed: ClosedM0) -> Iterator[tuple[str, Inputs]]:
        """Return the steps from the facts as published to the last night's rows by today's code and config.

        `state` has them in the end. `closed`, `as_closed`: the closed months by that night's config, and by tonight's.
        """
        config = self.config
        first = causes.REWRITTEN if self.is_same_code else causes.CODE
        yield causes.UNKNOWN if self.unknown else first, self._inputs(state.frames, closed, self.since)
        for cause, names in GROUPS:
            edited = {name for name in names if not config.table(name).equals(self.night.config.table(name))}
            config = with_tables(config, self.night.config, edited)
            zone = self.night.zone if cause == causes.CONFIG else self.zone
            self._reread(state, config, edited, zone)
            closed = as_closed if cause == causes.CONFIG else closed
            yield cause, self._inputs(state.frames, closed, self.since)

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

    def _closed_then(self) -> ClosedM0:
        return closing.rows_as_closed(self.last, self.lake, closed_months(self.config, self.since))

    def _closed_now(self) -> ClosedM0:
        return closing.rows_as_closed(self.night, self.lake, closed_months(self.night.config, self.night.as_of))

    @cached_property
    def was(self) -> _State:
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
        return self.tonight[name] if len({*hashes}) == 1 else self._table(name, self.published.night)

    def _table(self, name: str, night: date) -> pd.DataFrame:
        return self.lake.read(READ[name], night).assign(**NOT_READ.get(name, {}))

    def _remade(self, state: _State, names: list[str]) -> None:
        """Make tables again; where the landed files are gone take the lake's, and where it has none tonight's."""
        self.remade += names
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

    def _rows_as_they_were(self, name: str) -> Rows:
        if name not in self._matched:
            self._matched[name] = Rows(BY_TABLE[name], self.was.frames[name], self.tonight[name], self.since)
        return self._matched[name]

    def _rows(self, name: str, state: _State) -> Rows:
        """Return a source's rows on both nights, all by tonight's config; what left or entered quarantine is edited."""
        config, frame = self.night.config, state.frames[name]
        is_as_it_was = frame is self.was.frames[name]
        rows = (
            self._rows_as_they_were(name)
            if is_as_it_was
            else Rows(BY_TABLE[name], frame, self.tonight[name], self.since)
        )
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
