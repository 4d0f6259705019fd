"""What was said, and by whom: rows of chats, polls and question reports → the clean tables. Pure.

Here: putting files, clocks, matching and rules together. Not here: each of these (`tying`, `clock`, `matching`,
`one_chat`, `asking`), and what a message counts for (`score/`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, RowAccount, close, summarised
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import lookup_key, lookup_keys
from funnel_etl.marts.engagement.asking import are_noise, are_questions, text_hashes
from funnel_etl.marts.engagement.clock import Occurrence, Stamps, clock_of
from funnel_etl.marts.engagement.contracts import (
    CHAT_MESSAGES,
    CHAT_UNMATCHED,
    POLL_ANSWERS,
    QA_QUESTIONS,
    WEBINAR_ENGAGEMENT,
)
from funnel_etl.marts.engagement.matching import Matched, Roster, match
from funnel_etl.marts.engagement.one_chat import one_chat, taken_back
from funnel_etl.marts.engagement.owners import owned
from funnel_etl.marts.engagement.tying import File
from funnel_etl.parts.marketing.zoom.reader.chat_words import MESSAGE, PRIVATE, REPLY
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import CHAT, POLL, QUESTIONS
from funnel_etl.parts.marketing.zoom.reader.questions import ANONYMOUS

ANONYMOUS_BY = "anonymous"
PRIVATE_TEXT_DAYS = 30
"""Days after the event for which a private message to a host keeps its text."""
LOW_CREDIT = 80.0
NO_TRACE = ("staff", ANONYMOUS_BY, "decided")
"""Ways to credit nobody that no person is asked about."""


@dataclass(frozen=True)
class Kept:
    """For how long text is kept: `as_of` the night, `text_days` after the event."""

    as_of: pd.Timestamp
    text_days: int

    def gone(self, event_dates: pd.Series, days: int | None = None) -> tuple[pd.Series, pd.Series]:
        """Return whether the text of each row is older than is kept, and from which day on it is."""
        first = event_dates + pd.Timedelta(days=(self.text_days if days is None else days) + 1)
        return first <= self.as_of, first


@dataclass(frozen=True)
class Frames:
    """What was said of an occurrence rests on: `files` is `ops.engagement_files`, `webinars` `clean.webinars`.

    `names`: file_id → what its path says; `staff`: names of hosts, `owners`: the role, by occurrence.
    """

    files: pd.DataFrame
    webinars: pd.DataFrame
    rosters: Mapping[str, Roster]
    staff: Mapping[str, frozenset[str]]
    names: Mapping[str, File]
    zone: str
    owners: Mapping[str, str] = field(default_factory=dict)

    def occurrence_of(self, rows: pd.DataFrame) -> pd.Series:
        """Return the occurrence of each row, by its file; missing while the file waits."""
        return looked_up(rows["file_id"], self.files, "file_id", "occurrence_id")

    def event_dates(self, occurrences: pd.Series) -> pd.Series:
        """Return the business day of each row's occurrence."""
        return looked_up(occurrences, self.webinars, "occurrence_id", "event_date")


def looked_up(keys: pd.Series, table: pd.DataFrame, key: str, column: str) -> pd.Series:
    """Return a column of the row of a table that each key names, missing where none does; also of an empty table."""
    place = pd.Index(table[key]).get_indexer(pd.Index(keys)) if len(table) else np.full(len(keys), -1)
    return pd.Series(table[column].array.take(place, allow_fill=True), index=keys.index)


