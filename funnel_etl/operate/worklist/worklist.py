"""The work-list for people: the newest night's list on the screen, and as a CSV file to fill in.

What becomes of a filled file is in `apply`; what stands on the list, in `marts/funnel/worklist/worklist`.
"""

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.text import lookup_keys
from funnel_etl.files import storage_error, write_whole
from funnel_etl.marts.engagement.contracts import ENGAGEMENT_FILES, WAITS
from funnel_etl.marts.funnel.worklist.contracts import WORKLIST_MAPPING
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.nightly import NightlySources

FILL_IN = ("funnel", "valid_from", "valid_to", "note")
"""The columns of the file that a person fills in; a row without `funnel` is not decided."""
FILE_COLUMNS = (
    *("item_kind", "item", *FILL_IN, "suggested_funnel", "suggested_from", "similarity", "revenue_inr", "spend_inr"),
    *("leads", "sales", "rows_count", "first_date", "last_date", "config_table", "config_line", "what_to_do", "detail"),
)
_FORMULA = re.compile("^[\\s\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20']|^[\\t\\r\\n]")
# Digits that a spreadsheet would round, take for a date, or rob of their zeros.
_NUMBER = re.compile(r"^\s*\d[\d\s.,:/-]*(?:e\d+)?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Worklist:
    """The list of a night, highest revenue first. `rows` as `ops.worklist_mapping`."""

    night: date
    rows: pd.DataFrame


def newest_worklist(lake_root: str) -> Worklist:
    """Read the list of the newest night in the lake. Raises `FunnelError` when no night has made one."""
    lake = Lake(UPath(lake_root))
    nights = lake.nights(WORKLIST_MAPPING)
    if not nights:
        raise FunnelError("no night has made the work-list yet", where=lake_root, fix="run a night: funnel-etl run")
    try:
        return Worklist(nights[-1], lake.read(WORKLIST_MAPPING, nights[-1]))
    except KeyError as error:
        raise FunnelError(
            f"the night {nights[-1]} was made by another version: it has no column {error}",
            where=lake_root,
            fix=f"run the night again: funnel-etl run --as-of {nights[-1]}",
        ) from error


def waiting_files(lake_root: str, night: date) -> pd.DataFrame:
    """Return the chats, polls and question reports of a night that wait for a person: name and why.

    Apart from the list: engagement is made after the facts, and its failing stops none of them.
    """
    lake = Lake(UPath(lake_root))
    if not lake.exists(ENGAGEMENT_FILES, night):
        return ENGAGEMENT_FILES.empty()[["name", "why"]]
    files = lake.read(ENGAGEMENT_FILES, night)
    return files.loc[files["state"] == WAITS, ["name", "why"]].sort_values("name", ignore_index=True)


def write_worklist(settings: Settings, sources: NightlySources, to: Path) -> Worklist:
    """Write the newest list as a CSV file to fill in. Raises `FunnelError` if it is there: it may be filled in."""
    found = newest_worklist(settings.lake_root)
    data = as_csv(found.rows, sources.config(found.night).table("funnel_mapping"))
    if to.exists():
        raise FunnelError(
            "the file is there already, and may be filled in", where=str(to), fix="take another name, or delete it"
        )
    try:
        write_whole(to, data)
    except OSError as error:
        raise storage_error(error, "the file", str(to), "name another with --to") from error
    return found


def as_csv(rows: pd.DataFrame, mapping: pd.DataFrame) -> bytes:
    """Return the list as CSV: UTF-8 with BOM, and no cell that a spreadsheet takes for a formula or a number.

    `mapping`: `funnel_mapping.csv`. Where a source has lines of other days, its own days are filled in.
    """
    frame = rows.reindex(columns=FILE_COLUMNS)
    for column, days in _open_days(rows, mapping).items():
        frame[column] = days.dt.strftime("%Y-%m-%d")
    for column in ("revenue_inr", "spend_inr"):
        frame[column] = rows[column].map(lambda paise: f"{paise / 100:.2f}")
    for column in ("first_date", "last_date"):
        frame[column] = rows[column].dt.strftime("%Y-%m-%d")
    frame["similarity"] = rows["similarity"].map(lambda share: f"{share:.2f}", na_action="ignore")
    for column in ("item", "suggested_funnel", "suggested_from"):
        frame[column] = rows[column].map(escaped, na_action="ignore")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(FILE_COLUMNS)
    writer.writerows(frame.astype("object").where(frame.notna(), "").to_numpy().tolist())
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _open_days(rows: pd.DataFrame, mapping: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the days that a new line of a source has between its other lines: after one ended, to the next."""
    is_source = rows["item_kind"].isin(["unmapped_source", "retired_source"])
    ended = rows["config_line"].map(mapping.set_index("line")["valid_to"]).where(is_source)
    starts = mapping[["valid_from"]].assign(key=lookup_keys(mapping["source"])).dropna()
    after = ended.fillna(pd.Timestamp.min.as_unit("us"))
    own = pd.DataFrame({"key": lookup_keys(rows["item"]).where(is_source), "after": after, "at": rows.index})
    next_start = own.merge(starts, on="key").query("valid_from > after").groupby("at")["valid_from"].min()
    day = pd.Timedelta(days=1)
    return {"valid_from": ended + day, "valid_to": pd.to_datetime(next_start.reindex(rows.index)) - day}


def escaped(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would calculate, or read as a number or a date."""
    return f"'{text}" if _FORMULA.match(text) or _NUMBER.match(text) else text


def unescaped(text: str) -> str:
    """Take back what `escaped` put before a text."""
    return text.removeprefix("'")
