"""What Dagster loads: all of funnel_etl with the settings of this installation."""

from funnel_etl.assembly import build_definitions
from funnel_etl.environment import load_settings

defs = build_definitions(load_settings())
