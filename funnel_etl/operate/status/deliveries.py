"""What `funnel-etl status` tells of deliveries: on or off, how many are in which state, what waits for whom."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.roles import ENGINEER, MARKETING_OPERATIONS
from funnel_etl.core.values.numbers import grouped
from funnel_etl.delivery.contracts import CANCELLED, DELIVERED, STATES, WEBENGAGE
from funnel_etl.delivery.opened import OFF
from funnel_etl.delivery.reading import Account
from funnel_etl.delivery.waiting import NotPlanned, StateCount, of_account, read_not_planned, read_standing
from funnel_etl.delivery.webengage.rules import omitting
from funnel_etl.observe.alerts.deliveries import of_deliveries
from funnel_etl.operate.status.items import DELIVERY, StatusItem
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

RULES = "delivery_rules"


def deliveries(connection: sa.Connection, settings: Settings, now: datetime) -> Iterator[StatusItem]:
    """Return that delivery is off, or where each account stands; then what a person must do, and what to beware of."""
    zone = ZoneInfo(settings.timezone)
    rows = read_standing(connection, now)
    not_planned = read_not_planned(connection, now.astimezone(zone).date())
    if not settings.destinations:
        yield StatusItem(DELIVERY, "delivery", OFF, facts={"is_on": False})
    own = [Account(name, settings.webengage_licence or "") for name in settings.destinations]
    others = {Account(row.destination, row.account) for row in rows} - {*own}
    for account in (*own, *sorted(others, key=lambda each: (each.destination, each.account))):
        yield _standing(account, rows, of_account(not_planned, account), zone, is_own=account in own)
    for cause in of_deliveries(rows, not_planned, settings.destinations):
        yield StatusItem(DELIVERY, cause.kind, cause.what, cause.what_to_do, cause.who, {"cause": cause.key})
    yield from _rules(settings)


def _standing(
    account: Account, rows: Sequence[StateCount], waits: NotPlanned | None, zone: ZoneInfo, *, is_own: bool
) -> StatusItem:
    """Return the counts of an account by state, in the order of a row's life; what is open with its oldest."""
    mine = [row for row in rows if (row.destination, row.account) == (account.destination, account.account)]
    states: Counter[str] = Counter()
    for row in mine:
        states[row.state] += row.rows
    waiting = [row.oldest for row in mine if row.state not in (DELIVERED, CANCELLED)]
    parts = [f"{grouped(states[state])} {state}" for state in STATES if states[state]]
    says = ", ".join(parts) if parts else "nothing is planned yet"
    if waiting:
        says += f"; the oldest that is open since {min(waiting).astimezone(zone):%Y-%m-%d %H:%M %Z}"
    if waits:
        says += f"; {waits.says}"
    facts = {
        "destination": account.destination,
        "account": account.account,
        "is_on": is_own,
        "states": {state: states[state] for state in STATES},
        "waiting_to_be_planned": waits.rows if waits else 0,
        "oldest_open_at": min(waiting) if waiting else None,
    }
    name = f"{account.destination}, account {account.account or 'not set'}"
    if not is_own and any(row.state not in (DELIVERED, CANCELLED) for row in mine):
        says += "; this account is not the one of FUNNEL_WEBENGAGE_LICENCE, or is off: nothing of it is sent"
    return StatusItem(DELIVERY, name, says, facts=facts)


def _rules(settings: Settings) -> Iterator[StatusItem]:
    """Warn of rules by which people who said nothing are opted in at the destination."""
    try:
        sources = NightlySources(settings, Landing(UPath(settings.landing_root)))
        files = sources.config_files(settings.yesterday()).get(RULES, [])
        lines = omitting(sources.config_of({RULES: files}).table(RULES))
    except FunnelError as error:
        yield StatusItem(DELIVERY, f"{RULES}.csv", error.what, error.fix, ENGINEER)
        return
    for profile, kind in lines:
        yield StatusItem(
            DELIVERY,
            f"{RULES}.csv",
            f"warning: the line of profile {profile} and kind {kind} has unknown_consent=omit: who said nothing is "
            "sent without flags, and WebEngage then counts them as opted in for e-mail, SMS and RCS",
            "set it to hold or opted_out, unless these people agreed elsewhere",
            MARKETING_OPERATIONS,
            {"destination": WEBENGAGE, "profile": profile, "kind": kind, "unknown_consent": "omit"},
        )
