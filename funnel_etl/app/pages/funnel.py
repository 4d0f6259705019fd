"""Funnel: from leads to sales by month and funnel; every number opens the rows behind it, each with file and line."""

from datetime import date
from typing import Literal

import altair as alt
import pandas as pd
import streamlit as st

from funnel_etl.app import names, words
from funnel_etl.app.access import EVERYBODY, Role
from funnel_etl.app.line_control import show_line
from funnel_etl.app.replay_control import MAY_REPLAY, show_past_night
from funnel_etl.app.tables import Shown, file_button, file_title, table
from funnel_etl.app.visit import Page, Visit
from funnel_etl.app.wide_table import legend
from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.marts.funnel.attribution.contracts import MODELS
from funnel_etl.marts.funnel.contracts import MEASURES, ORIGINS
from funnel_etl.marts.funnel.journeys.contracts import GAPS
from funnel_etl.marts.funnel.pictures import STEPS, large_and_others
from funnel_etl.operate.explain.fact import Explained, Period, as_csv
from funnel_etl.operate.explain.published import NothingPublished
from funnel_etl.operate.facts.facts import Facts, by_cohort, facts, month_end, to_compare, together
from funnel_etl.operate.facts.people import GapCount, gap_counts, gap_people, month_period, rows_behind
from funnel_etl.operate.facts.restatements import restatements
from funnel_etl.settings import Settings

MAY_SEE_PEOPLE = frozenset({Role.ANALYST})
"""Who sees phones and e-mails as they are; everybody else sees masks."""
ALL = "All funnels"
KEEP_SECONDS = 60
MOST_ROWS, MOST_PEOPLE = 1_000, 500
TREND_DAYS, WEEK = 60, 7
CHART, CLICKED, OPENED = "funnel-steps", "bar", "funnel-opened"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#999999")
"""Of the largest funnels, and of the rest: the colour-blind tell them apart."""
BLUE, GREEN, RED = "#0072B2", "#009E73", "#D55E00"
HEADLINES = {
    "leads": "Leads",
    "sales": "Sales",
    "revenue_inr": "Revenue",
    "spend_inr": "Ad spend",
    "cac_inr": "Spend per sale (CAC)",
    "roas": "Revenue per ₹ of spend",
}
COLOUR_OF: dict[str, Literal["off", "inverse"]] = {"spend_inr": "off", "cac_inr": "inverse"}
"""More spend is neither good nor bad; a dearer sale is bad."""
DAY_FORMAT = "ddd, D MMM YYYY"
SHOWN_ROWS = {
    "day": st.column_config.DateColumn("Day", format=DAY_FORMAT),
    "value": st.column_config.TextColumn("Counts", alignment="right"),
    "phone": "Phone",
    "email": "E-mail",
    "person_key": None,
    "funnel": "Funnel",
    "final_funnel": "Funnel",
    "source": "Source",
    "employee": "Representative",
    "campaign": "Campaign",
    "occurrence_id": "Webinar",
    "sale_id": "Sale",
    "lead_id": None,
    "month": None,
    "file": "File",
    "line": st.column_config.NumberColumn("Line"),
    "line_now": st.column_config.NumberColumn("Line in the newest file"),
    "file_id": None,
    "received_at": None,
}
"""What the columns of the rows behind a number are called; None: not shown."""


def show(visit: Visit) -> None:
    """Show the funnel of a month, and what is behind each number."""
    st.title("Funnel", anchor=False)
    try:
        found = _facts(str(visit.settings.state), visit.settings)
    except NothingPublished:
        st.write("Nothing is published yet. The first night brings the facts.")
        return
    if not found.months or found.as_of is None:
        st.write("No source has a row yet, so there is nothing to show.")
        return
    month, funnel = _chosen(found)
    own = _of(found.monthly, month, funnel)
    st.write(_state(found, month, funnel, own))
    _numbers(own, to_compare(found, month, funnel), is_whole=found.as_of >= month_end(month))
    _gaps(visit, funnel)
    _steps(visit, own, month, funnel)
    _trend(found, funnel)
    _money(found, month)
    _attribution(found, month)
    _cohorts(found, funnel)
    _closed(visit, month, funnel)
    if visit.person.may(MAY_REPLAY):
        show_past_night(visit)


@st.cache_data(ttl=KEEP_SECONDS, show_spinner="Reading the facts …")
def _facts(home: str, _settings: Settings) -> Facts:  # noqa: ARG001 - the home is the cache's key
    return facts(_settings)


