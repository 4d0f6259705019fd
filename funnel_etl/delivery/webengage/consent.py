"""What people agreed to: dropped files and answers of registration forms → `clean.consents` → `clean.consent_state`.

Here: what a statement is, and which one holds. Not here: what is sent by it (`candidates`, `payloads`).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.errors import AmbiguousDates
from funnel_etl.core.reading.source_frame import SourceFrame
from funnel_etl.core.tables.accounting import TRACE, LedgerLine, Outcome, RowAccount, close
from funnel_etl.core.values import dates, phone
from funnel_etl.core.values.dates import AMBIGUOUS_DATE, BLANK_DATE, day_end
from funnel_etl.core.values.patterns import wildcard
from funnel_etl.core.values.text import clean_email, lookup_key, lookup_keys, squash
from funnel_etl.delivery.webengage.contracts import (
    ALL,
    CHANNELS,
    CONSENT_SOURCE,
    CONSENT_STATE,
    CONSENTS,
    GRANTED,
    LIFTED,
    REFUSED,
    STATES,
    SUPPRESSED,
    TIMES,
    UNKNOWN,
    WITHDRAWN,
)

BAD_CHANNEL, BAD_STATE, NO_CONTACT, SAME_STATEMENT = "bad_channel", "bad_state", "no_contact", "same_statement"
NO_QUESTION = "no_consent_question"
ANSWERS = "raw.zoom_registrant_rows"
"""Input name of the answers: a row of a form for each that is a consent, and one for a form without any."""
_STATEMENT = ["user_id", "email", "channel", "state", "stated_at"]
_SPELLINGS = {"e-mail": "email", "mail": "email", "wa": "whatsapp", "whats app": "whatsapp"}
"""Channels as people also write them, by `lookup_key`."""


def clean_consents(raw: pd.DataFrame, registrants: pd.DataFrame, config: Config, zone: str) -> Outcome:
    """Return one row per statement and channel. Columns as `clean.consents`.

    `raw` is `raw.consents`, whose files came in this order; `registrants` is `raw.zoom_registrant_rows`. A record
    without a channel, a state, a time or a contact that can be read is quarantined; the same said again is merged.
    """
    of_files, dropped = _dropped(raw, config, zone)
    of_forms, answered = _answered(registrants, config)
    return close(pd.concat([dropped, answered], ignore_index=True)[CONSENTS.names], of_files, of_forms)


def _dropped(raw: pd.DataFrame, config: Config, zone: str) -> tuple[RowAccount, pd.DataFrame]:
    source = SourceFrame(raw, CONSENT_SOURCE, {}, "consents")
    channel = lookup_keys(source.text("channel")).replace(_SPELLINGS)
    state = lookup_keys(source.text("state"))
    account = source.account
    account.quarantine(_where(~channel.isin([*CHANNELS, ALL]), BAD_CHANNEL), detail="channel")
    account.quarantine(_where(~state.isin(STATES), BAD_STATE), detail="state")
    stated_at, reasons = _stated_at(source.text("stated_at"), raw["file_id"], account.remaining, zone)
    account.quarantine(reasons, detail="stated_at")
    rows = raw[TRACE].assign(
        email=clean_email(source.text("email")),
        channel=channel,
        state=state,
        stated_at=stated_at,
        consent_source=source.label("source"),
    )
    return account, _once(account, rows.join(_phones(source, config.placeholders)))


def _phones(source: SourceFrame, placeholders: frozenset[str]) -> pd.DataFrame:
    """Return the phone columns; a cell that is no phone may be a user_id, the digits of a phone without its plus."""
    typed = source.phones("phone", placeholders)
    digits = squash(typed["phone_raw"])
    digits = digits[typed["phone"].isna() & digits.str.fullmatch(r"[1-9]\d{10,14}").eq(True)]
    found = phone.normalise("+" + digits, placeholders)
    found = found[found["phone"].notna()]
    typed.loc[found.index, found.columns] = found
    return typed


def _stated_at(texts: pd.Series, file_id: pd.Series, remaining: pd.Index, zone: str) -> tuple[pd.Series, pd.Series]:
    """Read the times of each file by itself, for each proves its own order of day and month; returns reasons, too."""
    instants = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
    reasons = pd.Series(None, index=texts.index, dtype="str")
    texts = texts.loc[remaining]
    for _, own in texts.groupby(file_id.loc[remaining], sort=False):
        try:
            parsed = dates.parse(own, zone, column="consents.stated_at")
        except AmbiguousDates:  # it could be proved when the file came: lines of erased persons are gone since
            reasons.loc[own.index] = AMBIGUOUS_DATE
            continue
        instants.loc[own.index], reasons.loc[own.index] = parsed.instants, parsed.reason
    return instants, reasons


def _answered(registrants: pd.DataFrame, config: Config) -> tuple[RowAccount, pd.DataFrame]:
    """Return a row per form and channel that an answer speaks of; of several on one channel a refusal counts."""
    answers = _answers(registrants, config.table("consent_questions"))
    account = RowAccount(answers, ANSWERS)
    account.exclude(_where(answers["channel"].isna(), NO_QUESTION))
    account.quarantine(_where(answers["registered_at"].isna(), BLANK_DATE), detail="registered_at")
    typed = phone.normalise(answers["phone"], config.placeholders).assign(phone_raw=answers["phone"])
    rows = answers[[*TRACE, "channel", "state"]].assign(
        email=clean_email(answers["email"]),
        stated_at=answers["registered_at"],
        consent_source=squash(answers["question"]),
    )
    rows = rows.join(typed)
    order = rows.loc[account.remaining].sort_values("state", key=_rank, ascending=False, kind="stable")
    account.merge(_into_first(order, [*TRACE, "channel"]), SAME_STATEMENT)
    return account, _once(account, rows)


def _answers(registrants: pd.DataFrame, questions: pd.DataFrame) -> pd.DataFrame:
    columns = [*TRACE, "email", "phone", "registered_at"]
    asked = [
        (wildcard(line["pattern"]), line["channel"], {lookup_key(yes) for yes in line["yes_values"].split("|")} - {""})
        for line in questions.to_dict("records")
    ]
    found: list[tuple[object, ...]] = []
    for at, text in enumerate(registrants["questions"]):
        consents = list(_consents_in(json.loads(text), asked))
        found += [(at, *consent) for consent in consents] or [(at, None, None, None)]
    said = pd.DataFrame(found, columns=["at", "question", "channel", "state"])
    rows = registrants[columns].iloc[said["at"].to_numpy(dtype="int64")].reset_index(drop=True)
    texts = {name: said[name].astype("str") for name in ("question", "channel", "state")}
    return rows.assign(**texts)


def _consents_in(answers: Mapping[str, Any], asked: list[tuple[Any, str, set[str]]]) -> Iterator[tuple[str, str, str]]:
    """Yield question, channel and state of each answer that a line speaks of; of several lines the first."""
    for question, answer in answers.items():
        key = lookup_key(question)
        for pattern, channel, yes_values in asked:
            if pattern.fullmatch(key):
                yield question, channel, GRANTED if lookup_key(answer) in yes_values else REFUSED
                break


def _once(account: RowAccount, rows: pd.DataFrame) -> pd.DataFrame:
    """Quarantine what names nobody, merge what says the same again, and return the rest of `rows`."""
    account.quarantine(_where(rows["user_id"].isna() & rows["email"].isna(), NO_CONTACT))
    account.merge(_into_first(rows.loc[account.remaining], _STATEMENT), SAME_STATEMENT)
    return rows.loc[account.remaining]


def _into_first(rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Return, by the label of each row that agrees with an earlier one on `columns`, the label of the first."""
    labels = pd.Series(rows.index, index=rows.index)
    first = labels.groupby([rows[name] for name in columns], dropna=False, sort=False).transform("first")
    return first[rows.duplicated(columns)]


