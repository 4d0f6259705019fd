"""Row security of restricted tables: each role sees the rows of its own occurrences, and nobody else's.

A row's `owner` is the role it belongs to; members of that role see it. Whoever publishes sees and writes all. Forced,
so that the owner of a table is held to it too, and looked at by each publication. Here: the policies. Not here: which
occurrence is whose (`engagement_owners.csv`), and what a role is granted.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.platform.postgres.short_locks import run

OWNER = "owner"
PUBLISHER, MEMBERS = "funnel_etl_publisher", "funnel_etl_members"
"""Names of the two policies of a restricted table."""
_IS_MEMBER = (
    "EXISTS (SELECT FROM pg_catalog.pg_roles AS r "
    "WHERE r.rolname = owner AND pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER'))"
)
"""By pg_roles, for pg_has_role fails for a role that is not there."""
_MARK = (
    "md5(concat_ws(' ', p.polcmd, p.polpermissive, p.polroles, pg_get_expr(p.polqual, p.polrelid), "
    "pg_get_expr(p.polwithcheck, p.polrelid)))"
)
"""Of what a policy lets through, for whom. It is its comment, so that one that was altered shows."""
_STATE = f"""
SELECT n.nspname || '.' || c.relname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY(:names) AND c.relrowsecurity AND c.relforcerowsecurity
  AND (SELECT array_agg(p.polname::text ORDER BY p.polname) FROM pg_policy AS p WHERE p.polrelid = c.oid)
      = ARRAY[:members, :publisher]
  AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid
                  AND obj_description(p.oid, 'pg_policy') IS DISTINCT FROM {_MARK})
  AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = ANY(:texts)
                  AND a.attstattarget IS DISTINCT FROM 0)
"""  # noqa: S608 - our own texts


def unsecured(connection: sa.Connection, tables: Iterable[Table]) -> list[str]:
    """Return the restricted tables that are not there, or not secured as `secure` does it."""
    restricted = [table for table in tables if table.restricted]
    found = []
    for table in restricted:
        given = {
            "names": [table.full_name],
            "members": MEMBERS,
            "publisher": PUBLISHER,
            "texts": [column.name for column in _texts(table)],
        }
        if connection.execute(sa.text(_STATE), given).first() is None:
            found.append(table.full_name)
    return found


def secure(connection: sa.Connection, table: Table) -> None:
    """Let a table show each role its own rows, and keep no statistics of what people wrote: they would show values."""
    name = f'"{table.schema}"."{table.name}"'
    statements = [
        *(f"DROP POLICY IF EXISTS {row[0]} ON {name}" for row in _policies(connection, table)),
        f"CREATE POLICY {PUBLISHER} ON {name} FOR ALL TO CURRENT_USER USING (true) WITH CHECK (true)",
        f"CREATE POLICY {MEMBERS} ON {name} FOR SELECT TO PUBLIC USING ({_IS_MEMBER})",
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        *(f'ALTER TABLE {name} ALTER COLUMN "{column.name}" SET STATISTICS 0' for column in _texts(table)),
    ]
    for statement in statements:
        run(connection, statement)
    marks = sa.text(f"SELECT polname, {_MARK} FROM pg_policy AS p WHERE polrelid = to_regclass(:name)")  # noqa: S608
    for policy, mark in connection.execute(marks, {"name": table.full_name}).all():
        run(connection, f"COMMENT ON POLICY {policy} ON {name} IS '{mark}'")


def _policies(connection: sa.Connection, table: Table) -> list[tuple[str]]:
    sql = "SELECT quote_ident(polname) FROM pg_policy WHERE polrelid = to_regclass(:name)"
    return [(str(row[0]),) for row in connection.execute(sa.text(sql), {"name": table.full_name})]


def _texts(table: Table) -> list[Column]:
    return [column for column in table.columns if column.personal and column.kind in (Kind.TEXT, Kind.JSON)]
