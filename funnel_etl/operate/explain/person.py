"""The story of one person over all published tables, each event with its line of a file.

It shows personal data because somebody asked for this person; nothing of it is logged.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import pandas as pd
import sqlalchemy as sa

from funnel_etl.catalog import PEOPLE
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.source import People
from funnel_etl.core.values.numbers import rupees
from funnel_etl.core.values.phone import normalise_one
from funnel_etl.core.values.text import clean_email
from funnel_etl.operate.explain.deliveries import delivery_events

_AMOUNT = re.compile(r"₹(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Asked:
    """Whom somebody asked for: the phones and e-mails that name the person, and how the words were read."""

    phones: tuple[str, ...]
    emails: tuple[str, ...]
    read_as: str


@dataclass(frozen=True)
class Event:
    """One thing that is known: when, in which table, what in plain words, and the line that says so."""

    at: datetime | None
    table: str
    what: str
    file_id: str | None = None
    line: int | None = None


KNOWN = {
    "clean.bootcamp_participation": "concat_ws(', ', 'bootcamp ' || t.bootcamp_id, 'days ' || t.bootcamp_days)",
    "mart.attributed_m0": """concat_ws(', ', 'M0 of ' || to_char(t.month, 'YYYY-MM'), 'funnel ' || t.funnel,
        t.assignment_count || ' assignments', 'attended: ' || t.attended, 'now with ' || t.current_employee)""",
    "mart.lead_journey": """concat_ws(', ', 'reached: ' || t.stage_reached,
        'first touch: ' || t.first_touch_stage || ' in ' || t.first_touch_funnel,
        t.sales || ' sales, ₹' || t.revenue_inr)""",
    "mart.handover_gaps": """concat_ws(', ', 'gap: ' || t.gap_kind, 'since ' || t.since_date, t.age_days || ' days')""",
    "mart.qualified_leads": """concat_ws(', ', 'attended ' || t.attended_count || ' times, last on '
        || t.last_attended_date, CASE WHEN t.is_assigned THEN 'assigned' ELSE 'never assigned' END)""",
    "mart.restatements": """concat_ws(' ', 'closed month', to_char(t.month, 'YYYY-MM') || ':', t.column_name, t.change,
        'from', t.closed_value, 'to', t.current_value)""",
}
"""Table → SQL for what it says of a phone."""


def whom(connection: sa.Connection, words: str) -> Asked:
    """Read what was typed as a phone in any spelling, a user_id or an e-mail, and find what else names the person.

    Raises `FunnelError` when it is none of them.
    """
    phone, email = read_name(words, "explain")
    if phone:
        return Asked((phone,), (), f"phone {phone}")
    phones = tuple(connection.execute(sa.text(PHONES_OF_EMAIL), {"email": email}).scalars())
    return Asked(phones, (email,), f"e-mail {email}" + (f", with phone {', '.join(phones)}" if phones else ""))


def read_name(words: str, command: str, placeholders: frozenset[str] = frozenset()) -> tuple[str, str]:
    """Read what was typed as a phone in any spelling, a user_id or an e-mail; returns phone and e-mail, one of them "".

    Raises `FunnelError`, as of `command`, when it is none of them, or one of `placeholders`.
    """
    email = clean_email(pd.Series([words], dtype="str")).iloc[0]
    if isinstance(email, str):
        return "", email
    # A user_id is E.164 without its plus: of people abroad it is no phone as typed.
    for text in (words, f"+{words.strip()}"):
        phone = normalise_one(text, placeholders).phone
        if phone:
            return phone, ""
    raise FunnelError(
        "this is no phone, user_id or e-mail",
        where=command,
        fix="type a phone as it stands anywhere (98765 43210, +91…, +971…), a user_id, or an e-mail",
    )


def story(connection: sa.Connection, asked: Asked) -> list[Event]:
    """Return what every table knows of the person: events in order of time, then what follows from them."""
    sent = [Event(*each) for each in delivery_events(connection, asked.phones, asked.emails)]
    dated = [*_events(connection, asked), *(event for event in sent if event.at)]
    events = sorted(dated, key=lambda event: (event.at is None, event.at, event.table))
    found = [*events, *(event for event in sent if not event.at), *_known(connection, asked)]
    return [replace(event, what=_AMOUNT.sub(lambda amount: rupees(Decimal(amount[1])), event.what)) for event in found]


def _events(connection: sa.Connection, asked: Asked) -> Iterator[Event]:
    for table, people in PEOPLE.items():
        join = "JOIN clean.webinars AS e USING (occurrence_id)" if people.of_an_occurrence else ""
        sql = (
            f"SELECT {people.at} AS at, {people.event} AS what, t.file_id, t.source_row "  # noqa: S608 - our own texts
            f"FROM {table} AS t {join} WHERE {named(people, 't.')}"
        )
        for row in connection.execute(sa.text(sql), names(asked)):
            yield Event(row.at, table, row.what, row.file_id, row.source_row)
    for row in connection.execute(sa.text(HISTORY), names(asked)):
        columns = f": {', '.join(row.changed_columns)}" if row.changed_columns else ""
        what = f"the CRM's row was {row.change}{columns}, seen on the night of {row.valid_from}"
        yield Event(row.row_at, "clean.crm_history", what, row.file_id, row.source_row)


def _known(connection: sa.Connection, asked: Asked) -> Iterator[Event]:
    for table, what in KNOWN.items():
        sql = (
            f"SELECT {what} AS what, t.file_id, t.source_row FROM {table} AS t WHERE t.phone = ANY(:phones) ORDER BY 1"  # noqa: S608
        )
        for row in connection.execute(sa.text(sql), names(asked)):
            yield Event(None, table, row.what, row.file_id, row.source_row)
    for row in connection.execute(sa.text(CREDITS), names(asked)):
        yield Event(None, "mart.attribution", f"sale {row.sale_id}, {row.model}: {row.shares}")
    for row in connection.execute(sa.text(MERGED), names(asked)):
        what = f"merged into line {row.into_source_row} ({row.reason}), for {row.asset}"
        yield Event(None, "ops.merged_rows", what, row.file_id, row.source_row)
    for row in connection.execute(sa.text(QUARANTINED), names(asked)):
        closed = "" if row.resolved_at is None else ", fixed since"
        what = f"in quarantine for {row.asset}: {row.reason}{closed}. Fix: {row.fix_hint}"
        yield Event(None, "ops.quarantine", what, row.file_id, row.source_row)


def names(asked: Asked) -> dict[str, list[str]]:
    """Return the values of what `named` and our queries ask for."""
    digits = ["".join(sign for sign in phone if sign.isdigit()) for phone in asked.phones]
    return {
        "phones": list(asked.phones),
        "emails": list(asked.emails),
        "digits": [f"%{text}%" for text in digits if text],
    }


def named(people: People, row: str = "") -> str:
    """Return SQL for whether a row of people is the person's."""
    by_email = f" OR {row}{people.email} = ANY(:emails)" if people.email else ""
    return f"({row}{people.phone} = ANY(:phones){by_email})"


