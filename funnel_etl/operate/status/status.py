"""Where things stand: what is complete through when, what is missing, what to do, and who does it.

Read from what is published, and from Dagster's own storage. Here: gathering it. Not here: how it looks (`render`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from funnel_etl.core.config_models import MISC
from funnel_etl.core.config_models import TABLES as CONFIG_TABLES
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.parts import OPTIONAL, PARTS
from funnel_etl.core.roles import ANALYST, ENGINEER, MARKETING_OPERATIONS
from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.marts.funnel.worklist.contracts import DECIDED_AT, DECIDED_BY, ITEM_KINDS
from funnel_etl.observe.alerts.causes import SOURCE_ASSETS, Failure, of_failures, scrubbed
from funnel_etl.observe.alerts.delivery import redacted
from funnel_etl.observe.alerts.dispatch import alert_urls
from funnel_etl.observe.alerts.failures import failed_checks, failed_runs
from funnel_etl.observe.completeness.contracts import COMPLETE, FAILED, QUIET
from funnel_etl.observe.completeness.missing_exports import LOOK_BACK_DAYS
from funnel_etl.operate.erase.person import JOURNAL
from funnel_etl.operate.explain.current_lines import NEWEST_LINE
from funnel_etl.operate.run.dagster_home import open_instance, prepare_tables
from funnel_etl.operate.status.deliveries import deliveries
from funnel_etl.operate.status.items import (
    ALERT,
    FAILED_RUN,
    FILE,
    NIGHT,
    REPAIR,
    REPORT,
    ROWS,
    SERVICE,
    SOURCE,
    VOLUME,
    WEBINAR,
    WORK,
    StatusItem,
)
from funnel_etl.operate.status.model import model
from funnel_etl.parts.marketing.zoom.clean.event_warnings import FEW_PHONES, FINDINGS, lacks_phones
from funnel_etl.platform.dagster.automation_state import Automatic, automation_state
from funnel_etl.platform.dagster.patience import Waiting, waiting
from funnel_etl.platform.postgres.database import Databases, connected, open_databases
from funnel_etl.platform.postgres.owner import OURS, OtherOwner, claim_of
from funnel_etl.settings import Settings

NIGHTS = sa.text(
    "SELECT DISTINCT ON (part) part, as_of, published_at, version FROM ops.nights "  # noqa: S608 - of ours
    f"WHERE {OURS} ORDER BY part, version DESC"
)
SOURCES = sa.text(
    "SELECT source, as_of, complete_through, last_received_at, status, why, what_to_do, who_does_it "
    "FROM ops.completeness ORDER BY complete_through DESC NULLS LAST, source"
)
MISSING = sa.text(
    "SELECT occurrence_id, topic, profile, expected_date, report, age_hours, what_to_do, who_does_it "
    "FROM ops.missing_exports ORDER BY expected_date DESC, export_id"
)
LOW = sa.text(
    "SELECT DISTINCT ON (source, since) source, day, days, since, expected, seen, why, what_to_do, who_does_it "
    "FROM ops.volume_alarms ORDER BY source, since DESC, day DESC"
)
UNJUDGED = sa.text(
    "SELECT source, status, says FROM ops.volumes WHERE status IN ('too_small', 'too_new') ORDER BY source"
)
PHONES = sa.text(
    "SELECT source, day, days, rows, lacking, share, usual_share, says, what_to_do, who_does_it "
    "FROM ops.phone_shares WHERE status = 'more' ORDER BY source"
)
UNSENT = sa.text(
    "SELECT count(*) AS alerts, max(attempts) AS attempts, min(next_attempt_at) AS next, "
    "string_agg(DISTINCT last_error, '; ') AS errors FROM ops.alerts "
    "WHERE attempts > 0 AND last_error IS NOT NULL AND (sent_at IS NULL AND resolved_at IS NULL "
    "OR sent_at IS NOT NULL AND resolved_at > now() - interval '2 days' AND resolved_told_at IS NULL)"
)
LAST_SENT = sa.text("SELECT max(sent_at) FROM ops.alerts")
_OPEN = """
SELECT asset, reason, part, count(*) AS rows, min(fix_hint) AS fix, max(first_seen_at) AS newest,
    (array_agg(coalesce(current_file_id, file_id) ORDER BY first_seen_at DESC, file_id, source_row))[1\\:3] AS file_ids,
    (array_agg(coalesce(current_row, source_row) ORDER BY first_seen_at DESC, file_id, source_row))[1\\:3] AS lines
