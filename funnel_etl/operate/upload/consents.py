"""A file of what people agreed to, given through the page: checked as a night would read it, accepted, followed.

Not here: which of several statements holds (`delivery/webengage/consent`).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from upath import UPath

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.reading.source_frame import Page, raw_pages
from funnel_etl.core.tables.reasons import REASONS
from funnel_etl.delivery.webengage.consent import clean_consents
from funnel_etl.delivery.webengage.contracts import CONSENT_SOURCE, RAW_CONSENTS
from funnel_etl.delivery.webengage.intake import SOURCE, judge, read_consents
from funnel_etl.operate.audit import audit
from funnel_etl.operate.upload.states import ACCEPTED, REJECTED, TAKEN, WAITING, FileState
from funnel_etl.operate.upload.upload import laid, refuse_large
from funnel_etl.parts.marketing.zoom.files.check import config_of
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_REGISTRANT_ROWS
from funnel_etl.platform.postgres.database import connected, open_databases
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.drop.disposal import plain_name
from funnel_etl.sources.drop.ready import look

COUNTS = "counts"
MOST_LINES = 8
"""Lines that are named of those that cannot be used for one reason."""


@dataclass(frozen=True)
class Unusable:
    """Lines of a file that say nothing for one reason: the first of them, how many, and what to do."""

    lines: list[int]
    count: int
    why: str
    fix: str


@dataclass(frozen=True)
class Statements:
    """What a file says. `said`: how many statements, by state and channel; `again`: said twice in it.

    `before`: when these bytes came; None: never.
    """

    name: str
    file_id: str
    said: dict[tuple[str, str], int]
    unusable: list[Unusable]
    again: int
    before: datetime | None

    @property
    def usable(self) -> int:
        """How many statements count."""
        return sum(self.said.values())


def check(settings: Settings, name: str, data: bytes) -> Statements:
    """Read a file of consents as a night would; stores nothing. Raises `SourceRejected` for what is no such file."""
    refuse_large(settings, name, data)
    judge(data, settings.timezone)
    landing = _archive(settings)
    withheld = landing.redact_lines(data)
    file_id = landing.file_id_of(withheld.data)
    page = Page(withheld.data, file_id, ())
    raw = raw_pages([page], RAW_CONSENTS.name, CONSENT_SOURCE, {}, read=lambda read, _known: read_consents(read)).rows
    config = config_of(settings.config_folder)[0]
    made = clean_consents(RAW_CONSENTS.conform(raw), RAW_ZOOM_REGISTRANT_ROWS.empty(), config, settings.timezone)
    said = Counter(zip(made.rows["state"].astype(str), made.rows["channel"].astype(str), strict=True))
    unusable = [
        Unusable(sorted(lines.astype(int))[:MOST_LINES], len(lines), *REASONS[str(reason)])
        for reason, lines in made.quarantine.groupby("reason")["source_row"]
    ]
    came = [one for one in landing.arrivals(SOURCE) if (one.file_id, one.status) == (file_id, "accepted")]
    before = came[-1].received_at if came else None
    return Statements(plain_name(name), file_id, said, unusable, len(made.merged), before)


def accept(settings: Settings, found: Statements, data: bytes) -> str:
    """Lay a checked file into the drop folder, and return its name there.

    Raises `SourceRejected` for one without a line that says anything, `StorageUnavailable`.
    """
    if not found.usable:
        raise SourceRejected("no line of it can be used", where=found.name, fix="correct its lines")
    return laid(settings.drop_folder / SOURCE, found.name, data)


def consent_states(settings: Settings, days: int = 7) -> list[FileState]:
    """Return the files of consents of the last days, and those that still lie there, the newest first."""
    since = datetime.now(UTC) - timedelta(days=days)
    landing = _archive(settings)
    nights = landing.nights(SOURCE)
    newest = nights[-1] if nights else None
    counted = set(landing.night(newest, SOURCE) or []) if newest else set()
    with (
        open_databases(settings.state, settings.database_port, settings.database_url) as databases,
        connected(databases.funnel_url) as connection,
    ):
        by = audit.who_did(connection, ACCEPTED, since)
    arrivals = [one for one in landing.arrivals(SOURCE) if one.received_at >= since]
    found = [_of_arrival(one, newest if one.file_id in counted else None, by) for one in arrivals]
    return sorted([*_lying(settings, landing, by), *found], key=lambda one: one.came_at, reverse=True)


def _of_arrival(arrival: Arrival, night: date | None, by: dict[str, frozenset[str]]) -> FileState:
    if arrival.status == "rejected":
        state, says = REJECTED, arrival.reason or "it was not read"
    elif night is not None:
        state, says = (
            COUNTS,
            f"the night of {night:%d %b %Y} used it: what it says counts until something later is said",
        )
    else:
        state, says = TAKEN, "it is kept; the next night reads it"
    return FileState(
        arrival.file_id, arrival.name, arrival.received_at, state, says, by.get(arrival.file_id, frozenset())
    )


def _lying(settings: Settings, landing: Landing, by: dict[str, frozenset[str]]) -> Iterator[FileState]:
    for entry in look(settings.drop_folder / SOURCE):
        if entry.is_plain and not entry.path.name.startswith((".", "~$")):
            file_id = landing.file_id_of(landing.redact_lines(entry.path.read_bytes()).data)
            at = datetime.fromtimestamp(entry.touched, UTC)
            says = "it lies in the drop folder; the next night takes it, or one that somebody begins under Today"
            yield FileState(file_id, plain_name(entry.path.name), at, WAITING, says, by.get(file_id, frozenset()))


def _archive(settings: Settings) -> Landing:
    return Landing(UPath(settings.landing_root))
