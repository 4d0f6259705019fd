"""Alerts as Dagster sees them."""

import dagster as dg

from funnel_etl.alerts.contracts import TABLES
from funnel_etl.alerts.sensor import alerts

__all__ = ["TABLES", "defs"]

defs = dg.Definitions(sensors=[alerts])
