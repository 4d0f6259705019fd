"""From causes to messages: one per kind, short subject, one line a cause, who does what. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from funnel_etl.observe.alerts.contracts import (
    AUTOMATION,
    CHECK,
    CONFIG,
    DELIVERY_FAILED,
    DELIVERY_HELD,
    DELIVERY_OFF,
    DELIVERY_UNKNOWN,
    EXPORT,
    NIGHT,
    PHONES,
    RUN,
    SOURCE,
    VOLUME,
)

LINES = 15
"""Causes a message tells one by one; of more it says how many."""
SUBJECTS = {
    RUN: ("a run failed", "{} steps failed"),
    CHECK: ("a check failed", "{} checks failed"),
    SOURCE: ("a source is not complete", "{} sources are not complete"),
    EXPORT: ("a Zoom report is missing", "{} Zoom reports are missing"),
    CONFIG: ("a config edit was rejected", "{} config edits were rejected"),
    VOLUME: ("far too few rows", "far too few rows, {} times"),
    PHONES: ("far more rows without a phone", "far more rows without a phone, in {} sources"),
    DELIVERY_FAILED: ("deliveries failed", "deliveries failed, for {} reasons"),
    DELIVERY_UNKNOWN: ("deliveries are unknown", "deliveries are unknown, for {} reasons"),
    DELIVERY_HELD: ("deliveries wait for a person", "deliveries wait for a person, for {} reasons"),
    DELIVERY_OFF: ("deliveries are due, and delivery is off",) * 2,
    AUTOMATION: ("something does not run by itself", "{} things do not run by themselves"),
    NIGHT: ("a night is published", "{} nights are published"),
}
"""The subject of a message of one, and of several; in the order in which they are sent."""


@dataclass(frozen=True)
class AlertText:
    """What a message says of a cause."""

    kind: str
    what: str
    what_to_do: str | None
    who: str | None


@dataclass(frozen=True)
class Message:
    """What is sent: `tone` is info, success, warning or failure."""

    subject: str
    body: str
    tone: str


def message(kind: str, told: Sequence[AlertText]) -> Message:
    """Return the message of causes of one kind."""
    one, several = SUBJECTS[kind]
    subject = one if len(told) == 1 else several.format(len(told))
    if kind == NIGHT:
        return Message(f"funnel_etl: {subject}", "\n\n".join(each.what for each in told), "success")
    lines = [_line(each) for each in told[:LINES]]
    if len(told) > LINES:
        lines.append(f"… and {len(told) - LINES} more: funnel-etl status")
    return Message(f"funnel_etl: {subject}", "\n".join(lines), "failure" if kind in (RUN, CHECK) else "warning")


def resolved_message(told: Sequence[AlertText]) -> Message:
    """Return the message that causes are gone: one line each, nothing to do."""
    lines = [f"- {each.what}" for each in told[:LINES]]
    if len(told) > LINES:
        lines.append(f"… and {len(told) - LINES} more")
    count = "1 thing that was told is resolved" if len(told) == 1 else f"{len(told)} things that were told are resolved"
    return Message(f"funnel_etl: {count}", "\n".join(["No longer so:", *lines]), "success")


def _line(told: AlertText) -> str:
    to_do = f"\n  → {told.who}: {told.what_to_do}" if told.what_to_do else ""
    return f"- {told.what}{to_do}"