@st.cache_data(ttl=KEEP_SECONDS, show_spinner=False)
def _gap_counts(home: str, _settings: Settings) -> list[GapCount]:  # noqa: ARG001 - the home is the cache's key
    return gap_counts(_settings)


def _chosen(found: Facts) -> tuple[date, str | None]:
    """Ask for the month and the funnel; None: all of them."""
    with st.container(horizontal=True):
        month = st.selectbox("Month", found.months, format_func=lambda one: f"{one:%B %Y}", width=200)
        funnel = st.selectbox("Funnel", [ALL, *found.funnels], width=260)
    return month, None if funnel == ALL else funnel


def _of(rows: pd.DataFrame, month: date, funnel: str | None) -> pd.DataFrame:
    own = rows[rows["month"] == month]
    return own if funnel is None else own[own["funnel"] == funnel]


def _state(found: Facts, month: date, funnel: str | None, own: pd.DataFrame) -> str:
    sums = together(own)
    what = f"{grouped(int(sums['leads'] or 0))} leads and {grouped(int(sums['sales'] or 0))} sales"
    until = f", up to {words.day(found.as_of)}" if found.as_of and found.as_of < month_end(month) else ""
    whose = "in all funnels" if funnel is None else f"of {names.plain(funnel)}"
    return f"{month:%B %Y}{until}: **{what}** {whose}, {rupees(sums['revenue_inr'] or 0, paise=False)} of revenue."


def _numbers(own: pd.DataFrame, before: pd.DataFrame, *, is_whole: bool) -> None:
    """Show the month's main numbers, each with how it moved since the month before, or the same days of it."""
    now, then = together(own), together(before)
    since = "to the month before" if is_whole else "to the same days of the month before"
    with st.container(horizontal=True):
        for name, label in HEADLINES.items():
            value, last = now[name], then[name]
            delta = None if value is None or not last else f"{(value - last) / last:+.0%} {since}"
            written = "–" if value is None else f"{value:.2f}" if name == "roas" else _written(name, value)
            st.metric(label, written, delta, delta_color=COLOUR_OF.get(name, "normal"), border=True)


def _steps(visit: Visit, own: pd.DataFrame, month: date, funnel: str | None) -> None:
    """Draw the funnel from leads to sales, and open the rows behind one of its numbers."""
    st.subheader("From lead to sale", anchor=False)
    parts = large_and_others(own.groupby("funnel")[[*STEPS]].sum().astype("int64"))
    long = parts.rename_axis("funnel").reset_index().melt(["funnel"], list(STEPS), var_name="step", value_name="count")
    long["step"] = long["step"].map(STEPS)
    long["rank"] = long["funnel"].map({name: rank for rank, name in enumerate(parts.index)})
    total = long.groupby("step", as_index=False)["count"].sum()
    total["text"] = total["count"].map(lambda count: grouped(int(count)))
    order = list(STEPS.values())
    clicked = alt.selection_point(name=CLICKED, fields=["step"])
    bars = alt.Chart(long[long["count"] > 0]).mark_bar(cursor="pointer").add_params(clicked)
    y = alt.Y("step:N", sort=order, title=None)
    # Room for the number beside the longest bar.
    x = alt.X("sum(count):Q", title=None, axis=None, scale=alt.Scale(domain=[0, max(total["count"].max(), 1) * 1.2]))
    colours = dict(zip(parts.index, COLOURS, strict=False))
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    colour = alt.Color("funnel:N", scale=scale, legend=None) if funnel is None else alt.value(BLUE)
    labels = alt.Chart(total).mark_text(align="left", dx=5).encode(x="count:Q", y=y, text="text:N")
    drawn = bars.encode(x=x, y=y, color=colour, order="rank:Q", tooltip=["funnel:N", "step:N", "count:Q"]) + labels
    st.altair_chart(
        drawn.properties(height=220),
        on_select=_open_clicked,
        selection_mode=CLICKED,
        key=CHART,
    )
    if funnel is None:
        st.html(legend(colours))
    st.caption(
        "A click on a bar opens its rows below. None is a part of the one above it: a webinar may ask for no "
        "registration, and M0 needs no webinar."
    )
    _rows(visit, own, month, funnel)


def _open_clicked() -> None:
    """Choose the number of the bar that was clicked; a click beside the bars changes nothing."""
    points = st.session_state[CHART].selection[CLICKED]
    named = {label: measure for measure, label in STEPS.items()}
    if points and points[0].get("step") in named:
        st.session_state[OPENED] = named[points[0]["step"]]


