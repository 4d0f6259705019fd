"""`mart.followup_drafts`: a draft for each person of the last webinars, or the reason why there is none. Pure.

First the text of its template; over that is laid what a model made of it, and over that an edit of a person. Nothing is
sent. Not here: what a text may say (`facts_of_drafts`), and what a model may (`reworded`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from funnel_etl.core.followup_templates import Template
from funnel_etl.core.person_names import NameRules
from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.phone import normalise_one
from funnel_etl.core.values.text import lookup_key
from funnel_etl.delivery.webengage.contracts import GRANTED
from funnel_etl.marts.engagement.contracts import EXACT
from funnel_etl.marts.engagement.draft_contracts import (
    APPROVED,
    DRAFT,
    EDITED,
    FOLLOWUP_DRAFTS,
    FOLLOWUP_TEXTS,
    STALE,
    WITHHELD,
)
from funnel_etl.marts.engagement.facts_of_drafts import Asked, full_names, own_questions
from funnel_etl.marts.engagement.messages import Kept, looked_up
from funnel_etl.marts.engagement.reworded import Rewordable, base_hash, last_edits, reworded
from funnel_etl.marts.engagement.wording import UNSUBSCRIBE_LINE
from funnel_etl.parts.marketing.zoom.reader.chat_words import PRIVATE

PERSON = ["occurrence_id", "person_key"]


@dataclass(frozen=True)
class Draftable:
    """What drafts rest on beside scores: templates, language, offers, owners, consents, who bought, edits.

    `consents`: e-mail or phone → granted, refused, withdrawn, bounced, suppressed; `bought`: phones with a counted
    sale; `names`: keys of all names by occurrence; `edits`: `raw.followup_edits`.
    """

    templates: Mapping[tuple[str, str], Template]
    language: str
    offers: Mapping[str, Mapping[str, str]]
    owners: Mapping[str, str]
    consents: Mapping[str, str]
    bought: frozenset[str]
    names: Mapping[str, frozenset[str]]
    edits: pd.DataFrame
    rules: NameRules
    days: int
    pause_days: int
    limit: int
    kept: Kept
    hashes: dict[str, str] = field(default_factory=dict)

    def template(self, tier: str) -> Template | None:
        """Return the template of a tier: in the language of the settings, else in the first there is."""
        own = self.templates.get((tier, self.language))
        return own or next((t for (of, _), t in sorted(self.templates.items()) if of == tier), None)


def draft_id(occurrence_id: str, person_key: str) -> str:
    """Return the id of a draft: for ever the same."""
    return _hash(f"{occurrence_id}|{person_key}", 16)


def followup_texts(
    scores: pd.DataFrame,
    people: pd.DataFrame,
    webinars: pd.DataFrame,
    messages: pd.DataFrame,
    questions: pd.DataFrame,
    given: Draftable,
) -> Outcome:
    """Return one row per person and occurrence of the last days, by its template. Columns as `mart.followup_texts`."""
    rows = _recent(scores, people, webinars, given)
    notes = []
    if len(rows) > given.limit:
        notes = [
            f"{grouped(len(rows) - given.limit)} people have no draft: more than draft_limit; the best scored have"
        ]
        rows = rows.sort_values(["score", "draft_id"], ascending=[False, True], na_position="last").head(given.limit)
    rows = rows.sort_values("draft_id", ignore_index=True)
    rows["withheld_reason"] = withheld(rows, given)
    made = _texts(rows, messages, questions, given)
    inputs = {"mart.engagement_scores": scores, "raw.followup_edits": given.edits}
    outcome = summarised(rows.assign(**made).reindex(columns=FOLLOWUP_TEXTS.names), **inputs)
    outcome.notes = notes
    outcome.days = [webinars["event_date"] + pd.Timedelta(days=given.days)]
    return outcome


def followup_drafts(
    texts: pd.DataFrame, answers: pd.DataFrame, edits: pd.DataFrame, rewordable: Rewordable, kept: Kept
) -> Outcome:
    """Lay over each text what a model and then a person made of it. Columns as `mart.followup_drafts`."""
    rows = _with_edits(reworded(texts, answers, edits, rewordable), edits)
    gone, first = kept.gone(rows["generated_night"])
    for column in ("subject", "body_text", "generated_text", "notes"):
        rows[column] = rows[column].mask(gone)
    inputs = {"mart.followup_texts": texts, "raw.llm_answers": answers, "raw.followup_edits": edits}
    outcome = summarised(rows.reindex(columns=FOLLOWUP_DRAFTS.names), **inputs)
    outcome.days = [first]
    return outcome


def _recent(scores: pd.DataFrame, people: pd.DataFrame, webinars: pd.DataFrame, given: Draftable) -> pd.DataFrame:
    """Return the scored people of the last days' webinars, with what is known of them."""
    date = looked_up(scores["occurrence_id"], webinars, "occurrence_id", "event_date")
    as_of = given.kept.as_of
    is_recent = (date > as_of - pd.Timedelta(days=given.days)) & (date <= as_of)
    chosen = is_recent.fillna(value=False)
    rows = scores[chosen].assign(event_date=date[chosen])
    own = people.set_index(pd.MultiIndex.from_frame(people[PERSON]))[["display_name", "first_name", "email"]]
    found = own.reindex(pd.MultiIndex.from_frame(rows[PERSON]))
    rows = rows.assign(
        name=found["display_name"].to_numpy(),
        first_name=found["first_name"].to_numpy(),
        email=found["email"].to_numpy(),
        topic=looked_up(rows["occurrence_id"], webinars, "occurrence_id", "topic"),
        conductor=looked_up(rows["occurrence_id"], webinars, "occurrence_id", "conductor"),
        owner=rows["occurrence_id"].map(dict(given.owners)).astype("str"),
        generated_night=rows["event_date"],
    )
    ids = [draft_id(*place) for place in rows[PERSON].itertuples(index=False, name=None)]
    return rows.assign(draft_id=pd.Series(ids, index=rows.index, dtype="str"))


