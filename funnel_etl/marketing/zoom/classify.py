"""What a dropped file is when it is no Zoom attendee or registration report, and what to download instead.

Here: recognising by bytes and by the first cells. Not here: reading reports (`layout`, `read`).
"""

import re

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.marketing.zoom import vocabulary
from funnel_etl.marketing.zoom.vocabulary import key

DOWNLOAD = (
    "in Zoom, open Reports > Webinar, choose the Attendee Report or the Registration Report, export it "
    "as CSV, and drop that file unopened"
)
_SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive", "unpack it and drop the CSV files inside"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (XLS)", DOWNLOAD),
    (b"%PDF", "a PDF document", DOWNLOAD),
    (b"\x1f\x8b", "a gzip archive", "unpack it and drop the CSV file inside"),
    (b"Rar!", "a RAR archive", "unpack it and drop the CSV files inside"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and drop the CSV files inside"),
    (b"\x89PNG", "a picture", DOWNLOAD),
    (b"\xff\xd8\xff", "a picture", DOWNLOAD),
)
_OTHER = {key(cell): kind for kind, cells in vocabulary.OTHER_REPORTS.items() for cell in cells}
_CHAT_LINE = re.compile(
    r"^\s*\d{1,2}:\d{2}:\d{2}(?: [AP]M)?\s+(?:From\s|[^,;\n]*:\t|[^,;\n]* to [^,;\n]*:)",
    re.IGNORECASE | re.MULTILINE,
)
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|script|meta|table)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\ufffd]")


def refuse_bytes(data: bytes) -> None:
    """Raise `NotAZoomReport` for a file whose first bytes say that it is empty or no text at all."""
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise NotAZoomReport("the file is empty", fix=f"download it again: {DOWNLOAD}")
    if data.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in data:
        raise NotAZoomReport("it looks like an Excel workbook (XLSX), not CSV", fix=DOWNLOAD)
    for signature, kind, fix in _SIGNATURES:
        if data.startswith(signature):
            raise NotAZoomReport(f"it looks like {kind}, not CSV", fix=fix)


def refuse_text(text: str) -> None:
    """Raise `NotAZoomReport` for text that is a web page or binary data read as text."""
    head = text[:4096]
    if _HTML.match(head):
        raise NotAZoomReport("it looks like a web page (a login or error page), not CSV", fix=DOWNLOAD)
    if len(_CONTROL.findall(head)) > len(head) * 0.05:
        raise NotAZoomReport("it looks like binary data, not CSV", fix=DOWNLOAD)


def explain(text: str, records: list[list[str]]) -> NotAZoomReport:
    """Make the error for text without a report, from its first records and its headers."""
    kind = other_report(text, records)
    if kind is not None:
        return NotAZoomReport(f"it looks like {kind}", fix=DOWNLOAD)
    return NotAZoomReport(
        "no section of an attendee or registration report was found in it",
        fix=f"{DOWNLOAD}; set Zoom's language to English, Portuguese or Spanish before exporting",
    )


def other_report(text: str, records: list[list[str]]) -> str | None:
    """Name another export of Zoom's that this is, or None."""
    kinds = [_OTHER[key(cell)] for record in records for cell in record if key(cell) in _OTHER]
    if kinds:
        return kinds[0]
    return "a Zoom chat" if _CHAT_LINE.search(text[:20_000]) else None
