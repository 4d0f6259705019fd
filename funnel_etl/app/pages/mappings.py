"""Mappings: what is to be decided, and the config tables themselves: edited, previewed, saved, brought back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.grid import PLACE, Grid, choices, counts, grid_of, lines_of, row_of
from funnel_etl.app.markdown import literal, sentence
from funnel_etl.app.moves import make_preview, show_preview
from funnel_etl.app.names_desk import show_names
from funnel_etl.app.noted import save_noted
from funnel_etl.app.template_desk import show_templates
from funnel_etl.app.visit import Page, Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.roles import SALES_LEAD
from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.marts.funnel.worklist.contracts import DECIDED_BY, DECIDED_IN, ITEM_KINDS
from funnel_etl.operate.mappings import save as saving
from funnel_etl.operate.mappings import versions as kept
from funnel_etl.operate.mappings.judge import Problem, Verdict, judge, source_names
from funnel_etl.operate.mappings.table import Change, ConfigTable, EditedLine, changes, merged, written
from funnel_etl.operate.worklist.apply import grid_rows, plan_decisions, save_decisions
from funnel_etl.operate.worklist.worklist import newest_worklist, waiting_files
from funnel_etl.settings import Settings
from funnel_etl.sources.config_folder import folder_mark

ROLES = frozenset({Role.OPERATOR, Role.ANALYST, Role.SALES, Role.ENGINEER})
ALL_TABLES = frozenset({Role.OPERATOR, Role.ANALYST})
"""Who edits all tables but the engineer's; the sales lead edits the own ones."""
TO_DECIDE, CHATS, TABLES, TEMPLATES = "To decide", "Names in chats", "Tables", "Follow-ups"
DAY_FORMAT = "ddd, D MMM YYYY"


@dataclass
class Desk:
    """What one person has before them: the version of a table they look at, and the grid; `turn`: its key."""

    base: ConfigTable
    grid: Grid
    turn: int = 0


def show(visit: Visit) -> None:
    """Show what is to be decided, or a table."""
    _require(visit)
    st.title("Mappings")
    st.write(
        "Which source belongs to which funnel, what counts as a sale, how a webinar is known. What is saved here, "
        "the next night takes."
    )
    if not saving.can_save(visit.settings):
        st.info(
            "The folder of these tables cannot be written from here, so nothing is saved: edit, download the file, and "
            "have the engineer put it into the config folder.",
            icon=":material/lock:",
        )
    if said := st.session_state.pop("mappings-said", None):
        st.success(said)
    views = [TO_DECIDE, CHATS, TABLES, TEMPLATES] if visit.person.may(ALL_TABLES) else [TO_DECIDE, TABLES, TEMPLATES]
    view = st.segmented_control("Show", views, default=TO_DECIDE, key="mappings-view", required=True)
    if view == TABLES:
        _show_tables(visit)
    elif view == TEMPLATES:
        show_templates(visit)
    elif view == CHATS:
        show_names(visit)
    else:
        _show_list(visit)


def _require(visit: Visit, table: str | None = None) -> None:
    """Refuse who may not edit the tables, or not this one."""
    if not visit.person.may(ROLES):
        raise FunnelError(
            "only operators, analysts and the sales lead edit these tables",
            fix="ask the engineer for one of these roles",
        )
    if table is not None and not _may_edit(visit, table):
        raise FunnelError(f"{table}.csv is not among the tables of your role", fix="ask the engineer")


# What is to be decided


def _show_list(visit: Visit) -> None:
    found = newest_worklist(visit.settings.lake_root)
    rows = found.rows
    if not visit.person.may(ALL_TABLES):
        rows = rows[rows["item_kind"].map(DECIDED_BY) == SALES_LEAD]
    if rows.empty:
        st.success(f"Nothing is to be decided, by the night of {words.day(found.night)}.")
        return
    is_filled = rows["item_kind"].isin(list(DECIDED_IN))
    st.write(
        f"By the night of {words.day(found.night)}, {_many(int(is_filled.sum()), 'thing')} can be decided here, the "
        "highest revenue first. Choose a funnel where you know it; leave the rest blank."
    )
    if is_filled.any():
        _decide(visit, rows[is_filled].reset_index(drop=True))
    others = rows[~is_filled]
    if len(others):
        st.subheader("Elsewhere", divider="gray")
        st.caption("What is corrected in the CRM or at Zoom, or by a line of a table: see Tables.")
        st.dataframe(_others(others), hide_index=True, key="mappings-others")
    if not visit.person.may(ALL_TABLES):
        return
    for name, why in waiting_files(visit.settings.lake_root, found.night).itertuples(index=False):
        st.warning(f"{literal(name)} waits: {literal(why)}")


