"""What the facts are of: night, code, config, and through which day the data of each part reach."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import pandas as pd

from funnel_etl.core.parts import MARKETING, SALES
from funnel_etl.core.tables.accounting import Outcome


def data_version(days: Mapping[str, Sequence[pd.Series]], as_of: pd.Timestamp, config_version: str) -> Outcome:
    """Return the one row of `mart.data_version`; version and published_at are set when it is published.

    `days`: part → the business days of the rows of each of its sources.
    """
    row = {
        "version": None,
        "as_of": as_of,
        "published_at": None,
        "code_version": version("funnel_etl"),
        "config_version": config_version,
        "marketing_complete_through": _through(days[MARKETING], as_of),
        "sales_complete_through": _through(days[SALES], as_of),
    }
    return Outcome(pd.DataFrame([row]))


def _through(days: Sequence[pd.Series], as_of: pd.Timestamp) -> pd.Timestamp:
    """Return the latest day up to `as_of` on which every source has a row (NaT when one has none)."""
    latest = [column[column <= as_of].max() for column in days]
    return pd.NaT if any(pd.isna(day) for day in latest) else min(latest)  # type: ignore[return-value]
