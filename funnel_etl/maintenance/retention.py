"""What may go from the lake and from the landing archive, and why the rest stays. Decides; `purge` removes.

The next night reads tables of nights before it. Each asset declares which (`reads_earlier`), and is shown no others, so
that a night after a purge equals one without.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from funnel_etl.catalog import SOURCES
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.earlier import Earlier, EarlierReads
from funnel_etl.marts.funnel import published
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres.schema import SCHEMAS
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.landing import Landing

What = TypeVar("What")
COMMANDS = {
    "parts/marketing/zoom/files/export.py": "the newest night that has all its tables: the newest two of each table",
    "operate/rerun/preview.py": "the newest night that has all tables: the newest two of each table",
    "operate/rerun/replay.py": "a lake of its own; of the real one only the replayed night, to compare with",
    "operate/explain/changes.py": "a night that somebody asks for; without it it says which ones there are",
    "operate/worklist/worklist.py": "its newest night",
    "operate/drafts/drafts.py": "its newest night",
    "operate/engagement/engagement.py": "the newest night of what it shows",
}
"""Modules of commands that ask which nights the lake has → what they read. What assets read, they declare."""
NEWEST = 2
"""Nights of each table that always stay: the newest, and the one it was built on."""


@dataclass(frozen=True)
class Counted:
    """How many, of how many bytes."""

    count: int = 0
    size: int = 0

    def plus(self, size: int) -> "Counted":
        """Add one of `size` bytes."""
        return Counted(self.count + 1, self.size + size)


@dataclass
class Plan(Generic[What]):
    """What goes, each with its size; and what stays: why → how many."""

    going: list[tuple[What, int]] = field(default_factory=list)
    staying: dict[str, Counted] = field(default_factory=dict)

    def put(self, what: What, size: int, why: str | None) -> None:
        """Let it stay because of `why`, or let it go."""
        if why is None:
            self.going.append((what, size))
        else:
            self.staying[why] = self.staying.get(why, Counted()).plus(size)

    @property
    def gone(self) -> Counted:
        """How much goes."""
        return Counted(len(self.going), sum(size for _, size in self.going))


@dataclass
class LakePlan(Plan[tuple[str, date]]):
    """What goes from the lake, as (schema.table, night), and the nights of which something is left."""

    nights_left: set[date] = field(default_factory=set)


def lake_plan(
    lake: Lake, tables: Iterable[Table], reads: EarlierReads, keep: int, compared: Collection[date] = ()
) -> LakePlan:
    """Decide on each table's night of the lake, as (schema.table, night). `keep`: nights that stay; 0: all.

    `reads`: what assets read of nights before their own; `compared`: the nights that the next one may be compared with
    (`published_last`).
    """
    made = {name: nights for schema in SCHEMAS for name, nights in lake.made(schema).items()}
    every = sorted({night for nights in made.values() for night in nights})
    newest = set(every[-keep:] if keep else every)
    needed = _needed(lake, tables, reads, made)
    plan = LakePlan()
    for name, nights in made.items():
        for night in nights:
            in_time = f"of the newest {keep} nights" if keep else "for ever (FUNNEL_KEEP_LAKE_NIGHTS=0)"
            why = in_time if night in newest else needed.get((name, night))
            why = why or ("of the nights published last" if night in compared else None)
            plan.put((name, night), lake.size(name, night), why)
            if why:
                plan.nights_left.add(night)
    return plan


def _needed(
    lake: Lake, tables: Iterable[Table], reads: EarlierReads, made: dict[str, list[date]]
) -> dict[tuple[str, date], str]:
    """Return what the next night reads, however old: (schema.table, night) → why.

    BEFORE and GOOD hold for every table; PUBLISHED is `compared`; of WEEK only what is there is read.
    """
    found: dict[tuple[str, date], str] = {}
    for table in tables:
        nights = made.get(table.full_name, [])
        found |= {(table.full_name, night): "newest of their table" for night in nights[-NEWEST:]}
        good = next((n for n in reversed(nights) if not lake.read_account(table, n)[0].problems), None)
        if good:
            found.setdefault((table.full_name, good), "newest of their table that passed its checks")
    if (whole := _whole_config(lake, made)) is not None:
        found.setdefault((CONFIG_VERSIONS.full_name, whole), "newest config without an error")
    for reader, read in reads.items():
        own = made.get(reader, [])
        since = own[-NEWEST:][0] if own else date.min
        for name in (name for name, rules in read.items() if Earlier.SINCE in rules):
            for night in (night for night in made.get(name, []) if night >= since):
                found.setdefault((name, night), f"still to be read for {reader}")
    return found


def _whole_config(lake: Lake, made: dict[str, list[date]]) -> date | None:
    nights = reversed(made.get(CONFIG_VERSIONS.full_name, []))
    return next((night for night in nights if lake.read(CONFIG_VERSIONS, night)["status"].ne("rejected").all()), None)


def published_last(landing: Landing) -> list[date]:
    """Return the newest nights that published facts: the next night, or the newest again, is compared with one."""
    return landing.nights(published.SOURCE)[-NEWEST:]


def landing_plan(landing: Landing, keep: int, now: datetime) -> Plan[str]:
    """Decide on the bytes of each landed file, by file_id. `keep`: days that a night's pulls stay; 0: for ever.

    What a night used is as old as that night, seen from the newest; what none used is as old as its arrival.
    """
    by_file: dict[str, list[Arrival]] = {}
    for arrival in landing.arrivals():
        by_file.setdefault(arrival.file_id, []).append(arrival)
    used = _used(landing)
    newest = max(used.values(), default=date.min)
    needed = {file_id for source in SOURCES for file_id in _needed_pulls(landing, source)}
    for day in published_last(landing):
        facts = published.published_before(landing, day + timedelta(days=1))
        needed |= {file_id for file_ids in (facts.made_from.files.values() if facts else ()) for file_id in file_ids}
    plan: Plan[str] = Plan()
    for file_id, arrivals in by_file.items():
        night = used.get(file_id)
        in_time = (
            night > newest - timedelta(days=keep)
            if night
            else max(a.received_at for a in arrivals) >= now - timedelta(days=keep)
        )
        why = _always(arrivals, is_used=night is not None)
        if why is None and file_id in needed:
            why = "newest pulls, the ones before, those published last, and what waits for funnel-etl confirm"
        if not keep:
            why = why or "for ever (FUNNEL_KEEP_LANDING_DAYS=0)"
        elif why is None and in_time:
            why = f"of the last {keep} days"
        if why or landing.has(file_id):
            plan.put(file_id, max(a.bytes for a in arrivals), why)
    return plan


def _always(arrivals: list[Arrival], *, is_used: bool) -> str | None:
    """Return why a file never goes; None: it may."""
    kinds = {arrival.kind for arrival in arrivals}
    if kinds - {"pull", "file"}:
        return "config, closed months, published facts, decisions"
    if any(a.kind == "file" and a.status == "accepted" for a in arrivals):
        return "dropped files: every night is made from all of them"
    if is_used and any(a.source in SOURCES and SOURCES[a.source].needs_all_dumps for a in arrivals):
        return "dumps a table follows from, all of them (clean.crm_history)"
    return None


def _used(landing: Landing) -> dict[str, date]:
    """Return the files that nights used → the newest such night."""
    found: dict[str, date] = {}
    for source in SOURCES:
        for night in landing.nights(source):
            found |= {file_id: max(night, found.get(file_id, night)) for file_id in landing.night(night, source) or []}
    return found


def _needed_pulls(landing: Landing, source: str) -> Iterator[str]:
    """Return what the next pull of a source is compared with, and what a person may still say is right."""
    for night in landing.nights(source)[-NEWEST:]:
        yield from landing.night(night, source) or []
    arrivals = landing.arrivals(source)
    taken = max((at for at, arrival in enumerate(arrivals) if arrival.status == "accepted"), default=0)
    yield from (arrival.file_id for arrival in arrivals[taken:])


def by_source(landing: Landing, file_ids: Iterable[str]) -> dict[str, int]:
    """Count files by the source they came from."""
    sources = {arrival.file_id: arrival.source for arrival in landing.arrivals()}
    return dict(sorted(Counter(sources[file_id] for file_id in file_ids).items()))
