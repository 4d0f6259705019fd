"""A cell of phones taken apart: its numbers, whose they are by their labels, digits that a spreadsheet rewrote.

Here: which piece of a cell is one number, and whose. Not here: what a number is (`phone`), and whose phone a column
asks for (`phone_headers`): a header names a relation, while a cell may as well hold a name (Rajesh bhai) or a remark.
"""

import re
from typing import NamedTuple

from funnel_etl.core.reading.phone_headers import PHONE, SECOND
from funnel_etl.core.values.text import fold

SCI = r"\+?[0-9]+(?:[.,][0-9]+)? ?e ?[-+]?[0-9]{1,3}"
_SEPARATOR = re.compile(r"[/\\,;|&\n\r]|(?<![a-z])(?:or|and)(?![a-z])", re.IGNORECASE)
_BEFORE_NUMBER = re.compile(r"^[^0-9+]+")
_EXTENSION = re.compile(
    r"([0-9][^0-9a-z]*)(?:ext[^0-9/,;|&\n\r]*[0-9]{0,8}|x[ .:]*[0-9]{1,8})[^0-9/,;|&\n\r]*$", re.IGNORECASE
)
_GROUPED = re.compile(
    r"(?<![0-9.,])(?:[0-9]{1,3}(?:,[0-9]{3}){3,}|[0-9]{1,2}(?:,[0-9]{2}){3,},[0-9]{3})(?![0-9]|,[0-9])"
)
_FLOAT = re.compile(r"(?<![0-9.,])([0-9]+)(?:[.,]([0-9]+))? ?e ?\+?([0-9]{1,3})(?![0-9a-z])", re.IGNORECASE)
_NUMBER = re.compile(rf"{SCI}(?![0-9a-z])|[+0-9][0-9 \t().+-]*[0-9]", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_BRACKETED = re.compile(r"\s*[(\[][^)\]]*[)\]]")
_OWN = re.compile(
    r"(?<![a-z])(?:self|own|mine|my|me|students?|candidate|applicant|learner|personal)(?![a-z])|स्वयं|मेरा|अपना",
    re.IGNORECASE,
)
_SURE = (
    "parent parant perent father mother guardian gaurdian spouse husband wife emergenc acudient apoderad abhibhavak "
    "पिता माता अभिभावक पति पत्नी पालक"
)
"""Beginnings of words by which a number is somebody else's, whatever stands beside them."""
_ALONE = (
    "papa dad daddy mom mum mummy maa mata mataji pita pitaji amma appa pati patni bhai bhaiya behen bahan brother "
    "sister son daughter uncle aunt cousin friend teacher padre madre pai mae esposo esposa hermano hermana"
)
"""Words that are a name's as well (Papa Rao, Ramesh Pai, Rajesh bhai): they count where nothing but them is said."""
_SAID_OF_A_NUMBER = rf"(?:{PHONE}|my|s|ka|ki|de|del|do|da)"
_OTHERS = re.compile(
    rf"(?<![\w\u0900-\u097f])(?:{'|'.join(fold(_SURE).split())})"
    rf"|^(?:{_SAID_OF_A_NUMBER} )*?(?:{'|'.join(_ALONE.split())}|(?<!no )(?:{SECOND}))s?(?: {_SAID_OF_A_NUMBER})*$"
)
_OWN_TOO = re.compile(r"\b(?:self|own|same|both)\b")
_NO_WORD = re.compile(r"[^\w\u0900-\u097f]+|_")
_LEAST_DIGITS = 7
"""Fewer digits between two letters belong to a label ("Parent 2"), and are no number."""


class Part(NamedTuple):
    """A piece of a cell that holds a number, or several that nothing but blanks and signs separates.

    `is_others`: they are somebody else's, by the label before them; `is_last_others`: by the label behind, which is
    about the last of them.
    """

    text: str
    is_others: bool = False
    is_last_others: bool = False


def bare(text: str) -> str:
    """Return a text without what stands before its number (quote, letters, brackets) and an extension after it."""
    return _EXTENSION.sub(r"\1", _BEFORE_NUMBER.sub("", text)).strip()


def restored(cell: str) -> str:
    """Return a cell in which the digits of a phone stand together, where a spreadsheet wrote it as an amount.

    Commas that group ten digits or more go; a float becomes its digits if it holds them all (`9.876512309E9`).
    """
    if "," in cell:
        cell = _GROUPED.sub(lambda found: found[0].replace(",", ""), cell)
    return _FLOAT.sub(_digits_of_float, cell) if "e" in cell.lower() else cell


def parts(cell: str) -> list[Part]:
    """Return the pieces of a cell in their order. A label ("Self: … Father: …") says whose a number is."""
    numbers = [found for found in _NUMBER.finditer(cell) if _is_number(found[0])] if _LETTER.search(cell) else []
    labelled = _labelled(cell, numbers) if numbers else []
    if any(part.is_others or part.is_last_others for part in labelled):
        return labelled
    return [Part(piece) for piece in _SEPARATOR.split(bare(cell)) if piece.strip()]


def _labelled(cell: str, numbers: list[re.Match[str]]) -> list[Part]:
    edges = [0, *(edge for found in numbers for edge in found.span()), len(cell)]
    first, *between, last = (cell[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
    labels_lead = _is_label(first) or not _is_label(last)
    shared = [_shared(gap, labels_lead=labels_lead) for gap in between]
    before, behind = [first, *(right for _, right in shared)], [*(left for left, _ in shared), last]
    found_parts, is_others = [], False
    for number, lead, tail in zip(numbers, before, behind, strict=True):
        # "Father: 98…, 91…": a label counts for what follows, up to a label of the person's own.
        is_others = _names_another(lead) or (is_others and not _OWN.search(lead))
        found_parts.append(Part(number[0], is_others, _names_another(tail)))
    return found_parts


def _digits_of_float(found: re.Match[str]) -> str:
    whole, fraction, places = found[1], found[2] or "", int(found[3])
    holds_all = len(fraction) >= places and not fraction[places:].strip("0")
    return whole + fraction[:places] if holds_all else found[0]


def _is_number(text: str) -> bool:
    return sum(sign.isdigit() for sign in text) >= _LEAST_DIGITS or "e" in text.lower()


def _names_another(text: str) -> bool:
    words = " ".join(_NO_WORD.sub(" ", fold(text)).split())
    return _OTHERS.search(words) is not None and not _OWN_TOO.search(words)


def _is_label(text: str) -> bool:
    return _names_another(text) or _OWN.search(text) is not None


def _shared(gap: str, *, labels_lead: bool) -> tuple[str, str]:
    """Return what of the text between two numbers belongs to the one before it, and what to the one after."""
    if bracketed := _BRACKETED.match(gap):
        return bracketed[0], gap[bracketed.end() :]
    if separator := _SEPARATOR.search(gap):
        return gap[: separator.start()], gap[separator.end() :]
    return ("", gap) if labels_lead else (gap, "")
