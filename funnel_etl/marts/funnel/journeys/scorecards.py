"""Score-cards: how representatives convert, and what webinars lead to."""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.values.dates import month_start
from funnel_etl.core.values.text import is_one_of
from funnel_etl.marts.funnel.facts import per
from funnel_etl.marts.funnel.journeys.contracts import EMPLOYEE_SCORECARD, NO_EMPLOYEE, WEBINAR_SCORECARD, Z_95
from funnel_etl.marts.funnel.touches import with_event

MONTH_EMPLOYEE = ["month", "employee"]


def employee_scorecard(attributed_m0: pd.DataFrame, attributed_sales: pd.DataFrame) -> Outcome:
    """Return one row per month and representative with M0 leads or sales. Columns as `mart.employee_scorecard`."""
    bought = attributed_sales[["m0_month", "phone"]].dropna().drop_duplicates()
    bought = bought.rename(columns={"m0_month": "month"}).assign(m0_converted=1)
    leads = attributed_m0[["month", "phone", "attended"]].assign(
        employee=attributed_m0["current_employee"].fillna(NO_EMPLOYEE), m0_leads=1
    )
    leads = leads.merge(bought, on=["month", "phone"], how="left").assign(
        m0_attended=lambda frame: (frame["attended"] == "yes").astype("int64")
    )
    sold = pd.DataFrame(
        {
            "month": month_start(attributed_sales["sold_date"]),
            "employee": attributed_sales["employee"].fillna(NO_EMPLOYEE),
            "sales": 1,
            "revenue_inr": attributed_sales["revenue_inr"],
        }
    )
    counts = ["m0_leads", "m0_attended", "m0_converted", "sales", "revenue_inr"]
    both = pd.concat([leads, sold], ignore_index=True).reindex(columns=[*MONTH_EMPLOYEE, *counts])
    both[counts] = both[counts].astype("Int64")
    rows = both.groupby(MONTH_EMPLOYEE)[counts].sum().reset_index()
    rows = rows.join(wilson(rows["m0_converted"], rows["m0_leads"]))
    inputs = {"mart.attributed_m0": attributed_m0, "mart.attributed_sales": attributed_sales}
    return summarised(rows[EMPLOYEE_SCORECARD.names], **inputs)


def webinar_scorecard(
    webinars: pd.DataFrame,
    zoom_attendance: pd.DataFrame,
    assigned_leads: pd.DataFrame,
    sales: pd.DataFrame,
    attributed_sales: pd.DataFrame,
    as_of: pd.Timestamp,
) -> Outcome:
    """Return one row per occurrence up to `as_of`, and what its attendees did after it. As `mart.webinar_scorecard`."""
    rows = webinars[webinars["event_date"] <= as_of].set_index("occurrence_id", drop=False)
    came = with_event(zoom_attendance[zoom_attendance["attended"].fillna(value=False).astype(bool)], webinars)
    came = came.assign(came_at=came["joined_at"].fillna(came["started_at"]))[["occurrence_id", "phone", "came_at"]]
    came = came[came["phone"].notna() & came["occurrence_id"].isin(rows.index)]
    sold_at = sales.set_index("sale_id")["sold_at"].reindex(attributed_sales["sale_id"]).array
    sold = attributed_sales[["phone", "revenue_inr"]].assign(at=sold_at)
    up_to_now = assigned_leads[assigned_leads["assigned_date"] <= as_of]
    given = up_to_now[["phone"]].assign(at=up_to_now["assigned_at"], revenue_inr=0)
    assigned, bought = _after(came, given), _after(came, sold)
    counted = {
        "assigned_count": assigned.groupby("occurrence_id")["phone"].nunique(),
        "sold_count": bought.groupby("occurrence_id")["phone"].nunique(),
        "revenue_inr": bought.groupby("occurrence_id")["revenue_inr"].sum(),
    }
    for name, values in counted.items():
        rows[name] = values.reindex(rows.index).fillna(0).astype("Int64")
    rows["revenue_per_attendee_inr"] = per(rows["revenue_inr"], rows["attended_count"])
    inputs = {"clean.webinars": webinars, "clean.zoom_attendance": zoom_attendance, "mart.attributed_sales": sold}
    return summarised(rows.sort_index()[WEBINAR_SCORECARD.names], **inputs)


def wilson(successes: pd.Series, trials: pd.Series) -> pd.DataFrame:
    """Return conversion_rate and its 95 % Wilson interval, conversion_low and _high; missing without trials."""
    n = trials.astype("float64").where(trials != 0)
    rate = successes.astype("float64") / n
    shrunk = 1 + Z_95**2 / n
    centre = (rate + Z_95**2 / (2 * n)) / shrunk
    reach = Z_95 * np.sqrt(rate * (1 - rate) / n + Z_95**2 / (4 * n**2)) / shrunk
    low, high = (centre - reach).clip(lower=0), (centre + reach).clip(upper=1)
    # At the ends the formula gives 0 and 1 but for rounding.
    low, high = low.mask(successes == 0, n * 0), high.mask(successes == trials, n * 0 + 1)
    return pd.DataFrame({"conversion_rate": rate, "conversion_low": low, "conversion_high": high})


def _after(came: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Pair each attendance with the phone's events at or after it."""
    events = events[is_one_of(events["phone"], came["phone"])]
    pairs = came[is_one_of(came["phone"], events["phone"])].merge(events, on="phone")
    return pairs[pairs["at"] >= pairs["came_at"]]