def _rows(visit: Visit, own: pd.DataFrame, month: date, funnel: str | None) -> None:
    """Ask for a number, and show the rows that it counts."""
    sums = together(own)
    options = [name for name in MEASURES if sums[name] and name not in ("impressions", "clicks")]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = st.selectbox(
            "Open the rows behind",
            options,
            index=None,
            format_func=lambda name: f"{names.MEASURES[name]}: {_written(name, sums[name] or 0)}",
            placeholder="Choose a number",
            width=280,
            key=OPENED,
        )
        period = month_period(month)
        day = st.date_input(
            "On the day (or the whole month)",
            value=None,
            min_value=period.first,
            max_value=period.last,
            format="DD/MM/YYYY",
            width=240,
        )
    if measure is None:
        return
    asked = Period(day, day) if isinstance(day, date) else period
    is_masked = not visit.person.may(MAY_SEE_PEOPLE)
    _noted(visit, "open the rows behind a number", f"{measure} of {funnel or ALL}, {asked}", is_masked=is_masked)
    with st.spinner("Looking for the rows …"):
        found = rows_behind(visit.settings, measure, funnel, asked, is_masked=is_masked)
    _explained(visit, found, is_masked=is_masked)


def _explained(visit: Visit, found: Explained, *, is_masked: bool) -> None:
    what = f"{names.MEASURES[found.measure]} of {names.plain(found.funnel)}"
    number = _written(found.measure, found.published)
    if found.is_whole:
        st.success(f"{what}: {number} as published, and its {grouped(len(found.rows))} rows sum to exactly that.")
    else:
        st.warning(
            f"{what}: {number} as published, but its {grouped(len(found.rows))} rows sum to "
            f"{_written(found.measure, found.total)}: a part was published after the facts. The next night mends it."
        )
    if found.rows.empty:
        return
    shown = found.rows.head(MOST_ROWS)
    values = [_written(found.measure, value) for value in shown["value"]]
    columns = [name for name in SHOWN_ROWS if name in shown and name != "line_now"]
    st.dataframe(
        shown.assign(value=values, file=shown["file"].map(file_title))[columns],
        hide_index=True,
        column_config=SHOWN_ROWS,
    )
    notes = ["Phones and e-mails are masked; the same person has the same mask everywhere."] if is_masked else []
    if len(found.rows) > MOST_ROWS:
        notes.append(f"The first {grouped(MOST_ROWS)} of {grouped(len(found.rows))} rows; the file has all.")
    st.caption(" ".join(notes))
    st.download_button(
        "Download the rows",
        as_csv(found),
        file_name=f"rows of {found.measure} {found.period}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click=lambda: visit.did(
            "download the rows behind a number", f"{found.measure} of {found.funnel}, {found.period}"
        ),
    )
    if not is_masked:
        places = shown[["file", "line", "file_id"]].itertuples(index=False)
        rows = [
            (f"{file_title(file)}, line {line}", ORIGINS[found.measure].table, key, line) for file, line, key in places
        ]
        show_line(visit, f"line of {found.measure} {found.funnel} {found.period}", rows)
    for row in found.quarantined.to_dict("records"):
        st.caption(f"Not in it: {grouped(row['rows'])} rows in quarantine, {row['reason']} → {row['fix']}")


def _written(measure: str, value: object) -> str:
    amount = float(str(value))
    return rupees(amount, paise=False) if measure.endswith("_inr") else grouped(int(amount))


def _noted(visit: Visit, action: str, about: str, *, is_masked: bool) -> None:
    """Write down a look at people's rows, once for each thing that is looked at."""
    key = f"noted {action}"
    if st.session_state.get(key) != about:
        visit.did(action, about, "shown masked" if is_masked else "shown with phones and e-mails")
        st.session_state[key] = about