def chat_messages(
    rows: pd.DataFrame, private: pd.DataFrame, frames: Frames, noise: pd.DataFrame, kept: Kept
) -> Outcome:
    """Return one row per message. Columns as `clean.chat_messages`.

    `rows` is `raw.zoom_chat_rows`; `private`: the private messages of the landed files, of which only those to a host
    are kept.
    """
    account, to_host = RowAccount(rows.reset_index(drop=True), "raw.zoom_chat_rows"), RowAccount(private, "private")
    account.quarantine(account.rows()["row_problem"], detail="the line stands before the first header of the chat")
    _without_waiting(account, frames)
    host_rows = private.assign(occurrence_id=frames.occurrence_of(private))
    is_host = [
        isinstance(o, str) and lookup_key(name) in frames.staff.get(o, frozenset())
        for o, name in zip(host_rows["occurrence_id"], host_rows["recipient_name"], strict=True)
    ]
    to_host.exclude(pd.Series(None, index=private.index, dtype="str").mask(~np.array(is_host, dtype=bool), "private"))
    parts = []
    for each in (account, to_host):
        own = _with_times(each.rows(), frames)
        same, order = one_chat(own)
        each.merge(same, "same_message")
        own = own.loc[each.remaining].assign(order=order[each.remaining])
        each.merge(taken_back(own, own["order"]), "taken_back")
        parts.append(own.loc[each.remaining])
    said = pd.concat(parts, ignore_index=True) if len(parts[1]) else parts[0].reset_index(drop=True)
    account.warn("sent_at", _with_clock_lost(account, said))
    said = said.sort_values(["occurrence_id", "order", "file_id", "source_row"], ignore_index=True)
    said = _with_facts(said, frames, noise, kept)
    outcome = close(owned(said, frames.owners)[CHAT_MESSAGES.names], account, to_host)
    outcome.days = [frames.event_dates(said["occurrence_id"]) + pd.Timedelta(days=kept.text_days + 1)]
    outcome.days.append(frames.event_dates(said["occurrence_id"]) + pd.Timedelta(days=PRIVATE_TEXT_DAYS + 1))
    return outcome


def _with_facts(said: pd.DataFrame, frames: Frames, noise: pd.DataFrame, kept: Kept) -> pd.DataFrame:
    """Add what is known of each message by itself, and whose it is."""
    matched = match(said, frames.rosters).rows
    words = said["kind"].isin([MESSAGE, REPLY]) & said["audience"].ne(PRIVATE)
    marked = said["is_marked_question"].fillna(value=False).astype(bool)
    said = said.assign(
        position=(said.groupby("occurrence_id").cumcount() + 1).astype("Int64"),
        text_hash=text_hashes(said["text"].fillna("")),
        is_question=(words & (are_questions(said["text"]) | marked)).astype("boolean"),
        is_noise=are_noise(said["text"], noise).astype("boolean"),
        **matched,
    )
    said["message_id"] = _ids(said)
    dates = frames.event_dates(said["occurrence_id"])
    gone = kept.gone(dates)[0] | (said["audience"].eq(PRIVATE) & kept.gone(dates, PRIVATE_TEXT_DAYS)[0])
    said["text"] = said["text"].mask(gone)
    return said


def _with_clock_lost(account: RowAccount, said: pd.DataFrame) -> pd.Series:
    lost = said[said["sent_at"].isna()][["file_id", "source_row"]]
    places = set(lost.itertuples(index=False, name=None))
    rows = account.rows()[["file_id", "source_row"]]
    return pd.Series(
        [place in places for place in rows.itertuples(index=False, name=None)], index=rows.index, dtype=bool
    )


def _without_waiting(account: RowAccount, frames: Frames) -> None:
    """Exclude the rows of files that wait for a person."""
    rows = account.rows()
    reasons = pd.Series(None, index=rows.index, dtype="str")
    reasons[frames.occurrence_of(rows).isna()] = "file_waits"
    account.exclude(reasons)


def _with_times(rows: pd.DataFrame, frames: Frames) -> pd.DataFrame:
    """Add occurrence, form, and when each row was sent, by the clock of its file."""
    forms = looked_up(rows["file_id"], frames.files, "file_id", "form")
    rows = rows.assign(occurrence_id=frames.occurrence_of(rows), form=forms)
    sent_at = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")
    at = pd.Series(np.nan, index=rows.index)
    by_id = {one.occurrence_id: one for one in occurrences_of(frames.webinars)}
    for file_id, own in rows.sort_values("position").groupby("file_id", sort=False):
        occurrence = by_id.get(str(own["occurrence_id"].iloc[0]))
        if occurrence is None:
            continue
        file = frames.names.get(str(file_id))
        clock = clock_of(Stamps.of(own), occurrence, frames.zone, file.recorded_at if file else None)
        sent_at.loc[own.index] = pd.Series(clock.sent_at, index=own.index)
    known = sent_at.notna()
    at[known] = sent_at[known].astype("int64") / 1_000_000
    at[~known] = rows.loc[~known, "stamp_seconds"].astype("float64")
    return rows.assign(sent_at=sent_at, at=at)


