"""Saving config tables with a word in the log first: what cannot be written down is not done."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from funnel_etl.app.visit import Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.operate.mappings.save import id_of
from funnel_etl.operate.mappings.versions import SAVED, about

T = TypeVar("T")


def save_noted(visit: Visit, tables: Mapping[str, bytes], do: Callable[[], T]) -> T:
    """Write down which version of which table is saved, then do it; what fails is written down too, and raised."""
    subjects = [about(name, id_of(visit.settings, data)) for name, data in tables.items()]
    for subject in subjects:
        visit.did(SAVED, subject)
    try:
        return do()
    except FunnelError as error:
        for subject in subjects:
            visit.did(SAVED, subject, f"not done: {error.what[:80]}")
        raise
