"""One partition per dropped file: its key, and what the Dagster UI shows of it."""

import re
from typing import Any

import dagster as dg

from funnel_etl.core.errors import SourceRejected
from funnel_etl.parts.marketing.zoom.files.diagnose import Diagnosis, examine, local_time, render
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.parts.marketing.zoom.reader.kinds import kind_of
from funnel_etl.parts.marketing.zoom.reader.measures import date_ratio
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.nightly import NightlySources

EXPORT = dg.AssetKey(["zoom", "export"])
exports = dg.DynamicPartitionsDefinition(name="zoom_exports")
"""One partition per dropped file, as 2026-11-12_88588605779_attendee_01ab23cd: day, webinar, report, SHA-256."""
_FORMER = re.compile("[0-9a-f]{16}")
_CONTACT = re.compile(r"[^@\s]+@[^@\s]+|(?<!\d)(?:(?:\+|00)?91[\s_-]?|0)?[6-9]\d{4}[\s_-]?\d{5}(?!\d)|\+\d{8,15}")


def partition_key(arrival: Arrival, parsed: ParsedReports, zone: str) -> str:
    """Return the partition of a file, by its event's business day; of one that is not read, by the day it arrived."""
    try:
        facts, _ = parsed.summary(arrival.file_id)
    except SourceRejected:
        day, what = arrival.received_at, "unknown"
    else:
        day = facts[kind_of(facts).begins] or arrival.received_at
        what = "_".join(filter(None, [facts["webinar_id"], facts["report"]]))
    return f"{local_time(day, zone)[:10]}_{what}_{arrival.file_id[:8]}"


def is_key_of(key: str, file_id: str) -> bool:
    """Whether a partition is that of a file, also by the key of earlier versions: 16 digits of the SHA-256."""
    return key.rpartition("_")[2] in (file_id[:8], file_id[:16])


def is_former(key: str) -> bool:
    """Whether a partition has a key of earlier versions."""
    return _FORMER.fullmatch(key) is not None


def diagnosis_of(arrival: Arrival, sources: NightlySources, parsed: ParsedReports) -> Diagnosis:
    """Diagnose a landed report from what was read of it, with the config in force. Raises `NotAZoomReport`."""
    facts, measures = parsed.summary(arrival.file_id)
    _, rows, _ = parsed.get(arrival.file_id)
    settings = sources.settings
    config = sources.config(settings.yesterday())
    zone, threshold = settings.timezone, settings.zoom_date_ratio
    found, _ = examine(facts, rows, measures, zone, config, threshold, name=arrival.name, folder=arrival.folder)
    return found


def arrival_metadata(arrival: Arrival, zone: str, webinar_id: str = "") -> dict[str, Any]:
    """Return what is known of any file: its name, without phones and e-mails in it, and when it came, in `zone`."""
    return {"file": shown_name(arrival.name, webinar_id), "received": local_time(arrival.received_at, zone)}


def shown_name(name: str, webinar_id: str = "") -> str:
    """Return a file's name with phones and e-mails in it masked; the webinar id stays."""
    return _CONTACT.sub(lambda found: found[0] if found[0] == webinar_id else "…", name)


def metadata_of(found: Diagnosis, arrival: Arrival, zone: str) -> dict[str, Any]:
    """Return a diagnosis as metadata of a partition: no cell of a person is in it."""
    measures = found.measures
    assert measures is not None  # noqa: S101 - only of reports that were read
    sections: dict[str, int] = {}
    for section in measures["sections"]:
        sections[section["role"]] = sections.get(section["role"], 0) + section["rows"]
    counts = {name: {"summary": said, "rows": rows} for name, said, rows in found.reconciled}
    of_arrival = arrival_metadata(arrival, zone, found.event.get("webinar_id", ""))
    return {
        **of_arrival,
        **found.times,
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
        "told": dg.MetadataValue.md(f"```\n{render(found, of_arrival['file'])}\n```"),
    }
