"""What tables, sources, measures and kinds of things are called on the page: words of the field for our names. Pure."""

import re
from datetime import date

from funnel_etl.app import words
from funnel_etl.observe.completeness.contracts import COMPLETE, FAILED, LATE, MISSING, QUIET

TABLES = {
    "tofu_leads": "campaign leads",
    "crm_assigned_leads": "assignments",
    "assigned_leads": "assignments",
    "crm_sales": "sales",
    "crm_history": "history of the CRM",
    "zoom": "Zoom reports",
    "zoom_reports": "Zoom reports",
    "zoom_occurrences": "webinars",
    "zoom_attendance": "attendance",
    "zoom_registrations": "registrations",
    "zoom_attendee_rows": "attendee reports",
    "zoom_registrant_rows": "registration reports",
    "config": "config tables",
    "config_versions": "config tables",
    "funnel_facts": "facts of the funnel",
    "funnel_monthly": "months of the funnel",
    "publish/marketing": "publishing marketing",
    "publish/sales": "publishing sales",
    "publish/funnel": "publishing the facts",
    "publish/parity": "publishing the old sheet",
    "publish/changes": "publishing what moved",
    "publish/engagement": "publishing what was said",
    "publish/delivery": "publishing who could be sent what",
}
MEASURES = {
    "leads": "Leads",
    "new_leads": "New leads",
    "registrations": "Registrations",
    "attendances": "Attendances",
    "assigned_rows": "Assignments",
    "m0_assigned": "M0 assigned",
    "m0_attended": "M0 attended",
    "sales": "Sales",
    "revenue_inr": "Revenue",
    "spend_inr": "Ad spend",
    "impressions": "Impressions",
    "clicks": "Clicks",
}
SOURCE_STATES = {
    COMPLETE: "✓ complete",
    QUIET: "✓ nothing new, as usual",
    LATE: "! late",
    MISSING: "! missing",
    FAILED: "✗ failed",
}
GAPS = {
    "attended_not_assigned": "Attended, never assigned",
    "assigned_never_attended": "Assigned, attended nothing",
    "assigned_before_attending": "Assigned before they attended",
}
MODELS = {
    "first_touch": "First touch",
    "last_touch": "Last touch",
    "linear": "Equal parts",
    "position": "40 – 20 – 40",
    "time_decay": "The nearer, the more",
}

_DAY = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
_SIGNS = re.compile(r"[\\`*_\[\]<>#~$|:]")
_COMMANDS = {
    "all of them: funnel-etl worklist": "all of them: on the page Mappings",
    "what ops.missing_exports lists": "what the calendar shows as missing",
}
"""What a text for the shell says → what it says on the page."""


def spoken(text: str) -> str:
    """Return a text with its days as people write them, and the page's words for a command it names."""
    for command, own in _COMMANDS.items():
        text = text.replace(command, own)
    return _DAY.sub(_spoken_day, text)


def plain(text: str) -> str:
    """Return a text that somebody typed, so that Markdown shows it as it is."""
    return _SIGNS.sub(r"\\\g<0>", text)


def _spoken_day(found: re.Match[str]) -> str:
    try:
        return words.day(date(*map(int, found.groups())))
    except ValueError:
        return found[0]


def table(name: str) -> str:
    """Return what a table, an asset or a source is called: `clean.tofu_leads` → `campaign leads`."""
    last = name.replace(".", "/").rpartition("/")[2]
    return TABLES.get(name) or TABLES.get(last) or last.replace("_", " ")


def kind(name: str) -> str:
    """Return a kind of thing as a heading: `unmapped_source` → `Unmapped source`."""
    return name.replace("_", " ").capitalize()
