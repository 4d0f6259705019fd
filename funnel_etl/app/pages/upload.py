"""Upload: a Zoom file is checked, cleaned for people who work with files, or accepted, and followed into the facts."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.consent_upload import show_consents
from funnel_etl.app.markdown import literal, sentence
from funnel_etl.app.noted import save_noted
from funnel_etl.app.visit import Page, Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.phone import BLANK, FOREIGN, IN_MOBILE, INVALID, PLACEHOLDER, SCI_NOTATION
from funnel_etl.operate.mappings.judge import judge, source_names
from funnel_etl.operate.mappings.save import can_save, save
from funnel_etl.operate.mappings.table import ConfigTable
from funnel_etl.operate.upload import overrides, states, upload
from funnel_etl.operate.upload.states import FileState
from funnel_etl.operate.upload.upload import Checked
from funnel_etl.parts.marketing.zoom import withdrawals
from funnel_etl.parts.marketing.zoom.files.clean_files import CleanFile, as_csv
from funnel_etl.parts.marketing.zoom.reader.kinds import KINDS
from funnel_etl.sources.config_folder import folder_mark

ROLES = frozenset({Role.OPERATOR, Role.ENGINEER})
MOST_FILES = 20
ZOOM, AGREED = "Zoom files", "What people agreed to"
BY_ITSELF = "Let the file say"
TYPES = {
    "webinar_attended": "attendee report: in Zoom, Reports → Webinar → Attendee Report, as CSV",
    "registration": "registration report: in Zoom, Reports → Webinar → Registration Report, all registrations, as CSV",
    "bootcamp_dual": "both the registration and the attendee report of each day: in Zoom, Reports → Webinar",
}
COLOURS = {
    states.IN_FACTS: ":green",
    states.REJECTED: ":red",
    states.NO_PROFILE: ":orange",
    states.WAITS: ":orange",
    states.WITHDRAWN: ":gray",
}
MOVING_SECONDS, STILL_SECONDS = 3, 60
"""How often the states are looked at anew: while a file goes on by itself, and else."""
PHONES = {
    IN_MOBILE: "Indian mobile",
    FOREIGN: "of another country",
    PLACEHOLDER: "nobody's number",
    SCI_NOTATION: "rounded by a spreadsheet",
    INVALID: "no phone",
    BLANK: "blank",
}
DAYS = ("Day 1", "Day 2", "Both")
THIS_FILE, EVERY_DAY = "This file only", "Every day of this webinar"


def show(visit: Visit) -> None:
    """Show where a file is given, what each one is, and what became of those of this week."""
    _require(visit)
    st.title("Upload")
    what = st.segmented_control("What", [ZOOM, AGREED], default=ZOOM, key="upload-what", required=True)
    if what == AGREED:
        show_consents(visit, ROLES)
    else:
        _show_zoom(visit)


def _show_zoom(visit: Visit) -> None:
    st.write(
        "Give the files that you downloaded from Zoom: attendee and registration reports, chats, polls, questions. "
        "Each is checked first; nothing is kept before you accept it."
    )
    profile = _ask_profile(visit)
    given = st.file_uploader(
        f"Zoom files, up to {MOST_FILES} at once, {visit.settings.app_upload_mb} MB each",
        accept_multiple_files=True,
        max_upload_size=visit.settings.app_upload_mb,
        key="upload-files",
    )
    if len(given) > MOST_FILES:
        st.error(f"These are {grouped(len(given))} files. Give at most {MOST_FILES} at once, please.")
    else:
        _show_files(visit, given, profile)
    _show_week(visit)


def _require(visit: Visit) -> None:
    if not visit.person.may(ROLES):
        raise FunnelError("only operators give Zoom files", fix="ask the engineer for the role operator")


def _ask_profile(visit: Visit) -> str | None:
    """Return the profile that a person says all the files are of; None: each file says it by its topic."""
    known = {one.name: one for one in upload.profiles(visit.settings)}

    def named(name: str) -> str:
        if name not in known:
            return name
        of = " · ".join(filter(None, (known[name].product, known[name].use_case)))
        return f"{of} ({name})" if of else name

    chosen = st.selectbox("Product and use case", [BY_ITSELF, *known], format_func=named, key="upload-profile")
    if chosen not in known:
        st.caption(
            "The topic of each report decides, by the patterns of zoom_profiles.csv. That is right nearly always."
        )
        return None
    st.caption(f"It wants the {TYPES.get(known[chosen].type, 'report')}. Every file below counts as {chosen}.")
    return str(chosen)


def _show_files(visit: Visit, given: list[UploadedFile], profile: str | None) -> None:
    checks: dict[tuple[str, ...], Checked | FunnelError] = st.session_state.setdefault("upload-checks", {})
    mark = folder_mark(visit.settings.config_folder)
    keys = {file.file_id: (file.file_id, profile or "", mark) for file in given}
    for key in checks.keys() - set(keys.values()):
        del checks[key]
    accepted: dict[str, str] = st.session_state.setdefault("upload-accepted", {})
    for file in given:
        if keys[file.file_id] not in checks:
            with st.spinner(f"Checking {file.name} …"):
                checks[keys[file.file_id]] = _checked(visit, file, profile)
    waiting = [
        file for file in given if file.file_id not in accepted and _can_accept(checks[keys[file.file_id]], profile)
    ]
    if len(waiting) > 1 and st.button(f"Accept all {len(waiting)} files", type="primary", icon=":material/done_all:"):
        for file in waiting:
            _accept(visit, file, checks[keys[file.file_id]], profile)
        st.rerun()
    for file in given:
        with st.container(border=True, key=f"file-{file.file_id}"):
            _show_file(visit, file, checks[keys[file.file_id]], profile)


def _checked(visit: Visit, file: UploadedFile, profile: str | None) -> Checked | FunnelError:
    try:
        return upload.check(visit.settings, file.name, file.getvalue(), profile)
    except FunnelError as error:
        return error


def _can_accept(found: Checked | FunnelError, profile: str | None) -> bool:
    if isinstance(found, FunnelError) or found.diagnosis.refusal is not None:
        return False
    return found.before is None or (profile is not None and found.before.folder != profile)


def _show_file(visit: Visit, file: UploadedFile, found: Checked | FunnelError, profile: str | None) -> None:
    st.subheader(literal(file.name), anchor=False)
    if isinstance(found, FunnelError):
        st.error(f"{sentence(found.what)} What to do: {literal(found.fix)}.")
        return
    if found.diagnosis.refusal is not None:
        what, _, fix = found.diagnosis.refusal.partition(". Fix: ")
        st.badge("would be rejected", icon=":material/block:", color="red")
        st.error(f"{sentence(what)} What to do: {literal(fix.rstrip('.'))}.")
        return
    _show_verdict(found)
    accepted = st.session_state["upload-accepted"].get(file.file_id)
    if accepted:
        st.success(f"Accepted as {literal(accepted)}. What becomes of it stands below, under Files of this week.")
    elif found.before is not None:
        at = words.moment(found.before.received_at, ZoneInfo(visit.settings.timezone))
        again = " Accept it to have it count under the profile you chose." if _can_accept(found, profile) else ""
        st.info(f"These very bytes came on {at} already: nothing would be counted twice.{again}")
    _show_numbers(found)
    _show_clean(found)
    with st.container(horizontal=True):
        if not accepted and _can_accept(found, profile):
            st.button(
                "Accept",
                type="primary",
                icon=":material/check:",
                key=f"accept-{file.file_id}",
                on_click=_accept,
                args=(visit, file, found, profile),
            )
        for clean in found.files:
            _offer_clean(visit, found, clean)
    if error := st.session_state.pop(f"upload-error-{file.file_id}", None):
        st.error(literal(error))
    with st.expander("How it was read"):
        _show_reading(found)
    with st.expander("You know something better about it"):
        _show_overrides(visit, file, found)


def _accept(visit: Visit, file: UploadedFile, found: Checked | FunnelError, profile: str | None) -> None:
    """Lay the file into the drop folder, once: it is written down before, and why not, if it cannot be."""
    _require(visit)
    done = st.session_state["upload-accepted"]
    if isinstance(found, FunnelError) or file.file_id in done:
        return
    visit.did(states.ACCEPTED, found.file_id)
    try:
        done[file.file_id] = upload.accept(visit.settings, found, file.getvalue(), profile)
    except FunnelError as error:
        visit.did(states.ACCEPTED, found.file_id, f"not done: {error.what[:80]}")
        st.session_state[f"upload-error-{file.file_id}"] = str(error)


def _show_verdict(found: Checked) -> None:
    told = found.diagnosis
    with st.container(horizontal=True):
        st.badge(KINDS[told.report].title, color="blue")
        if not told.is_good:
            st.badge("too few of its dates can be read", icon=":material/event_busy:", color="orange")
        elif told.warnings:
            many = f"{grouped(len(told.warnings))} warnings" if len(told.warnings) > 1 else "1 warning"
            st.badge(f"would be taken, with {many}", icon=":material/warning:", color="orange")
        else:
            st.badge("would be taken", icon=":material/check_circle:", color="green")
    if told.event:
        st.write(_event_in_words(told.event))
    for warning in told.warnings:
        st.warning(sentence(warning))


def _event_in_words(event: Mapping[str, str]) -> str:
    started = event.get("started_at", "")
    at = f", {words.day(datetime.fromisoformat(started[:10]))} at {started[11:16]}" if started else ""
    names = {"profile": "profile", "category": "category", "conductor": "conductor", "bootcamp_day": "bootcamp day"}
    facts = [f"{name} {event[key]}" if key in event else f"no {name}" for key, name in names.items()]
    facts = [fact for fact in facts if fact != "no bootcamp day"]
    webinar = f" (webinar {event['webinar_id']})" if "webinar_id" in event else ""
    topic = literal(event.get("topic", "A webinar without a topic"))
    return f"**{topic}**{webinar}{at}: {literal(', '.join(facts))}."


def _show_numbers(found: Checked) -> None:
    told = found.diagnosis
    assert told.measures is not None  # noqa: S101 - only of files that were read
    fates = told.fates.get("clean.zoom_attendance") or told.fates.get("clean.zoom_registrations") or {}
    numbers = {"Rows in the file": grouped(sum(section["rows"] for section in told.measures["sections"]))}
    if fates:
        merged = sum(count for reason, count in fates.items() if reason.startswith("merged:"))
        numbers["People kept"] = grouped(fates["rows kept"])
        numbers["Rows merged"] = grouped(merged)
        numbers["Dates read"] = f"{told.date_ratio:.1%}"
    elif told.fates:
        counts = next(iter(told.fates.values()))
        numbers = {name.capitalize(): grouped(count) for name, count in list(counts.items())[:4]}
    if told.phones:
        numbers["Usable phones"] = grouped(sum(told.phones.get(name, 0) for name in (IN_MOBILE, FOREIGN)))
    with st.container(horizontal=True):
        for name, number in numbers.items():
            st.metric(name, number, width="content")


def _show_clean(found: Checked) -> None:
    """Show the clean rows of the file, seen alone."""
    for clean in found.files:
        columns = clean.frame.shape[1]
        st.caption(
            f"{clean.name}: {grouped(len(clean.frame))} people, {columns} columns, of this file alone. The night also "
            "looks into the other report of the webinar and the campaign leads."
        )
        st.dataframe(clean.frame, hide_index=True, height=240, key=f"rows-{found.file_id}-{clean.name}")


def _offer_clean(visit: Visit, found: Checked, clean: CleanFile) -> None:
    st.download_button(
        f"Clean only: {clean.name}",
        as_csv(clean.frame),
        file_name=clean.name,
        mime="text/csv",
        icon=":material/download:",
        key=f"clean-{found.file_id}-{clean.name}",
        help=f"The {clean.frame.shape[1]} columns, for a spreadsheet. Nothing is stored.",
        on_click=visit.did,
        args=("cleaned a file without keeping it", found.file_id),
    )


def _show_reading(found: Checked) -> None:
    told = found.diagnosis
    assert told.measures is not None  # noqa: S101 - only of files that were read
    for title, rows in (
        (
            "Sections",
            [{"Section": s["role"], "Rows": s["rows"], "Broken": s["broken"]} for s in told.measures["sections"]],
        ),
        ("Phones", [{"Phone": PHONES.get(name, name), "Rows": count} for name, count in told.phones.items()]),
        ("Zoom's own counts", [{"Count": n, "Zoom says": a, "The rows have": b} for n, a, b in told.reconciled]),
        *(
            (_TABLES.get(table, table), [{"Row": _fate(name), "Rows": count} for name, count in fate.items()])
            for table, fate in told.fates.items()
        ),
    ):
        if rows:
            st.markdown(f"**{title}**")
            st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.markdown("**Steps**")
    st.markdown("\n".join(f"- {literal(step)}" for step in told.steps))


_TABLES = {
    "clean.zoom_registrations": "Rows on their way to the people who registered",
    "clean.zoom_attendance": "Rows on their way to the people who attended",
}


def _fate(name: str) -> str:
    return name.replace(":", ": ").replace("_", " ")


def _show_overrides(visit: Visit, file: UploadedFile, found: Checked) -> None:
    if not can_save(visit.settings):
        st.info(
            "The config tables cannot be written from here. Ask the engineer to add the line to file_overrides.csv or "
            "webinar_overrides.csv."
        )
    elif not KINDS[found.diagnosis.report].says_who_came and found.webinar_id is None:
        _override_chat(visit, file)
    elif found.webinar_id is None:
        st.info("The file names no webinar id, so it counts nowhere, and there is nothing to override.")
    else:
        whose = st.segmented_control(
            "It holds for",
            [THIS_FILE, EVERY_DAY],
            default=THIS_FILE,
            key=f"override-whose-{file.file_id}",
            required=True,
        )
        _override_report(visit, file, found, found.webinar_id, is_one=whose == THIS_FILE)


def _override_report(visit: Visit, file: UploadedFile, found: Checked, webinar_id: str, *, is_one: bool) -> None:
    """Ask what is known better of a report alone, or of its webinar on each of its days."""
    settings = visit.settings
    now = overrides.of_file(settings, found.file_id) if is_one else overrides.of_webinar(settings, webinar_id)
    names = [one.name for one in upload.profiles(settings)]
    said = (
        "What is said here of this file goes before what is said of its webinar."
        if is_one
        else f"It holds for webinar {webinar_id} on each of its days, unless a file says otherwise."
    )
    with st.form(f"override-{file.file_id}-{is_one}"):
        st.caption(said)
        cells = {
            "conductor": st.text_input("Conductor", now["conductor"]),
            "category": st.text_input("Category or track", now["category"]),
            "profile": _choice("Profile", names, now["profile"]),
            "bootcamp_day": _choice("Bootcamp day", DAYS, now["bootcamp_day"]),
        }
        if is_one:
            cells["date_ratio"] = st.text_input(
                "Share of its dates that must be readable",
                now["date_ratio"],
                placeholder=f"{settings.zoom_date_ratio:g}, as for every file",
                help="From 0 to 1. A file below it is taken all the same, with a warning.",
            )
        cells["note"] = st.text_input("Note", now["note"])
        if st.form_submit_button("Save and check again"):
            line = (
                overrides.with_file(settings, found.file_id, cells)
                if is_one
                else overrides.with_webinar(settings, webinar_id, cells)
            )
            _save_line(visit, *line)


def _override_chat(visit: Visit, file: UploadedFile) -> None:
    with st.form(f"override-{file.file_id}"):
        st.write("If the file does not say which webinar it is of, say it here.")
        cells = {
            "webinar_id": st.text_input("Webinar id"),
            "started_at": st.text_input("Start, as 2026-10-31 18:00"),
            "note": st.text_input("Note"),
        }
        if st.form_submit_button("Save"):
            _save_line(visit, *overrides.with_chat(visit.settings, upload.name_in_folder(file.name), cells))


def _choice(label: str, options: Iterable[str], now: str) -> str:
    every = ["", *options]
    at = every.index(now) if now in every else 0
    return str(st.selectbox(label, every, index=at, format_func=lambda one: one or "(as it is found)"))


def _save_line(visit: Visit, table: ConfigTable, data: bytes) -> None:
    """Save a line that a form made, if a night would take it."""
    verdict = judge(visit.settings, table.name, data, source_names(visit.settings))
    if not verdict.is_good:
        for problem in [*verdict.problems, *verdict.others]:
            st.error(f"{problem.table}.csv, {literal(problem.what)}. What to do: {literal(problem.fix)}.")
        return
    save_noted(visit, {table.name: data}, lambda: save(visit.settings, table, data))
    st.rerun()


def _show_week(visit: Visit) -> None:
    st.header("Files of this week", divider="gray")
    whose = st.segmented_control("Whose", ["Mine", "Everybody's"], default="Mine", key="upload-whose", required=True)
    every = MOVING_SECONDS if st.session_state.setdefault("upload-moving", False) else STILL_SECONDS
    st.fragment(_follow, run_every=every)(visit, mine=whose == "Mine")


def _follow(visit: Visit, *, mine: bool) -> None:
    """Show the files, each with its state, and again every few seconds while one goes on by itself."""
    if said := st.session_state.pop("upload-said", None):
        st.success(said)
    found = [one for one in states.file_states(visit.settings) if _is_theirs(visit, one, mine=mine)]
    is_moving = any(one.state in states.UNDER_WAY for one in found)
    if is_moving != st.session_state["upload-moving"]:
        st.session_state["upload-moving"] = is_moving
        st.rerun()
    if not found:
        whose = "You have given no file" if mine else "No file has come"
        st.info(f"{whose} in the last seven days.")
        return
    st.write(_count_in_words(found))
    zone = ZoneInfo(visit.settings.timezone)
    now = datetime.now(UTC)
    for one in [one for one in found if one.state in states.UNDER_WAY][:MOST_FILES]:
        st.markdown(f":blue-badge[{one.state}] **{literal(one.name)}**: {literal(one.says)}.")
    st.dataframe(
        pd.DataFrame(
            {
                "State": [one.state for one in found],
                "File": [one.name for one in found],
                "What it means": [one.says for one in found],
                "Webinar": [one.topic or "" for one in found],
                "Profile": [one.profile or "" for one in found],
                "Warnings": [len(one.warnings) for one in found],
                "Came": [words.moment(one.came_at, zone) for one in found],
                "Ago": [words.ago(one.came_at, now) for one in found],
            }
        ),
        hide_index=True,
        column_config={"What it means": st.column_config.TextColumn(width="large")},
        key="upload-week",
    )
    _look_closer(visit, found)


def _is_theirs(visit: Visit, one: FileState, *, mine: bool) -> bool:
    is_own = visit.person.email in one.by
    return is_own if mine else is_own or visit.person.owns(one.conductor, one.profile)


def _count_in_words(found: list[FileState]) -> str:
    counts: dict[str, int] = {}
    for one in found:
        counts[one.state] = counts.get(one.state, 0) + 1
    return ", ".join(
        f"{COLOURS.get(state, ':blue')}-badge[{grouped(count)} {state}]" for state, count in counts.items()
    )


def _look_closer(visit: Visit, found: list[FileState]) -> None:
    """Show one file whole, and let it be withdrawn or restored, with a reason."""
    known = [one for one in found if one.state != states.WAITING]
    if not known:
        return
    by_id = {one.file_id: one for one in reversed(known)}
    chosen = st.selectbox(
        "Look at one file",
        list(by_id)[::-1],
        index=None,
        format_func=lambda file_id: by_id[file_id].name,
        key="upload-one",
    )
    if chosen is None:
        return
    one = by_id[chosen]
    st.write(sentence(one.says))
    for warning in one.warnings:
        st.warning(sentence(warning))
    if one.state == states.REJECTED:
        return
    is_gone = one.state == states.WITHDRAWN
    with st.form("upload-withdraw", clear_on_submit=True):
        label = "Why it should count again" if is_gone else "Why it should not count (kept, and shown)"
        why = st.text_input(label, help="In a sentence, without phones and e-mails.")
        if st.form_submit_button("Let it count again" if is_gone else "Withdraw it"):
            _withdraw(visit, one, why, restore=is_gone)


def _withdraw(visit: Visit, one: FileState, why: str, *, restore: bool) -> None:
    _require(visit)
    do, action = (withdrawals.restore, "restored a file") if restore else (withdrawals.withdraw, "withdrew a file")
    try:
        do(withdrawals.archive(visit.settings), one.file_id, why)
    except FunnelError as error:
        st.error(sentence(error.what))
        return
    visit.did(action, one.file_id)
    whether = "counts again" if restore else "is withdrawn"
    st.session_state["upload-said"] = f"{literal(one.name)} {whether}, {withdrawals.WHEN}."
    st.rerun()


PAGE = Page("upload", "Upload", ":material/upload_file:", "Every day", ROLES, show)
