"""funnel_etl: from campaign lead to rupee, every number traceable to a line of a file."""
