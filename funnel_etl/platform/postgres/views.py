"""Views of `ops` for people: what is open, and for how long; where a row of a dump stands now.

They follow the tables; nothing is published into them.
"""

from funnel_etl.platform.postgres.view_changes import View

VIEWS = [
    View(
        "ops",
        "v_open_quarantine",
        "ops.quarantine",
        """
        SELECT asset, reason, CASE
                WHEN first_seen_at > now() - interval '1 day' THEN 'a day'
                WHEN first_seen_at > now() - interval '7 days' THEN 'a week'
                WHEN first_seen_at > now() - interval '30 days' THEN 'a month'
                ELSE 'more than a month' END AS age,
            count(*) AS rows, min(first_seen_at) AS oldest_at, min(fix_hint) AS fix_hint
        FROM ops.quarantine WHERE resolved_at IS NULL GROUP BY 1, 2, 3 ORDER BY min(first_seen_at), asset, reason
        """,
        "One row per table, reason and age: rows that wait in quarantine, the oldest first",
        {
            "asset": "Table the rows were to be in.",
            "reason": "Reason code; docs/reasons.md lists them.",
            "age": "How long they have waited: up to a day, a week, a month, or more than a month.",
            "rows": "How many.",
            "oldest_at": "When the first of them was first published as quarantined.",
            "fix_hint": "How to fix them; they close by themselves then.",
        },
    ),
    View(
        "ops",
        "current_lines",
        "ops.line_runs",
        """
        SELECT r.source, r.file_id, r.source_row + n AS source_row, r.current_file_id, r.current_row + n AS current_row
        FROM ops.line_runs AS r CROSS JOIN LATERAL generate_series(0, r.rows - 1) AS n
        """,
        "One row per row of the newest dump of each source: where it first stood, and its line now",
        {
            "source": "Source whose dump it is.",
            "file_id": "SHA-256 of the first dump in which exactly this row stood, as on the row itself.",
            "source_row": "Line of that dump, as on the row itself.",
            "current_file_id": "SHA-256 of the newest dump (of one in pages, the page); see ops.files.",
            "current_row": "Line on which the row stands there.",
        },
    ),
]
