"""Sending what is due and watching it: a control of the page Deliveries. Nothing here decides; the service does."""

import contextlib
from collections import Counter

import streamlit as st

from funnel_etl.app.access import Role
from funnel_etl.app.acting import act, asked
from funnel_etl.app.following import follow
from funnel_etl.app.markdown import literal
from funnel_etl.app.visit import Visit
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped
from funnel_etl.delivery.contracts import HELD, PERMANENT, TRANSIENT, UNKNOWN, USER
from funnel_etl.operate.deliver import sending
from funnel_etl.operate.deliver.sending import Sending

MAY_SEND = frozenset({Role.OPERATOR})
FOLLOWED = "sending_followed"
OPEN = {HELD: "held", UNKNOWN: "unknown: look under Decide", TRANSIENT: "that the next run tries again"}


def show_sending(visit: Visit, by_event: Counter[str], states: Counter[str]) -> None:
    """Show the run that goes on, or how the last one ended, and what begins one, to who may; `states`: of all rows."""
    if follow(sending.newest(visit.settings), FOLLOWED, _show_run):
        return
    if not visit.person.may(MAY_SEND):
        return
    held, refused = states[HELD], states[PERMANENT]
    if not by_event:
        waits = f" {grouped(held)} are held: look under Approve." if held else ""
        st.info(f"There is nothing to send now.{waits}", icon=":material/check:")
        if not refused:
            return
    hours = visit.settings.delivery_window
    is_open = sending.is_open(visit.settings)
    at_any_hour = not is_open and st.checkbox(
        f"Send all the same at this hour: it is outside {hours}, when people may be written to", key="send_at_any_hour"
    )
    may_now = is_open or at_any_hour
    if by_event:
        _send(visit, by_event, held, at_any_hour=at_any_hour, may_now=may_now)
    if refused:
        _retry(visit, refused, sum(by_event.values()), at_any_hour=at_any_hour, may_now=may_now)


def _send(visit: Visit, by_event: Counter[str], held: int, *, at_any_hour: bool, may_now: bool) -> None:
    count = sum(by_event.values())
    many = ", ".join(f"{grouped(n)} {'profiles' if name == USER else name}" for name, n in sorted(by_event.items()))
    stays = f" {grouped(held)} more are held and stay here." if held else ""
    if asked(
        "send_now",
        "Send now",
        f"Send {many} to WebEngage? What has arrived there cannot be taken back.{stays}",
        f"Yes, send {grouped(count)}",
        disabled=not may_now,
    ):
        act(visit, MAY_SEND, "send now", many, lambda: _begun(visit, count, many, at_any_hour=at_any_hour))


def _retry(visit: Visit, refused: int, due: int, *, at_any_hour: bool, may_now: bool) -> None:
    """Offer what WebEngage refused for good to be sent once more, and with it what is due."""
    many = f"{grouped(refused)} refused once more" + (f", {grouped(due)} that are due" if due else "")
    if asked(
        "send_refused",
        f"Send the {grouped(refused)} refused once more",
        f"Send {many}? If the data are not corrected, WebEngage refuses them again.",
        f"Yes, send {grouped(refused + due)}",
        disabled=not may_now,
    ):
        about = "send the refused once more"
        act(
            visit,
            MAY_SEND,
            about,
            many,
            lambda: _begun(visit, refused + due, many, at_any_hour=at_any_hour, retry=True),
        )


def _begun(visit: Visit, count: int, many: str, *, at_any_hour: bool, retry: bool = False) -> str:
    def ended(run: Sending) -> None:
        with contextlib.suppress(FunnelError):  # it is in the ledger whether or not it can be written down here
            visit.did("sent", many, outcome(run)[:200])

    sending.begin(visit.settings, visit.person.email, count, ended, at_any_hour=at_any_hour, retry=retry)
    return f"Sending of {grouped(count)} has begun. It goes on if you close the page."


def _show_run(run: Sending) -> None:
    """Show how far a run is, or how it ended."""
    if not run.is_over:
        done = min(run.answered / max(run.of, 1), 1.0)
        st.progress(done, text=f"Sending: {grouped(run.answered)} of {grouped(run.of)} have an answer")
        return
    found = run.result
    is_good = found is not None and not (run.error or found.exit_code or found.is_busy or found.waits)
    (st.success if is_good else st.warning)(f"Sent by {run.who}: {literal(outcome(run))}")


def outcome(run: Sending) -> str:
    """Return how a run ended, in words and without any person."""
    done = run.result
    if run.error is not None:
        return f"it ended early: {run.error.what}. What to do: {run.error.fix}."
    if done is None or done.is_busy:
        return "another run is sending to WebEngage just now, so this one did nothing."
    answers = [f"{grouped(done.counts[name])} {name}" for name in ("accepted", "refused") if done.counts[name]]
    said = f"{', '.join(answers) or 'nothing was sent'}."
    left = [f"{grouped(done.open[state])} {word}" for state, word in OPEN.items() if done.open[state]]
    if left:
        said += f" Left: {', '.join(left)}."
    if done.waits:
        said += " The hours for sending are over; the rest waits for them."
    if done.ended:
        said += f" It ended early: {done.ended}. What to do: {done.fix}."
    return said