def withheld(rows: pd.DataFrame, given: Draftable) -> pd.Series:
    """Return why a draft is withheld, the first reason that holds, in the order of the design; missing: it is not."""
    email, phone = rows["email"].astype("str"), rows["phone"].astype("str")
    states = [
        _stricter(given.consents.get(str(e), ""), given.consents.get(str(p), "")) if isinstance(e, str) else ""
        for e, p in zip(email, phone, strict=True)
    ]
    state = pd.Series(states, index=rows.index, dtype="str")
    key = email.where(email.notna(), rows["draft_id"])
    best = rows.assign(key=key, points=rows["score"].fillna(-1)).sort_values(
        ["points", "draft_id"], ascending=[False, True]
    )
    is_shared = best.duplicated(["occurrence_id", "key"]).reindex(rows.index)
    is_named = [isinstance(name, str) and bool(given.rules.tokens(name)) for name in rows["name"]]
    reasons = {
        "no_email": email.isna(),
        "unsubscribed": state.eq("withdrawn"),
        "bounced": state.eq("bounced"),
        "no_consent": ~state.isin([GRANTED, "suppressed"]),
        "already_bought": phone.isin(given.bought),
        "contacted_recently": _contacted(rows, given),
        "shared_email": is_shared,
        "ambiguous_person": ~np.array(is_named, dtype=bool),
        "suppressed": state.eq("suppressed"),
        "no_template": pd.Series([given.template(tier) is None for tier in rows["tier"]], index=rows.index, dtype=bool),
    }
    chosen = np.select([np.asarray(hit, dtype=bool) for hit in reasons.values()], [*reasons], "")
    return pd.Series(chosen, index=rows.index, dtype="str").replace("", None).astype("str")


def _contacted(rows: pd.DataFrame, given: Draftable) -> pd.Series:
    """Return whether another draft to the same address was approved in the last days: somebody writes already."""
    approved = given.edits[given.edits["is_approved"].astype(bool)]
    since = given.kept.as_of.tz_localize("UTC") - pd.Timedelta(days=given.pause_days)
    ids = set(approved.loc[approved["edited_at"] >= since, "draft_id"])
    emails = set(rows.loc[rows["draft_id"].isin(ids), "email"].dropna())
    return rows["email"].isin(emails) & ~rows["draft_id"].isin(ids)


def _texts(
    rows: pd.DataFrame, messages: pd.DataFrame, questions: pd.DataFrame, given: Draftable
) -> dict[str, pd.Series]:
    """Return the text of each row that is not withheld, with its hashes and evidence."""
    asked = _asked(messages, questions)
    others = {occurrence: full_names(names) for occurrence, names in given.names.items()}
    records = [
        {} if isinstance(row["withheld_reason"], str) else _one(row, asked, others, given)
        for row in rows.to_dict("records")
    ]
    names = ("template", "template_hash", "inputs_hash", "base_hash", "subject", "body_text", "evidence")
    found = {n: pd.Series([each.get(n) for each in records], index=rows.index, dtype="str") for n in names}
    return found | {"evidence": found["evidence"].fillna("{}")}


def _asked(messages: pd.DataFrame, questions: pd.DataFrame) -> dict[tuple[str, str], list[Asked]]:
    """Return the questions each person surely asked, and that were not private."""
    sure = messages[
        messages["is_question"].astype(bool) & messages["match_confidence"].eq(EXACT) & messages["audience"].ne(PRIVATE)
    ]
    named = questions[questions["match_confidence"].eq(EXACT)].rename(columns={"question": "text"})
    columns = [*PERSON, "text", "file_id", "source_row"]
    both = pd.concat([sure[columns], named[columns]], ignore_index=True)
    found: dict[tuple[str, str], list[Asked]] = {}
    for occurrence, person, text, file_id, line in both.itertuples(index=False, name=None):
        if isinstance(text, str):
            found.setdefault((occurrence, person), []).append((text, file_id, int(line)))
    return found


