"""The templates of follow-ups as a person edits them: judged as a night would, shown filled in, saved, kept.

What may stand in one is in `core/followup_templates`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
from jinja2.exceptions import TemplateError
from upath import UPath

from funnel_etl.core.config_engagement import FOLLOWUPS
from funnel_etl.core.errors import ConfigError
from funnel_etl.core.followup_templates import TIER_FILES, Template, followup_faults, templates_of
from funnel_etl.core.values.text import decode, typed
from funnel_etl.marts.engagement.wording import UNSUBSCRIBE_LINE
from funnel_etl.operate.mappings.versions import read_version, versions
from funnel_etl.operate.mappings.write import alone, bytes_of, remove_file, replace_tables
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.config_folder import table_file, templates_csv
from funnel_etl.sources.nightly import NightlySources

EVERYTHING: Mapping[str, object] = {
    "first_name": "Asha",
    "topic": "ACCA Masterclass",
    "conductor": "Meera Quillon",
    "attended_minutes": 52,
    "questions": ["What is the fee for level 2?", "Is there a recording?"],
    "first_question": "What is the fee for level 2?",
    "messages": 3,
    "offer_name": "Early seat",
    "offer_description": "The whole course, with two mock exams.",
    "price": "₹24,999",
    "deadline": "30 November",
    "replay_url": "https://example.org/replay",
    "unsubscribe_line": UNSUBSCRIBE_LINE,
}
"""A made-up person of whom everything is known; `LITTLE`: one of whom next to nothing is."""
LITTLE: Mapping[str, object] = {"unsubscribe_line": UNSUBSCRIBE_LINE}


@dataclass(frozen=True)
class Text:
    """A template as it lies in the folder; `data` is None where there is none yet."""

    file: str
    data: bytes | None

    @property
    def text(self) -> str:
        """It as text, with the line ends of Unix."""
        return "" if self.data is None else decode(self.data).text.replace("\r\n", "\n")


@dataclass(frozen=True)
class EarlierText:
    """A version of one template that is another text than now: of which version of the folder, since when, by whom."""

    file_id: str
    title: str
    text: str


def files(settings: Settings) -> list[str]:
    """Return the templates there are, the hottest tier first."""
    order = list(TIER_FILES)
    names = [path.name for path in table_file(settings.config_folder, FOLLOWUPS).glob("*.txt")]
    tiers = {name: name.partition(".")[0] for name in names}
    return sorted(names, key=lambda one: (order.index(tiers[one]) if tiers[one] in order else len(order), one))


def open_text(settings: Settings, file: str) -> Text:
    """Read a template as it lies in the folder."""
    return Text(file, bytes_of(table_file(settings.config_folder, FOLLOWUPS) / file))


def faults(file: str, text: str) -> list[tuple[str, str]]:
    """Return what a night would say of a template: what is wrong, with its line, and how to put it right."""
    rows = pd.DataFrame({"line": [1], "file": [file], "text": [text]})
    return [(what.removeprefix(f"followups/{file} "), fix) for _, what, fix in followup_faults(rows)]


def filled_in(file: str, text: str, facts: Mapping[str, object]) -> tuple[str, str] | None:
    """Return subject and body of a template for facts; None: it cannot be filled in."""
    found: list[Template] = list(templates_of(pd.DataFrame({"file": [file], "text": [text]})).values())
    try:
        return found[0].render(facts) if found else None
    except (TemplateError, TypeError, ValueError, ArithmeticError):
        return None


def as_table(settings: Settings, file: str, text: str | None) -> bytes:
    """Return the table of all templates with this one as it would be (None: deleted): by it a version is known."""
    texts = {name: open_text(settings, name).text for name in files(settings) if name != file}
    return templates_csv(texts if text is None else texts | {file: text})


def save_text(settings: Settings, base: Text, text: str) -> None:
    """Write a template in the place of `base`, and keep both versions.

    Raises `ConfigError` for one that a night would not take, or when somebody has changed it; `StorageUnavailable`.
    """
    text = typed(text)
    if wrong := faults(base.file, text):
        raise ConfigError(wrong[0][0], where=f"followups/{base.file}", fix=wrong[0][1])
    path = table_file(settings.config_folder, FOLLOWUPS) / base.file
    sources = NightlySources(settings, Landing(UPath(settings.landing_root)))
    with alone(settings.state):
        sources.land_config(FOLLOWUPS)
        replace_tables({path: (base.data, text.encode())})
        sources.land_config(FOLLOWUPS)


def delete(settings: Settings, base: Text) -> None:
    """Delete a template that is as `base`; all versions of it are kept.

    Raises `ConfigError` when somebody has changed it or it is the last one, `StorageUnavailable`.
    """
    where = f"followups/{base.file}"
    if base.data is None:
        raise ConfigError("it is deleted already", where=where, fix="look at its earlier texts")
    sources = NightlySources(settings, Landing(UPath(settings.landing_root)))
    with alone(settings.state):
        if files(settings) == [base.file]:
            raise ConfigError("it is the only template, and a night keeps the last one", where=where, fix="edit it")
        sources.land_config(FOLLOWUPS)
        remove_file(table_file(settings.config_folder, FOLLOWUPS) / base.file, base.data)
        sources.land_config(FOLLOWUPS)


def deleted(settings: Settings) -> list[str]:
    """Return the templates that an earlier version has and the folder has no more. Raises `DatabaseUnavailable`."""
    kept = [read_version(settings, FOLLOWUPS, version.file_id).rows for version in versions(settings, FOLLOWUPS)]
    return sorted({cells[0] for rows in kept for cells in rows} - set(files(settings)))


def earlier(settings: Settings, now: Text) -> Iterator[EarlierText]:
    """Yield the texts that a template had, the newest first, each once. Raises `DatabaseUnavailable`."""
    seen = {now.text}
    for version in versions(settings, FOLLOWUPS):
        rows = read_version(settings, FOLLOWUPS, version.file_id).rows
        text = next((cells[1] for cells in rows if cells[0] == now.file), None)
        if text is not None and text not in seen:
            seen.add(text)
            yield EarlierText(version.file_id, f"{version.at:%Y-%m-%d %H:%M} UTC, {version.who or 'by hand'}", text)
