"""How rows are shown: headers for people, days and rupees as written in India, numbers on the right, no index."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from funnel_etl.app.access import Person
from funnel_etl.app.visit import Visit
from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.operate.explain.fact import rows_as_csv

MOST_ROWS = 1000
"""Rows that are drawn; all of them go into a file."""


@dataclass(frozen=True)
class Shown:
    """One column: its header, how a value is written (None: as it is), and a word on what it is."""

    title: str
    write: Callable[[Any], str] | None = None
    about: str | None = None
    width: int | None = None
    is_number: bool = False

    @property
    def alignment(self) -> str:
        """Numbers stand on the right, all else on the left."""
        return "right" if self.is_number or self.write in (grouped, whole_rupees, percent) else "left"


def whole_rupees(amount: Decimal | float) -> str:
    """Return an amount without its paise, as `₹1,23,456`."""
    return rupees(amount, paise=False)


def month(first: date) -> str:
    """Return a month by its first day, as `Nov 2026`."""
    return f"{first:%b %Y}"


def file_title(name: str) -> str:
    """Return the name of a file; of one that was fetched from an address, the last part of that."""
    return name.rpartition("/")[2] or name if "://" in name else name


def percent(share: float) -> str:
    """Return a share as `7.5 %`."""
    return f"{share * 100:.1f} %"


def table(rows: pd.DataFrame, columns: Mapping[str, Shown], key: str, **how: Any) -> Any:
    """Draw the columns of the rows, the first MOST_ROWS of them; returns what `st.dataframe` returns."""
    taken = rows[list(columns)].head(MOST_ROWS).reset_index(drop=True)
    written: dict[Any, Any] = {name: column.write for name, column in columns.items() if column.write}
    config = {
        name: st.column_config.Column(
            column.title,
            help=column.about,
            width=column.width,
            alignment=column.alignment,  # type: ignore[arg-type]
        )
        for name, column in columns.items()
    }
    styled = taken.style.format(written, na_rep="") if len(taken) else taken
    found = st.dataframe(styled, column_config=config, hide_index=True, placeholder="", key=key, **how)
    if len(rows) > MOST_ROWS:
        st.caption(f"The first {grouped(MOST_ROWS)} of {grouped(len(rows))}; the file has all.")
    return found


def own_rows(person: Person, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a person's own webinars, by `conductor` and `profile`, and those without `occurrence_id`."""
    names = rows[["conductor", "profile"]].astype("object").where(rows[["conductor", "profile"]].notna(), None)
    whose = list(zip(names["conductor"], names["profile"], strict=True))
    own = {each for each in set(whose) if person.owns(*each)}
    return rows[
        rows["occurrence_id"].isna() | pd.Series([each in own for each in whose], index=rows.index, dtype="bool")
    ]


def file_button(visit: Visit, label: str, name: str, rows: pd.DataFrame, about: str) -> None:
    """Offer rows as a CSV file that a spreadsheet does not calculate; written down before it goes out."""

    def data() -> bytes:
        visit.did("download", f"{name}, {about}, {grouped(len(rows))} rows")
        return rows_as_csv(rows)

    st.download_button(label, data, name, "text/csv", icon=":material/download:", key=f"file_{name}")