def consent_state(consents: pd.DataFrame, as_of: pd.Timestamp, zone: str) -> Outcome:
    """Return what holds for each phone and e-mail on each channel. Columns as `clean.consent_state`.

    The newest statement counts, of equal times the more restrictive. A suppression ends by a later lifting only, a
    withdrawal by a later grant only. What permits more (granted, lifted) counts once its day is over.
    """
    is_early = consents["state"].isin((GRANTED, LIFTED)) & (consents["stated_at"] >= day_end(as_of, zone))
    counted = consents[~is_early]
    said = _by_name(counted)
    newest = said.sort_values(["stated_at", *TRACE]).drop_duplicates(["person", "channel", "state"], keep="last")
    times = times_of(newest)
    rows = times.assign(state=holding(times)).reset_index()
    decides = rows["state"].replace(UNKNOWN, LIFTED)  # unknown is who was suppressed, and is no more
    traced = newest[["person", "channel", "state", "stated_at", *TRACE]].rename(columns={"state": "decides"})
    rows = rows.assign(decides=decides).merge(traced, on=["person", "channel", "decides"], validate="1:1")
    names = newest.drop_duplicates("person").set_index("person")[["user_id", "email"]]
    rows = rows.join(names, on="person").sort_values(["person", "channel"], ignore_index=True)
    reasons = {"excluded:after_as_of": int(is_early.sum()), "merged:aggregated": len(counted)}
    reasons = {reason: count for reason, count in reasons.items() if count}
    line = LedgerLine(CONSENTS.full_name, len(consents), 0, len(counted), excluded=int(is_early.sum()), reasons=reasons)
    return Outcome(rows[CONSENT_STATE.names], [line])


