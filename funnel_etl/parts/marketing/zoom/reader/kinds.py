"""The kinds of Zoom files that are taken in: how each is known and read, where its rows go, what they measure.

Attendee and registration reports share a layout, and its sections tell which of them a file is; they say who came. A
kind with a layout of its own (a chat, a poll, questions) has a `signature`. Intake, partitions, `zoom check` and the
measures go by this list.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.values.text import clean_email
from funnel_etl.parts.marketing.zoom.reader.chat import is_chat, read_chat
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_ATTENDEE_ROWS, RAW_ZOOM_REGISTRANT_ROWS
from funnel_etl.parts.marketing.zoom.reader.demio import is_demio, read_demio
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import (
    ATTENDANCE,
    CHAT,
    POLL,
    QUESTIONS,
    RAW_ZOOM_CHAT_ROWS,
    RAW_ZOOM_POLL_ROWS,
    RAW_ZOOM_QUESTION_ROWS,
)
from funnel_etl.parts.marketing.zoom.reader.polls import is_poll, read_poll
from funnel_etl.parts.marketing.zoom.reader.questions import is_questions, read_questions
from funnel_etl.parts.marketing.zoom.reader.read import AT, ZoomExport, read_export

OF_REGISTRATIONS, VIEWERS, USERS = "# Registered + # Cancelled", "Unique Viewers", "Total Users"
"""Counts of a report's own summary."""


class Reader(Protocol):
    """Reads a file of a kind. Raises `NotAZoomReport` and `AmbiguousDates`."""

    def __call__(self, data: bytes, *, file_id: str, zone: str, received_at: Any = None) -> ZoomExport: ...  # noqa: D102


@dataclass(frozen=True)
class ReportKind:
    """A kind of file. `name`: in `raw.zoom_reports.report`; `title`: as Zoom calls it; `rows`: the table of its rows.

    `begins`: fact with the time of the webinar; `counted`: what its rows have of the counts its summary states;
    `signature`: whether bytes are of this kind (None: the sections of the common layout tell); `says_who_came`: whether
    the file alone says who came to which occurrence (Demio's attendance names none); `times`: columns of its rows with
    times of people.
    """

    name: str
    title: str
    rows: Table
    begins: str
    counted: Callable[[pd.DataFrame], dict[str, int]]
    read: Reader = read_export
    signature: Callable[[bytes], bool] | None = None
    says_who_came: bool = True
    times: tuple[str, ...] = AT


def _uncounted(_rows: pd.DataFrame) -> dict[str, int]:
    return {}


def _said(name: str, title: str, rows: Table, begins: str, read: Reader, signature: Any, times: Any) -> ReportKind:
    """Return a kind whose rows are what people said, not who they are."""
    return ReportKind(name, title, rows, begins, _uncounted, read, signature, says_who_came=False, times=times)


def _registered(rows: pd.DataFrame) -> dict[str, int]:
    return {OF_REGISTRATIONS: int(clean_email(rows["email"]).nunique())}


def _attended(rows: pd.DataFrame) -> dict[str, int]:
    email = clean_email(rows["email"])
    attended = rows["attended"].fillna(value=False).astype(bool)
    is_attendee = rows["section"].eq("attendee")
    is_staff = rows["section"].isin(["host", "panelist"])
    by_email = {OF_REGISTRATIONS: int(email[is_attendee].nunique())} if email[is_attendee].any() else {}
    return {
        VIEWERS: int(email[is_attendee & attended].nunique()),
        USERS: int((is_staff | (is_attendee & attended)).sum()),
        **by_email,
    }


KINDS = {
    kind.name: kind
    for kind in (
        ReportKind("attendee", "Attendee Report", RAW_ZOOM_ATTENDEE_ROWS, "started_at", _attended),
        ReportKind("registration", "Registration Report", RAW_ZOOM_REGISTRANT_ROWS, "scheduled_at", _registered),
        _said(QUESTIONS, "Question Report", RAW_ZOOM_QUESTION_ROWS, "started_at", read_questions, is_questions, ()),
        _said(POLL, "Poll Report", RAW_ZOOM_POLL_ROWS, "started_at", read_poll, is_poll, ("answered_at",)),
        ReportKind(
            ATTENDANCE,
            "Demio attendance",
            RAW_ZOOM_ATTENDEE_ROWS,
            "started_at",
            _uncounted,
            read_demio,
            is_demio,
            says_who_came=False,
        ),
        _said(CHAT, "saved chat", RAW_ZOOM_CHAT_ROWS, "first_day", read_chat, is_chat, ()),
    )
}
"""Every kind, by name. Those with a signature are asked in this order."""


def read_report(data: bytes, *, file_id: str, zone: str, received_at: Any = None) -> ZoomExport:
    """Read a file by the reader of its kind, as `read_export` does."""
    known = (kind for kind in KINDS.values() if kind.signature is not None and kind.signature(data))
    read = next((kind.read for kind in known), read_export)
    return read(data, file_id=file_id, zone=zone, received_at=received_at)


def kind_of(facts: dict[str, Any]) -> ReportKind:
    """Return the kind of a file by its facts."""
    return KINDS[facts["report"]]
