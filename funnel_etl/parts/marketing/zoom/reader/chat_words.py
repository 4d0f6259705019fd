"""The words of Zoom chats by language: who speaks to whom, what is private, reactions and replies.

Here: spellings, and what a text behind `to` means. Not here: how a line is laid out (`chat_forms`).
"""

import re
from functools import lru_cache
from typing import NamedTuple

from funnel_etl.core.values.text import lookup_key

EVERYONE, HOSTS, PRIVATE = "everyone", "hosts", "private"
AUDIENCES = (EVERYONE, HOSTS, PRIVATE)

FROM = ("From", "От", "Von", "De", "Da", "Van")
TO = ("to", "кому", "an", "para", "a", "à", "aan")
EVERYONE_WORDS = (
    "everyone", "everybody", "all", "everyone (in meeting)", "everyone in meeting", "everyone (in webinar)",
    "all panelists and attendees", "all attendees", "все", "всем", "все участники", "alle", "jeder", "jeden",
    "alle diskussionsteilnehmer und teilnehmer", "todos", "todas", "todos los panelistas y asistentes",
    "todos os painelistas e participantes", "tous", "tout le monde", "tutti", "iedereen",
)  # fmt: skip
HOSTS_WORDS = (
    "hosts and panelists", "host and panelists", "hosts & panelists", "all panelists", "panelists",
    "all hosts and panelists",
    "организаторы и панелисты", "организаторы и докладчики", "все панелисты", "hosts und diskussionsteilnehmer",
    "alle diskussionsteilnehmer", "anfitriones y panelistas", "todos los panelistas", "anfitriões e painelistas",
    "todos os painelistas", "hôtes et panélistes", "tous les panélistes",
)  # fmt: skip
PRIVATE_MARKS = (
    "privately", "direct message", "private", "личное сообщение", "лично", "direktnachricht", "privat",
    "mensaje directo", "en privado", "mensagem direta", "privado", "message direct", "en privé",
)  # fmt: skip

_EVERYONE, _HOSTS = frozenset(EVERYONE_WORDS), frozenset(HOSTS_WORDS)
_MARK = re.compile(rf"\s*\((?:{'|'.join(PRIVATE_MARKS)})\)\s*$", re.IGNORECASE)
_WITH_HOSTS = re.compile(rf"^(?P<name>.*\S)\s*,\s*(?:{'|'.join(HOSTS_WORDS)})$", re.IGNORECASE | re.DOTALL)
_QUOTE, _END = "[\"“”«„'‘]", "[\"”“»'’]"
_REACTIONS = (
    re.compile(
        rf"Reacted to {_QUOTE}(?P<about>.*){_END} with {_QUOTE}?(?P<emoji>[^\"“”\s][^\"“”]*?){_END}?", re.DOTALL
    ),
    re.compile(rf"Reacted to (?P<about>.+?) with {_QUOTE}?(?P<emoji>[^\w\s\"“”?!.,][^\w\"“”?!.,]*?){_END}?", re.DOTALL),
    re.compile(rf"Реакция на {_QUOTE}(?P<about>.*){_END} с помощью (?P<emoji>\S.*)", re.DOTALL),
)
_TAKEN_BACK = (
    re.compile(rf"Removed an? (?P<emoji>\S.*?) reaction from {_QUOTE}?(?P<about>.*?){_END}?", re.DOTALL),
    re.compile(rf"Элемент (?P<emoji>\S.*?) удал[её]н из {_QUOTE}(?P<about>.*){_END}", re.DOTALL),
)
_REPLIES = re.compile(
    rf"(?:Replying to|Reply to|Ответ на|В ответ на) {_QUOTE}(?P<about>.*?){_END}:?[ \t]*(?:\n(?P<text>.*)|$)",
    re.DOTALL,
)
MESSAGE, REPLY, REACTION, UNREACTION = "message", "reply", "reaction", "unreaction"
KINDS = (MESSAGE, REPLY, REACTION, UNREACTION)


class Addressed(NamedTuple):
    """To whom a line speaks. `name`: the one who is addressed by name; `is_host_side`: only a host can write so."""

    audience: str
    name: str | None = None
    is_host_side: bool = False


class Said(NamedTuple):
    """What a line says: its kind, its own text, and of a reply or reaction what it is about, and with which sign."""

    kind: str
    text: str
    about: str | None = None
    emoji: str | None = None


@lru_cache(maxsize=4096)
def addressed(who: str) -> Addressed | None:
    """Return whom a text behind `to` means if it is a known audience or marked private, else None."""
    if (mark := _MARK.search(who)) is not None:
        return Addressed(PRIVATE, who[: mark.start()].strip() or None)
    key = lookup_key(who)
    if key in _EVERYONE:
        return Addressed(EVERYONE)
    if key in _HOSTS:
        return Addressed(HOSTS)
    if (both := _WITH_HOSTS.match(" ".join(who.split()))) is not None:
        return Addressed(HOSTS, both["name"].strip(), is_host_side=True)
    return None


def said(body: str) -> Said:
    """Return what the body of a line says. A quoted message before a reply is not the sender's own text."""
    start = body.lstrip()
    for pattern in _REACTIONS:
        if start.startswith(("Reacted", "Реакция")) and (found := pattern.fullmatch(start.strip())) is not None:
            return Said(REACTION, start.strip(), _about(found["about"]), found["emoji"].strip())
    for pattern in _TAKEN_BACK:
        if start.startswith(("Removed", "Элемент")) and (found := pattern.fullmatch(start.strip())) is not None:
            return Said(UNREACTION, start.strip(), _about(found["about"]), found["emoji"].strip())
    if start.startswith(("Repl", "Ответ", "В ответ")) and (found := _REPLIES.match(start)) is not None:
        return Said(REPLY, (found["text"] or "").strip("\n \t"), _about(found["about"]))
    return Said(MESSAGE, body)


def _about(text: str) -> str:
    """Return the beginning of the message that is meant, without the dots that stand for the rest."""
    return re.sub(r"(?:\.{3,}|…)\s*$", "", text).strip()
