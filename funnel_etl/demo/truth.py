"""The planted truth: worked out from what was planted, never from the files, and written as CSV beside them.

Column `broken`: the lines (source:line) that were made unusable on purpose and on which a row hangs.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from funnel_etl.demo.campaigns import Leads
from funnel_etl.demo.config import Window
from funnel_etl.demo.crm import Crm
from funnel_etl.demo.sheet import Sheet
from funnel_etl.demo.spend import Spend
from funnel_etl.demo.zoom_events import Zoom

STAGES = ("lead", "registration", "attendance", "assignment")
_STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass
class Truth:
    """What was planted, as tables by name (the CSV files of `folder`). All values are text."""

    folder: Path
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return one table."""
        return self.tables[name]

    def write(self) -> None:
        """Write the tables."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, table in self.tables.items():
            table.to_csv(self.folder / f"{name}.csv", index=False, lineterminator="\n")


def read_truth(folder: Path) -> Truth:
    """Read a written truth back."""
    files = sorted(folder.glob("*.csv"))
    return Truth(folder, {f.stem: pd.read_csv(f, dtype="str", keep_default_na=False) for f in files})


def work_out(
    folder: Path,
    people: pd.DataFrame,
    leads: Leads,
    zoom: Zoom,
    assigned: Crm,
    sales: Crm,
    spend: Spend,
    window: Window,
) -> Truth:
    """Work out what a faultless night must find."""
    _lend_phones(zoom, leads)
    sheets: list[Sheet] = [leads.sheet, assigned.sheet, sales.sheet, spend.sheet]
    attendance = _attendance(zoom, window)
    truth = Truth(folder)
    truth.tables = {
        "people": people[["name", "phone", "email"]].rename_axis("person").reset_index(),
        "phones": _phones(leads),
        "first_leads": _first_leads(leads),
        "first_touch": _first_touch(leads, zoom, assigned, sales, window),
        "m0": _m0(assigned, attendance, window),
        "final_funnels": _final_funnels(sales, window),
        "spend": _spend(spend, window),
        "attendance": attendance,
        "unusable": _unusable(sheets),
        "files": pd.DataFrame([(s.source, s.name, s.file_id) for s in sheets], columns=["source", "name", "file_id"]),
    }
    return truth


def _unusable(sheets: list[Sheet]) -> pd.DataFrame:
    """List the rows planted for quarantine: source, line, reason."""
    parts = [s.written[~s.written["reason"].isin(["", "blank_row"])].assign(source=s.source) for s in sheets]
    return pd.concat(parts, ignore_index=True)[["source", "line", "reason"]]


def _lines(sheet: Sheet) -> pd.Series:
    """Return the lines of each item, joined by blanks."""
    own = sheet.written[sheet.written["item"] >= 0].sort_values("line")
    return own["line"].astype("str").groupby(own["item"]).agg(" ".join)


def _broken(sheet: Sheet, count: int) -> pd.Series:
    """Give, for each of `count` items, the broken line it depends on ("" for most)."""
    bad = sheet.written[(sheet.written["item"] >= 0) & (sheet.written["reason"] != "")]
    named = (sheet.source + ":" + bad["line"].astype("str")).set_axis(bad["item"])
    return named.reindex(range(count)).fillna("").astype("str")


def _joined(texts: pd.Series, keys: pd.Series) -> pd.Series:
    """Join the broken lines of each key."""
    some = texts != ""
    return texts[some].groupby(keys[some]).agg(" ".join)


def _phones(leads: Leads) -> pd.DataFrame:
    """One row per submission: its lines, the phone that can be had, its class."""
    facts = leads.facts
    return pd.DataFrame(
        {
            "lines": _lines(leads.sheet).reindex(facts.index),
            "phone": facts["phone"],
            "phone_class": facts["phone_class"],
            "broken": _broken(leads.sheet, len(facts)),
        }
    )


def _first_leads(leads: Leads) -> pd.DataFrame:
    """One row per person key: the lines of its earliest submission."""
    first = leads.facts["is_first"]
    return _phones(leads)[["lines", "broken"]][first].assign(funnel=leads.facts["funnel"][first])


def _touches(leads: Leads, zoom: Zoom, assigned: Crm, window: Window) -> pd.DataFrame:
    """One row per touch of a phone: phone, at, stage (number), funnel, broken."""
    tags = pd.Series([e.tag for e in zoom.events], dtype="str")
    registered = [e.layout != "registration_off" for e in zoom.events]
    rows = zoom.rows.assign(funnel=tags.reindex(zoom.rows["event"]).to_numpy(), broken="")
    here = pd.Series(registered).reindex(rows["event"]).to_numpy(dtype=bool)
    joined = zoom.segments.groupby("row")["joined"].min().rename("at")
    came = rows.join(joined, how="inner")
    parts = [
        leads.facts.rename(columns={"created": "at"}).assign(broken=_broken(leads.sheet, len(leads.facts)), stage=0),
        rows[here].rename(columns={"registered": "at"}).assign(stage=1),
        came.assign(stage=2),
        assigned.facts.rename(columns={"assigned": "at"}).assign(
            broken=_broken(assigned.sheet, len(assigned.facts)), stage=3
        ),
    ]
    touches = pd.concat([part[["phone", "at", "stage", "funnel", "broken"]] for part in parts], ignore_index=True)
    return touches[(touches["phone"] != "") & (touches["at"] < window.close)]


def _first_touch(leads: Leads, zoom: Zoom, assigned: Crm, sales: Crm, window: Window) -> pd.DataFrame:
    """One row per counted sale up to `as_of`: when, by what and through which funnel its phone was first touched."""
    touches = _touches(leads, zoom, assigned, window).sort_values(["at", "stage"], kind="stable")
    first = touches.drop_duplicates("phone").set_index("phone")
    broken = _joined(touches["broken"], touches["phone"])
    sold = _counted(sales, window)
    of_sale = first.reindex(sold["phone"])
    stages = of_sale["stage"].map(dict(enumerate(STAGES))).fillna("")
    return pd.DataFrame(
        {
            "sale_id": sold["sale_id"].to_numpy(),
            "first_touch_at": of_sale["at"].dt.strftime(_STAMP).fillna("").to_numpy(),
            "first_touch_stage": stages.to_numpy(),
            "first_touch_funnel": of_sale["funnel"].fillna("").to_numpy(),
            "broken": [
                " ".join(x for x in pair if x)
                for pair in zip(broken.reindex(sold["phone"]).fillna(""), sold["broken"], strict=True)
            ],
        }
    )


def _counted(sales: Crm, window: Window) -> pd.DataFrame:
    facts = sales.facts.assign(broken=_broken(sales.sheet, len(sales.facts)))
    return facts[facts["is_counted"] & (facts["sold"] < window.close)]


def _final_funnels(sales: Crm, window: Window) -> pd.DataFrame:
    """One row per counted sale up to `as_of`."""
    return _counted(sales, window)[["sale_id", "final_funnel", "broken"]]


def buyers(sales: Crm, window: Window) -> pd.DataFrame:
    """Return the phones of counted sales whose lines can be read."""
    counted = _counted(sales, window)
    return pd.DataFrame({"phone": sorted(counted.loc[counted["broken"] == "", "phone"].unique())})


def _m0(assigned: Crm, attendance: pd.DataFrame, window: Window) -> pd.DataFrame:
    """One row per month and phone: first source, funnel and employee, current employee, attended."""
    written = assigned.sheet.written
    place = written[written["item"] >= 0].groupby("item")["line"].agg(["min", "max"])
    facts = assigned.facts.assign(
        first_line=place["min"], last_line=place["max"], broken=_broken(assigned.sheet, len(assigned.facts))
    )
    facts = facts[(facts["phone"] != "") & (facts["assigned"] < window.close)]
    facts = facts.assign(month=facts["assigned"].dt.strftime("%Y-%m-01"))
    key = ["month", "phone"]
    first = facts.sort_values(["assigned", "first_line"]).drop_duplicates(key).set_index(key)
    last = facts.sort_values(["assigned", "last_line"]).drop_duplicates(key, keep="last").set_index(key)
    marked = facts.set_index(key)["broken"]
    broken = marked[marked != ""].groupby(level=key).agg(" ".join)
    table = first[["source", "funnel"]].assign(
        first_employee=first["employee"],
        current_employee=last["employee"],
        broken=broken.reindex(first.index).fillna(""),
    )
    came = attendance.groupby("person_key")["attended"].max().map({"yes": "yes", "no": "no"})
    attended = came.reindex(table.index.get_level_values("phone")).fillna("not_found")
    return table.assign(attended=attended.to_numpy()).sort_index().reset_index()


def _lend_phones(zoom: Zoom, leads: Leads) -> None:
    """Return the phones that the campaign sheet has for people without one in Zoom, by e-mail: `by_lead`."""
    facts = leads.facts
    usable = facts[(facts["phone"] != "") & (facts["email"] != "") & (_broken(leads.sheet, len(facts)) == "")]
    pairs = usable[["email", "phone"]].drop_duplicates().drop_duplicates("email", keep=False)
    lent = zoom.rows["email"].map(pairs.set_index("email")["phone"]).fillna("")
    own = zoom.rows["phone"]
    zoom.rows["by_lead"] = (own == "") & (lent != "")
    zoom.rows["phone"] = own.where(own != "", lent)


def _attendance(zoom: Zoom, window: Window) -> pd.DataFrame:
    """One row per person and occurrence up to `as_of`: attended (yes/no), minutes_union ("": unusable times), by_lead.

    `by_lead` (yes/no): the phone is only that of a campaign lead with the same e-mail.
    """
    shown = pd.Series([e.has_attendee and e.start < window.close for e in zoom.events])
    rows = zoom.rows[shown.reindex(zoom.rows["event"]).to_numpy(dtype=bool)]
    keys = rows["phone"].where(rows["phone"] != "", "email:" + rows["email"])
    keyed = rows.assign(person_key=keys, bad=rows["times"] != "good")
    segments = zoom.segments.join(keyed[["event", "person_key"]], on="row", how="inner")
    minutes = _union_minutes(segments[segments["joined"] < segments["left"]])
    people = keyed.groupby(["event", "person_key"]).agg({"came": "max", "bad": "max", "by_lead": "min"})
    known = minutes.reindex(people.index).fillna(0).astype("int64").astype("str")
    events = people.index.get_level_values("event")
    return pd.DataFrame(
        {
            "webinar_id": [zoom.events[e].webinar_id for e in events],
            "started_at": [zoom.events[e].start.strftime(_STAMP) for e in events],
            "person_key": people.index.get_level_values("person_key"),
            "attended": np.where(people["came"], "yes", "no"),
            "minutes_union": known.mask(people["came"] & people["bad"], "").to_numpy(),
            "by_lead": np.where(people["by_lead"], "yes", "no"),
            "broken": "",
        }
    )


def _union_minutes(segments: pd.DataFrame) -> pd.Series:
    """Return the whole minutes, rounded up, in which a person was there with at least one device."""
    key = ["event", "person_key"]
    ordered = segments.sort_values([*key, "joined"], kind="stable")
    reached = ordered.groupby(key)["left"].cummax()
    before = reached.groupby([ordered[k] for k in key]).shift()
    start = ordered["joined"].where(before.isna() | (before < ordered["joined"]), before)
    seconds = (ordered["left"] - start).dt.total_seconds().clip(lower=0)
    total = seconds.groupby([ordered[k] for k in key]).sum()
    return -(-total.astype("int64") // 60)


def _spend(spend: Spend, window: Window) -> pd.DataFrame:
    """One row per month and funnel: paise spent up to `as_of`, and how much of it is on broken lines."""
    facts = spend.facts.assign(broken=_broken(spend.sheet, len(spend.facts)))
    facts = facts[facts["day"] < window.close]
    facts = facts.assign(
        month=facts["day"].dt.strftime("%Y-%m-01"), broken_paise=facts["paise"].where(facts["broken"] != "", 0)
    )
    key = ["month", "funnel"]
    sums = facts.groupby(key)[["paise", "broken_paise"]].sum()
    marked = facts.set_index(key)["broken"]
    broken = marked[marked != ""].groupby(level=key).agg(" ".join)
    return sums.assign(broken=broken.reindex(sums.index).fillna("")).reset_index()
