"""Which nights before its own an asset reads of a table. It is declared, so that these nights stay."""

from collections.abc import Mapping
from enum import StrEnum


class Earlier(StrEnum):
    """A rule for the nights of a table that are read; what a purge must keep follows from it."""

    BEFORE = "the night before"
    GOOD = "the newest night that passed its checks"
    WEEK = "the nights of a week before that one, those that are there"
    SINCE = "each night since the reader's own last one"
    PUBLISHED = "the night that was published before"


EarlierReads = Mapping[str, Mapping[str, tuple[Earlier, ...]]]
"""Table that is made → the tables of other nights it is made from, each with the rules; as schema.table."""
