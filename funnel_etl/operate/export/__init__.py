"""`funnel-etl db adopt`."""
