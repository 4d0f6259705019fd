"""Beginning a night and watching it: the controls of the page Today. Nothing here decides; the services do."""

from collections.abc import Callable
from datetime import date

import streamlit as st

from funnel_etl.app import names, words
from funnel_etl.app.access import Role
from funnel_etl.app.visit import Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.operate.run import follow, launch

MAY_RUN = frozenset({Role.OPERATOR})
FOLLOWED, ENDED = "run_followed", "runs_ended"
WHAT_A_NIGHT_DOES = "Pulls every source, makes anew what changed, and publishes it."
WHAT_A_RETRY_DOES = "Makes what failed in the last night, and what waited for it; the rest stays."
SECONDS = 2
"""How often the progress of a night is looked at."""


def show_night(visit: Visit, nights: list[follow.NightRun]) -> None:
    """Show the night that goes on, or how the one that was watched here ended; and what begins one, to who may."""
    going = next((one.run_id for one in nights if _goes(one)), None)
    run_id = going or st.session_state.get(FOLLOWED)
    if run_id is not None:
        st.session_state[FOLLOWED] = run_id
        st.fragment(_follow, run_every=SECONDS if going else None)(visit, run_id)
    if going or not visit.person.may(MAY_RUN):
        return
    if launch.web_answers(visit.settings):
        _buttons(visit, nights)
    else:
        st.caption(
            ":material/power_off: Dagster's web server does not answer, so no night can be begun here. "
            "The engineer starts it with `make up` (`docker compose up -d`)."
        )


def _goes(one: follow.NightRun) -> bool:
    return one.state in (follow.WAITS, follow.RUNS)


def _buttons(visit: Visit, nights: list[follow.NightRun]) -> None:
    first, last = launch.nights_to_run(visit.settings)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        night = st.date_input("Night of", value=last, min_value=first, max_value=last, format="DD/MM/YYYY", width=160)
        if st.button("Run the night", type="primary", icon=":material/play_arrow:", help=WHAT_A_NIGHT_DOES):
            chosen = night if isinstance(night, date) else last
            _begin(visit, "run the night", chosen, lambda: launch.launch_night(visit.settings, chosen))
        failed = nights[0] if nights and nights[0].state in (follow.FAILED, follow.STOPPED) else None
        if failed is not None and st.button("Retry what failed", icon=":material/replay:", help=WHAT_A_RETRY_DOES):
            again = failed.run_id
            _begin(visit, "retry what failed", failed.night, lambda: launch.retry_failed(visit.settings, again))


def _begin(visit: Visit, action: str, night: date | None, begin: Callable[[], str]) -> None:
    """Begin it if the person may; what was refused is written down too, and shown beside the button."""
    about = f"night {night}"
    if not visit.person.may(MAY_RUN):
        visit.did(action, about, "refused: not allowed")
        st.error("Running a night is for marketing operations and the engineer.")
        return
    try:
        run_id = begin()
    except FunnelError as error:
        visit.did(action, about, f"refused: {error.what}")
        st.error(str(error), icon="⚠️")
        return
    visit.did(action, about, f"began run {run_id[:8]}")
    st.session_state[FOLLOWED] = run_id
    st.rerun()


def _follow(visit: Visit, run_id: str) -> None:
    """Show how far the night is; when it has ended, how, once written down, and the page is drawn anew."""
    try:
        now = follow.progress(visit.settings, run_id)
    except FunnelError as error:
        st.warning(str(error))
        return
    night = words.day(now.night) if now.night else "a night"
    if now.is_over:
        _ended(visit, now, night)
        return
    text = "waits for its turn" if now.state == follow.WAITS else f"{now.done} of {now.steps} steps done"
    st.progress(min(now.done / max(now.steps, 1), 1.0), text=f"The night of {night}: {text}")
    if now.at_work:
        st.caption(f"At work: {', '.join(names.table(one) for one in now.at_work)}")
    if now.is_stuck:
        st.warning(
            "It stays in the queue: what begins runs (the daemon) is not running. The engineer starts it with "
            "`make up` (`docker compose up -d`); the night then goes on by itself."
        )
    _failures(now.failures)


def _ended(visit: Visit, now: follow.Progress, night: str) -> None:
    known: set[str] = st.session_state.setdefault(ENDED, set())
    if now.run_id not in known:
        known.add(now.run_id)
        visit.did("followed a night to its end", f"night {now.night}", f"{now.state}, run {now.run_id[:8]}")
        st.cache_data.clear()
        st.rerun()
    if now.state == follow.DONE:
        st.success(f"The night of {night} is done: all {now.steps} steps.", icon=":material/check_circle:")
    elif now.state == follow.STOPPED:
        st.warning(f"The night of {night} was stopped after {now.done} of {now.steps} steps.")
    else:
        st.error(
            f"The night of {night} failed in {len(now.failures) or 'some'} of {now.steps} steps. What does not depend "
            "on them is published.",
            icon="⚠️",
        )
    _failures(now.failures)


def _failures(failures: dict[str, str]) -> None:
    for asset, why in failures.items():
        what, _, fix = why.partition(". Fix: ")
        st.markdown(f"- **{names.table(asset)}**: {names.plain(what)}{f' → {names.plain(fix)}' if fix else ''}")
