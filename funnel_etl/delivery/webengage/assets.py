"""Assets of what could be sent to WebEngage, in the night. Each calls one pure function; nothing is sent here."""

import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.parts import DELIVERY
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.validity import Uses
from funnel_etl.delivery.candidates_contract import DELIVERY_CANDIDATES
from funnel_etl.delivery.webengage import conditions, contracts
from funnel_etl.delivery.webengage.candidates import candidates
from funnel_etl.delivery.webengage.consent import NO_QUESTION, clean_consents, consent_state
from funnel_etl.delivery.webengage.intake import night_files, raw_consents
from funnel_etl.delivery.webengage.rows import Night as Decisions
from funnel_etl.delivery.webengage.rules import DELIVERY_OFF, is_on
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_REGISTRANT_ROWS
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import ReadIf, table_asset

REGISTRANTS = RAW_ZOOM_REGISTRANT_ROWS.only(*"file_id source_row email phone registered_at questions".split())
_PERSON = "file_id source_row occurrence_id user_name first_name last_name email user_id".split()
_REGISTRATION = "registered_at approval_status registration_source attendance_type".split()
REGISTERED = ZOOM_REGISTRATIONS.only(*_PERSON, *_REGISTRATION)
ATTENDED = ZOOM_ATTENDANCE.only(
    *_PERSON,
    *_REGISTRATION,
    *"attended joined_at left_at minutes_max minutes_sum minutes_union segment_count is_guest country".split(),
)


def asks_in_forms(config: Config) -> bool:
    """Return whether an answer of a registration form is a consent."""
    return len(config.table("consent_questions")) > 0


@table_asset(contracts.RAW_CONSENTS, group=DELIVERY)
def raw_consents_asset(night: Night) -> Outcome:
    """Take in the files of consents people dropped, and read those the night uses."""
    return raw_consents(night.sources, night_files(night.sources, night.day))


@table_asset(
    contracts.CONSENTS,
    group=DELIVERY,
    inputs={"raw": contracts.RAW_CONSENTS, "registrants": ReadIf(REGISTRANTS, asks_in_forms, NO_QUESTION)},
    needs=[CONFIG_VERSIONS.asset_key],
    uses=Uses.NOTHING,
)
def consents_asset(night: Night, raw: pd.DataFrame, registrants: pd.DataFrame) -> Outcome:
    """Type what people said about being written to, whom it names, and on which channel."""
    return clean_consents(raw, registrants, night.config, night.zone)


@table_asset(contracts.CONSENT_STATE, group=DELIVERY, inputs={"consents": contracts.CONSENTS}, uses=Uses.CUT_OFF)
def consent_state_asset(night: Night, consents: pd.DataFrame) -> Outcome:
    """Decide what holds for each phone and e-mail on each channel."""
    return consent_state(consents, night.as_of, night.zone)


@table_asset(
    DELIVERY_CANDIDATES,
    group=DELIVERY,
    inputs={
        "webinars": ReadIf(WEBINARS, is_on, DELIVERY_OFF),
        "registrations": ReadIf(REGISTERED, is_on, DELIVERY_OFF),
        "attendance": ReadIf(ATTENDED, is_on, DELIVERY_OFF),
        "state": ReadIf(contracts.CONSENT_STATE, is_on, DELIVERY_OFF),
    },
    conserved=conditions.CONDITIONS,
    uses=Uses.CUT_OFF,
)
def delivery_candidates_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Decide who could be sent which event, and make its exact bytes."""
    licence = night.sources.settings.webengage_licence or ""
    return candidates(**frames, night=Decisions(night.config, night.zone, night.as_of, licence))