FROM ops.quarantine AS q LEFT JOIN LATERAL {} AS n ON true
WHERE resolved_at IS NULL GROUP BY asset, reason, part ORDER BY newest DESC, rows DESC, asset
"""
OPEN = sa.text(_OPEN.format(NEWEST_LINE.format(row="q")))
NAMES = sa.text("SELECT DISTINCT ON (file_id) file_id, name FROM ops.files WHERE file_id = ANY(:ids) ORDER BY 1, 2")
UNDECIDED = sa.text(
    "SELECT item_kind, count(*) AS items, sum(revenue_inr) AS revenue, max(revenue_inr) AS most, "
    "sum(spend_inr) AS spend, string_agg(item || coalesce(' (did you mean ' || suggested_from || '?)', ''), ', ' "
    "ORDER BY revenue_inr DESC, item) AS named "
    "FROM ops.worklist_mapping WHERE item_kind = ANY(:kinds) GROUP BY item_kind "
    "ORDER BY revenue DESC, spend DESC, item_kind"
)
LEADS = sa.text(
    "SELECT count(*) AS leads, count(*) FILTER (WHERE lower(funnel) = lower(:misc)) AS misc FROM clean.tofu_leads"
)
REJECTED = sa.text(
    "SELECT source, name, reason, received_at FROM ops.files WHERE status = 'rejected' "
    "ORDER BY received_at DESC LIMIT 10"
)
REPAIRS = sa.text(
    "SELECT name, found_at, says FROM ops.repairs WHERE found_at > now() - interval '7 days' "
    "ORDER BY found_at DESC, name"
)
WITHOUT_PHONE = sa.text(
    "SELECT e.occurrence_id, e.topic, e.event_date, count(*) AS attended, count(*) - count(a.phone) AS without "
    "FROM clean.zoom_attendance AS a JOIN clean.webinars AS e USING (occurrence_id) "
    "WHERE a.attended AND e.event_date > :since GROUP BY 1, 2, 3 ORDER BY e.event_date DESC, e.occurrence_id"
)
UNDECIDED_WEBINARS = sa.text(
    "SELECT item_kind, count(*) AS items, sum(rows_count) AS attended, (array_agg(item ORDER BY revenue_inr DESC, "
    "rows_count DESC, item))[1] AS first FROM ops.worklist_mapping "
    "WHERE item_kind = ANY(:kinds) GROUP BY item_kind ORDER BY max(revenue_inr) DESC, attended DESC, item_kind"
)
TWICE = sa.text(
    "SELECT count(*) AS files, (array_agg(name ORDER BY received_at DESC))[1] AS newest FROM ops.files "
    "WHERE source = 'zoom' AND status = 'duplicate' AND received_at > now() - interval '7 days'"
)


@dataclass(frozen=True)
class Status:
    """Where things stand: `last_day` is the last complete business day."""

    last_day: date
    items: list[StatusItem]

    @property
    def is_well(self) -> bool:
        """Whether nobody has to do anything."""
        return all(one.is_well for one in self.items)

    def about(self, what: str) -> list[StatusItem]:
        """Return what is told of one kind of thing."""
        return [one for one in self.items if one.about == what]


def status(settings: Settings) -> Status:
    """Gather where things stand. Raises `DatabaseUnavailable`, and for nothing else that may be wrong."""
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        try:
            prepare_tables(databases, claim_of(settings))
        except OtherOwner as error:
            items = [StatusItem(NIGHT, "database", error.what, error.fix, ENGINEER)]
            return Status(settings.yesterday(), [*items, *_of_dagster(settings, databases)[1]])
        with connected(databases.funnel_url) as connection:
            failures, services = _of_dagster(settings, databases)
            items = [*_nights(connection, settings), *_failed(failures)]
            items += [*_repairs(connection, settings), *_sources(connection, settings, failures)]
            items += [*_missing(connection), *webinars(connection, settings.yesterday()), *_volumes(connection)]
            items += [*_quarantine(connection), *_worklist(connection)]
            items += [*_rejected(connection), *deliveries(connection, settings, looked_at())]
            items += [*model(connection, settings), _alerts(connection, settings), *services]
        return Status(settings.yesterday(), items)


def _nights(connection: sa.Connection, settings: Settings) -> Iterator[StatusItem]:
    nights = {row.part: row for row in connection.execute(NIGHTS)}
    for part in (*PARTS, *(part for part in OPTIONAL if part in nights)):
        night = nights.get(part)
        if night is None:
            yield StatusItem(NIGHT, part, "nothing published yet", "funnel-etl run", ENGINEER)
            continue
        behind = (settings.yesterday() - night.as_of).days
        at = night.published_at.astimezone(ZoneInfo(settings.timezone))
        state = "up to date" if behind <= 0 else f"{_days(behind)} behind"
        yield StatusItem(
            NIGHT,
            part,
            f"complete night {night.as_of}, version {night.version}, published {at:%Y-%m-%d %H:%M %Z}: {state}",
            None if behind <= 0 else f"funnel-etl run --as-of {settings.yesterday()}",
            None if behind <= 0 else ENGINEER,
            {"as_of": night.as_of, "version": night.version, "published_at": at, "days_behind": max(behind, 0)},
        )


def _failed(failures: list[Failure]) -> Iterator[StatusItem]:
    """Return what failed and did not succeed since, also of a night that was published before it was run again."""
    for failure, cause in ((one, cause) for one in failures for cause in of_failures([one], {})):
        name = f"{failure.asset or failure.job}{f', check {failure.check}' if failure.check else ''}"
        facts = {"asset": failure.asset, "night": failure.night, "run_id": failure.run_id, "failed_at": failure.at}
        if failure.check and not failure.is_error:
            continue  # a warning's own table says it
        yield StatusItem(FAILED_RUN, name, cause.what, cause.what_to_do, cause.who, facts)


def _repairs(connection: sa.Connection, settings: Settings) -> Iterator[StatusItem]:
    for row in connection.execute(REPAIRS):
        at = f"{row.found_at.astimezone(ZoneInfo(settings.timezone)):%Y-%m-%d %H:%M %Z}"
        # It is right again: a note, of which only the cause may be left to find.
        yield StatusItem(REPAIR, row.name, f"{at}: {row.says.partition(': ')[2]}", facts={"found_at": row.found_at})


def _sources(connection: sa.Connection, settings: Settings, failures: list[Failure]) -> Iterator[StatusItem]:
    rows = connection.execute(SOURCES).all()
    if not rows:
        yield StatusItem(SOURCE, "all sources", "no night has looked at them yet", "funnel-etl run", ENGINEER)
        return
    behind = (settings.yesterday() - rows[0].as_of).days
    if behind > 0:
        says = f"looked at for the night {rows[0].as_of} the last time, {_days(behind)} ago: later nights did not run"
        yield StatusItem(SOURCE, "all sources", says, f"funnel-etl run --as-of {settings.yesterday()}", ENGINEER)
    for row in rows:
        is_well = row.status in (COMPLETE, QUIET)
        through = f"complete through {row.complete_through}" if row.complete_through else "no data yet"
        why, what_to_do = row.why, row.what_to_do
        if row.status == FAILED and (known := _reason(row.source, failures)):
            why, what_to_do = f"{why}: {known[0]}", known[1]
        yield StatusItem(
            SOURCE,
            row.source,
            f"{through}, {row.status}: {why}",
            None if is_well else what_to_do,
            row.who_does_it,
            {
                "as_of": row.as_of,
                "complete_through": row.complete_through,
                "last_received_at": row.last_received_at,
                "status": row.status,
                "why": row.why,
            },
        )


def _reason(source: str, failures: list[Failure]) -> tuple[str, str] | None:
    """Return why a source's own asset failed, and what to do, if that is known; what was refused says it already."""
    own = [failure for failure in failures if failure.asset.startswith(SOURCE_ASSETS[source]) and not failure.check]
    if not own:
        return None
    what, _, fix = scrubbed(own[0].why).partition(". Fix: ")
    return what, f"{fix or 'read the run in the Dagster UI'}, then funnel-etl run --as-of {own[0].night}"