def _by_name(consents: pd.DataFrame) -> pd.DataFrame:
    """Return each statement once for its phone and once for its e-mail, and one on every channel on each of them."""
    columns = ["channel", "state", "stated_at", *TRACE]
    by_phone = consents[consents["user_id"].notna()]
    by_email = consents[consents["email"].notna()]
    names = pd.concat(
        [
            by_phone[[*columns, "user_id"]].assign(person=by_phone["user_id"], email=None),
            by_email[[*columns, "email"]].assign(person="email:" + by_email["email"], user_id=None),
        ],
        ignore_index=True,
    )
    whole = names["channel"].eq(ALL)
    each = [names[~whole], *(names[whole].assign(channel=channel) for channel in CHANNELS)]
    return pd.concat(each, ignore_index=True).astype(dict.fromkeys(("person", "user_id", "email", "channel"), "str"))


def times_of(newest: pd.DataFrame) -> pd.DataFrame:
    """Return the columns TIMES of rows with `person`, `channel`, `state` and `stated_at`, by person and channel."""
    wide = newest.pivot_table("stated_at", ["person", "channel"], "state", aggfunc="max")
    return wide.reindex(columns=list(STATES)).astype("datetime64[us, UTC]").rename(columns=TIMES)


def holding(times: pd.DataFrame) -> pd.Series:
    """Return what holds by the newest statement of each state: the columns TIMES. A missing time is never."""
    granted, refused, withdrawn = (times[TIMES[state]] for state in (GRANTED, REFUSED, WITHDRAWN))
    suppressed, lifted = times[TIMES[SUPPRESSED]], times[TIMES[LIFTED]]
    held = pd.Series(UNKNOWN, index=times.index, dtype="str")
    held = held.mask(granted.notna(), GRANTED)
    held = held.mask(refused.notna() & ~(granted > refused), REFUSED)
    held = held.mask(withdrawn.notna() & ~(granted > withdrawn), WITHDRAWN)
    return held.mask(suppressed.notna() & ~(lifted > suppressed), SUPPRESSED)


def _rank(states: pd.Series) -> pd.Series:
    return states.map({state: rank for rank, state in enumerate(STATES)})


def _where(is_wrong: pd.Series, reason: str) -> pd.Series:
    return pd.Series(reason, index=is_wrong.index, dtype="str").where(is_wrong)
