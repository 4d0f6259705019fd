"""Contracts of journeys, hand-over and score-cards: people over all stages, and who and what moved them."""

from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.marts.funnel.contracts import STAGES

REACHED = (*STAGES, "sale")
"""How far a person can come, in the order of the funnel."""
FIRSTS = {
    "lead": "first_lead",
    "registration": "first_registered",
    "attendance": "first_attended",
    "assignment": "first_assigned",
    "sale": "first_sold",
}
"""Stage → prefix of the columns of its first event."""
STEPS = {
    "days_lead_to_registration": ("lead", "registration"),
    "days_registration_to_attendance": ("registration", "attendance"),
    "days_attendance_to_assignment": ("attendance", "assignment"),
    "days_assignment_to_sale": ("assignment", "sale"),
    "days_first_touch_to_sale": ("first_touch", "sale"),
}
"""Column → the stages whose first days it is between."""
GAPS = {
    "attended_not_assigned": "attended, and was never assigned; since the first attendance",
    "assigned_never_attended": "assigned, and attended nothing; since the first assignment",
    "assigned_before_attending": "assigned before the first attendance; since the first assignment",
}
NO_EMPLOYEE = "(no employee)"
Z_95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""

_PHONE = Column(
    "phone", Kind.TEXT, "Ten digits, or + and E.164 digits for people abroad.", required=True, personal=True
)
_USER_ID = Column("user_id", Kind.TEXT, "E.164 digits without the plus.", required=True, personal=True)
_SOURCES = {
    "lead": "utm source of the form",
    "registration": "Zoom's source tracking",
    "attendance": "Zoom's source tracking of the registration",
    "assignment": "the CRM's lead source",
    "sale": "the CRM's source of the sale",
}
_TOUCHED = (
    Column("first_touch_at", Kind.TIMESTAMP, "Earliest of lead, registration, attendance and assignment up to as_of."),
    Column("first_touch_stage", Kind.TEXT, "Which it was; ties go to the earlier stage of the funnel.", values=STAGES),
    Column("first_touch_source", Kind.TEXT, "Its source, as of that stage."),
    Column("first_touch_funnel", Kind.TEXT, "Its funnel."),
)


def _first_columns(stage: str) -> tuple[Column, ...]:
    prefix, what = FIRSTS[stage], "counted sale" if stage == "sale" else stage
    at = Column(f"{prefix}_at", Kind.TIMESTAMP, f"First {what} up to as_of; NULL: none, or none with a time.")
    source = Column(f"{prefix}_source", Kind.TEXT, f"Its source: {_SOURCES[stage]}.")
    return at, source, Column(f"{prefix}_funnel", Kind.TEXT, "Its final funnel." if stage == "sale" else "Its funnel.")


def _step_column(name: str, start: str, end: str) -> Column:
    first = "first touch" if start == "first_touch" else f"first {start}"
    text = f"Business days from {first} to first {end}; negative when it came before; NULL when one is missing."
    return Column(name, Kind.INTEGER, text)


LEAD_JOURNEY = Table(
    "mart",
    "lead_journey",
    "One row per phone with any event or counted sale up to as_of",
    ("phone",),
    (
        _PHONE,
        _USER_ID,
        *(column for stage in STAGES for column in _first_columns(stage)),
        Column("first_assigned_employee", Kind.TEXT, "Representative of the first assignment."),
        Column("m0_first_at", Kind.TIMESTAMP, "First assignment in the month of as_of; NULL: none in that month."),
        Column("m0_first_source", Kind.TEXT, "Its source: the CRM's lead source."),
        Column("m0_first_funnel", Kind.TEXT, "Its funnel."),
        *_first_columns("sale"),
        *_TOUCHED,
        Column(
            "stage_reached",
            Kind.TEXT,
            "Furthest stage of the funnel with an event, whatever the order in time: lead, registration, attendance, "
            "assignment, sale.",
            required=True,
            values=REACHED,
        ),
        *(_step_column(name, *between) for name, between in STEPS.items()),
        Column("sales", Kind.INTEGER, "Counted sales up to as_of.", required=True),
        Column("revenue_inr", Kind.MONEY, "Their revenue; 0 without.", required=True),
        Column("file_id", Kind.TEXT, "Landed file of the first touch, or else of the first sale.", required=True),
        Column("source_row", Kind.INTEGER, "Its line in that file.", required=True),
    ),
    note="First touch has three meanings: m0_first_* (this month's assignments), first_assigned_* (all assignments), "
    "first_touch_* (the earliest of lead, registration, attendance, assignment).",
)

