"""`funnel-etl status`."""
