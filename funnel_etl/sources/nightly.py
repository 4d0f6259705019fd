"""What a night works on: each source's bytes and the config in force, fetched for a new night, replayed for an old one.

The newest night is pulled afresh; one that a later night has overtaken is replayed from the landing archive, so that
materializing an old partition gives what it gave. The only place that decides this.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Generic

import pandas as pd

from funnel_etl.core.config_checks import Loss, SourceNames, lost_most, misspelled_header
from funnel_etl.core.config_tables import TABLES, Config, check_together, parse_table
from funnel_etl.core.errors import ConfigError
from funnel_etl.core.reading.csvfile import read_header
from funnel_etl.core.source import Source
from funnel_etl.core.values.numbers import grouped
from funnel_etl.settings import Login, Settings
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.decisions import accepted_refused
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.config_folder import table_bytes, table_file, unread_files
from funnel_etl.sources.connect.auth import Auth
from funnel_etl.sources.connect.fetch import fetch, utc_now
from funnel_etl.sources.connect.request import Content, Fetched, FetchPolicy, Judge, T
from funnel_etl.sources.guards import confirm_command

CONFIG = "config_"
"""Prefix of the landing sources of config tables."""
UNREAD = "unread"
"""Status of a file of the config folder that is no table."""
NAMED = ("funnels", "zoom_profiles", "category_tokens", "metrics")
"""Tables that others name: when one of them is what no longer fits, it falls back, and not those that name it."""
OF_NO_NUMBER = ("expected_exports", "delivery_rules", "delivery_attributes", "consent_questions", "llm_prices")
"""Tables from which no number follows: a wrong one is told, and neither stops a first night nor holds another back."""
_HEADER = 1 << 18
"""Bytes of a dump within which its header is."""

Version = tuple[str | None, pd.DataFrame]
"""A config table and the file_id it was read from (None: there is no file)."""
Chosen = dict[str, Version]


@dataclass(frozen=True)
class ConfigVersion:
    """One version of a config table as it was seen: accepted, or rejected with its errors; or a file nobody reads."""

    name: str
    file_id: str
    status: str
    errors: str | None
    received_at: datetime


@dataclass(frozen=True)
class Pulled(Generic[T]):
    """The files of a source that a night uses, in their order, and what the judge read of them when they were pulled.

    `judged` is None for a night that is replayed: its files were judged when they came.
    """

    file_ids: tuple[str, ...]
    judged: T | None = None


class NightlySources:
    """The sources of an installation, by night. `names`: what config tables may name of the pulled ones."""

    def __init__(self, settings: Settings, landing: Landing, names: Mapping[str, SourceNames] | None = None) -> None:
        self.settings = settings
        self.landing = landing
        self.names = names or {}
        self._tables: dict[tuple[str, ...], pd.DataFrame] = {}
        self._of_run: dict[tuple[str, date], Config] = {}
        self._shared: dict[tuple[str, str], tuple[Any, set[str]]] = {}
        self._done: set[tuple[str, str]] = set()

    def pull(self, source: Source, night: date, judge: Judge[T] | None = None) -> Pulled[T]:
        """Land a source for a night, or find what it used. Raises as `fetch`.

        What `judge` refuses is kept as rejected, and no night uses it.
        """
        if (recorded := self.recorded(source.name, night)) is not None:
            return Pulled(tuple(recorded))
        fetched = self._fetch(source, judge)
        file_ids = [arrival.file_id for arrival in fetched.arrivals]
        self.landing.record_night(night, source.name, file_ids)
        return Pulled(tuple(file_ids), fetched.judged)

    def recorded(self, source: str, night: date) -> list[str] | None:
        """Return the file_ids an overtaken night uses; None: it is the newest."""
        used = self.replayed(source, night)
        return None if used is None else self.landing.night(used, source)

    def replayed(self, source: str, night: date) -> date | None:
        """Return the night whose files an overtaken night uses: itself, or if it never ran the next later one.

        None: it is the newest.
        """
        nights = self.landing.nights(source)
        later = [n for n in nights if n > night]
        if not later:
            return None
        return night if night in nights else min(later)

    def is_newest(self, night: date) -> bool:
        """Whether a night may ask the outside anew: no later night was, and it is no replay."""
        return self.replayed(f"{CONFIG}funnels", night) is None

    def given(self, source: str, night: date, now: Iterable[str]) -> list[str]:
        """Return the files that a night uses of a source that is not pulled: those of `now` if it is the newest.

        They are written down; another night uses what is written for it, or was last before it.
        """
        nights = self.landing.nights(source)
        if not self.is_newest(night):
            earlier = [other for other in nights if other <= night]
            return (self.landing.night(max(earlier), source) or []) if earlier else []
        found = [*now]
        if found or nights:
            self.landing.record_night(night, source, found)
        return found

    def config(self, night: date) -> Config:
        """Return the config that `accept_config` put in force for a night, or for the nearest night before it.

        A night earlier than all recorded ones has the config of the first, as it has its sources; a table that a later
        version of the code has brought was not there on a night before that.
        """
        return self.config_of(self.config_files(night))

    def config_of_run(self, night: date, run_id: str) -> Config:
        """Return the config of a night as `config` does, read once a run: each asset of the night asks for it."""
        if (run_id, night) not in self._of_run:
            others = {key: config for key, config in self._of_run.items() if key[0] == run_id}
            self._of_run = others | {(run_id, night): self.config(night)}
        return self._of_run[run_id, night]

    def shared_in_run(self, run_id: str, name: str, make: Callable[[], T], users: Iterable[str]) -> T:
        """Return what `make` gives, the same object until all `users` of a run are done; other runs' are forgotten."""
        self._shared = {key: value for key, value in self._shared.items() if key[0] == run_id}
        if (run_id, name) not in self._shared:
            self._shared[run_id, name] = make(), {user for user in users if (run_id, user) not in self._done}
        made: T = self._shared[run_id, name][0]
        return made

    def done_in_run(self, run_id: str, user: str) -> None:
        """Forget what nobody else of the run is to share with a user that has been through it, or does without."""
        self._done = {done for done in self._done if done[0] == run_id} | {(run_id, user)}
        left = {key: (made, users - {user}) for key, (made, users) in self._shared.items()}
        self._shared = {key: value for key, value in left.items() if value[1]}

    def config_files(self, night: date) -> dict[str, list[str]]:
        """Return which file of each config table is in force on a night; none: the table is empty. As `config`."""
        files: dict[str, list[str]] = {}
        recorded = self.landing.recorded()
        of = max(night, min(recorded.get(f"{CONFIG}funnels", []), default=night))
        for name in TABLES:
            nearest = max((n for n in recorded.get(f"{CONFIG}{name}", []) if n <= of), default=of)
            files[name] = self.landing.night(nearest, f"{CONFIG}{name}") or []
        return files

    def config_of(self, files: Mapping[str, list[str]]) -> Config:
        """Return the config that these landed files make; a table that is not named is empty."""
        tables = {name: self._parsed(name, files.get(name, [])) for name in TABLES}
        versions = [f"{name}:{file_id}" for name in TABLES for file_id in files.get(name, [])]
        return Config(tables, hashlib.sha256("\n".join(versions).encode()).hexdigest()[:12])

    def accept_config(self, night: date) -> list[ConfigVersion]:
        """Land the config folder, decide for each table which version the night uses, and return every version seen.

        A bad edit leaves the last good version in force. Raises `ConfigError` when there is no good version yet, but
        for the tables of `OF_NO_NUMBER`, which are empty until they are right.
        """
        self._of_run = {}
        if self.recorded(f"{CONFIG}funnels", night) is not None:
            return []
        if not self.settings.config_folder.is_dir() and self.in_force("funnels", night) is None:
            raise ConfigError(
                f"there is no folder {self.settings.config_folder.name!r}",
                where="FUNNEL_CONFIG_DIR",
                fix="set it to the folder of the config tables",
            )
        chosen: Chosen = {}
        seen: list[ConfigVersion] = []
        for name in TABLES:
            arrival = self.land_config(name)
            if (gone := self._vanished(name, night, arrival)) is not None:
                seen.append(gone)
                chosen[name] = self._last_good(name, night, ConfigError(str(gone.errors), fix=""))
                continue
            try:
                chosen[name] = self._version(name, night, arrival)
            except ConfigError as error:
                assert arrival is not None  # noqa: S101 - an absent file has no errors
                seen.append(_rejected(name, arrival, error))
                chosen[name] = self._last_good(name, night, error)
                continue
            if arrival:
                seen.append(ConfigVersion(name, arrival.file_id, "accepted", None, arrival.received_at))
        self._settle_together(chosen, seen, night)
        for name, (file_id, _) in chosen.items():
            self.landing.record_night(night, f"{CONFIG}{name}", [file_id] if file_id else [])
        files = unread_files(self.settings.config_folder)
        return seen + [ConfigVersion(one.name, f"({UNREAD})", UNREAD, one.why, one.written_at) for one in files]

    def loss(self, name: str, night: date, rows: pd.DataFrame) -> Loss | None:
        """Return what a version of a table lost of the one in force, if that is most of it."""
        before = self.in_force(name, night)
        return lost_most(name, self._parsed(name, before), rows) if before else None

    def in_force(self, name: str, night: date) -> list[str] | None:
        """Return the file of a table in force last, up to a night; none: the table is empty; None: no night was."""
        nights = [n for n in self.landing.nights(f"{CONFIG}{name}") if n <= night]
        return self.landing.night(max(nights), f"{CONFIG}{name}") if nights else None

    def _version(self, name: str, night: date, arrival: Arrival | None) -> Version:
        """Read a table as it lies in the folder. Raises `ConfigError` for one that must not come into force."""
        if arrival is None:
            return None, _table(name, None)
        data = self.landing.read(arrival.file_id)
        rows = _table(name, data)
        if (error := misspelled_header(name, data)) is not None:
            raise error
        loss = self.loss(name, night, rows)
        if loss and arrival.file_id not in accepted_refused(self.landing, f"{CONFIG}{name}"):
            raise ConfigError(
                f"{loss}; it has {grouped(len(rows))} now",
                where=f"config_csv/{name}.csv",
                fix="save the whole table, without a filter; if they shall be gone: "
                f"{confirm_command(name)}, then run the night again",
            )
        return arrival.file_id, rows

    def _settle_together(self, chosen: Chosen, seen: list[ConfigVersion], night: date) -> None:
        """Let tables fall back until all agree: the wrong ones, or those they name if these are what no longer fits.

        What is wrong with the versions in force themselves is reported, and stays: it was so the night before.
        """
        names = self.names_on(night)
        settled, errors, wrong = self._agreeing(chosen, night, names)
        if still := {name: error for name, error in wrong.items() if name not in OF_NO_NUMBER}:
            blamed = next(iter(still.values()))
            older = {name: self._last_good(name, night, blamed) for name in NAMED}
            guilty = {n: v for n, v in older.items() if _is_better(_disagreements(settled | {n: v}, names), still)}
            if guilty:
                settled, errors, _ = self._agreeing(chosen | guilty, night, names)
                errors |= dict.fromkeys(guilty, blamed)
        chosen.update(settled)
        for at, version in enumerate(seen):
            if version.name in errors and version.status == "accepted":
                seen[at] = replace(version, status="rejected", errors=str(errors[version.name]))

    def _agreeing(
        self, chosen: Chosen, night: date, names: Mapping[str, SourceNames]
    ) -> tuple[Chosen, dict[str, ConfigError], dict[str, ConfigError]]:
        """Return the tables with each wrong one replaced by its last good version; what was wrong, what still is."""
        settled: Chosen = dict(chosen)
        errors: dict[str, ConfigError] = {}
        while True:
            wrong = _disagreements(settled, names)
            errors = wrong | errors
            older = {name: self._last_good(name, night, error) for name, error in wrong.items()}
            older = {name: version for name, version in older.items() if version[0] != settled[name][0]}
            if not older:
                return settled, errors, wrong
            settled |= older

    def names_on(self, night: date) -> dict[str, SourceNames]:
        """Return what config tables may name of the sources, with the columns of the CRM's newest sales."""
        if "crm_sales" not in self.names or not self.names["crm_sales"].has_header:
            return dict(self.names)
        used = [day for day in self.landing.nights("crm_sales") if day <= night][-1:]
        newest = [arrival.file_id for arrival in self.landing.arrivals("crm_sales")[-1:]]
        file_ids = {file_id for day in used for file_id in self.landing.night(day, "crm_sales") or []} | {*newest}
        documented = self.names["crm_sales"].columns
        header: list[str] = []
        for file_id in sorted(file_ids):
            if self.landing.has(file_id):
                with self.landing.open(file_id) as file:
                    header += read_header(file.read(_HEADER), documented)
        return {**self.names, "crm_sales": replace(self.names["crm_sales"], header=tuple(header) or None)}

    def _parsed(self, name: str, file_ids: list[str]) -> pd.DataFrame:
        """Read a version of a table once; every asset of a night asks for it."""
        key = (name, *file_ids)
        if key not in self._tables:
            self._tables[key] = _table(name, self.landing.read(file_ids[0]) if file_ids else None)
        return self._tables[key]

    def _vanished(self, name: str, night: date, arrival: Arrival | None) -> ConfigVersion | None:
        """Report a table that is gone or empty, and was not the night before: a slip, not a wish to map nothing."""
        if (arrival and arrival.bytes) or not self.in_force(name, night):
            return None
        told = (
            f"config_csv/{name}.csv: it is {'empty' if arrival else 'gone'}, so its last good version stays in force. "
            "Fix: put it back; to empty the table, keep its header and no rows"
        )
        file_id = arrival.file_id if arrival else "(gone)"
        return ConfigVersion(name, file_id, "rejected", told, arrival.received_at if arrival else utc_now())

    def land_config(self, name: str) -> Arrival | None:
        """Keep a table as it lies in the folder; None: it is not there."""
        path = table_file(self.settings.config_folder, name)
        data = table_bytes(self.settings.config_folder, name)
        if data is None:
            return None
        withheld = self.landing.redact_lines(data)
        file_id = self.landing.file_id_of(withheld.data)
        seen = [a for a in self.landing.arrivals(f"{CONFIG}{name}") if a.file_id == file_id]
        if seen and self.landing.has(file_id):
            return seen[0]  # lying there for another night is no arrival
        return self.landing.put(
            f"{CONFIG}{name}", "config", path.name, withheld.data, received_at=utc_now(), withheld=withheld
        )

    def _last_good(self, name: str, night: date, error: ConfigError) -> Version:
        before = self.in_force(name, night)
        if before is None and name not in OF_NO_NUMBER:
            raise error
        before = before or []
        return (before[0] if before else None), self._parsed(name, before)

    def _fetch(self, source: Source, judge: Judge[T] | None) -> Fetched[T]:
        settings = self.settings
        login = settings.logins.get(source.login or "", Login())
        return fetch(
            settings.addresses.get(source.name, ""),
            source=source.name,
            landing=self.landing,
            auth=Auth.parse(login.auth, login.secret, source.login_variables) if source.login_variables else Auth(),
            policy=FetchPolicy(
                deadline=settings.download_seconds,
                retry_for=settings.retry_seconds,
                max_bytes=settings.download_max_mb * 1_000_000,
            ),
            credentials=settings.google_credentials,
            judge=judge,
            content=Content(source.format, source.pages, source.read),
        )


