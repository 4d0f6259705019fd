"""Today: what is complete through when, what is to be done and by whom, what moved, and how the last nights went."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from funnel_etl.app import names, words
from funnel_etl.app.access import EVERYBODY, Role
from funnel_etl.app.confirm_control import show_refused
from funnel_etl.app.month_grid import by_day, month_grid
from funnel_etl.app.moved_control import show_one_number
from funnel_etl.app.night_control import show_night
from funnel_etl.app.tables import file_button
from funnel_etl.app.visit import Page, Visit
from funnel_etl.app.wide_table import wide_table
from funnel_etl.core.parts import FUNNEL
from funnel_etl.core.roles import ANALYST, ENGINEER, MARKETING_OPERATIONS, SALES_LEAD, WHO
from funnel_etl.core.tables.reasons import REASONS
from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.marts.funnel.worklist.contracts import ITEM_KINDS
from funnel_etl.observe.changes.contracts import CAUSES, NEW_DAY
from funnel_etl.observe.changes.render import LABELS, movers, number
from funnel_etl.observe.completeness.contracts import COMPLETE, QUIET
from funnel_etl.observe.completeness.missing_exports import LOOK_BACK_DAYS
from funnel_etl.operate.explain.changes import changes_of
from funnel_etl.operate.explain.published import NothingPublished
from funnel_etl.operate.facts.restatements import open_quarantine
from funnel_etl.operate.run import follow
from funnel_etl.operate.status.items import (
    NIGHT,
    REPORT,
    ROWS,
    SOURCE,
    WORK,
    StatusItem,
)
from funnel_etl.operate.status.report_days import ReportDays, report_days
from funnel_etl.operate.status.status import Status, status
from funnel_etl.settings import Settings

OF_ROLE = {
    Role.OPERATOR: MARKETING_OPERATIONS,
    Role.SALES: SALES_LEAD,
    Role.ANALYST: ANALYST,
    Role.ENGINEER: ENGINEER,
}
"""Role → who it is in the texts of what is to be done."""
NIGHT_STATES = {
    follow.WAITS: "… waits",
    follow.RUNS: "… runs",
    follow.DONE: "✓ done",
    follow.FAILED: "✗ failed",
    follow.STOPPED: "! stopped",
}
MAY_SEE_ROWS = frozenset({Role.OPERATOR, Role.ANALYST})
"""Who mends rows in quarantine: the list names file and line, and no person."""
KEEP_SECONDS = 20
MOST_NUMBERS, MOST_HINTS = 500, 5
DAY_FORMAT = "ddd, D MMM YYYY"
SETTLED = (COMPLETE, QUIET)


def show(visit: Visit) -> None:
    """Show where things stand, what is to be done, and what moved; and begin a night for those who may."""
    st.title("Today", anchor=False)
    found, all_days = _looked_at(str(visit.settings.state), visit.settings)
    days = _own(visit, all_days)
    nights = follow.last_nights(visit.settings)
    st.write(_state(found))
    others = set(all_days.held["occurrence_id"]) - set(days.held["occurrence_id"])
    items = [item for item in found.items if not item.is_well and item.about != REPORT]
    items = [item for item in items if item.facts.get("occurrence_id") not in others]
    _numbers(visit, found, items, days)
    show_night(visit, nights)
    show_refused(visit)
    _to_do(visit, items, days, _last_day(found))
    if visit.person.may(MAY_SEE_ROWS) and found.about(ROWS):
        file_button(visit, "All rows in quarantine as a file", "quarantine.csv", _quarantined(visit), "open ones")
    _sources(found)
    _moved(visit)
    _nights(visit, nights)


@st.cache_data(ttl=KEEP_SECONDS, show_spinner="Looking where things stand …")
def _looked_at(home: str, _settings: Settings) -> tuple[Status, ReportDays]:  # noqa: ARG001 - the home is the cache's key
    found = status(_settings)
    return found, report_days(_settings, (_last_day(found) - timedelta(days=LOOK_BACK_DAYS)).replace(day=1))


def _quarantined(visit: Visit) -> pd.DataFrame:
    return _rows_in_quarantine(str(visit.settings.state), visit.settings)


@st.cache_data(ttl=KEEP_SECONDS, show_spinner=False)
def _rows_in_quarantine(home: str, _settings: Settings) -> pd.DataFrame:  # noqa: ARG001 - the home is the cache's key
    return open_quarantine(_settings)


def _last_day(found: Status) -> date:
    """Return the last day in the facts; before the first night, the last day that is over."""
    night = next((item.facts for item in found.about(NIGHT) if item.name == FUNNEL), {})
    day: date = night.get("as_of", found.last_day)
    return day


def _own(visit: Visit, days: ReportDays) -> ReportDays:
    """Return the webinars that are the person's to see."""
    held, missing = (
        rows[[visit.person.owns(*who) for who in zip(rows["conductor"], rows["profile"], strict=True)]]
        if len(rows)
        else rows
        for rows in (days.held, days.missing)
    )
    return ReportDays(held, missing)