def _missing(connection: sa.Connection) -> Iterator[StatusItem]:
    for row in connection.execute(MISSING):
        of_what = row.topic or row.profile or row.occurrence_id
        yield StatusItem(
            REPORT,
            f"{row.report} report of {row.expected_date}",
            f"{of_what}{f' ({row.occurrence_id})' if row.occurrence_id else ''}: not there after {row.age_hours} hours",
            row.what_to_do,
            row.who_does_it,
            dict(row._mapping),  # noqa: SLF001 - the public way to a row's columns by name
        )


def webinars(connection: sa.Connection, last_day: date) -> Iterator[StatusItem]:
    """Return what is undecided of webinars, where most people have no phone, and what was dropped twice."""
    since = last_day - timedelta(days=LOOK_BACK_DAYS)
    held = connection.execute(WITHOUT_PHONE, {"since": since}).all()
    for row in held:
        if lacks_phones(row.attended, row.without):
            counts = {"attended": row.attended, "without": row.without}
            says = f"{row.topic or row.occurrence_id}: {FEW_PHONES.says.format(**counts)}"
            facts = {"occurrence_id": row.occurrence_id, "event_date": row.event_date, **counts}
            yield StatusItem(
                WEBINAR, f"phones of {row.event_date}", says, FEW_PHONES.to_do, MARKETING_OPERATIONS, facts
            )
    for row in connection.execute(UNDECIDED_WEBINARS, {"kinds": list(FINDINGS)}):
        others = f" and {grouped(row.items - 1)} more" if row.items > 1 else ""
        says = f"{row.first}{others}, {grouped(row.attended)} attendances: {FINDINGS[row.item_kind].says}"
        facts = {"items": row.items, "attended": int(row.attended)}
        to_do = f"{FINDINGS[row.item_kind].to_do}; all of them: funnel-etl worklist"
        yield StatusItem(WEBINAR, row.item_kind, says, to_do, MARKETING_OPERATIONS, facts)
    twice = connection.execute(TWICE).one()
    if twice.files:
        says = f"{grouped(twice.files)} in the last 7 days, the newest {twice.newest}: nothing is counted twice"
        yield StatusItem(WEBINAR, "dropped twice", says, facts={"files": twice.files})


