"""Whose a name in a chat is: names and times → person_key. In doubt nobody's. Pure. Rules: B7, C6 of the design.

Here: one occurrence's people as a roster, and each name against it. Not here: reading chats, and what is credited for.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from funnel_etl.core.person_names import SAME, WEAK, NameRules, is_device, phones_in, without_roll_number
from funnel_etl.core.values.text import clean_email, lookup_key, lookup_keys
from funnel_etl.marts.engagement.contracts import CREDITED_BY, NONE

AROUND = 120
"""Seconds that a clock may be off when somebody was in."""
MOST_CANDIDATES = 20
Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Resolved:
    """Who a name may be: `by`; the persons (places in the roster) it fits; `refined`: of several, by the clock."""

    by: str
    persons: tuple[int, ...] = ()
    refined: str | None = None
    must_be_present: bool = False


@dataclass
class Roster:
    """The people who attended an occurrence, as names are looked up among them."""

    keys: list[str]
    presence: list[list[list[int]]]
    rules: NameRules
    staff: frozenset[str] = frozenset()
    decided: Mapping[str, str] = field(default_factory=dict)
    by_name: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_email: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_phone: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_token: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_joined: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_first: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    tokens: list[list[Tokens]] = field(default_factory=list)
    fewest: list[int] = field(default_factory=list)
    near: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(
        cls,
        people: pd.DataFrame,
        rules: NameRules,
        staff: frozenset[str] = frozenset(),
        decided: Mapping[str, str] | None = None,
    ) -> "Roster":
        """Return the roster of an occurrence: its rows of `clean.engagement_people` who attended."""
        came = people[people["attended"].fillna(value=False).astype(bool)]
        roster = cls(
            came["person_key"].tolist(), [json.loads(p) for p in came["presence"]], rules, staff, decided or {}
        )
        for at, (names, email, phone) in enumerate(zip(came["names"], came["email"], came["phone"], strict=True)):
            own = json.loads(names)
            for name in {lookup_key(name) for name in own} - {""}:
                roster.by_name[name].append(at)
            if isinstance(email, str):
                roster.by_email[email].append(at)
            if isinstance(phone, str):
                roster.by_phone[phone[-10:]].append(at)
            words = sorted({tokens for name in own if (tokens := rules.tokens(name))})
            roster.tokens.append(words)
            roster.fewest.append(min(map(len, words), default=0))
            for tokens in words:
                roster.by_joined["".join(tokens)].add(at)
                for token in tokens:
                    roster.by_token[rules.root(token)].add(at)
                    roster.by_first[token[0]].add(at)
        return roster

    def look_for_slips(self, names: Iterable[Tokens]) -> None:
        """Note which words of names are one of the roster's but for a slip of the pen: all of them at once."""
        sought = sorted({token for tokens in names for token in tokens if len(token) >= 5 and token not in self.near})
        there = sorted(token for token in self.by_token if len(token) >= 5)
        if not sought or not there:
            return
        close = cdist(sought, there, scorer=OSA.distance, score_cutoff=2, dtype=np.uint8)
        for row, column in zip(*np.nonzero(close <= 2), strict=True):
            if self.rules.near(sought[row], there[column]):
                self.near[sought[row]].add(there[column])

    def resolve(self, name: str, email: str | None, *, is_host_side: bool = False) -> Resolved:
        """Return who a name may be. Rule: first that hits, in the order of B7."""
        key = lookup_key(name)
        if (decided := self.decided.get(key)) is not None:
            places = [at for at, own in enumerate(self.keys) if own == decided]
            return Resolved("decided", tuple(places[:1]))
        if email and (found := self.by_email.get(email)):
            return Resolved("email", tuple(found)) if len(found) == 1 else Resolved("ambiguous", tuple(found))
        if key in self.staff:
            return Resolved("staff")
        phones = {at for phone in phones_in(name) for at in self.by_phone.get(phone, [])}
        if len(phones) == 1:
            return Resolved("phone_in_name", tuple(phones))
        tokens = self.rules.tokens(name)
        if found := self.by_name.get(key):
            refined = "exact_name_and_time" if tokens else None
            return (
                Resolved("exact_name", (found[0],)) if len(found) == 1 else Resolved("ambiguous", tuple(found), refined)
            )
        if is_host_side:
            return Resolved("staff")
        if not tokens:
            return Resolved("device_name" if is_device(name) else "unmatched")
        return self._by_words(tokens, self.rules.tokens(without_roll_number(name)))

    def _by_words(self, tokens: Tokens, stripped: Tokens) -> Resolved:
        relations = self._relations(stripped or tokens)
        same = tuple(at for at, relation in relations if relation == SAME)
        if len(same) == 1:
            return Resolved("name_variant", same)
        if same:
            return Resolved("ambiguous", same, "name_variant")
        weak = tuple(at for at, relation in relations if relation == WEAK)
        if len(weak) == 1:
            return Resolved("weak_name", weak, must_be_present=True)
        return Resolved("ambiguous", weak) if weak else Resolved("unmatched")

    def _relations(self, tokens: Tokens) -> list[tuple[int, str]]:
        """Return the people who may have a name, each with the closest relation of any of their names."""
        found = []
        for at in sorted(self._possible(tokens)):
            of_names = {self.rules.relation(tokens, own) for own in self.tokens[at]}
            if SAME in of_names or WEAK in of_names:
                found.append((at, SAME if SAME in of_names else WEAK))
        return found

    def _possible(self, tokens: Tokens) -> set[int]:
        """Return the people of whose names all words, or those of the shorter one, may be those of a name.

        Most share one word with a name, and no other: these are not compared with it.
        """
        possible = set(self.by_joined.get("".join(tokens), ()))
        like = [self._like(token) for token in tokens]
        possible |= set.intersection(*like)
        possible |= {at for each in like for at in each if self.fewest[at] < len(tokens)}
        return possible

    def _like(self, token: str) -> set[int]:
        """Return the people with a word like this one: the same, an alias, a slip of the pen, or its initial."""
        found = set(self.by_token.get(self.rules.root(token), ()))
        for near in self.near.get(token, ()):
            found |= self.by_token[near]
        return found | (self.by_first.get(token, set()) if len(token) == 1 else self.by_token.get(token[0], set()))

    def present(self, at: int, when: int) -> bool | None:
        """Whether somebody was in, two minutes more or less; None: nobody knows."""
        spans = self.presence[at]
        return any(start - AROUND <= when <= end + AROUND for start, end in spans) if spans else None

    def settle(self, found: Resolved, when: int | None) -> tuple[str | None, str]:
        """Return the person and how, for one time (seconds since 1970; None: not known)."""
        if found.by == "ambiguous" and found.refined and when is not None:
            there = [at for at in found.persons if self.present(at, when)]
            if len(there) == 1:
                return self.keys[there[0]], found.refined
        if found.must_be_present:
            there_then = None if when is None else self.present(found.persons[0], when)
            if there_then is None:
                return None, "unmatched"
            return (self.keys[found.persons[0]], found.by) if there_then else (None, "absent_then")
        if found.by in CREDITED_BY and found.persons:
            return self.keys[found.persons[0]], found.by
        return None, found.by


