"""`funnel-etl erase`."""
