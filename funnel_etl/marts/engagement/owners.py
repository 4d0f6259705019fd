"""Whose a webinar is: the role that sees what was said in it. Pure."""

from collections.abc import Mapping

import pandas as pd

from funnel_etl.core.values.text import lookup_key


def owners_of(webinars: pd.DataFrame, owners: pd.DataFrame) -> dict[str, str]:
    """Return the role each occurrence belongs to: by its webinar id, else its conductor, else its profile."""
    found: dict[str, str] = {}
    for column in ("profile", "conductor", "webinar_id"):
        named = {
            lookup_key(name): role.strip()
            for name, role in owners[[column, "role"]].itertuples(index=False)
            if name.strip()
        }
        for occurrence, value in webinars[["occurrence_id", column]].itertuples(index=False):
            if (role := named.get(lookup_key(value))) is not None:
                found[occurrence] = role
    return found


def owned(rows: pd.DataFrame, owners: Mapping[str, str]) -> pd.DataFrame:
    """Return rows with the role of their occurrence in `owner`, missing where it is nobody's."""
    return rows.assign(owner=pd.Series([owners.get(o) for o in rows["occurrence_id"]], index=rows.index, dtype="str"))
