"""The file `.env`, whatever program wrote it, and names that are no setting. What a setting means is in `settings`.

No value is ever shown: it may be a secret, and so may what stands in the place of a name.
"""

import io
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from dotenv import dotenv_values  # comes with pydantic-settings, whose reader of the file this is
from dotenv.parser import Binding, parse_stream
from rapidfuzz import fuzz, process

from funnel_etl.core.errors import ConfigError
from funnel_etl.core.values.text import decode

PREFIX = "FUNNEL_"
BESIDE = {"FUNNEL_DAGSTER_URL"}
"""Names with our prefix that are no settings: `dagster.yaml` reads this one, and we set it ourselves."""

_QUOTES = "\"'`“”„‟«»‘’‚‛"
_ASSIGNMENT = re.compile(r"[\r\n]\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=")
_SHELL = re.compile(r"^(?:ENV|EXPORT|SET)_")
_SIMILAR, _MISSPELT_PREFIX = 70, 90
_BY_QUOTES = "write NAME=value, without quotes or between two straight ones, as NAME='value'"
_UNREADABLE = "let this user read it, or take it away and set the environment instead"


def read_env_file(path: Path, known: Collection[str]) -> dict[str, str]:
    """Return the names and values of the file, without empty ones; none if there is no file. `known`: all settings.

    Raises `ConfigError` for a file or a line that cannot be read, and for a name that was meant for a setting.
    """
    if (text := _text(path)) is None:
        return {}
    bindings = list(parse_stream(io.StringIO(text)))
    first: dict[str, tuple[int, str]] = {}
    for binding in bindings:
        line = binding.original.line + _begin(binding).count("\n")
        where = f"{path.name}, line {line}"
        if binding.error:
            raise ConfigError("a quotation mark or the = is missing in this line", where=where, fix=_BY_QUOTES)
        if binding.key is None or not binding.key.upper().startswith(PREFIX):
            continue
        if binding.value is None:
            raise ConfigError(f"{_shown(binding.key)} has no =", where=where, fix=_BY_QUOTES)
        if what := _misquoted(binding):
            raise ConfigError(f"the value of {_shown(binding.key)} {what}", where=where, fix=_BY_QUOTES)
        if binding.value:
            line_before, value_before = first.setdefault(binding.key.upper(), (line, binding.value))
            if binding.value != value_before:
                what = f"{_shown(binding.key)} has another value already on line {line_before}"
                raise ConfigError(what, where=where, fix="keep the one that is right")
    filled_in = "".join(binding.original.string for binding in bindings if binding.value)
    values = {name: value for name, value in dotenv_values(stream=io.StringIO(filled_in)).items() if value}
    refuse_unknown(values, known, path.name)
    return values


def refuse_unknown(names: Iterable[str], known: Collection[str], where: str) -> None:
    """Raise `ConfigError` if a name was meant for a setting and is none: the setting would silently not be set."""
    found = []
    for name in names:
        plain = _SHELL.sub("", re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_"))
        close = process.extractOne(plain, sorted(known), scorer=fuzz.ratio, score_cutoff=_SIMILAR)
        is_misspelt = plain.startswith("F") and close is not None and close[1] >= _MISSPELT_PREFIX
        if name.upper() not in {*known, *BESIDE} and (plain.startswith(PREFIX[:-1]) or is_misspelt):
            found.append(_shown(name) + (f" (did you mean {close[0]}?)" if close else ""))
    if found:
        fix = "correct the name, or remove it; docs/settings.md lists every setting"
        raise ConfigError(f"no such setting: {', '.join(found)}", where=where, fix=fix)


def refuse_quoted(name: str, value: str) -> None:
    """Raise `ConfigError` for a value of the environment that is still between the quotes of a file."""
    if len(value) > 1 and value[0] in _QUOTES and value[-1] in _QUOTES:
        raise ConfigError("its value is between quotes", where=name, fix="set it without them in the environment")


def _text(path: Path) -> str | None:
    if not os.path.lexists(path):
        return None
    try:
        text = decode(path.read_bytes()).text
    except IsADirectoryError:
        fix = "remove it; to set something there, copy .env.example to .env"
        raise ConfigError("this is a folder, not a file", where=path.name, fix=fix) from None
    except OSError as error:
        what = f"this file cannot be read ({error.strerror or type(error).__name__})"
        raise ConfigError(what, where=path.name, fix=_UNREADABLE) from None
    if "\ufffd" in text:
        line = text[: text.index("\ufffd")].count("\n") + 1
        fix = "save it as UTF-8 with a text editor"
        raise ConfigError("its characters cannot be read", where=f"{path.name}, line {line}", fix=fix)
    return text


def _begin(binding: Binding) -> str:
    """Return the white space before a line, which dotenv counts to it."""
    string = binding.original.string
    return string[: len(string) - len(string.lstrip())]


def _misquoted(binding: Binding) -> str:
    """Return what is wrong with the quotes of a value, or an empty text."""
    written = binding.original.string.partition("=")[2].strip()
    value = binding.value or ""
    if written[:1] in {"'", '"'}:
        return "has no closing quotation mark" if _ASSIGNMENT.search(value) else ""
    if value and (value[0] in _QUOTES or value[-1] in _QUOTES):
        return "has a quotation mark at one end, or one that is not straight"
    return ""


def _shown(name: str) -> str:
    """Return a name as an error may show it: what follows its first word may be the value, as in NAME:value."""
    word = re.search(r"funnel[\w-]*", name, re.IGNORECASE) or re.search(r"[\w-]+", name)
    shown = word[0] if word else "a name"
    return shown if name.endswith(shown) else f"{shown}…"
