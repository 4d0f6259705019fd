"""Where the records of a JSON text stand: the one answer for its reader, and for the eraser.

A list of objects is a list of records, wherever objects lead to it by their keys; a `null` in it is a record of which
nothing is left. Records are numbered over all such lists of a text, from 1, as they stand in it.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

HEAD = 8192
MOST_DEEP = 10
"""Keys that may lead to a list of records."""
scanstring: Callable[[str, int], tuple[str, int]] = json.decoder.scanstring  # type: ignore[attr-defined]
_SPACE = re.compile(r"[ \t\r\n]*")
_LITERAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_ODD = re.compile("[\0\ud800-\udfff]")
"""What an escape may make of nothing: a NUL, which every reader drops, and half a character."""
_DECODER = json.JSONDecoder(parse_constant=lambda _: _bad())

Span = tuple[int, int]


@dataclass(frozen=True)
class RecordList:
    """A list of records: the keys that lead to it, where each stands in the text, and the number of the first."""

    path: tuple[str, ...]
    spans: tuple[Span, ...]
    first: int


def begins_json(data: bytes) -> bool:
    """Whether a file may be JSON with records, by its first sign."""
    head = re.sub(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)", b"", data[:HEAD]).replace(b"\0", b"").lstrip()
    return head.startswith((b"{", b"["))


def record_lists(text: str) -> list[RecordList]:
    """Return the lists of records of a whole JSON text. Raises ValueError for a text that is no whole JSON."""
    try:
        found: list[RecordList] = []
        end = _value(text, _skip(text, 0), (), found)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if _skip(text, end) != len(text):
        _bad()
    return found


def record_texts(text: str) -> list[str] | None:
    """Return the records of a whole JSON text as they stand in it; None: it is no JSON."""
    try:
        return [text[slice(*span)] for one in record_lists(text) for span in one.spans]
    except ValueError:
        return None


def cells(text: str, span: Span) -> list[tuple[str, str]]:
    """Return the keys and values of an object as text: numbers as they are spelled, lists and objects as JSON."""
    return [(_text(key), _cell(text, start, end)) for key, start, end in _members(text, span[0])]


def plain(text: str) -> Any:
    """Return a whole JSON text as Python values, each number as it is spelled. Raises ValueError for another text."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=lambda _: _bad())
    except RecursionError:
        raise ValueError("nested too deep") from None


def at(value: Any, path: str) -> Any:
    """Return what keys with dots between them lead to; None: nothing."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _value(text: str, start: int, path: tuple[str, ...], found: list[RecordList]) -> int:
    """Return where a value ends; its lists of records are added to those `found`."""
    if text.startswith("{", start) and len(path) < MOST_DEEP:
        end = start
        for key, begin, end in _members(text, start):  # noqa: B007 - the last one's end
            if text[begin] in "{[":
                _value(text, begin, (*path, key), found)
        return _closing(text, end if end > start else start + 1, "}")
    if text.startswith("[", start):
        spans = tuple(_elements(text, start))
        end = _closing(text, spans[-1][1] if spans else start + 1, "]")
        if all(text[begin] == "{" or text.startswith("null", begin) for begin, _ in spans):
            found.append(RecordList(path, spans, 1 + sum(len(one.spans) for one in found)))
        return end
    return _end(text, start)


def _members(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Yield the keys of an object, each with where its value stands."""
    place = _skip(text, start + 1)
    while not text.startswith("}", place):
        if not text.startswith('"', place):
            _bad()
        key, place = scanstring(text, place + 1)
        begin = _skip(text, _closing(text, place, ":"))
        end = _end(text, begin)
        yield key, begin, end
        place = _next(text, end, "}")


def _elements(text: str, start: int) -> Iterator[Span]:
    place = _skip(text, start + 1)
    while not text.startswith("]", place):
        end = _end(text, place)
        yield place, end
        place = _next(text, end, "]")


def _next(text: str, end: int, closing: str) -> int:
    """Return where the next part begins, or the closing sign stands."""
    place = _skip(text, end)
    if text.startswith(",", place):
        place = _skip(text, place + 1)
        if text.startswith(closing, place):
            _bad()
    elif not text.startswith(closing, place):
        _bad()
    return place


def _end(text: str, start: int) -> int:
    """Return where a value ends."""
    if text.startswith(("{", "["), start):
        return int(_DECODER.raw_decode(text, start)[1])
    if text.startswith('"', start):
        return scanstring(text, start + 1)[1]
    found = _LITERAL.match(text, start)
    return found.end() if found else _bad()


def _cell(text: str, start: int, end: int) -> str:
    if text[start] == '"':
        return _text(scanstring(text, start + 1)[0])
    found = text[start:end]
    return "" if found == "null" else found


def _text(found: str) -> str:
    return _ODD.sub(lambda sign: "" if sign[0] == "\0" else "\ufffd", found) if _ODD.search(found) else found


def _closing(text: str, place: int, sign: str) -> int:
    place = _skip(text, place)
    return place + 1 if text.startswith(sign, place) else _bad()


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _bad() -> int:
    raise ValueError("no whole JSON")
