"""What a dropped file is when it is no Zoom attendee or registration report, and what to download instead.

Here: recognising by the first cells. Not here: by the first bytes (`signatures`); reading reports (`layout`, `read`).
"""

import re

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.core.reading.signatures import HEAD, format_of
from funnel_etl.parts.marketing.zoom.reader import vocabulary
from funnel_etl.parts.marketing.zoom.reader.vocabulary import key

DOWNLOAD = (
    "in Zoom, open Reports > Webinar, choose the Attendee Report or the Registration Report, export it "
    "as CSV, and drop that file unopened"
)
UNPACK = f"unpack it and drop the CSV files inside; if there are none: {DOWNLOAD}"

_OTHER = {key(cell): kind for kind, cells in vocabulary.OTHER_REPORTS.items() for cell in cells}
_CHAT_LINE = re.compile(
    r"^[ \t]{0,20}\d{1,2}:\d{2}:\d{2}(?: [AP]M)?[ \t]{1,20}"
    r"(?:From[ \t]|[^,;\n:]{0,200}:\t|[^,;\n:]{0,200}:[ \t]?$|[^,;\n]{0,100} to [^,;\n]{0,100}:)",
    re.IGNORECASE | re.MULTILINE,
)
_HTML = re.compile(r"<(?:!doctype html|html|head|body|script|meta|table|title|style)\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\ufffd]")


def refuse_bytes(data: bytes) -> None:
    """Raise `NotAZoomReport` for a file whose first bytes say that it is empty or no text at all."""
    if not data:
        raise NotAZoomReport("the file is empty (0 bytes)", fix=f"download it again: {DOWNLOAD}")
    if (found := format_of(data)) is not None:
        raise NotAZoomReport(f"it looks like {found.name}, not CSV", fix=UNPACK if found.is_archive else DOWNLOAD)


def refuse_text(text: str) -> None:
    """Raise `NotAZoomReport` for text that is blank, a web page, another format, or binary data read as text."""
    head = text[:HEAD].lstrip()
    if not head and not text.strip():
        raise NotAZoomReport("the file is empty: only white space is in it", fix=f"download it again: {DOWNLOAD}")
    start = _after_comments(head)
    if _HTML.match(start):
        raise NotAZoomReport("it looks like a web page (a login or error page), not CSV", fix=DOWNLOAD)
    if head.startswith("<?xml"):
        raise NotAZoomReport("it looks like XML, not CSV", fix=DOWNLOAD)
    if head.startswith(("{", "[")):
        raise NotAZoomReport("it looks like JSON, not CSV", fix=DOWNLOAD)
    if head.startswith("WEBVTT"):
        raise NotAZoomReport("it looks like the transcript of a recording, not CSV", fix=DOWNLOAD)
    if len(_CONTROL.findall(head)) > len(head) * 0.05:
        raise NotAZoomReport("it looks like binary data, not CSV", fix=DOWNLOAD)


def _after_comments(head: str) -> str:
    """Skip what may stand in front of a page: the XML declaration and comments."""
    for opening, closing in [("<?xml", "?>")] + [("<!--", "-->")] * 20:
        if head.startswith(opening) and closing in head:
            head = head.partition(closing)[2].lstrip()
    return head


def explain(head: str, records: list[list[str]]) -> NotAZoomReport:
    """Make the error for text without a report, from its beginning, its first records and its headers."""
    kind = other_report(head, records)
    if kind is not None:
        return NotAZoomReport(f"it looks like {kind}", fix=DOWNLOAD)
    if any(key(cell) in _SUMMARY_LABELS for record in records for cell in record):
        what = "it has the head of a Zoom report, but no section of attendees or registrations was found in it"
    elif sum(len([cell for cell in record if cell.strip()]) <= 1 for record in records) * 2 > len(records):
        what = "it looks like plain text: no section of an attendee or registration report was found in it"
    else:
        what = (
            "it looks like a table of something else: no section of an attendee or registration report was found in it"
        )
    return NotAZoomReport(
        what, fix=f"{DOWNLOAD}; set Zoom's language to English, Portuguese or Spanish before exporting"
    )


_SUMMARY_LABELS = {key(spelling) for meaning, _, spelling in vocabulary.entries(vocabulary.SUMMARY)} - {"id", "topic"}


def other_report(head: str, records: list[list[str]]) -> str | None:
    """Name another export of Zoom's that this is, or None."""
    kinds = [_OTHER[key(cell)] for record in records for cell in record if key(cell) in _OTHER]
    if kinds:
        return kinds[0]
    return "a Zoom chat" if _CHAT_LINE.search(head) else None
