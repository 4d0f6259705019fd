"""Today: what is complete, what is to be done and by whom."""

import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.access import EVERYBODY
from funnel_etl.app.visit import Page, Visit
from funnel_etl.operate.status.status import status


def show(visit: Visit) -> None:
    """Show where things stand."""
    found = status(visit.settings)
    st.title("Today")
    st.write(f"Complete through {words.day(found.last_day)}.")
    for item in (item for item in found.items if not item.is_well):
        st.write(f"**{item.name}** {item.says} → {item.who}: {item.to_do}")


PAGE = Page("today", "Today", ":material/today:", "Every day", EVERYBODY, show)
