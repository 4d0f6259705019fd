"""Sales lead: who converts, which sales no lead led to, what was not handed over, whom to call first."""

import altair as alt
import pandas as pd
import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.acting import may_see
from funnel_etl.app.tables import Shown, file_button, file_title, month, own_rows, percent, table, whole_rupees
from funnel_etl.app.visit import Page, Visit
from funnel_etl.core.values.numbers import grouped
from funnel_etl.operate.sales.sales import GAPS, WHY_UNMATCHED, SalesView, conversion, sales_view

ROLES = frozenset({Role.SALES, Role.ANALYST, Role.ENGINEER})
MONTHS = {"The newest month": 1, "The last three months": 3, "All months": 0}
EVERYBODY = "Everybody"
BAR = 24
"""Height of a bar in the chart."""
_INTERVAL = "Where the true rate lies, 19 times of 20. With few leads it is wide."
CONVERSION = {
    "m0_leads": Shown("Leads", grouped, "Persons assigned in the month, each once."),
    "m0_attended": Shown("Attended", grouped),
    "m0_converted": Shown("Converted", grouped, "Those with a counted sale, whoever sold."),
    "rate": Shown("Conversion", percent),
    "low": Shown("From", percent, _INTERVAL),
    "high": Shown("To", percent, _INTERVAL),
    "sales": Shown("Sales", grouped, "Counted sales they made, of whatever lead."),
    "revenue_inr": Shown("Revenue", whole_rupees),
}
UNMATCHED = {
    "sold_date": Shown("Sold", words.day),
    "sale_id": Shown("Sale"),
    "employee": Shown("Representative"),
    "final_funnel": Shown("Funnel"),
    "revenue_inr": Shown("Revenue", whole_rupees),
    "why": Shown("Why", WHY_UNMATCHED.__getitem__, width=380),
    "file": Shown("File", file_title),
    "line": Shown("Line", grouped),
}
GAP = {
    "since_date": Shown("Since", words.day),
    "age_days": Shown("Days", grouped),
    "employee": Shown("Representative", about="Whom the person is assigned to; empty: nobody."),
    "phone": Shown("Phone"),
    "topic": Shown("Webinar"),
    "file": Shown("File", file_title),
    "line": Shown("Line", grouped),
}
CALL = {
    "place": Shown("No.", grouped),
    "name": Shown("Name"),
    "phone": Shown("Phone"),
    "tier": Shown("Tier"),
    "score": Shown("Score", grouped),
    "questions": Shown("Questions", grouped),
    "reason": Shown("Why now", width=320),
    "topic": Shown("Webinar"),
    "event_date": Shown("Day", words.day),
}


def show(visit: Visit) -> None:
    """Show the state in a sentence, then the four questions of a sales lead."""
    st.title("Sales")
    if not may_see(visit, ROLES):
        return
    found = sales_view(visit.settings)
    gaps, calls = (own_rows(visit.person, rows) for rows in (found.gaps, found.calls))
    st.write(_state(found, calls))
    tabs = st.tabs(["Conversion", "Whom to call", "Not handed over", "Sales without a lead"])
    with tabs[0]:
        _conversion(found.scores)
    with tabs[1]:
        _calls(visit, calls, found.calls.empty)
    with tabs[2]:
        _gaps(visit, gaps)
    with tabs[3]:
        _unmatched(visit, found.unmatched)


def _state(found: SalesView, calls: pd.DataFrame) -> str:
    waiting = int(found.gaps["gap_kind"].eq("attended_not_assigned").sum())
    return (
        f"Complete through {words.day(found.last_day)}: {grouped(len(calls))} people to call first, "
        f"{grouped(waiting)} attended and were never assigned, "
        f"{grouped(len(found.unmatched))} sales have no assigned lead before them."
    )


def _conversion(scores: pd.DataFrame) -> None:
    if scores.empty:
        st.info("No lead was assigned and nothing was sold so far.")
        return
    left, right = st.columns(2)
    period = left.selectbox("Months", list(MONTHS), index=1)
    by = right.radio("By", ["Representative", "Team"], horizontal=True)
    name = "employee" if by == "Representative" else "team"
    months = sorted(scores["month"].unique())[-MONTHS[period] :]
    rows = conversion(scores[scores["month"].isin(months)], name)
    leads, converted = int(rows["m0_leads"].sum()), int(rows["m0_converted"].sum())
    for column, (title, value) in zip(
        st.columns(4),
        {
            "Leads": grouped(leads),
            "Converted": grouped(converted),
            "Conversion": percent(converted / leads) if leads else "none yet",
            "Revenue": whole_rupees(rows["revenue_inr"].sum()),
        }.items(),
        strict=True,
    ):
        column.metric(title, value)
    if leads:
        st.altair_chart(_chart(rows[rows["m0_leads"] > 0], name, by, converted / leads))
        st.caption(
            "A dot is the share of leads with a sale, its line the 95 % interval. Where lines overlap, the difference "
            "may be chance. Dashed: all together."
        )
    st.caption(f"{month(months[0])} to {month(months[-1])}. A lead counts for whom it is assigned to now.")
    columns = {name: Shown(by)} | ({"team": Shown("Team")} if name == "employee" else {}) | CONVERSION
    table(rows, columns, f"conversion_{name}")