def _state(found: Status) -> str:
    """Return in a sentence or two through when the facts and the sources are complete."""
    facts = next((item.facts for item in found.about(NIGHT) if item.name == FUNNEL), {})
    if "as_of" not in facts:
        return "Nothing is published yet. The first night brings the facts."
    says = f"The facts are complete through **{words.day(facts['as_of'])}**"
    if behind := facts["days_behind"]:
        says += f", {behind} day{'' if behind == 1 else 's'} behind"
    late = [item for item in found.about(SOURCE) if item.facts and item.facts["status"] not in SETTLED]
    if not late:
        return f"{says}, and every source is as it should be."
    return f"{says}. Not complete: {'; '.join(map(_reach, late))}."


def _reach(item: StatusItem) -> str:
    through = item.facts["complete_through"]
    return f"{names.table(item.name)}, which reach {words.day(through) if through else 'no day yet'}"


def _numbers(visit: Visit, found: Status, items: Sequence[StatusItem], days: ReportDays) -> None:
    published = [item.facts["published_at"] for item in found.about(NIGHT) if "published_at" in item.facts]
    rows = sum(item.facts["rows"] for item in found.about(ROWS))
    counts = _counts(items, days)
    own = sum(counts[who] for who in _who(visit))
    with st.container(horizontal=True):
        st.metric("To do for you" if own else "To do", grouped(own or counts.total()), border=True)
        st.metric("Reports missing", grouped(len(days.missing)), border=True)
        st.metric("Rows in quarantine", grouped(rows), border=True)
        zone = ZoneInfo(visit.settings.timezone)
        at = words.moment(max(published), zone) if published else "never"
        st.metric("Published last", at, border=True)


def _counts(items: Sequence[StatusItem], days: ReportDays) -> Counter[str]:
    counts = Counter(item.who for item in items if item.who)
    counts[MARKETING_OPERATIONS] += len(days.missing)
    return counts


def _who(visit: Visit) -> list[str]:
    return [who for role, who in OF_ROLE.items() if role in visit.person.roles]


def _to_do(visit: Visit, items: Sequence[StatusItem], days: ReportDays, last_day: date) -> None:
    """Show what is to be done in a tab for each who does it, the person's own first."""
    st.subheader("To do", anchor=False)
    own = _who(visit)
    order = sorted(WHO, key=lambda who: (who not in own, WHO.index(who)))
    counts = _counts(items, days)
    labels = [f"{who.removeprefix('the ').capitalize()} ({grouped(counts[who])})" for who in order]
    for who, tab in zip(order, st.tabs(labels), strict=True):
        with tab:
            _of_one(who, [item for item in items if item.who == who], days, last_day)


def _of_one(who: str, items: Sequence[StatusItem], days: ReportDays, last_day: date) -> None:
    if who == MARKETING_OPERATIONS:
        _calendar(days, last_day)
    elif not items:
        st.success("Nothing is to be done.", icon=":material/check_circle:")
    _money([item for item in items if item.about == WORK])
    _list([item for item in items if item.about not in (WORK, ROWS)])
    _quarantine([item for item in items if item.about == ROWS])


