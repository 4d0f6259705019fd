"""Contracts of `ops`: what became of every file and row, and which nights were published."""

from funnel_etl.core.reading.common_columns import TRACE_COLUMNS
from funnel_etl.core.reading.schema_drift import ALL_COLUMNS, CHANGES
from funnel_etl.core.tables.contracts import Column, Kind, Table

_PART = Column("part", Kind.TEXT, "Part whose publication wrote the row.", required=True)
_ASSET = Column("asset", Kind.TEXT, "Table that was being made, as schema.table.", required=True)

FILES = Table(
    "ops",
    "files",
    "One row per file or pull that arrived",
    ("arrival_id",),
    (
        Column("arrival_id", Kind.TEXT, "Names the arrival; the same bytes may arrive more than once.", required=True),
        Column("file_id", Kind.TEXT, "SHA-256 of the bytes.", required=True),
        Column("source", Kind.TEXT, "Source it came from.", required=True),
        Column("kind", Kind.TEXT, "pull, file, config, or closing (what a closed month held).", required=True),
        Column("name", Kind.TEXT, "File name, or address without secrets."),
        Column("received_at", Kind.TIMESTAMP, "When it arrived.", required=True),
        Column("bytes", Kind.INTEGER, "Its size.", required=True),
        Column("rows", Kind.INTEGER, "Records read from it; NULL when it was not read."),
        Column(
            "status",
            Kind.TEXT,
            "loaded; superseded by a later report; duplicate of bytes already there; rejected; withdrawn by a person "
            "(funnel-etl zoom withdraw).",
            required=True,
            values=("loaded", "superseded", "duplicate", "rejected", "withdrawn"),
        ),
        Column("reason", Kind.TEXT, "Why it was not loaded, or why it was withdrawn."),
        Column("warnings", Kind.JSON, "What a person should know of a file that was loaded, as a list; NULL: nothing."),
        Column("occurrence_id", Kind.TEXT, "Webinar occurrence a Zoom report belongs to."),
        Column("landing_path", Kind.TEXT, "Where the bytes are, below the landing archive.", required=True),
    ),
)

ROW_LEDGER = Table(
    "ops",
    "row_ledger",
    "One row per run, asset and input",
    ("run_id", "asset", "input_name"),
    (
        Column("run_id", Kind.TEXT, "Dagster run that made the table.", required=True),
        _ASSET,
        Column("input_name", Kind.TEXT, "Table or file whose rows came in.", required=True),
        _PART,
        Column("as_of", Kind.DATE, "Night.", required=True),
        Column("rows_in", Kind.INTEGER, "Rows that came in.", required=True),
        Column("rows_out", Kind.INTEGER, "Rows kept.", required=True),
        Column("merged", Kind.INTEGER, "Rows collapsed into others.", required=True),
        Column("quarantined", Kind.INTEGER, "Rows put aside, with a reason.", required=True),
        Column("excluded", Kind.INTEGER, "Rows left out by a named rule.", required=True),
        Column(
            "cell_warnings",
            Kind.INTEGER,
            "Cells that could not be read and became NULL; their rows were kept.",
            required=True,
        ),
        Column("reasons", Kind.JSON, "How many rows for which reason: kind:reason → count.", required=True),
    ),
    note="rows_in = rows_out + merged + quarantined + excluded, enforced before anything is published.",
)

QUARANTINE = Table(
    "ops",
    "quarantine",
    "One row per source row that could not be used",
    ("asset", "row_key"),
    (
        _ASSET,
        Column(
            "row_key",
            Kind.TEXT,
            "Names the row by its content: the same line of tomorrow's dump is the same row.",
            required=True,
        ),
        _PART,
        *TRACE_COLUMNS,
        Column("reason", Kind.TEXT, "Reason code; docs/reasons.md lists them.", required=True),
        Column("detail", Kind.TEXT, "Column the reason is about."),
        Column("fix_hint", Kind.TEXT, "How to fix it.", required=True),
        Column("row", Kind.JSON, "The row whole: source column → text.", required=True, personal=True),
        Column(
            "first_seen_at", Kind.TIMESTAMP, "When it was first published as quarantined. Set when it is published."
        ),
        Column("resolved_at", Kind.TIMESTAMP, "When a publication no longer had it; NULL while it is open."),
    ),
)

MERGED_ROWS = Table(
    "ops",
    "merged_rows",
    "One row per source row collapsed into another, per asset",
    ("asset", "file_id", "source_row", "into_file_id", "into_source_row"),
    (
        _ASSET,
        _PART,
        *TRACE_COLUMNS,
        Column("into_file_id", Kind.TEXT, "File of the row that stayed.", required=True),
        Column("into_source_row", Kind.INTEGER, "Line of the row that stayed.", required=True),
        Column("reason", Kind.TEXT, "Why they are one.", required=True),
    ),
)

