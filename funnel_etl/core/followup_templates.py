"""The templates of follow-ups: what may stand in one, and what it makes of facts. Jinja in a sandbox, and little of it.

Pure. A template is text with `{{ name }}` and `{% if name %}`; no calls, no attributes, no includes, no arithmetic that
grows. It is judged before it comes into force. Here: the language. Not here: which facts there are for a person.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd
from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from funnel_etl.core.values.nearest import did_you_mean

VARIABLES = {
    "first_name": "first name as registered",
    "topic": "topic of the webinar",
    "conductor": "who conducted it",
    "attended_minutes": "minutes the person was in",
    "questions": "the person's own questions, a list",
    "first_question": "the first of them",
    "messages": "how many messages the person wrote",
    "offer_name": "what is offered (webinar_offers.csv)",
    "offer_description": "what it is",
    "price": "its price, as written there",
    "deadline": "until when, as written there",
    "replay_url": "link to the recording",
    "unsubscribe_line": "how to get no more mail: every template has it",
}
"""What a template may name → what it is. A fact that is not there is none: `{% if first_question %}`."""
UNSUBSCRIBE = "unsubscribe_line"
TIER_FILES = {"hot": "Hot", "warm": "Warm", "cool": "Cool", "cold": "Cold", "no-show": "No-Show"}
FILTERS = frozenset({"capitalize", "default", "first", "int", "join", "length", "lower", "title", "trim", "upper"})
LONGEST_TEMPLATE, LONGEST_TEXT = 10_000, 5_000
_NAME = re.compile(r"(?P<tier>[a-z-]+)\.(?P<language>[a-z]{2,20})\.txt")
LANGUAGE = re.compile(r"[a-z]{2,20}")
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.For, nodes.Filter, nodes.Const,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Concat,
)  # fmt: skip
Fault = tuple[int, str, str]


@dataclass(frozen=True)
class Template:
    """A template: of which tier, in which language; its first line is the subject."""

    file: str
    tier: str
    language: str
    text: str

    def render(self, facts: Mapping[str, Any]) -> tuple[str, str]:
        """Return subject and body for facts; those that are not there are none. Raises `TemplateError`."""
        given = {name: facts.get(name) for name in VARIABLES}
        rendered = _compiled(self.text).render(given)[:LONGEST_TEXT]
        subject, _, body = rendered.partition("\n")
        lines = [line.rstrip() for line in body.splitlines()]
        return " ".join(subject.split()), re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    @property
    def names(self) -> frozenset[str]:
        """The facts it names."""
        return _names(self.text)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.filters = {name: f for name, f in environment.filters.items() if name in FILTERS}
    environment.globals.clear()
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment


@lru_cache(maxsize=256)
def _names(text: str) -> frozenset[str]:
    return frozenset(node.name for node in _environment().parse(text).find_all(nodes.Name)) & VARIABLES.keys()


@lru_cache(maxsize=256)
def _compiled(text: str) -> Any:
    return _environment().from_string(text)


def templates_of(rows: pd.DataFrame) -> dict[tuple[str, str], Template]:
    """Return the templates of the config table `followups`, by tier and language."""
    found = {}
    for file, text in rows[["file", "text"]].itertuples(index=False):
        named = _NAME.fullmatch(file)
        if named is not None and named["tier"] in TIER_FILES:
            tier = TIER_FILES[named["tier"]]
            found[tier, named["language"]] = Template(file, tier, named["language"], text.replace("\r\n", "\n"))
    return found


def followup_faults(rows: pd.DataFrame) -> Iterator[Fault]:
    """Yield what is wrong with each template, with its file and line."""
    for line, file, text in rows[["line", "file", "text"]].itertuples(index=False):
        for at, what, fix in _faults(file, text.replace("\r\n", "\n")):
            yield int(line), f"followups/{file} line {at}: {what}", fix


def _faults(file: str, text: str) -> Iterator[Fault]:
    named = _NAME.fullmatch(file)
    if named is None or named["tier"] not in TIER_FILES:
        yield 1, "its name is none of a template", f"call it <tier>.<language>.txt, of {', '.join(TIER_FILES)}"
        return
    if len(text) > LONGEST_TEMPLATE:
        yield 1, f"it is longer than {LONGEST_TEMPLATE} characters", "write less"
        return
    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        yield error.lineno, f"{error.message}", "see the templates that come with the project"
        return
    faults = list(_of_nodes(tree))
    yield from faults
    if not faults:
        yield from _of_texts(Template(file, TIER_FILES[named["tier"]], named["language"], text))


def _of_nodes(tree: nodes.Template) -> Iterator[Fault]:
    loops = {name.name for loop in tree.find_all(nodes.For) for name in _targets(loop)}
    for node in _walk(tree):
        if isinstance(node, nodes.For) and (not isinstance(node.iter, nodes.Name) or _inner(node)):
            yield node.lineno, "a loop goes over `questions`, and has no other one in it", "take the other loop out"
        elif not isinstance(node, _ALLOWED):
            kind = type(node).__name__.lower()
            yield node.lineno, f"{kind!r} is not allowed in a template", "use {{ name }}, {% if name %} and filters"
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield node.lineno, f"the filter {node.name!r} is not allowed", f"use one of {', '.join(sorted(FILTERS))}"
        elif isinstance(node, nodes.Name) and node.name not in VARIABLES and node.name not in loops:
            meant = did_you_mean(node.name, VARIABLES)
            yield node.lineno, f"{node.name!r} is no fact of a follow-up{meant}", f"use one of {', '.join(VARIABLES)}"


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _targets(loop: nodes.For) -> Iterator[nodes.Name]:
    yield from (target for target in _walk(loop.target) if isinstance(target, nodes.Name))


def _inner(loop: nodes.For) -> bool:
    return any(isinstance(node, nodes.For) for child in loop.body for node in _walk(child))


def _of_texts(template: Template) -> Iterator[Fault]:
    """Yield what is wrong with what a template makes, of all facts and of none."""
    if UNSUBSCRIBE not in template.names:
        yield 1, "it does not say how to get no more mail", "add {{ unsubscribe_line }}"
    every: dict[str, Any] = {name: name for name in VARIABLES} | {
        "questions": ["q"],
        "attended_minutes": 1,
        "messages": 1,
    }
    for facts in (every, {UNSUBSCRIBE: UNSUBSCRIBE}):
        try:
            subject, body = template.render(facts)
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            yield (
                1,
                f"it cannot be filled in ({type(error).__name__})",
                "ask for a fact before it is used: {% if name %}",
            )
            return
        if not subject or not body:
            yield 1, "its first line is the subject, and text follows; one of them is empty", "write both"
            return