def _calendar(days: ReportDays, last_day: date) -> None:
    """Show a month of webinars as a grid, and the reports that are missing in a list."""
    with_day = [*days.held["day"], *days.missing["day"]]
    if not with_day:
        st.write("No webinar was held in the last two months, and no report is expected.")
        return
    months = sorted({day.replace(day=1) for day in with_day}, reverse=True)
    st.markdown("**Webinars and their reports**")
    past = [month for month in months if month <= last_day]  # people register for webinars that are still to come
    at = months.index(past[0]) if past else 0
    month = st.selectbox(
        "Month", months, index=at, format_func=lambda one: f"{one:%B %Y}", key="month_of_reports", width=200
    )
    lacking = set(days.missing["occurrence_id"].dropna())
    missing, held = days.missing.to_dict("records"), days.held.to_dict("records")
    states = [(row["day"], "missing", f"{row['report']} report of {row['webinar']}") for row in missing]
    states += [
        (row["day"], "there" if row["attendee"] else "waiting", row["topic"] or row["occurrence_id"])
        for row in held
        if row["occurrence_id"] not in lacking
    ]
    st.html(month_grid(month, by_day(states)))
    st.caption("✓ attendee report there · ✗ a report is missing · ○ no attendee report, and none is due")
    if days.missing.empty:
        st.success("No report is missing.", icon=":material/check_circle:")
        return
    st.dataframe(
        days.missing[["day", "report", "webinar"]].assign(late=days.missing["age_hours"].astype("int64") // 24),
        hide_index=True,
        column_config={
            "day": st.column_config.DateColumn("Webinar of", format=DAY_FORMAT),
            "report": "Missing report",
            "webinar": "Webinar",
            "late": st.column_config.NumberColumn("Days late"),
        },
    )
    for text in days.missing["what_to_do"].drop_duplicates().head(MOST_HINTS):
        st.markdown(f"→ {names.plain(text)}")


def _money(items: Sequence[StatusItem]) -> None:
    """Show what waits for a decision about mappings, by the money at stake."""
    if not items:
        return
    st.markdown("**Decisions that wait, by the money at stake**")
    rows = [
        {
            "what": names.kind(item.name),
            "many": item.facts.get("items", item.facts.get("leads")),
            "revenue": _amount(item.facts.get("revenue_inr")),
            "spend": _amount(item.facts.get("spend_inr")),
            "where": f"{item.facts['table']}.csv" if item.facts["table"] != "crm_sales" else "the CRM",
        }
        for item in items
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "what": "Decision",
            "many": st.column_config.NumberColumn("To decide"),
            "revenue": st.column_config.TextColumn("Revenue, up to", alignment="right"),
            "spend": st.column_config.TextColumn("Ad spend", alignment="right"),
            "where": "Decided in",
        },
    )
    for item in items:
        st.caption(f"{names.kind(item.name)}: {names.plain(ITEM_KINDS.get(item.name, item.says))}")
    st.caption("They are decided on the page Mappings. A sale counts at every source of its phone, hence “up to”.")


def _amount(value: float | None) -> str:
    return rupees(value, paise=False) if value else ""


def _list(items: Sequence[StatusItem]) -> None:
    for item in items:
        with st.container(border=True):
            st.markdown(f"**{names.table(item.name).capitalize()}**: {names.plain(names.spoken(item.says))}")
            st.markdown(f"→ {names.plain(names.spoken(item.to_do or ''))}")


def _quarantine(items: Sequence[StatusItem]) -> None:
    """Show which rows could not be used: why, in which file and line, and how that is mended."""
    if not items:
        return
    st.markdown("**Rows that could not be used**")
    rows = [
        {
            "Of": names.table(item.facts["asset"]).capitalize(),
            "Rows": grouped(item.facts["rows"]),
            "Reason": REASONS.get(item.facts["reason"], (item.facts["reason"],))[0],
            "File and line": _places(item),
            "How to mend it": item.to_do or "",
        }
        for item in items
    ]
    st.html(wide_table(pd.DataFrame(rows)))


def _places(item: StatusItem) -> str:
    """Return the newest of the rows by file and line: `ad_spend.csv line 33, line 99`."""
    places: dict[str, list[str]] = {}
    for one in item.facts["examples"]:
        places.setdefault(one["file"].rpartition("/")[2], []).append(f"line {one['line']}")
    shown = ", ".join(f"{file} {', '.join(lines)}" for file, lines in places.items())
    return f"{shown}, …" if item.facts["rows"] > len(item.facts["examples"]) else shown


def _sources(found: Status) -> None:
    st.subheader("Sources", anchor=False)
    sources = [item for item in found.about(SOURCE) if item.facts]
    if not sources:
        st.write("No night has looked at the sources yet.")
        return
    rows = [
        {
            "source": names.table(item.name).capitalize(),
            "through": item.facts["complete_through"],
            "state": names.SOURCE_STATES[item.facts["status"]],
            "why": names.spoken(item.facts["why"]),
        }
        for item in sources
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "source": "Source",
            "through": st.column_config.DateColumn("Complete through", format=DAY_FORMAT),
            "state": "State",
            "why": st.column_config.TextColumn("Why", width="large"),
        },
    )


@st.cache_data(ttl=KEEP_SECONDS, show_spinner="Looking what moved …")
def _changes(home: str, _settings: Settings) -> pd.DataFrame:  # noqa: ARG001 - the home is the cache's key
    return changes_of(_settings)


