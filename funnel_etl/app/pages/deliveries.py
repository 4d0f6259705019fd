"""Deliveries: what would be sent, what waits for a person, and what became of every candidate."""

import json
from collections import Counter

import pandas as pd
import streamlit as st

from funnel_etl.app import words
from funnel_etl.app.access import Role
from funnel_etl.app.acting import act, asked, may_see, show_done
from funnel_etl.app.send_control import show_sending
from funnel_etl.app.tables import Shown, table
from funnel_etl.app.visit import Page, Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.contact_mask import masked
from funnel_etl.core.values.numbers import grouped
from funnel_etl.delivery.contracts import REASONS, SENDABLE, USER
from funnel_etl.delivery.report import COLUMNS, Report, as_csv
from funnel_etl.delivery.rows import Delivery
from funnel_etl.delivery.scope import Scope
from funnel_etl.operate.deliver import decide, look
from funnel_etl.operate.deliver.open_rows import BY_NIGHT, BY_OCCURRENCE, Hold, OpenRows, open_rows
from funnel_etl.operate.deliver.own import Own, own_of

ROLES = frozenset({Role.OPERATOR, Role.ENGINEER})
OPEN = frozenset({Role.ANALYST})
"""Who sees persons in a request whole, beside the engineer."""
PREVIEW, APPROVE, DECIDE, REPORT = "Preview", "Approve", "Decide", "Report"
STATES = {
    "Delivered": ("delivered",),
    "Next run sends": ("planned", "sending", "failed_transient"),
    "Held": ("held",),
    "Unknown": ("unknown",),
    "Refused": ("failed_permanent",),
}
TO_DO = {
    "new_attribute_type": "Look at the types below; when they are right, approve them.",
    "attribute_type_changed": "The engineer sets the type back, or gives the attribute another name.",
    "large_plan": "Release the night, if so many are expected.",
    "identity_changed": "Release it only if it is another person with the same e-mail.",
    "dependency_failed": "Correct the person's data at the source; the next night sends both.",
}
HELD_NAMES = {
    "new_attribute_type": "New attribute types",
    "attribute_type_changed": "An attribute changed its type",
    "large_plan": "A large plan",
    "identity_changed": "The same e-mail under another phone",
    "dependency_failed": "The person's profile was refused",
}
PLAIN = {
    "large_plan": "more new events than are sent without a look",
    "window_passed": "no answer came, and a repeat now could be a second one",
    "ledger_lost": "it may have been sent before the database was lost",
    "no_consent": "the person did not agree",
    "suppressed": "the person is suppressed",
    "no_user_id": "no phone is known",
    "no_profile": "the webinar has no profile",
    "no_event_name": "the profile names no event",
    "delivery_off": "no rule says yes",
    "before_from_date": "older than its rule begins",
    "never_delivered": "the profile goes with the first event",
    "too_old": "older than its rule allows",
}
"""Reasons in the words of the page; others as the ledger has them."""
ARRIVED, NOT_ARRIVED, GIVE_UP = "It arrived", "It did not arrive: send it again", "Give up: it is never sent"
QUESTIONS = {
    ARRIVED: "Mark {} as delivered? They are never sent again.",
    NOT_ARRIVED: "Send {} again? Whoever did get it gets it twice.",
    GIVE_UP: "Give up {} events? No later run sends them. Profiles among them are left.",
}
ACTIONS = {ARRIVED: "delivered", NOT_ARRIVED: "again", GIVE_UP: "give up"}
SWITCH_ON = """
1. The engineer sets up a service account in WebEngage, and puts licence and address into the settings.
2. Name the events in `zoom_profiles.csv`, letter by letter as the journeys have them.
3. Put what people agreed to into the drop folder, under `consent`, and name the questions of your forms in
   `consent_questions.csv`.
4. Add a rule to `delivery_rules.csv`, for one profile first, from today on.
5. Run a night, and look at the preview on this page: it connects to nothing and needs no key.
6. Approve the attribute types here, once they are right.
7. The engineer sets `FUNNEL_DELIVERY=webengage` and the key, and sends five first.

All of it, step by step: `docs/delivery.md`.
"""


