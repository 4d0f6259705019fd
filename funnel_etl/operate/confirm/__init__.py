"""`funnel-etl confirm`."""
