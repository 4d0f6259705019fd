"""What a file looks like from its first bytes: only to refuse what cannot be CSV, never to read it."""

import re
from pathlib import Path

from funnel_etl.core.errors import SourceRejected

_HEAD = 8192
_PAGE = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_MAGIC = (
    (b"PK\x03\x04", "a ZIP file"),
    (b"PK\x05\x06", "an empty ZIP file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (XLS)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF"),
    (b"{", "JSON"),
    (b"[{", "JSON"),
    (b"<?xml", "XML"),
)
WEB_PAGE = "a web page"


def refuse_unless_text(path: Path, *, where: str, page_fix: str, content_type: str = "", page_note: str = "") -> None:
    """Raise SourceRejected, saying what the file looks like, unless it may be CSV.

    `page_fix` is what to do about a web page, `page_note` follows the fact when it is one.
    """
    looks = looks_like(path, content_type)
    if looks == WEB_PAGE:
        raise SourceRejected(f"got {looks}, not CSV{page_note}", where=where, fix=page_fix)
    if looks == "JSON":
        raise SourceRejected("got JSON, not CSV: is it an error message?", where=where, fix=page_fix)
    if looks == "nothing":
        raise SourceRejected(
            "got nothing: it is empty, without even a header",
            where=where,
            fix="export it again, with its header",
        )
    if looks is not None:
        raise SourceRejected(f"got {looks}, not CSV", where=where, fix="unpack it or save it as CSV, and give the CSV")


def looks_like(path: Path, content_type: str = "") -> str | None:
    """Return what the file is if it cannot be CSV ("nothing", "a web page", "a PDF" …), else None."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if content_type.partition(";")[0].strip().lower() in {"text/html", "application/xhtml+xml"}:
        return WEB_PAGE
    # Without byte order marks and the NULs of UTF-16, a page is found in any of the usual encodings.
    text = re.sub(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)", b"", head).replace(b"\0", b"").lstrip()
    if not text and path.stat().st_size <= _HEAD:
        return "nothing"
    if _PAGE.match(text):
        return WEB_PAGE
    found = next((looks for magic, looks in _MAGIC if text.startswith(magic)), None)
    if found == "a ZIP file" and (b"[Content_Types].xml" in head or b"xl/" in head):
        return "an Excel workbook (XLSX)"
    return found