def _gaps(visit: Visit, funnel: str | None) -> None:
    """Show the gaps between marketing and sales, which are to be acted upon first, and who is in one."""
    st.subheader("Act upon first: gaps in the hand-over", anchor=False)
    gaps = _gap_counts(str(visit.settings.state), visit.settings)
    if not any(gap.people for gap in gaps):
        st.write("There is no gap: everybody who attended was assigned, and everybody assigned has attended.")
        return
    with st.container(horizontal=True):
        for gap in gaps:
            new = f"{grouped(gap.of_a_week)} within a week"
            label, count = names.GAPS[gap.kind], grouped(gap.people)
            st.metric(label, count, new, delta_color="off", delta_arrow="off", border=True)
    kind = st.selectbox(
        "Open the people in",
        list(GAPS),
        index=None,
        format_func=lambda name: names.GAPS[name],
        placeholder="Choose a gap",
        width=280,
    )
    if kind is None:
        return
    is_masked = not visit.person.may(MAY_SEE_PEOPLE)
    _noted(visit, "open the people in a gap", f"{kind} of {funnel or ALL}", is_masked=is_masked)
    people = gap_people(visit.settings, kind, funnel, is_masked=is_masked, most=MOST_PEOPLE)
    st.caption(
        f"{GAPS[kind].capitalize()}. The newest first{', masked' if is_masked else ''}, {grouped(len(people))} rows."
    )
    st.dataframe(
        people,
        hide_index=True,
        column_config={
            "phone": "Phone",
            "since_date": st.column_config.DateColumn("Since", format=DAY_FORMAT),
            "age_days": st.column_config.NumberColumn("Days"),
            "funnel": "Funnel of the first touch",
            "webinar": "Last webinar",
            "employee": "Representative",
            "file": "File",
            "line": st.column_config.NumberColumn("Line"),
        },
    )


def _trend(found: Facts, funnel: str | None) -> None:
    """Draw the last days of a measure, each day and the mean of its last seven."""
    st.subheader("Trend", anchor=False)
    measure = st.segmented_control(
        "Measure",
        ["leads", "attendances", "m0_assigned", "sales", "revenue_inr", "spend_inr"],
        default="leads",
        format_func=lambda name: names.MEASURES[name],
        required=True,
    )
    rows = found.daily if funnel is None else found.daily[found.daily["funnel"] == funnel]
    last = pd.Timestamp(str(found.as_of))
    wide = pd.date_range(last - pd.Timedelta(days=TREND_DAYS + WEEK - 2), last)
    days = rows.assign(date=pd.to_datetime(rows["date"])).groupby("date")[measure].sum().reindex(wide, fill_value=0)
    frame = pd.DataFrame({"day": wide, "value": days.to_numpy(), "mean": days.rolling(WEEK).mean().to_numpy()})
    frame = frame.iloc[WEEK - 1 :]
    frame["text"] = [_written(measure, value) for value in frame["value"]]
    tips = [alt.Tooltip("day:T", format="%a, %d %b %Y"), alt.Tooltip("text:N", title=names.MEASURES[measure])]
    base = alt.Chart(frame).encode(x=alt.X("day:T", title=None, axis=alt.Axis(format="%d %b")))
    bars = base.mark_bar(color="#B9CFE0").encode(y=alt.Y("value:Q", title=names.MEASURES[measure]), tooltip=tips)
    line = base.mark_line(color=BLUE, strokeWidth=2.5).encode(y="mean:Q")
    st.altair_chart((bars + line).properties(height=240))
    st.caption(f"{TREND_DAYS} days to {words.day(last.date())}: each day, and the mean of its last {WEEK}.")


def _money(found: Facts, month: date) -> None:
    """Show spend, what a lead and a sale cost, and what came of it, by funnel."""
    st.subheader("Spend and what it brought", anchor=False)
    rows = found.monthly[(found.monthly["month"] == month) & (found.monthly[["spend_inr", "sales"]].sum(axis=1) > 0)]
    if rows.empty:
        st.write("There was neither ad spend nor a sale in this month.")
        return
    rows = rows.sort_values("spend_inr", ascending=False)
    money = {
        name: [_rupees(value) for value in rows[name]] for name in ("spend_inr", "cpl_inr", "cac_inr", "revenue_inr")
    }
    money["leads"] = [grouped(int(count)) for count in rows["leads"]]
    st.dataframe(
        rows[["funnel", "sales", "roas"]].assign(**money)[
            ["funnel", "spend_inr", "leads", "cpl_inr", "sales", "cac_inr", "revenue_inr", "roas"]
        ],
        hide_index=True,
        column_config={
            "funnel": "Funnel",
            "spend_inr": st.column_config.TextColumn("Ad spend", alignment="right"),
            "leads": st.column_config.TextColumn("Leads", alignment="right"),
            "cpl_inr": st.column_config.TextColumn("Spend per lead", alignment="right"),
            "sales": st.column_config.NumberColumn("Sales"),
            "cac_inr": st.column_config.TextColumn("Spend per sale (CAC)", alignment="right"),
            "revenue_inr": st.column_config.TextColumn("Revenue", alignment="right"),
            "roas": st.column_config.NumberColumn("Revenue per ₹", format="%.2f"),
        },
    )


