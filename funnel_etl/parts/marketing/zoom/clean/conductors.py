"""Who conducted an occurrence. Rule: Event, conductor.

Here: the choice among overrides, panelists and hosts. Not here: where those rows come from.
"""

import re

import pandas as pd

from funnel_etl.core.values.text import lookup_key, map_unique, person_name, squash

SOURCES = ("override", "panelist", "host", "first_panelist", "first_host")
_ALIAS = re.compile(r"^(?P<shown>[^()]*)\((?P<original>[^()]*)\)$")


def conductors(staff: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Return `conductor` and `conductor_source` by occurrence_id (the index), where a host or panelist is named.

    `staff` are the host and panelist rows of reports, with occurrence_id and precedence; `listed` is
    `conductors.csv`. Those listed there are approved: the first approved panelist, else the first approved
    host, else the first panelist, else the first host. Rows go by the precedence of their report, then by
    line.
    """
    shown = squash(staff["user_name"]).fillna(
        squash(staff["first_name"].fillna("") + " " + staff["last_name"].fillna(""))
    )
    approved = canonical(shown, listed)
    is_panelist = staff["section"].eq("panelist")
    source = pd.Series("first_host", index=staff.index, dtype="str")
    source = source.mask(is_panelist, "first_panelist").mask(approved.notna(), "host")
    source = source.mask(approved.notna() & is_panelist, "panelist")
    rows = staff[["occurrence_id", "precedence", "source_row"]].assign(
        conductor=approved.fillna(person_name(shown)),
        conductor_source=source,
        choice=source.map({name: place for place, name in enumerate(SOURCES)}),
    )
    rows = rows[rows["conductor"].notna()].sort_values(["choice", "precedence", "source_row"])
    return rows.drop_duplicates("occurrence_id").set_index("occurrence_id")[["conductor", "conductor_source"]]


def canonical(names: pd.Series, listed: pd.DataFrame) -> pd.Series:
    """Return each name in the spelling of `conductors.csv`, missing where it is not listed there.

    "Shown (Original)", as Zoom writes a changed name, is found by the whole, by what is shown and by the
    original.
    """
    spelling = {
        lookup_key(name): conductor
        for name, conductor in zip(
            listed["name"], squash(listed["conductor"]).fillna(squash(listed["name"])), strict=True
        )
    }

    def find(name: str) -> str | None:
        parts = _ALIAS.match(name)
        readings = (name, parts["shown"], parts["original"]) if parts else (name,)
        return next((spelling[key] for reading in readings if (key := lookup_key(reading)) in spelling), None)

    return map_unique(names, find)
