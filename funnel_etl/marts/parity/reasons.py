"""Why a cell of the sheet differs from mart: each reason is one rule of the sheet that is corrected.

The order of a list is the order in which the rules are corrected, one after the other (`decompose.py`).
"""

PARITY_REASONS: dict[str, str] = {
    "strict_midnight": "the sheet takes `assignOn` strictly after midnight of the 1st: a lead at midnight is lost",
    "no_upper_bound": "the sheet has no last day: what happened after as_of is in it",
    "year_typed": "the year is typed into the sheet's formula, and is another one (FUNNEL_SHEET_YEAR)",
    "month_lag": "the sheet's month is that of today - 2: on the 2nd it is still the month before",
    "sheet_order_employee": "the sheet takes the employee of the first row in sheet order, not of the earliest",
    "first_row_attended": "the sheet takes attended from the first Zoom row of a phone, not from all of them",
    "lookup_not_trimmed": "the sheet looks texts up as typed: white space before, after or doubled finds nothing",
    "phone_rule": "the sheet's phone is the last ten digits of the cell, whatever the cell is; no phone is one lead",
    "manual_text_mapped": "a value typed for a sale that has a funnel is mapped; the sheet shows the text as typed",
    "manual_funnel_name": "the typed value is a funnel's own name; the sheet ignores it (Misc) or shows it as typed",
    "manual_value_unmapped": "the typed value means nothing known: the CRM's funnel stays; the sheet shows the text",
    "blank_manual": "only blanks were typed: as if nothing; the sheet shows the blanks",
    "blank_source": "the source is blank: (no source); the sheet shows nothing",
    "dated_mapping": "the mapping has dates; the sheet takes its first line whatever the day",
    "wildcard_criterion": "`*`, `?`, `~` or an operator in a name is a pattern in the sheet; here it means itself",
    "uncounted_sale": "the status of the sale is one that does not count; the sheet has all rows",
    "unmapped_spend": "spend of an unknown funnel is Unmapped; in the sheet it vanishes",
    "unparsed_date": "the row's date cannot be read, so it is in quarantine; for the sheet a text is after every date",
    "phone_by_email": "the attendee has no phone in Zoom, and the one that the campaign leads have for the e-mail "
    "(phone_by_email of metrics.csv); the sheet had no such rule",
    "zoom_cleaned": "phones found by e-mail or registration, staff and bots left out, the latest report, nothing after "
    "as_of: clean.zoom_attendance; the sheet has the Zoom rows as pasted",
    "blank_funnel": "the sale's Funnel is blank, so it is derived from its lead sources; the sheet shows nothing",
    "funnel_spelling": "the funnel is written as in funnels.csv; the sheet shows it as the row or the mapping has it",
    "text_not_trimmed": "white space in a name is collapsed; the sheet shows it as typed",
    "duplicate_row": "the dump has the sale more than once: the last row counts; the sheet shows each",
    "total_row": "the row adds up the others, and is in quarantine; the sheet has it like any other",
    "test_lead": "Meta or Google made the row to test a form: it is nobody's; the sheet has it like any other",
    "row_quarantined": "the row is in quarantine: broken, or its key or amount cannot be read; the sheet has it",
    "aged_out": "the row left the dump because its window slides; it is kept here, and is gone from the sheet",
    "decimal_comma": "points between thousands are proved for the costs (1.234.567 or 1.234,56); not so to the sheet",
    "text_amount": "the cost is a text for a sheet (₹, Rs., INR, /-), and adds nothing there",
    "row_rounding": "each cost is rounded to the paisa before the sum; the sheet rounds nothing",
    "month_closed": "the month is closed: M0 keeps the rows it had",
}
"""Reason → what differs, in the order of rules.md and then ours."""

M0_RULES = (
    *("strict_midnight", "no_upper_bound", "year_typed", "month_lag", "sheet_order_employee", "first_row_attended"),
    *("lookup_not_trimmed", "phone_rule", "blank_source", "funnel_spelling", "dated_mapping", "wildcard_criterion"),
    *("test_lead", "unparsed_date", "phone_by_email", "zoom_cleaned", "text_not_trimmed", "row_quarantined"),
    "aged_out",
)
SALES_RULES = (
    *("no_upper_bound", "first_row_attended", "lookup_not_trimmed", "phone_rule", "manual_text_mapped"),
    *("manual_funnel_name", "manual_value_unmapped", "blank_manual", "uncounted_sale", "total_row", "unparsed_date"),
    *("phone_by_email", "zoom_cleaned", "wildcard_criterion", "blank_funnel", "funnel_spelling", "duplicate_row"),
    *("row_quarantined", "aged_out"),
)
SPEND_RULES = (
    *("no_upper_bound", "lookup_not_trimmed", "wildcard_criterion", "unmapped_spend", "total_row", "unparsed_date"),
    *("decimal_comma", "text_amount", "row_rounding", "row_quarantined"),
)