def show(visit: Visit) -> None:
    """Show whether anything is sent, how much stands where, and one part of the work."""
    st.title("Deliveries")
    if not may_see(visit, ROLES):
        return
    own = None if visit.person.sees_all else own_of(visit.settings, visit.person.owns)
    found = look.standing(visit.settings, own)
    st.write(_state(found))
    if own:
        st.caption("You see the webinars that are yours. Sending, types and whole nights concern everybody's.")
    show_done()
    if not found.is_on:
        st.info("Delivery is off: nothing leaves this machine.", icon=":material/block:")
        with st.expander("How it is switched on", expanded=not found.has_candidates):
            st.markdown(SWITCH_ON)
    if not (found.has_candidates or found.counts):
        return
    _metrics(found)
    part = st.segmented_control(
        "Show", [PREVIEW, APPROVE, DECIDE, REPORT], default=PREVIEW, required=True, label_visibility="collapsed"
    )
    parts = {PREVIEW: _preview, APPROVE: _approve, DECIDE: _decide, REPORT: _report}
    parts[part or PREVIEW](visit, own)


def _state(found: look.Standing) -> str:
    if not found.account:
        return "No account at WebEngage is set, so there is nothing to send to."
    by_state = _by_state(found)
    waits = by_state["held"] + by_state["unknown"] + by_state["failed_permanent"]
    person = f"{grouped(waits)} are held, unknown or refused" if waits else "nothing is held, unknown or refused"
    planned = (
        f"; {grouped(found.not_planned.rows)} of the newest night are not planned yet" if found.not_planned else ""
    )
    return f"WebEngage: {person}{planned}."


def _by_state(found: look.Standing) -> Counter[str]:
    states: Counter[str] = Counter()
    for each in found.counts:
        states[each["state"]] += each["rows"]
    return states


def _metrics(found: look.Standing) -> None:
    by_state = _by_state(found)
    for column, (title, states) in zip(st.columns(len(STATES)), STATES.items(), strict=True):
        column.metric(title, grouped(sum(by_state[state] for state in states)))


def _preview(visit: Visit, own: Own | None) -> None:
    with st.spinner("Working out what a run would send …"):
        found = look.preview(visit.settings, Scope())
    rows = [row for call in found.preview.calls for row in call.rows]
    rows, lines = (own.rows(rows), own.lines(found.report.lines)) if own else (rows, found.report.lines)
    by_event = Counter(row.event_name or USER for row in rows)
    st.write(
        f"A run now would make {grouped(len(found.requests))} requests for {grouped(len(rows))} users and events. "
        "Looking at it sends nothing."
        if own is None
        else f"Of your webinars, a run now would send {grouped(len(rows))} users and events."
    )
    if found.is_on and own is None:
        show_sending(visit, by_event, Counter(line.state for line in (*found.report.lines, *found.report.earlier)))
    left, right = st.columns(2)
    with left:
        counts = [(_name(name), count) for name, count in sorted(by_event.items())]
        sent = pd.DataFrame(counts, columns=["name", "count"])
        st.markdown("**Would be sent**")
        table(sent, {"name": Shown("Event or profile"), "count": Shown("How many", grouped)}, "would_be_sent")
    with right:
        why = Counter((line.state, line.reason) for line in lines if line.state not in (*SENDABLE, "delivered"))
        unsent = pd.DataFrame(
            [(_why(*key), count) for key, count in sorted(why.items(), key=str)], columns=["why", "count"]
        )
        st.markdown("**Would not, and why**")
        table(unsent, {"count": Shown("How many", grouped), "why": Shown("Why", width=300)}, "not_sent")
    if found.requests and own is None:
        st.markdown("**The first request**, as it would go out")
        text = _request(json.loads(found.requests[0]))
        st.code(text if visit.person.may(OPEN) else masked(text), language="json")


def _why(state: str, reason: str | None) -> str:
    said = _reason(reason)
    return f"{state.replace('_', ' ')}: {said}" if said else state.replace("_", " ")


def _reason(reason: str | None) -> str:
    name = reason or ""
    return PLAIN.get(name) or REASONS.get(name) or name.replace("_", " ")


def _name(name: str) -> str:
    return "profile" if name == USER else name


def _request(request: dict[str, object]) -> str:
    body = json.loads(str(request["body"]))
    for name, rows in body.items() if isinstance(body, dict) else ():
        if isinstance(rows, list) and len(rows) > 1:
            body[name] = [rows[0], f"… {grouped(len(rows) - 1)} more"]
    shown = {"to": request["path"], "headers": request["headers"], "body": body}
    return json.dumps(shown, ensure_ascii=False, indent=2)


