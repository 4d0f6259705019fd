"""What of the demo's planted chats the published tables hold: credited right, wrong, to nobody; tiers; the verdict."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from funnel_etl.core.config_engagement import TIERS
from funnel_etl.core.values.numbers import grouped

Query = Callable[[str], pd.DataFrame]
_MESSAGES = """
SELECT split_part(m.occurrence_id, '-', 1) AS webinar_id, to_char(w.started_at at time zone 'Asia/Kolkata',
    'YYYY-MM-DD HH24:MI:SS') AS started_at, m.position, m.sender_name, p.email, m.match_confidence, m.person_key
FROM clean.chat_messages AS m JOIN clean.webinars AS w USING (occurrence_id)
LEFT JOIN clean.engagement_people AS p USING (occurrence_id, person_key) WHERE m.audience <> 'private'
"""
_TIERS = """
SELECT tier, count(*) AS people FROM mart.engagement_scores GROUP BY tier
"""
_VERDICT = """
SELECT value, n, buyers, rate, verdict FROM mart.score_calibration WHERE product = '(all)' AND split = 'tier'
"""


@dataclass(frozen=True)
class Recovered:
    """Messages of people by what became of them, people by tier, and what the tiers show of sales."""

    right: int
    wrong: int
    wrong_exact: int
    nobody: int
    tiers: dict[str, int]
    rates: pd.DataFrame
    verdict: str

    @property
    def lines(self) -> list[str]:
        """What the demo prints."""
        credited = [f"{grouped(self.right)} messages credited right", f"{grouped(self.wrong)} wrong"]
        told = [
            f"Chats: {', '.join(credited)}, {grouped(self.nobody)} to nobody",
            "Tiers: " + ", ".join(f"{tier} {grouped(count)}" for tier, count in self.tiers.items()),
            f"Does the score predict sales: {self.verdict}",
        ]
        rates = [
            f"{row['value']} {row['buyers']} of {row['n']} ({row['rate']:.1%})" for row in self.rates.to_dict("records")
        ]
        return told + ([f"  bought within 30 days: {', '.join(rates)}"] if rates else [])


def recovered(truth_folder: Path, query: Query) -> Recovered:
    """Compare the planted chats with PostgreSQL. Two registrations of one person are one: `alt.` before an address."""
    truth = pd.read_csv(truth_folder / "chats.csv", dtype="str", keep_default_na=False)
    rows = query(_MESSAGES).astype({"position": "int64"})
    both = truth.astype({"position": "int64"}).merge(rows, on=["webinar_id", "started_at", "position"], how="left")
    people = both[both["email_x"] != ""]
    own = people["email_x"].str.removeprefix("alt.")
    credited = people["person_key"].notna()
    is_right = credited & (people["email_y"].fillna("").str.removeprefix("alt.") == own)
    wrong = credited & ~is_right
    counts = dict(query(_TIERS).itertuples(index=False, name=None))
    rates = query(_VERDICT)
    rates = rates.sort_values("value", key=lambda tiers: tiers.map(TIERS.index), ignore_index=True)
    return Recovered(
        int(is_right.sum()),
        int(wrong.sum()),
        int((wrong & people["match_confidence"].eq("exact")).sum()),
        int((~credited).sum()),
        {str(tier): int(count) for tier, count in sorted(counts.items())},
        rates,
        str(rates["verdict"].iloc[0]) if len(rates) else "too_few",
    )
