"""Whether a row may be sent now: the sending window, its age, consent, the time a repeat is dropped for. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from funnel_etl.delivery.candidates_contract import DELIVER
from funnel_etl.delivery.contracts import (
    CANCELLED,
    ERASURE,
    EVENT,
    FOR_A_PERSON,
    MAY_HAVE_BEEN_SENT,
    SENDING,
    TRANSIENT,
    UNKNOWN,
    USER,
)
from funnel_etl.delivery.outcome import SEND_AGAIN, after_unknown, is_guarded_now
from funnel_etl.delivery.rows import Candidate, Delivery

CANCELLED_BY = {"no_consent": "withdrawn", "suppressed": "suppressed", "erased": "erased", "too_old": "too_old"}
"""Reason of a candidate that says deliver no more → why the row is cancelled; any other: `no_longer_due`."""
OF_CONSENT = {"withdrawn", "suppressed", "erased"}
CALL_SECONDS = 60.0
"""The longest call; what a sender that died may still have on its way."""
NewestBatch = Callable[[str], str | None]
"""Returns the batch in which the journal knows of a key last; None: it never was."""


@dataclass(frozen=True)
class Window:
    """The hours of a day in which anything is sent. Begin and end alike: all day; over midnight as it says."""

    begins: time
    ends: time

    @classmethod
    def of(cls, text: str) -> "Window":
        """Read `HH:MM-HH:MM`; 24:00 is the end of the day. Raises `ValueError`."""
        begins, dash, ends = text.partition("-")
        if not dash:
            msg = f"{text!r} is no window; an example is 09:00-20:00"
            raise ValueError(msg)
        return cls(_clock(begins, text), _clock(ends, text))

    def is_open(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether anything may be sent now."""
        at = now.astimezone(zone).time()
        if self.begins == self.ends:
            return True
        if self.begins < self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


def _clock(text: str, whole: str) -> time:
    try:
        hour, minute = (int(part) for part in text.strip().split(":"))
        return time(0 if (hour, minute) == (24, 0) else hour, minute)
    except ValueError:
        msg = f"{whole!r} is no window; an example is 09:00-20:00"
        raise ValueError(msg) from None


@dataclass(frozen=True)
class Verdict:
    """What becomes of a row that is about to be claimed. `row`: as it is then."""

    row: Delivery
    is_sent: bool = False


def is_too_old(row: Delivery | Candidate, last_day: date | None, today: date, zone: ZoneInfo) -> bool:
    """Whether it is later than the last day, by the candidate's word or by the start that the row holds."""
    if last_day is None:
        return False
    if row.started_at is not None and row.event_date is not None:
        started = row.started_at.astimezone(zone).date()
        last_day = min(last_day, started + (last_day - row.event_date))
    return today > last_day


def cancelled(row: Delivery, reason: str) -> Delivery:
    """Return a row that is not sent any more; that it may have been is noted."""
    gone = replace(row, state=CANCELLED, reason=reason, not_before=None)
    return gone.with_note(MAY_HAVE_BEEN_SENT) if row.first_sent_at else gone


def why_cancelled(candidate: Candidate | None) -> str | None:
    """Return why a row is sent no more, by what the newest night says of it; None: it is still to be sent."""
    if candidate is None:
        return "no_longer_due"
    if candidate.decision == DELIVER:
        return None
    return CANCELLED_BY.get(candidate.reason or "", "no_longer_due")


def at_claim(
    row: Delivery,
    candidate: Candidate | None,
    now: datetime,
    zone: ZoneInfo,
    newest_batch: NewestBatch,
    user_state: str | None,
) -> Verdict:
    """Return what becomes of a row now: claimed, cancelled, unknown for a person, or left as it is.

    `candidate`: what the newest published night says of it, read again; `user_state`: state of the newest row of its
    user, on whom an event depends.
    """
    if row.object == ERASURE:
        return Verdict(row, is_sent=True)
    is_old = row.object == EVENT and is_too_old(row, row.last_day, now.astimezone(zone).date(), zone)
    if candidate is None and not is_old:
        return Verdict(row)  # a night came meanwhile: the next plan looks what it is now
    if candidate is not None and (reason := why_cancelled(candidate)):
        return Verdict(cancelled(row, reason))
    if row.object == USER and candidate is not None and candidate.payload_sha256 != row.payload_sha256:
        return Verdict(cancelled(row, "replaced"))
    if is_old:
        return Verdict(cancelled(row, "too_old"))
    if row.object == EVENT and user_state != "delivered":
        return Verdict(row)
    if row.is_guarded and row.first_sent_at and not is_guarded_now(row.first_sent_at, now):
        return Verdict(replace(row, state=UNKNOWN, reason="window_passed", not_before=None))
    if row.is_guarded and is_lost(row, newest_batch):
        return Verdict(lost(row, newest_batch))
    return Verdict(row, is_sent=True)


def is_lost(row: Delivery, newest_batch: NewestBatch) -> bool:
    """Whether the journal knows of a send that this row, which says that it never was sent, does not."""
    batch = None if row.first_sent_at else newest_batch(row.delivery_key)
    return batch is not None and batch != row.batch_id


def lost(row: Delivery, newest_batch: NewestBatch) -> Delivery:
    """Return a row whose send only the journal knows of; with its batch, so that a person may send it again."""
    batch = newest_batch(row.delivery_key)
    return replace(row, state=UNKNOWN, reason="ledger_lost", batch_id=batch, batch_position=None, not_before=None)


def recovered(rows: Iterable[Delivery], now: datetime) -> list[Delivery]:
    """Return the rows that a new run finds in doubt, as they are then: those that changed.

    What a dead sender had claimed is unknown; what is unknown is sent again where that is safe, else a person decides.
    """
    changed = []
    for row in rows:
        if row.state == SENDING:
            found = replace(row, state=UNKNOWN, reason="sender_died")
        elif row.state == UNKNOWN and row.reason not in FOR_A_PERSON:
            found = row
        else:
            continue
        if after_unknown(row.effect, row.first_sent_at, now) == SEND_AGAIN:
            found = replace(found, state=TRANSIENT, not_before=None)
        elif row.is_guarded:
            found = replace(found, reason="window_passed")
        if found != row:
            changed.append(found)
    return changed


def seconds_to_wait(rows: Iterable[Delivery], now: datetime) -> float:
    """Return how long what a dead sender had claimed may still be on its way: a minute at most."""
    sent = [row.last_sent_at for row in rows if row.state == SENDING and row.last_sent_at]
    left = [(at + timedelta(seconds=CALL_SECONDS) - now).total_seconds() for at in sent]
    return min(max([0.0, *left]), CALL_SECONDS)