def _decide(visit: Visit, rows: pd.DataFrame) -> None:
    turn = st.session_state.setdefault("mappings-list-turn", 0)
    of = {kind: ITEM_KINDS[kind] for kind in rows["item_kind"].unique()}
    edited = st.data_editor(
        _to_fill(rows),
        hide_index=True,
        disabled=["No.", "What", "Item", "Perhaps", "Revenue", "Spend", "Last seen"],
        column_config={
            "Funnel": st.column_config.SelectboxColumn(options=_funnels(visit, rows), width="medium"),
            "From": st.column_config.DateColumn(format=DAY_FORMAT, help="First day, of a source only"),
            "To": st.column_config.DateColumn(format=DAY_FORMAT, help="Last day, of a source only"),
            "Revenue": st.column_config.TextColumn("Revenue, up to", alignment="right"),
            "Spend": st.column_config.TextColumn("Ad spend", alignment="right"),
            "No.": st.column_config.NumberColumn(width="small"),
            "What": st.column_config.TextColumn(help="; ".join(f"{k.replace('_', ' ')}: {v}" for k, v in of.items())),
        },
        placeholder="",
        key=f"mappings-list-{turn}",
    )
    filled = rows[["item_kind", "item"]].assign(
        funnel=edited["Funnel"],
        valid_from=edited["From"].map(lambda day: "" if pd.isna(day) else f"{day:%Y-%m-%d}"),
        valid_to=edited["To"].map(lambda day: "" if pd.isna(day) else f"{day:%Y-%m-%d}"),
        note=edited["Note"],
    )
    decided = filled[filled["funnel"].fillna("").str.strip() != ""]
    if decided.empty:
        st.caption("Nothing is filled in yet.")
        return
    plan = plan_decisions(visit.settings, grid_rows(filled), "the list")
    for error in plan.done.errors:
        st.error(literal(error.replace("the list: line", "No.")))
    added = {name: len(records) for name, records in plan.done.added.items()}
    lines = " and ".join(f"{_many(count, 'line')} to {name}.csv" for name, count in added.items())
    st.write(f"{_many(len(decided), 'decision')}: it adds {lines}." if added else "Nothing would be added.")
    edits = {name: text for name, (_, text) in plan.files.items()}
    with st.container(horizontal=True):
        if edits and st.button("Preview what it moves", icon=":material/difference:", key="mappings-list-preview"):
            make_preview(visit, edits)
        if edits and saving.can_save(visit.settings):
            save = st.button("Save the decisions", type="primary", icon=":material/save:", key="mappings-list-save")
            if save:
                _save_list(visit, grid_rows(filled), edits, lines)
    show_preview(edits)


def _save_list(visit: Visit, rows: pd.DataFrame, edits: Mapping[str, bytes], lines: str) -> None:
    for name in edits:
        _require(visit, name)
    done = save_noted(visit, edits, lambda: save_decisions(visit.settings, rows, "the list"))
    if done.errors:
        st.error(literal(" ".join(done.errors)))
        return
    st.session_state["mappings-list-turn"] += 1
    st.session_state["mappings-said"] = f"Saved: {lines}. The list is made anew by the next night."
    st.rerun()


def _to_fill(rows: pd.DataFrame) -> pd.DataFrame:
    blank = pd.Series([None] * len(rows), dtype="object")
    return pd.DataFrame(
        {
            "No.": range(1, len(rows) + 1),
            "What": rows["item_kind"].str.replace("_", " ").astype("object"),
            "Item": rows["item"].astype("object"),
            "Funnel": blank,
            "Perhaps": [_perhaps(row) for row in rows.to_dict("records")],
            "Revenue": rows["revenue_inr"].map(_money),
            "Spend": rows["spend_inr"].map(_money),
            "From": pd.Series([pd.NaT] * len(rows)),
            "To": pd.Series([pd.NaT] * len(rows)),
            "Note": blank,
            "Last seen": rows["last_date"].map(words.day, na_action="ignore").astype("object"),
        }
    )


