"""Whole nights on files that came broken: of a cut dump nothing is published, and of any other no row is unexplained.

A few nights; with --campaign each source is cut at a hundred places, and sixty nights have damage in some files. What
is tried without the rest of the night, far more often, is in unit/test_corruption and unit/sources.
"""

from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest

from funnel_etl.operate.run.night import NightResult
from funnel_etl_tests.damage import PERSONAL, Damage, cut_places, damaged, tried
from funnel_etl_tests.golden.week import MON, NIGHTS, SUN, write_night
from funnel_etl_tests.golden.week import reports as reports_of
from funnel_etl_tests.installation import Installation, Published
from funnel_etl_tests.killing import PARTS, Contents

pytestmark = pytest.mark.slow

SOURCES = ("tofu_leads", "ad_spend", "crm_assigned_leads", "crm_sales")
PUBLISHED = ("raw", "clean", "mart", "parity")
CLEAN = {
    "raw.tofu_leads": "clean.tofu_leads",
    "raw.ad_spend": "clean.ad_spend",
    "raw.crm_assigned_leads": "clean.assigned_leads",
    "raw.crm_sales": "clean.sales",
}
CHECKS = ("check quarantine_limit: ",)


@pytest.fixture
def before(published: Published) -> Callable[[], Installation]:
    """Makes an installation with Sunday's night, in the place of the one it made before."""
    made: list[Installation] = []

    def make() -> Installation:
        if made:
            published.discard(made.pop())
        made.append(published.week(SUN))
        return made[-1]

    return make


def lay(installation: Installation, night: date) -> None:
    write_night(night, installation.sources, installation.config, installation.drop / "zoom")


def unbalanced(installation: Installation) -> int:
    """Count the lines of the ledger that do not balance."""
    balanced = "rows_in = rows_out + merged + quarantined + excluded"
    return int(installation.value(f"SELECT count(*) FROM ops.row_ledger WHERE NOT ({balanced})"))  # noqa: S608 - ours


def edited(data: bytes) -> bytes:
    """Return a dump with the same rows, each with another value: what is published of it would be seen."""
    header, rest = data.split(b"\n", 1)
    edits = {b"Ravi": b"Sunil", b"Sana": b"Tara", b"Pune": b"Agra", b"11,000": b"11,500", b"1,234": b"1,434"}
    for old, new in edits.items():
        rest = rest.replace(old, new)
    return header + b"\n" + rest


def test_of_sources_cut_at_a_hundred_places_nothing_is_published(
    before: Callable[[], Installation], campaign: bool
) -> None:
    """With --campaign also that the edit in what was cut would have been seen: it is, when the night is whole."""
    installation = before()
    sources = installation.sources
    whole = {source: edited((sources / f"{source}.csv").read_bytes()) for source in SOURCES}
    places = {source: cut_places(data) for source, data in whole.items()}
    assert min(map(len, places.values())) == 100
    held = installation.contents(*PUBLISHED)
    for number in range(100) if campaign else (97,):
        for source, data in whole.items():
            (sources / f"{source}.csv").write_bytes(data[: places[source][number]])
        result = installation.night(MON)
        assert {name.removeprefix("raw/") for name in result.failures} == set(SOURCES), number
        assert not any(part.published for part in result.parts.values()), number
        assert_told(result)
        assert installation.contents(*PUBLISHED) == held, number
        assert unbalanced(installation) == 0
    if campaign:
        for source, data in whole.items():
            (sources / f"{source}.csv").write_bytes(data)
        assert installation.night(MON).is_published
        assert installation.contents("clean") != {n: mark for n, mark in held.items() if n.startswith("clean")}


def test_whatever_happens_to_the_files_of_a_night_no_row_is_unexplained(
    before: Callable[[], Installation], campaign: bool
) -> None:
    seen = {"published": 0, "refused": 0, "quarantined": 0}

    def night(damages: list[Damage]) -> None:
        installation = before()
        held = by_part(installation)
        lay(installation, MON)
        spoil(installation, damages)
        result = installation.night(MON)
        assert_told(result)
        assert result.unwatched == {}
        after = by_part(installation)
        for part, own in after.items():
            if result.parts[part].published:
                seen["published"] += 1
            else:
                seen["refused"] += 1
                assert own == held[part], part
        assert unbalanced(installation) == 0
        seen["quarantined"] += explained(installation)
        assert "every_row_accounted" not in str(result.failures)

    tried(night, 60 if campaign else 1)
    assert seen["published"] + seen["refused"] > 0
    assert min(seen.values()) > 0 or not campaign


def spoil(installation: Installation, damages: list[Damage]) -> None:
    """Damage a file for each damage: a source, a config table, or a report of the week, which is dropped again."""
    config, drop = installation.config, installation.drop / "zoom"
    reports = {drop / f"again_{name}": data for night in NIGHTS for name, data in reports_of(night)}
    groups = [sorted(installation.sources.glob("*.csv")), sorted(config.glob("*.csv")), sorted(reports)]
    for damage in damages:
        _, first, second, _ = damage
        group = groups[second % 3]
        path = group[first % len(group)]
        data = path.read_bytes() if path.exists() else reports[path]
        path.write_bytes(damaged(data, [damage]))


def by_part(installation: Installation) -> dict[str, Contents]:
    marks = installation.contents(*PUBLISHED)
    return {
        part: {t.full_name: marks[t.full_name] for t in module.TABLES if t.full_name in marks}
        for part, module in PARTS.items()
    }


def explained(installation: Installation) -> int:
    """Count the quarantined rows. Every row of a published dump is in clean, among the merged or in quarantine."""
    query = installation.query
    lost = query("SELECT asset, file_id, source_row FROM ops.quarantine WHERE resolved_at IS NULL")
    merged = query("SELECT asset, file_id, source_row FROM ops.merged_rows")
    for raw, clean in CLEAN.items():
        rows = query(f"SELECT file_id, source_row FROM {raw}")  # noqa: S608 - names of our tables
        kept = query(f"SELECT file_id, source_row FROM {clean}")  # noqa: S608
        ends = pd.concat([kept, *(f[f["asset"] == clean][[*kept.columns]] for f in (lost, merged))])
        ends = ends[ends["file_id"].isin(rows["file_id"])]  # what aged out is of earlier dumps
        assert sorted(map(tuple, ends.to_numpy())) == sorted(map(tuple, rows.to_numpy())), raw
    return len(lost)


def assert_told(result: NightResult) -> None:
    """Every failure is one line that says what to do, and tells of nobody."""
    for name, line in result.failures.items():
        assert "\n" not in line, name
        assert "Traceback" not in line
        assert not PERSONAL.search(line), line
        assert "did not expect" not in line, line
        assert ". Fix: " in line or line.startswith(CHECKS), line
