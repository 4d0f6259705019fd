"""`make demo-deliver`: two nights of the company, sent to a WebEngage that misbehaves, by senders that are killed.

Here: the order of things, and what is shown. It has a folder below HOME, a server and a port of its own, and touches
neither an installation's data nor the demo of `make demo`.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery.contracts import HELD, PERMANENT, UNKNOWN, WEBENGAGE
from funnel_etl.delivery.opened import result_lines
from funnel_etl.demo.deliveries import company as planted
from funnel_etl.demo.deliveries import reports
from funnel_etl.demo.deliveries.check import Compared, compare, event_of
from funnel_etl.demo.deliveries.company import Company, make_company
from funnel_etl.demo.fakes.server import Fake
from funnel_etl.demo.fakes.webengage import FakeWebEngage
from funnel_etl.environment import load_settings
from funnel_etl.files import private_folder
from funnel_etl.operate.deliver import decide, look
from funnel_etl.operate.deliver.run import deliver
from funnel_etl.operate.erase.eraser import eraser
from funnel_etl.operate.run.night import run_night
from funnel_etl.platform.postgres.database import engine, open_databases
from funnel_etl.platform.postgres.embedded_place import port_is_free
from funnel_etl.settings import EMBEDDED, NOWHERE, Settings

REPORT, TRUTH = "report.csv", "truth.csv"
LICENCE, KEY = "in~demo", "demo-key"
PROGRAM = Path(sys.executable).with_name("funnel-etl")
TIMES = 3
"""How often the second night and its sending are run; only the first brings anything."""
A_MINUTE = timedelta(seconds=61)
"""How long a sender waits for the last call of one that was killed. The demo moves the clocks instead."""
ALWAYS = 1000
EVENTS = {"path_re": "/events$"}
LOST_ANSWER = {"match": EVENTS, "do": "drop_after"}
TOO_FAST = {"match": EVENTS, "do": "status", "status": 429, "headers": {"Retry-After": "0"}, "times": 2}
DOWN = {"match": EVENTS, "do": "status", "status": 503, "headers": {"Retry-After": "0"}, "times": 2}
HANGS = {"match": EVENTS, "do": "delay", "seconds": 60}
WAITING = sa.text(
    "SELECT state, reason, CAST(payload AS text) AS payload FROM ops.deliveries "
    "WHERE object = 'event' AND state = ANY(:states)"
)
KINDS = {
    "identity_changed": planted.CORRECTED,
    "attribute_type_changed": planted.TYPE_CHANGED,
    "refused": planted.REFUSED,
}
"""Reasons of the ledger → what was planted."""


@dataclass
class Story:
    """The company at work: its settings, its WebEngage, its ledger, and where it is shown."""

    settings: Settings
    company: Company
    fake: Fake
    ledger: sa.Engine
    console: Console

    @property
    def sources(self) -> Path:
        """The folder of its sources, with its drop folder."""
        return sources_of(self.settings.state.parent)

    def night(self, day: date) -> None:
        """Run a night. Raises `FunnelError` when it is not published."""
        done = run_night(self.settings, day)
        if not done.is_published:
            why = "; ".join(f"{asset}: {line}" for asset, line in done.failures.items())
            raise FunnelError(
                f"the night of {day} is not published: {why}", where="demo-deliver", fix="mend it, and run again"
            )

    def run(self) -> None:
        """Send what is due, as `funnel-etl deliver run` does, and show what was done."""
        done = deliver(self.settings)
        assert done is not None  # noqa: S101 - it is switched on
        self.say(f"  {result_lines(done)[0]}")

    def run_in_a_process(self) -> None:
        """Let `funnel-etl deliver run` go on where a killed one stopped."""
        output, _ = self._sender().communicate(timeout=120)
        self.say(next(f"  {line}" for line in output.decode().splitlines() if line.startswith(f"{WEBENGAGE}:")))

    def run_and_kill(self, after: int) -> None:
        """Let `funnel-etl deliver run` send so many events, and kill -9 it while it waits for an answer."""
        self.fake.misbehave([HANGS | {"skip": after}])
        hangs, sender = self.fake.faults[-1], self._sender()
        while hangs.times and sender.poll() is None:
            time.sleep(0.01)
        sender.kill()
        sender.communicate(timeout=30)
        self.say(f"  killed (kill -9) while it waits for an answer, {self.events} events at WebEngage")
        self.let_a_minute_pass()

    def _sender(self) -> subprocess.Popen[bytes]:
        own = os.environ | self.settings.given
        return subprocess.Popen([PROGRAM, "deliver", "run"], env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def let_a_minute_pass(self) -> None:
        """Move the ledger's times and the fake's clock, instead of waiting for the last call of a killed sender."""
        with self.ledger.begin() as connection:
            connection.execute(
                sa.text(
                    "UPDATE ops.deliveries SET first_sent_at = first_sent_at - :ago, last_sent_at = last_sent_at - :ago"
                ),
                {"ago": A_MINUTE},
            )
        with self.fake.guard:
            self.fake.ahead += A_MINUTE

    @property
    def events(self) -> int:
        """How many events are at WebEngage."""
        return len(self.fake.behaviour.state()["events"])

    def compared(self) -> Compared:
        """Compare what WebEngage has with the truth."""
        with self.ledger.connect() as connection:
            rows = connection.execute(WAITING, {"states": [HELD, PERMANENT, UNKNOWN]}).mappings().all()
        waiting = [(event_of(json.loads(row["payload"])), KINDS.get(row["reason"], row["reason"])) for row in rows]
        return compare(self.company, self.fake.behaviour.state(), waiting)

    def misfortunes_left(self) -> list[str]:
        """Return what was to go wrong at WebEngage and did not: then nothing is proved. The refusal never ends."""
        left = sum(fault.times for fault in self.fake.faults if fault.times < ALWAYS // 2)
        return [f"{left} faults of WebEngage that did not happen"] if left else []

    def say(self, line: str) -> None:
        """Show a line of the story."""
        self.console.print(line, markup=False, highlight=False)


def show_deliveries(settings: Settings, *, seed: int, console: Console) -> int:
    """Make the company, play the story, and return 0 when WebEngage has what the truth says, else 1."""
    home = settings.demo_deliver
    shutil.rmtree(home, ignore_errors=True)
    company = make_company(seed, settings.yesterday())
    began = time.monotonic()
    logging.getLogger("funnel_etl.progress").setLevel(logging.WARNING)  # the story has its own lines
    with _story(settings, home, company, console) as story:
        play(story)
        found = story.compared()
        wrong = [*found.wrong, *story.misfortunes_left()]
        look.write_report(look.report(story.settings, None), home / REPORT)
    console.print(found.line, markup=False, highlight=False)
    for line in wrong:
        console.print(f"WRONG: {line}", style="red", markup=False)
    seconds = time.monotonic() - began
    console.print(f"{seconds:.0f} s. Truth and report: {home / TRUTH}, {home / REPORT}", markup=False, highlight=False)
    return 1 if wrong else 0


def play(story: Story) -> None:
    """Let happen what happens. Raises `FunnelError` when a night is not published."""
    company, fake = story.company, story.fake
    [refused] = company.planted(planted.REFUSED)
    [erased] = company.planted(planted.ERASED)
    reports.write_first(story.sources, company)
    story.say(f"{len(company.people)} people agree, refuse, withdraw or say nothing. The night of {company.eve} …")
    story.night(company.eve)
    types = decide.approve_types(story.settings).types
    story.say(f"{len(types)} new attribute types, as preview lists them, are approved; the first sender starts.")
    fake.misbehave([_refusal(company.acca.webinar_id, refused.user_id)])
    fake.misbehave([LOST_ANSWER | {"skip": 5}])
    story.run_and_kill(20)
    fake.misbehave([LOST_ANSWER | {"skip": 8}, TOO_FAST | {"skip": 12}])
    story.run_and_kill(40)
    fake.misbehave([DOWN | {"skip": 10}])
    story.run_in_a_process()
    with eraser(story.settings) as at_work:
        at_work.erase(at_work.find([erased.phone, erased.email]).person)
    reports.write_second(story.sources, company)
    reports.change_type(story.settings.config_folder)
    fake.misbehave([LOST_ANSWER | {"skip": 15}])
    story.say("4 withdraw, 1 is erased, exports come again, a start moves, a type changes.")
    for number in range(TIMES):
        story.say(f"The night of {company.day} and its sending, {number + 1} of {TIMES} …")
        story.night(company.day)
        story.run()


def sources_of(home: Path) -> Path:
    """Return the folder of the sources below the demo's folder."""
    return home / "sources"


