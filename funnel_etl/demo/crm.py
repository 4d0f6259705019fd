"""The CRM's two dumps: assignments of leads to representatives, and sales, with the messes of both."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_etl.core.config_tables import MISC, NO_SOURCE
from funnel_etl.demo.campaigns import edges
from funnel_etl.demo.config import DemoConfig, Window
from funnel_etl.demo.messes import spell_phones, spell_words
from funnel_etl.demo.sheet import Needed, Sheet, SheetLine, spoil, untidy

ASSIGNED_HEADER = ["sources", "assignOn", "leadMobile", "employee"]
EMPLOYEES = (
    "Asha Corvane",
    "Bilal Elvoor",
    "Charu Gelmar",
    "Dinesh Hastrey",
    "Esha Jorvik",
    "Faiz Keldar",
    "Gita Lormand",
    "Hemant Nolquist",
    "Ila Pelmoor",
    "Jai Renvik",
    "Kriti Tervane",
    "Lalit Wendrell",
)
UNKNOWN_SOURCES = ("Cold list 7", "old excel (2)", "Festival stall")
DAY = 86_400


@dataclass
class Crm:
    """A planted dump (one row per fact) and its file."""

    facts: pd.DataFrame
    sheet: Sheet


def make_assignments(
    rng: np.random.Generator, people: pd.DataFrame, known_since: pd.Series, window: Window, config: DemoConfig
) -> Crm:
    """Assign about two thirds of the people, some twice; `known_since` (by person) is when marketing first saw them.

    facts, in the dump's order: person, assigned, source (as typed, without stray blanks; "" = none), funnel,
    employee, phone.
    """
    facts = _planned(rng, people, known_since, window)
    count = len(facts)
    plan = _sources(rng, count, config)
    words = spell_words(rng, plan)
    days = facts["assigned"].dt.normalize().tolist()
    own = people.loc[facts["person"], "phone"].reset_index(drop=True)
    phones = spell_phones(rng, own, config.placeholders, lost=0.01)
    employees = spell_words(rng, rng.choice(EMPLOYEES, count).tolist(), share=0.05)
    facts = facts.assign(
        source=words["typed"],
        funnel=pd.Series([config.source_funnel(s, d) for s, d in zip(plan, days, strict=True)], dtype="str"),
        employee=employees["typed"],
        phone=phones["phone"],
    )
    facts, employees, phones, words = _with_ties(rng, facts, employees, phones, words)
    stamps = facts["assigned"].dt.strftime("%d/%m/%Y %H:%M:%S").tolist()
    cells = zip(words["text"].tolist(), stamps, phones["text"].tolist(), employees["text"].tolist(), strict=True)
    lines = [SheetLine(list(row), item) for item, row in enumerate(cells)]
    known = np.flatnonzero((facts["phone"] != "").to_numpy() & (facts["assigned"] < window.close).to_numpy())
    lost = rng.choice(known, max(1, count // 6000), replace=False).tolist()
    again = [lines[int(i)] for i in rng.choice(known, 5, replace=False) if i not in lost]
    lines = spoil(rng, lines, Needed(date=1), lost=lost)
    lines = untidy(rng, [*lines, *again], len(ASSIGNED_HEADER))
    sheet = Sheet("crm_assigned_leads", "crm_assigned_leads.csv", ASSIGNED_HEADER, lines)
    return Crm(facts, sheet)


def _planned(rng: np.random.Generator, people: pd.DataFrame, known_since: pd.Series, window: Window) -> pd.DataFrame:
    """Return who is assigned when: most soon after they became known, some again later, some out of nowhere."""
    since = known_since.reindex(people.index)
    cold = since.isna()
    start = since.fillna(window.start + pd.Timedelta(hours=9))
    soon = 3600 + rng.exponential(3 * DAY, len(people))
    lag = np.where(cold, rng.random(len(people)) * window.seconds, soon).astype("int64")
    first = start + pd.to_timedelta(lag, unit="s")
    chosen = first[(rng.random(len(first)) < 0.66) & (first < window.end)]
    again = chosen[rng.random(len(chosen)) < 0.18]
    later = again + pd.to_timedelta((DAY + rng.exponential(12 * DAY, len(again))).astype("int64"), unit="s")
    later = later[later < window.end]
    both = pd.concat([chosen, later]).rename("assigned").rename_axis("person").reset_index()
    turn = rng.choice(len(both), len(edges(window)), replace=False)
    both.loc[turn, "assigned"] = edges(window)
    hours = rng.normal(0, 6, len(both))  # the CRM's order is nearly, not quite, that of time
    both["place"] = both["assigned"] + pd.to_timedelta((hours * 3600).astype("int64"), unit="s")
    ordered: pd.DataFrame = both.sort_values("place", kind="stable", ignore_index=True).drop(columns="place")
    return ordered


def _with_ties(rng: np.random.Generator, facts: pd.DataFrame, *columns: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    """Repeat some assignments in the same second with another employee: the order in the dump then decides."""
    chosen = rng.choice(len(facts), max(4, len(facts) // 400), replace=False)
    twins = facts.iloc[chosen].assign(employee=rng.choice(EMPLOYEES, len(chosen)))
    employees = pd.DataFrame({"text": twins["employee"], "typed": twins["employee"]})
    parts = [twins, employees, *[column.iloc[chosen] for column in columns[1:]]]
    return tuple(
        pd.concat([whole, part], ignore_index=True) for whole, part in zip((facts, *columns), parts, strict=True)
    )


def _sources(rng: np.random.Generator, count: int, config: DemoConfig) -> list[str]:
    """Draw sources: those of the mapping, dated ones and one with a literal star among them; unknown ones; none."""
    known = list(config.sources) or [*UNKNOWN_SOURCES]
    picked = rng.choice(np.array(known, dtype=object), count)
    dice = rng.random(count)
    unknown = rng.choice(np.array(UNKNOWN_SOURCES, dtype=object), count)
    return ["" if d < 0.02 else u if d < 0.06 else p for p, u, d in zip(picked, unknown, dice, strict=True)]


def funnel_of_sources(sources: list[str], day: pd.Timestamp, config: DemoConfig) -> str:
    """Return the funnel of a sale from its assigned lead sources: the first that maps wins; or none does."""
    if not sources:
        return NO_SOURCE
    found = [config.source_funnel(source, day) for source in sources]
    return next((funnel for funnel in found if funnel != MISC), MISC)
