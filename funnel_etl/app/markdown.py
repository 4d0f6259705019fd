"""Texts that others wrote, shown as they are where Streamlit reads Markdown: topics, names, cells, warnings. Pure."""

import re

_SIGNS = re.compile(r"([\\`*_{}\[\]()<>#+\-!|$~:])")


def literal(text: str) -> str:
    """Return a text with each sign of Markdown as itself, on one line."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))


def sentence(text: str) -> str:
    """Return a text as `literal` does, begun with a capital letter and ended with one stop."""
    plain = text.strip().rstrip(".")
    return f"{literal(f'{plain[:1].upper()}{plain[1:]}')}."
