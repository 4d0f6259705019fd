"""What is wrong, as causes with a name that stays the same from night to night. Pure: rows in, causes out.

No cause holds a phone, an e-mail, a person's or a dropped file's name: topics of webinars are left out, free text is
scrubbed, config edits are named by table and line.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES as CONFIG_TABLES
from funnel_etl.core.roles import ENGINEER, MARKETING_OPERATIONS
from funnel_etl.observe.alerts.contracts import CHECK, CONFIG, EXPORT, PHONES, RUN, SOURCE, VOLUME
from funnel_etl.observe.completeness.contracts import COMPLETE, FAILED, MISSING, QUIET, ZOOM
from funnel_etl.observe.completeness.contracts import CONFIG as CONFIGURED
from funnel_etl.observe.completeness.missing_exports import LOOK_BACK_DAYS
from funnel_etl.observe.completeness.volume_contracts import COUNTED
from funnel_etl.observe.completeness.volumes import LISTED_DAYS

SOURCE_ASSETS = {
    **{source.name: ("/".join(source.raw.asset_key), "/".join(source.clean.asset_key)) for source in SOURCES.values()},
    ZOOM: ("raw/zoom_", "clean/zoom_", "clean/webinars"),
    CONFIGURED: ("ops/config_versions",),
}
"""The assets whose failure already tells that a source failed, by how their names begin."""

DAY = re.compile(r"(\b20\d{2}-[01]\d-[0-3]\d(?!\d)(?:[ T]\d{2}:\d{2}(?::\d{2})?)?)")
EMAIL = re.compile(r"[^\s@<>,;:'\"]+@[\w-]+(?:\.[\w-]+)+")
NUMBER = re.compile(r"(?<![\w.,/-])\+?\(?\d(?:[ ().-]{0,2}\d){8,}(?![\w,])")
ENDING = r"\.(?:csv|tsv|txt|xlsx?|zip|pdf|json)"
FILE = re.compile(rf"[\"'“][^\"'”]*{ENDING}[\"'”]|[^\s\"']+{ENDING}\b", re.IGNORECASE)
OWN_FILES = {f"{name}.csv" for name in (*CONFIG_TABLES, *(source.clean.name for source in SOURCES.values()))}
CONFIG_ERROR = re.compile(
    rf"config_csv/({'|'.join(CONFIG_TABLES)})\.csv: "
    r"(?:(\d[\d,]* of the \d[\d,]* lines in force are gone)|[^;]*?\b(lines? \d+(?: and \d+)?))?"
)


@dataclass(frozen=True)
class Cause:
    """Something that is wrong now (or, of a night, good): `key` names it, `what` says it in one line.

    `listed_until`: the last night of which its list holds it, resolved or not; None: until it is resolved.
    """

    key: str
    kind: str
    what: str
    what_to_do: str | None = None
    who: str | None = None
    listed_until: date | None = None


@dataclass(frozen=True)
class Failure:
    """A step or a check that failed and has not succeeded since, or (`asset` empty) a run that ended without a step."""

    asset: str
    job: str
    run_id: str
    at: datetime
    why: str
    night: str = ""
    check: str = ""
    is_error: bool = True


def scrubbed(text: str) -> str:
    """Return a text without e-mails, long numbers (but days), and names of files that are not our own."""
    text = FILE.sub(_known_file, EMAIL.sub("(an e-mail)", text))
    parts = DAY.split(text)
    return "".join(part if number % 2 else NUMBER.sub("(a number)", part) for number, part in enumerate(parts))


def _known_file(found: re.Match[str]) -> str:
    name = found[0].strip("'\"“”")
    is_own = "://" in name or name.rpartition("/")[2] in OWN_FILES
    return found[0] if is_own else "(a file)"


def of_failures(failures: Iterable[Failure], through: Mapping[str, date | None]) -> Iterator[Cause]:
    """Return a cause per asset that failed (per check, per run without a step), however many runs it failed in.

    `through`: source → the day its data reach, for those that stay behind.
    """
    failures = list(failures)
    checked = {failure.asset for failure in failures if failure.check}
    for failure in failures:
        what, _, fix = failure.why.partition(". Fix: ")
        job = "a run by hand" if failure.job.startswith("__") else failure.job
        night = f", night {failure.night}" if failure.night else ""
        again = f"then funnel-etl run --as-of {failure.night}" if failure.night else "then start it again (Dagster UI)"
        look = f"read run {failure.run_id[:8]} in the Dagster UI"
        fix = scrubbed(fix) or look
        to_do = fix if "funnel-etl" in fix else f"{fix}; {again}"
        if failure.check:
            severity = "an error" if failure.is_error else "a warning"
            said = f"{failure.asset}, check {failure.check} ({severity}{night}): {scrubbed(what)}"
            yield Cause(f"check:{failure.asset}:{failure.check}", CHECK, said, to_do, ENGINEER)
        elif failure.asset and failure.asset not in checked:
            behind = "".join(
                f"; {source} stays complete through {day}"
                for source, day in through.items()
                if day and _tells_of(failure.asset, source)
            )
            said = f"{failure.asset} ({job}{night}): {scrubbed(what)}{behind}"
            yield Cause(run_key(failure), RUN, said, to_do, ENGINEER)
        elif not failure.asset:
            said = f"the run {failure.run_id[:8]} of {job}{night} ended without its end: {scrubbed(what)}"
            yield Cause(run_key(failure), RUN, said, to_do, ENGINEER)


def of_sources(rows: Iterable[Mapping[str, Any]], failed: Collection[str], *, lacks_reports: bool) -> Iterator[Cause]:
    """Return a cause per source of `ops.completeness` that is not as it should be.

    Not told again: what a failed asset (`failed`) tells, and, of Zoom, the missing reports that are told one by one.
    """
    for row in rows:
        source, status = row["source"], row["status"]
        if status in (COMPLETE, QUIET) or (source == ZOOM and status == MISSING and lacks_reports):
            continue
        edits = list(CONFIG_ERROR.finditer(row["why"])) if source == CONFIGURED else []
        if edits:
            yield _rejected(row, edits)
        elif status != FAILED or not any(_tells_of(asset, source) for asset in failed):
            through = f"complete through {row['complete_through']}" if row["complete_through"] else "no data yet"
            said = f"{source}: {through}, {status}: {scrubbed(row['why'])}"
            yield Cause(f"source:{source}:{status}", SOURCE, said, scrubbed(row["what_to_do"]), row["who_does_it"])


def of_exports(rows: Iterable[Mapping[str, Any]]) -> Iterator[Cause]:
    """Return a cause per row of `ops.missing_exports`; its topic and number stay where one needs a login."""
    for row in rows:
        of_what = f" of {row['profile']}" if row["profile"] else ""
        said = f"the {row['report']} report{of_what}, webinar of {row['expected_date']:%A %Y-%m-%d}, is not there"
        to_do = f"{scrubbed(row['what_to_do'])} (which webinar: funnel-etl status)"
        until = row["expected_date"] + timedelta(days=LOOK_BACK_DAYS - 1)
        yield Cause(f"export:{row['export_id']}", EXPORT, said, to_do, row["who_does_it"], until)


def of_volumes(rows: Iterable[Mapping[str, Any]], through: Mapping[str, date | None]) -> Iterator[Cause]:
    """Return a cause per run of low days of a source in `ops.volume_alarms` (the newest day first); that day is told.

    `through`: source of which it is told already that nothing came any more → the day its rows reach.
    """
    told: dict[str, Cause] = {}
    for row in rows:
        counted = COUNTED[row["source"]]
        key = volume_key(row)
        last = through.get(counted.brought_by)
        if key in told or (last is not None and row["since"] > last):
            continue
        since = "" if row["since"] == row["day"] else f", low since {row['since']}"
        said = f"{row['source']}: {row['why']}{since}"
        until = row["day"] + timedelta(days=LISTED_DAYS - 1)
        told[key] = Cause(key, VOLUME, said, row["what_to_do"], row["who_does_it"], until)
    yield from told.values()


def of_phones(rows: Iterable[Mapping[str, Any]]) -> Iterator[Cause]:
    """Return a cause per row of `ops.phone_shares` with far more rows without a phone than usual."""
    for row in rows:
        until = row["day"] + timedelta(days=LISTED_DAYS - 1)
        yield Cause(
            f"phones:{row['source']}",
            PHONES,
            f"{row['source']}: {row['says']}",
            row["what_to_do"],
            row["who_does_it"],
            until,
        )


def volume_key(row: Mapping[str, Any]) -> str:
    """Name the cause of a row of `ops.volume_alarms`."""
    return f"volume:{row['source']}:{row['since']}"


def run_key(failure: Failure) -> str:
    """Name the cause of a step that failed, or of a run that ended without one."""
    return f"run:{failure.asset or failure.job}"


def _rejected(row: Mapping[str, Any], edits: list[re.Match[str]]) -> Cause:
    places = ", ".join(dict.fromkeys(" ".join([f"{e[1]}.csv", *filter(None, (e[2], e[3]))]) for e in edits))
    mark = hashlib.sha256(row["why"].encode()).hexdigest()[:12]
    said = f"an edit of config_csv was rejected, and the last good version stays in force: {places}"
    to_do = "correct the cell and save the file as CSV (what is wrong with it: funnel-etl status)"
    for found in edits:
        if found[2]:
            to_do += f"; if the lines shall be gone: funnel-etl confirm {found[1]}, then run the night again"
    return Cause(f"config:{mark}", CONFIG, said, to_do, row["who_does_it"] or MARKETING_OPERATIONS)


def _tells_of(asset: str, source: str) -> bool:
    return asset.startswith(SOURCE_ASSETS.get(source, ()))
