"""Asking a model to reword drafts: which, at most five at a time, within the budget of the night, each answer landed.

Whatever the model does, the night goes on: what has no answer keeps its template's text, and is asked for the next
night. Not here: what is sent (`wording`), and what may stand (`wording_checks`).
"""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import lookup_key
from funnel_etl.marts.engagement.answers import (
    ANSWERED,
    ATTEMPTS,
    DECLINED,
    FOLLOWUP,
    OK,
    REFUSED,
    as_text,
)
from funnel_etl.marts.engagement.model import TRIES, ModelAnswer, ModelServer
from funnel_etl.marts.engagement.reworded import DRAFT_OF, Rewordable
from funnel_etl.marts.engagement.wording import MOST_TOKENS, PROMPT_VERSION, Said, Wish, body_of, said_in
from funnel_etl.marts.engagement.wording_checks import About, faults

AT_ONCE = 5
NIGHT_SECONDS = 900.0
"""How long a night asks; the rest waits for the next one."""
MOST_FAILURES = 5
"""Questions in a row without an answer after which a night asks no more."""
TOGETHER = 20
"""Answers that are landed in one file: a kill loses no more of them."""
MILLION = Decimal(1_000_000)
Row = dict[str, Any]


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens that are sent, and that come back."""

    sent: Decimal
    answered: Decimal

    def of(self, sent: int, answered: int) -> Decimal:
        """Return what so many tokens cost."""
        return (self.sent * sent + self.answered * answered) / MILLION

    def most(self, body: bytes) -> Decimal:
        """Return the most that one request may cost: no tokenizer makes more tokens than there are bytes."""
        return self.of(len(body), MOST_TOKENS)


def price_of(rows: pd.DataFrame, model: str) -> Price | None:
    """Return the price of a model by `llm_prices.csv`; None: no line names it. The last line holds."""
    for name, sent, answered in rows[["model", "usd_per_million_in", "usd_per_million_out"]].to_numpy()[::-1]:
        if lookup_key(name) == lookup_key(model):
            return Price(Decimal(sent.strip()), Decimal(answered.strip()))
    return None


@dataclass
class Budget:
    """What a night may still spend, shared by those who ask: each puts aside the most it may cost before it asks."""

    left: Decimal
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, most: Decimal) -> bool:
        """Put an amount aside; says whether there was as much."""
        with self._lock:
            has = most <= self.left
            self.left -= most if has else Decimal(0)
            return has

    def settle(self, most: Decimal, cost: Decimal) -> None:
        """Return what was put aside to the budget, but for what it cost."""
        with self._lock:
            self.left += most - cost


@dataclass(frozen=True)
class Wanted:
    """A draft to be reworded."""

    draft_id: str
    inputs_hash: str
    template_hash: str
    email: str
    about: About
    request_hash: str


@dataclass
class Asked:
    """What became of a night's questions. `outcomes`: of calls; `waits`: drafts without an answer, and `why`."""

    outcomes: Counter[str] = field(default_factory=Counter)
    shared: int = 0
    waits: int = 0
    why: str = ""

    @property
    def says(self) -> str:
        """It in words; empty: nothing was to be done."""
        parts = [f"{grouped(count)} {outcome}" for outcome, count in sorted(self.outcomes.items())]
        told = f"wordings asked for: {', '.join(parts)}" if parts else ""
        if self.waits:
            told = f"{told}; " if told else ""
            told += f"{grouped(self.waits)} drafts have their template's text until the next night: {self.why}"
        return told


def wanted(
    texts: pd.DataFrame, edits: pd.DataFrame, known: pd.DataFrame, model: str, given: Rewordable
) -> list[Wanted]:
    """Return the drafts to ask for, the best scored first: not withheld, not edited, not answered for good."""
    answered = set(known.loc[is_final(known), DRAFT_OF].itertuples(index=False, name=None))
    has_text = texts["body_text"].notna() & texts["withheld_reason"].isna() & ~texts["draft_id"].isin(edits["draft_id"])
    order = texts[has_text].sort_values(["score", "draft_id"], ascending=[False, True], na_position="last")
    found = []
    for row in order.to_dict("records"):
        if tuple(row[name] for name in DRAFT_OF) in answered:
            continue
        about = given.about(row)
        asked = request_hash(model, about.wish)
        found.append(Wanted(row["draft_id"], row["inputs_hash"], row["template_hash"], row["email"], about, asked))
    return found


def request_hash(model: str, wish: Wish) -> str:
    """Return what a question is known by: prompt, model and all that is sent."""
    return hashlib.sha256(f"{PROMPT_VERSION}|".encode() + body_of(model, wish)).hexdigest()[:16]


def is_final(rows: pd.DataFrame) -> pd.Series:
    """Whether an answer is the last word: it stood, was declined, or was the second that could not stand."""
    is_last = rows["outcome"].isin([OK, DECLINED]) | (
        rows["outcome"].isin([each for each in ANSWERED if each != OK]) & rows["attempt"].ge(ATTEMPTS)
    )
    return is_last.astype(bool)


