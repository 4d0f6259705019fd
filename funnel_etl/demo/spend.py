"""Ad spend (43 columns): lines per day and campaign, with funnels and amounts as a marketing sheet spells them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_etl.core.config_tables import UNMAPPED
from funnel_etl.demo.config import DemoConfig, Window
from funnel_etl.demo.messes import indian_grouping, spell_money, spell_words
from funnel_etl.demo.sheet import Needed, Sheet, SheetLine, columns, spoil, untidy

HEADER = columns(
    "date_time,campaign,ad_group,impressions,clicks,cost,account,video_views,platform,AccountDescriptiveName,"
    "CampaignType,Objective,Category,subCategory,goalID,goalName,region,Installs,SignUps,Purchases,Revenue,"
    "Web Purchases,Web Revenue,Subscribers,Super Leads,Skill Leads,Online Purchases,Online Revenue,Lead Purchases,"
    "Lead Revenue,Pass Purchases,Pass Revenue,Pass Pro Purchases,Pass Pro Revenue,SuperCoaching Purchases,"
    "SuperCoaching Revenue,SkillAcademy Purchases,SkillAcademy Revenue,Book Purchases,Book Revenue,Total Purchases,"
    "Total Revenue,Funnel"
)
UNKNOWN_FUNNELS = ("Brand ???", "Test - do not use", "")
PLATFORMS = ("Meta", "Google", "YouTube", "LinkedIn")
CAMPAIGNS_A_DAY = 14


@dataclass
class Spend:
    """The planted lines (day, funnel, paise, impressions, clicks) and their file."""

    facts: pd.DataFrame
    sheet: Sheet


def make_spend(rng: np.random.Generator, window: Window, config: DemoConfig) -> Spend:
    """Return a line per campaign and day, the morning after `as_of` too; equal lines are two lines."""
    days = pd.date_range(window.start, window.end.normalize())
    count = len(days) * CAMPAIGNS_A_DAY
    day = pd.Series(days.repeat(CAMPAIGNS_A_DAY))
    known = rng.choice(np.array(config.funnels or [UNMAPPED], dtype=object), count)
    dice = rng.random(count)
    unknown = rng.choice(np.array(UNKNOWN_FUNNELS, dtype=object), count)
    names = [u if d < 0.06 else k for k, u, d in zip(known, unknown, dice, strict=True)]
    paise = rng.integers(500_00, 20_000_00, count)
    paise[rng.random(count) < 0.12] *= 8  # some campaigns cost lakhs
    paise[rng.random(count) < 0.01] *= -1  # credits for clicks that were not
    blank = rng.random(count) < 0.01
    paise[blank] = 0
    facts = pd.DataFrame(
        {
            "day": day,
            "funnel": pd.Series([n if n in config.funnels else UNMAPPED for n in names], dtype="str"),
            "paise": paise,
        }
    )
    lost = np.flatnonzero((day < window.close).to_numpy() & ~blank)
    chosen = rng.choice(lost, 2, replace=False).tolist()
    facts.loc[chosen, "paise"] = rng.integers(10_00, 90_00, 2)
    cost = ["" if b else text for b, text in zip(blank, spell_money(rng, facts["paise"].tolist()), strict=True)]
    cells = _cells(rng, day, names, cost)
    lines = [SheetLine(list(row), item) for item, row in enumerate(zip(*cells, strict=True))]
    facts, lines = _equal_lines(facts, lines)
    needed = Needed(date=0, money=HEADER.index("cost"))
    lines = untidy(rng, spoil(rng, lines, needed, lost=chosen), len(HEADER))
    return Spend(facts, Sheet("ad_spend", "ad_spend.csv", HEADER, lines, bom=True))


def _equal_lines(facts: pd.DataFrame, lines: list[SheetLine]) -> tuple[pd.DataFrame, list[SheetLine]]:
    """Add three lines that equal earlier ones cell by cell: they cost money as well."""
    same = facts.iloc[10:13]
    copies = [SheetLine(lines[i].cells, len(facts) + n) for n, i in enumerate(range(10, 13))]
    return pd.concat([facts, same], ignore_index=True), [*lines, *copies]


def _cells(rng: np.random.Generator, day: pd.Series, names: list[str], cost: list[str]) -> list[list[str]]:
    count = len(day)
    impressions = rng.integers(900, 250_000, count)
    clicks = (impressions * rng.random(count) * 0.05).astype(int)
    number = np.arange(count) % CAMPAIGNS_A_DAY
    special: dict[str, list[str]] = {
        "date_time": day.dt.strftime("%m/%d/%Y").tolist(),
        "campaign": [f"{PLATFORMS[n % 4]} | Campaign {n + 1}" for n in number],
        "ad_group": [f"Group {n % 5}" for n in number],
        "impressions": [indian_grouping(int(i)) if n % 3 else str(i) for i, n in zip(impressions, number, strict=True)],
        "clicks": clicks.astype("str").tolist(),
        "cost": cost,
        "account": [f"acc-{n % 3}" for n in number],
        "platform": [PLATFORMS[n % 4] for n in number],
        "region": rng.choice(["North", "South", ""], count).tolist(),
        "Purchases": ["n/a" if n == 3 else str(n % 4) for n in number],
        "Revenue": spell_money(rng, rng.integers(0, 9_000_00, count).tolist()),
        "Funnel": spell_words(rng, names)["text"].tolist(),
    }
    return [special.get(name, [""] * count) for name in HEADER]