def occurrences_of(webinars: pd.DataFrame) -> list[Occurrence]:
    """Return the occurrences of `clean.webinars`."""
    columns = ["occurrence_id", "webinar_id", "started_at", "duration_minutes"]
    return [
        Occurrence(o, w, at, None if pd.isna(minutes) or not minutes else int(minutes))
        for o, w, at, minutes in webinars[columns].itertuples(index=False, name=None)
    ]


def _ids(said: pd.DataFrame) -> pd.Series:
    """Return an id of each message: the same for the same chat, however often it is made."""
    minute = said["sent_at"].dt.strftime("%Y-%m-%dT%H:%M").fillna("")
    text = said["occurrence_id"] + "|" + lookup_keys(said["sender_name"]) + "|" + said["text_hash"] + "|" + minute
    ordinal = said.groupby(text).cumcount().astype("str")
    keys = text + "|" + ordinal
    return pd.Series([hashlib.sha256(k.encode()).hexdigest()[:24] for k in keys], index=said.index, dtype="str")


def poll_answers(rows: pd.DataFrame, frames: Frames) -> Outcome:
    """Return one row per answer. Columns as `clean.poll_answers`; `rows` is `raw.zoom_poll_rows`."""
    account = RowAccount(rows.reset_index(drop=True), "raw.zoom_poll_rows")
    account.quarantine(account.rows()["row_problem"], detail="the record has no question")
    _without_waiting(account, frames)
    own = account.rows()
    own = own.assign(occurrence_id=frames.occurrence_of(own), sender_name=own["user_name"])
    account.merge(
        _again(own, ["occurrence_id", "sender_name", "email", "question", "answered_at", "answer"]), "same_answer"
    )
    own = own.loc[account.remaining]
    matched = _named(own.assign(sent_at=own["answered_at"]), frames).rows
    own = owned(own.assign(answer_number=own["position"], **matched), frames.owners)
    return account.outcome(own[POLL_ANSWERS.names])


def qa_questions(rows: pd.DataFrame, frames: Frames, kept: Kept) -> Outcome:
    """Return one row per question. Columns as `clean.qa_questions`; `rows` is `raw.zoom_question_rows`."""
    account = RowAccount(rows.reset_index(drop=True), "raw.zoom_question_rows")
    account.quarantine(account.rows()["row_problem"], detail="the record has no question")
    _without_waiting(account, frames)
    own = account.rows()
    own = own.assign(occurrence_id=frames.occurrence_of(own), sender_name=own["asker_name"])
    account.merge(_again(own, ["occurrence_id", "sender_name", "email", "question", "asked_at"]), "same_question")
    own = own.loc[account.remaining]
    matched = _named(own.assign(sent_at=own["asked_at"]), frames).rows
    gone, first = kept.gone(frames.event_dates(own["occurrence_id"]))
    own = own.assign(text_hash=text_hashes(own["question"].fillna("")), **matched)
    own = own.assign(question=own["question"].mask(gone), answer=own["answer"].mask(gone))
    outcome = account.outcome(owned(own, frames.owners)[QA_QUESTIONS.names])
    outcome.days = [first]
    return outcome


