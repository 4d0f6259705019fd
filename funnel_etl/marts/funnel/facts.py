"""The facts: additive measures by day and funnel; a month's sums, people and rates. Rule: Days in funnel_facts."""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.values.dates import month_start
from funnel_etl.marts.funnel.contracts import DISTINCT, FUNNEL_FACTS, MEASURES, RATES, UNIT_COSTS


def spend_by_funnel(ad_spend: pd.DataFrame, as_of: pd.Timestamp) -> Outcome:
    """Return one row per month and funnel with ad spend up to `as_of`; a blank cost adds nothing."""
    rows = ad_spend[ad_spend["spend_date"] <= as_of]
    rows = rows.assign(month=month_start(rows["spend_date"]), spend_inr=rows["cost_inr"])
    sums = rows.groupby(["month", "funnel"])[["spend_inr", "impressions", "clicks"]].sum().reset_index()
    return summarised(sums, **{"clean.ad_spend": ad_spend})


def funnel_facts(
    tofu_leads: pd.DataFrame,
    zoom_registrations: pd.DataFrame,
    zoom_attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    assigned_leads: pd.DataFrame,
    attributed_m0: pd.DataFrame,
    attributed_sales: pd.DataFrame,
    ad_spend: pd.DataFrame,
    as_of: pd.Timestamp,
) -> Outcome:
    """Return one row per day up to `as_of` and funnel on which something happened. Columns as `mart.funnel_facts`."""
    parts = [
        counted_leads(tofu_leads),
        counted_registrations(zoom_registrations, webinars),
        counted_attendances(zoom_attendance, webinars),
        counted_assignments(assigned_leads),
        counted_m0(attributed_m0),
        counted_sales(attributed_sales),
        counted_spend(ad_spend),
    ]
    events = pd.concat([part for part in parts if len(part)] or [FUNNEL_FACTS.empty()], ignore_index=True)
    events = events.reindex(columns=["date", "funnel", *MEASURES])
    events[[*MEASURES]] = events[[*MEASURES]].astype("Int64")
    facts = events[events["date"] <= as_of].groupby(["date", "funnel"])[[*MEASURES]].sum().reset_index()
    facts = facts[(facts[[*MEASURES]] != 0).any(axis="columns")]
    inputs = {
        "clean.tofu_leads": tofu_leads,
        "clean.zoom_registrations": zoom_registrations,
        "clean.zoom_attendance": zoom_attendance,
        "clean.assigned_leads": assigned_leads,
        "mart.attributed_m0": attributed_m0,
        "mart.attributed_sales": attributed_sales,
        "clean.ad_spend": ad_spend,
    }
    return summarised(facts, **inputs)


def counted_leads(tofu_leads: pd.DataFrame) -> pd.DataFrame:
    """Count leads and new leads by date and funnel, whatever the date; so do the others here, each its own measures."""
    is_first = tofu_leads["is_first_lead"].astype("Int64")
    return _counted(tofu_leads["created_date"], tofu_leads["funnel"], leads=1, new_leads=is_first)


def counted_registrations(zoom_registrations: pd.DataFrame, webinars: pd.DataFrame) -> pd.DataFrame:
    """Count registrations on the day of the webinar."""
    return _counted(_event_day(zoom_registrations, webinars), zoom_registrations["funnel"], registrations=1)


def counted_attendances(zoom_attendance: pd.DataFrame, webinars: pd.DataFrame) -> pd.DataFrame:
    """Count those who came, on the day of the webinar."""
    came = _came(zoom_attendance)
    return _counted(_event_day(came, webinars), came["funnel"], attendances=1)


def counted_assignments(assigned_leads: pd.DataFrame) -> pd.DataFrame:
    """Count rows of assigned leads."""
    return _counted(assigned_leads["assigned_date"], assigned_leads["funnel"], assigned_rows=1)


def counted_m0(attributed_m0: pd.DataFrame) -> pd.DataFrame:
    """Count M0 leads, and those of them who attended."""
    came = (attributed_m0["attended"] == "yes").astype("Int64")
    return _counted(attributed_m0["assigned_date"], attributed_m0["funnel"], m0_assigned=1, m0_attended=came)


def counted_sales(attributed_sales: pd.DataFrame) -> pd.DataFrame:
    """Count sales, and add up their revenue."""
    revenue = attributed_sales["revenue_inr"]
    return _counted(attributed_sales["sold_date"], attributed_sales["final_funnel"], sales=1, revenue_inr=revenue)