LINE_RUNS = Table(
    "ops",
    "line_runs",
    "One row per run of lines of the newest dump that follow on each other where they first stood, too",
    ("source", "file_id", "source_row"),
    (
        Column("source", Kind.TEXT, "Source whose dump it is.", required=True),
        *TRACE_COLUMNS,
        Column("rows", Kind.INTEGER, "How many lines: this one and those after it.", required=True),
        Column("current_file_id", Kind.TEXT, "SHA-256 of the newest dump, or the page of it.", required=True),
        Column("current_row", Kind.INTEGER, "Line of it on which the first of them stands.", required=True),
        _PART,
    ),
    note="What ops.current_lines is made of: a dump that only grew is one run for each night it grew in.",
)

SCHEMA_DRIFT = Table(
    "ops",
    "schema_drift",
    "One row per source, night and change of its header",
    ("source", "as_of", "change", "column_name"),
    (
        Column("source", Kind.TEXT, "Pulled source whose header changed.", required=True),
        Column("as_of", Kind.DATE, "Night that saw it.", required=True),
        Column(
            "change",
            Kind.TEXT,
            "; ".join(f"{name}: {meaning}" for name, meaning in CHANGES.items()) + ".",
            required=True,
            values=tuple(CHANGES),
        ),
        Column("column_name", Kind.TEXT, f"Column as the file names it; {ALL_COLUMNS} for their order.", required=True),
        Column("was", Kind.TEXT, "Name it had before, where it was renamed."),
        Column("hint", Kind.TEXT, "What became of it, or the line for column_aliases.csv that fixes it."),
        _PART,
    ),
    note="Against the dump of the night before; a first dump against the documented layout. No row: nothing changed. "
    "A dump without a needed column is refused instead; see ops.files.",
)

CONFIG_VERSIONS = Table(
    "ops",
    "config_versions",
    "One row per version of a config table that was seen, and per file of its folder that nobody reads",
    ("name", "file_id"),
    (
        Column("name", Kind.TEXT, "Config table, without .csv; of a file that nobody reads its name.", required=True),
        Column("file_id", Kind.TEXT, "SHA-256 of its bytes; (gone) and (unread) have none.", required=True),
        Column(
            "status",
            Kind.TEXT,
            "Whether it was accepted; unread: it is no config table.",
            required=True,
            values=("accepted", "rejected", "unread"),
        ),
        Column(
            "errors",
            Kind.TEXT,
            "Why it was rejected, with line, column and value (the last good version stayed in force), or not read.",
        ),
        Column("received_at", Kind.TIMESTAMP, "When it was first seen; unread: last written.", required=True),
    ),
)

NIGHTS = Table(
    "ops",
    "nights",
    "One row per published version of a part",
    ("version",),
    (
        Column("version", Kind.INTEGER, "Number of the version, over all parts.", required=True),
        Column(
            "part",
            Kind.TEXT,
            "Part that was published: marketing, sales, funnel, parity, changes, engagement, delivery, watch.",
            required=True,
        ),
        Column("as_of", Kind.DATE, "Night.", required=True),
        Column("published_at", Kind.TIMESTAMP, "When.", required=True),
        Column("run_id", Kind.TEXT, "Dagster run.", required=True),
        Column("code_version", Kind.TEXT, "Version of funnel_etl.", required=True),
        Column("config_version", Kind.TEXT, "Hash of the config tables in force.", required=True),
        Column("inserted", Kind.INTEGER, "Rows inserted, over its tables.", required=True),
        Column("changed", Kind.INTEGER, "Rows changed.", required=True),
        Column("deleted", Kind.INTEGER, "Rows deleted.", required=True),
    ),
    live=True,
)

PUBLISHED_TABLES = Table(
    "ops",
    "published_tables",
    "One row per table, or part of one that parts share: which content PostgreSQL holds",
    ("table_name",),
    (
        Column(
            "table_name", Kind.TEXT, "schema.table; where parts share it followed by 'of' and the part.", required=True
        ),
        Column(
            "content_hash",
            Kind.TEXT,
            "SHA-256 of its Parquet file in the lake; it is not sent again while PostgreSQL holds it.",
            required=True,
        ),
        Column("as_of", Kind.DATE, "Night it was published for last.", required=True),
        Column("version", Kind.INTEGER, "Version that changed it last; see ops.nights.", required=True),
        Column(
            "checksum",
            Kind.TEXT,
            "Mark of the rows that were published: hash of the columns, count of rows, sum of the transactions that "
            "wrote them (after #: of their hashes). The next publication computes it of what PostgreSQL holds; another "
            "one means that somebody else wrote there.",
        ),
        Column("run_id", Kind.TEXT, "Run that compared it last."),
    ),
    live=True,
)

