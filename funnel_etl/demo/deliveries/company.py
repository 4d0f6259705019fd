"""A small made-up company: who its people are, what is planted in them, who must get which event, and who never.

Here: persons, webinars and the truth about them. Not here: the files they are exported to (`reports`), what is sent.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from funnel_etl.demo.people import make_people

SUPPRESSED, REFUSED_CONSENT, SILENT = "suppressed", "said no", "said nothing"
WITHDRAWS, NO_PHONE, ABROAD, ERASED = "withdraws after delivery", "no phone", "abroad", "erased after delivery"
NO_SHOW, OTHER_MINUTES, CORRECTED, REFUSED = "no-show", "other minutes", "corrected phone", "refused record"
PLAIN = "nothing special"
TYPE_CHANGED = "attribute type changed"
PLANTED = {
    SUPPRESSED: 6,
    REFUSED_CONSENT: 4,
    SILENT: 5,
    WITHDRAWS: 4,
    NO_PHONE: 3,
    ABROAD: 2,
    ERASED: 1,
    NO_SHOW: 12,
    OTHER_MINUTES: 1,
    CORRECTED: 1,
    REFUSED: 1,
    PLAIN: 40,
}
"""What is planted → in how many people."""
NEVER_ASKED = {SUPPRESSED: "suppressed", REFUSED_CONSENT: "no consent", SILENT: "no consent", NO_PHONE: "no phone"}
"""Of whom nothing is ever sent → why."""
NO_CONSENT = ("suppressed", "no consent", "withdrawn")
"""Reasons of `Expected.why` that are about consent."""
MUST, NEVER, WAITS = "must", "never", "waits"

ACCA, CFA = "Plutus ACCA Masterclass", "Plutus CFA Masterclass"
CONTRACTS, BOOTCAMP = "TLS Contract Drafting Masterclass", "Plutus FRM Bootcamp"
ATTENDED, REGISTERED = "Plutus Webinar Attended", "Plutus Webinar Registered"
CONTRACTS_ATTENDED = "TLS Webinar Attended CD"
BOOTCAMP_EVENTS = {"registered": "Plutus Bootcamp Registered", "attended": "Plutus Bootcamp Attended"}


@dataclass(frozen=True)
class Person:
    """A made-up person. `phone`: ten digits, `+` and more abroad, blank; `corrected`: the phone of a later export."""

    first: str
    last: str
    email: str
    phone: str
    planted: str
    corrected: str = ""

    @property
    def user_id(self) -> str:
        """The id in WebEngage, blank without a phone."""
        return user_id(self.phone)

    @property
    def agrees(self) -> bool:
        """Whether there is a consent that was never taken back before the first delivery."""
        return self.planted not in (SUPPRESSED, REFUSED_CONSENT, SILENT)


@dataclass(frozen=True)
class Webinar:
    """A webinar or a day of a bootcamp, at 19:00 by its schedule; `starts`: when it really began."""

    webinar_id: str
    topic: str
    day: date
    registered: tuple[Person, ...]
    attended: tuple[Person, ...]
    starts: str = "07:00:00 PM"


@dataclass(frozen=True)
class Expected:
    """What is true of one event. `fate`: `must` arrive once, `never`, or `waits` for a person, who is not there."""

    user_id: str
    event_name: str
    webinar_id: str
    day: date
    fate: str
    why: str = ""

    @property
    def event(self) -> tuple[str, str, str, str]:
        """What makes it one, as WebEngage has it."""
        return (self.user_id, self.event_name, self.webinar_id, self.day.isoformat())


@dataclass(frozen=True)
class Company:
    """People and webinars. `eve`: the last day of the first night; `day`: that of the second."""

    eve: date
    day: date
    people: tuple[Person, ...]
    acca: Webinar
    cfa: Webinar
    contracts: tuple[Webinar, Webinar]
    bootcamp: tuple[Webinar, Webinar]
    truth: tuple[Expected, ...] = field(default=())

    def planted(self, *kinds: str) -> tuple[Person, ...]:
        """Return the people of these kinds."""
        return tuple(person for person in self.people if person.planted in kinds)


def user_id(phone: str) -> str:
    """Return the id that follows from a phone: country code and number."""
    if not phone:
        return ""
    return phone[1:] if phone.startswith("+") else f"91{phone}"


def make_company(seed: int, day: date) -> Company:
    """Return the company whose second night ends with `day`. The same arguments give the same people and truth."""
    people = _people(seed)
    eve = day - timedelta(days=1)
    plain = [person for person in people if person.planted == PLAIN]
    came = tuple(person for person in people if person.planted != NO_SHOW)
    at_cfa = tuple(person for person in came if person.planted not in (CORRECTED, OTHER_MINUTES))
    students, left_early, lawyers = plain[:14], plain[9:10], plain[14:24]
    first_day = tuple(students[:10])
    second_day = tuple(person for person in first_day if person not in left_early)
    made = Company(
        eve=eve,
        day=day,
        people=people,
        acca=Webinar("81200003001", ACCA, eve, people, came),
        cfa=Webinar("81200003002", CFA, day, at_cfa, at_cfa, starts="06:58:00 PM"),
        contracts=(
            Webinar("81200003003", CONTRACTS, eve, tuple(lawyers), tuple(lawyers)),
            Webinar("81200003004", CONTRACTS, day, tuple(lawyers[:4]), tuple(lawyers[:4])),
        ),
        bootcamp=(
            Webinar("81200003005", f"{BOOTCAMP} Day 1", eve, tuple(students), first_day),
            Webinar("81200003005", f"{BOOTCAMP} Day 2", day, tuple(students), second_day),
        ),
    )
    return Company(**{**vars(made), "truth": tuple(_truth(made))})


def _people(seed: int) -> tuple[Person, ...]:
    kinds = [kind for kind, count in PLANTED.items() for _ in range(count)]
    rng = np.random.default_rng(seed)
    rows = make_people(rng, len(kinds) + PLANTED[CORRECTED], foreign_share=0.0)
    spare = iter(rows["phone"][len(kinds) :])
    found = []
    for kind, row in zip(rng.permutation(kinds).tolist(), rows.to_dict("records"), strict=False):
        first, _, last = str(row["name"]).partition(" ")
        phone = {NO_PHONE: "", ABROAD: f"+97150{row['phone'][-7:]}"}.get(kind, row["phone"])
        found.append(Person(first, last, row["email"], phone, kind, next(spare) if kind == CORRECTED else ""))
    return tuple(found)


def _truth(company: Company) -> list[Expected]:
    """Return what is true of every event that somebody could think of."""
    acca, cfa = company.acca, company.cfa
    found = [
        *(_expected(person, REGISTERED, acca) for person in acca.registered),
        *(_expected(person, ATTENDED, acca, *_at_acca(person)) for person in acca.registered),
        *(_expected(person, REGISTERED, cfa) for person in cfa.registered),
        *(_expected(person, ATTENDED, cfa, *_at_cfa(person)) for person in cfa.registered),
    ]
    for webinar, fate, why in zip(company.contracts, (MUST, WAITS), ("", TYPE_CHANGED), strict=True):
        found += [_expected(person, CONTRACTS_ATTENDED, webinar, fate, why) for person in webinar.attended]
    for day in company.bootcamp:
        found += [_expected(person, BOOTCAMP_EVENTS["registered"], day) for person in day.registered]
        found += [_expected(person, BOOTCAMP_EVENTS["attended"], day) for person in day.attended]
    for person in company.planted(CORRECTED):
        found.append(Expected(user_id(person.corrected), ATTENDED, acca.webinar_id, acca.day, WAITS, CORRECTED))
    return found


def _expected(person: Person, name: str, webinar: Webinar, fate: str = MUST, why: str = "") -> Expected:
    """Return what is true of an event; of somebody of whom nothing is sent it is `never`, whatever else is."""
    if person.planted in NEVER_ASKED:
        fate, why = NEVER, NEVER_ASKED[person.planted]
    return Expected(person.user_id, name, webinar.webinar_id, webinar.day, fate, why)


def _at_acca(person: Person) -> tuple[str, str]:
    """Return what is true of the event of having attended the webinar of the first night."""
    return {NO_SHOW: (NEVER, "no-show"), REFUSED: (WAITS, REFUSED)}.get(person.planted, (MUST, ""))


def _at_cfa(person: Person) -> tuple[str, str]:
    """Return the same of the webinar of the second night, before which some withdrew, and one was erased."""
    gone = {WITHDRAWS: (NEVER, "withdrawn"), ERASED: (NEVER, "erased"), NO_SHOW: (NEVER, "no-show")}
    return gone.get(person.planted, (MUST, ""))
