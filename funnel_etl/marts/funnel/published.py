"""What each night published of the facts, and what they were made from: kept in the landing archive.

The lake is only a cache, and a night made again may differ from what people saw. What changed since a night
(`changes/`) is told from this. No personal data: the facts themselves, and the hashes of files and tables.
"""

import hashlib
import io
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

import funnel_etl
from funnel_etl.catalog import SOURCES
from funnel_etl.core.errors import FunnelError
from funnel_etl.marts.funnel.assets import MADE_FROM
from funnel_etl.marts.funnel.contracts import FUNNEL_FACTS
from funnel_etl.parts.marketing.zoom.clean.contracts import ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.intake import SOURCE as ZOOM
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.lake import Lake
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now

SOURCE = "published_facts"
FROM = (*SOURCES, ZOOM)
"""The landing sources the facts come from."""
_KEPT = b"published"
_CODE = ("core", "sources", "parts", "marts/funnel")


@dataclass(frozen=True)
class MadeFrom:
    """What published facts were made from.

    `files`: source → file_ids; `config`: table of config_csv → file_ids; `tables`: full name → content hash in the
    lake; `code`: version, and hash of the program's own text; `zone`: of business days.
    """

    as_of: str
    code: str
    zone: str
    files: dict[str, list[str]]
    config: dict[str, list[str]]
    tables: dict[str, str]


@dataclass(frozen=True)
class PublishedFacts:
    """The facts as a night published them last."""

    night: date
    made_from: MadeFrom
    facts: pd.DataFrame = field(repr=False)


def keep(night: Night, lake: Lake) -> None:
    """Land the facts that were just published, and write down that they are the night's; the same again is nothing."""
    landing = night.sources.landing
    made_from = MadeFrom(
        as_of=night.day.isoformat(),
        code=code_in_force(),
        zone=night.zone,
        files={source: landing.night(night.day, source) or [] for source in FROM},
        config=night.sources.config_files(night.day),
        tables={table.full_name: lake.content_hash(table, night.day) for table in (*MADE_FROM, ZOOM_REPORTS)},
    )
    facts = lake.read_arrow(FUNNEL_FACTS, night.day)
    marked = facts.replace_schema_metadata({_KEPT: json.dumps(asdict(made_from), sort_keys=True).encode()})
    buffer = io.BytesIO()
    pq.write_table(marked, buffer, compression="zstd")
    data = buffer.getvalue()
    file_id = landing.file_id_of(data)
    if not landing.has(file_id):
        name = f"{SOURCE}_{night.day}.parquet"
        file_id = landing.put(SOURCE, "closing", name, data, received_at=utc_now()).file_id
    if landing.night(night.day, SOURCE) != [file_id]:
        landing.record_night(night.day, SOURCE, [file_id])


def published_before(landing: Landing, night: date) -> PublishedFacts | None:
    """Return the facts published last of the newest night before this one; None: there was none."""
    for day in reversed(landing.nights(SOURCE)):
        kept = landing.night(day, SOURCE) if day < night else None
        if kept:
            return _read(day, landing.read(kept[0]))
    return None


@cache
def code_in_force() -> str:
    """Name the code the facts are made by: version, and a hash of the modules that have a say in them."""
    package = Path(funnel_etl.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for part in _CODE for path in (package / part).rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{version('funnel_etl')}+{digest.hexdigest()[:12]}"


def _read(day: date, data: bytes) -> PublishedFacts:
    table = pq.read_table(io.BytesIO(data))
    try:
        made_from = MadeFrom(**json.loads(table.schema.metadata[_KEPT]))
    except (KeyError, TypeError, ValueError):
        raise FunnelError(
            "it does not say what its facts were made from",
            where=f"{SOURCE} of {day}",
            fix="restore the landing archive from a backup",
        ) from None
    return PublishedFacts(day, made_from, FUNNEL_FACTS.from_arrow(table.select(FUNNEL_FACTS.names)))
