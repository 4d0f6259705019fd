"""One partition per dropped file: its key, and what the Dagster UI shows of it."""

from typing import Any

import dagster as dg

from funnel_etl.marketing.zoom.diagnose import Diagnosis, examine, render
from funnel_etl.marketing.zoom.intake import ParsedReports
from funnel_etl.marketing.zoom.measures import date_ratio
from funnel_etl.sources.arrivals import Arrival
from funnel_etl.sources.nightly import NightlySources

EXPORT = dg.AssetKey(["zoom", "export"])
exports = dg.DynamicPartitionsDefinition(name="zoom_exports")
"""One partition per dropped file: the first 16 digits of its SHA-256."""


def partition_key(file_id: str) -> str:
    """Name the partition of a file."""
    return file_id[:16]


def diagnosis_of(arrival: Arrival, sources: NightlySources, parsed: ParsedReports) -> Diagnosis:
    """Diagnose a landed report from what was read of it, with the config in force. Raises `NotAZoomReport`."""
    facts, measures = parsed.told(arrival.file_id)
    _, rows, _ = parsed.get(arrival.file_id)
    settings = sources.settings
    config = sources.config(settings.yesterday())
    return examine(facts, rows, measures, settings.timezone, config, settings.zoom_date_ratio, folder=arrival.folder)


def metadata_of(found: Diagnosis, arrival: Arrival) -> dict[str, Any]:
    """Give a diagnosis as metadata of a partition: no cell of a person is in it."""
    measures = found.measures
    assert measures is not None  # noqa: S101 - only of reports that were read
    sections: dict[str, int] = {}
    for section in measures["sections"]:
        sections[section["role"]] = sections.get(section["role"], 0) + section["rows"]
    counts = {name: {"summary": said, "rows": rows} for name, said, rows in found.reconciled}
    return {
        "dagster/row_count": sum(sections.values()),
        "bytes": arrival.bytes,
        "report": found.report,
        "sections": dg.MetadataValue.json(sections),
        "date_parse_ratio": round(date_ratio(measures), 4),
        "phones": dg.MetadataValue.json(found.phones),
        "rows": dg.MetadataValue.json(found.fates),
        "reconciliation": dg.MetadataValue.json(counts),
        "unknown_columns": dg.MetadataValue.json(measures["unknown_columns"]),
        "warnings": dg.MetadataValue.json(found.warnings),
        "warning_count": len(found.warnings),
        "event": dg.MetadataValue.json(found.event),
        "told": dg.MetadataValue.md(f"```\n{render(found, arrival.name)}\n```"),
    }
