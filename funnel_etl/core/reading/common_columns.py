"""Columns that many contracts share, described once."""

from collections.abc import Iterable

from funnel_etl.core.reading.csvfile import OVERFLOW, PROBLEM, SourceColumn
from funnel_etl.core.tables.contracts import Column, Kind, Table

PHONE_CLASSES = ("in_mobile", "foreign", "placeholder", "sci_notation", "invalid", "blank")

TRACE_COLUMNS = (
    Column(
        "file_id",
        Kind.TEXT,
        "SHA-256 of the landed file this row comes from, see ops.files; of a dump that comes whole each night the "
        "first in which exactly this row stood.",
        required=True,
    ),
    Column(
        "source_row",
        Kind.INTEGER,
        "Physical line on which the record starts in that file; the header is line 1, or below notes. Its line in the "
        "newest dump: ops.current_lines.",
        required=True,
    ),
)

PHONE_COLUMNS = (
    Column(
        "phone",
        Kind.TEXT,
        "Ten digits, or + and E.164 digits for people abroad; NULL when there is none.",
        personal=True,
    ),
    Column("phone_raw", Kind.TEXT, "The phone as it was typed, in the cell that was read.", personal=True),
    Column("phone_class", Kind.TEXT, "What the typed phone is.", values=PHONE_CLASSES),
    Column(
        "phone_note",
        Kind.TEXT,
        "How the phone was read, where that is not plain: country_code_ignored; other_person: somebody else's only.",
    ),
    Column(
        "phone_alternates",
        Kind.TEXT_ARRAY,
        "Further valid phones of the same cell, or of a second phone column; they never join.",
        personal=True,
    ),
    Column(
        "user_id",
        Kind.TEXT,
        "E.164 digits without the plus (91 and ten digits in India); NULL without a phone.",
        personal=True,
    ),
)


def raw_table(name: str, grain: str, documented: Iterable[SourceColumn]) -> Table:
    """Declare a `raw` table: the documented source columns as text, under their own names; others are kept too."""
    cells = tuple(
        Column(c.name, Kind.TEXT, f"Source column {c.name!r}, as it came.", personal=True) for c in documented
    )
    problem = (
        Column(
            PROBLEM,
            Kind.TEXT,
            "Why the record does not fit its header (too_few_fields, too_many_fields); NULL when it does.",
        ),
        Column(OVERFLOW, Kind.JSON, "The fields beyond the header, as a list, where there are any.", personal=True),
    )
    note = "Text as it arrived; a blank cell is an empty text, a column the file does not have is NULL."
    return Table(
        "raw", name, grain, ("file_id", "source_row"), TRACE_COLUMNS + problem + cells, note=note, extensible=True
    )
