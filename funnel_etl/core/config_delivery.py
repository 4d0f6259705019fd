"""The config tables of delivery: which columns an event or a user may be sent with, and what is wrong with a line.

Here: names and checks. Not here: what is made of them (`delivery/webengage`), and what one cell may hold
(`config_models`).
"""

from collections.abc import Iterable, Iterator
from datetime import date

from funnel_etl.core.config_faults import Fault, Tables, bad_cells, cell, patterns, unknown
from funnel_etl.core.values.nearest import did_you_mean
from funnel_etl.core.values.text import lookup_key, lookup_keys

TEXT, NUMBER, DATE, BOOLEAN = "text", "number", "date", "boolean"
REGISTERED, ATTENDED, USER = "registered", "attended", "user"

_OF_THE_EVENT = {
    **dict.fromkeys(("topic", "webinar_id", "occurrence_id", "profile", "product", "category"), TEXT),
    **dict.fromkeys(("track", "conductor", "bootcamp_day", "bootcamp_day_short", "source_tag", "funnel"), TEXT),
    **dict.fromkeys(("event_date", "started_at"), DATE),
    "duration_minutes": NUMBER,
}
_OF_THE_REGISTRATION = {
    **dict.fromkeys(("approval_status", "registration_source", "attendance_type"), TEXT),
    "registered_at": DATE,
}
COLUMNS = {
    REGISTERED: _OF_THE_EVENT | _OF_THE_REGISTRATION,
    ATTENDED: _OF_THE_EVENT
    | _OF_THE_REGISTRATION
    | {
        **dict.fromkeys(("joined_at", "left_at"), DATE),
        **dict.fromkeys(("minutes", "minutes_max", "minutes_sum", "minutes_union", "segment_count"), NUMBER),
        "is_guest": BOOLEAN,
        "country": TEXT,
    },
    USER: {"user_name": TEXT},
}
"""Kind → the columns that `{column}` of `delivery_attributes.csv` may name → which type each has.

No name, phone or e-mail is among those of events: they are in the profile of the user.
"""


def delivery_faults(tables: Tables) -> dict[str, Iterable[Fault]]:
    """Return what is wrong with the tables of delivery, by table."""
    return {
        "delivery_rules": [*_undated(tables), *_profiles(tables, "delivery_rules")],
        "delivery_attributes": [*_values(tables), *_profiles(tables, "delivery_attributes")],
        "consent_questions": _questions(tables),
    }


def column_of(value: str) -> str | None:
    """Return the column that a value of `delivery_attributes.csv` names; None: it is a constant."""
    text = value.strip()
    return text[1:-1].strip() if text.startswith("{") and text.endswith("}") else None


def constant_of(value: str, kind: str) -> str | float | date | bool | None:
    """Return the constant after the `=` as a type has it; None: it is none of that type."""
    text = value.strip().removeprefix("=").strip()
    try:
        if kind == NUMBER:
            number = float(text)
            return int(number) if number.is_integer() else number
        if kind == DATE:
            return date.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    if kind == BOOLEAN:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower())
    return text or None


def _undated(tables: Tables) -> Iterator[Fault]:
    rows = tables["delivery_rules"]
    for line in rows.loc[(rows["deliver"] == "yes") & rows["from_date"].isna(), "line"]:
        what = cell(line, "from_date", "", "must not be blank where deliver is yes: nothing from before it is sent")
        yield Fault(line, what, "write the first day whose events are sent, as 2026-12-01")


def _profiles(tables: Tables, name: str) -> Iterator[Fault]:
    """Yield profiles that are not there; a pattern with `*` need not fit one."""
    yield from patterns(tables, name, "profile")
    rows = tables[name]
    named = {**tables, name: rows[~rows["profile"].str.contains("*", regex=False)]}
    fix = "use a profile of zoom_profiles.csv, or a pattern with *"
    known = tables["zoom_profiles"]["name"]
    yield from unknown(named, name, "profile", known, "is not in zoom_profiles.csv", fix)


def _values(tables: Tables) -> Iterator[Fault]:
    rows = tables["delivery_attributes"]
    kinds = lookup_keys(rows["type"]).replace("", TEXT)
    for line, kind, value, wanted in zip(rows["line"], rows["kind"], rows["value"], kinds, strict=True):
        if (fault := _value_fault(line, kind, value, wanted)) is not None:
            yield fault


def _value_fault(line: int, kind: str, value: str, wanted: str) -> Fault | None:
    columns, name = COLUMNS[kind], column_of(value)
    if name is None:
        if not value.startswith("="):
            fix = "write a column as {topic}, or a constant as =Plutus"
            return Fault(line, cell(line, "value", value, "is neither {column} nor =constant"), fix)
        if constant_of(value, wanted) is None:
            fix = "correct it, or write text for its type"
            return Fault(line, cell(line, "value", value, f"is no {wanted}"), fix)
        return None
    has = columns.get(lookup_key(name))
    if has is None:
        what = f"names no column that a line of kind {kind} may send{did_you_mean(name, columns)}"
        return Fault(line, cell(line, "value", value, what), f"use one of {', '.join(columns)}")
    if wanted not in (TEXT, has):
        return Fault(
            line, cell(line, "type", wanted, f"does not fit {value}, which is a {has}"), f"write {has} or text"
        )
    return None


def _questions(tables: Tables) -> Iterator[Fault]:
    yield from patterns(tables, "consent_questions", "pattern")
    yield from bad_cells(
        tables,
        "consent_questions",
        "pattern",
        lambda value: "" if any(sign.isalnum() for sign in value) else "fits every question of every form",
        "write the words that only this question has",
    )