def _again(rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Return which rows of a further file say the same as a row of a file before: label → label that stays."""
    order = rows.sort_values(["file_id", "source_row"])
    first = (
        pd.Series(order.index, index=order.index).groupby([order[c] for c in columns], dropna=False).transform("first")
    )
    other = first.map(rows["file_id"]).ne(order["file_id"])
    return first[(first != first.index) & other]


def _named(rows: pd.DataFrame, frames: Frames) -> Matched:
    """Match rows by e-mail, else name; without a name they are nobody's."""
    named = rows.assign(sender_name=rows["sender_name"].fillna(""))
    found = match(named, frames.rosters)
    nobody = lookup_keys(rows["sender_name"]).isin(ANONYMOUS) & found.rows["person_key"].isna()
    return replace(found, rows=found.rows.assign(matched_by=found.rows["matched_by"].mask(nobody, ANONYMOUS_BY)))


def chat_unmatched(messages: pd.DataFrame, answers: pd.DataFrame, questions: pd.DataFrame, frames: Frames) -> Outcome:
    """Return one row per occurrence and name that is credited to nobody. Columns as `ops.chat_unmatched`."""
    columns = ["occurrence_id", "sender_name", "email", "sent_at", "person_key", "matched_by", "is_host_side"]
    parts = [messages.assign(email=None, is_host_side=False)]
    named = (answers.rename(columns={"answered_at": "sent_at"}), questions.rename(columns={"asked_at": "sent_at"}))
    parts += [frame.assign(email=None, is_host_side=False) for frame in named]
    rows = pd.concat([part.reindex(columns=columns) for part in parts], ignore_index=True)
    rows = rows[rows["person_key"].isna() & ~rows["matched_by"].isin(NO_TRACE) & rows["sender_name"].notna()]
    rows = rows.assign(sender_key=lookup_keys(rows["sender_name"]))
    found = match(rows, frames.rosters).candidates if len(rows) else {}
    groups = rows.groupby(["occurrence_id", "sender_key"], sort=True)
    first = groups.agg(
        sender_name=("sender_name", "first"), matched_by=("matched_by", "first"), messages=("sender_key", "size")
    )
    first = first.reset_index()
    keys = first[["occurrence_id", "sender_key"]].itertuples(index=False, name=None)
    first["candidates"] = [json.dumps(found.get(place, []), ensure_ascii=False) for place in keys]
    quoted = first["sender_name"].str.replace('"', '""')
    first["config_line"] = first["occurrence_id"] + ',"' + quoted + '",'
    return summarised(
        owned(first, frames.owners).reindex(columns=CHAT_UNMATCHED.names),
        **{"clean.chat_messages": messages, "clean.poll_answers": answers, "clean.qa_questions": questions},
    )


def webinar_engagement(
    files: pd.DataFrame, messages: pd.DataFrame, webinars: pd.DataFrame, credited: pd.Series
) -> Outcome:
    """Return one row per occurrence with a file. Columns as `mart.webinar_engagement`.

    `credited`: whether each message counts for somebody.
    """
    tied = files[files["occurrence_id"].notna()]
    reports = tied.groupby("occurrence_id")["report"].agg(set)
    counted = (
        messages["kind"].isin([MESSAGE, REPLY]) & messages["audience"].ne(PRIVATE) & messages["matched_by"].ne("staff")
    )
    sums = pd.DataFrame({"o": messages["occurrence_id"], "n": counted, "c": counted & credited}).groupby("o").sum()
    rows = pd.DataFrame({"occurrence_id": reports.index})
    rows["webinar_id"] = looked_up(rows["occurrence_id"], webinars, "occurrence_id", "webinar_id")
    for column, report in (("has_chat", CHAT), ("has_questions", QUESTIONS), ("has_polls", POLL)):
        rows[column] = pd.Series([report in each for each in reports], dtype="boolean")
    rows["messages"] = rows["occurrence_id"].map(sums["n"]).fillna(0).astype("Int64")
    rows["credited"] = rows["occurrence_id"].map(sums["c"]).fillna(0).astype("Int64")
    share = (rows["credited"].astype("float64") * 100 / rows["messages"].astype("float64")).round(2)
    rows["chat_credited_pct"] = share
    outcome = summarised(
        rows[WEBINAR_ENGAGEMENT.names], **{"ops.engagement_files": files, "clean.chat_messages": messages}
    )
    outcome.notes = [
        f"occurrence {o}: only {pct:.0f} % of {grouped(int(n))} messages are credited to somebody (ops.chat_unmatched)"
        for o, pct, n in rows.loc[share < LOW_CREDIT, ["occurrence_id", "chat_credited_pct", "messages"]].itertuples(
            index=False
        )
    ]
    return outcome
