"""The line of a file that a row comes from, cell by cell as it arrived. A part of Funnel and Person."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from funnel_etl.app.markdown import literal
from funnel_etl.app.visit import Visit
from funnel_etl.operate.explain.behind import line_as_landed


def show_line(visit: Visit, key: str, rows: Sequence[tuple[str, str, str, int]]) -> None:
    """Ask for one of some rows (label, table, file_id, line), and show its line: only to who may see people."""
    at = st.selectbox(
        "Open the line as it arrived",
        range(len(rows)),
        index=None,
        format_func=lambda one: rows[one][0],
        placeholder="Choose a row",
        key=key,
    )
    if at is None:
        return
    label, table, file_id, line = rows[at]
    about = f"{table}, {file_id[:12]} line {line}"
    if st.session_state.get("line-noted") != about:
        visit.did("open a line", about)
        st.session_state["line-noted"] = about
    cells = line_as_landed(visit.settings, table, (file_id, line))
    if cells is None:
        st.info("This line is no longer kept: it was erased, or its file was purged.", icon=":material/delete:")
        return
    st.caption(f"{literal(label)}: what stands in it.")
    filled = {str(name): text for name, text in cells.items() if text}
    st.dataframe(pd.DataFrame({"Column": list(filled), "As it arrived": list(filled.values())}), hide_index=True)
