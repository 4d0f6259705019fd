"""What a night would make of a file of a pulled source: its columns, its rows, its quarantine. Writes nothing.

The rules are those of the night: the same reading, the same transform, the config tables as they lie in the folder.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES, Config, parse_table
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.csvfile import RESERVED
from funnel_etl.core.reading.source_frame import columns_present, raw_records
from funnel_etl.core.tables.reasons import fix_hint
from funnel_etl.core.values.nearest import did_you_mean
from funnel_etl.settings import Settings


@dataclass(frozen=True)
class Quarantined:
    """Rows that would be in quarantine for one reason: how many, the first lines, how they are fixed."""

    reason: str
    rows: int
    lines: list[int]
    fix: str


@dataclass(frozen=True)
class CheckedFile:
    """A file as a night would see it.

    `found`: documented column → the columns of the file that carry it; `absent`: documented ones that it lacks and the
    night can do without; `unknown`: columns of the file that nobody reads. `by_reason`: rows that were merged or left
    out, and cells that could not be read, by "kind:reason".
    """

    source: str
    found: dict[str, tuple[str, ...]]
    absent: list[str]
    unknown: list[str]
    rows_in: int
    rows_out: int
    by_reason: dict[str, int]
    quarantined: list[Quarantined]
    notes: list[str]


def check_source(settings: Settings, source: str, path: Path) -> CheckedFile:
    """Read a file as a night would read it. Raises `FunnelError` for one that a night would refuse."""
    if source not in SOURCES:
        what = f"there is no source {source!r}{did_you_mean(source, SOURCES)}"
        raise FunnelError(what, where="funnel-etl check", fix=f"one of {', '.join(SOURCES)}")
    declared, config = SOURCES[source], _config(settings.config_folder)
    documented, aliases = declared.documented(config), config.aliases(source)
    raw = raw_records(path.read_bytes(), "", source, documented, aliases)
    found = columns_present(raw.rows, documented, aliases, source)
    made = declared.build(raw.rows, config, settings.timezone)
    carried = {name for names in found.values() for name in names}
    rows_by_reason = made.quarantine.groupby("reason")["source_row"].apply(list).to_dict()
    reasons: Counter[str] = Counter()
    for line in made.ledger:
        reasons.update({name: count for name, count in line.reasons.items() if not name.startswith("quarantined:")})
    return CheckedFile(
        source,
        found,
        [column.name for column in documented if column.name not in found],
        [str(name) for name in raw.rows.columns if name not in {*RESERVED, *carried, *(c.name for c in documented)}],
        len(raw.rows),
        len(made.rows),
        dict(reasons),
        [Quarantined(str(why), len(lines), lines[:3], fix_hint(str(why))) for why, lines in rows_by_reason.items()],
        [*raw.notes, *made.notes],
    )


def _config(folder: Path) -> Config:
    files = {name: folder / f"{name}.csv" for name in TABLES}
    return Config(
        {name: parse_table(name, file.read_bytes() if file.is_file() else None) for name, file in files.items()}
    )
