"""When an asset counts as stale, and the checks that say how complete its data are, and whether they are too few.

A freshness policy is content with any materialization, also of an old night; how far the data reach is judged from the
data (`watch`), and shown as checks, which block nothing and belong to the job that judges.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import dagster as dg

COMPLETE, USUAL_VOLUME = "complete", "usual_volume"
"""Names of the checks, on the raw tables of the sources."""

EVERY_NIGHT = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))
"""Of a source that each night pulls: a day, and the time a night may take; after a missed night it fails."""


def watch_checks(keys: Iterable[Sequence[str]], *names: str) -> dg.AssetSelection:
    """Select the checks of the watch by these names (without any: all of them) of these assets."""
    checks = [(list(key), name) for key in keys for name in names or (COMPLETE, USUAL_VOLUME)]
    return dg.AssetSelection.checks(*(dg.AssetCheckKey(dg.AssetKey(key), name) for key, name in checks))
