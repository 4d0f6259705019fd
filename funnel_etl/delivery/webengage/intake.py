"""Files of consents from the drop folder to text: each landed once, judged alone, and read whole by every night.

Here: which files a night uses, and which are refused. Not here: what their rows mean (`consent`).
"""

from datetime import date, datetime

from funnel_etl.core.errors import AmbiguousDates, MissingColumn, SourceRejected
from funnel_etl.core.reading.csvfile import CsvRecords, match_columns, read_csv, spellings
from funnel_etl.core.reading.source_frame import Page, raw_pages
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.values import dates
from funnel_etl.delivery.webengage.contracts import CONSENT_SOURCE, RAW_CONSENTS
from funnel_etl.sources.archive.arrivals import Arrival, first_came
from funnel_etl.sources.drop.intake import DropFolder, IntakeResult
from funnel_etl.sources.nightly import NightlySources

SOURCE = "consent"
"""Name of the files in the landing archive, and of their folder below the drop folder."""
HEADER = "phone, email, channel, state, stated_at, source"


def judge(data: bytes, zone: str) -> None:
    """Raise `SourceRejected` for bytes that are no file of consents, saying what to do."""
    records = read_consents(data)
    stated_at = match_columns(records.columns, CONSENT_SOURCE, {}, SOURCE)["stated_at"]
    try:
        dates.parse(records.rows[stated_at], zone, column="stated_at")
    except AmbiguousDates as error:
        raise SourceRejected(error.what, fix="write the times as 2026-11-05 14:30, and drop it again") from None


def read_consents(data: bytes) -> CsvRecords:
    """Return the records of a file of consents. Raises `SourceRejected` for other bytes."""
    records = read_csv(data, spellings(CONSENT_SOURCE, {}))
    try:
        present = match_columns(records.columns, CONSENT_SOURCE, {}, SOURCE)
    except MissingColumn as error:
        fix = f"name its columns {HEADER}, and drop it again"
        raise SourceRejected(f"it is no file of consents: {error.what}", fix=fix) from None
    if not {"phone", "email"} & present.keys():
        fix = f"name its columns {HEADER}, and drop it again"
        raise SourceRejected("it has neither a column of phones nor one of e-mails", fix=fix)
    return records


def take_in(sources: NightlySources) -> IntakeResult:
    """Take all settled files out of `consent/` of the drop folder."""
    settings = sources.settings
    return DropFolder(
        source=SOURCE,
        folder=settings.drop_folder / SOURCE,
        landing=sources.landing,
        read=lambda data, _file_id, _came: judge(data, settings.timezone),
        state=settings.state,
        settle_seconds=settings.drop_settle_seconds,
        max_mb=settings.zoom_max_mb,
        smaller="split it into several files",
    ).take()


def night_files(sources: NightlySources, night: date) -> list[str]:
    """Take in the drop folder for a night, and return the files it uses: all that ever came, the earliest first.

    An overtaken night uses those it used.
    """
    landing, replayed = sources.landing, sources.replayed(SOURCE, night)
    if replayed is not None:
        return landing.night(replayed, SOURCE) or []
    take_in(sources)
    file_ids = in_order(landing.arrivals(SOURCE))
    landing.record_night(night, SOURCE, file_ids)
    return file_ids


def in_order(arrivals: list[Arrival]) -> list[str]:
    """Return the contents that were accepted, each once, by when they came first."""
    came: dict[str, datetime] = first_came([one for one in arrivals if one.status == "accepted"])
    return sorted(came, key=lambda file_id: (came[file_id], file_id))


def raw_consents(sources: NightlySources, file_ids: list[str]) -> Outcome:
    """Return the records of these files, in their order. Columns as `raw.consents`.

    A file that was taken once and is no longer read is left out with a note: it stops no other.
    """
    landing = sources.landing
    pages: list[Page] = []
    read: dict[bytes, CsvRecords] = {}
    notes: list[str] = []
    for file_id in file_ids:
        page = Page(landing.read(file_id), file_id, landing.erased_lines(file_id))
        try:
            read[page.data] = read_consents(page.data)
        except SourceRejected as error:
            notes.append(f"file {file_id[:16]} is no longer read: {error}")
            continue
        pages.append(page)
    if not pages:
        return Outcome(RAW_CONSENTS.empty(), notes=notes)
    outcome = raw_pages(pages, RAW_CONSENTS.name, CONSENT_SOURCE, {}, read=lambda data, _known: read[data])
    outcome.notes += notes
    return outcome
