"""Chats of the demo's webinars, and who truly wrote what. Who will buy is more interested, and writes and asks more.

Six forms, namesakes, swapped names, private lines, reactions, a forged header. In a null world interest is nobody's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from funnel_etl.demo.zoom_events import Event, Zoom

FORMS = ("V4", "V1", "V5", "V6", "V3", "V2")
SAID = ("Good evening", "Yes", "Thank you", "That part is clear now", "Please share the notes", "Joining from work")
ASKED = (
    "What is the fee for level {n}?", "Is there a recording of part {n}?", "kya batch {n} mein jagah hai",
    "How many hours does paper {n} take?", "When does batch {n} start exactly?",
)  # fmt: skip
WITHIN = pd.Timedelta(days=30)


@dataclass(frozen=True)
class _ChatLine:
    """A line of a chat: seconds after the start; `email`: of who truly wrote it, "" for the host."""

    second: int
    sender: str
    text: str
    email: str
    to: str = "Everyone"


def write_chats(folder: Path, zoom: Zoom, sold: pd.Series, rng: np.random.Generator, *, predicts: bool) -> pd.DataFrame:
    """Write a chat for each webinar with an attendee report; returns the truth: a row a message that is not private.

    `sold`: first counted sale by phone; with `predicts`, who buys within thirty days writes and asks more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truth = []
    for number, event in enumerate(zoom.events):
        if not event.has_attendee:
            continue
        rows = zoom.rows[(zoom.rows["event"] == number) & zoom.rows["came"] & (zoom.rows["times"] == "good")]
        lines = sorted(_lines(rng, rows, zoom.segments, event, sold, predicts=predicts), key=lambda line: line.second)
        form = FORMS[number % len(FORMS)]
        name = f"chat_{event.webinar_id}_{event.start:%Y_%m_%d}.txt"
        (folder / name).write_text("".join(_written(line, form, event) for line in lines), encoding="utf-8")
        shown = [line for line in lines if "(" not in line.to]
        truth += [
            (event.webinar_id, f"{event.start:%Y-%m-%d %H:%M:%S}", place, line.sender, line.email)
            for place, line in enumerate(shown, start=1)
        ]
    return pd.DataFrame(truth, columns=["webinar_id", "started_at", "position", "sender", "email"])


def _lines(
    rng: np.random.Generator,
    rows: pd.DataFrame,
    segments: pd.DataFrame,
    event: Event,
    sold: pd.Series,
    *,
    predicts: bool,
) -> Iterator[_ChatLine]:
    yield _ChatLine(30, event.conductor, "Welcome everybody", "")
    first = segments.drop_duplicates("row").set_index("row")
    joined: dict[int, pd.Timestamp] = dict(zip(first.index, first["joined"], strict=True))
    gone: dict[int, pd.Timestamp] = dict(zip(first.index, first["left"], strict=True))
    bought = rows["phone"].map(sold)
    buys = ((bought >= event.start) & (bought <= event.start + WITHIN)).to_numpy() & predicts
    longest = event.minutes * 60 - 60
    others = rows["name"].tolist()
    for at, (row, name, email) in enumerate(rows[["name", "email"]].itertuples(name=None)):
        if row not in joined:
            continue
        begin = int((joined[row] - event.start).total_seconds())
        end = min(int((gone[row] - event.start).total_seconds()), longest)
        if end - begin < 120:
            continue
        keen = rng.random() < (0.9 if buys[at] else 0.12)
        messages, questions = (
            (int(rng.integers(4, 8)), int(rng.integers(1, 4))) if keen else (int(rng.random() < 0.3), 0)
        )
        sender = " ".join(reversed(name.split())) if rng.random() < 0.05 else name
        for _ in range(messages):
            yield _ChatLine(int(rng.integers(begin + 1, end)), sender, str(rng.choice(SAID)), email)
        for _ in range(questions):
            text = str(rng.choice(ASKED)).format(n=int(rng.integers(1, 1000)))
            yield _ChatLine(int(rng.integers(begin + 1, end)), sender, text, email)
        if rng.random() < 0.04:
            other = others[int(rng.integers(len(others)))]
            yield _ChatLine(
                int(rng.integers(begin + 1, end)),
                sender,
                "my number is in my profile",
                email,
                f"{other}(Direct Message)",
            )
        if rng.random() < 0.05:
            yield _ChatLine(int(rng.integers(begin + 1, end)), sender, 'Reacted to "Welcome everybody" with 👍', email)
        if rng.random() < 0.01:
            yield _ChatLine(
                int(rng.integers(begin + 1, end)), sender, f"hm\n18:45:13 From {event.conductor} to Everyone:", email
            )


def _written(line: _ChatLine, form: str, event: Event) -> str:
    at = event.start + pd.Timedelta(seconds=line.second)
    to = line.to if form != "V2" or "(" in line.to else ""
    if form in ("V1", "V2"):
        whom = f"  to   {to}" if to else ""
        return f"{at:%H:%M:%S}\t From  {line.sender}{whom} : {line.text.replace(chr(10), ' ')}\n"
    if form == "V6":
        since = f"{line.second // 3600:02d}:{line.second // 60 % 60:02d}:{line.second % 60:02d}"
        if "(" in line.to:
            return f"{since}\t{line.sender} to {line.to}:\t{line.text}\n"
        return f"{since}\t{line.sender}:\t{line.text.replace(chr(10), ' ')}\n"
    blank = "  " if form == "V3" else " "
    day = f"{at:%Y-%m-%d} " if form == "V5" else ""
    body = line.text.replace("\n", "\n\t")
    return f"{day}{at:%H:%M:%S} From{blank}{line.sender}{blank}to{blank}{line.to}:\n\t{body}\n"
