"""The facts as a replayed night had them, beside those of now: by month and funnel, over the days that night knew.

Read from the files of `funnel-etl replay` and from what is published. Nothing is made here.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.files import storage_error
from funnel_etl.marts.funnel.contracts import FUNNEL_FACTS, MEASURES
from funnel_etl.operate.facts.facts import facts
from funnel_etl.operate.rerun.replay import default_folder, replayable
from funnel_etl.operate.rerun.replay_files import MADE_BY, MANIFEST
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing


@dataclass(frozen=True)
class ThenAndNow:
    """A replayed night beside now.

    `rows`: month, funnel, measure, then, now, difference, of each number that is not 0 on both sides; `not_made`:
    tables that are not in it.
    """

    night: date
    not_made: list[str]
    rows: pd.DataFrame

    @property
    def moved(self) -> pd.DataFrame:
        """The numbers that are others now."""
        return self.rows[self.rows["difference"] != 0]


def nights_to_replay(settings: Settings) -> list[date]:
    """Return the nights whose files are all there, the newest first."""
    return sorted(replayable(Landing(UPath(settings.landing_root))), reverse=True)


def is_replayed(settings: Settings, night: date) -> bool:
    """Return whether a replay of the night lies in the folder that `funnel-etl replay` takes by itself."""
    return bool(_manifest(default_folder(settings, night)))


def then_and_now(settings: Settings, night: date) -> ThenAndNow:
    """Return the facts of a replayed night beside those of now. Raises `FunnelError` where it has no facts."""
    folder = default_folder(settings, night)
    told = _manifest(folder)
    file = folder / f"{FUNNEL_FACTS.full_name}.csv"
    if not file.is_file():
        raise FunnelError(
            f"the night {night} has no facts: a source they follow from was not taken in", fix="look at another night"
        )
    then = pd.read_csv(file, parse_dates=["date"], keep_default_na=False)
    now = facts(settings).daily.assign(date=lambda rows: pd.to_datetime(rows["date"]))
    sides = [_by_month(rows[rows["date"] <= pd.Timestamp(night)]) for rows in (then, now)]
    rows = pd.concat(sides, axis=1, keys=["then", "now"]).fillna(0.0).reset_index()
    rows.columns = pd.Index(["month", "funnel", "measure", "then", "now"])
    rows["difference"] = (rows["now"] - rows["then"]).round(2)
    rows = rows[(rows["then"] != 0) | (rows["now"] != 0)].sort_values(["month", "funnel"], ascending=[False, True])
    return ThenAndNow(night, told["not_made"], rows.reset_index(drop=True))


def remove_replay(settings: Settings, night: date) -> None:
    """Remove the files of a replay: they hold personal data. Raises `StorageUnavailable`."""
    folder = default_folder(settings, night)
    if _manifest(folder):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise storage_error(error, "the replay", str(folder), "remove it by hand") from error


def _by_month(rows: pd.DataFrame) -> "pd.Series[float]":
    months = rows["date"].dt.to_period("M").dt.start_time.dt.date.rename("month")
    values = rows[[*MEASURES]].apply(pd.to_numeric)
    sums = values.groupby([months, rows["funnel"]]).sum().reset_index()
    long = sums.melt(["month", "funnel"], var_name="measure", value_name="value")
    found: pd.Series[float] = long.set_index(["month", "funnel", "measure"])["value"].astype("float64").round(2)
    return found


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) and told.get("made_by") == MADE_BY else {}
