"""Watching what the page's server does beside the page, to its end: a run of the sender, a replay."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import streamlit as st

SECONDS = 2
"""How often the progress of a run is looked at."""


class Run(Protocol):
    """What is done beside the page."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""


R = TypeVar("R", bound=Run)


def follow(run: R | None, key: str, show: Callable[[R], None]) -> bool:
    """Show a run, anew every few seconds while it goes on; return whether it does.

    When it has ended the page is drawn anew, once; `key`: of the session, by which that is known.
    """
    if run is None:
        return False
    is_going = not run.is_over
    st.session_state[key] = is_going
    st.fragment(_looked_at, run_every=SECONDS if is_going else None)(run, key, show)
    return is_going


def _looked_at(run: R, key: str, show: Callable[[R], None]) -> None:
    if run.is_over and st.session_state.get(key):
        st.session_state[key] = False
        st.rerun()
    show(run)
