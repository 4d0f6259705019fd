"""One run to one destination: wait for a dead sender's rows, recover, plan, then claim, journal, call and note.

What becomes of a row is decided by pure functions (`due`, `plan`, `outcome`), written by `ledger`. Here is the order of
things: a claim is committed before the journal is written, the journal is on disk before the call is made, what the
answer says is committed before the next claim. A kill in between leaves one of the states of section 6.4.
"""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from funnel_etl.core.errors import StorageUnavailable
from funnel_etl.delivery import ledger, reading
from funnel_etl.delivery.calls import Adapter, Call
from funnel_etl.delivery.circuit import CONNECTIONS, TRIES, Circuit
from funnel_etl.delivery.contracts import DELIVERED, ERASURE, EVENT, HELD, SENDABLE, TRANSIENT, UNKNOWN
from funnel_etl.delivery.due import CALL_SECONDS, Window, at_claim, cancelled, recovered, seconds_to_wait, why_cancelled
from funnel_etl.delivery.journal import Journal
from funnel_etl.delivery.outcome import (
    Accepted,
    NotNow,
    Outcome,
    Refused,
    Stop,
    Unknown,
    next_minute,
    pause,
)
from funnel_etl.delivery.pace import Pace
from funnel_etl.delivery.plan import Plan
from funnel_etl.delivery.planning import make_plan
from funnel_etl.delivery.rows import Delivery
from funnel_etl.delivery.scope import Result, Scope
from funnel_etl.delivery.sender_lock import SenderLock

log = logging.getLogger("funnel_etl.progress")

AT_A_TIME = 40
"""Single rows that are claimed together."""
CLAIM_SECONDS = 15.0
"""How long after its claim a call may begin: with the longest call it ends before a minute is over."""


Waiting = dict[tuple[str, int], Call]
"""Calls that are claimed and not begun, by batch and number."""


