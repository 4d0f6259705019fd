"""Formats that are no text are known by one table; nobody else holds such bytes."""

import gzip
import io
import re
import zipfile
from pathlib import Path

import pytest

import funnel_etl
from funnel_etl.core.reading.signatures import format_of, is_gzip, is_parquet, is_zip

PACKAGE = Path(funnel_etl.__file__).parent
_A_SIGNATURE = re.compile(r"""b["'](?:PK|PAR1|%PDF|GIF8|Rar!|RIFF|\\x(?:1f\\x8b|89PNG|d0\\xcf|ff\\xd8|7fELF))""")


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name in names:
            made.writestr(name, "content")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (zipped("a.csv"), "a ZIP archive"),
        (zipped(), "a ZIP archive with nothing in it"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook (XLSX)"),
        (zipped("word/document.xml"), "a Word document (DOCX)"),
        (gzip.compress(b"x"), "a gzip archive"),
        (b"PAR1\x15\x00", "a Parquet file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x00\x00\x00 ftypmp42", "a picture or a recording"),
    ],
    ids=["zip", "empty_zip", "xlsx", "docx", "gzip", "parquet", "pdf", "mp4"],
)
def test_a_format_is_known_by_its_first_bytes(data: bytes, name: str) -> None:
    found = format_of(data)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("text", [b"", b"Name,Phone\n", b"MZ,Name\n1,2\n", b"PAR1,PAR2\n1,2\n", b"RIFF\n", b"ID3,x\n"])
def test_a_text_that_begins_with_the_letters_of_a_signature_is_text(text: bytes) -> None:
    """A CSV file that began with PAR1 was taken for Parquet, and nobody was erased from it."""
    assert format_of(text) is None
    assert [is_zip(text), is_gzip(text), is_parquet(text)] == [False] * 3


def test_no_other_module_holds_the_first_bytes_of_a_format() -> None:
    holding = [path.name for path in PACKAGE.rglob("*.py") if _A_SIGNATURE.search(path.read_text(encoding="utf-8"))]
    assert holding == ["signatures.py"]