def rosters(
    people: pd.DataFrame,
    staff: Mapping[str, frozenset[str]],
    chat_names: pd.DataFrame,
    rules: NameRules,
    occurrences: Iterable[str],
) -> dict[str, Roster]:
    """Return the roster of each occurrence that something was said in."""
    wanted = set(occurrences)
    groups = dict(iter(people[people["occurrence_id"].isin(wanted)].groupby("occurrence_id")))
    decided: dict[str, dict[str, str]] = {}
    for occurrence, name, person in chat_names[["occurrence_id", "sender_name", "person_key"]].itertuples(index=False):
        decided.setdefault(occurrence, {})[lookup_key(name)] = person.strip()
    nobody = people.iloc[:0]
    return {
        o: Roster.of(groups.get(o, nobody), rules, staff.get(o, frozenset()), decided.get(o)) for o in sorted(wanted)
    }


@dataclass(frozen=True)
class Matched:
    """Whose each row is, on the index of what was given, and who was possible: (occurrence, key) → person_keys."""

    rows: pd.DataFrame
    candidates: dict[tuple[str, str], list[str]]


def match(rows: pd.DataFrame, by_occurrence: Mapping[str, Roster]) -> Matched:
    """Return person_key, matched_by and match_confidence of rows (occurrence_id, sender_name, email, sent_at, …)."""
    key = lookup_keys(rows["sender_name"])
    email = clean_email(rows["email"])
    host_side = (
        rows["is_host_side"].fillna(value=False).astype(bool)
        if "is_host_side" in rows
        else pd.Series(False, rows.index)
    )
    distinct = pd.DataFrame({"o": rows["occurrence_id"], "key": key, "email": email.fillna("")})
    by_host = host_side.groupby([distinct["o"], distinct["key"]]).transform("any") if len(rows) else host_side
    resolved: dict[tuple[str, str, str], Resolved] = {}
    first_name = rows["sender_name"].fillna("")
    firsts = distinct.assign(name=first_name, host=by_host).drop_duplicates(["o", "key", "email"])
    for occurrence, own in firsts.groupby("o", sort=False):
        roster = by_occurrence[str(occurrence)]
        roster.look_for_slips(
            roster.rules.tokens(name) for name in own["name"] if lookup_key(name) not in roster.by_name
        )
        for o, k, address, name, host in own.itertuples(index=False, name=None):
            resolved[o, k, address] = roster.resolve(name, address or None, is_host_side=bool(host))
    when = _seconds(rows["sent_at"])
    settled: dict[tuple[str, str, str, int | None], tuple[str | None, str]] = {}
    persons: list[str | None] = []
    ways: list[str] = []
    for (o, k, address), at in zip(distinct.itertuples(index=False, name=None), when, strict=True):
        found = resolved[o, k, address]
        time = at if found.refined or found.must_be_present else None
        place = (o, k, address, time)
        if place not in settled:
            settled[place] = by_occurrence[o].settle(found, time)
        person, way = settled[place]
        persons.append(person)
        ways.append(way)
    frame = pd.DataFrame(
        {
            "person_key": pd.Series(persons, index=rows.index, dtype="str"),
            "matched_by": pd.Series(ways, index=rows.index, dtype="str"),
        },
        index=rows.index,
    )
    frame["match_confidence"] = (
        frame["matched_by"].map(CREDITED_BY).fillna(NONE).where(frame["person_key"].notna(), NONE)
    )
    return Matched(frame, dict(_candidates(resolved, by_occurrence)))


