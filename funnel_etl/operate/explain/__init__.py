"""`funnel-etl explain` and `changes`."""
