"""Form submissions of campaigns (`tofu_leads.csv`): who came when, from which campaign, and the messes of the form."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_etl.demo.config import DemoConfig, Window
from funnel_etl.demo.messes import spell_emails, spell_names, spell_phones
from funnel_etl.demo.people import SCRIPT_NAMES
from funnel_etl.demo.sheet import Needed, Sheet, SheetLine, spoil, untidy

HEADER = [
    "Full name",
    "Email",
    "Phone number",
    "City",
    "Question 1",
    "utmSource",
    "utmMedium",
    "utmCamp",
    "ad name",
    "created date",
]
STRANGE_UTM = (("quora", "answer", "evergreen"), ("", "", ""), ("partner-x", "banner", "q4"))
ANSWERS = ("Working professional", "Student", 'Said "later", then hung up', "जानकारी चाहिए", "", "Need EMI, please")


@dataclass
class Leads:
    """The planted submissions and their file.

    facts, one row each: person, created, phone, phone_class, email, key, funnel, is_first.
    """

    facts: pd.DataFrame
    sheet: Sheet


def make_leads(
    rng: np.random.Generator, people: pd.DataFrame, count: int, window: Window, config: DemoConfig, buyers: pd.Index
) -> Leads:
    """Return `count` submissions of `people`; everybody has at least one. `buyers` are spared from unreadable rows."""
    persons = np.concatenate([people.index.to_numpy(), rng.choice(people.index.to_numpy(), count - len(people))])
    created = _instants(rng, count, window)
    facts = pd.DataFrame({"person": persons, "created": created})
    facts = facts.sort_values("created", kind="stable", ignore_index=True)
    facts["created"] += pd.to_timedelta(facts.groupby(["person", "created"]).cumcount(), unit="s")
    who = people.loc[facts["person"]].reset_index(drop=True)
    phones = spell_phones(rng, who["phone"], config.placeholders, lost=0.015)
    emails = spell_emails(rng, who["email"], lost=0.02)
    utms = _utms(rng, len(facts), config)
    funnel_of = {utm: config.campaign_funnel(utm) for utm in set(utms)}
    facts = facts.assign(
        phone=phones["phone"],
        phone_class=phones["phone_class"],
        email=emails["email"],
        funnel=pd.Series([funnel_of[utm] for utm in utms], dtype="str"),
    )
    facts["key"] = person_key(facts["phone"], facts["email"])
    facts["is_first"] = ~facts.duplicated("key") | (facts["key"] == "")
    columns = [
        spell_names(rng, who["name"], SCRIPT_NAMES),
        emails["text"].tolist(),
        phones["text"].tolist(),
        who["city"].tolist(),
        rng.choice(ANSWERS, len(facts)).tolist(),
        *[_careless(rng, [utm[i] for utm in utms]) for i in range(3)],
        rng.choice(["Reel A", "Carousel B", "", "Search – exact"], len(facts)).tolist(),
        spell_iso(rng, facts["created"]),
    ]
    lines = [SheetLine(list(cells), item) for item, cells in enumerate(zip(*columns, strict=True))]
    spared = facts["person"].isin(buyers) | (facts["phone"] == "")
    lost = rng.choice(np.flatnonzero(~spared), max(1, count // 4000), replace=False).tolist()
    lines = spoil(rng, _repeat(rng, lines, set(lost)), Needed(date=len(HEADER) - 1), lost=lost)
    lines = untidy(rng, lines, len(HEADER))
    return Leads(facts, Sheet("tofu_leads", "tofu_leads.csv", HEADER, lines, bom=True))


def person_key(phones: pd.Series, emails: pd.Series) -> pd.Series:
    """Return the key people are grouped by: phone; without one the e-mail; without either ""."""
    return phones.where(phones != "", ("email:" + emails).where(emails != "", ""))


def spell_iso(rng: np.random.Generator, instants: pd.Series) -> list[str]:
    """Write instants of India in ISO spellings: as they are, as UTC with a `Z`, with an offset, with fractions."""
    how = rng.integers(0, 12, len(instants))
    plain = instants.dt.strftime("%Y-%m-%d %H:%M:%S").tolist()
    zulu = (instants - pd.Timedelta("5h30min")).dt.strftime("%Y-%m-%dT%H:%M:%SZ").tolist()
    return [
        z if h == 0 else f"{p[:10]}T{p[11:]}+05:30" if h == 1 else f"{p[:10]}T{p[11:]}.000" if h == 2 else p
        for p, z, h in zip(plain, zulu, how, strict=True)
    ]


def edges(window: Window) -> list[pd.Timestamp]:
    """Return the instants when days and months turn: midnight of each first, a second before, the end of `as_of`."""
    turns = [*window.month_starts, window.close]
    before = [turn - pd.Timedelta(seconds=1) for turn in turns[1:]]
    return [*turns, *before, window.close + pd.Timedelta(hours=2)]


def _instants(rng: np.random.Generator, count: int, window: Window) -> pd.DatetimeIndex:
    """Draw instants over the window, more of them late; the edges always among them."""
    drawn, late = rng.random(count), rng.random(count) < 0.6
    share = np.where(late, np.sqrt(drawn), drawn)
    instants = (window.start + pd.to_timedelta((share * window.seconds).astype(int), unit="s")).to_numpy().copy()
    special = np.array(edges(window), dtype=instants.dtype)
    instants[rng.choice(count, len(special), replace=False)] = special
    return pd.DatetimeIndex(instants)


def _utms(rng: np.random.Generator, count: int, config: DemoConfig) -> list[tuple[str, str, str]]:
    """Return a concrete source, medium and campaign for every line of the mapping, and some that no line knows."""
    concrete = [
        (_filled(source, "linkedin"), _filled(medium, "social"), _filled(campaign, "evergreen"))
        for (source, medium, campaign), _ in config.campaigns
    ]
    known = rng.integers(0, max(len(concrete), 1), count)
    strange = rng.random(count) < (0.06 if concrete else 1.0)
    odd = rng.integers(0, len(STRANGE_UTM), count)
    return [STRANGE_UTM[o] if s else concrete[k] for k, s, o in zip(known, strange, odd, strict=True)]


def _filled(pattern: str, blank: str) -> str:
    text = pattern.strip() or blank
    return text.replace("*", "-x-") if text.strip("*") else blank


def _careless(rng: np.random.Generator, words: list[str]) -> list[str]:
    how = rng.integers(0, 15, len(words))
    return [w.upper() if h == 0 else f" {w} " if h == 1 and w else w for w, h in zip(words, how, strict=True)]


def _repeat(rng: np.random.Generator, lines: list[SheetLine], spared: set[int]) -> list[SheetLine]:
    """Send some forms twice: the same row again at the end of the file. Rows in `spared` are sent once."""
    count = max(2, len(lines) // 200)
    chosen = [int(i) for i in rng.choice(len(lines), count, replace=False) if int(i) not in spared]
    return [*lines, *[lines[i] for i in chosen]]
