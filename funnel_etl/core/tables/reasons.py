"""Reason codes: why a source row is not a row of its table. Stable names, what each means, how to fix it."""

REASONS: dict[str, tuple[str, str]] = {
    "bad_date": ("the row's own date does not parse", "correct the cell at the source, or export it in one date style"),
    "ambiguous_date": (
        "the date lies far from the rows around it, and near them with day and month exchanged",
        "correct the cell at the source: it was typed in another order than the column's",
    ),
    "blank_date": ("the row's own date is blank", "fill in the date at the source"),
    "excel_serial": (
        "the date is an Excel serial number",
        "format the column as a date in the spreadsheet and export again",
    ),
    "bad_money": (
        "the row's amount does not parse",
        "correct the amount at the source: digits, with a point for paise",
    ),
    "blank_key": ("the row's identifier is blank", "fill in the identifier at the source"),
    "rounded_id": (
        "a spreadsheet wrote the row's identifier as a rounded number (6.54E+23): several rows may have it",
        "export it again without opening it in a spreadsheet, or with that column formatted as text",
    ),
    "total_row": (
        "the row adds up the others: nobody's, the label of a total, and their sum or number; or no id but the label",
        "nothing to do: it must not count; export without totals if it disturbs",
    ),
    "too_few_fields": (
        "the record has fewer fields than its header",
        "look at the line in the file: a quotation mark or a cut",
    ),
    "too_many_fields": (
        "the record has more fields than its header",
        "look at the line: an unquoted comma, most likely",
    ),
    "no_header": (
        "the line stands before the first header of a saved chat: nobody knows who wrote it",
        "save the chat again, from its beginning; if it is a note of a person, nothing",
    ),
    "no_start": (
        "the Zoom report's summary has no readable start",
        "export the report again; do not delete its first lines",
    ),
    "no_webinar_id": (
        "the Zoom report's summary has no webinar id",
        "export the report again; do not delete its first lines",
    ),
    "bad_channel": (
        "the statement names no channel that there is",
        "write email, sms, whatsapp, rcs or all, and drop the file again",
    ),
    "bad_state": (
        "what the statement says is none of the words for it",
        "write granted, refused, withdrawn, suppressed or lifted, and drop the file again",
    ),
    "no_contact": (
        "the statement has neither a phone nor an e-mail that can be read",
        "write the phone or the e-mail out, and drop the file again",
    ),
    "attribute_too_long": (
        "an attribute of its event has a name of 50 characters or more, which WebEngage does not take",
        "shorten the attribute in delivery_attributes.csv",
    ),
    "too_many_attributes": (
        "its event has more than 25 attributes of one type, which WebEngage does not take",
        "take lines out of delivery_attributes.csv",
    ),
    "reserved_name": (
        "the name of its event or of an attribute begins with we_, which WebEngage ignores",
        "rename it in zoom_profiles.csv or delivery_attributes.csv",
    ),
    "name_too_long": (
        "its event has a name of 50 characters or more, which WebEngage does not take",
        "shorten event_names in zoom_profiles.csv",
    ),
}
"""Reason of a quarantined row → what it means, and how to fix it."""

MERGES: dict[str, str] = {
    "exact_duplicate": "the same form submission, cell by cell, is already there: the first stays",
    "exact_repeat": "the same sale, cell by cell, comes again: the last stays",
    "same_id_conflict": "another row with the same sale `_id` comes later in the dump: the last stays",
    "same_key": "another version of the CRM row is in the same dump: the last stays",
    "same_bytes": "the same Zoom file, byte by byte, is already there",
    "same_occurrence": "another report of the same occurrence speaks for it",
    "same_person": "a further row of a person in the same occurrence (a re-join, a second device)",
    "registered_again": "a further registration of a person for the same occurrence",
    "same_bootcamp": "a further day of a person in the same bootcamp",
    "later_assignment_of_the_month": "the phone was assigned earlier in the same month",
    "same_message": "the message stands in another file of the same chat too",
    "taken_back": "the reaction was taken back by its sender",
    "same_answer": "the answer stands in another report of the same poll too",
    "same_question": "the question stands in another question report of the same webinar too",
    "attended_later": "the phone attended a later occurrence, which speaks for it as a qualified lead",
    "same_statement": "the same person said the same on the same channel at the same time: the first stays",
    "aggregated": "the row was added up in a sum or a count",
}
"""Reason of a merged row → what it means."""

EXCLUSIONS: dict[str, str] = {
    "blank_row": "every cell of the record is blank",
    "above_header": "the line stands above the header: a note or a message of the export",
    "repeated_header": "the line is the header again: two exports were pasted together",
    "row_count": "the line says how many rows the export has, and they are all there",
    "erased": "the line named a person who asked to be erased (`funnel-etl erase`): it is empty now, for good",
    "no_longer_read": "the Zoom report was taken once, and this version of the reader no longer reads it",
    "engagement_report": "a chat, a poll or a question report: it is in `raw.zoom_engagement_files`",
    "private": "a private message between attendees, or to somebody who is not known to be a host: it is not kept",
    "file_waits": "its file waits for a person to say which webinar it is of (`chat_files.csv`)",
    "test_lead": "Meta or Google made the row to test a form (`<test lead: dummy data for …>` in a cell): it is nobody",
    "host": "a host of the webinar",
    "panelist": "a panelist of the webinar",
    "staff": "an attendee row with the e-mail of a host or panelist",
    "bot": "a note-taking bot, by a pattern of `bot_names.csv`",
    "no_show": "registered, and did not attend: no segment, no day of a bootcamp, no touch",
    "not_registered": "nothing in the report says that the person registered (no registration asked for, or a dial-in)",
    "registration_report_came": "the occurrence has a registration report, so none is derived from attendees",
    "unusable_times": "attended, with a join or leave time that cannot be read: no segment",
    "not_a_bootcamp": "the occurrence is not a bootcamp",
    "subset_report": "the Zoom report only lacks people of another report of the same occurrence",
    "duplicate_report": "the Zoom report says the same as another one",
    "superseded_report": "a later Zoom report of the same occurrence has the person too",
    "report_in_quarantine": "the Zoom report of the row is itself in quarantine",
    "quarantined_in_zoom_attendance": "the broken row is in quarantine once, for `clean.zoom_attendance`",
    "after_as_of": "it happened after the night's last business day; it will count when its day is over",
    "no_phone": "without a phone it cannot be a lead of M0; `assigned_rows` of the facts counts it",
    "no_phone_to_follow": "without a phone nobody knows what else the person did: no touch",
    "no_time": "nothing says when it happened, so it has no place among the touches",
    "no_phone_to_hand_over": "somebody attended whose phone is not known: nobody can be called",
    "status_not_counted": "its status is one of `excluded_statuses` in `metrics.csv`",
    "month_closed": "its month is closed: M0 keeps the rows it had, and `mart.restatements` says what would differ",
    "delivery_off": "no line of `delivery_rules.csv` says yes, so nobody is looked at for delivery",
    "no_consent_question": "the registration answers no question that `consent_questions.csv` names",
    "unchanged_revenue": "the sale counts for what it counted for the night before",
    "unchanged_version": "the CRM row is as it was the night before",
}
"""Rule that leaves rows out → what it means."""


def fix_hint(reason: str) -> str:
    """Return the way to fix rows with this reason."""
    return REASONS[reason][1] if reason in REASONS else "look at the row in the landed file, by file_id and source_row"
