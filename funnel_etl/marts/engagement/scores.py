"""`mart.engagement_scores`: what each person of a webinar did, and what it is worth. Pure.

Here: counting, and putting people, counts and rules together. Not here: the arithmetic of the score (`score_rules`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from funnel_etl.core.config_engagement import COMPONENTS
from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.marts.engagement.contracts import EXACT, MEDIUM
from funnel_etl.marts.engagement.matching import credited
from funnel_etl.marts.engagement.messages import looked_up
from funnel_etl.marts.engagement.owners import owned
from funnel_etl.marts.engagement.score_contracts import ENGAGEMENT_SCORES
from funnel_etl.marts.engagement.score_rules import ScoreRules, scored
from funnel_etl.parts.marketing.zoom.clean.grouping import group
from funnel_etl.parts.marketing.zoom.reader.chat_words import MESSAGE, PRIVATE, REPLY

AGAIN = pd.Timedelta(seconds=60)
"""The same text again within this time counts once."""
MOST_EVIDENCE = 50
PERSON = ["occurrence_id", "person_key"]
MEASURED = ("attendance_pct", "focus_pct")
"""What a source may say itself, in percent."""


@dataclass(frozen=True)
class Counting:
    """By what is scored: the rules; how surely a name must be matched to count; whose an occurrence is."""

    rules: ScoreRules
    confidences: Sequence[str] = (EXACT, MEDIUM)
    owners: Mapping[str, str] = field(default_factory=dict)


def engagement_scores(
    people: pd.DataFrame,
    registrations: pd.DataFrame,
    webinars: pd.DataFrame,
    share: pd.DataFrame,
    messages: pd.DataFrame,
    questions: pd.DataFrame,
    answers: pd.DataFrame,
    *,
    counting: Counting,
    as_of: pd.Timestamp,
) -> Outcome:
    """Return one row per occurrence up to `as_of` and person registered or there. Columns as `mart.engagement_scores`.

    `people` is `clean.engagement_people`, `share` is `mart.webinar_engagement`.
    """
    rules, confidences = counting.rules, counting.confidences
    rows = _persons(people, registrations, webinars, as_of)
    said = {
        "messages": counted_messages(messages, confidences),
        "questions": asked(messages, questions, confidences),
        "polls_answered": _answered(answers, confidences),
    }
    keys = pd.MultiIndex.from_frame(rows[PERSON])
    for name, frame in said.items():
        counts = frame.groupby(PERSON).size() if len(frame) else pd.Series(dtype="int64")
        found = counts.reindex(keys).fillna(0) if len(counts) else pd.Series(0, index=keys)
        rows[name] = found.astype("Int64").to_numpy()
    for name in ("has_chat", "has_questions"):
        rows[name] = looked_up(rows["occurrence_id"], share, "occurrence_id", name).fillna(value=False).astype(bool)
    rows["has_questions"] |= rows["has_chat"]
    result = scored(rows, rules)
    percent = rows["minutes_union"].astype("float64") * 100 / rows["duration_minutes"].astype("float64")
    percent = percent.where(rows["duration_minutes"].fillna(0) > 0)
    rows = rows.assign(
        **result[["score", "tier", "weight_available", "is_capped"]],
        attendance_pct=rows["attendance_pct"].fillna(percent).clip(upper=100).round(4),
        points=_points(result),
        score_basis=_basis(result),
        evidence=_evidence(rows[PERSON], {name: said[name] for name in ("messages", "questions")}),
        customer_id=pd.Series(None, index=rows.index, dtype="str"),
        rules_version=rules.version,
    )
    inputs = {
        "clean.engagement_people": people,
        "clean.zoom_registrations": registrations,
        "clean.chat_messages": messages,
        "clean.qa_questions": questions,
        "clean.poll_answers": answers,
    }
    rows = owned(rows, counting.owners)
    return summarised(rows[ENGAGEMENT_SCORES.names].reset_index(drop=True), **inputs)


def _persons(
    people: pd.DataFrame, registrations: pd.DataFrame, webinars: pd.DataFrame, as_of: pd.Timestamp
) -> pd.DataFrame:
    """Return all who registered or were there, of occurrences up to `as_of`; who is in no report did not come."""
    there = people[[*PERSON, "zoom_person_key", "phone", "attended", "minutes_union", *MEASURED]]
    known = pd.MultiIndex.from_frame(there[["occurrence_id", "zoom_person_key"]])
    is_new = ~pd.MultiIndex.from_frame(registrations[PERSON]).isin(known)
    # Registered without a phone and there with one, somebody has two keys and one e-mail.
    addresses = pd.MultiIndex.from_frame(people.loc[people["email"].notna(), ["occurrence_id", "email"]])
    is_new &= ~pd.MultiIndex.from_frame(registrations[["occurrence_id", "email"]]).isin(addresses)
    absent = registrations.loc[is_new, [*PERSON, "phone"]].assign(attended=False)
    absent = absent.astype({"attended": "boolean"})
    rows = pd.concat([there.drop(columns="zoom_person_key"), absent], ignore_index=True)
    rows = rows.astype(dict.fromkeys(MEASURED, "float64"))
    columns = ("event_date", "duration_minutes", "has_attendee_report")
    rows = rows.assign(**{name: looked_up(rows["occurrence_id"], webinars, "occurrence_id", name) for name in columns})
    rows["has_attendee_report"] = rows["has_attendee_report"].fillna(value=False).astype(bool)
    rows["attended"] = rows["attended"].where(rows["has_attendee_report"])
    rows = rows[(rows["event_date"] <= as_of).fillna(value=False)]
    return rows.sort_values(PERSON, ignore_index=True)


def counted_messages(messages: pd.DataFrame, confidences: Sequence[str]) -> pd.DataFrame:
    """Return the messages that count: a person's own, to everybody or the hosts, the same text within a minute once."""
    own = messages[_is_said(messages) & credited(messages, confidences)]
    own = own.sort_values([*PERSON, "sent_at", "position"])
    groups = group(own["occurrence_id"], own["person_key"], own["text_hash"]).codes
    before = own["sent_at"].groupby(groups).shift()
    is_again = pd.Series(groups, index=own.index).duplicated() & ~((own["sent_at"] - before) > AGAIN).fillna(
        value=False
    )
    return own[~is_again]


