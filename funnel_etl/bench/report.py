"""What the measured nights come to: medians, growth between sizes, the machine; as JSON for programs.

Pure but for `machine`. No host name, no path and no person is in it.
"""

import json
import math
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from funnel_etl.bench.meter import Cost
from funnel_etl.bench.nights import EMPTY, SEED, Night, Story
from funnel_etl.bench.stages import Stage


@dataclass(frozen=True)
class Machine:
    """Where it was measured. `load`: programs that wanted a core in the minute before."""

    cores: int
    memory_bytes: int
    system: str
    python: str
    postgres: str
    load: float


@dataclass(frozen=True)
class Growth:
    """How the cost of a kind of night grows from the smallest size to the largest.

    An exponent of 1 is in proportion to the leads; what a night costs anyway makes it smaller, so a further lead's cost
    stands beside it.
    """

    kind: str
    smallest: int
    largest: int
    cpu_exponent: float
    memory_exponent: float
    cpu_seconds_per_lead: float
    bytes_per_lead: float


@dataclass(frozen=True)
class Report:
    """All figures of a benchmark. `nights`: medians over the runs, the empty one first; `stages`: by size."""

    machine: Machine
    runs: int
    nights: list[Night]
    every_night: list[Night]
    stages: dict[int, list[Stage]]
    growth: list[Growth]


def machine() -> Machine:
    """Return what this machine is before the first night; the version of PostgreSQL comes with the nights."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        postgres="",
        load=round(os.getloadavg()[0], 2),
    )


def report(where: Machine, stories: Sequence[Story]) -> Report:
    """Return the medians of all stories, and how they grow; stages are those of the last story of each size."""
    every = [night for story in stories for night in story.nights]
    keys = dict.fromkeys((night.leads, night.kind) for night in sorted(every, key=lambda night: night.leads))
    nights = [Night(*key, median([n.cost for n in every if (n.leads, n.kind) == key])) for key in keys]
    runs = sum(night.kind == EMPTY for night in every)
    left = {story.nights[0].leads: story.stages for story in stories}
    known = Machine(**asdict(where) | {"postgres": stories[0].postgres})
    return Report(known, runs, nights, every, dict(sorted(left.items())), growth(nights))


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        seconds=statistics.median(cost.seconds for cost in costs),
        client_seconds=statistics.median(cost.client_seconds for cost in costs),
        server_seconds=statistics.median(cost.server_seconds for cost in costs),
        peak_bytes=round(statistics.median(cost.peak_bytes for cost in costs)),
    )


def growth(nights: Sequence[Night]) -> list[Growth]:
    """Return the growth of each kind of night; nothing of one that was measured at a single size."""
    found = []
    for kind in dict.fromkeys(night.kind for night in nights if night.kind != EMPTY):
        of_kind = sorted((night for night in nights if night.kind == kind), key=lambda night: night.leads)
        small, large = of_kind[0], of_kind[-1]
        if small.leads == large.leads:
            continue
        leads = large.leads - small.leads
        found.append(
            Growth(
                kind,
                small.leads,
                large.leads,
                _exponent(small, large, small.cost.cpu_seconds, large.cost.cpu_seconds),
                _exponent(small, large, small.cost.peak_bytes, large.cost.peak_bytes),
                (large.cost.cpu_seconds - small.cost.cpu_seconds) / leads,
                (large.cost.peak_bytes - small.cost.peak_bytes) / leads,
            )
        )
    return found


def as_json(result: Report) -> str:
    """Return all of it as JSON."""
    content = {
        "version": version("funnel_etl"),
        "machine": asdict(result.machine),
        "runs": result.runs,
        "seed": SEED,
        "nights": [_record(night) for night in result.nights],
        "every_night": [_record(night) for night in result.every_night],
        "stages": [{"leads": leads, **asdict(stage)} for leads, found in result.stages.items() for stage in found],
        "growth": [{name: _short(value) for name, value in asdict(one).items()} for one in result.growth],
    }
    return json.dumps(content, indent=1) + "\n"


def _record(night: Night) -> dict[str, Any]:
    figures = asdict(night.cost) | {"cpu_seconds": night.cost.cpu_seconds}
    return {"leads": night.leads, "kind": night.kind, **{name: _short(value) for name, value in figures.items()}}


def _short(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _exponent(small: Night, large: Night, low: float, high: float) -> float:
    return math.log(high / low) / math.log(large.leads / small.leads)
