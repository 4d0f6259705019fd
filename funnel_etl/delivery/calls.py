"""One request to a destination, and what an adapter must be able to do. No HTTP here, and no destination by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from funnel_etl.delivery.outcome import Outcome
from funnel_etl.delivery.rows import Delivery


@dataclass(frozen=True)
class Call:
    """A request: the end of its path, its exact body, the id a repeat is known by, and the rows it is of.

    `is_bulk`: one answer for all of its rows. `pace`: which limit it counts for.
    """

    path: str
    rows: tuple[Delivery, ...]
    body: str
    request_id: str
    is_bulk: bool
    pace: str

    @property
    def keys(self) -> list[str]:
        """The keys of its rows, in their order."""
        return [row.delivery_key for row in self.rows]

    @property
    def object(self) -> str:
        """What it sends."""
        return self.rows[0].object


class Adapter(Protocol):
    """A destination. `send` makes exactly one request, and never raises for what the network or the other side do.

    `paces`: calls a minute, by name of the limit; `stopped`: what to do when the login is refused.
    """

    @property
    def destination(self) -> str:
        """Its name in the ledger."""

    @property
    def account(self) -> str:
        """The account there."""

    @property
    def title(self) -> str:
        """Its name for people."""

    @property
    def stopped(self) -> str:
        """What a person does when it refuses the login."""

    @property
    def paces(self) -> dict[str, int]:
        """Calls a minute, by name of the limit."""

    def calls(self, rows: Sequence[Delivery], *, in_bulk: bool) -> list[Call]:
        """Return the requests of rows of one object in the order of sending. `in_bulk`: events too."""

    def call(self, rows: Sequence[Delivery], *, is_bulk: bool) -> Call:
        """Return the one request of these rows."""

    def path(self, call: Call) -> str:
        """Return the path of a request."""

    def headers(self, call: Call) -> dict[str, str]:
        """Return the headers of a request, with a mask in the place of the secret."""

    def send(self, call: Call, seconds: float) -> Outcome:
        """Make the request; it ends after so many seconds, whatever the other side does."""
