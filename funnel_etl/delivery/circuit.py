"""When a run goes on, goes slowly, or ends: by what its calls came to. Pure but for its counts."""

from collections import Counter

from funnel_etl.delivery.calls import Call
from funnel_etl.delivery.outcome import Accepted, NotNow, Outcome, Refused, Stop, Unknown

CONNECTIONS = 4
"""Calls of single rows that are made at a time."""
WARM_UP = 8
"""Calls that must have been accepted in a row before more than one is made at a time."""
DOWN_AFTER, PROXY_AFTER, RATE_AFTER, TRIES = 5, 3, 20, 5
"""Failures in a row that end a run: no or a broken answer, an answer of somebody else, "too many"; tries of a row."""
PROXY = "look what is at its address from this machine (HTTPS_PROXY), then run it again"
RATE = "look who else uses this account, or lower FUNNEL_WEBENGAGE_PER_MINUTE; then run it again"
DOWN = "nothing: what is due is sent by the next run; or funnel-etl deliver run"


class Circuit:
    """The failures of one run. `ended`: why it ends, None while it goes on; `fix`: what to do then.

    `failed`: keys of rows whose last call failed in this run; `tries`: how often each did. `backoff`: seconds after the
    first failure in a row, doubling.
    """

    def __init__(self, title: str, stopped: str, backoff: float = 1.0) -> None:
        self.ended: str | None = None
        self.fix: str | None = None
        self.failed: set[str] = set()
        self.tries: Counter[str] = Counter()
        self.backoff = backoff
        self._title, self._stopped = title, stopped
        self._failures: Counter[str] = Counter()
        self._streak = 0

    @property
    def width(self) -> int:
        """How many calls may be made at a time: one until enough were accepted in a row."""
        return CONNECTIONS if self._streak >= WARM_UP else 1

    def judge(self, call: Call, outcome: Outcome) -> float:
        """Take what came of a call; returns the seconds to wait before the next."""
        if isinstance(outcome, (Accepted, Refused)):
            self._streak += isinstance(outcome, Accepted)
            self._failures.clear()
            self.failed.difference_update(call.keys)
            return 0.0
        self._streak = 0
        if isinstance(outcome, Stop):
            what = f"{self._title} refuses the login or knows no such account: {outcome.message}"
            return self._end(what, self._stopped)
        is_rate = isinstance(outcome, NotNow) and outcome.is_rate
        is_proxy = isinstance(outcome, Unknown) and outcome.reason == "not_an_answer"
        kind = "rate" if is_rate else "proxy" if is_proxy else "down"
        self._failures[kind] += 1
        self.failed.update(call.keys)
        if not is_rate:
            self.tries.update(call.keys)
        if self._failures["proxy"] >= PROXY_AFTER:
            what = f"something else answers in the place of {self._title}, as a proxy or a login page"
            return self._end(what, PROXY)
        if self._failures["rate"] >= RATE_AFTER:
            return self._end(f"{self._title} takes no more requests for now", RATE)
        if self._failures["down"] >= DOWN_AFTER:
            return self._end(f"{self._title} is down: {outcome.message or 'no answer'}", DOWN)
        return 0.0 if is_rate else self.backoff * 2 ** (sum(self._failures.values()) - 1)

    def _end(self, what: str, fix: str) -> float:
        if self.ended is None:
            self.ended, self.fix = what, fix
        return 0.0
