"""What a cell of a CSV is once it lies in a sheet: a date, a number, or a text. Rule: The sheet."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from funnel_etl.core.errors import AmbiguousDates
from funnel_etl.core.tables.contracts import MONEY_LIMIT
from funnel_etl.core.values import dates
from funnel_etl.core.values.dates import BAD_DATE, EXCEL_SERIAL
from funnel_etl.core.values.text import first_filled, squash

SERIAL_EPOCH = pd.Timestamp(1899, 12, 30)
_PLAIN = r"(?:\d[\d,]*)?(?:\d|\.\d+)"
NUMBER = rf"[+-]?{_PLAIN}|\({_PLAIN}\)"
MICRO = 10**6
"""Units of a rupee in which unrounded costs are added."""


def as_dates(columns: Sequence[pd.Series], zone: str) -> pd.DataFrame:
    """Read date cells as a sheet does: at (UTC), is_text, is_unreadable (for our reader). `columns` have one meaning.

    What our reader reads is that instant in the business zone; an Excel serial is a date too; any other text is a text.
    A blank cell is neither.
    """
    texts = first_filled(columns)
    try:
        parsed = dates.parse_first(columns, zone, "of the sheet")
    except AmbiguousDates:  # broken rows can make it so; they are texts then, as all others
        return pd.DataFrame({"at": _never(texts), "is_text": squash(texts).notna(), "is_unreadable": True})
    numbers = pd.to_numeric(texts.where(parsed.reason == EXCEL_SERIAL), errors="coerce").astype("float64")
    days = pd.to_timedelta((numbers * 86_400).round(), unit="s")
    serial = (SERIAL_EPOCH + days).dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    return pd.DataFrame(
        {
            "at": parsed.instants.fillna(serial.dt.as_unit("us")),
            "is_text": parsed.reason == BAD_DATE,
            "is_unreadable": parsed.reason.notna(),
        }
    )


def as_numbers(texts: pd.Series) -> pd.Series:
    """Read amounts as a sheet does, in whole millionths; missing where the cell is blank or a text.

    Digits, a point, commas between digits, and a sign or brackets for less than nothing make a number; ₹, Rs., INR and
    /- make a text. So does an amount of more than twelve digits: no column of money holds it, nor the sum it is in.
    """
    plain = squash(texts)
    is_number = plain.str.fullmatch(NUMBER).fillna(value=False).astype(bool)
    digits = plain.where(is_number).str.replace(r"[,)]", "", regex=True).str.replace("(", "-", regex=False)
    values = pd.to_numeric(digits, errors="coerce").astype("float64")
    values = values.where(values.abs() * 100 < MONEY_LIMIT - 0.5)
    return pd.Series(pd.array(np.round(values * MICRO), dtype="Float64"), index=texts.index).astype("Int64")


def as_text(instants: pd.Series) -> pd.Series:
    """Write instants as text in UTC, missing ones as ""."""
    values = instants.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    texts = pd.Series(np.datetime_as_string(values), index=instants.index, dtype="str") + "Z"
    return texts.mask(instants.isna(), "")


def _never(texts: pd.Series) -> pd.Series:
    return pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
