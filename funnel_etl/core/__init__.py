"""Pure Python and pandas that know no source, no part, no Dagster and no SQL: values, contracts, accounting, configuration."""
