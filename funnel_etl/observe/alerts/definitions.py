"""Alerts as Dagster sees them."""

import dagster as dg

from funnel_etl.observe.alerts.contracts import TABLES
from funnel_etl.observe.alerts.sensor import alerts

__all__ = ["TABLES", "defs"]

defs = dg.Definitions(sensors=[alerts])