def _approve(visit: Visit, own: Own | None) -> None:
    found = open_rows(visit.settings, own)
    types = look.preview(visit.settings, Scope()).preview.new_types
    if not found.holds and not types:
        st.info("Nothing is held, and there is no new attribute type.", icon=":material/check:")
        return
    if types and own is None:
        _types(visit, types, sum(count for hold, count in found.holds.items() if hold.reason == "new_attribute_type"))
    for hold, count in found.holds.items():
        if hold.reason != "new_attribute_type" or own or not types:
            _hold(visit, hold, count, is_all=own is None)


def _types(visit: Visit, types: dict[tuple[str, str, str], str], held: int) -> None:
    st.subheader("New attribute types")
    st.write("The first value fixes the type of an attribute in WebEngage for good.")
    rows = [(_name(name or object_), attribute, kind) for (object_, name, attribute), kind in types.items()]
    frame = pd.DataFrame(rows, columns=["name", "attribute", "kind"])
    table(frame, {"name": Shown("Event"), "attribute": Shown("Attribute"), "kind": Shown("Type")}, "types")
    many = f"{grouped(len(types))} type{'' if len(types) == 1 else 's'}"
    released = f" {grouped(held)} held rows are released with that." if held else ""
    if asked("approve_types", "Approve the types", f"Fix {many} for good?{released}", f"Yes, approve {many}"):
        act(visit, ROLES, "approve types", many, lambda: _types_approved(visit))


def _types_approved(visit: Visit) -> str:
    done = decide.approve_types(visit.settings)
    return f"{grouped(len(done.types))} types approved, {grouped(done.released)} rows released."


def _hold(visit: Visit, hold: Hold, count: int, *, is_all: bool) -> None:
    st.subheader(HELD_NAMES.get(hold.reason, hold.reason.replace("_", " ").capitalize()))
    where = f" of the night of {words.day(hold.night)}" if hold.night else ""
    where = f" of the webinar {hold.occurrence}" if hold.occurrence else where
    st.write(f"{grouped(count)} held{where}: {_reason(hold.reason)}.")
    st.caption(TO_DO.get(hold.reason, "Ask the engineer."))
    if hold.reason not in ((BY_NIGHT, BY_OCCURRENCE) if is_all else (BY_OCCURRENCE,)):
        return
    key = f"release_{hold.reason}_{hold.night}_{hold.occurrence}"
    many = grouped(count)
    if asked(
        key, f"Release {many}", f"Release {many} held events{where}? The next run sends them.", f"Yes, release {many}"
    ):
        about = f"{hold.reason}{where}, {many} held"
        act(visit, ROLES, "release", about, lambda: _released(visit, hold))


def _released(visit: Visit, hold: Hold) -> str:
    done = decide.approve_rows(visit.settings, night=hold.night, occurrence=hold.occurrence)
    return f"{grouped(done.released)} rows released."


def _decide(visit: Visit, own: Own | None) -> None:
    found = open_rows(visit.settings, own)
    if found.repeated:
        st.caption(f"{grouped(found.repeated)} more are unknown, and the next run sends them again by itself.")
    if found.undecided:
        _undecided(visit, found.undecided)
    else:
        st.info("There is nothing to decide: what became of everything is known.", icon=":material/check:")
    if found.delivered:
        with st.expander("Fire the events of a webinar once more"):
            _again(visit, found)


def _undecided(visit: Visit, rows: list[Delivery]) -> None:
    st.write(
        f"Of {grouped(len(rows))} nobody knows whether they arrived, or WebEngage refused them. Look there, "
        "then decide. What you leave stays as it is."
    )
    is_open = visit.person.may(OPEN)
    frame = pd.DataFrame([_line(row) for row in rows], columns=["name", "user", "webinar", "why", "message", "key"])
    table(
        frame,
        {
            "name": Shown("Event or profile"),
            "user": Shown("User id", about="To look for in WebEngage."),
            "webinar": Shown("Webinar"),
            "why": Shown("Why", width=260),
            "message": Shown("Answer", None if is_open else masked),
            "key": Shown("Key"),
        },
        "undecided",
    )
    labels = {row.delivery_key: f"{_line(row)[0]}, {row.user_id}, {row.delivery_key[:8]}" for row in rows}
    is_all = st.checkbox(f"All {grouped(len(rows))}")
    picked = st.multiselect("Which", list(labels), format_func=labels.__getitem__, disabled=is_all)
    keys = list(labels) if is_all else picked
    became = st.radio("What became of them", list(QUESTIONS))
    note = st.text_input("Why", placeholder="seen in WebEngage at 11:20", max_chars=200)
    st.caption("A sentence without names and numbers: it is kept with each row.")
    many = grouped(len(keys))
    question = QUESTIONS[became].format(many)
    if asked("decide", "Decide", question, f"Yes, {many}", disabled=not (keys and note.strip())):
        about = f"{ACTIONS[became]}: {', '.join(key[:12] for key in keys[:20])}"
        act(visit, ROLES, "decide", about, lambda: _decided(visit, keys, note, became))


