"""What a dropped file is when it is no Zoom attendee or registration report, and what to download instead.

Here: recognising by bytes and by the first cells. Not here: reading reports (`layout`, `read`).
"""

import re

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.parts.marketing.zoom.reader import vocabulary
from funnel_etl.parts.marketing.zoom.reader.vocabulary import key

DOWNLOAD = (
    "in Zoom, open Reports > Webinar, choose the Attendee Report or the Registration Report, export it "
    "as CSV, and drop that file unopened"
)
UNPACK = f"unpack it and drop the CSV files inside; if there are none: {DOWNLOAD}"
HEAD = 4096

_OFFICE = (
    (b"xl/", "an Excel workbook (XLSX)"),
    (b"word/", "a Word document (DOCX)"),
    (b"ppt/", "a presentation (PPTX)"),
    (b"application/vnd.oasis.opendocument", "an OpenDocument file (ODS)"),
    (b"Index/Document.iwa", "a Numbers document"),
    (b"[Content_Types].xml", "an Excel workbook (XLSX)"),
)
_SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive", UNPACK),
    (b"PK\x05\x06", "a ZIP archive with nothing in it", DOWNLOAD),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (XLS)", DOWNLOAD),
    (b"%PDF", "a PDF document", DOWNLOAD),
    (b"{\\rtf", "a formatted text (RTF)", DOWNLOAD),
    (b"\x1f\x8b", "a gzip archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"BZh9", "a bzip2 archive", UNPACK),
    (b"\xfd7zXZ\x00", "an XZ archive", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", UNPACK),
    (b"\x89PNG", "a picture", DOWNLOAD),
    (b"\xff\xd8\xff", "a picture", DOWNLOAD),
    (b"GIF8", "a picture", DOWNLOAD),
    (b"II*\x00", "a picture", DOWNLOAD),
    (b"MM\x00*", "a picture", DOWNLOAD),
    (b"RIFF", "a picture or a recording", DOWNLOAD),
    (b"OggS", "a recording", DOWNLOAD),
    (b"ID3", "a recording", DOWNLOAD),
    (b"SQLite format 3\x00", "a database", DOWNLOAD),
    (b"PAR1", "a Parquet file", DOWNLOAD),
    (b"MZ", "a program", DOWNLOAD),
    (b"\x7fELF", "a program", DOWNLOAD),
)
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
    if data.startswith(b"PK\x03\x04"):
        for mark, kind in _OFFICE:
            if mark in data:
                raise NotAZoomReport(f"it looks like {kind}, not CSV", fix=DOWNLOAD)
    for signature, kind, fix in _SIGNATURES:
        if data.startswith(signature) and not _reads_as_text(data, signature):
            raise NotAZoomReport(f"it looks like {kind}, not CSV", fix=fix)
    if data[4:8] == b"ftyp":
        raise NotAZoomReport("it looks like a recording or a picture, not CSV", fix=DOWNLOAD)
    if data[:2] == b"BM" and b"\x00" in data[:64]:
        raise NotAZoomReport("it looks like a picture, not CSV", fix=DOWNLOAD)


def _reads_as_text(data: bytes, signature: bytes) -> bool:
    """Whether it is a text that happens to start with the letters of a signature ("MZ", "ID3", "RIFF"…)."""
    return signature.isalnum() and b"\x00" not in data[:HEAD]


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
