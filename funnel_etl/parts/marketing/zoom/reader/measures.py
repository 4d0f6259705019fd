"""What can be told of one Zoom report without any configuration: sections, columns, dates, Zoom's own counts.

Measured once, when a file is read, and kept beside what was read. No cell of a person is in it: headers and numbers.
"""

import json
from typing import Any, TypedDict

import pandas as pd

from funnel_etl.core.values.text import lookup_keys
from funnel_etl.parts.marketing.zoom.reader import cells
from funnel_etl.parts.marketing.zoom.reader.kinds import OF_REGISTRATIONS, USERS, VIEWERS, kind_of
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport
from funnel_etl.parts.marketing.zoom.reader.section import Section

QUESTION, PHONE_QUESTION = "question of the form", "phone (asked by a question)"
OTHERS_PHONE = "phone of somebody else"


class SectionMeasures(TypedDict):
    """One section: its role, its rows, and what each of its headers was taken for."""

    role: str
    rows: int
    broken: int
    is_known: bool
    columns: dict[str, str]


class Measures(TypedDict):
    """One report. `found`: what the rows add up to, by the name of the summary's count."""

    sections: list[SectionMeasures]
    unknown_columns: list[str]
    dates_read: int
    dates_unread: int
    blank_rows: int
    found: dict[str, int]


def measure(export: ZoomExport) -> Measures:
    """Measure a report that was read."""
    sections = [_section(section) for section in export.sections]
    questions = [header for s in sections for header, meaning in s["columns"].items() if meaning == QUESTION]
    return {
        "sections": sections,
        "unknown_columns": list(dict.fromkeys(questions)),
        "dates_read": int(sum(export.rows[name].notna().sum() for name in kind_of(export.facts).times)),
        "dates_unread": sum(export.unread.values()),
        "blank_rows": len(export.blank_rows),
        "found": kind_of(export.facts).counted(export.rows),
    }


def date_ratio(measures: Measures) -> float:
    """Return the share of the dates of people that could be read; 1 where there are none."""
    total = measures["dates_read"] + measures["dates_unread"]
    return measures["dates_read"] / total if total else 1.0


def date_thresholds(file_overrides: pd.DataFrame) -> dict[str, float]:
    """Return file_id → the share of its dates that a person expects to be read, where they said so of the file."""
    said = file_overrides[file_overrides["date_ratio"].str.strip() != ""]
    keys = lookup_keys(said["file_id"])
    return {str(key): float(ratio) for key, ratio in zip(keys, said["date_ratio"], strict=True)}


def file_warnings(facts: dict[str, Any], measures: Measures, threshold: float) -> list[str]:
    """List what a person should know of a report: the reader's notes, its dates, its rows, Zoom's own counts."""
    found = list(json.loads(facts["notes"]))
    ratio = date_ratio(measures)
    if ratio < threshold:
        found.append(
            f"{measures['dates_unread']} of {measures['dates_read'] + measures['dates_unread']} dates are unreadable "
            f"({ratio:.1%} can be read; {threshold:.1%} is expected): a spreadsheet program may have changed the file"
        )
    if broken := sum(section["broken"] for section in measures["sections"]):
        found.append(f"{broken} rows do not have the fields of their header: they go to quarantine")
    found += [
        f"{name}: the summary says {said}, the rows give {rows}" for name, said, rows in reconciliation(facts, measures)
        if said != rows
    ]  # fmt: skip
    return found


def reconciliation(facts: dict[str, Any], measures: Measures) -> list[tuple[str, int, int]]:
    """Compare the summary's counts with the rows: (name, the summary's, the rows'). Only what the summary says."""
    said = {
        VIEWERS: facts.get("unique_viewers"),
        USERS: facts.get("total_users"),
        OF_REGISTRATIONS: _sum(facts.get("registered_count"), facts.get("cancelled_count")),
    }
    return [
        (name, int(count), measures["found"][name])
        for name, count in said.items()
        if count is not None and not pd.isna(count) and name in measures["found"]
    ]


def _sum(registered: int | None, cancelled: int | None) -> int | None:
    return None if registered is None else registered + (cancelled or 0)


def _section(section: Section) -> SectionMeasures:
    """Describe a section. Under an unknown header nothing is named: it may be a row of somebody."""
    columns: dict[str, str] = {}
    if section.is_known:
        meanings = {at: meaning for meaning, at in section.meanings.items()}
        asked = dict.fromkeys(cells.others_phone_columns(section), OTHERS_PHONE)
        asked |= dict.fromkeys(cells.phone_columns(section), PHONE_QUESTION)
        for at, header in enumerate(section.header):
            if header.strip():
                columns[cells.shown_header(header)] = meanings.get(at, asked.get(at, QUESTION))
    return {
        "role": section.role,
        "rows": section.size,
        "broken": len(section.problems),
        "is_known": section.is_known,
        "columns": columns,
    }
