"""A person's word that a refused dump is right: a control of the page Today. Nothing here decides; the service does."""

from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.acting import act, asked, show_done
from funnel_etl.app.markdown import literal
from funnel_etl.app.visit import Visit
from funnel_etl.core.values.numbers import grouped
from funnel_etl.operate.confirm.dump import DAYS_SHOWN, RefusedDump, accept_dump, refused_dump, waiting_dumps
from funnel_etl.settings import Settings

MAY_CONFIRM = frozenset({Role.ANALYST})
KEEP_SECONDS = 20


@st.cache_data(ttl=KEEP_SECONDS, show_spinner=False)
def _waiting(home: str, _settings: Settings) -> list[str]:  # noqa: ARG001 - the home is the cache's key
    return waiting_dumps(_settings)


def show_refused(visit: Visit) -> None:
    """Show which dumps wait for a word, what they lack, and take the word of who may give it."""
    show_done()
    if not visit.person.may(MAY_CONFIRM):
        return
    for source in _waiting(str(visit.settings.state), visit.settings):
        with st.container(border=True):
            st.markdown(f"**The newest dump of {literal(source)} was refused**: rows are gone that were there before.")
            if st.toggle("Look at what is missing", key=f"refused-{source}"):
                _show(visit, source)


def _show(visit: Visit, source: str) -> None:
    with st.spinner("Comparing it with the last good one …"):
        found = refused_dump(visit.settings, source)
    loss = found.loss
    came = words.moment(found.arrival.received_at, ZoneInfo(visit.settings.timezone))
    st.write(
        f"It came on {came}. The last good one, of the night of {words.day(found.good.night)}, had {grouped(loss.had)} "
        f"rows; this one has {grouped(loss.has)}. {grouped(loss.lost)} are gone ({loss.share:.1%}), beside "
        f"{grouped(loss.aged_out)} that its window moved past."
    )
    days = loss.by_day(visit.settings.timezone).tail(DAYS_SHOWN)
    if len(days):
        names = pd.Series(days.index).dt.strftime("%d %b %Y").fillna("no readable date")
        rows = pd.DataFrame({"Day": names.to_numpy(), "Rows gone": [grouped(int(count)) for count in days]})
        st.dataframe(rows, hide_index=True, key=f"refused-days-{source}")
    st.caption("If it was cut off, run the night again: it is pulled anew. Only if these rows are really gone, say so.")
    if asked(
        f"confirm-{source}",
        "These rows are really gone",
        f"Take this dump without its {grouped(loss.lost)} rows? Its numbers go with them.",
        "Yes, they are gone",
    ):
        about = f"{source}, {grouped(loss.lost)} of {grouped(loss.had)} rows gone"
        act(visit, MAY_CONFIRM, "confirm a dump", about, lambda: _confirmed(visit, found))


def _confirmed(visit: Visit, found: RefusedDump) -> str:
    accept_dump(visit.settings, found)
    _waiting.clear()
    return "Kept: it holds for exactly this dump. Run the night again, or wait for the next one."
