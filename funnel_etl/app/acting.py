"""What changes something: it asks first, says how many, is refused to who may not, and is written down."""

from collections.abc import Callable, Iterable

import streamlit as st

from funnel_etl.app.access import Role
from funnel_etl.app.markdown import literal
from funnel_etl.app.visit import Visit
from funnel_etl.core.errors import DatabaseUnavailable, FunnelError

DONE = "done_message"


def may_see(visit: Visit, roles: Iterable[Role]) -> bool:
    """Return whether the person may be on a page; who may not is told so."""
    is_allowed = visit.person.may(roles)
    if not is_allowed:
        st.error("This page is not among those of your role. Ask the engineer for it.", icon=":material/lock:")
    return is_allowed


def show_done() -> None:
    """Show once what was done before the page was drawn anew."""
    if said := st.session_state.pop(DONE, None):
        st.success(said, icon=":material/check:")


def asked(key: str, label: str, question: str, yes: str, *, disabled: bool = False) -> bool:
    """Draw a button that asks before it acts; returns whether the person has said yes."""
    if not st.session_state.get(key):
        if st.button(label, key=f"{key}_button", disabled=disabled):
            st.session_state[key] = True
            st.rerun()
        return False
    if disabled:
        st.session_state.pop(key)
        return False
    with st.container(border=True):
        st.write(question)
        is_yes = st.button(yes, key=f"{key}_yes", type="primary")
        if st.button("No, leave it", key=f"{key}_no"):
            st.session_state.pop(key)
            st.rerun()
    if is_yes:
        st.session_state.pop(key)
    return is_yes


def act(visit: Visit, roles: Iterable[Role], action: str, about: str, do: Callable[[], str]) -> None:
    """Do what was asked for, and write it down before and after; `do` returns what came of it, in a sentence.

    What fails in an expected way is shown, and nothing is said to be done.
    """
    if not visit.person.may(roles):
        visit.did(action, about, "refused")
        st.error("Your role may not do this. Ask the engineer.", icon=":material/lock:")
        return
    visit.did(action, about, "begun")
    try:
        said = do()
    except DatabaseUnavailable:
        raise
    except FunnelError as error:
        visit.did(action, about, "failed")
        what = f"{error.where}: {error.what}" if error.where else f"{error.what[:1].upper()}{error.what[1:]}"
        st.error(f"{literal(what)}. Nothing was changed. What to do: {literal(error.fix)}.")
        return
    visit.did(action, about, said)
    st.session_state[DONE] = said
    st.rerun()
