"""Pure Python and pandas: values, contracts, accounting, config tables. Knows no source, part, Dagster or SQL."""
