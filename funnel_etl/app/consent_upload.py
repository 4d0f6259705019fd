"""Giving files of what people agreed to: checked first, accepted, followed. A part of the page Upload."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.markdown import literal, sentence
from funnel_etl.app.visit import Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped
from funnel_etl.operate.upload import consents, states
from funnel_etl.operate.upload.consents import Statements

EXAMPLE = """phone,email,channel,state,stated_at,source
9876512345,,whatsapp,granted,2026-11-05 14:30,enquiry form
,asha@example.org,all,suppressed,2026-11-09,complaint"""
SECONDS = 30
"""How often the files' states are looked at anew."""


def show_consents(visit: Visit, roles: Iterable[Role]) -> None:
    """Show where a file of consents is given, what it says, and what became of those of this week."""
    st.write(
        "Who agreed to be written to, and who did not: a CSV file, a line for each statement. It is checked first; "
        "nothing is kept before you accept it, and what it says counts until something later is said."
    )
    with st.expander("How such a file looks"):
        st.code(EXAMPLE, language="csv")
        st.caption(
            "channel: email, sms, whatsapp, rcs or all. state: granted, refused, withdrawn, suppressed (nothing more, "
            "whatever they said) or lifted (no longer suppressed). A phone in any spelling, or an e-mail, is enough."
        )
    limit = visit.settings.app_upload_mb
    given = st.file_uploader(f"File of consents, up to {limit} MB", max_upload_size=limit, key="consent-file")
    if given is not None:
        _show_file(visit, given, roles)
    st.header("Files of this week", divider="gray")
    st.fragment(_follow, run_every=SECONDS)(visit)


def _show_file(visit: Visit, given: UploadedFile, roles: Iterable[Role]) -> None:
    try:
        found = consents.check(visit.settings, given.name, given.getvalue())
    except FunnelError as error:
        st.badge("would be rejected", icon=":material/block:", color="red")
        st.error(f"{sentence(error.what)} What to do: {literal(error.fix)}.")
        return
    _show_verdict(visit, found)
    done = st.session_state.setdefault("consent-accepted", {})
    if given.file_id in done:
        st.success(f"Accepted as {literal(done[given.file_id])}. What becomes of it stands below.")
    elif found.usable and found.before is None:
        st.button(
            "Accept", type="primary", icon=":material/check:", on_click=_accept, args=(visit, given, found, roles)
        )
    if failed := st.session_state.pop("consent-error", None):
        st.error(literal(failed))


def _show_verdict(visit: Visit, found: Statements) -> None:
    if not found.unusable:
        st.badge("would be taken", icon=":material/check_circle:", color="green")
    st.write(f"**{literal(found.name)}** says {grouped(found.usable)} things that count.")
    if found.before is not None:
        at = words.moment(found.before, ZoneInfo(visit.settings.timezone))
        st.info(f"These very bytes came on {at} already: nothing would change.")
    if found.said:
        rows = [(state, channel, grouped(count)) for (state, channel), count in sorted(found.said.items())]
        st.dataframe(pd.DataFrame(rows, columns=["What is said", "Channel", "How many"]), hide_index=True)
    if found.again:
        st.caption(f"Said again by another line, and counted once: {grouped(found.again)}.")
    for each in found.unusable:
        lines = ", ".join(grouped(line) for line in each.lines)
        more = f" and {grouped(each.count - len(each.lines))} more" if each.count > len(each.lines) else ""
        st.warning(
            f"Line {lines}{more}: {literal(each.why)}. Such a line protects nobody. What to do: {literal(each.fix)}."
        )


def _accept(visit: Visit, given: UploadedFile, found: Statements, roles: Iterable[Role]) -> None:
    """Lay the file into the drop folder, once: it is written down before, and why not, if it cannot be."""
    done = st.session_state["consent-accepted"]
    if given.file_id in done or not visit.person.may(roles):
        return
    visit.did(states.ACCEPTED, found.file_id)
    try:
        done[given.file_id] = consents.accept(visit.settings, found, given.getvalue())
    except FunnelError as error:
        visit.did(states.ACCEPTED, found.file_id, f"not done: {error.what[:80]}")
        st.session_state["consent-error"] = str(error)


def _follow(visit: Visit) -> None:
    found = consents.consent_states(visit.settings)
    if not found:
        st.info("No file of consents has come in the last seven days.")
        return
    zone = ZoneInfo(visit.settings.timezone)
    st.dataframe(
        pd.DataFrame(
            {
                "State": [one.state for one in found],
                "File": [one.name for one in found],
                "What it means": [one.says for one in found],
                "Given by": [", ".join(sorted(one.by)) for one in found],
                "Came": [words.moment(one.came_at, zone) for one in found],
            }
        ),
        hide_index=True,
        column_config={"What it means": st.column_config.TextColumn(width="large")},
        key="consent-week",
    )