def _rupees(value: float) -> str:
    return "–" if pd.isna(value) else rupees(value, paise=False)


def _attribution(found: Facts, month: date) -> None:
    """Show what each model credits to each funnel, side by side."""
    st.subheader("Who earned the sales: five readings of the same sales", anchor=False)
    rows = found.attribution[found.attribution["month"] == month]
    if rows["credited_sales"].sum() == 0:
        st.write("No sale of this month has been credited yet.")
        return
    sales = rows.pivot_table("credited_sales", "funnel", "model", aggfunc="sum", fill_value=0.0)[list(MODELS)]
    sales = sales[sales.sum(axis=1) > 0].sort_values(MODELS[0], ascending=False)
    long = sales.reset_index().melt("funnel", var_name="model", value_name="sales")
    long["model"] = long["model"].map(names.MODELS)
    order = list(names.MODELS.values())
    drawn = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            y=alt.Y("funnel:N", sort=list(sales.index), title=None),
            x=alt.X("sales:Q", title="Sales credited"),
            yOffset=alt.YOffset("model:N", sort=order),
            color=alt.Color("model:N", sort=order, title=None, legend=alt.Legend(orient="bottom", columns=2)),
            tooltip=["funnel:N", "model:N", alt.Tooltip("sales:Q", format=".1f")],
        )
        .properties(height=48 * len(sales) + 40)
    )
    table, chart = st.tabs(["Table", "Chart"])
    with chart:
        st.altair_chart(drawn)
    with table:
        columns = {name: st.column_config.NumberColumn(names.MODELS[name], format="%.1f") for name in MODELS}
        st.dataframe(sales.reset_index(), hide_index=True, column_config=columns | {"funnel": "Funnel"})
    st.caption("Sales credited. Choose one model, and never add them up: each counts every sale exactly once.")


def _cohorts(found: Facts, funnel: str | None) -> None:
    """Show of each month's assigned leads what share had bought in each month since."""
    st.subheader("Cohorts: bought, by months since assignment", anchor=False)
    rows = by_cohort(found.cohorts, [funnel] if funnel else [])
    rows = rows[rows["m0_leads"] > 0]
    if rows.empty:
        st.write("Nobody was assigned here yet.")
        return
    shown = rows.assign(
        cell=[
            f"{share:.1%} ({grouped(int(sales))}){'' if whole else ' …'}"
            for share, sales, whole in zip(rows["share"], rows["sales"], rows["is_mature"], strict=True)
        ]
    )
    table = shown.pivot_table("cell", "month", "offset_months", aggfunc="first").fillna("")
    table.columns = [f"M{offset}" for offset in table.columns]
    leads = rows.groupby("month")["m0_leads"].first().map(lambda count: grouped(int(count)))
    table.insert(0, "leads", leads)
    right = {name: st.column_config.TextColumn(name, alignment="right") for name in table.columns[1:]}
    st.dataframe(
        table.reset_index(),
        hide_index=True,
        column_config={
            "month": st.column_config.DateColumn("Assigned in", format="MMMM YYYY"),
            "leads": st.column_config.TextColumn("People", alignment="right"),
            **right,
        },
    )
    st.caption(
        "Share and number of sales of a month's people: in that month (M0), in the next (M1), and so on. "
        "With “…” the month is not over yet."
    )


def _closed(visit: Visit, month: date, funnel: str | None) -> None:
    """Show what tonight's data would change in the month, if it is closed and they would."""
    rows = restatements(visit.settings, month, funnel)
    if rows.empty:
        return
    st.subheader("This month is closed", anchor=False)
    st.write(
        f"Its M0 stays as it was. Data that came since would change {grouped(len(rows))} cells of it; to let them in, "
        "take the month out of Closed months under Mappings."
    )
    counts = rows.groupby(["funnel", "change", "column_name"], dropna=False).size().rename("cells").reset_index()
    columns = {"funnel": Shown("Funnel"), "change": Shown("Change"), "column_name": Shown("Column")}
    table(counts, columns | {"cells": Shown("Cells", grouped)}, "restatements")
    if visit.person.may(MAY_SEE_PEOPLE):
        file_button(visit, "Cell by cell as a file", f"restatements_{month:%Y-%m}.csv", rows, f"{month:%Y-%m}")


PAGE = Page("funnel", "Funnel", ":material/filter_alt:", "Every day", EVERYBODY, show)