QUALIFIED_LEADS = Table(
    "mart",
    "qualified_leads",
    "One row per phone that attended an occurrence up to as_of",
    ("phone",),
    (
        _PHONE,
        _USER_ID,
        *_TOUCHED,
        Column(
            "last_attended_at", Kind.TIMESTAMP, "Join of the last attendance; its start where the join is unreadable."
        ),
        Column("last_attended_date", Kind.DATE, "Business day of that occurrence.", required=True),
        Column("last_occurrence_id", Kind.TEXT, "That occurrence; see clean.webinars.", required=True),
        Column("last_topic", Kind.TEXT, "Its topic."),
        Column("minutes", Kind.INTEGER, "Minutes attended then (minutes_union); NULL: unknown."),
        Column("category", Kind.TEXT, "Category of that occurrence."),
        Column("conductor", Kind.TEXT, "Conductor of that occurrence."),
        Column("source_tag", Kind.TEXT, "Webinar, Bootcamp or Other."),
        Column("attended_count", Kind.INTEGER, "Occurrences attended up to as_of.", required=True),
        Column("is_assigned", Kind.BOOLEAN, "Whether the phone was ever assigned up to as_of.", required=True),
        Column("first_assigned_at", Kind.TIMESTAMP, "When first; NULL: never."),
        Column("days_since_attended", Kind.INTEGER, "Days from the last attendance to as_of.", required=True),
        Column("file_id", Kind.TEXT, "Landed file of the last attendance.", required=True),
        Column("source_row", Kind.INTEGER, "Its line in that file.", required=True),
    ),
    note="Part 1's output, ready for hand-over. Attendees without a phone cannot be handed over: "
    "ops.row_ledger counts them.",
)

HANDOVER_GAPS = Table(
    "mart",
    "handover_gaps",
    "One row per kind of gap and phone",
    ("gap_kind", "phone"),
    (
        Column(
            "gap_kind",
            Kind.TEXT,
            "; ".join(f"{name}: {text}" for name, text in GAPS.items()) + ".",
            required=True,
            values=tuple(GAPS),
        ),
        _PHONE,
        _USER_ID,
        Column("since_date", Kind.DATE, "Business day of the event that opened the gap.", required=True),
        Column("age_days", Kind.INTEGER, "Days from then to as_of.", required=True),
        Column("employee", Kind.TEXT, "Representative of the phone's latest assignment; NULL without one."),
        Column("file_id", Kind.TEXT, "Landed file of the event that opened the gap.", required=True),
        Column("source_row", Kind.INTEGER, "Its line in that file.", required=True),
    ),
    note="As things stand at as_of. assigned_before_attending stays after the person attended: it tells of the order.",
)

EMPLOYEE_SCORECARD = Table(
    "mart",
    "employee_scorecard",
    "One row per month and representative with M0 leads or counted sales",
    ("month", "employee"),
    (
        Column("month", Kind.DATE, "First day of the month.", required=True),
        Column("employee", Kind.TEXT, f"Representative, case as typed; {NO_EMPLOYEE}: none named.", required=True),
        Column("m0_leads", Kind.INTEGER, "M0 rows of the month whose current employee this is.", required=True),
        Column("m0_attended", Kind.INTEGER, "Those that attended up to as_of.", required=True),
        Column("m0_converted", Kind.INTEGER, "Those with a counted sale whose M0 month this is, whoever sold.", True),
        Column("sales", Kind.INTEGER, "Counted sales of the month by this representative.", required=True),
        Column("revenue_inr", Kind.MONEY, "Their revenue.", required=True),
        Column("conversion_rate", Kind.NUMBER, "m0_converted / m0_leads; NULL without M0 leads."),
        Column("conversion_low", Kind.NUMBER, "Lower end of its 95 % Wilson interval."),
        Column("conversion_high", Kind.NUMBER, "Upper end of it: with few leads the two are far apart."),
    ),
)

WEBINAR_SCORECARD = Table(
    "mart",
    "webinar_scorecard",
    "One row per occurrence up to as_of",
    ("occurrence_id",),
    (
        Column("occurrence_id", Kind.TEXT, "See clean.webinars.", required=True),
        Column("webinar_id", Kind.TEXT, "Zoom's webinar id."),
        Column("started_at", Kind.TIMESTAMP, "Start."),
        Column("event_date", Kind.DATE, "Business day.", required=True),
        Column("topic", Kind.TEXT, "Topic."),
        Column("source_tag", Kind.TEXT, "Webinar, Bootcamp or Other."),
        Column("category", Kind.TEXT, "Category."),
        Column("conductor", Kind.TEXT, "Conductor."),
        Column("registered_count", Kind.INTEGER, "People registered."),
        Column("attended_count", Kind.INTEGER, "People who attended."),
        Column("assigned_count", Kind.INTEGER, "Attendees' phones assigned at or after they joined.", required=True),
        Column("sold_count", Kind.INTEGER, "Attendees' phones with a counted sale at or after they joined.", True),
        Column("revenue_inr", Kind.MONEY, "Revenue of those sales.", required=True),
        Column("revenue_per_attendee_inr", Kind.MONEY, "revenue_inr / attended_count; NULL when it is zero."),
    ),
    note="A sale counts for every occurrence its buyer attended before: not to be summed over occurrences.",
)

TABLES = (LEAD_JOURNEY, QUALIFIED_LEADS, HANDOVER_GAPS, EMPLOYEE_SCORECARD, WEBINAR_SCORECARD)
