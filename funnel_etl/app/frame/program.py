"""Streamlit's own program, with what pages stand on loaded before the first visit: else the first person waits."""

import importlib

from streamlit.web.cli import main

if __name__ == "__main__":
    importlib.import_module("funnel_etl.assembly")
    main(prog_name="streamlit")
