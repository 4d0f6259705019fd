"""One pass: see what is wrong, remember it, send what was not sent yet. The same for the command and the daemon.

Delivery never fails the night: what an address did not take is kept with the reason, and tried again.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import sqlalchemy as sa

from funnel_etl.observe.alerts import store as memory
from funnel_etl.observe.alerts.delivery import UNANSWERED, mark_of, redacted, send, split_urls
from funnel_etl.observe.alerts.fallback_store import alert_of_no_night, forget_no_night
from funnel_etl.observe.alerts.gather import gather
from funnel_etl.observe.alerts.messages import SUBJECTS, Message, message, resolved_message
from funnel_etl.observe.alerts.store import Pending
from funnel_etl.platform.postgres.database import advisory_lock, engine
from funnel_etl.platform.postgres.database import redacted as database_address
from funnel_etl.platform.postgres.owner import OtherOwner, asker, claim_of, refuse_other_owner
from funnel_etl.settings import Settings

LOCK = "funnel_etl.alerts"
WAIT_SECONDS = 45.0
"""How long a command waits for a pass of the daemon that is going on."""
log = logging.getLogger("funnel_etl.progress")


@dataclass
class Sent:
    """What a pass did: messages that an address accepted, and why others were not, by address."""

    accepted: int = 0
    errors: dict[str, str] = field(default_factory=dict)
    waits: bool = False

    @property
    def says(self) -> str:
        """The pass in one line."""
        if self.waits:
            return "alerts are being sent by another process"
        failed = "".join(f"; {address}: {why}" for address, why in self.errors.items())
        return f"{self.accepted} message{'' if self.accepted == 1 else 's'} sent{failed}"


def alert_urls(settings: Settings) -> list[str]:
    """Return the addresses alerts go to. They hold secrets."""
    return split_urls(settings.alert_urls.get_secret_value()) if settings.alert_urls else []


def send_alerts(
    settings: Settings,
    url: str,
    instance: dg.DagsterInstance,
    code: dg.RepositoryDefinition,
    *,
    force: bool,
    seconds: float = 120.0,
) -> Sent:
    """Make one pass; with `force` also what waits to be tried again. Sending begins nothing new after `seconds`.

    `code`: whose checks, schedules and sensors are looked at.
    """
    asking = engine(url)
    try:
        with asking.connect() as guard:
            try:
                refuse_other_owner(asker(guard), claim_of(settings), database_address(url))
            except OtherOwner as error:
                # The memory in the database is the other installation's: this one's is a file.
                urls = alert_urls(settings)
                failed = alert_of_no_night(settings, urls, error)
                return Sent(errors={f"{n}. {redacted(urls[int(n) - 1])}": why for n, why in failed.items()})
            forget_no_night(settings)
            if not _alone(guard, wait=force):
                return Sent(waits=True)
            now = datetime.now(UTC)
            with asking.begin() as connection:
                today = now.astimezone(ZoneInfo(settings.timezone)).date()
                found = gather(connection, instance, code, now, today=today, destinations=settings.destinations)
                memory.note(connection, found.causes, found.looked, now, found.unresolved)
            return _send_pending(asking, alert_urls(settings), now, force=force, deadline=time.monotonic() + seconds)
    finally:
        asking.dispose()


def _alone(guard: sa.Connection, *, wait: bool) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not advisory_lock(guard, LOCK, wait=False):
        if not wait or time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def _send_pending(asking: sa.Engine, urls: Sequence[str], now: datetime, *, force: bool, deadline: float) -> Sent:
    sent = Sent()
    if not urls:
        return sent
    with asking.begin() as connection:
        alerts = memory.pending(connection, now, force=force)
    errors: dict[Pending, list[str]] = {alert: [] for alert in alerts}
    for number, url in enumerate(urls, start=1):
        name, why = f"{number}. {redacted(url)}", None
        for group, content in _messages(alert for alert in alerts if mark_of(url) not in alert.accepted_by):
            # An address that did not take one message would only hold up the others.
            if why is None:
                why = send(url, content) if time.monotonic() < deadline else "no time was left to send it"
            if why is None:
                sent.accepted += 1
                with asking.begin() as connection:
                    memory.accepted(connection, group, mark_of(url))
                continue
            sent.errors.setdefault(name, why)
            failed = group
            if why == UNANSWERED:
                with asking.begin() as connection:
                    failed = memory.unanswered(connection, group, mark_of(url))
            for alert in failed:
                errors[alert].append(f"{name}: {why}")
            if why == UNANSWERED:
                why = "no answer in time to another message"
    with asking.begin() as connection:
        for alert, reasons in errors.items():
            memory.done(connection, alert, reasons, now)
    return sent


def _messages(alerts: Iterable[Pending]) -> Iterator[tuple[list[Pending], Message]]:
    """Put alerts together that are told in one message: those of a kind, and those whose cause is gone."""
    groups: dict[str, list[Pending]] = defaultdict(list)
    for alert in alerts:
        groups["resolved" if alert.is_resolved else alert.told.kind].append(alert)
    for kind in SUBJECTS:
        if group := groups.get(kind):
            yield group, message(kind, [alert.told for alert in group])
    if group := groups.get("resolved"):
        yield group, resolved_message([alert.told for alert in group])
