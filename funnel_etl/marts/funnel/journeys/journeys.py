"""Journeys: the first of everything a phone did, how far it came, and how long it took. Rule: First touch."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.core.tables.accounting import TRACE, Outcome, summarised
from funnel_etl.core.values.dates import month_start
from funnel_etl.marts.funnel.contracts import STAGES
from funnel_etl.marts.funnel.journeys.contracts import FIRSTS, LEAD_JOURNEY, REACHED, STEPS
from funnel_etl.marts.funnel.touches import with_event

Ints = npt.NDArray[np.int64]
FIRST_COLUMNS = ["at", "date", "source", "funnel"]
"""What a journey tells of each first event."""


def lead_journey(
    touches: pd.DataFrame,
    zoom_registrations: pd.DataFrame,
    webinars: pd.DataFrame,
    assigned_leads: pd.DataFrame,
    sales: pd.DataFrame,
    as_of: pd.Timestamp,
) -> Outcome:
    """Return one row per phone with any event or counted sale up to `as_of`. Columns as `mart.lead_journey`."""
    counted = sales[sales["is_counted"] & (sales["sold_date"] <= as_of) & sales["phone"].notna()]
    untimed = _registered_at_no_time(zoom_registrations, webinars, as_of)
    parts = [_events(touches, assigned_leads), _sold(counted), untimed]
    events = pd.concat([part.drop(columns=TRACE) for part in parts], ignore_index=True)
    code, phones = pd.factorize(events["phone"], sort=True)
    stage_code, stages = pd.factorize(events["stage"])
    rank = np.array([REACHED.index(stage) for stage in stages], dtype="int64")[stage_code]

    rows = pd.DataFrame({"phone": phones.astype("str")})
    rows["user_id"] = ("91" + rows["phone"]).where(~rows["phone"].str.startswith("+"), rows["phone"].str[1:])
    has_time = events["at"].notna().to_numpy()
    days: dict[str, pd.Series] = {}
    for place, stage in enumerate(REACHED):
        first = _first(events[FIRST_COLUMNS], code, (rank == place) & has_time, len(rows))
        days[stage] = first["date"]
        rows = rows.join(first[["at", "source", "funnel"]].add_prefix(f"{FIRSTS[stage]}_"))
        if stage == "assignment":
            rows["first_assigned_employee"] = _first(events[["employee"]], code, rank == place, len(rows))["employee"]
    this_month = (rank == REACHED.index("assignment")) & (month_start(events["date"]) == _month(as_of)).to_numpy()
    m0 = _first(events[FIRST_COLUMNS], code, this_month, len(rows))
    rows = rows.join(m0[["at", "source", "funnel"]].add_prefix("m0_first_"))
    is_touch = rank < REACHED.index("sale")
    first_touch = _places(code, is_touch & has_time, len(rows))
    touch = events[[*FIRST_COLUMNS, "stage"]].reindex(first_touch).reset_index(drop=True)
    touched = touch[["at", "stage", "source", "funnel"]].add_prefix("first_touch_")
    anything = _places(code, np.ones_like(has_time), len(rows))
    rows = rows.join(touched).join(_lines(parts, np.where(first_touch < 0, anything, first_touch)))

    furthest = np.zeros(len(rows), dtype="int64")
    np.maximum.at(furthest, code, rank)
    rows["stage_reached"] = np.array(REACHED)[furthest]
    days["first_touch"] = touch["date"]
    for name, (start, end) in STEPS.items():
        rows[name] = (days[end] - days[start]).dt.days.astype("Int64")
    rows["sales"] = np.bincount(code[~is_touch], minlength=len(rows))
    rows["revenue_inr"] = counted.groupby("phone")["revenue_inr"].sum().reindex(rows["phone"]).fillna(0).to_numpy()
    inputs = {
        "mart.touches": touches,
        "clean.zoom_registrations": zoom_registrations,
        "clean.assigned_leads": assigned_leads,
        "clean.sales": sales,
    }
    return summarised(rows[LEAD_JOURNEY.names], **inputs)


def _events(touches: pd.DataFrame, assigned_leads: pd.DataFrame) -> pd.DataFrame:
    """Return the touches with the representative of each assignment, in their order."""
    employees = assigned_leads.set_index(["file_id", "source_row"])["employee"]
    is_assignment = (touches["stage"] == STAGES[-1]).to_numpy()
    lines = pd.MultiIndex.from_frame(touches.loc[is_assignment, ["file_id", "source_row"]])
    employee = pd.Series(None, index=touches.index, dtype="str")
    employee[is_assignment] = employees.reindex(lines).to_numpy()
    return touches.rename(columns={"touch_at": "at", "touch_date": "date"}).assign(employee=employee)


def _sold(counted: pd.DataFrame) -> pd.DataFrame:
    ordered = counted.sort_values("sold_at", kind="stable")
    named = ordered[["phone", "source", "final_funnel", "sold_at", "sold_date", "file_id", "source_row"]]
    named = named.rename(columns={"final_funnel": "funnel", "sold_at": "at", "sold_date": "date"})
    return named.assign(stage="sale", employee=ordered["employee_name"])


def _registered_at_no_time(registrations: pd.DataFrame, webinars: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the registrations whose report does not say when: they count for the stage reached, by the event's day."""
    rows = with_event(registrations[registrations["registered_at"].isna()], webinars)
    rows = rows[rows["phone"].notna() & (rows["event_date"] <= as_of)]
    named = rows[["phone", "funnel", "file_id", "source_row"]]
    missing = pd.to_datetime(pd.Series(pd.NaT, index=rows.index), utc=True).dt.as_unit("us")
    return named.assign(stage="registration", source=rows["registration_source"], at=missing, date=rows["event_date"])


def _first(events: pd.DataFrame, code: Ints, wanted: npt.NDArray[np.bool_], count: int) -> pd.DataFrame:
    """Return the first wanted event of each phone in the order of `events`; missing where there is none."""
    return events.reindex(_places(code, wanted, count)).reset_index(drop=True)


def _places(code: Ints, wanted: npt.NDArray[np.bool_], count: int) -> Ints:
    """Return where the first wanted event of each phone stands; -1 where there is none."""
    places = np.flatnonzero(wanted)[::-1]
    first = np.full(count, -1)
    first[code[places]] = places  # of equal codes the one assigned last stays: the earliest
    return first


def _lines(parts: list[pd.DataFrame], places: Ints) -> pd.DataFrame:
    """Return file and line of the events at `places` of the parts, one after the other: of all it is a lot of text."""
    starts = np.cumsum([0, *map(len, parts)])
    which = np.searchsorted(starts, places, side="right") - 1
    found = [part[TRACE].iloc[places[which == at] - starts[at]] for at, part in enumerate(parts)]
    order = np.argsort(np.concatenate([np.flatnonzero(which == at) for at in range(len(parts))]))
    lines: pd.DataFrame = pd.concat(found, ignore_index=True).iloc[order].reset_index(drop=True)
    return lines


def _month(day: pd.Timestamp) -> pd.Timestamp:
    return day.replace(day=1)
