"""What WebEngage has, against the truth: what is there twice, lost, against consent, or waits for a person. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from funnel_etl.core.values.numbers import grouped
from funnel_etl.demo.deliveries import company as planted
from funnel_etl.demo.deliveries.company import MUST, NO_CONSENT, WAITS, Company

Event = tuple[str, str, str, str]
AGREED = {"emailOptIn": True, "whatsappOptIn": True, "smsOptIn": False, "rcsOptIn": False}
"""What the profile of somebody says who agreed to e-mail and WhatsApp."""
WITHDRAWN = dict.fromkeys(AGREED, False)


@dataclass(frozen=True)
class Compared:
    """What came out. `waiting`: events that a person decides about, by kind; `wrong`: what differs, without a person.

    `at_webengage` counts different events.
    """

    expected: int
    at_webengage: int
    twice: int
    without_consent: int
    lost: int
    waiting: Mapping[str, int]
    wrong: tuple[str, ...]

    @property
    def line(self) -> str:
        """All of it in a line."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.waiting.items()))
        return (
            f"events expected {grouped(self.expected)} · at WebEngage {grouped(self.at_webengage)} · "
            f"twice {self.twice} · to people without consent {self.without_consent} · lost {self.lost} · "
            f"waiting for a person {sum(self.waiting.values())}" + (f" ({kinds})" if kinds else "")
        )


def compare(company: Company, state: Mapping[str, Any], waiting: Iterable[tuple[Event, str]]) -> Compared:
    """Return what differs. `state`: of WebEngage; `waiting`: events of the ledger that wait for a person, and why."""
    came = Counter(event_of(record) for record in state["events"])
    must = {one.event for one in company.truth if one.fate == MUST}
    # Of somebody with a corrected phone nothing may arrive under the new one before a person has looked.
    unasked = {one.event: one.why for one in company.truth if one.fate != MUST}
    waits = Counter((one.event, one.why) for one in company.truth if one.fate == WAITS)
    held = Counter(waiting)
    without_consent = sum(unasked.get(event) in NO_CONSENT for event in came)
    wrong = {
        "events that nobody should get": len(came.keys() - must),
        "events that WebEngage dropped": len(state["dropped"]),
        "erasures too many or too few": abs(len(state["erasures"]) - len(company.planted(planted.ERASED))),
        "events that wait and should not": (held - waits).total(),
        "events that should wait and do not": (waits - held).total(),
        "profiles of people of whom nothing may be sent": len(state["users"].keys() - _profiles(company)),
        "profiles that are missing": len(_profiles(company).keys() - state["users"].keys()),
        "profiles whose consent is not what the person said": _wrong_flags(company, state["users"]),
    }
    twice, lost = sum(count - 1 for count in came.values()), len(must - came.keys())
    wrong |= {"events twice": twice, "events lost": lost, "events to people without consent": without_consent}
    return Compared(
        expected=len(must),
        at_webengage=len(came),
        twice=twice,
        without_consent=without_consent,
        lost=lost,
        waiting=Counter(why for _, why in held.elements()),
        wrong=tuple(f"{count} {what}" for what, count in wrong.items() if count),
    )


def event_of(record: Mapping[str, Any]) -> Event:
    """Return what makes an event of WebEngage one."""
    data = record["eventData"]
    return (record["userId"], record["eventName"], data["WebinarId"], data["WebinarDate"][:10])


def _profiles(company: Company) -> dict[str, dict[str, bool]]:
    """Return the profiles that must be there, and what each says of consent."""
    named = [person for person in company.people if person.agrees and person.user_id]
    found = {person.user_id: WITHDRAWN if person.planted == planted.WITHDRAWS else AGREED for person in named}
    return found | {planted.user_id(person.corrected): AGREED for person in company.planted(planted.CORRECTED)}


def _wrong_flags(company: Company, users: Mapping[str, Mapping[str, Any]]) -> int:
    right = _profiles(company)
    return sum({name: user.get(name) for name in AGREED} != right.get(who, AGREED) for who, user in users.items())
