"""`mart_masked`: the tables of `mart` as views that show nobody's phone or e-mail. The default for BI.

A personal column is HMAC-SHA256 of its value, 24 hex digits, and its last four characters: the same person has the same
mask in every view, so masked tables join. A text that somebody typed (source, funnel, employee, topic, sale id) is
masked whole, in the same way, where it holds a phone or an e-mail. The key is made once per database and lies in
`ops.mask_key`, which a BI login must not read; views read it with their owner's rights.
"""

import secrets
from collections.abc import Iterable

import sqlalchemy as sa

from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.platform.postgres.database import literal
from funnel_etl.platform.postgres.view_changes import View

MASKED = "mart_masked"
HASH_DIGITS = 24
COMMENT = "The tables of mart with masks in the place of phones and e-mails, typed ones too: the default for BI."
PLAIN = {
    *("file_id", "occurrence_id", "last_occurrence_id", "webinar_id", "version", "code_version", "config_version"),
    *("column_name", "final_funnel_rule", "source_tag"),
}
"""Text columns that nobody types: hashes, Zoom's ids, which look like phones, and names of ours; beside `values`."""
_TYPED = {Kind.TEXT, Kind.TEXT_ARRAY, Kind.JSON}
_BLOCK = 64
"""Block of SHA-256, for which HMAC pads its key."""

_ZEROS = "٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀០᠐"
"""The zeros of the scripts around India and the Gulf; NFKC makes ASCII digits of full-width and styled ones."""
_DIGITS = "".join(chr(ord(zero) + digit) for zero in _ZEROS for digit in range(10))
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Characters that split a number unseen."""

# Regular expressions of PostgreSQL. It builds its automaton anew for each text, so a long one is dear: most texts are
# seen to hold nobody by the first or the second test, and a lookaround would take four times as long.
_SIGNS = r"[^\x01-/:-?A-\x7f]"
"""A digit, an @, or anything that is not ASCII."""
_STYLED = (
    rf"[{_DIGITS}\u00b2\u00b3\u00b9\u2070-\u2089\u2460-\u2468\u24ea\uff0b\uff10-\uff19\uff20\U0001d7ce-\U0001d7ff]"
)
"""Digits, @ and + that are not ASCII."""
_BETWEEN = rf"[-\s.()/_\u00a0\u00b7\u2000-\u2015\u2022\u202f\u2212\u3000{_INVISIBLE}]*"
_TEN_CLOSE = rf"(?:[0-9]{_BETWEEN}){{10}}"
_BEGIN, _END = r"(?:^|[^0-9])", r"(?:[^0-9]|$)"
_WITH_COUNTRY = rf"(?:\+|{_BEGIN}00){_BETWEEN}[1-9](?:{_BETWEEN}[0-9]){{7,14}}{_END}"
_WITHOUT_COUNTRY = "|".join(
    (
        rf"{_BEGIN}(?:91{_BETWEEN}){{0,2}}0?{_BETWEEN}[6-9](?:{_BETWEEN}[0-9]){{9}}{_END}",
        rf"{_BEGIN}0{_BETWEEN}[1-8](?:{_BETWEEN}[0-9]){{8,9}}{_END}",
        rf"{_BEGIN}[2-9][0-9]{{2}}\)?[-. ][0-9]{{3}}[-. ][0-9]{{4}}{_END}",
    )
)
"""Indian mobiles, also with 91 or 0, Indian landlines, and the American spelling."""
_EMAIL = r"[^\s@<>]\s?(?:@|%40)\s?[^\s@<>]+?\.[^\s0-9@.]{2}"
_DATES = (
    r"(?<![0-9])(?:[0-3]?[0-9][-./ ][01]?[0-9][-./ ](?:19|20)[0-9]{2}"
    r"|(?:19|20)[0-9]{2}[-./ ]?[01][0-9][-./ ]?[0-3][0-9])(?![0-9])"
)
"""Dates with a time behind them have as many digits as a phone, and stand in many topics."""
_IDS = "^(?=.*[a-f])(?=.*[0-9])[0-9a-f-]{16,64}$"
"""Hex ids, as the CRM's _id."""


def masked_tables(tables: Iterable[Table]) -> list[Table]:
    """Return the tables that have a masked view: all of `mart` in PostgreSQL, but those that roles see own rows of."""
    return [table for table in tables if table.schema == "mart" and not table.restricted and not table.lake_only]


def masks(tables: Iterable[Table]) -> list[View]:
    """Return a view for each table of `mart`, with the same columns and comments."""
    return [_mask(table) for table in masked_tables(tables)]


def make_key(connection: sa.Connection) -> None:
    """Make the key of the masks, if there is none yet."""
    key = {"name": "mask", **_padded(secrets.token_bytes(32))}
    connection.execute(
        sa.text("INSERT INTO ops.mask_key VALUES (:name, :inner_key, :outer_key) ON CONFLICT DO NOTHING"), key
    )


