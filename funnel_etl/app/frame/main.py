"""The script that Streamlit runs for each visit: who is there, which pages they may see, and the one they are on."""

import logging
import uuid
from functools import partial
from pathlib import Path

import streamlit as st

from funnel_etl.app.frame import sign_in
from funnel_etl.app.pages import PAGES
from funnel_etl.app.visit import Page, Visit
from funnel_etl.core.errors import DatabaseUnavailable, FunnelError
from funnel_etl.environment import load_settings

log = logging.getLogger(__name__)
ICON = Path(__file__).with_name("icon.png")
"""A file of our own: Streamlit would fetch one of its names from the outside."""


def main() -> None:
    """Show the page that was asked for, to somebody who may see it."""
    st.set_page_config(page_title="funnel_etl", page_icon=ICON, layout="wide")
    settings = load_settings()
    person = sign_in.person(settings)
    if person is None:
        return
    sections: dict[str, list[st.Page]] = {}
    for page in (page for page in PAGES if person.may(page.roles)):
        show = partial(_shown, page, Visit(settings, person, page.name))
        link = partial(st.Page, show, title=page.title, icon=page.icon)
        # Streamlit serves the first page at / alone: a second one that no list shows has its name in the address.
        own = [link(url_path=page.name, visibility="visible" if sections else "hidden")]
        own += [] if sections else [link(url_path="", default=True)]
        sections.setdefault(page.group, []).extend(own)
    chosen = st.navigation(sections)
    sign_in.show_who(settings, person)
    chosen.run()


def _shown(page: Page, visit: Visit) -> None:
    """Show a page; what fails is a sentence, and what nobody expected has a number that the log knows."""
    try:
        page.show(visit)
    except DatabaseUnavailable:
        st.error("The database does not answer, so nothing can be shown just now. Nothing is lost.", icon="🔌")
        st.button("Try again", key="again")
    except FunnelError as error:
        st.error(str(error), icon="⚠️")
    except Exception as error:
        number = uuid.uuid4().hex[:8]
        log.exception("page %s, error %s: %s", page.name, number, type(error).__name__, exc_info=_without_values(error))
        st.error(
            f"Something went wrong that nobody expected. The engineer finds it in the log under {number}.", icon="⚠️"
        )


def _without_values(error: Exception) -> Exception:
    """Return the error with its place but without its text: that may hold a person's data."""
    bare = type("Unexpected", (Exception,), {})(type(error).__name__)
    return bare.with_traceback(error.__traceback__)  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