@dataclass
class Sender:
    """A run that has the lock of its destination. Its steps are called in their order, once."""

    engine: sa.Engine
    adapter: Adapter
    lock: SenderLock
    journal: Journal
    window: Window
    zone: ZoneInfo
    run_id: str
    approve_over: int
    keep_days: int
    bulk_from: int
    scope: Scope = field(default_factory=Scope)
    at_any_hour: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self.own = reading.Account(self.adapter.destination, self.adapter.account)
        self.result = Result(self.adapter.destination)
        self._paces = {name: Pace(limit, sleep=self.sleep) for name, limit in self.adapter.paces.items()}
        self.circuit = Circuit(self.adapter.title, self.adapter.stopped)
        self._left: set[str] = set()
        self._chosen: set[str] | None = None

    # --- the steps ---

    def recover(self) -> None:
        """Bring what an earlier run left in doubt to where it can be decided; wait for a call still on its way."""
        with self.engine.begin() as connection:
            rows = reading.read_open(connection, self.own)
        if (seconds := seconds_to_wait(rows, self.clock())) > 0:
            log.info("a sender ended before it noted what it sent: waiting %.0f s for its last call", seconds)
            self.sleep(seconds)
        now = self.clock()
        with self.engine.begin() as connection:
            rows = reading.read_open(connection, self.own)
            was = {row.delivery_key: row.state for row in rows}
            changed = [replace(row, changed_at=now) for row in recovered(rows, now)]
            ledger.update(connection, [(was[row.delivery_key], row) for row in changed])
            ledger.forget_payloads(connection, self.own, now, self.keep_days)
        self.journal.purge(now)

    def plan(self) -> Plan:
        """Write what follows from the newest night."""
        now = self.clock()
        with self.engine.begin() as connection:
            made = make_plan(connection, self.own, self.journal, now, self.zone, self.approve_over)
            ledger.write_plan(connection, made)
        self.result.planned = len(made.new)
        self.result.cancelled = sum(row.state == "cancelled" for _, row in made.changed)
        return made

    def retry(self) -> None:
        """Let what failed be sent now; what failed for good once more."""
        with self.engine.begin() as connection:
            rows = reading.read_failed(connection, self.own)
            ledger.retry(connection, self.scope.of(rows), self.clock())

    def send(self, *objects: str) -> None:
        """Send what is due of these objects, in their order, until nothing is left, or nothing more may be sent."""
        for each in objects:
            in_bulk: bool | None = None
            while self._may_go_on(each):
                rows = self._due(each)
                if in_bulk is None:
                    in_bulk = each == EVENT and 0 < self.bulk_from <= len(rows)
                calls = self.adapter.calls(rows, in_bulk=in_bulk)
                if not calls:
                    break
                # What failed in this run goes last: one row that always fails must not hold up the others.
                self._send_once(sorted(calls, key=lambda call: self.circuit.tries[call.keys[0]]))

    def finish(self) -> Result:
        """Return what the run did, and what is open now."""
        self.result.ended, self.result.fix = self.circuit.ended, self.circuit.fix
        if self.circuit.ended and self.circuit.failed:
            with self.engine.begin() as connection:
                ledger.due_again(connection, self.circuit.failed, self.clock())
        with self.engine.begin() as connection:
            for each in reading.read_counts(connection, self.own):
                if each["state"] in (*SENDABLE, HELD, UNKNOWN):
                    self.result.open[each["state"]] += each["rows"]
        return self.result

    # --- inside ---

    def _may_go_on(self, object_: str) -> bool:
        """Whether anything may be sent: the run has not ended, and the window is open, which erasures do not ask."""
        if self.circuit.ended:
            return False
        self.lock.require()
        if self.at_any_hour or object_ == ERASURE or self.window.is_open(self.clock(), self.zone):
            return True
        opens = f"{self.window.begins:%H:%M}"
        self.result.waits = f"nothing is sent before {opens} (FUNNEL_DELIVERY_WINDOW); --now sends at once"
        return False

    def _due(self, object_: str) -> list[Delivery]:
        """Return what is due of an object: what failed in this run is tried again, so many times."""
        now = self.clock()
        with self.engine.begin() as connection:
            rows = self._again(reading.read_open(connection, self.own), now)
            states = reading.user_states(connection, self.own, rows)
        rows = [row for row in rows if row.delivery_key not in self._left]
        rows = [row for row in rows if row.state in SENDABLE and self.circuit.tries[row.delivery_key] < TRIES]
        rows = [row for row in rows if row.delivery_key in self.circuit.failed or reading.is_due(row, now)]
        due = [row for row in self._of_scope(rows) if row.object == object_]
        waiting = [row for row in due if row.object == EVENT and states.get(row.user_id or "") != DELIVERED]
        self._cancel(waiting, now)
        held_up = {row.delivery_key for row in waiting}
        return [row for row in due if row.delivery_key not in held_up]

    def _cancel(self, rows: Sequence[Delivery], now: datetime) -> None:
        """Cancel events that wait for their user, and that the newest night sends no more."""
        if not rows:
            return
        with self.engine.begin() as connection:
            said = reading.candidates_of(connection, rows)
            changed = []
            for row in rows:
                candidate = said.get(row.candidate_id or "")
                if candidate is not None and (reason := why_cancelled(candidate)):
                    changed.append((row.state, replace(cancelled(row, reason), changed_at=now)))
            ledger.update(connection, changed)

    def _again(self, rows: Sequence[Delivery], now: datetime) -> list[Delivery]:
        """Return rows as they may be claimed: what became unknown in this run is sent again where that is safe."""
        mine = [row for row in rows if row.state == UNKNOWN and row.delivery_key in self.circuit.failed]
        again = {row.delivery_key: row for row in recovered(mine, now) if row.state == TRANSIENT}
        return [again.get(row.delivery_key, row) for row in rows]

    def _of_scope(self, rows: Sequence[Delivery]) -> list[Delivery]:
        """Return the rows of the scope; with a limit those that were chosen first."""
        if self.scope.limit is None:
            return self.scope.of(rows)
        if self._chosen is None:
            self._chosen = {row.delivery_key for row in self.scope.of(rows)}
        return [row for row in sorted(rows, key=lambda row: row.order) if row.delivery_key in self._chosen]

    def _send_once(self, calls: Sequence[Call]) -> None:
        """Make each call once, unless something happens after which the ledger is to be looked at again."""
        at = 0
        while at < len(calls) and self._may_go_on(calls[at].object):
            pace = self._paces[calls[at].pace]
            most = CONNECTIONS if calls[at].is_bulk else AT_A_TIME
            group = [call for call in calls[at : at + min(most, pace.limit)] if call.is_bulk == calls[at].is_bulk]
            pace.wait_for(len(group))
            if not self._claim_and_send(group, pace):
                return
            at += len(group)

    def _claim_and_send(self, group: Sequence[Call], pace: Pace) -> bool:
        """Claim the rows of calls and make these; returns whether all were made. Each bulk request is a claim."""
        waiting: Waiting = {}
        began = time.monotonic()
        try:
            for calls in [[call] for call in group] if group[0].is_bulk else [group]:
                claim, claimed = self._claim(calls)
                waiting |= {(claim.batch_id, n): call for n, call in zip(claim.attempts, claimed, strict=True)}
                if any(row.is_guarded for row in claim.rows):
                    self.journal.write(claim.batch_id, [row.delivery_key for row in claim.rows], self.clock())
            wait = self._make_calls(waiting, pace, began) if waiting else 0.0
        except StorageUnavailable:
            self._give_back(waiting)
            raise
        left = bool(waiting)
        self._give_back(waiting)
        if wait and not self.circuit.ended:
            log.info("%s: the next try in %.0f s", self.adapter.title, wait)
            self.sleep(wait)
        return not (left or wait)

    def _give_back(self, waiting: Waiting) -> None:
        """Put back what was claimed and is not sent now."""
        for batch_id in {batch_id for batch_id, _ in waiting}:
            calls = {number: call for (batch, number), call in waiting.items() if batch == batch_id}
            with self.engine.begin() as connection:
                ledger.give_back(connection, batch_id, calls, self.clock())
        self.circuit.failed.update(key for call in waiting.values() for key in call.keys)

    def _make_calls(self, waiting: Waiting, pace: Pace, began: float) -> float:
        """Make calls and note them, one or four at a time; what is not begun stays in `waiting`.

        Returns the seconds to wait before the next. Nothing begins after a failure, or too long after its claim.
        """
        wait = 0.0
        going: dict[Future[tuple[Outcome, float]], tuple[tuple[str, int], Call]] = {}
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            while True:
                elapsed = time.monotonic() - began
                is_over = bool(self.circuit.ended or wait or elapsed > CLAIM_SECONDS)
                if waiting and not is_over and len(going) < self.circuit.width:
                    self.lock.require()
                    place = next(iter(waiting))
                    pace.mark()
                    made = pool.submit(self._timed, waiting[place], CALL_SECONDS - elapsed)
                    going[made] = place, waiting.pop(place)
                elif going:
                    done = next(as_completed(going))
                    (batch_id, number), call = going.pop(done)
                    outcome, seconds = done.result()
                    wait = max(wait, self._note(call, batch_id, number, outcome, seconds))
                else:
                    return wait

    def _claim(self, group: Sequence[Call]) -> tuple[ledger.Claim, list[Call]]:
        """Take the rows of calls, after looking once more whether they may be sent; returns the calls that are left."""
        is_bulk = group[0].is_bulk
        frozen = group[0].rows[0].batch_id if is_bulk and group[0].rows[0].is_frozen else None
        batch_id = frozen or uuid.uuid4().hex
        keys = [key for call in group for key in call.keys]
        now = self.clock()
        with self.engine.begin() as connection:
            locked = reading.read_keys(connection, keys, locked=True)
            ready = {row.delivery_key for row in self._again(locked, now) if row.state in SENDABLE}
            rows = [row for row in locked if row.delivery_key in ready]
            said = reading.candidates_of(connection, rows)
            states = reading.user_states(connection, self.own, rows)
            verdicts = {
                row.delivery_key: at_claim(
                    row,
                    said.get(row.candidate_id or ""),
                    now,
                    self.zone,
                    self.journal.newest_batch,
                    states.get(row.user_id or ""),
                )
                for row in rows
            }
            claim = ledger.claim(
                connection,
                rows,
                verdicts,
                batch_id=batch_id,
                is_bulk=is_bulk,
                members=len(keys) if frozen else None,
                sender=self.run_id,
                now=now,
            )
        # What was left as it is, for another run: it must not be asked for again and again by this one.
        self._left.update(set(keys) - {row.delivery_key for row in claim.rows})
        if not claim.rows:
            return claim, []
        if is_bulk:
            return claim, [self.adapter.call(claim.rows, is_bulk=True)]
        return claim, [self.adapter.call([row], is_bulk=False) for row in claim.rows]

    def _timed(self, call: Call, seconds: float) -> tuple[Outcome, float]:
        began = time.monotonic()
        outcome = self.adapter.send(call, seconds)
        return outcome, time.monotonic() - began

    def _note(self, call: Call, batch_id: str, number: int, outcome: Outcome, seconds: float) -> float:
        """Write what came of a call; returns the seconds to wait before the next."""
        now = self.clock()
        noted = ledger.Noted(call, batch_id, number, now, seconds)
        self.result.counts[outcome.name] += len(call.rows)
        wait = 0.0
        with self.engine.begin() as connection:
            if isinstance(outcome, Accepted):
                ledger.accepted(connection, noted, outcome)
            elif isinstance(outcome, Refused):
                self._refused(connection, noted, outcome)
            elif isinstance(outcome, Unknown):
                ledger.unknown(connection, noted, outcome, outcome.reason)
            elif isinstance(outcome, Stop):
                ledger.stopped(connection, noted, outcome)
            else:
                wait = self._not_now(connection, noted, outcome)
        return max(wait, self.circuit.judge(call, outcome))

    def _refused(self, connection: sa.Connection, noted: ledger.Noted, outcome: Refused) -> None:
        if noted.call.is_bulk:
            self.result.counts["refused"] -= len(noted.call.rows)  # each is sent singly, and judged then
            ledger.refused_in_bulk(connection, noted, outcome)
        else:
            ledger.refused(connection, noted, outcome)

    def _not_now(self, connection: sa.Connection, noted: ledger.Noted, outcome: NotNow) -> float:
        asked = outcome.after
        if outcome.is_rate:
            asked = next_minute(noted.now) if asked is None else asked
            self._paces[noted.call.pace].halve()
        if asked is not None:
            ledger.not_now(connection, noted, outcome, None, is_attempt=not outcome.is_rate)
            return asked + 0.05
        until = noted.now + pause(noted.call.rows[0].attempts)
        ledger.not_now(connection, noted, outcome, until, is_attempt=True)
        return 0.0
