"""Pure Python and pandas: values, contracts, accounting, configuration. Knows no source, no part, no Dagster, no SQL."""