def _perhaps(row: dict[Any, Any]) -> str:
    if pd.isna(row["suggested_funnel"]):
        return ""
    return f"{row['suggested_funnel']} ({float(row['similarity']):.0%} like {row['suggested_from']})"


def _others(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Item": rows["item"],
            "What": rows["item_kind"].map(ITEM_KINDS),
            "What to do": rows["what_to_do"],
            "Table": rows["config_table"],
            "Revenue, up to": rows["revenue_inr"].map(_money),
        }
    )


def _funnels(visit: Visit, rows: pd.DataFrame) -> list[str]:
    """Return the funnels there are, and those that would be new: names that the list itself asks about."""
    table = saving.open_table(visit.settings, "funnels")
    new = rows["item"][rows["item_kind"].map(DECIDED_IN) == "funnels"]
    return list(dict.fromkeys([*(row[0] for row in table.rows), *new]))


def _money(paise: int) -> str:
    return rupees(Decimal(int(paise)) / 100, paise=False) if paise else ""


def _many(count: int, what: str) -> str:
    return f"{grouped(count)} {what}{'' if count == 1 else 's'}"


# Tables


def _show_tables(visit: Visit) -> None:
    names = [name for name in saving.GRIDS if _may_edit(visit, name)]
    name = st.selectbox(
        "Table", names, format_func=lambda one: one.replace("_", " ").capitalize(), key="mappings-table"
    )
    st.caption(literal(f"{saving.title_of(name)} ({name}.csv)"))
    try:
        current = saving.open_table(visit.settings, name)
    except FunnelError as error:
        st.error(f"{sentence(error.what)} What to do: {literal(error.fix)}.")
        _show_versions(visit, name, None)
        return
    desk = _desk(name, current)
    lines = _edit(desk)
    if current.mark != desk.base.mark:
        if lines == desk.base.lines:
            _lay_out(name, current, current.lines)
            st.rerun()
        _show_meanwhile(desk, current, lines)
    _show_edit(visit, desk, current, lines)
    _show_versions(visit, name, current)


def _may_edit(visit: Visit, name: str) -> bool:
    if visit.person.may({Role.ENGINEER}):
        return True
    return name in saving.OF_SALES or (name not in saving.EDITED_BY and visit.person.may(ALL_TABLES))


def _desk(name: str, current: ConfigTable) -> Desk:
    """Return what this person has before them of a table; a first look is at the version of now."""
    desks: dict[str, Desk] = st.session_state.setdefault("mappings-desks", {})
    return desks[name] if name in desks else _lay_out(name, current, current.lines)


def _lay_out(name: str, base: ConfigTable, lines: Sequence[EditedLine]) -> Desk:
    """Put lines of a version into a fresh grid."""
    desks: dict[str, Desk] = st.session_state["mappings-desks"]
    turn = desks[name].turn + 1 if name in desks else 0
    desks[name] = Desk(base, grid_of(base, lines, is_ordered=name in saving.ORDERED), turn)
    return desks[name]


def _edit(desk: Desk) -> list[EditedLine]:
    """Show the grid, and return its lines."""
    table = desk.base
    if table.name in saving.ORDERED:
        st.caption("The first line that fits wins. To move a line, change its place: 2.5 stands between 2 and 3.")
    if not len(desk.grid.frame):
        st.caption("No line is in it yet: add the first one below.")
    edited = st.data_editor(
        desk.grid.frame,
        num_rows="dynamic",
        hide_index=True,
        column_config=_columns(desk.grid),
        placeholder="",
        key=f"mappings-grid-{table.name}-{desk.turn}",
    )
    return lines_of(desk.grid, edited)


