"""How fast calls are made: never more than so many in any minute, by the monotonic clock of one process."""

import threading
import time
from collections import deque
from collections.abc import Callable

MINUTE = 60.5
"""Seconds in which no more are made: what leaves us evenly may arrive closer together."""


class Pace:
    """Calls of one kind. `wait_for` before they are claimed, `mark` when each is made."""

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limit = max(1, per_minute)
        self._clock, self._sleep = clock, sleep
        self._made: deque[float] = deque()
        self._guard = threading.Lock()

    def wait_for(self, calls: int) -> None:
        """Wait until so many calls may be made at once; at most `limit`."""
        while (seconds := self._missing(min(calls, self.limit))) > 0:
            self._sleep(seconds)

    def mark(self) -> None:
        """Note that a call is made now."""
        with self._guard:
            self._made.append(self._clock())

    def halve(self) -> None:
        """Make half as many from now on: the destination said that it was too fast."""
        self.limit = max(1, self.limit // 2)

    def _missing(self, calls: int) -> float:
        with self._guard:
            now = self._clock()
            while self._made and self._made[0] <= now - MINUTE:
                self._made.popleft()
            excess = len(self._made) + calls - self.limit
            return self._made[excess - 1] + MINUTE - now if excess > 0 else 0.0
