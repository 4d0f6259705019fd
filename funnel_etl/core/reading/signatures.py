"""What a file is by its first bytes, where it is no text: one table for all who refuse, unpack or look into files.

What is done about it (which report to download instead, say) belongs to whoever asks; so do formats that are text.
"""

from dataclasses import dataclass

HEAD = 4096


@dataclass(frozen=True)
class Format:
    """A format that is no text: what people call it, and whether other files may be packed in it."""

    name: str
    is_archive: bool = False


ZIP, GZIP, PARQUET = Format("a ZIP archive", True), Format("a gzip archive", True), Format("a Parquet file")
EMPTY_ZIP = Format("a ZIP archive with nothing in it")
_PICTURE, _RECORDING = Format("a picture"), Format("a recording")
_EITHER = Format("a picture or a recording")
_EXCEL = Format("an Excel workbook (XLSX)")

_SIGNATURES = (
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", EMPTY_ZIP),
    (b"\xd0\xcf\x11\xe0", Format("an old Excel workbook (XLS)")),
    (b"%PDF", Format("a PDF document")),
    (b"{\\rtf", Format("a formatted text (RTF)")),
    (b"\x1f\x8b", GZIP),
    (b"Rar!", Format("a RAR archive", True)),
    (b"7z\xbc\xaf\x27\x1c", Format("a 7-Zip archive", True)),
    (b"BZh9", Format("a bzip2 archive", True)),
    (b"\xfd7zXZ\x00", Format("an XZ archive", True)),
    (b"\x28\xb5\x2f\xfd", Format("a Zstandard archive", True)),
    (b"\x89PNG", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
    (b"GIF8", _PICTURE),
    (b"II*\x00", _PICTURE),
    (b"MM\x00*", _PICTURE),
    (b"RIFF", _EITHER),
    (b"OggS", _RECORDING),
    (b"ID3", _RECORDING),
    (b"SQLite format 3\x00", Format("a database")),
    (b"PAR1", PARQUET),
    (b"MZ", Format("a program")),
    (b"\x7fELF", Format("a program")),
)
_IN_A_ZIP = (
    (b"xl/", _EXCEL),
    (b"word/", Format("a Word document (DOCX)")),
    (b"ppt/", Format("a presentation (PPTX)")),
    (b"application/vnd.oasis.opendocument", Format("an OpenDocument file (ODS)")),
    (b"Index/Document.iwa", Format("a Numbers document")),
    (b"[Content_Types].xml", _EXCEL),
)
"""What stands in a ZIP archive that is a document."""


def format_of(data: bytes) -> Format | None:
    """Return the format of a file, or of its beginning; None: it may be text."""
    found = next((known for magic, known in _SIGNATURES if _is(data, magic)), None)
    if found is ZIP:
        return next((document for mark, document in _IN_A_ZIP if mark in data), ZIP)
    if found is None and data[4:8] == b"ftyp":
        return _EITHER
    if found is None and data[:2] == b"BM" and b"\x00" in data[:64]:
        return _PICTURE
    return found


def is_zip(data: bytes) -> bool:
    """Whether it is a ZIP archive, also one that is a document."""
    return _begins(data, ZIP)


def is_gzip(data: bytes) -> bool:
    """Whether it is a gzip archive."""
    return _begins(data, GZIP)


def is_parquet(data: bytes) -> bool:
    """Whether it is a Parquet file."""
    return _begins(data, PARQUET)


def _begins(data: bytes, wanted: Format) -> bool:
    return any(known is wanted and _is(data, magic) for magic, known in _SIGNATURES)


def _is(data: bytes, magic: bytes) -> bool:
    """Whether a file begins so, and is no text that happens to start with these letters ("MZ", "ID3", "RIFF", …)."""
    return data.startswith(magic) and not (magic.isalnum() and b"\x00" not in data[:HEAD])