_PHONES = " UNION ".join(
    f"SELECT {people.phone} AS phone FROM {table} WHERE {people.email} = :email"  # noqa: S608 - our own texts
    for table, people in PEOPLE.items()
    if people.email
)
PHONES_OF_EMAIL = f"SELECT DISTINCT phone FROM ({_PHONES}) AS found WHERE phone IS NOT NULL ORDER BY phone"  # noqa: S608
_LINES = " UNION ".join(
    f"SELECT file_id, source_row FROM {table} WHERE {named(people)}"  # noqa: S608 - our own texts
    for table, people in PEOPLE.items()
)
_A_CELL_NAMES = """EXISTS (SELECT 1 FROM jsonb_each_text(CAST(t.row AS jsonb)) AS c(name, cell)
    WHERE regexp_replace(translate(cell, '०१२३४५६७८९', '0123456789'), '[^0-9]', '', 'g') LIKE ANY(:digits)
    OR lower(btrim(cell)) = ANY(:emails))"""
"""Whether one cell of the row `t`, whatever its column is called, is a phone or an e-mail of the person."""
HISTORY = f"""
SELECT t.row_at, t.change, t.changed_columns, t.valid_from, t.file_id, t.source_row FROM clean.crm_history AS t
WHERE t.change <> 'inserted' AND {_A_CELL_NAMES} ORDER BY t.valid_from, t.file_id, t.source_row
"""  # noqa: S608 - our own texts
MERGED = f"""
SELECT m.* FROM ops.merged_rows AS m JOIN ({_LINES}) AS own
ON m.into_file_id = own.file_id AND m.into_source_row = own.source_row ORDER BY m.asset, m.file_id, m.source_row
"""  # noqa: S608 - our own texts
QUARANTINED = f"""
SELECT t.asset, t.reason, t.fix_hint, t.file_id, t.source_row, t.resolved_at FROM ops.quarantine AS t
WHERE {_A_CELL_NAMES} ORDER BY t.first_seen_at, t.file_id, t.source_row
"""  # noqa: S608 - our own texts
CREDITS = """
SELECT a.sale_id, a.model, string_agg(round(a.credit * 100, 1) || ' % ' || a.touch_stage || ' in ' || a.funnel, ', '
    ORDER BY a.touch_number) AS shares
FROM mart.attribution AS a JOIN mart.attributed_sales AS s USING (sale_id) WHERE s.phone = ANY(:phones)
GROUP BY a.sale_id, a.model ORDER BY a.sale_id, a.model
"""
