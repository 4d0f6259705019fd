"""`funnel-etl deliver`."""
