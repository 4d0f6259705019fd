"""Who is at the page: on the machine itself one local person, else whoever the OIDC provider says, with their roles."""

import time

import streamlit as st

from funnel_etl.app.access import LOCAL, Person, is_over, is_proved, read_users
from funnel_etl.settings import Settings

PROVIDER = "oidc"


def person(settings: Settings) -> Person | None:
    """Return who is there and may be; None once the page for signing in, or why not, is shown.

    Raises `ConfigError` for a users file that cannot be read.
    """
    if settings.app_oidc_url is None:
        return LOCAL
    if not st.user.is_logged_in:
        _ask()
        return None
    if is_over(st.user.get("iat"), time.time(), settings.app_session_hours):
        _ask(f"A session ends after {settings.app_session_hours} h. Please sign in again.")
        return None
    email = str(st.user.get("email") or "").casefold()
    users = read_users(settings.app_users) if settings.app_users else {}
    if not is_proved(st.user.get("email_verified")) or email not in users:
        st.title("Not yet")
        st.write(f"You are signed in as {email or 'somebody without an e-mail'}, who has no role here yet.")
        st.write(
            "Ask the engineer to write your e-mail and a role into the users file. It holds from the next look on."
        )
        st.button("Sign out", on_click=st.logout)
        return None
    return users[email]


def show_who(settings: Settings, who: Person) -> None:
    """Show below the list of pages who is there."""
    with st.sidebar:
        if settings.app_oidc_url is None:
            st.caption("On this machine, without a sign-in: everything is allowed.")
            return
        st.caption(f"{who.email} · {', '.join(sorted(who.roles))}")
        st.button("Sign out", on_click=st.logout, type="tertiary", icon=":material/logout:")


def _ask(why: str | None = None) -> None:
    st.title("funnel_etl")
    st.write(why or "From campaign lead to rupee, every number traceable to a line of a file.")
    st.button("Sign in", on_click=st.login, type="primary", icon=":material/login:")
