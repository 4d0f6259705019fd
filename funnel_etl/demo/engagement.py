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


_DRAFTS = """
SELECT d.email, s.phone, d.status, d.withheld_reason FROM mart.followup_drafts AS d
JOIN mart.engagement_scores AS s USING (occurrence_id, person_key)
"""
_BY_CONSENT = {"withdrawn": "unsubscribed", "": "no_consent"}
"""What was planted of a person's consent → why there is no draft."""
_OF_THE_PERSON = ("no_email", "contacted_recently", "shared_email", "ambiguous_person", "no_template")
"""Reasons that follow from what else the reports hold of the person: nothing of it was planted."""


@dataclass(frozen=True)
class Drafts:
    """Drafts that are there, others by why they are withheld, and how many of all are not as it was planted."""

    there: int
    withheld: dict[str, int]
    not_as_planted: int

    @property
    def line(self) -> str:
        """What the demo prints."""
        why = ", ".join(f"{grouped(count)} {reason}" for reason, count in self.withheld.items())
        return f"Drafts: {grouped(self.there)} there; withheld: {why}; {grouped(self.not_as_planted)} not as planted"


@dataclass(frozen=True)
class Recovered:
    """Messages of people by what became of them, people by tier, what the tiers show of sales, and drafts."""

    right: int
    wrong: int
    wrong_exact: int
    nobody: int
    tiers: dict[str, int]
    rates: pd.DataFrame
    verdict: str
    drafts: Drafts

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
        return told + ([f"  bought within 30 days: {', '.join(rates)}"] if rates else []) + [self.drafts.line]


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
        drafts_of(query(_DRAFTS), *(_planted(truth_folder, name) for name in ("consents", "buyers"))),
    )


def _planted(truth_folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(truth_folder / f"{name}.csv", dtype="str", keep_default_na=False)


def drafts_of(rows: pd.DataFrame, consents: pd.DataFrame, buyers: pd.DataFrame) -> Drafts:
    """Compare drafts with who was planted as agreeing, as having taken it back, and as having bought."""
    state = rows["email"].map(consents.set_index("email")["state"]).fillna("")
    wanted = state.map(_BY_CONSENT).mask(
        state.isin(["granted", "suppressed"]) & rows["phone"].isin(buyers["phone"]), "bought"
    )
    wanted = wanted.fillna(state.where(state.eq("suppressed"))).replace("bought", "already_bought").fillna("")
    reason = rows["withheld_reason"].fillna("")
    is_planted = reason.eq(wanted) | reason.isin(_OF_THE_PERSON)
    counts = reason[reason != ""].value_counts()
    return Drafts(int(reason.eq("").sum()), {str(why): int(n) for why, n in counts.items()}, int((~is_planted).sum()))
