"""Never more calls in any minute than are allowed, by a clock that does not jump."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from funnel_etl.delivery.pace import MINUTE, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


@given(st.integers(1, 9), st.lists(st.tuples(st.integers(1, 12), st.floats(0, 30)), max_size=30))
def test_no_minute_has_more_than_the_limit(limit: int, groups: list[tuple[int, float]]) -> None:
    clock, made = Clock(), []
    pace = Pace(limit, lambda: clock.now, clock.sleep)
    for calls, later in groups:
        for _ in range(0, calls, limit):
            pace.wait_for(min(calls, limit))
            for _ in range(min(calls, limit)):
                made.append(clock.now)
                pace.mark()
        clock.now += later
    assert all(sum(start <= at < start + MINUTE for at in made) <= limit for start in made)
    assert all(one <= other for one, other in pairwise(made))


def test_what_is_below_the_limit_never_waits() -> None:
    clock = Clock()
    pace = Pace(100, lambda: clock.now, clock.sleep)
    for _ in range(2):
        pace.wait_for(50)
        for _ in range(50):
            pace.mark()
    assert clock.slept == []
    pace.wait_for(1)
    assert clock.slept == [MINUTE]


def test_after_too_many_requests_half_as_many_are_made() -> None:
    pace = Pace(3000)
    pace.halve()
    assert pace.limit == 1500
    for _ in range(20):
        pace.halve()
    assert pace.limit == 1