def _volumes(connection: sa.Connection) -> Iterator[StatusItem]:
    for row in connection.execute(LOW):
        since = "" if row.since == row.day else f", low since {row.since}"
        facts = dict(row._mapping)  # noqa: SLF001 - the public way to a row's columns by name
        yield StatusItem(VOLUME, row.source, f"far too few: {row.why}{since}", row.what_to_do, row.who_does_it, facts)
    for row in connection.execute(UNJUDGED):
        yield StatusItem(
            VOLUME, row.source, f"a drop could not be told: {row.says}", None, None, {"status": row.status}
        )
    for row in connection.execute(PHONES):
        facts = dict(row._mapping)  # noqa: SLF001 - the public way to a row's columns by name
        says = f"far more without a phone than usual: {row.says}"
        yield StatusItem(VOLUME, row.source, says, row.what_to_do, row.who_does_it, facts)


def _alerts(connection: sa.Connection, settings: Settings) -> StatusItem:
    urls = alert_urls(settings)
    if not urls:
        return StatusItem(ALERT, "alerts", "sent nowhere: FUNNEL_ALERT_URLS is not set")
    unsent, last = connection.execute(UNSENT).one(), connection.execute(LAST_SENT).scalar_one()
    where = ", ".join(map(redacted, urls))
    if unsent.alerts:
        tried = f"tried {unsent.attempts} time{'' if unsent.attempts == 1 else 's'}"
        says = f"{unsent.alerts} could not be sent to all of {where}, {tried}: {unsent.errors}"
        to_do = "correct FUNNEL_ALERT_URLS or what it names; see with funnel-etl alert test; tried again by itself"
        return StatusItem(
            ALERT, "alerts", says, to_do, ENGINEER, {"unsent": unsent.alerts, "next_attempt_at": unsent.next}
        )
    at = f"the last one {last.astimezone(ZoneInfo(settings.timezone)):%Y-%m-%d %H:%M %Z}" if last else "none yet"
    return StatusItem(ALERT, "alerts", f"sent to {where}; {at}", facts={"last_sent_at": last})


def _quarantine(connection: sa.Connection) -> Iterator[StatusItem]:
    rows = connection.execute(OPEN).all()
    ids = sorted({file_id for row in rows for file_id in row.file_ids})
    names = {row.file_id: row.name for row in connection.execute(NAMES, {"ids": ids})}
    for row in rows:
        who = MARKETING_OPERATIONS if row.part == "marketing" else ANALYST
        pairs = zip(row.file_ids, row.lines, strict=True)
        examples = [{"file": names.get(file_id, file_id[:12]), "line": line} for file_id, line in pairs]
        places = ", ".join(f"{one['file']} line {one['line']}" for one in examples)
        facts = {"asset": row.asset, "reason": row.reason, "rows": row.rows, "newest_first_seen_at": row.newest}
        facts["examples"] = examples
        count = f"{grouped(row.rows)} row{'' if row.rows == 1 else 's'}"
        more = ", …" if row.rows > len(examples) else ""
        yield StatusItem(ROWS, row.asset, f"{count}: {row.reason} ({places}{more})", row.fix, who, facts)


