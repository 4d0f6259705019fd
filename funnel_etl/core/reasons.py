"""Reason codes of quarantined rows: stable names, what each means, and how to mend it."""

REASONS: dict[str, tuple[str, str]] = {
    "bad_date": ("the row's own date does not parse", "correct the cell at the source, or export it in one date style"),
    "blank_date": ("the row's own date is blank", "fill in the date at the source"),
    "excel_serial": (
        "the date is an Excel serial number",
        "format the column as a date in the spreadsheet and export again",
    ),
    "bad_money": (
        "the row's amount does not parse",
        "correct the amount at the source: digits, with a point for paise",
    ),
    "blank_money": ("the row's amount is blank", "fill in the amount at the source"),
    "blank_key": ("the row's identifier is blank", "fill in the identifier at the source"),
    "too_few_fields": (
        "the record has fewer fields than its header",
        "look at the line in the file: a quotation mark or a cut",
    ),
    "too_many_fields": (
        "the record has more fields than its header",
        "look at the line: an unquoted comma, most likely",
    ),
    "unknown_section": ("the record stands in no section known", "look at the file, and export the report again"),
}
"""Reason → what it means, and how to mend it."""


def fix_hint(reason: str) -> str:
    """Give the way to mend rows with this reason."""
    return REASONS[reason][1] if reason in REASONS else "look at the row in the landed file, by file_id and source_row"