@contextmanager
def _story(settings: Settings, home: Path, company: Company, console: Console) -> Iterator[Story]:
    """Yield the story before it begins, while its WebEngage and its database are up."""
    reports.write_truth(home / TRUTH, company)
    reports.write_config(home / "config_csv", company)
    with Fake(lambda: FakeWebEngage(KEY, LICENCE)) as fake:
        own = _settings(settings, home, fake.url)
        with open_databases(own.state, own.database_port, own.database_url) as databases:
            ledger = engine(databases.funnel_url)
            try:
                yield Story(own, company, fake, ledger, console)
            finally:
                ledger.dispose()


def _settings(settings: Settings, home: Path, url: str) -> Settings:
    sources = sources_of(home)
    port = next(port for port in range(settings.database_port + 2, 65535) if port_is_free(port))
    private_folder(home / "state", home / "state")
    return load_settings(
        {
            "FUNNEL_HOME": str(home / "state"),
            "FUNNEL_DATABASE_URL": EMBEDDED,
            "FUNNEL_DATABASE_PORT": str(port),
            "FUNNEL_CONFIG_DIR": str(home / "config_csv"),
            "FUNNEL_DROP_DIR": str(sources / "drop"),
            "FUNNEL_DROP_SETTLE_SECONDS": "0",
            "FUNNEL_LANDING_URL": str(home / "state" / "landing"),
            "FUNNEL_LAKE_URL": str(home / "state" / "lake"),
            "FUNNEL_ALERT_URLS": NOWHERE,
            **{f"FUNNEL_{name.upper()}_URL": str(sources / f"{name}.csv") for name in reports.SOURCES},
            "FUNNEL_DELIVERY": WEBENGAGE,
            "FUNNEL_DELIVERY_WINDOW": "00:00-24:00",
            "FUNNEL_WEBENGAGE_URL": url,
            "FUNNEL_WEBENGAGE_LICENCE": LICENCE,
            "FUNNEL_WEBENGAGE_KEY": KEY,
        }
    )


def _refusal(webinar_id: str, user_id: str) -> dict[str, Any]:
    """Return the fault by which WebEngage refuses one event of a person."""
    body = f'"{webinar_id}".*"{planted.ATTENDED}".*"{user_id}"'
    content = {"response": {"message": "Error: Invalid data.", "status": "error"}}
    return {"match": EVENTS | {"body_re": body}, "do": "status", "status": 400, "body": content, "times": ALWAYS}
