"""One thing that `funnel-etl status` tells, and what it may be about. Data only."""

from dataclasses import dataclass, field
from typing import Any

NIGHT, FAILED_RUN, REPAIR, SOURCE, REPORT, WEBINAR, VOLUME, ROWS, WORK, FILE, DELIVERY, MODEL, ALERT, SERVICE = (
    "nights",
    "failed",
    "repairs",
    "sources",
    "missing_reports",
    "webinars",
    "volumes",
    "quarantine",
    "worklist",
    "rejected",
    "deliveries",
    "model",
    "alerts",
    "services",
)


@dataclass(frozen=True)
class StatusItem:
    """One thing a person may want to know. `facts`: what it rests on; `to_do` is None when all is well."""

    about: str
    name: str
    says: str
    to_do: str | None = None
    who: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether nobody has to do anything."""
        return self.to_do is None