def _line(row: Delivery) -> tuple[str, ...]:
    name = _name(row.event_name or row.object)
    return (
        name,
        row.user_id or "",
        row.occurrence_id or "",
        _reason(row.reason),
        row.message or "",
        row.delivery_key[:12],
    )


def _decided(visit: Visit, keys: list[str], note: str, became: str) -> str:
    who = visit.person.email
    if became == GIVE_UP:
        return f"{grouped(len(decide.give_up(visit.settings, keys, note, who)))} given up."
    done = decide.resolve(visit.settings, keys, note, is_delivered=became == ARRIVED, who=who)
    said = "marked as delivered" if became == ARRIVED else "planned again, under a new request id"
    return f"{grouped(len(done))} {said}."


def _again(visit: Visit, found: OpenRows) -> None:
    chosen = st.selectbox(
        "Webinar and event",
        list(found.delivered),
        format_func=lambda key: f"{key[0]}, {key[1]}: {grouped(found.delivered[key])} delivered",
    )
    reason = st.text_input("Why once more", placeholder="the journey was broken", max_chars=200)
    if not reason.strip():
        st.caption("Write why first; then it is worked out how many that are.")
        return
    occurrence, kind = chosen
    again = decide.find_again(visit.settings, occurrence, kind, reason, visit.person.email)
    if again.left:
        st.caption(f"{grouped(again.left)} are left out: the newest night does not send them any more.")
    many = grouped(len(again.rows))
    if asked(
        "again",
        f"Fire {many} once more",
        f"Fire {many} events once more? People get them twice.",
        f"Yes, {many} once more",
        disabled=not again.rows,
    ):
        act(visit, ROLES, "fire again", f"{kind} of {occurrence}, {many}", lambda: _fired(visit, again))


def _fired(visit: Visit, again: decide.Again) -> str:
    return f"{grouped(decide.fire_again(visit.settings, again))} events planned once more; the next run sends them."


def _report(visit: Visit, own: Own | None) -> None:
    with st.spinner("Adding up …"):
        found = look.report(visit.settings, None)
    try:
        found.balanced()
    except FunnelError as error:
        st.error(str(error), icon=":material/error:")
        return
    if own:
        mine, earlier = own.lines(found.lines), own.lines(found.earlier)
        found = Report(mine, earlier, len(mine))
    whose = " of your webinars" if own else ""
    st.write(
        f"{grouped(found.candidates)} candidates of the newest night{whose}, each with what became of it; they add up."
    )
    rows = [
        (_name(name), kind, _why(*_split(state)), count)
        for (name, kind), counts in found.totals().items()
        for state, count in sorted(counts.items())
    ]
    frame = pd.DataFrame(rows, columns=["name", "kind", "state", "count"])
    columns = {"name": Shown("Event or profile"), "kind": Shown("Kind"), "state": Shown("State", width=380)}
    table(frame, columns | {"count": Shown("How many", grouped)}, "report")
    if found.earlier:
        st.caption(f"And {grouped(len(found.earlier))} open rows of earlier nights; the file has them.")
    lines = [*found.lines, *found.earlier]

    def data() -> bytes:
        visit.did("download", f"deliveries.csv, {grouped(len(lines))} rows")
        return as_csv(lines)

    st.download_button(
        f"A line per row as a file ({grouped(len(lines))})",
        data,
        "deliveries.csv",
        "text/csv",
        icon=":material/download:",
    )
    st.caption(f"It holds persons: keep it to yourself. Columns: {', '.join(COLUMNS[:9])} …")


def _split(state: str) -> tuple[str, str | None]:
    name, _, reason = state.partition(": ")
    return name, reason or None


PAGE = Page("deliveries", "Deliveries", ":material/outgoing_mail:", "Sending", ROLES, show)
