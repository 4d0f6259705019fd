"""Over a template's text the wording of a model, where one was landed and may stand. Pure: of what was landed alone.

An edit that was made on the template's text keeps that text below it, so a wording that comes later makes none stale.
Not here: asking for wordings (`rewording`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from funnel_etl.core.followup_templates import Template
from funnel_etl.marts.engagement.answers import ANSWERED
from funnel_etl.marts.engagement.facts_of_drafts import full_names
from funnel_etl.marts.engagement.messages import looked_up
from funnel_etl.marts.engagement.wording import said_in, wish_of
from funnel_etl.marts.engagement.wording_checks import About, faults

TEMPLATE = "template"
DRAFT_OF = ["draft_id", "inputs_hash", "template_hash"]
"""What an answer is known by among those of one model and prompt."""


@dataclass(frozen=True)
class Rewordable:
    """What a wording is held against: templates by file, and the names of all by occurrence."""

    templates: Mapping[str, Template]
    names: Mapping[str, frozenset[str]]

    def about(self, row: Mapping[Any, Any]) -> About:
        """Return whose draft a row of `mart.followup_texts` is, and what may be said in it."""
        name = str(row["name"] or "")
        names = self.names.get(row["occurrence_id"], frozenset())
        wish = wish_of(self.templates[row["template"]], row["evidence"], name)
        return About(wish, names, full_names(names), name, str(row["email"] or ""))


def base_hash(subject: str, body: str) -> str:
    """Return the hash of a text as it is made: an edit names what it was made of by it."""
    return hashlib.sha256(f"{subject}\n{body}".encode()).hexdigest()[:12]


def last_edits(edits: pd.DataFrame) -> pd.DataFrame:
    """Return the last edit of each draft."""
    return edits.sort_values(["edited_at", "file_id", "source_row"]).drop_duplicates("draft_id", keep="last")


def reworded(texts: pd.DataFrame, answers: pd.DataFrame, edits: pd.DataFrame, rewordable: Rewordable) -> pd.DataFrame:
    """Return the texts with the wordings that may stand in the place of the template's, and by whom each is worded."""
    rows = texts.assign(
        worded_by=pd.Series(TEMPLATE, index=texts.index, dtype="str").where(texts["body_text"].notna()),
        wording_problem=pd.Series(None, index=texts.index, dtype="str"),
    )
    used = answers[answers["is_in_use"].astype(bool)].sort_values(["asked_at", "attempt", "file_id", "source_row"])
    last = used.drop_duplicates(DRAFT_OF, keep="last")
    asked = rows.reset_index(names="at").merge(last[[*DRAFT_OF, "answer", "outcome", "model"]], on=DRAFT_OF)
    base = looked_up(asked["draft_id"], last_edits(edits), "draft_id", "base_hash")
    is_open = asked["body_text"].notna() & ~(base.notna() & base.eq(asked["base_hash"]))
    for at, new in _wordings(asked[is_open], rewordable):
        rows.loc[at, [*new]] = [*new.values()]
    return rows


def _wordings(asked: pd.DataFrame, rewordable: Rewordable) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the place of each row with what a wording makes of it, or why it does not stand."""
    for row in asked.to_dict("records"):
        if row["outcome"] not in ANSWERED or not isinstance(row["answer"], str):
            yield row["at"], {"wording_problem": row["outcome"]}
            continue
        said = said_in(row["answer"].encode())
        about = rewordable.about(row)
        text = about.wish.with_name(said.text) if said.text else None
        wrong = faults(text, about) if text else [said.why]
        if text is None or wrong:
            yield row["at"], {"wording_problem": "; ".join(wrong)}
        else:
            made = base_hash(text.subject, text.body)
            yield (
                row["at"],
                {"subject": text.subject, "body_text": text.body, "base_hash": made, "worded_by": row["model"]},
            )