def _one(
    row: Mapping[Any, Any],
    asked: Mapping[tuple[str, str], list[Asked]],
    others: Mapping[str, frozenset[str]],
    given: Draftable,
) -> dict[str, Any]:
    template = given.template(row["tier"])
    assert template is not None  # noqa: S101 - else it is withheld
    own = full_names([lookup_key(row["name"])])
    rows = asked.get((row["occurrence_id"], row["person_key"]), [])
    quotes = own_questions(rows, others.get(row["occurrence_id"], frozenset()), own)
    facts: dict[str, Any] = {
        "first_name": row["first_name"] if given.rules.tokens(str(row["first_name"] or "")) else None,
        "topic": row["topic"],
        "conductor": row["conductor"],
        "attended_minutes": None if pd.isna(row["minutes_union"]) else int(row["minutes_union"]) or None,
        "messages": int(row["messages"]) or None,
        "questions": [text for text, _ in quotes],
        "first_question": quotes[0][0] if quotes else None,
        "unsubscribe_line": UNSUBSCRIBE_LINE,
        **given.offers.get(row["occurrence_id"], {}),
    }
    facts = {name: None if isinstance(value, float) and pd.isna(value) else value for name, value in facts.items()}
    facts = {name: value for name, value in facts.items() if name in template.names and value}
    subject, body = template.render(facts)
    evidence = {name: {"value": value} for name, value in facts.items() if name != "unsubscribe_line"}
    for name in ("first_question", "questions"):
        if name in evidence:
            evidence[name] |= quotes[0][1] if name == "first_question" else {"rows": [place for _, place in quotes]}
    of_template = given.hashes.setdefault(template.file, _hash(template.text))
    return {
        "template": template.file,
        "template_hash": of_template,
        "inputs_hash": _hash(json.dumps(facts, sort_keys=True, ensure_ascii=False)),
        "base_hash": base_hash(subject, body),
        "subject": subject,
        "body_text": body,
        "evidence": json.dumps(evidence, sort_keys=True, ensure_ascii=False),
    }


def _with_edits(rows: pd.DataFrame, edits: pd.DataFrame) -> pd.DataFrame:
    """Lay the last edit of each draft over it; where what was edited is made otherwise now, it is stale."""
    last = last_edits(edits)
    names = ("base_hash", "subject", "body", "notes", "editor", "edited_at", "is_approved")
    edit = {name: looked_up(rows["draft_id"], last, "draft_id", name) for name in names}
    is_withheld = rows["withheld_reason"].notna()
    has_edit = edit["base_hash"].notna() & ~is_withheld
    is_same = edit["base_hash"].eq(rows["base_hash"])
    is_approved = edit["is_approved"].fillna(value=False).astype(bool)
    is_text = edit["body"].ne(rows["body_text"]) | edit["subject"].ne(rows["subject"])
    status = np.select(
        [is_withheld, ~has_edit, ~is_same, is_approved, is_text | edit["notes"].notna()],
        [WITHHELD, DRAFT, STALE, APPROVED, EDITED],
        DRAFT,
    )
    is_stale = pd.Series(status == STALE, index=rows.index)
    return rows.assign(
        status=pd.Series(status, index=rows.index, dtype="str"),
        generated_text=(rows["subject"] + "\n" + rows["body_text"]).where(is_stale),
        subject=rows["subject"].where(~has_edit, edit["subject"]),
        body_text=rows["body_text"].where(~has_edit, edit["body"]),
        notes=edit["notes"].where(has_edit),
        editor=edit["editor"].where(has_edit),
        edited_at=edit["edited_at"].where(has_edit),
    )


def _stricter(one: str, other: str) -> str:
    """Return of what holds for an e-mail and for a phone what permits less; a blank one says nothing."""
    return (other if one == GRANTED else one) if one and other else one or other


def mail_states(state: pd.DataFrame) -> dict[str, str]:
    """Return e-mail or phone → what holds of mail, by email, user_id, channel and state of `clean.consent_state`."""
    mail = state[state["channel"].eq("email") & state["state"].ne("unknown")]
    by_email = mail[mail["email"].notna()]
    by_phone = mail[mail["user_id"].notna()]
    phones = [normalise_one(f"+{user_id}", frozenset()).phone for user_id in by_phone["user_id"]]
    found = dict(zip(phones, by_phone["state"], strict=True)) | dict(
        zip(by_email["email"], by_email["state"], strict=True)
    )
    return {str(who): held for who, held in found.items() if who}


def _hash(text: str, length: int = 12) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
