"""Streamlit's own program, with what pages stand on loaded before the first visit: else the first person waits."""

from streamlit.web.cli import main

from funnel_etl import assembly
from funnel_etl.operate.status import status

if __name__ == "__main__":
    assert assembly.TABLES and status.status  # noqa: S101, PT018 - they are loaded
    main(prog_name="streamlit")
