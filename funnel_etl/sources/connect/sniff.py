"""What a source sent, from its first bytes: only to refuse what cannot be CSV, never to read it.

Formats that are no text are known by `signatures`.
"""

import re
from pathlib import Path

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.reading.json_records import begins_json
from funnel_etl.core.reading.signatures import format_of
from funnel_etl.core.source import Format

HEAD = 8192
_PAGE = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_TEXTS = ((b"{", "JSON"), (b"[{", "JSON"), (b"<?xml", "XML"))
WEB_PAGE = "a web page"


def refuse_unless_text(
    path: Path, *, where: str, page_fix: str, content_type: str = "", page_note: str = "", wanted: Format = "csv"
) -> None:
    """Raise SourceRejected, saying what the file looks like, unless it may be CSV, or the JSON that is `wanted`.

    `page_fix` is what to do about a web page, `page_note` follows the fact when it is one.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    refuse_head(
        head,
        is_whole=path.stat().st_size <= HEAD,
        where=where,
        page_fix=page_fix,
        content_type=content_type,
        page_note=page_note,
        wanted=wanted,
    )


def refuse_head(
    head: bytes,
    *,
    is_whole: bool,
    where: str,
    page_fix: str,
    content_type: str = "",
    page_note: str = "",
    wanted: Format = "csv",
) -> None:
    """Refuse a file by its beginning, as `refuse_unless_text`."""
    name = wanted.upper()
    looks = looks_like(head, content_type, is_whole=is_whole)
    if wanted == "json" and begins_json(head) and looks != WEB_PAGE:
        return
    if looks == WEB_PAGE:
        raise SourceRejected(f"got {looks}, not {name}{page_note}", where=where, fix=page_fix)
    if looks == "JSON":
        raise SourceRejected("got JSON, not CSV: is it an error message?", where=where, fix=page_fix)
    if looks == "nothing":
        raise SourceRejected(
            "got nothing: it is empty, without even a header",
            where=where,
            fix="export it again, with its header",
        )
    if looks is not None:
        fix = "unpack it or save it as CSV, and give the CSV" if wanted == "csv" else page_fix
        raise SourceRejected(f"got {looks}, not {name}", where=where, fix=fix)
    if wanted == "json":
        raise SourceRejected("got text that is no JSON", where=where, fix=page_fix)


def looks_like(head: bytes, content_type: str = "", *, is_whole: bool) -> str | None:
    """Return what the file is if it cannot be CSV ("nothing", "a web page", "a PDF document" …), else None."""
    if content_type.partition(";")[0].strip().lower() in {"text/html", "application/xhtml+xml"}:
        return WEB_PAGE
    # Without byte order marks and the NULs of UTF-16, a page is found in any of the usual encodings.
    text = re.sub(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)", b"", head).replace(b"\0", b"").lstrip()
    if not text and is_whole:
        return "nothing"
    if _PAGE.match(text):
        return WEB_PAGE
    if (found := format_of(head) or format_of(text)) is not None:
        return found.name
    return next((looks for begin, looks in _TEXTS if text.startswith(begin)), None)
