"""`mart_masked`: the person-level tables of `mart` as views that tell nobody's phone or e-mail. The default for BI.

A personal value is HMAC-SHA256 of it, 24 hex digits, and its last four characters: the same person has the same mask in
every view, so masked tables join. The key is made once per database and lies in `ops.mask_key`, which a BI login
must not read; views read it with their owner's rights.
"""

import secrets
from collections.abc import Iterable

import sqlalchemy as sa

from funnel_etl.core.contracts import Column, Table
from funnel_etl.platform.view_changes import View

MASKED = "mart_masked"
HASH_DIGITS = 24
COMMENT = "The person-level tables of mart with masks in the place of phones: the default for BI."
_BLOCK = 64
"""Block of SHA-256, for which HMAC pads its key."""


def masked_tables(tables: Iterable[Table]) -> list[Table]:
    """Give the tables of `mart` that tell who somebody is."""
    return [table for table in tables if table.schema == "mart" and any(column.personal for column in table.columns)]


def masks(tables: Iterable[Table]) -> list[View]:
    """Give a view for each person-level table, with the same columns and comments."""
    return [_mask(table) for table in masked_tables(tables)]


def make_key(connection: sa.Connection) -> None:
    """Make the key of the masks, if there is none yet."""
    key = {"name": "mask", **_padded(secrets.token_bytes(32))}
    connection.execute(
        sa.text("INSERT INTO ops.mask_key VALUES (:name, :inner_key, :outer_key) ON CONFLICT DO NOTHING"), key
    )


def _mask(table: Table) -> View:
    columns = ", ".join(_masked(column) if column.personal else f't."{column.name}"' for column in table.columns)
    text = "A mask: keyed hash and last four characters; the same person has the same everywhere."
    return View(
        MASKED,
        table.name,
        table.full_name,
        f"SELECT {columns} FROM {table.full_name} AS t CROSS JOIN ops.mask_key AS k",  # noqa: S608
        f"{table.description} Masked: {', '.join(c.name for c in table.columns if c.personal)}.",
        {column.name: text if column.personal else column.description for column in table.columns},
    )


def _masked(column: Column) -> str:
    value = f"""convert_to(t."{column.name}", 'UTF8')"""
    inner = f"sha256(decode(k.inner_key, 'hex') || {value})"
    outer = f"encode(sha256(decode(k.outer_key, 'hex') || {inner}), 'hex')"
    return f"""left({outer}, {HASH_DIGITS}) || '-' || right(t."{column.name}", 4) AS "{column.name}\""""


def _padded(key: bytes) -> dict[str, str]:
    padded = key.ljust(_BLOCK, b"\0")
    return {"inner_key": bytes(b ^ 0x36 for b in padded).hex(), "outer_key": bytes(b ^ 0x5C for b in padded).hex()}
