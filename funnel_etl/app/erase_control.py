"""What an erasure of a person would take, before the engineer does it: a part of Person. Nothing is erased here."""

import pandas as pd
import streamlit as st

from funnel_etl.app import names
from funnel_etl.app.access import Role
from funnel_etl.app.tables import Shown, table
from funnel_etl.app.visit import Visit
from funnel_etl.core.values.contact_mask import masked
from funnel_etl.core.values.numbers import grouped
from funnel_etl.operate.erase.eraser import MANY, ErasePreview, finder
from funnel_etl.operate.erase.render import left_for_people

MAY_LOOK = frozenset({Role.OPERATOR, Role.ANALYST})
FOUND = "erasure_found"


def show_erasure(visit: Visit, key: str, words: list[str], *, is_open: bool) -> None:
    """Look for all there is of who is known by `words`, when somebody asks for it; `key`: what the log calls them."""
    with st.expander("What an erasure would take"):
        st.write(
            "Somebody may ask to be erased. This says how many lines of what would go, and what is left for people; it "
            "changes nothing. To erase for good is the engineer's: `funnel-etl erase`."
        )
        if st.button("Look what would go", icon=":material/person_remove:"):
            visit.did("erasure, dry run", key)
            with (
                st.spinner("Looking through every landed file and table: a minute or so …"),
                finder(visit.settings) as looking,
            ):
                st.session_state[FOUND] = key, looking.find(words)
        of, found = st.session_state.get(FOUND, (None, None))
        if of == key and found is not None:
            _show_found(visit, found, is_open=is_open)


def _show_found(visit: Visit, found: ErasePreview, *, is_open: bool) -> None:
    if found.others > MANY:
        st.warning(
            f"These rows name {grouped(found.others)} other phones: this is hardly one person's own phone or e-mail, "
            "but an agency's or a colleague's. All these people's lines would go."
        )
    own = ", ".join(sorted([*found.person.phones, *found.person.emails]))
    st.text(f"The person is known by {own if is_open else masked(own)}.")
    if found.person.shared:
        shared = ", ".join(sorted(found.person.shared))
        st.caption(
            f"Others have it too, so what has only this stays: {names.plain(shared if is_open else masked(shared))}."
        )
    rows = [
        ("Landed files", names.table(place).capitalize(), lines) for place, lines in sorted(found.landed.lines.items())
    ]
    rows += [("Other files", place, lines) for place, lines in sorted(found.files.lines.items())]
    rows += [("Database", name, lines) for name, lines in found.rows.items()]
    st.write(f"{grouped(sum(row[2] for row in rows))} lines and rows would go:")
    shown = pd.DataFrame(rows, columns=["where", "what", "lines"])
    table(shown, {"where": Shown("Where"), "what": Shown("What"), "lines": Shown("Lines or rows", grouped)}, "erasure")
    st.write("Left for people:")
    for line in left_for_people(visit.settings, found):
        st.markdown(f"- {names.plain(line)}")
