"""Who is to be erased: the phones and e-mails that name a person and nobody else, and what says that they do.

Reading only. What is done with them is in `eraser`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from funnel_etl.catalog import PEOPLE
from funnel_etl.core.reading.person_matcher import EMAIL, PHONE, PersonMatcher
from funnel_etl.operate.explain.person import read_name

_PAIRS = f"""
SELECT DISTINCT email, phone FROM (
    {" UNION ".join(f"SELECT {p.email} AS email, {p.phone} AS phone FROM {t}" for t, p in PEOPLE.items() if p.email)}
) AS found WHERE email IS NOT NULL AND phone IS NOT NULL AND (email = ANY(:emails) OR phone = ANY(:phones))
"""  # noqa: S608 - our own texts
IDS = {name: table for table, people in PEOPLE.items() for name in people.ids}
"""Column that names a row of a person in several tables → the table that says whose it is."""
OTHER_NAMES = {"parity.diff": {"key": "sale_id"}, "ops.worklist_mapping": {"item": "sale_id"}}
"""Table → its column with such ids under another name → that column of IDS."""
Lines = Mapping[str, frozenset[int]]
"""file_id → its lines that were erased."""
PairsOf = Callable[[set[str], set[str]], set[tuple[str, str]]]
"""Gives the pairs (email, phone) in which one of the phones or one of the e-mails stands."""
JOURNAL = "erasing.json"
"""In the state folder while somebody is erased, and after that was interrupted: who it is."""


@dataclass(frozen=True)
class Person:
    """Whom to erase: `phones` (as the tables hold them) and `emails`; `shared`: linked, but of others too, and stays.

    `ids`: column → its values in the rows of the person, as sale_id; `said`, `said_as`: by file_id, lines and names of
    what the person said in webinars.
    """

    phones: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    ids: dict[str, frozenset[str]] = field(default_factory=dict)
    said: dict[str, frozenset[int]] = field(default_factory=dict)
    said_as: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The phones (digits) and e-mails as `core/reading/person_matcher` names them."""
        return frozenset({f"{PHONE}:{digits(phone)}" for phone in self.phones} | {f"{EMAIL}:{e}" for e in self.emails})

    @property
    def matcher(self) -> PersonMatcher:
        """The person as who is looked for."""
        names = self.names
        return PersonMatcher(names.__contains__, frozenset(len(digits(phone)) for phone in self.phones), self.ids)

    def ids_in(self, table: str, columns: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return for the columns of a table that hold ids those of the person."""
        named = {column: OTHER_NAMES.get(table, {}).get(column, column) for column in columns}
        return {column: self.ids[name] for column, name in named.items() if self.ids.get(name)}

    def joined(self, other: "Person") -> "Person":
        """Return both as one."""
        ids = {name: self.ids.get(name, frozenset()) | other.ids.get(name, frozenset()) for name in IDS}
        said = {f: self.said.get(f, frozenset()) | other.said.get(f, frozenset()) for f in {*self.said, *other.said}}
        names = {*self.said_as, *other.said_as}
        said_as = {f: self.said_as.get(f, frozenset()) | other.said_as.get(f, frozenset()) for f in names}
        phones, emails, shared = self.phones | other.phones, self.emails | other.emails, self.shared | other.shared
        return Person(phones, emails, shared, ids, said, said_as)


def digits(phone: str) -> str:
    """Return the digits of a phone."""
    return "".join(sign for sign in phone if sign.isdigit())


def person_of(connection: sa.Connection, words: Iterable[str], placeholders: frozenset[str]) -> Person:
    """Find who is named by what was typed, one or several phones and e-mails of one person.

    Linked phones and e-mails belong to the person if no published row ties them to anybody else. Raises `FunnelError`
    for what is no phone or e-mail, or a phone that is nobody's.
    """
    named = [read_name(text, "erase", placeholders) for text in words]
    phones, emails = {phone for phone, _ in named if phone}, {email for _, email in named if email}
    person = linked(phones, emails, lambda phones, emails: _pairs(connection, phones, emails))
    return replace(person, ids=_ids(connection, {*person.phones}, {*person.emails}))


def linked(phones: set[str], emails: set[str], pairs_of: PairsOf) -> Person:
    """Add the phones and e-mails that stand together with these, and with no others; those that do are `shared`."""
    phones, emails = {*phones}, {*emails}
    while True:
        pairs = pairs_of(phones, emails)
        around = pairs_of({phone for _, phone in pairs}, {email for email, _ in pairs})
        more_emails = {e for e, _ in pairs if all(phone in phones for email, phone in around if email == e)} - emails
        more_phones = {p for _, p in pairs if all(email in emails for email, phone in around if phone == p)} - phones
        if not more_emails and not more_phones:
            break
        emails |= more_emails
        phones |= more_phones
    shared = {text for pair in pairs for text in pair} - phones - emails
    return Person(frozenset(phones), frozenset(emails), frozenset(shared))


def _pairs(connection: sa.Connection, phones: set[str], emails: set[str]) -> set[tuple[str, str]]:
    rows = connection.execute(sa.text(_PAIRS), {"phones": sorted(phones), "emails": sorted(emails)})
    return {(row.email, row.phone) for row in rows}


def _ids(connection: sa.Connection, phones: set[str], emails: set[str]) -> dict[str, frozenset[str]]:
    found = {}
    for column, table in IDS.items():
        people = PEOPLE[table]
        by_email = f" OR {people.email} = ANY(:emails)" if people.email else ""
        sql = f"SELECT {column} FROM {table} WHERE {people.phone} = ANY(:phones){by_email}"  # noqa: S608 - ours
        rows = connection.execute(sa.text(sql), {"phones": sorted(phones), "emails": sorted(emails)})
        found[column] = frozenset(rows.scalars())
    return found
