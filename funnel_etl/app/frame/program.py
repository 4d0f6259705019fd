"""Streamlit's own program, with all pages loaded before the first visit: else the first person waits for it."""

from streamlit.web.cli import main

from funnel_etl.app.pages import PAGES

if __name__ == "__main__":
    assert PAGES  # noqa: S101 - they are loaded
    main(prog_name="streamlit")