@lru_cache(maxsize=128)
def _table(name: str, data: bytes | None) -> pd.DataFrame:
    """Read a version of a config table once a process: most are the same night after night. Nobody writes into it."""
    return parse_table(name, data)


def _disagreements(chosen: Chosen, names: Mapping[str, SourceNames]) -> dict[str, ConfigError]:
    return check_together({name: frame for name, (_, frame) in chosen.items()}, names)


def _is_better(errors: Mapping[str, ConfigError], before: Mapping[str, ConfigError]) -> bool:
    """Whether some of the errors are gone, and no other table has one."""
    texts = ({name: str(error) for name, error in some.items()} for some in (errors, before))
    return set(errors) <= set(before) and next(texts) != next(texts)


def _rejected(name: str, arrival: Arrival, error: ConfigError) -> ConfigVersion:
    return ConfigVersion(name, arrival.file_id, "rejected", str(error), arrival.received_at)


def config_versions_frame(versions: Iterable[ConfigVersion]) -> pd.DataFrame:
    """Return the versions as rows of `ops.config_versions`."""
    columns = ["name", "file_id", "status", "errors", "received_at"]
    rows = pd.DataFrame([[getattr(v, c) for c in columns] for v in versions], columns=columns)
    return rows.drop_duplicates(["name", "file_id"], keep="last")
