"""All of funnel_etl as Dagster sees it, for tests that look at its shape and run nothing."""

from funnel_etl.assembly import build_definitions
from funnel_etl.settings import Settings

defs = build_definitions(Settings())