def _moved(visit: Visit) -> None:
    """Show what moved since the night published before, by cause; and each number that did."""
    st.subheader("What moved since the night before", anchor=False)
    try:
        rows = _changes(str(visit.settings.state), visit.settings)
    except NothingPublished:
        rows = pd.DataFrame()
    if rows.empty:
        st.write("Nothing moved, or it is the first night: there is nothing to compare with yet.")
        return
    old = rows[rows["cause"] != NEW_DAY]
    since = rows["previous_as_of"].iloc[0]
    new = rows[rows["cause"] == NEW_DAY].groupby("metric")["difference"].sum()
    brought = ", ".join(
        f"{names.MEASURES[str(name)].lower()} {number(str(name), int(value), signed=True)}"
        for name, value in new.items()
    )
    st.write(
        f"Against the night of {words.day(since.date())}: {grouped(len(old))} movements of numbers that were published "
        f"before{f'. New days brought {brought}' if brought else ''}."
    )
    if len(old):
        _causes(old)
    with st.expander("Why did one number move?"):
        show_one_number(visit, rows)
    with st.expander("Every number that moved"):
        _each_number(rows)


def _causes(old: pd.DataFrame) -> None:
    sums = movers(old)
    shown = pd.DataFrame(
        {
            "measure": sums["metric"].map(names.MEASURES),
            "net": [number(name, int(net), signed=True) for name, net in zip(sums["metric"], sums["net"], strict=True)],
            "cause": sums["cause"].map(LABELS),
            "cells": sums["cells"],
            "why": sums["cause"].map(CAUSES),
        }
    )
    st.dataframe(
        shown,
        hide_index=True,
        column_config={
            "measure": "Measure",
            "net": st.column_config.TextColumn("Moved by", alignment="right"),
            "cause": "Because of",
            "cells": st.column_config.NumberColumn("Numbers"),
            "why": st.column_config.TextColumn("What that is", width="large"),
        },
    )


def _each_number(rows: pd.DataFrame) -> None:
    first = rows.head(MOST_NUMBERS)
    written = {
        name: [number(metric, int(value)) for metric, value in zip(first["metric"], first[name], strict=True)]
        for name in ("previous_value", "current_value", "difference")
    }
    shown = first.assign(**written, metric=first["metric"].map(names.MEASURES), cause=first["cause"].map(LABELS))
    st.dataframe(
        shown[["date", "funnel", "metric", "previous_value", "current_value", "difference", "cause"]],
        hide_index=True,
        column_config={
            "date": st.column_config.DateColumn("Day", format=DAY_FORMAT),
            "funnel": "Funnel",
            "metric": "Measure",
            "previous_value": st.column_config.TextColumn("Before", alignment="right"),
            "current_value": st.column_config.TextColumn("Now", alignment="right"),
            "difference": st.column_config.TextColumn("Difference", alignment="right"),
            "cause": "Because of",
        },
    )
    if len(rows) > MOST_NUMBERS:
        st.caption(f"The first {grouped(MOST_NUMBERS)} of {grouped(len(rows))}.")


def _nights(visit: Visit, nights: Sequence[follow.NightRun]) -> None:
    st.subheader("The last nights", anchor=False)
    if not nights:
        st.write("No night has run yet.")
        return
    zone = ZoneInfo(visit.settings.timezone)
    rows = [
        {
            "night": one.night,
            "state": NIGHT_STATES[one.state],
            "began": words.moment(one.began, zone) if one.began else "",
            "took": _length(one),
            "parts": one.parts,
            "rows": grouped(one.rows),
            "why": "; ".join(f"{names.table(asset)}: {why}" for asset, why in one.failures.items()),
        }
        for one in nights
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "night": st.column_config.DateColumn("Night of", format=DAY_FORMAT),
            "state": "State",
            "began": "Began",
            "took": st.column_config.TextColumn("Took", alignment="right"),
            "parts": st.column_config.NumberColumn("Parts published"),
            "rows": st.column_config.TextColumn("Rows moved", alignment="right"),
            "why": st.column_config.TextColumn("Why it failed", width="large"),
        },
    )


def _length(one: follow.NightRun) -> str:
    if one.began is None or one.ended is None:
        return ""
    seconds = int((one.ended - one.began).total_seconds())
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= words.MINUTE else f"{seconds} s"


PAGE = Page("today", "Today", ":material/today:", "Every day", EVERYBODY, show)
