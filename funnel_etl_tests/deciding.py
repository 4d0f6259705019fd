"""What the tests of candidates stand on: a webinar, a person, and what decides about frames written as rows."""

import hashlib
from typing import Any

import pandas as pd

from funnel_etl.delivery.candidates_contract import DELIVERY_CANDIDATES
from funnel_etl.delivery.webengage import conditions
from funnel_etl.delivery.webengage.candidates import USERS, candidates
from funnel_etl.delivery.webengage.contracts import CONSENT_STATE
from funnel_etl.delivery.webengage.rows import Night
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.settings import PROJECT

ZONE = "Asia/Kolkata"
PROFILES = """\
name,product,use_case,type,event_names,download_name,category_mode,category,source_tag,topic_pattern
boot,Plutus,Bootcamp,bootcamp_dual,Plutus Bootcamp Registered|Plutus Bootcamp Attended,,auto,,Bootcamp,*boot*
tls_boot,TLS,Bootcamp,webinar_attended,TLS Misc Bootcamp Attended,,fixed,Bootcamp,Bootcamp,*tls*
came,Plutus,Webinar,webinar_attended,Plutus Webinar Attended,,auto,,Webinar,*
asked,Plutus,Webinar,registration,Plutus Webinar Registered,,auto,,Webinar,*
nameless,,Other,webinar_attended,,,auto,,Other,*none*
"""
ATTRIBUTES = (PROJECT / "config_csv/delivery_attributes.csv").read_text()
RULES = "profile,kind,deliver,from_date,max_age_days,unknown_consent,note\n"
ON = RULES + "*,*,yes,2026-11-01,7,hold,\n"
OCCURRENCE = "81200002006-20261120T1900"
WEBINAR = {
    "occurrence_id": OCCURRENCE,
    "webinar_id": "81200002006",
    "started_at": "2026-11-20T13:30:00Z",
    "event_date": "2026-11-20",
    "topic": "ACCA career webinar",
    "source_tag": "Webinar",
    "profile": "came",
    "registered_profile": "asked",
    "product": "Plutus",
    "category": "ACCA",
    "conductor": "Taran Belwick",
    "has_registration_report": "true",
    "has_attendee_report": "true",
}
ASHA = {
    "occurrence_id": OCCURRENCE,
    "person_key": "9876512345",
    "attended": "true",
    "first_name": "Asha",
    "last_name": "Rao",
    "user_name": "Asha R",
    "email": "asha@example.org",
    "phone": "9876512345",
    "user_id": "919876512345",
    "joined_at": "2026-11-20T13:34:00Z",
    "left_at": "2026-11-20T14:31:00Z",
    "minutes_union": "57",
}
Row = dict[str, str]


def decider(table_of: Any, config_of: Any) -> Any:
    """Return what decides about frames written as rows. `granted`: who agreed to e-mail and WhatsApp."""

    def run(
        attended: list[Row] = (),  # type: ignore[assignment]
        registered: list[Row] = (),  # type: ignore[assignment]
        webinars: list[Row] = (WEBINAR,),  # type: ignore[assignment]
        granted: list[str] = ("919876512345",),  # type: ignore[assignment]
        state: list[Row] = (),  # type: ignore[assignment]
        as_of: str = "2026-11-20",
        rules: str = ON,
        **tables: str,
    ) -> Any:
        agreed = [
            {"person": who, "channel": channel, "state": "granted", "granted_at": "2026-11-01T00:00:00Z"}
            for who in granted
            for channel in ("email", "whatsapp")
        ]
        config = config_of(
            **{"zoom_profiles": PROFILES, "delivery_attributes": ATTRIBUTES, "delivery_rules": rules, **tables}
        )
        frames = {
            "webinars": rows(table_of, WEBINARS, webinars),
            "registrations": rows(table_of, ZOOM_REGISTRATIONS, registered),
            "attendance": rows(table_of, ZOOM_ATTENDANCE, attended),
            "state": rows(table_of, CONSENT_STATE, [*agreed, *state]),
        }
        outcome = candidates(**frames, night=Night(config, ZONE, pd.Timestamp(as_of), "in~demo"))
        outcome.rows = DELIVERY_CANDIDATES.conform(outcome.rows)
        assert DELIVERY_CANDIDATES.problems(outcome.rows) == []
        for condition in conditions.CONDITIONS.values():
            found, wanted = condition(outcome.rows, frames, pd.Timestamp(as_of))
            assert found == wanted, condition.__name__
        assert all(line.balances for line in outcome.ledger)
        people = sum(line.rows_in for line in outcome.ledger if line.input_name != USERS)
        quarantined = sum(line.quarantined for line in outcome.ledger)
        assert people == (outcome.rows["object"] == "event").sum() + quarantined == len(attended) + len(registered)
        return outcome

    return run


def rows(table_of: Any, table: Any, given: Any) -> pd.DataFrame:
    return table_of(table, pd.DataFrame(list(given)).to_csv(index=False) if given else "")


def of(outcome: Any, kind: str) -> pd.DataFrame:
    found = outcome.rows[outcome.rows["kind"] == kind]
    return found.astype("object").where(found.notna(), None)


def one(outcome: Any, kind: str) -> dict[str, Any]:
    [row] = of(outcome, kind).to_dict("records")
    return row


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
