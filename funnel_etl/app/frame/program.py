"""Streamlit's own program, with all pages loaded before the first visit: else the first person waits for it."""

import importlib
import logging

from streamlit.logger import get_logger
from streamlit.web.cli import main

if __name__ == "__main__":
    # What pages keep is kept in memory; that it is declared before Streamlit runs is meant.
    get_logger("streamlit.runtime.caching.cache_data_api").setLevel(logging.ERROR)
    importlib.import_module("funnel_etl.app.pages")
    main(prog_name="streamlit")
