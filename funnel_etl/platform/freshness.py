"""When an asset counts as stale, and the check that says how complete its data are.

A freshness policy is content with any materialization, also of an old night; how far the data reach is judged from the
data (`watch`), and shown as the check `complete`, which blocks nothing and belongs to the job that judges it.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import dagster as dg

COMPLETE = "complete"
"""Name of the check, on the raw tables of the sources."""

EVERY_NIGHT = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))
"""Of a source that each night pulls: a day, and the time a night may take; after a missed night it fails."""


def complete_checks(keys: Iterable[Sequence[str]]) -> dg.AssetSelection:
    """Select the checks `complete` of these assets."""
    return dg.AssetSelection.checks(*(dg.AssetCheckKey(dg.AssetKey(list(key)), COMPLETE) for key in keys))