def is_typed(column: Column) -> bool:
    """Whether a column holds text that somebody may have typed a phone or an e-mail into."""
    return column.kind in _TYPED and not column.personal and not column.values and column.name not in PLAIN


def _mask(table: Table) -> View:
    personal = ", ".join(column.name for column in table.columns if column.personal)
    columns = ", ".join(f'{masked_column(column)} AS "{column.name}"' for column in table.columns)
    note = "A phone or e-mail that was typed into a text is masked."
    return View(
        MASKED,
        table.name,
        table.full_name,
        f"SELECT {columns} FROM {table.full_name} AS t CROSS JOIN {masking_rows()}",  # noqa: S608
        f"{table.description} {f'Masked: {personal}. ' if personal else ''}{note}",
        {column.name: _described(column) for column in table.columns},
    )


def masked_column(column: Column) -> str:
    """Return the SQL of a column of a table `t` as its view shows it; the query joins `masking_rows()` too."""
    value = f't."{column.name}"'
    if not is_typed(column):
        return _hashed(value) if column.personal else value
    if column.kind is Kind.TEXT_ARRAY:
        # Of no elements array_agg makes NULL.
        elements = f"unnest({value}) WITH ORDINALITY AS e(value, place)"
        masked = f"(SELECT array_agg({_masked_text('e.value')} ORDER BY e.place) FROM {elements})"  # noqa: S608
        return f"CASE WHEN cardinality({value}) > 0 THEN {masked} ELSE {value} END"
    if column.kind is Kind.JSON:
        text = f"CAST({value} AS text)"
        return _if_person(text, f"to_jsonb({_hashed(text)})", value)
    return _masked_text(value)


def masking_rows() -> str:
    """Return the SQL of what `masked_column` needs beside its table: the key and the patterns, one row."""
    return f"ops.mask_key AS k CROSS JOIN {_patterns()} AS p"


def _described(column: Column) -> str:
    if column.personal:
        return "A mask: keyed hash and last four characters; the same person has the same everywhere."
    return (
        f"{column.description} Masked where it holds a phone or an e-mail." if is_typed(column) else column.description
    )


def _masked_text(value: str) -> str:
    return _if_person(value, _hashed(value), value)


def _if_person(value: str, then: str, otherwise: str) -> str:
    """Return SQL for `then` if the text `value` holds a phone or an e-mail. By CASE: AND keeps no order.

    In collation C, which regular expressions are twice as quick with.
    """
    text = f'({value} COLLATE "C")'
    is_styled = f"octet_length({value}) > length({value}) AND {text} ~ p.styled"
    signs = " OR ".join(f"strpos({value}, '{sign}') > 0" for sign in ("@", "%40", "+"))
    plain = f"(CASE WHEN {is_styled} THEN translate(normalize({text}, NFKC), p.digits, p.ascii) ELSE {text} END)"
    sure = (
        f"({plain} ~ p.sure OR regexp_replace({plain}, p.dates, 'd', 'g') ~ p.without_country) AND NOT {text} ~ p.ids"
    )
    maybe = f"CASE WHEN {signs} OR {text} ~ p.ten_close OR ({is_styled}) THEN {sure} END"
    return f"CASE WHEN CASE WHEN {text} ~ p.signs THEN {maybe} END THEN {then} ELSE {otherwise} END"


def _patterns() -> str:
    """Return the SQL of one row with all patterns: written once a view, or replacing one would take too long."""
    named = {
        "signs": _SIGNS,
        "styled": _STYLED,
        "ten_close": _TEN_CLOSE,
        "sure": f"{_WITH_COUNTRY}|{_EMAIL}",
        "without_country": _WITHOUT_COUNTRY,
        "dates": _DATES,
        "ids": _IDS,
        "digits": _DIGITS + _INVISIBLE,
        "ascii": "0123456789" * len(_ZEROS),
    }
    return f"(SELECT {', '.join(f'{literal(pattern)} AS {name}' for name, pattern in named.items())})"


def _hashed(value: str) -> str:
    inner = f"sha256(decode(k.inner_key, 'hex') || convert_to({value}, 'UTF8'))"
    outer = f"encode(sha256(decode(k.outer_key, 'hex') || {inner}), 'hex')"
    return f"left({outer}, {HASH_DIGITS}) || '-' || right({value}, 4)"


def _padded(key: bytes) -> dict[str, str]:
    padded = key.ljust(_BLOCK, b"\0")
    return {"inner_key": bytes(b ^ 0x36 for b in padded).hex(), "outer_key": bytes(b ^ 0x5C for b in padded).hex()}
