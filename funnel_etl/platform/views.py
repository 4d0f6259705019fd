"""Views of `ops` for people: what is open, and for how long. They follow the tables; nothing is published into them."""

import sqlalchemy as sa

from funnel_etl.platform.database import literal

VIEWS = {
    "ops.v_open_quarantine": (
        "One row per table, reason and age: rows that wait in quarantine, the oldest first",
        """
        SELECT asset, reason, CASE
                WHEN first_seen_at > now() - interval '1 day' THEN 'a day'
                WHEN first_seen_at > now() - interval '7 days' THEN 'a week'
                WHEN first_seen_at > now() - interval '30 days' THEN 'a month'
                ELSE 'more than a month' END AS age,
            count(*) AS rows, min(first_seen_at) AS oldest_at, min(fix_hint) AS fix_hint
        FROM ops.quarantine WHERE resolved_at IS NULL GROUP BY 1, 2, 3 ORDER BY min(first_seen_at), asset, reason
        """,
        {
            "asset": "Table the rows were to be in.",
            "reason": "Reason code; docs/reasons.md lists them.",
            "age": "How long they have waited: up to a day, a week, a month, or more than a month.",
            "rows": "How many.",
            "oldest_at": "When the first of them was first published as quarantined.",
            "fix_hint": "How to mend them; they close by themselves then.",
        },
    ),
}
"""View → its comment, its query, and what each column is."""


def drop_views(connection: sa.Connection) -> None:
    """Drop them, so that the columns below them may change."""
    for name in VIEWS:
        connection.execute(sa.text(f"DROP VIEW IF EXISTS {name}"))


def make_views(connection: sa.Connection) -> None:
    """Make each view, with its comments."""
    for name, (comment, query, columns) in VIEWS.items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {query}")
        connection.exec_driver_sql(f"COMMENT ON VIEW {name} IS {literal(comment)}")
        for column, text in columns.items():
            connection.exec_driver_sql(f'COMMENT ON COLUMN {name}."{column}" IS {literal(text)}')