def asked(messages: pd.DataFrame, questions: pd.DataFrame, confidences: Sequence[str]) -> pd.DataFrame:
    """Return the questions that count, of chat and question reports: equal texts of a person once."""
    in_chat = messages[_is_said(messages) & messages["is_question"].astype(bool) & credited(messages, confidences)]
    in_report = questions[credited(questions, confidences)]
    columns = [*PERSON, "text_hash", "file_id", "source_row"]
    both = pd.concat([in_chat[columns], in_report[columns]], ignore_index=True)
    return both.drop_duplicates([*PERSON, "text_hash"])


def _answered(answers: pd.DataFrame, confidences: Sequence[str]) -> pd.DataFrame:
    return answers[credited(answers, confidences)].drop_duplicates([*PERSON, "question"])


def _is_said(messages: pd.DataFrame) -> pd.Series:
    said: pd.Series = messages["kind"].isin([MESSAGE, REPLY]) & messages["audience"].ne(PRIVATE)
    return said


def _points(found: pd.DataFrame) -> pd.Series:
    """Return the points of each component that is there, as JSON; there are few different ones."""
    columns = [f"{name}_points" for name in COMPONENTS]
    keys = group(*(found[column] for column in columns))
    first = found.iloc[keys.first][columns]
    texts = [
        json.dumps({n: _plain(p) for n, p in zip(COMPONENTS, row, strict=True) if not pd.isna(p)}, sort_keys=True)
        for row in first.itertuples(index=False, name=None)
    ]
    return pd.Series(np.array([*texts, ""], dtype=object)[keys.codes], index=found.index, dtype="str")


def _basis(found: pd.DataFrame) -> pd.Series:
    """Return the components that are there, joined by +; missing where none is."""
    there = found[[f"{name}_points" for name in COMPONENTS]].notna().to_numpy()
    codes = there @ (1 << np.arange(len(COMPONENTS)))
    names = ["+".join(n for at, n in enumerate(COMPONENTS) if code >> at & 1) or None for code in range(16)]
    return pd.Series(np.array(names, dtype=object)[codes], index=found.index, dtype="str")


def _plain(points: float) -> float | int:
    return int(points) if points == int(points) else points


def _evidence(persons: pd.DataFrame, said: Mapping[str, pd.DataFrame]) -> pd.Series:
    """Return the rows each person's counts come from, as JSON: name → [file_id, source_row] each."""
    found: dict[tuple[str, str], dict[str, list[list[object]]]] = {}
    for name, rows in said.items():
        for occurrence, person, file_id, line in rows[[*PERSON, "file_id", "source_row"]].itertuples(
            index=False, name=None
        ):
            own = found.setdefault((occurrence, person), {}).setdefault(name, [])
            if len(own) < MOST_EVIDENCE:
                own.append([file_id, int(line)])
    texts = {place: json.dumps(each, sort_keys=True) for place, each in found.items()}
    places = persons.itertuples(index=False, name=None)
    return pd.Series([texts.get(place, "{}") for place in places], index=persons.index, dtype="str")
