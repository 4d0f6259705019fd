"""A destination that counts effects, a database with candidates, and runs against both: for tests of delivery."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from funnel_etl.assembly import TABLES
from funnel_etl.delivery.candidates_contract import DELIVERY_CANDIDATES
from funnel_etl.delivery.keys import canonical, sha256_hex
from funnel_etl.delivery.rows import Candidate
from funnel_etl.delivery.scope import Result, Scope
from funnel_etl.demo.fakes.server import Fake
from funnel_etl.demo.fakes.webengage import FakeWebEngage
from funnel_etl.operate.deliver import run as service
from funnel_etl.platform.postgres.database import open_databases
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl_tests.installation import Installation

LICENCE, KEY = "in~demo", "demo-key"
NAMES = {"attended": "Plutus Webinar Attended", "registered": "Plutus Webinar Registered"}
KILLED = Path(__file__).with_name("delivery_killed_at.py")


def today() -> date:
    """The day of sending, in the zone of the tests."""
    return (datetime.now(UTC) + timedelta(hours=5, minutes=30)).date()


def start_of(day: date) -> datetime:
    """19:00 in India on a day."""
    return datetime(day.year, day.month, day.day, 13, 30, tzinfo=UTC)


def user(number: int) -> str:
    """A made-up user id."""
    return f"9198{number:08d}"


def user_candidate(number: int, *, account: str = LICENCE, **changes: Any) -> Candidate:
    """The profile of a made-up person."""
    user_id = changes.pop("user_id", user(number))
    fields = {"email": f"person{number}@example.org", "firstName": f"Person{number}", "phone": f"+{user_id}"}
    flags = dict.fromkeys(("emailOptIn", "whatsappOptIn"), True) | dict.fromkeys(("smsOptIn", "rcsOptIn"), False)
    payload = canonical(fields | flags | {"userId": user_id} | changes.pop("fields", {}))
    sha = sha256_hex(payload)
    made = Candidate(
        candidate_id=sha256_hex(f"user {account} {user_id}"),
        destination="webengage",
        account=account,
        object="user",
        kind="user",
        effect="repeatable",
        decision="deliver",
        key_parts=f"webengage\n{account}\nuser\n{user_id}\n{sha}",
        user_id=user_id,
        email=fields["email"],
        payload=payload,
        payload_sha256=sha,
        file_id="f" * 64,
        source_row=number + 2,
    )
    return replace(made, **changes)


def event_candidate(
    number: int,
    kind: str = "attended",
    *,
    webinar: str = "81200002006",
    day: date | None = None,
    started_at: datetime | None = None,
    data: dict[str, Any] | None = None,
    max_age: int = 7,
    account: str = LICENCE,
    **changes: Any,
) -> Candidate:
    """An event of a made-up person at a made-up webinar, yesterday unless `day` says otherwise."""
    user_id = changes.pop("user_id", user(number))
    day = day or today() - timedelta(days=1)
    started_at = started_at or start_of(day)
    occurrence = changes.pop("occurrence_id", f"{webinar}-{started_at + timedelta(hours=5, minutes=30):%Y%m%dT%H%M}")
    name = changes.pop("event_name", NAMES[kind])
    content = {"TimeInSessionMinutes": 57, "WebinarId": webinar} if data is None else data
    payload = canonical(
        {"eventData": content, "eventName": name, "eventTime": f"{day}T19:04:00+0530", "userId": user_id}
    )
    types = {key: "number" if isinstance(value, int) else "text" for key, value in content.items()}
    made = Candidate(
        candidate_id=sha256_hex(f"event {account} {kind} {occurrence} {user_id}"),
        destination="webengage",
        account=account,
        object="event",
        kind=kind,
        effect="guarded",
        decision="deliver",
        key_parts=f"webengage\n{account}\nevent\n{kind}\n{occurrence}\n{user_id}",
        user_id=user_id,
        email=f"person{number}@example.org",
        occurrence_id=occurrence,
        webinar_id=webinar,
        started_at=started_at,
        event_name=name,
        event_date=day,
        first_day=date(2025, 1, 1),
        last_day=day + timedelta(days=max_age),
        profile="webinars",
        payload=payload,
        payload_sha256=sha256_hex(payload),
        attribute_types=tuple(sorted(types.items())),
        file_id="f" * 64,
        source_row=number + 2,
    )
    return replace(made, **changes)


def people(count: int, **changes: Any) -> list[Candidate]:
    """So many people, each with a profile and one attended webinar."""
    return [each for n in range(count) for each in (user_candidate(n), event_candidate(n, **changes))]


class World:
    """An installation whose candidates a test lays, with a fake WebEngage."""

    def __init__(self, installation: Installation, fake: Fake) -> None:
        self.installation, self.fake = installation, fake
        self.engine = installation.engine
        installation.environment |= {
            "FUNNEL_DELIVERY": "webengage",
            "FUNNEL_DELIVERY_WINDOW": "00:00-24:00",
            "FUNNEL_WEBENGAGE_URL": fake.url,
            "FUNNEL_WEBENGAGE_LICENCE": LICENCE,
            "FUNNEL_WEBENGAGE_KEY": KEY,
        }
        with (
            installation.settings() as settings,
            open_databases(settings.state, settings.database_port, settings.database_url),
        ):
            ensure_schema(self.engine, [*TABLES, DELIVERY_CANDIDATES])

        self._environment = dict(installation.environment)

    def reset(self) -> None:
        """Forget what a test did: effects, faults, ledger, candidates, journal, settings."""
        self.fake.reset()
        self.installation.environment.clear()
        self.installation.environment.update(self._environment)
        names = "ops.deliveries, ops.delivery_attempts, ops.delivery_types, ops.delivery_candidates, clean.webinars"
        self.sql(f"TRUNCATE {names}")
        shutil.rmtree(self.installation.home / "state" / "landing" / "deliveries", ignore_errors=True)

    def lay(self, *candidates: Candidate, occurrences: list[str] | None = None) -> None:
        """Publish these candidates as the newest night's, with their occurrences as its webinars."""
        held = [occurrences] if occurrences is not None else [[each.occurrence_id for each in candidates]]
        with self.engine.begin() as connection:
            for table in ("ops.delivery_candidates", "clean.webinars", "ops.published_tables"):
                connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - ours
            rows = [_record(each) for each in candidates]
            sql = (
                "INSERT INTO ops.delivery_candidates SELECT * FROM "
                "jsonb_populate_recordset(NULL::ops.delivery_candidates, CAST(:rows AS jsonb))"
            )
            connection.execute(sa.text(sql), {"rows": json.dumps(rows)})
            _webinars(connection, {one for one in held[0] if one})
            connection.execute(
                sa.text(
                    "INSERT INTO ops.published_tables (table_name, content_hash, as_of, version) "
                    "VALUES ('ops.delivery_candidates', 'x', :night, 1)"
                ),
                {"night": today() - timedelta(days=1)},
            )

    def run(self, scope: Scope | None = None, *, retry: bool = False, now: bool = False, **changes: object) -> Result:
        """Run `deliver run` in this process, without its pauses."""
        with (
            self.installation.settings(**changes) as settings,
            service.open_sender(settings, scope, at_any_hour=now) as sender,
        ):
            if sender is None:
                return service.busy()
            sender.circuit.backoff = 0.01
            sender.recover()
            sender.plan()
            if retry:
                sender.retry()
            sender.send("erasure", "user", "event")
            return sender.finish()

    def approve(self) -> None:
        """Approve all types, as `deliver approve --types`."""
        assert self.command("approve", "--types").returncode == 0

    def command(self, *arguments: str, answer: str = "", **changes: object) -> subprocess.CompletedProcess[str]:
        """Run `funnel-etl deliver …` in this process."""
        return self.installation.command("deliver", *arguments, answer=answer, **changes)

    def settings(self, **changes: object) -> Any:
        """The settings, in force while the block lasts."""
        return self.installation.settings(**changes)

    @property
    def state(self) -> dict[str, Any]:
        """The effects at the fake."""
        return self.fake.behaviour.state()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that took effect."""
        found: list[dict[str, Any]] = self.state["events"]
        return found

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """The requests that came, whose path ends so."""
        return [one for one in self.fake.log if one["path"].endswith(path)]

    def rows(self, where: str = "true", **values: object) -> list[dict[str, Any]]:
        """Rows of the ledger in the order of planning."""
        sql = (
            f"SELECT * FROM ops.deliveries WHERE {where} "  # noqa: S608 - ours
            "ORDER BY object DESC, occurrence_id, kind, user_id, generation"
        )
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(sql), values).mappings()]

    def events_of(self, state: str) -> list[dict[str, Any]]:
        """The events of the ledger in a state."""
        return self.rows("object = 'event' AND state = :state", state=state)

    def states(self, object_: str = "event") -> dict[str, int]:
        """How many rows of an object are in which state."""
        found: dict[str, int] = {}
        for row in self.rows("object = :object", object=object_):
            name = row["state"] + (f":{row['reason']}" if row["reason"] else "")
            found[name] = found.get(name, 0) + 1
        return found

    def sql(self, statement: str, **values: object) -> None:
        """Change something behind the ledger's back."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def pass_time(self, **by: float) -> None:
        """Let time pass: by the ledger's times, and by the fake's clock."""
        ago = timedelta(**by)
        self.sql(
            "UPDATE ops.deliveries SET first_sent_at = first_sent_at - :ago, last_sent_at = last_sent_at - :ago, "
            "not_before = not_before - :ago",
            ago=ago,
        )
        self.fake.ahead += ago

    def killed_at(self, point: str, number: int = 1) -> int:
        """Run `deliver run` in a process that is killed at a point; returns its exit code."""
        done = subprocess.run(
            [sys.executable, str(KILLED), point, str(number), "deliver", "run"],
            env=self.installation.program_environment(),
            cwd=self.installation.home,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode


def not_sent(candidate: Candidate, reason: str) -> Candidate:
    """A candidate that the night excludes."""
    return replace(candidate, decision="excluded", reason=reason, payload=None, payload_sha256=None)


def window(*, is_open: bool) -> str:
    """A sending window that is open or closed now."""
    now = datetime.now(UTC) + timedelta(hours=5, minutes=30)
    begins, ends = ("00:00", "12:00") if (now.hour < 12) == is_open else ("12:00", "24:00")
    return f"{begins}-{ends}"


@contextmanager
def new_world(installation: Installation, **of_fake: Any) -> Iterator[World]:
    """A world whose fake serves while the block lasts."""
    with Fake(lambda: FakeWebEngage(KEY, LICENCE, **of_fake)) as fake:
        yield World(installation, fake)


def _record(candidate: Candidate) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in DELIVERY_CANDIDATES.names:
        value = getattr(candidate, column)
        if isinstance(value, (date, datetime)):
            value = value.isoformat()
        found[column] = value
    found["attribute_types"] = json.dumps(dict(candidate.attribute_types))
    found["consent"] = found["consent"] or "{}"
    return found


def _webinars(connection: sa.Connection, occurrences: set[str]) -> None:
    required = connection.execute(
        sa.text(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'clean' "
            "AND table_name = 'webinars' AND is_nullable = 'NO'"
        )
    ).all()
    blank: dict[str, object] = {"bigint": 0, "boolean": False, "date": "2026-01-01", "jsonb": "{}", "text": "x"}
    for occurrence in occurrences:
        values = {name: blank.get(kind, "2026-01-01T00:00:00Z") for name, kind in required}
        values |= {"occurrence_id": occurrence, "webinar_id": occurrence.partition("-")[0]}
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        connection.execute(sa.text(f"INSERT INTO clean.webinars ({names}) VALUES ({places})"), values)  # noqa: S608