def _chart(rows: pd.DataFrame, name: str, title: str, overall: float) -> alt.LayerChart | alt.FacetChart:
    data = rows[[name, "rate", "low", "high"]].astype({"rate": "float64", "low": "float64", "high": "float64"})
    sizes = {"height": alt.Step(BAR), "width": "container"}
    y = alt.Y(f"{name}:N", sort=data[name].tolist(), title=None, axis=alt.Axis(labelLimit=160))
    shares = {"rate": "Conversion", "low": "From", "high": "To"}
    hints = [alt.Tooltip(f"{of}:Q", title=says, format=".1%") for of, says in shares.items()]
    hints.insert(0, alt.Tooltip(f"{name}:N", title=title))
    base = alt.Chart(data).encode(y=y, tooltip=hints)
    axis = alt.Axis(format=".0%", title="Conversion", tickCount=6)
    lines = base.mark_rule(strokeWidth=3, opacity=0.5).encode(x=alt.X("low:Q", axis=axis), x2="high:Q")
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(x="rate:Q")
    all_of = alt.Chart(pd.DataFrame({"rate": [overall]})).mark_rule(strokeDash=[4, 4]).encode(x="rate:Q")
    return alt.layer(all_of, lines, dots).properties(**sizes)


def _calls(visit: Visit, calls: pd.DataFrame, is_none: bool) -> None:
    if calls.empty:
        st.info(
            "There is no list yet: it needs a scored webinar of the last two weeks."
            if is_none
            else "None of your own webinars has somebody to call just now."
        )
        return
    names = [EVERYBODY, *calls["employee"].unique()]
    chosen = st.selectbox("Representative", names)
    rows = calls if chosen == EVERYBODY else calls[calls["employee"] == chosen]
    columns = ({"employee": Shown("Representative")} if chosen == EVERYBODY else {}) | CALL
    st.write(f"{grouped(len(rows))} people, in the order in which to call them. Who bought is not on it.")
    table(rows, columns, "calls")
    file_button(visit, "Call list as a file", "call_list.csv", rows[["employee", *CALL]], f"of {chosen}")


def _gaps(visit: Visit, gaps: pd.DataFrame) -> None:
    if gaps.empty:
        st.info("Everybody who attended is assigned, and everybody assigned attended.")
        return
    counts = gaps["gap_kind"].value_counts()
    for column, (kind, (title, _)) in zip(st.columns(len(GAPS)), GAPS.items(), strict=True):
        column.metric(title, grouped(counts.get(kind, 0)))
    left, right = st.columns(2)
    kind = left.selectbox("Which", list(GAPS), format_func=lambda name: GAPS[name][0])
    rows = gaps[gaps["gap_kind"] == kind]
    names = [EVERYBODY, *sorted(rows["employee"].dropna().unique(), key=str.casefold)]
    chosen = right.selectbox("Representative", names, key=f"gaps_of_{kind}", disabled=len(names) == 1)
    rows = rows if chosen == EVERYBODY else rows[rows["employee"] == chosen]
    st.write(f"{grouped(len(rows))} people. {GAPS[kind][1]}")
    table(rows, GAP, f"gaps_{kind}")
    file_button(visit, "All of them as a file", f"{kind}.csv", rows[list(GAP)], f"of {chosen}")


def _unmatched(visit: Visit, sales: pd.DataFrame) -> None:
    if sales.empty:
        st.info("Every counted sale has an assigned lead before it.")
        return
    revenue = whole_rupees(sales["revenue_inr"].sum())
    st.write(f"{grouped(len(sales))} counted sales of {revenue} have no assigned lead at or before them.")
    why = sales.groupby("why").agg(sales=("sale_id", "size"), revenue_inr=("revenue_inr", "sum")).reset_index()
    columns = {
        "why": Shown("Why", WHY_UNMATCHED.__getitem__, width=520),
        "sales": Shown("Sales", grouped),
        "revenue_inr": Shown("Revenue", whole_rupees),
    }
    table(why.sort_values("sales", ascending=False), columns, "why_unmatched")
    table(sales, UNMATCHED, "unmatched")
    file_button(visit, "All of them as a file", "sales_without_a_lead.csv", sales[list(UNMATCHED)], "all")


PAGE = Page(
    "sales",
    "Sales",
    ":material/trending_up:",
    "People",
    ROLES,
    show,
)