def ask_all(
    drafts: Sequence[Wanted],
    known: pd.DataFrame,
    server: ModelServer,
    price: Price,
    left: Decimal,
    night: date,
    land: Callable[[list[Row]], object],
) -> Asked:
    """Ask for each draft, once for those that read the same, and land what comes in pieces. `left`: of the budget."""
    done = Asked()
    same: dict[str, list[Wanted]] = {}
    for each in drafts:
        same.setdefault(each.request_hash, []).append(each)
    last = known[is_final(known)].drop_duplicates("request_hash", keep="last")
    answered = {row["request_hash"]: row for row in last.to_dict("records")}
    rows = [_shared(answered[key], each, night) for key, own in same.items() if key in answered for each in own]
    done.shared = len(rows)
    asking = _Asking(server, price, Budget(left), night, time.monotonic() + NIGHT_SECONDS)
    todo = {key: own for key, own in same.items() if key not in answered}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="wording") as pool:
        futures = {pool.submit(asking.ask, own[0]): own for own in todo.values()}
        try:
            for future in as_completed(futures):
                own, calls = futures.pop(future), future.result()
                done.outcomes.update(row["outcome"] for row in calls)
                rows += calls
                if calls:
                    rows += [_shared(calls[-1], each, night) for each in own[1:]]
                if not calls or calls[-1]["outcome"] not in ANSWERED:
                    done.waits += len(own)
                if len(rows) >= TOGETHER:
                    land(rows)
                    rows = []
        finally:
            asking.stop("the run was stopped")
            pool.shutdown(wait=True, cancel_futures=True)
            if rows:
                land(rows)
    done.why = asking.why or "the model did not answer for them"
    return done


def _shared(row: Mapping[Any, Any], draft: Wanted, night: date) -> Row:
    """Return the answer of another draft that reads the same, for this one: it cost nothing more."""
    own = {
        "draft_id": draft.draft_id,
        "inputs_hash": draft.inputs_hash,
        "template_hash": draft.template_hash,
        "email": draft.email,
        "night": night.isoformat(),
        "is_shared": "yes",
    }
    kept = ("purpose", "request_hash", "prompt_version", "model", "attempt", "outcome", "answer")
    nothing = {"tries": 0, "tokens_in": 0, "tokens_out": 0, "cost_usd": "0", "seconds": "0"}
    return {name: row[name] if isinstance(row[name], str | int) else "" for name in kept} | nothing | own


@dataclass
class _Asking:
    """Those who ask in one night, and why they stopped."""

    server: ModelServer
    price: Price
    budget: Budget
    night: date
    ends: float
    why: str = ""
    _failures: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self, why: str) -> None:
        """Ask nothing more."""
        with self._lock:
            self.why = self.why or why

    def ask(self, draft: Wanted) -> list[Row]:
        """Ask for a draft, a second time if the first answer cannot stand; returns the calls that were made."""
        return [*self._calls(draft)]

    def _calls(self, draft: Wanted) -> Iterator[Row]:
        refused: tuple[str, str] | None = None
        for attempt in range(1, ATTEMPTS + 1):
            body = body_of(self.server.model, draft.about.wish, refused)
            most = self.price.most(body) * TRIES
            if self.why or not self._may_ask(most):
                return
            answer = self.server.ask(body, self.ends)
            said = said_in(answer.data)
            wrong = self._wrong(answer, said, draft.about)
            row, cost = self._row(draft, attempt, answer, said, wrong, body)
            self.budget.settle(most, cost)
            self._note(answer)
            yield row
            if not answer.is_answered or row["outcome"] in (OK, DECLINED):
                return
            refused = said.content, "; ".join(wrong) or "it is no JSON with subject and body"

    def _may_ask(self, most: Decimal) -> bool:
        if time.monotonic() >= self.ends:
            self.stop("the time of the night for it is over")
            return False
        if not self.budget.take(most):
            self.stop("the budget of the night (FUNNEL_LLM_BUDGET_USD) is spent")
            return False
        return True

    @staticmethod
    def _wrong(answer: ModelAnswer, said: Said, about: About) -> list[str]:
        if not answer.is_answered or said.text is None:
            return []
        return faults(about.wish.with_name(said.text), about)

    def _note(self, answer: ModelAnswer) -> None:
        """Remember how many questions in a row had no answer."""
        with self._lock:
            self._failures = 0 if answer.is_answered else self._failures + 1
        if answer.is_hopeless:
            self.stop(f"the model's server says {answer.outcome}: see FUNNEL_LLM_URL, _KEY and _MODEL")
        elif self._failures >= MOST_FAILURES:
            self.stop(f"the model did not answer {MOST_FAILURES} times in a row ({answer.outcome})")

    def _row(
        self, draft: Wanted, attempt: int, answer: ModelAnswer, said: Said, wrong: list[str], body: bytes
    ) -> tuple[Row, Decimal]:
        outcome = answer.outcome
        if answer.is_answered:
            outcome = said.why or (REFUSED if wrong else OK)
        # Of what an answer does not tell, what is usual: four bytes a token.
        sent, came = said.tokens or ((len(body) // 4, len(answer.data) // 4) if answer.is_answered else (0, 0))
        cost = self.price.of(sent, came) + answer.lost * self.price.most(body)
        row = {
            "night": self.night.isoformat(),
            "purpose": FOLLOWUP,
            "draft_id": draft.draft_id,
            "template_hash": draft.template_hash,
            "inputs_hash": draft.inputs_hash,
            "request_hash": draft.request_hash,
            "prompt_version": PROMPT_VERSION,
            "model": self.server.model,
            "attempt": attempt,
            "outcome": outcome,
            "tries": answer.tries,
            "tokens_in": sent,
            "tokens_out": came,
            "cost_usd": f"{cost:.8f}",
            "seconds": f"{answer.seconds:.3f}",
            "is_shared": "no",
            "email": draft.email,
            "answer": as_text(answer.data),
        }
        return row, cost