def counted_spend(ad_spend: pd.DataFrame) -> pd.DataFrame:
    """Add up costs, impressions and clicks."""
    sums = {name: ad_spend[name] for name in ("impressions", "clicks")}
    return _counted(ad_spend["spend_date"], ad_spend["funnel"], spend_inr=ad_spend["cost_inr"], **sums)


def funnel_monthly(
    facts: pd.DataFrame,
    tofu_leads: pd.DataFrame,
    zoom_registrations: pd.DataFrame,
    zoom_attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    assigned_leads: pd.DataFrame,
    attributed_sales: pd.DataFrame,
    as_of: pd.Timestamp,
) -> Outcome:
    """Return one row per month and funnel: sums of the facts, distinct people, rates. As `mart.funnel_monthly`."""
    sums = facts.assign(month=month_start(facts["date"])).groupby(["month", "funnel"])[[*MEASURES]].sum()
    came = _came(zoom_attendance)
    nameless = tofu_leads[["email", "lead_id"]][tofu_leads["phone"].isna()]
    lead_person = tofu_leads["phone"].fillna(("email:" + nameless["email"]).fillna("row:" + nameless["lead_id"]))
    people = {
        "distinct_leads": (tofu_leads["created_date"], tofu_leads["funnel"], lead_person),
        "distinct_registrants": (
            _event_day(zoom_registrations, webinars),
            zoom_registrations["funnel"],
            zoom_registrations["person_key"],
        ),
        "distinct_attendees": (_event_day(came, webinars), came["funnel"], came["person_key"]),
        "distinct_assigned": (assigned_leads["assigned_date"], assigned_leads["funnel"], assigned_leads["phone"]),
        "distinct_buyers": (attributed_sales["sold_date"], attributed_sales["final_funnel"], attributed_sales["phone"]),
    }
    for name in DISTINCT:
        sums[name] = _distinct(*people[name], as_of).reindex(sums.index).fillna(0).astype("Int64")
    for name, (top, bottom) in RATES.items():
        sums[name] = sums[top].astype("float64") / sums[bottom].astype("float64").where(sums[bottom] != 0)
    for name, (top, bottom) in UNIT_COSTS.items():
        sums[name] = per(sums[top], sums[bottom])
    return summarised(sums.reset_index(), **{"mart.funnel_facts": facts})


def _event_day(rows: pd.DataFrame, webinars: pd.DataFrame) -> pd.Series:
    # Not `map`: with no webinar at all it does not know that the result is a day.
    days = webinars.set_index("occurrence_id")["event_date"]
    return days.reindex(rows["occurrence_id"]).set_axis(rows.index)


def _counted(day: pd.Series, funnel: pd.Series, **measures: pd.Series | int) -> pd.DataFrame:
    rows = pd.DataFrame({"date": day, "funnel": funnel, **measures})
    return rows.groupby(["date", "funnel"], sort=False).sum().reset_index()


def _came(attendance: pd.DataFrame) -> pd.DataFrame:
    came = attendance["attended"].fillna(value=False).astype(bool)
    return attendance[["occurrence_id", "person_key", "funnel"]][came]


def _distinct(day: pd.Series, funnel: pd.Series, person: pd.Series, as_of: pd.Timestamp) -> pd.Series:
    """Count distinct people by month and funnel: each triple as one number, of which the distinct ones are counted."""
    funnels, names = pd.factorize(funnel)
    people = pd.factorize(person)[0]
    known = (day <= as_of).to_numpy() & (people >= 0)
    wide, high = max(len(names), 1), max(len(people), 1)
    months = day.to_numpy()[known].astype("datetime64[M]")
    group = pd.unique((months.astype("int64") * wide + funnels[known]) * high + people[known]) // high
    groups, counts = np.unique(group, return_counts=True)
    month = (groups // wide).astype("datetime64[M]").astype("datetime64[us]")
    return pd.Series(counts, index=pd.MultiIndex.from_arrays([month, names[groups % wide]], names=["month", "funnel"]))


def per(paise: pd.Series, count: pd.Series) -> pd.Series:
    """Divide whole paise by a count, half-up (away from zero), in integers; missing where the count is zero."""
    divisor = count.where(count != 0)
    return ((paise.abs() * 2 + divisor) // (divisor * 2)) * paise.map(lambda p: -1 if p < 0 else 1)
