"""`funnel-etl worklist`."""
