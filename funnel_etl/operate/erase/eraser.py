"""`funnel-etl erase`: a person goes out of landing, lake, PostgreSQL and every file of ours, for good.

In this order, each step harmless when done again: who it is goes into a journal; new files are landed without the
person; the landed ones get tombstones; the lake; the published nights are made again from what is left; the ledger of
deliveries; the database; the other files; what the server keeps of deleted rows; then the journal goes. Killed
anywhere, the next call completes. Nothing is sent to the outside meanwhile.
"""

import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from upath import UPath

from funnel_etl import locks
from funnel_etl.catalog import PEOPLE, SOURCES
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.parts import FOLLOWS, OPTIONAL, PARTS
from funnel_etl.delivery.erasing import Forgotten
from funnel_etl.delivery.sender_lock import no_sender
from funnel_etl.delivery.webengage.intake import SOURCE as CONSENT
from funnel_etl.operate.erase import database as erase_database
from funnel_etl.operate.erase.deliveries import forget_deliveries
from funnel_etl.operate.erase.person import IDS, JOURNAL, Person, person_of
from funnel_etl.operate.erase.said import as_json, erase_said, said_by
from funnel_etl.operate.erase.stores import RemovedLines, count_landed, erase_folders, erase_lake, erase_landed
from funnel_etl.operate.rerun.sandbox import ReplayedSources, sandbox_prefix
from funnel_etl.operate.run.dagster_home import prepare_tables
from funnel_etl.operate.run.night import Writer, only_writer, run_job, summarise_run
from funnel_etl.parts.marketing.zoom.intake import SOURCE as ZOOM
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.platform.dagster.nights import NIGHTLY
from funnel_etl.platform.postgres.database import Databases, engine, open_databases
from funnel_etl.platform.postgres.embedded_place import write_private
from funnel_etl.platform.postgres.owner import OURS, claim_of
from funnel_etl.platform.postgres.traces import discard_log, rewrite_tables
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.arrivals import newest_pull
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.archive.store import open_store
from funnel_etl.sources.nightly import NightlySources

log = logging.getLogger("funnel_etl.progress")
DROPPED = (ZOOM, CONSENT)
"""What people drop: all of its files are in use, not only the newest."""
MANY = 5
"""More other people than this on the person's rows: the phone or e-mail is hardly one person's."""


@dataclass
class ErasePreview:
    """What is there of a person. `landed`: lines by source; `rows`: by table; `files`: of state and drop folders.

    `others`: how many other phones stand on the person's rows; `resumed`: an erasure that was interrupted is in it;
    `sources`: which still hold the person, as their newest file says; `config`: files of config_csv that do.
    """

    person: Person
    landed: RemovedLines
    rows: dict[str, int]
    files: RemovedLines
    others: int
    sources: list[str]
    config: list[str]
    resumed: bool = False

    @property
    def is_anything(self) -> bool:
        """Whether there is anything to erase."""
        return bool(self.landed.lines or self.rows or self.files.lines or self.resumed)


