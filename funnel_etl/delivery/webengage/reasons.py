"""Why an event or a user is not sent: the codes of `ops.delivery_candidates.reason`, what each means, how to fix it."""

from funnel_etl.core.tables.reasons import REASONS
from funnel_etl.delivery.webengage.payloads import ATTRIBUTE_TOO_LONG, NAME_TOO_LONG, RESERVED_NAME, TOO_MANY_ATTRIBUTES
from funnel_etl.delivery.webengage.rules import DELIVERY_OFF

NO_PROFILE, NO_EVENT_NAME, NO_SHOW = "no_profile", "no_event_name", "no_show"
NO_REGISTRATION_REPORT, NOT_APPROVED, NO_USER_ID = "no_registration_report", "not_approved", "no_user_id"
SUPPRESSED, NO_CONSENT = "suppressed", "no_consent"
TOO_OLD, BEFORE_FROM_DATE, ENDED_LATER = "too_old", "before_from_date", "ended_later"

DELIVERY_REASONS: dict[str, tuple[str, str]] = {
    NO_SHOW: ("the person registered and did not attend", "nothing to do"),
    NO_REGISTRATION_REPORT: (
        "the registration is derived from an attendee report, and the profile is not for both reports",
        "drop the registration report of the webinar, if these people shall have the event",
    ),
    NO_PROFILE: (
        "no profile of zoom_profiles.csv fits the report of this kind",
        "add a line, or the topic to a topic_pattern (zoom_profiles.csv)",
    ),
    NO_EVENT_NAME: (
        "the profile has no event name for this kind",
        "fill in event_names of the profile; one for both reports needs two, separated by |",
    ),
    DELIVERY_OFF: (
        "no rule that fits says yes",
        "write a line with deliver yes and a from_date above the others (delivery_rules.csv), if it shall be sent",
    ),
    NOT_APPROVED: ("the registration was not approved, or was cancelled", "nothing to do; approve it in Zoom"),
    BEFORE_FROM_DATE: (
        "the webinar was before from_date of its rule",
        "nothing to do; an earlier from_date sends history",
    ),
    ENDED_LATER: ("the webinar was after the night's last business day", "nothing to do: the next night has it"),
    TOO_OLD: (
        "more days than max_age_days of its rule have passed",
        "nothing to do; a report that comes late is sent only with a larger max_age_days",
    ),
    NO_USER_ID: (
        "the person has no phone, so no user id",
        "nothing to do: it is sent once a report or a lead brings the phone, within max_age_days",
    ),
    SUPPRESSED: ("nothing at all may be sent to the person", "drop a statement with the state lifted, if it may again"),
    NO_CONSENT: (
        "the person agreed to no channel, or nothing is known of it",
        "drop a file of consents (drop/consent), or see unknown_consent of the rule",
    ),
    **{name: REASONS[name] for name in (ATTRIBUTE_TOO_LONG, TOO_MANY_ATTRIBUTES, RESERVED_NAME, NAME_TOO_LONG)},
}
"""Reason → what it means, and how to fix it."""
