"""funnel_etl: from campaign lead to rupee, every number traceable to a line of a file."""

import gc

# What is loaded and what Dagster plans are hundreds of thousands of objects that stay: with Python's 700, the collector
# would look at them again and again, a tenth of what a small night costs.
gc.set_threshold(50_000, 20, 20)