def _columns(grid: Grid) -> dict[str, Any]:
    found: dict[str, Any] = {PLACE: st.column_config.NumberColumn(format="%g", width="small")}
    for column in grid.table.columns:
        options = choices(grid.table, column)
        if options is not None:
            found[column] = st.column_config.SelectboxColumn(options=options)
        elif column in grid.dates:
            found[column] = st.column_config.DateColumn(format=DAY_FORMAT)
        else:
            found[column] = st.column_config.TextColumn()
    return found


def _show_meanwhile(desk: Desk, current: ConfigTable, lines: Sequence[EditedLine]) -> None:
    """Show that somebody else has saved the table, and what; both edits are put together by a click."""
    st.warning("Somebody has saved this table since you began. Your edit is still here, and is not saved yet.")
    _show_changes(changes(desk.base, current), current.columns, "What they changed")
    if st.button("Put my edit onto theirs", type="primary", icon=":material/merge:"):
        both = merged(desk.base, lines, current)
        _lay_out(current.name, current, both.lines)
        st.session_state["mappings-clashes"] = current.name, [Change(theirs, own) for theirs, own in both.clashes]
        st.session_state["mappings-said"] = "Both edits are in the grid now: look at it, then save."
        st.rerun()


def _show_edit(visit: Visit, desk: Desk, current: ConfigTable, lines: Sequence[EditedLine]) -> None:
    of, clashes = st.session_state.get("mappings-clashes", ("", []))
    if of == desk.base.name and clashes:
        _show_changes(clashes, desk.base.columns, "Rows that both of you changed: theirs before, yours after")
    data = written(desk.base, lines)
    if data == (desk.base.data or b""):
        st.caption(f"{_many(len(desk.base.rows), 'line')}, as saved.")
        return
    number = counts(desk.base, lines)
    said = [f"{_many(number[what], 'line')} {what}" for what in ("added", "changed", "removed") if number[what]]
    st.write(f"{', '.join(said) or 'Lines moved'}, not saved yet.")
    verdict = _judged(visit, desk.base.name, data)
    _show_verdict(verdict, desk.base.name, data)
    may_save = verdict.is_good and current.mark == desk.base.mark and saving.can_save(visit.settings)
    is_sure = not may_save or _is_sure(verdict, "mappings-sure")
    with st.container(horizontal=True):
        if verdict.is_good and st.button("Preview what it moves", icon=":material/difference:"):
            make_preview(visit, {desk.base.name: data})
        if may_save and st.button("Save", type="primary", icon=":material/save:", disabled=not is_sure):
            _save(visit, desk.base, data, confirm=verdict.loss is not None)
        st.download_button(
            "Download the file",
            data,
            f"{desk.base.name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.button("Drop my edit", icon=":material/undo:"):
            st.session_state.pop("mappings-clashes", None)
            _lay_out(desk.base.name, current, current.lines)
            st.rerun()
    show_preview({desk.base.name: data})


@st.cache_data(ttl=600, show_spinner=False)
def _names_of(_settings: Settings, state: str) -> dict[str, Any]:  # noqa: ARG001 - its key
    return dict(source_names(_settings))


def _names(settings: Settings) -> dict[str, Any]:
    return _names_of(settings, str(settings.state))


def _judged(visit: Visit, name: str, data: bytes) -> Verdict:
    """Return the verdict on an edit; the same edit is judged once while no table changes."""
    asked = (name, data, folder_mark(visit.settings.config_folder))
    before, verdict = st.session_state.get("mappings-verdict", (None, None))
    if verdict is None or before != asked:
        verdict = judge(visit.settings, name, data, _names(visit.settings))
        st.session_state["mappings-verdict"] = (asked, verdict)
    return verdict  # type: ignore[no-any-return]


def _show_verdict(verdict: Verdict, name: str, data: bytes) -> None:
    if verdict.is_good and verdict.loss:
        st.warning(f"{verdict.loss}. A night takes such a table only when somebody says that it is right.")
    elif verdict.is_good:
        st.markdown(":green-badge[:material/check_circle: nothing is wrong with it]")
    for problem in [*verdict.problems, *verdict.others]:
        st.error(_problem_in_words(problem, name, data))


def _is_sure(verdict: Verdict, key: str) -> bool:
    """Return whether nothing much is lost, or somebody says here that it is right."""
    return verdict.loss is None or st.checkbox(f"{verdict.loss}, and that is right", key=key)


def _problem_in_words(problem: Problem, name: str, data: bytes) -> str:
    what = problem.what.removeprefix(f"line {problem.line}: ")
    if problem.table != name:
        other = f"{problem.table}.csv, line {problem.line}, would not fit any more"
        return f"{other}: {literal(what)}. What to do: {literal(problem.fix)}."
    row = row_of(name, data, problem.line) if problem.line else None
    named = next((cell for cell in row or () if cell.strip()), "")
    return f"**{literal(named) or 'The table'}**: {literal(what)}. What to do: {literal(problem.fix)}."


def _save(visit: Visit, base: ConfigTable, data: bytes, *, confirm: bool = False) -> None:
    """Save a table over the version that was looked at; who and when stands in the log."""
    _require(visit, base.name)
    save_noted(visit, {base.name: data}, lambda: saving.save(visit.settings, base, data))
    if confirm:
        visit.did("confirmed that most lines are gone", base.name)
        saving.confirm_loss(visit.settings, base.name)
    st.session_state.pop("mappings-clashes", None)
    _lay_out(base.name, *_fresh(visit, base.name))
    st.session_state["mappings-said"] = (
        f"Saved {base.name}.csv. The next night takes it; the version before is kept below."
    )
    st.rerun()


def _fresh(visit: Visit, name: str) -> tuple[ConfigTable, list[EditedLine]]:
    table = saving.open_table(visit.settings, name)
    return table, table.lines


def _show_changes(found: Sequence[Change], columns: Sequence[str], title: str) -> None:
    """Show rows that differ, each as it was and as it is."""
    rows = []
    for change in found:
        sides = [("before", change.before), ("after", change.after)]
        rows += [
            {"Row": f"{change.what}, {side}", **dict(zip(columns, cells, strict=False))}
            for side, cells in sides
            if cells
        ]
    st.markdown(f"**{title}**")
    st.dataframe(pd.DataFrame(rows), hide_index=True)


# Earlier versions


def _show_versions(visit: Visit, name: str, current: ConfigTable | None) -> None:
    st.divider()
    if not st.toggle("Earlier versions", key="mappings-versions", value=current is None):
        return
    found = kept.versions(visit.settings, name)
    if not found:
        st.info("No version is kept yet: the first night or the first save keeps one.")
        return
    zone = ZoneInfo(visit.settings.timezone)
    st.dataframe(
        pd.DataFrame(
            {
                "Since": [words.moment(one.at, zone) for one in found],
                "Saved here by": [one.who or "" for one in found],
                "State": [_state_of(one) for one in found],
                "What a night said": [one.errors or one.status or "no night has seen it yet" for one in found],
            }
        ),
        hide_index=True,
        key="mappings-kept",
    )
    by_id = {one.file_id: one for one in found}
    chosen = st.selectbox(
        "Compare with the version of now",
        [one.file_id for one in found if not one.lies],
        index=None,
        format_func=lambda one: f"{words.moment(by_id[one].at, zone)} ({one[: kept.SHOWN]})",
        key=f"mappings-version-{name}",
    )
    if chosen is not None:
        _show_version(visit, current, kept.read_version(visit.settings, name, chosen))


def _state_of(one: kept.TableVersion) -> str:
    return ", ".join(
        filter(None, ("in the folder now" if one.lies else "", "used by the newest night" if one.in_force else ""))
    )


def _show_version(visit: Visit, current: ConfigTable | None, version: ConfigTable) -> None:
    """Show what differs, and let the version be brought back if a night would take it."""
    if current is not None:
        found = changes(current, version)
        _show_changes(found, version.columns, f"Bringing it back changes {_many(len(found), 'row')}")
    data = version.data or b""
    verdict = _judged(visit, version.name, data)
    _show_verdict(verdict, version.name, data)
    if not verdict.is_good or current is None or not saving.can_save(visit.settings):
        return
    is_sure = _is_sure(verdict, "mappings-sure-of-version")
    if st.button("Bring this one back", icon=":material/history:", disabled=not is_sure):
        _save(visit, current, data, confirm=verdict.loss is not None)


PAGE = Page("mappings", "Mappings", ":material/account_tree:", "Every day", ROLES, show)
