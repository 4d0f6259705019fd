"""A visit: who is at the page, on which installation; and what a page is."""

from collections.abc import Callable
from dataclasses import dataclass

from funnel_etl.app.access import Person, Role
from funnel_etl.operate.audit import audit
from funnel_etl.settings import Settings


@dataclass(frozen=True)
class Visit:
    """What a page is given. `page`: the name it has in its address and in the log."""

    settings: Settings
    person: Person
    page: str

    def did(self, action: str, about: str | None = None, outcome: str = audit.DONE) -> None:
        """Write down what the person does, before it is done or with what came of it."""
        audit.note(self.settings, self.person.email, self.page, action, about, outcome)


@dataclass(frozen=True)
class Page:
    """One page. `name` stands in its address; `roles`: who sees it; `show` draws it."""

    name: str
    title: str
    icon: str
    group: str
    roles: frozenset[Role]
    show: Callable[[Visit], None]
