"""Who could be sent an event, and who as a user: people of Zoom → `ops.delivery_candidates`. Pure.

Here: the decision and its reason. Not here: the bytes (`payloads`), what people agreed to (`consent`), and what the
ledger knows: whether it was sent before.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from funnel_etl.core.config_delivery import ATTENDED, REGISTERED
from funnel_etl.core.config_tables import Config
from funnel_etl.core.tables.accounting import LedgerLine, Outcome, RowAccount, close
from funnel_etl.core.values.text import lookup_keys
from funnel_etl.delivery.candidates_contract import DELIVERY_CANDIDATES, EVENT, GUARDED
from funnel_etl.delivery.webengage import payloads, reasons, rules
from funnel_etl.delivery.webengage.consent import holding
from funnel_etl.delivery.webengage.contracts import CHANNELS, GRANTED, SUPPRESSED, TIMES, UNKNOWN
from funnel_etl.delivery.webengage.keys import event_parts
from funnel_etl.delivery.webengage.rows import ON, Night, as_candidates, payload_columns
from funnel_etl.delivery.webengage.users import users_of

USERS = "users of these events"
"""Input name of the users in the ledger."""
_OF_THE_OCCURRENCE = (
    "webinar_id started_at event_date topic product category conductor bootcamp_day source_tag funnel "
    "duration_minutes has_registration_report"
).split()
_INPUTS = {REGISTERED: "clean.zoom_registrations", ATTENDED: "clean.zoom_attendance"}


def candidates(
    webinars: pd.DataFrame,
    registrations: pd.DataFrame,
    attendance: pd.DataFrame,
    state: pd.DataFrame,
    night: Night,
) -> Outcome:
    """Return one row per person, occurrence and kind, and one per user. Columns as `ops.delivery_candidates`.

    Everybody who registered or is in an attendee report is to be sent the event, is excluded with a reason, or is in
    quarantine, where the config has names that WebEngage does not take. `state` is `clean.consent_state`.
    """
    tables = {REGISTERED: registrations, ATTENDED: attendance}
    accounts = {kind: RowAccount(rows, _INPUTS[kind]) for kind, rows in tables.items()}
    if not any(map(len, tables.values())):
        return close(DELIVERY_CANDIDATES.empty(), *accounts.values())
    people = _people(webinars, tables, night)
    people = people.join(_consents(people, state))
    people["reason"] = _reasons(people, night)
    people = _with_payloads(people, night)
    for kind, account in accounts.items():
        own = people[people["kind"].eq(kind)].set_index("label")
        account.quarantine(own["refused"])
        account.warn("delivered_value", own["cut"].gt(0))
    people = people[people["refused"].isna()]
    users = users_of(people, night)
    rows = pd.concat([_events(people, night), users[DELIVERY_CANDIDATES.names]], ignore_index=True)
    outcome = close(rows.iloc[: len(people)], *accounts.values())
    outcome.rows = rows
    outcome.ledger.append(LedgerLine(USERS, len(users), len(users), cell_warnings=int(users["cut"].sum())))
    outcome.days = [people["last_day"]]
    return outcome


def _people(webinars: pd.DataFrame, tables: Mapping[str, pd.DataFrame], night: Night) -> pd.DataFrame:
    """Return everybody of both kinds beside what is known of the occurrence, its profile and its rule."""
    profile_of = {REGISTERED: "registered_profile", ATTENDED: "profile"}
    found = []
    for kind, people in tables.items():
        known = webinars.set_index("occurrence_id")[[*_OF_THE_OCCURRENCE, profile_of[kind]]]
        rows = people.drop(columns=[c for c in known.columns if c in people.columns])
        rows = rows.assign(label=rows.index, kind=kind).merge(
            known, how="left", left_on="occurrence_id", right_index=True
        )
        profiles = rules.event_names(night.config.table("zoom_profiles"), kind)
        keys = lookup_keys(rows[profile_of[kind]])
        for name in ("name", "event_name"):
            rows[name] = keys.map(profiles[name]).astype("str")
        for name in ("is_dual", "is_fixed"):
            rows[name] = keys.map(profiles[name]).eq(True).fillna(value=False).astype(bool)
        found.append(rows.drop(columns=[profile_of[kind]]).rename(columns={"name": "profile"}))
    rows = pd.concat(found, ignore_index=True)
    rows["track"] = rows["category"].where(rows["is_fixed"])
    rows["bootcamp_day_short"] = rows["bootcamp_day"].str.replace(" ", "", regex=False)
    rows["minutes"] = rows["minutes_union"].fillna(rows["minutes_max"])
    return rows.join(_rules(rows, night.config))


def _rules(people: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return first_day, last_day and unknown_consent of each row; without a first_day nothing is sent."""
    table = config.table("delivery_rules")
    pairs = people[["profile", "kind"]].drop_duplicates()
    found = [
        rules.rule_of(table, None if pd.isna(profile) else profile, kind)
        for profile, kind in pairs.itertuples(index=False)
    ]
    pairs["first_day"] = pd.to_datetime(pd.Series([rule.from_date for rule in found], index=pairs.index))
    pairs["max_age"] = pd.Series([rule.max_age for rule in found], index=pairs.index, dtype="timedelta64[us]")
    pairs["unknown_consent"] = pd.Series([rule.unknown_consent for rule in found], index=pairs.index, dtype="str")
    own = people[["profile", "kind"]].merge(pairs, how="left", on=["profile", "kind"]).set_axis(people.index, axis=0)
    first = own["first_day"].astype("datetime64[us]")
    last = (people["event_date"] + own["max_age"]).where(first.notna())
    return pd.DataFrame({"first_day": first, "last_day": last, "unknown_consent": own["unknown_consent"]})


