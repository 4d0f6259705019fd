"""How much of the planted truth the published tables hold, and whether quarantine explains every miss."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from funnel_etl.demo.truth import Truth, read_truth

Query = Callable[[str], pd.DataFrame]
COLUMNS = ["what", "planted", "recovered", "share", "missed_in_quarantine"]
_INDIA = "at time zone 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI:SS'"


@dataclass(frozen=True)
class _Quarantine:
    """The lines (source:line) that are in quarantine."""

    lines: frozenset[str]

    def explains(self, broken: pd.Series) -> pd.Series:
        """Return, for each miss, whether it depends on broken lines, and they are all in quarantine."""
        known = {text: bool(text) and set(text.split()) <= self.lines for text in broken.unique()}
        return broken.map(known).astype(bool)


def recovery(truth_folder: Path, query: Query) -> pd.DataFrame:
    """Compare the truth with PostgreSQL: one row per kind of truth, with COLUMNS. Counts are rows; for spend, paise.

    `query` takes SQL and gives a frame. `share` is recovered / planted; what `planted - recovered -
    missed_in_quarantine` leaves, nobody can explain: it must be 0.
    """
    truth = read_truth(truth_folder)
    quarantine = _quarantine(truth, query)
    lines = [
        _line("phones", _phones(truth, query), quarantine),
        _line("first touches", _first_touches(truth, query), quarantine),
        _line("M0", _m0(truth, query), quarantine),
        _line("final funnels", _final_funnels(truth, query), quarantine),
        _spend(truth, query, quarantine),
        _line("attendance", _attendance(truth, query), quarantine),
        _line("phones by e-mail", _phones_by_email(truth, query), quarantine),
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def _quarantine(truth: Truth, query: Query) -> _Quarantine:
    sources = dict(zip(truth["files"]["file_id"], truth["files"]["source"], strict=True))
    rows = query("select distinct file_id::text as file_id, source_row::text as source_row from ops.quarantine")
    mine = rows[rows["file_id"].isin(list(sources))]
    return _Quarantine(frozenset(mine["file_id"].map(sources) + ":" + mine["source_row"]))


def _line(what: str, compared: pd.DataFrame, quarantine: _Quarantine) -> list[object]:
    """Sum up a comparison: a frame with `found` (boolean) and `broken`."""
    missed = compared[~compared["found"]]
    return _summary(what, len(compared), int(compared["found"].sum()), int(quarantine.explains(missed["broken"]).sum()))


def _summary(what: str, planted: int, recovered: int, explained: int) -> list[object]:
    return [what, planted, recovered, recovered / planted if planted else 1.0, explained]


def _found(planted: pd.DataFrame, actual: pd.DataFrame, key: list[str], columns: list[str]) -> pd.DataFrame:
    """Look every planted row up by its key and compare the columns as text; NULL is ""."""
    right = actual.fillna("").astype("str").drop_duplicates(key).set_index(key)
    left = planted.set_index(key)
    aligned = right.reindex(left.index)
    same = (aligned[columns] == left[columns]).all(axis=1)
    return pd.DataFrame({"found": same.to_numpy(dtype=bool), "broken": left["broken"].to_numpy()})


def _by_line(planted: pd.DataFrame) -> pd.DataFrame:
    """Return a row per line on which a planted row may have survived: exact repeats are merged into one of theirs."""
    spread = planted.assign(source_row=planted["lines"].str.split(" ")).explode("source_row")
    return spread.reset_index(names="item")


def _lead_rows(truth: Truth, query: Query, columns: str) -> pd.DataFrame:
    files = truth["files"]
    file_id = files.loc[files["source"] == "tofu_leads", "file_id"].iloc[0]
    rows = query(f"select file_id::text as file_id, source_row::text as source_row, {columns} from clean.tofu_leads")  # noqa: S608
    own: pd.DataFrame = rows[rows["file_id"] == file_id].drop(columns="file_id")
    return own


def _any_line(spread: pd.DataFrame, compared: pd.DataFrame) -> pd.DataFrame:
    """Count a planted row as found when it was found on any of its lines."""
    grouped = compared.assign(item=spread["item"].to_numpy()).groupby("item")
    return pd.DataFrame({"found": grouped["found"].max(), "broken": grouped["broken"].first()})


def _phones(truth: Truth, query: Query) -> pd.DataFrame:
    actual = _lead_rows(truth, query, "phone, phone_class")
    spread = _by_line(truth["phones"])
    return _any_line(spread, _found(spread, actual, ["source_row"], ["phone", "phone_class"]))


def _first_touches(truth: Truth, query: Query) -> pd.DataFrame:
    """Compare the first submission of each person, and the first touch of each sale."""
    actual = _lead_rows(truth, query, "funnel, case when is_first_lead then 'yes' else 'no' end as is_first")
    spread = _by_line(truth["first_leads"]).assign(is_first="yes")
    leads = _any_line(spread, _found(spread, actual, ["source_row"], ["funnel", "is_first"]))
    sales = query(
        f"select sale_id, to_char(first_touch_at {_INDIA}) as first_touch_at, first_touch_stage, first_touch_funnel"  # noqa: S608
        " from mart.attributed_sales"
    )
    columns = ["first_touch_at", "first_touch_stage", "first_touch_funnel"]
    return pd.concat([leads, _found(truth["first_touch"], sales, ["sale_id"], columns)], ignore_index=True)


def _m0(truth: Truth, query: Query) -> pd.DataFrame:
    actual = query(
        "select to_char(month, 'YYYY-MM-DD') as month, phone, nullif(source, '(no source)') as source, funnel,"
        " first_employee, current_employee from mart.attributed_m0"
    )
    return _found(truth["m0"], actual, ["month", "phone"], ["source", "funnel", "first_employee", "current_employee"])


def _final_funnels(truth: Truth, query: Query) -> pd.DataFrame:
    actual = query("select sale_id, final_funnel from mart.attributed_sales")
    return _found(truth["final_funnels"], actual, ["sale_id"], ["final_funnel"])


def _spend(truth: Truth, query: Query, quarantine: _Quarantine) -> list[object]:
    """Compare in paise, cell by cell; a difference is explained when it is exactly what the quarantined lines cost."""
    actual = query(
        "select to_char(month, 'YYYY-MM-DD') as month, funnel, (spend_inr * 100)::bigint::text as paise"
        " from mart.spend_by_funnel"
    )
    key = ["month", "funnel"]
    planted = truth["spend"].set_index(key)
    paise, broken_paise = planted["paise"].astype("int64"), planted["broken_paise"].astype("int64")
    found = actual.fillna("0").set_index(key)["paise"].astype("int64")
    every = planted.index.union(found.index)
    difference = paise.reindex(every, fill_value=0) - found.reindex(every, fill_value=0)
    explained = quarantine.explains(planted["broken"]) & (difference.reindex(planted.index) == broken_paise)
    missed = int(difference.abs().sum())
    return _summary(
        "spend (paise)", int(paise.sum()), int(paise.sum()) - missed, int(broken_paise[explained].abs().sum())
    )


def _phones_by_email(truth: Truth, query: Query) -> pd.DataFrame:
    """Compare the people of each occurrence whose phone only a campaign lead has."""
    actual = query(
        "select a.webinar_id, a.person_key, case when a.phone_source = 'lead' then 'yes' end as by_lead,"  # noqa: S608
        f" to_char(w.started_at {_INDIA}) as started_at"
        " from clean.zoom_attendance a join clean.webinars w using (occurrence_id)"
    )
    planted = truth["attendance"]
    return _found(planted[planted["by_lead"] == "yes"], actual, ["webinar_id", "started_at", "person_key"], ["by_lead"])


def _attendance(truth: Truth, query: Query) -> pd.DataFrame:
    """Compare each person of each occurrence (attended, minutes), and `attended` of M0."""
    actual = query(
        "select a.webinar_id, a.person_key, case when a.attended then 'yes' else 'no' end as attended,"  # noqa: S608
        f" a.minutes_union::text as minutes_union, to_char(w.started_at {_INDIA}) as started_at"
        " from clean.zoom_attendance a join clean.webinars w using (occurrence_id)"
    )
    key = ["webinar_id", "started_at", "person_key"]
    planted = truth["attendance"]
    timed = planted["minutes_union"] != ""
    parts = [
        _found(planted[timed], actual, key, ["attended", "minutes_union"]),
        _found(planted[~timed], actual, key, ["attended"]),
    ]
    m0 = query("select to_char(month, 'YYYY-MM-DD') as month, phone, attended from mart.attributed_m0")
    return pd.concat([*parts, _found(truth["m0"], m0, ["month", "phone"], ["attended"])], ignore_index=True)