def _worklist(connection: sa.Connection) -> Iterator[StatusItem]:
    """Return how much money waits for a decision, by kind of item and who decides it.

    And, which no item is about, that no campaign lead has a funnel: `campaign_mapping.csv` is still to be filled in.
    """
    leads = connection.execute(LEADS, {"misc": MISC}).one()
    if leads.leads and leads.leads == leads.misc:
        yield StatusItem(
            WORK,
            "campaign_leads",
            f"none of {grouped(leads.leads)} campaign leads fits a line of campaign_mapping.csv: all are {MISC}",
            "write lines into campaign_mapping.csv; what came is query 1 of docs/queries.md",
            MARKETING_OPERATIONS,
            {"leads": leads.leads, "table": "campaign_mapping"},
        )
    for row in connection.execute(UNDECIDED, {"kinds": list(DECIDED_BY)}):
        amounts = [f"{rupees(row.revenue)} of revenue"] if row.revenue else []
        if "source" in row.item_kind and row.items > 1 and row.revenue:
            # A sale stands at every source of its phone: the sum would count it twice.
            amounts = [f"up to {rupees(row.revenue)} of revenue, {rupees(row.most)} at one of them"]
        amounts += [f"{rupees(row.spend)} of ad spend"] if row.spend else []
        table, say = DECIDED_AT[row.item_kind], ITEM_KINDS[row.item_kind]
        say += f": {row.named}" if row.item_kind == "unknown_status" else ""
        where = f"decided in {table}.csv" if table in CONFIG_TABLES else "corrected in the CRM"
        facts = {"items": row.items, "revenue_inr": row.revenue, "spend_inr": row.spend, "table": table}
        yield StatusItem(
            WORK,
            row.item_kind,
            f"{grouped(row.items)} to decide, {' and '.join(amounts) or 'no money'} at stake: {say}",
            f"funnel-etl worklist ({where})" if amounts else None,
            DECIDED_BY[row.item_kind],
            facts,
        )


def _rejected(connection: sa.Connection) -> Iterator[StatusItem]:
    for row in connection.execute(REJECTED):
        what, _, fix = (row.reason or "").partition(". Fix: ")
        who = MARKETING_OPERATIONS if row.source in ("zoom", "consent", "config") else ENGINEER
        facts = {"source": row.source, "received_at": row.received_at, "reason": row.reason}
        # It stays listed after its cause was fixed: a note, nothing that is still to be done.
        yield StatusItem(FILE, f"{row.source} {row.name}", f"{what} ({who}: {fix})" if fix else what, None, None, facts)


def _of_dagster(settings: Settings, databases: Databases) -> tuple[list[Failure], list[StatusItem]]:
    """Return what failed, and what is to be said of the services: both from Dagster's own storage."""
    from funnel_etl.assembly import build_definitions  # noqa: PLC0415 - loaded by prepare_tables anyway

    code = build_definitions(settings).get_repository_def()
    try:
        with open_instance(settings, databases) as opened:
            found, now, waits = automation_state(opened, code), looked_at(), list(waiting(opened))
            keys = sorted(code.asset_graph.asset_check_keys, key=lambda key: key.to_user_string())
            failures = [*failed_checks(opened, keys), *failed_runs(opened, now)]
    except FunnelError as error:
        return [], [StatusItem(SERVICE, "dagster", error.what, error.fix, ENGINEER)]
    except Exception as error:  # noqa: BLE001 - whatever it is: the rest is worth telling
        says = f"its own storage cannot be read ({type(error).__name__})"
        return [], [
            StatusItem(SERVICE, "dagster", says, "start it once with make up, and read its first error", ENGINEER)
        ]
    checked = {failure.asset for failure in failures if failure.check}
    # The step of an asset whose check failed did not fail by itself.
    failures = [failure for failure in failures if failure.check or failure.asset not in checked]
    return failures, [*_waiting(settings, waits), *_services(settings, found)]


def _waiting(settings: Settings, waits: Sequence[Waiting]) -> Iterator[StatusItem]:
    """Return what a night that is going on waits for: it goes on by itself, so nobody has to do anything."""
    for one in waits:
        since = one.since.astimezone(ZoneInfo(settings.timezone))
        says = f"the night {one.night} waits for it since {since:%H:%M}, and asks it again: {scrubbed(one.why)}"
        yield StatusItem(SERVICE, one.asset, says, facts={"state": "waiting", "last_seen_at": one.since})


def _services(settings: Settings, found: Sequence[Automatic]) -> Iterator[StatusItem]:
    if (settings.state / JOURNAL).exists():
        yield StatusItem(SERVICE, "erase", "the erasure of a person was not completed", "funnel-etl erase", ENGINEER)
    for one in found:
        who = ENGINEER if one.what_to_do else None
        yield StatusItem(SERVICE, one.name, one.says, one.what_to_do, who, {"state": one.state, "last_seen_at": one.at})


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


def looked_at() -> datetime:
    """Return the present instant, for what is told once."""
    return datetime.now(UTC)