@dataclass
class Erased:
    """What an erasure did. `failures`: asset → why a published night could not be made again; `problems`: what else.

    `behind`: parts whose sums still count the person, until the next night that is published whole.
    """

    landed: RemovedLines
    lake: RemovedLines
    rows: dict[str, int]
    files: RemovedLines
    deliveries: Forgotten
    nights: list[date] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        """What could not be looked into."""
        return [*self.landed.problems, *self.lake.problems, *self.files.problems]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do here."""
        return not self.failures and not self.problems


@contextmanager
def eraser(settings: Settings) -> Iterator["Eraser"]:
    """Return what erases, while nothing else writes. Raises `FunnelError` when there is no database."""
    with only_writer(settings) as writer:
        yield Eraser(settings, writer)


@contextmanager
def finder(settings: Settings) -> Iterator["Finder"]:
    """Return what looks for a person beside whatever runs. Raises `FunnelError` when there is no database."""
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        prepare_tables(databases, claim_of(settings))
        yield Finder(settings, databases)


class Finder:
    """Finds all there is of a person in one installation; changes nothing."""

    def __init__(self, settings: Settings, databases: Databases) -> None:
        self.settings, self._databases = settings, databases
        self._landing = Landing(UPath(settings.landing_root))
        self._engine = engine(databases.funnel_url)
        self._journal = settings.state / JOURNAL

    def find(self, words: list[str]) -> ErasePreview:
        """Find all there is of the person, and of one whose erasure was interrupted; changes nothing."""
        placeholders = NightlySources(self.settings, self._landing).config(self.settings.yesterday()).placeholders
        begun = self._begun()
        with self._engine.connect() as connection:
            person = person_of(connection, words, placeholders) if words else Person()
            said, said_as = said_by(connection, person.phones, person.emails)
            person = replace(person, said=said, said_as=said_as)
            person = person.joined(begun) if begun else person
            if not person.names:
                raise FunnelError("nobody is named", where="erase", fix="type a phone or an e-mail of the person")
            rows = erase_database.rows_naming(connection, person)
            others = _others(connection, person)
        log.info("looking through the landing archive")
        landed = count_landed(self._landing, person.matcher)
        files = erase_folders(*self._folders(), person.matcher, dry=True)
        sources, config = self._sources(landed), self._config(person)
        return ErasePreview(person, landed, rows, files, others, sources, config, resumed=begun is not None)

    def _folders(self) -> tuple[list[Path], list[Path]]:
        """Return the folders of ours, and what in them is looked into otherwise."""
        state, drop = self.settings.state, self.settings.drop_folder.resolve()
        roots = [Path(root.path) for root in (UPath(self.settings.landing_root), UPath(self.settings.lake_root))]
        folders = [state] if drop.is_relative_to(state) else [state, drop]
        folders += sorted(Path(tempfile.gettempdir()).glob(f"{sandbox_prefix(self.settings)}*"))  # of a killed preview
        return folders, [state / "postgres", self.settings.demo, self.settings.demo_deliver, self._journal, *roots]

    def _sources(self, landed: RemovedLines) -> list[str]:
        """Name the sources whose newest file holds the person, or held lines that were not kept."""
        held = []
        for source in (*SOURCES, *DROPPED):
            arrivals = self._landing.arrivals(source)
            newest = {a.file_id for a in (arrivals if source in DROPPED else newest_pull(arrivals))}
            if any(file_id in landed.file_ids or self._landing.erased_lines(file_id) for file_id in newest):
                held.append(source)
        return held

    def _config(self, person: Person) -> list[str]:
        """Name the files of config_csv that name the person, or a sale of the person."""
        found = []
        for path in sorted(self.settings.config_folder.glob("*.csv")):
            text = path.read_text(encoding="utf-8", errors="replace")
            cells = set(text.replace("\n", ",").replace("\r", "").split(","))
            if person.matcher.named_in(text) or any(cells & ids for ids in person.ids.values()):
                found.append(path.name)
        return found

    def _begun(self) -> Person | None:
        try:
            kept = json.loads(self._journal.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        ids = {name: frozenset(kept["ids"].get(name, [])) for name in IDS}
        said = {file_id: frozenset(lines) for file_id, lines in kept.get("said", {}).items()}
        said_as = {file_id: frozenset(names) for file_id, names in kept.get("said_as", {}).items()}
        return Person(frozenset(kept["phones"]), frozenset(kept["emails"]), ids=ids, said=said, said_as=said_as)


class Eraser(Finder):
    """Erases persons of one installation, under the locks of `eraser`."""

    def __init__(self, settings: Settings, writer: Writer) -> None:
        from funnel_etl.assembly import TABLES, build_definitions  # noqa: PLC0415 - loading all assets takes a second

        super().__init__(settings, writer.databases)
        self._writer, self._tables, self._defs = writer, TABLES, build_definitions(settings)

    def only_keep_out(self, person: Person) -> None:
        """Leave a person of whom nothing is here out of all later files."""
        self._landing.erasures.add(person.names)

    def erase(self, person: Person) -> Erased:
        """Erase the person. Raises `FunnelError`; what was done by then stays done, and the next call completes."""
        with no_sender(self._engine):
            return self._erase(person)

    def _erase(self, person: Person) -> Erased:
        write_private(self._journal, json.dumps(_as_json(person)))
        matcher = person.matcher
        with _no_file_is_taken(self.settings.state):
            by = self._landing.erasures.add(person.names)
            log.info("landing archive: lines become tombstones")
            landed = erase_landed(self._landing, matcher, by)
            of_webinars = erase_said(self._landing, person.said, person.said_as, by, self.settings.drop_folder / ZOOM)
            landed.problems += of_webinars.problems
            for place, count in of_webinars.lines.items():
                landed.count(place, count)
            self._landing.sweep(timedelta(0))
        log.info("lake: rows go out of every night's tables")
        store = open_store(UPath(self.settings.lake_root))
        lines = self._landing.erasures.tombstones()
        lake = erase_lake(store, person, self._tables, lines)
        store.sweep(timedelta(0))
        nights, behind, failures = self._publish_again()
        log.info("database: what still names the person goes")
        with self._engine.begin() as connection:
            deliveries = forget_deliveries(connection, person)
            rows = erase_database.sweep(connection, person, lines, self._tables)
        self._sweep_dagster(person)
        with _no_file_is_taken(self.settings.state):
            files = erase_folders(*self._folders(), matcher)
        log.info("database: its tables are written anew")
        self._engine.dispose()
        rewrite_tables(self._databases.funnel_url)
        if self._databases.server is not None:
            discard_log(self._databases.funnel_url)
        self._journal.unlink(missing_ok=True)
        return Erased(landed, lake, rows, files, deliveries, nights, behind, failures)

    def _publish_again(self) -> tuple[list[date], list[str], dict[str, str]]:
        """Make the nights that are published again, from what they used; returns them, parts left behind, and failures.

        One that joins the others is left behind while these hold another night: it follows with the next whole night.
        """
        with self._engine.connect() as connection:
            sql = sa.text(f"SELECT part, max(as_of) AS night FROM ops.nights WHERE {OURS} GROUP BY part")  # noqa: S608
            parts = {row.part: row.night for row in connection.execute(sql) if row.part in {*PARTS, *OPTIONAL}}
        behind: list[str] = []
        failures: dict[str, str] = {}
        for night in sorted({*parts.values()}):
            log.info("night %s is made and published again, from what is left of its files", night)
            sources = ReplayedSources(self.settings, self._landing, night)
            parsed = ParsedReports(open_store(UPath(self.settings.lake_root)), sources)
            given: dict[str, Any] = {"sources": sources, "parsed_reports": parsed}
            done = summarise_run(night, run_job(self._defs, NIGHTLY, self._writer, night, **given))
            own = [part for part, newest in parts.items() if newest == night and not done.parts[part].published]
            if len({*parts.values()}) > 1 and {*own} <= {*FOLLOWS, *OPTIONAL}:
                behind += [part for part in (*FOLLOWS, *OPTIONAL) if part in own]
            elif own:
                failures |= done.failures
        return sorted({*parts.values()}), behind, failures

    def _sweep_dagster(self, person: Person) -> None:
        """Mask the person in Dagster's own storage, which should have nothing; a file's name may be there."""
        storage = engine(self._databases.dagster_url)
        try:
            with storage.begin() as connection:
                found = erase_database.sweep(connection, person, {})
        finally:
            storage.dispose()
        if found:
            rewrite_tables(self._databases.dagster_url)


def _as_json(person: Person) -> dict[str, object]:
    ids = {name: sorted(values) for name, values in person.ids.items()}
    said = {"said": as_json(person.said), "said_as": as_json(person.said_as)}
    return {"phones": sorted(person.phones), "emails": sorted(person.emails), "ids": ids, **said}


def _others(connection: sa.Connection, person: Person) -> int:
    """Count the other phones on rows of people that name the person somewhere, as an agency's or a colleague's do."""
    others: set[str] = set()
    for table, people in PEOPLE.items():
        phone = people.phone
        sql = f"SELECT {phone} AS mark, CAST(t.* AS text) AS text FROM {table} AS t WHERE {phone} <> ALL(:phones)"  # noqa: S608 - ours
        rows = connection.execute(sa.text(sql), {"phones": sorted(person.phones)})
        others.update(erase_database.named_rows(rows, person.matcher))
    return len(others)


@contextmanager
def _no_file_is_taken(state: Path) -> Iterator[None]:
    """Keep the sensor from taking files out of the drop folder meanwhile."""
    with ExitStack() as stack:
        for source in DROPPED:
            locks.lock(stack.enter_context((state / f"drop_{source}.lock").open("ab")))
        yield
