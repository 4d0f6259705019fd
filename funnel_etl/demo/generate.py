"""Writes the demo's sources and their truth. The same arguments and config give the same bytes."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from funnel_etl.demo.campaigns import make_leads
from funnel_etl.demo.chats import write_chats
from funnel_etl.demo.config import DEMO_CONFIG, Window, read_config
from funnel_etl.demo.consents import write_consents
from funnel_etl.demo.crm import Crm, make_assignments
from funnel_etl.demo.people import make_people
from funnel_etl.demo.sales import make_sales
from funnel_etl.demo.spend import make_spend
from funnel_etl.demo.truth import Truth, buyers, work_out
from funnel_etl.demo.zoom_events import make_zoom
from funnel_etl.demo.zoom_files import write_zoom

SMALLEST = 400
"""Fewer leads than this do not hold every mess."""


def generate(
    target: Path,
    *,
    as_of: date,
    leads: int = 20_000,
    months: int = 3,
    seed: int = 7,
    config_dir: Path | None = None,
    chats: bool = False,
    predicts: bool = True,
) -> Truth:
    """Write the four CSV sources into `target`, Zoom reports into `target/drop/zoom/`, the truth into `target/truth/`.

    Files are overwritten, never removed: Zoom reports of another `as_of` that are there already would stay, so give an
    empty folder. `leads` form submissions over `months` months, the last one that of `as_of`.

    With `chats`, each webinar has one, and people said what they agree to (`target/drop/consent/`); `predicts`: who
    will buy writes and asks more, else nobody does.

    Raises `ValueError` for fewer than 400 leads or 2 months, `ConfigError` for a config table that cannot be read.
    """
    if leads < SMALLEST or months < 2:
        msg = f"at least {SMALLEST} leads and 2 months are needed, not {leads} and {months}"
        raise ValueError(msg)
    target.mkdir(parents=True, exist_ok=True)
    window = Window(as_of, months)
    config = read_config(config_dir or DEMO_CONFIG)
    streams = [np.random.default_rng([seed, number]) for number in range(7)]
    people = make_people(streams[0], int(leads * 0.9))
    from_forms = people.iloc[: int(leads * 0.84)]
    buying = pd.Index(streams[1].choice(people.index, int(len(people) * 0.1), replace=False))
    submissions = make_leads(streams[2], from_forms, leads, window, config, buying)
    reachable = submissions.facts[submissions.facts["phone"] != ""]
    known_since = reachable.groupby("person")["created"].min().reindex(people.index)
    zoom = make_zoom(streams[3], people, known_since, window, config)
    met = pd.concat([known_since, zoom.rows.groupby("person")["registered"].min().reindex(people.index)], axis=1)
    assigned = make_assignments(streams[4], people, met.min(axis=1), window, config)
    sales = make_sales(streams[5], people, _purchases(streams[1], buying, assigned, window), window, config)
    spend = make_spend(streams[6], window, config)
    for part in (submissions, assigned, sales, spend):
        part.sheet.write(target)
    write_zoom(target / "drop" / "zoom", zoom, config.bots, config.conductors)
    truth = work_out(target / "truth", people, submissions, zoom, assigned, sales, spend, window)
    if chats:
        counted = sales.facts[sales.facts["is_counted"]]
        first = counted.groupby("phone")["sold"].min()
        rng = np.random.default_rng([seed, len(streams)])
        truth.tables["chats"] = write_chats(target / "drop" / "zoom", zoom, first, rng, predicts=predicts)
        truth.tables["buyers"] = buyers(sales, window)
        said = np.random.default_rng([seed, len(streams) + 1])
        truth.tables["consents"] = write_consents(target / "drop" / "consent", zoom, window.start, said)
    truth.write()
    return truth


def _purchases(rng: np.random.Generator, buyers: pd.Index, assigned: Crm, window: Window) -> pd.Series:
    """Return when each buyer buys: one to thirty days after the assignment; walk-ins at any time. To the minute."""
    since = assigned.facts.groupby("person")["assigned"].min().reindex(buyers)
    walk_in = window.start + pd.to_timedelta((rng.random(len(buyers)) * window.seconds).astype("int64"), unit="s")
    wait = pd.to_timedelta((86_400 * (1 + 29 * rng.random(len(buyers)) ** 2)).astype("int64"), unit="s")
    instants = (since + wait).fillna(pd.Series(walk_in, index=buyers)).dt.floor("min")
    kept: pd.Series = instants[instants < window.end].copy()
    edge = [window.close - pd.Timedelta(minutes=1), window.close, *window.month_starts[1:]]
    kept.iloc[: len(edge)] = edge
    return kept
