"""What was published on a past night, beside now: making it again and watching it. A part of Funnel."""

import contextlib
from datetime import date

import pandas as pd
import streamlit as st

from funnel_etl.app import names, words
from funnel_etl.app.access import Role
from funnel_etl.app.acting import act, asked, show_done
from funnel_etl.app.following import follow
from funnel_etl.app.tables import Shown, file_button, month, table
from funnel_etl.app.visit import Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped, measure
from funnel_etl.operate.rerun import replaying
from funnel_etl.operate.rerun.replaying import Replaying
from funnel_etl.operate.rerun.then_and_now import (
    ThenAndNow,
    is_replayed,
    nights_to_replay,
    remove_replay,
    then_and_now,
)
from funnel_etl.settings import Settings

MAY_REPLAY = frozenset({Role.ANALYST})
KEEP_SECONDS = 60
FOLLOWED = "replay_followed"
COLUMNS = {
    "month": Shown("Month", month),
    "funnel": Shown("Funnel"),
    "measure": Shown("Measure", names.MEASURES.__getitem__),
    "then": Shown("Then", is_number=True),
    "now": Shown("Now", is_number=True),
    "difference": Shown("Difference", is_number=True),
}


def show_past_night(visit: Visit) -> None:
    """Ask for a night, make it again if somebody says so, and show its facts beside those of now."""
    st.subheader("What did we publish on that night?", anchor=False)
    nights = _nights(str(visit.settings.state), visit.settings)
    if not nights:
        st.write("No night can be made again yet.")
        return
    show_done()
    night = st.selectbox("Night of", nights, index=None, format_func=words.day, placeholder="Choose a night", width=260)
    if follow(replaying.newest(visit.settings), FOLLOWED, _show_run):
        return
    if night is None:
        st.caption(
            "It is made again from the files it used and the config tables of then; nothing that is published changes."
        )
    elif is_replayed(visit.settings, night):
        _show_night(visit, night)
    elif st.button("Make it again", icon=":material/history:"):
        about = f"night {night}"
        act(visit, MAY_REPLAY, "replay a night", about, lambda: _begun(visit, night))


@st.cache_data(ttl=KEEP_SECONDS, show_spinner=False)
def _nights(home: str, _settings: Settings) -> list[date]:  # noqa: ARG001 - the home is the cache's key
    return nights_to_replay(_settings)


def _begun(visit: Visit, night: date) -> str:
    def ended(run: Replaying) -> None:
        with contextlib.suppress(FunnelError):  # its files are there whether or not it can be written down
            visit.did("replayed a night", f"night {night}", "done" if run.code == 0 else "not whole")

    replaying.begin(visit.settings, visit.person.email, night, ended)
    return f"The night of {words.day(night)} is being made again. It goes on if you close the page."


def _show_run(run: Replaying) -> None:
    """Show how far a replay is, or what it could not make."""
    night = words.day(run.night)
    if not run.is_over:
        done = min(run.made / max(run.of, 1), 1.0)
        st.progress(done, text=f"The night of {night}: {grouped(run.made)} of {grouped(run.of)} tables are made")
        st.caption(names.plain(run.at_work))
        return
    if run.code:
        st.error(f"The night of {night} could not be made whole.", icon=":material/error:")
        for line in run.said or ["Tell the engineer: replaying.log in the state folder says more."]:
            st.markdown(f"- {names.plain(line)}")


def _show_night(visit: Visit, night: date) -> None:
    found = then_and_now(visit.settings, night)
    moved = found.moved
    until = f"over the days up to {words.day(night)}, which that night knew"
    if moved.empty:
        st.success(f"Nothing is another number now, {until}.", icon=":material/check:")
    else:
        many = f"{grouped(len(moved))} of {grouped(len(found.rows))} numbers are others"
        st.write(f"{many} now, {until}. Today says why, for the last night; decisions since are in Mappings.")
    is_all = st.toggle("Also what is the same")
    shown = found.rows if is_all else moved
    if len(shown):
        table(_written(shown), COLUMNS, "then_and_now")
    if found.not_made:
        st.caption(f"Not in it: {', '.join(map(names.table, found.not_made))}.")
    file_button(visit, "Then and now as a file", f"then_and_now_{night}.csv", found.rows, f"night {night}")
    _remove(visit, found)


def _written(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers as people write them; a difference with its sign."""
    sides = ("then", "now", "difference")
    texts = {
        side: [
            f"{'+' if side == 'difference' and value > 0 else ''}{measure(name, value)}"
            for name, value in zip(rows["measure"], rows[side], strict=True)
        ]
        for side in sides
    }
    return rows.assign(**texts)


def _remove(visit: Visit, found: ThenAndNow) -> None:
    st.caption("All tables of that night lie in the state folder, with personal data: remove them when you are done.")
    question = f"Remove the files of the night of {words.day(found.night)}? They can be made again."
    if asked("remove_replay", "Remove its files", question, "Yes, remove them"):
        act(visit, MAY_REPLAY, "remove a replay", f"night {found.night}", lambda: _removed(visit, found.night))


def _removed(visit: Visit, night: date) -> str:
    remove_replay(visit.settings, night)
    return f"The files of the night of {words.day(night)} are removed."