def _consents(people: pd.DataFrame, state: pd.DataFrame) -> pd.DataFrame:
    """Return for each row what holds on each channel: by the phone, and by every e-mail that stands with it."""
    who = people["user_id"].fillna("email:" + people["email"])
    names = pd.concat([people["user_id"], "email:" + people["email"]])
    pairs = pd.DataFrame({"who": pd.concat([who, who]), "person": names}).dropna().drop_duplicates()
    said = pairs.merge(state, on="person")
    newest = said.groupby(["who", "channel"])[list(TIMES.values())].max()
    held = holding(newest).unstack("channel").reindex(columns=list(CHANNELS))  # noqa: PD010 - one value a cell
    of_each = held.rename(columns=ON).reindex(who).set_axis(people.index, axis=0).astype("str")
    return of_each.fillna(UNKNOWN)


def _reasons(people: pd.DataFrame, night: Night) -> pd.Series:
    """Return why each row is not to be sent; missing: it is. Of several reasons the first of these."""
    is_attended = people["kind"].eq(ATTENDED)
    status = lookup_keys(people["approval_status"])
    states = people[list(ON.values())]
    is_unknown = (states == UNKNOWN).all(axis=1)
    is_open = (states == GRANTED).any(axis=1) | (is_unknown & people["unknown_consent"].ne(rules.HOLD))
    tests = {
        reasons.NO_SHOW: is_attended & ~people["attended"].eq(True).fillna(value=False).astype(bool),
        reasons.NO_REGISTRATION_REPORT: ~is_attended & ~people["has_registration_report"] & ~people["is_dual"],
        reasons.NO_PROFILE: people["profile"].isna(),
        reasons.NO_EVENT_NAME: people["event_name"].isna(),
        rules.DELIVERY_OFF: people["first_day"].isna(),
        reasons.NOT_APPROVED: ~is_attended & ~status.isin(("", "approved")),
        reasons.BEFORE_FROM_DATE: people["event_date"] < people["first_day"],
        # A registration for a webinar to come is sent; somebody who attended one after the night is the next night's.
        reasons.ENDED_LATER: is_attended & (people["event_date"] > night.as_of),
        # The day after the night is the first on which it can be sent.
        reasons.TOO_OLD: people["last_day"] <= night.as_of,
        reasons.NO_USER_ID: people["user_id"].isna(),
        reasons.SUPPRESSED: (states == SUPPRESSED).all(axis=1),
        reasons.NO_CONSENT: ~is_open,
    }
    found = np.select([test.to_numpy(dtype=bool) for test in tests.values()], list(tests), default="")
    return pd.Series(found, index=people.index, dtype="str").replace("", None).astype("str")


def _with_payloads(people: pd.DataFrame, night: Night) -> pd.DataFrame:
    """Return the rows with `payload`, `attribute_types`, `refused` and `cut` of the events that are to be sent."""
    made: dict[Any, payloads.Payload] = {}
    table = night.config.table("delivery_attributes")
    due = people[people["reason"].isna()]
    for (kind, profile), rows in due.groupby(["kind", "profile"], sort=False):
        attributes = payloads.attributes_of(table, str(kind), str(profile))
        at = rows["registered_at"] if kind == REGISTERED else rows["joined_at"].fillna(rows["started_at"])
        times = payloads.at_times(at, night.zone)
        columns = (rows["user_id"], rows["event_name"], times.where(times.notna(), None))
        for label, user_id, name, time, values in zip(
            rows.index, *columns, payloads.valued(rows, attributes, night.zone), strict=True
        ):
            made[label] = payloads.event(user_id, name, None if pd.isna(time) else time, values, attributes)
    return people.join(payload_columns(made, people.index))


def _events(people: pd.DataFrame, night: Night) -> pd.DataFrame:
    """Return the candidates of everybody who is not in quarantine."""
    rows = people.assign(effect=GUARDED, only_after_delivery=False)
    rows["key_parts"] = event_parts(night.account, rows["kind"], rows["occurrence_id"], rows["user_id"])
    return as_candidates(rows, EVENT, night.account)