REPAIRS = Table(
    "ops",
    "repairs",
    "One row per table or view that was found changed by somebody else, and was put right",
    ("name", "found_at"),
    (
        Column("name", Kind.TEXT, "schema.table.", required=True),
        Column("found_at", Kind.TIMESTAMP, "When.", required=True),
        Column("says", Kind.TEXT, "What was found, and what putting it right moved.", required=True),
        Column("version", Kind.INTEGER, "Version that put its rows right; NULL: before one, its shape."),
        Column("rows_left", Kind.INTEGER, "Rows as they were published last."),
        Column("rows_found", Kind.INTEGER, "Rows that were there instead."),
        Column("inserted", Kind.INTEGER, "Rows inserted by that version; what is new that night is in it."),
        Column("changed", Kind.INTEGER, "Rows changed, likewise."),
        Column("deleted", Kind.INTEGER, "Rows deleted, likewise."),
    ),
    note="Only funnel_etl may write to its tables: a row here is a hand edit, or a restore of an older dump.",
    live=True,
)

OWNER = Table(
    "ops",
    "owner",
    "One row: the installation this database is published from",
    ("name",),
    (
        Column("name", Kind.TEXT, "Always owner.", required=True, values=("owner",)),
        Column("archive_id", Kind.TEXT, "Id of its landing archive, made once and kept in it.", required=True),
        Column("run_id", Kind.TEXT, "Run that published last, or adoption (adopted-…)."),
        Column("version", Kind.INTEGER, "Version that was published last.", required=True),
        Column("since_version", Kind.INTEGER, "Version after which it was adopted; 0: from the first.", required=True),
        Column("published_at", Kind.TIMESTAMP, "When it was published last, or adopted.", required=True),
        Column("host", Kind.TEXT, "Machine that published last."),
        Column("home", Kind.TEXT, "FUNNEL_HOME of that installation."),
        Column("archive_place", Kind.TEXT, "Hash of where its landing archive lies."),
    ),
    note="Another archive, or a copy of it at another place on another machine, is refused until a person says "
    "funnel-etl db adopt.",
    live=True,
)

SCHEMA_MARKS = Table(
    "ops",
    "schema_marks",
    "One row per contract this database was brought up to, and one for the views made from all of them",
    ("mark",),
    (
        Column("mark", Kind.TEXT, "SHA-256 of the contract.", required=True),
        Column("views", Kind.TEXT, "Of the views: MD5 of their definitions, as they were made."),
    ),
    live=True,
)

APP_ACTIONS = Table(
    "ops",
    "app_actions",
    "One row per thing somebody did or looked up on the page",
    ("action_id",),
    (
        Column("action_id", Kind.TEXT, "Random id.", required=True),
        Column("at", Kind.TIMESTAMP, "When.", required=True),
        Column("who", Kind.TEXT, "E-mail they signed in with; `local` on the machine itself.", required=True),
        Column("page", Kind.TEXT, "Page they did it on.", required=True),
        Column("action", Kind.TEXT, "What they did, as `accepted a file`.", required=True),
        Column("about", Kind.TEXT, "What it was about: a file, a night, a run; of people only the key of their rows."),
        Column("outcome", Kind.TEXT, "done, or in one line why not.", required=True),
    ),
    note="Written by funnel-etl app as it happens; no phone, e-mail or name of a lead is in it.",
    live=True,
)

MASK_KEY = Table(
    "ops",
    "mask_key",
    "One row: the key of the masks in mart_masked",
    ("name",),
    (
        Column("name", Kind.TEXT, "Always mask.", required=True, values=("mask",)),
        Column("inner_key", Kind.TEXT, "The key as HMAC pads it for its inner hash, in hex.", required=True),
        Column("outer_key", Kind.TEXT, "The key as HMAC pads it for its outer hash, in hex.", required=True),
    ),
    note="Not for BI logins: who has it can find out which phone a mask stands for. Made once, never published.",
    live=True,
)

TABLES = (
    FILES,
    ROW_LEDGER,
    QUARANTINE,
    MERGED_ROWS,
    LINE_RUNS,
    SCHEMA_DRIFT,
    CONFIG_VERSIONS,
    NIGHTS,
    PUBLISHED_TABLES,
    REPAIRS,
    OWNER,
    SCHEMA_MARKS,
    MASK_KEY,
    APP_ACTIONS,
)