def _seconds(sent_at: pd.Series) -> list[int | None]:
    known = sent_at.notna().to_numpy()
    micros = sent_at.astype("datetime64[us, UTC]").astype("int64").to_numpy() // 1_000_000
    return [int(at) if there else None for at, there in zip(micros, known, strict=True)]


def _candidates(
    resolved: Mapping[tuple[str, str, str], Resolved], by_occurrence: Mapping[str, Roster]
) -> Iterator[tuple[tuple[str, str], list[str]]]:
    for (occurrence, key, _), found in resolved.items():
        yield (occurrence, key), [by_occurrence[occurrence].keys[at] for at in found.persons[:MOST_CANDIDATES]]


def name_keys(people: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the `lookup_key` of every name of who attended, by occurrence."""
    came = people[people["attended"].fillna(value=False).astype(bool)]
    found: dict[str, set[str]] = {}
    for occurrence, names in zip(came["occurrence_id"], came["names"], strict=True):
        found.setdefault(occurrence, set()).update(map(lookup_key, json.loads(names)))
    return {occurrence: frozenset(names - {""}) for occurrence, names in found.items()}


def credited(rows: pd.DataFrame, confidences: Sequence[str]) -> pd.Series:
    """Whether rows count for their person: matched as surely as the settings ask."""
    return rows["person_key"].notna() & rows["match_confidence"].isin(confidences)
