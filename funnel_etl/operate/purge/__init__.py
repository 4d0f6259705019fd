"""`funnel-etl purge`."""
