"""Who may see and do what on the page: roles, the users file, the person at the screen. Pure."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from funnel_etl.core.errors import ConfigError
from funnel_etl.core.values.nearest import did_you_mean


class Role(StrEnum):
    """What somebody may do. An engineer may do everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ANALYST = "analyst"
    SALES = "sales"
    ENGINEER = "engineer"


EVERYBODY = frozenset(Role)
COLUMNS = ("email", "roles", "conductors", "profiles")
FIX = "correct the users file (FUNNEL_APP_USERS); docs/page.md shows one"


@dataclass(frozen=True)
class Person:
    """Somebody at the page. `conductors`, `profiles`: whose webinars are theirs; with neither they see all."""

    email: str
    roles: frozenset[Role]
    conductors: frozenset[str] = field(default_factory=frozenset)
    profiles: frozenset[str] = field(default_factory=frozenset)

    def may(self, roles: Iterable[Role]) -> bool:
        """Return whether one of the roles is theirs."""
        return Role.ENGINEER in self.roles or bool(self.roles & {*roles})

    @property
    def sees_all(self) -> bool:
        """Whether all webinars are theirs to see."""
        return not self.conductors and not self.profiles

    def owns(self, conductor: str | None, profile: str | None) -> bool:
        """Return whether a webinar is theirs to see."""
        if self.sees_all:
            return True
        return (conductor or "").casefold() in self.conductors or (profile or "").casefold() in self.profiles


LOCAL = Person("local", EVERYBODY)
"""Who sits at the machine itself, where nobody signs in."""


def is_over(signed_in: object, now: float, hours: int) -> bool:
    """Return whether a session is over that began then, in seconds since 1970; one that says not when is over."""
    return not isinstance(signed_in, int | float) or now - signed_in > hours * 3600


def is_proved(claim: object) -> bool:
    """Return whether a provider says that an e-mail is the person's own; one that says nothing has not proved it.

    Some let everybody write any address into their account. As a text, too: so Cognito says it.
    """
    return claim is True or claim == "true"


def read_users(path: Path) -> dict[str, Person]:
    """Return e-mail, in lower case → person. Several roles, conductors or profiles of one are separated by `;`.

    Raises `ConfigError` naming file and line for a file that cannot be read whole: nobody gets in by half of it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            if missing := [name for name in COLUMNS[:2] if name not in (lines.fieldnames or ())]:
                raise ConfigError(f"it has no column {' and no column '.join(missing)}", where=str(path.name), fix=FIX)
            people = [_person(line, f"{path.name}, line {lines.line_num}") for line in lines]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"it cannot be read: {type(error).__name__}", where=path.name, fix=FIX) from None
    found = {person.email: person for person in people}
    if len(found) < len(people):
        raise ConfigError("an e-mail is there twice", where=path.name, fix=FIX)
    return found


def _person(line: dict[str, str | None], where: str) -> Person:
    email = (line["email"] or "").strip().casefold()
    if "@" not in email:
        raise ConfigError("it has no e-mail", where=where, fix=FIX)
    names = _split(line["roles"])
    known = {role.value for role in Role}
    for name in names - known:
        raise ConfigError(f"there is no role {name!r}{did_you_mean(name, known)}", where=where, fix=FIX)
    if not names:
        raise ConfigError("it has no role", where=where, fix=FIX)
    roles = frozenset(Role(name) for name in names)
    return Person(email, roles, _split(line.get("conductors")), _split(line.get("profiles")))


def _split(text: str | None) -> frozenset[str]:
    return frozenset(part.strip().casefold() for part in (text or "").split(";") if part.strip())
