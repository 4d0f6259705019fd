"""Finding persons in text by phone and e-mail, in any spelling, and taking the lines that name them out of bytes.

Pure: who is sought is given. A line goes whole; its number, its line end and every other byte of the file stay.
"""

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.csv_lines import without_hint
from funnel_etl.core.reading.csvfile import DELIMITERS
from funnel_etl.core.reading.json_records import cells, plain, record_lists
from funnel_etl.core.reading.records import Records
from funnel_etl.core.values.text import decode

PHONE, EMAIL = "phone", "email"
MASK = "x"
_UNSEEN = "\0\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_HIDDEN = re.compile(f"[{_UNSEEN}]")
_LOCAL = rf"[\w.!#$%&'*+/=?^`{{|}}~{_UNSEEN}-]"
_ADDRESS = re.compile(rf"(?<!{_LOCAL}){_LOCAL}++@[\w{_UNSEEN}-]+(?:\.[\w{_UNSEEN}-]+)+")
_INSIDE = re.compile(r"[=/?&|'`*~^{}!#$%.]+")
"""Signs of an address that may also stand before one, as in a link."""
_RUN = re.compile(r"[0-9][^,;\t|\"\r\n@:/&]*[0-9]")
"""From the first to the last digit of what may be one cell: anything may stand between the digits of a phone."""
_REWRITTEN = re.compile(r"(?<![0-9])[0-9]{1,3}(?:,[0-9]{2,3}){3,}(?![0-9])|[0-9]{1,3},[0-9]{9,}(?=E)", re.IGNORECASE)
"""A phone that a spreadsheet wrote as an amount (`9,876,512,345`) or a float (`9,876512345E9`), as `phone` reads it."""
_NOT_DIGITS = re.compile("[^0-9]+")
_HASH = re.compile(r"\b(?:(?=[0-9]*[a-f])[0-9a-f]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
"""A hash or id of ours: nobody's, though among its many digits any phone may be found by chance."""
_PREFIXES = ("", "0", "91", "091", "0091", "00", "910")
_HEAD_RECORDS, _HEAD_LENGTH = 30, 50_000

FollowsLabel = Callable[[list[str]], bool]
"""Says of a record that the next one is no row of a person, but belongs to the head of the file."""


def no_label(_record: list[str]) -> bool:
    """Know no such record: the file is one header with rows."""
    return False


@dataclass(frozen=True)
class PersonMatcher:
    """Persons who are sought. `known` says of a name ("phone:" and digits, "email:" and an address) whether it is one.

    `lengths`: how many digits their phones have (ten for Indian mobiles, else all of E.164); `ids`: column → its values
    in their rows, as `sale_id`.
    """

    known: Callable[[str], bool]
    lengths: frozenset[int]
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def named_in(self, text: str) -> bool:
        """Return whether the text names somebody who is sought."""
        text = _plain(text)
        if any(self._address(found) is not None for found in set(_ADDRESS.findall(text))):
            return True
        shortest = min(self.lengths, default=0)
        runs = {found[0] for found in _runs(text) if len(found[0]) >= shortest} if shortest else ()
        return any(True for run in runs for _ in self._phones(_digits(run), whole=False))

    def may_have_ids(self, text: str) -> bool:
        """Return whether one of the ids is anywhere in the text, if only as part of something else."""
        return any(one in text for values in self.ids.values() for one in values)

    def masked(self, text: str, *, whole: bool = False) -> str:
        """Return the text with an `x` for each letter and digit that names somebody sought.

        `whole`: digits count only where no others stand beside a phone, so that the id of a webinar stays.
        """
        signs = list(text)
        for start, end in list(self._spans(_plain(text), whole=whole)):
            signs[start:end] = [MASK if sign.isalnum() else sign for sign in signs[start:end]]
        return "".join(signs)

    def _spans(self, text: str, *, whole: bool = False) -> Iterator[tuple[int, int]]:
        for found in _ADDRESS.finditer(text):
            if (length := self._address(found[0])) is not None:
                yield found.end() - length, found.end()
        if not self.lengths:
            return
        for found in _runs(text):
            for first, last in self._phones(_digits(found[0]), whole=whole):
                places = [at for at, sign in enumerate(found[0], start=found.start()) if "0" <= sign <= "9"]
                yield places[first], places[last] + 1

    def _phones(self, digits: str, *, whole: bool) -> Iterator[tuple[int, int]]:
        for length in self.lengths:
            for at in range(len(digits) - length + 1):
                if whole and (digits[:at] not in _PREFIXES or digits[at + length :].strip("0")):
                    continue
                if self.known(f"{PHONE}:{digits[at : at + length]}"):
                    yield at, at + length - 1

    def _address(self, text: str) -> int | None:
        """Return how much of the end of the text is an address that is sought."""
        starts = [0, *(part.end() for part in _INSIDE.finditer(text, 0, text.index("@")))]
        for start in starts:
            if self.known(f"{EMAIL}:{_HIDDEN.sub('', text[start:]).lower()}"):
                return len(text) - start
        return None


@dataclass(frozen=True)
class Redacted:
    """Bytes without the lines of persons: `lines` (from 1) are empty now; `masked`: how many head lines have an x."""

    data: bytes
    lines: tuple[int, ...] = ()
    masked: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether anything was taken out."""
        return bool(self.lines or self.masked)


def redact_lines(data: bytes, matcher: PersonMatcher, follows_label: FollowsLabel = no_label) -> Redacted:
    """Empty every record that names somebody sought or has one of their ids, in the encoding the readers read it in.

    Records are those of every reader (`records`). One of several lines becomes as many empty lines; a last line without
    a line end keeps its delimiters, so that the file does not look cut off. The first record, and one after a label,
    lose only the name. NULs go from a file that is changed, as every reader drops them.
    """
    file = _Lossless.of(data)
    if not matcher.named_in(file.text) and not matcher.may_have_ids(file.text):
        return Redacted(data)
    text = file.text.replace("\0", "")
    lines = list(io.StringIO(text, newline=""))
    delimiter = _delimiter(text)
    emptied: set[int] = set()
    kept_masked: set[int] = set()
    width: dict[int, int] = {}
    is_head = True
    columns: dict[int, frozenset[str]] = {}
    for first, last, record in _records(lines, delimiter):
        whole = "".join(lines[first:last])
        width |= dict.fromkeys(range(first, last), len(record))
        if not any(cell.strip() for cell in record) or (first == 0 and without_hint(whole)[1]):
            continue
        if is_head or any(name in record for name in matcher.ids):  # the header may stand below notes, or stand again
            columns = {place: matcher.ids[name] for place, name in enumerate(record) if name in matcher.ids}
            if (plain := matcher.masked(whole, whole=True)) != whole:
                lines[first:last] = list(io.StringIO(plain, newline=""))
                kept_masked.update(range(first, last))
        elif matcher.named_in(whole) or any(
            record[place].strip() in values for place, values in columns.items() if place < len(record)
        ):
            emptied.update(range(first, last))
        is_head = follows_label(record)
    while True:
        left = [
            _emptied(line, lines[at - 1], delimiter, width[at]) if at in emptied else line
            for at, line in enumerate(lines)
        ]
        # The reader of Zoom reports, whose records follow labels, reads the lines of such a record on their own.
        grown = _with_broken(lines, left, emptied) - kept_masked if follows_label is no_label else emptied
        if grown == emptied:
            break
        emptied = grown
    return Redacted(file.with_text("".join(left)), tuple(at + 1 for at in sorted(emptied)), len(kept_masked))


def redact_json(data: bytes, matcher: PersonMatcher) -> Redacted | None:
    """Put `null` in the place of each record that names somebody sought; None: it is no whole JSON.

    `lines` of what is given are numbers of records (`json_records`). What stands outside of records keeps its signs: a
    digit of a name becomes 1, a letter x.
    """
    file = _Lossless.of(data)
    text = file.text.replace("\0", "")
    try:
        spans = [(one.first + at, span) for one in record_lists(text) for at, span in enumerate(one.spans)]
    except ValueError:
        return None
    parts: list[str] = []
    gone: list[int] = []
    masked = end = 0
    for number, (start, stop) in sorted(spans, key=lambda found: found[1]):
        between = _masked_json(text[end:start], matcher)
        masked += between != text[end:start]
        is_named = text[start] == "{" and _is_named(text, (start, stop), matcher)
        parts += [between, "null" if is_named else text[start:stop]]
        gone += [number] if is_named else []
        end = stop
    rest = _masked_json(text[end:], matcher)
    masked += rest != text[end:]
    if not gone and not masked:
        return Redacted(data)
    return Redacted(file.with_text("".join([*parts, rest])), tuple(sorted(gone)), masked)


def _is_named(text: str, span: tuple[int, int], matcher: PersonMatcher) -> bool:
    found = cells(text, span)
    read = json.dumps(plain(text[slice(*span)]), ensure_ascii=False).replace("\\n", "\n").replace("\\t", "\t")
    return (
        matcher.named_in(read)
        or any(matcher.named_in(cell) for _, cell in found)
        or any(cell.strip() in matcher.ids.get(key, ()) for key, cell in found)
    )


def _masked_json(text: str, matcher: PersonMatcher) -> str:
    """Return what stands between records with the person's signs masked, so that it is JSON still."""
    plain_text = matcher.masked(text, whole=True)
    return "".join("1" if old.isdigit() and new != old else new for old, new in zip(text, plain_text, strict=True))


def masked_bytes(data: bytes, matcher: PersonMatcher) -> bytes:
    """Return a file that is no table with an `x` for each letter and digit that names somebody sought."""
    file = _Lossless.of(data)
    return file.with_text(matcher.masked(file.text)) if matcher.named_in(file.text) else data


def _emptied(line: str, before: str, delimiter: str, width: int) -> str:
    end = line[len(line.rstrip("\r\n")) :]
    if end == "\n" and before.endswith("\r"):
        return f"{delimiter}\n"  # the two would be one line end
    return end or delimiter * (width - 1)


def _records(lines: list[str], delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Return each record with its lines (from, to). A quotation mark never closed does not swallow whole rows."""
    found = list(_read(lines, delimiter))
    widths = Counter(len(record) for _, _, record in found if len(record) > 1)
    usual = widths.most_common(1)[0][0] if widths else 1
    for first, last, record in found:
        is_odd = last - first > 1 and (len(record) != usual or "".join(lines[first:last]).count('"') % 2)
        alone = list(_alone(lines, first, last, delimiter)) if is_odd else []
        if any(len(piece) >= max(usual, 2) for _, _, piece in alone[1:]):
            yield from alone
        else:
            yield first, last, record


def _read(lines: list[str], delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Return the records as every reader splits them; of a text that all refuse, what is left line by line."""
    split = Records("".join(lines), delimiter)
    try:
        for record in split:
            yield split.line - 1, split.end, record
    except (FunnelError, csv.Error):
        yield from _alone(lines, split.end, len(lines), delimiter)


def _alone(lines: list[str], first: int, last: int, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Read each line as a record of its own."""
    for at in range(first, last):
        yield at, at + 1, next(csv.reader([lines[at].rstrip("\r\n")], delimiter=delimiter), [])


def _with_broken(lines: list[str], left: list[str], emptied: set[int]) -> set[int]:
    """Return the emptied lines and, of records that would be read otherwise without them, the other lines.

    A line that begins or ends a quotation cannot go alone: the mark at its other end would begin one. Looked at under
    each delimiter, for a reader knows its columns and may take another.
    """
    grown = set(emptied)
    if not any('"' in lines[at] for at in emptied):
        return grown
    for delimiter in DELIMITERS:
        before, after = _spans(lines, delimiter), set(_spans(left, delimiter))
        if any(span not in after and not grown.issuperset(range(*span[:2])) for span in before):
            for first, last, is_open in before:
                if not is_open and not grown.isdisjoint(range(first, last)):
                    grown.update(range(first, last))
    return grown


def _spans(lines: list[str], delimiter: str) -> list[tuple[int, int, bool]]:
    """Return the lines (from, to) of each record, and whether its quotation does not end before the text."""
    split = Records("".join(lines), delimiter)
    try:
        return [(split.line - 1, split.end, split.is_open) for _ in split]
    except (FunnelError, csv.Error):
        return []  # a text that every reader refuses


def _delimiter(text: str) -> str:
    """Take the delimiter by which the most fields stand in records as wide as others."""
    head = list(islice(io.StringIO(text[:_HEAD_LENGTH], newline=""), _HEAD_RECORDS))

    def fields(sign: str) -> int:
        widths = Counter(len(record) for _, _, record in _read(head, sign) if len(record) > 1)
        return max((width * count for width, count in widths.items()), default=0)

    return max(DELIMITERS, key=fields)


@dataclass(frozen=True)
class _Lossless:
    """A file decoded as the readers do, but so that encoding its text gives the same bytes."""

    mark: bytes
    text: str
    tail: bytes
    encoding: str
    errors: str

    @classmethod
    def of(cls, data: bytes) -> "_Lossless":
        encoding = decode(data).encoding
        mark = next((m for m in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff") if data.startswith(m)), b"")
        body, errors, tail = data[len(mark) :], "surrogateescape", b""
        if not encoding.startswith("utf"):
            # cp1252 leaves five bytes without a character; digits, signs and line ends are where latin-1 has them.
            encoding = "latin-1"
        elif encoding != "utf-8":
            errors, tail = "surrogatepass", body[len(body) - len(body) % 2 :]
        return cls(mark, body[: len(body) - len(tail)].decode(encoding, errors), tail, encoding, errors)

    def with_text(self, text: str) -> bytes:
        """Return the bytes of another text in the same encoding."""
        return self.mark + text.encode(self.encoding, self.errors) + self.tail


class _Signs(dict[int, int]):
    """Each sign as the rules read it: digits of any script as ASCII, full-width forms narrow; one sign for one."""

    def __missing__(self, code: int) -> int:
        sign = chr(code)
        plain = str(unicodedata.decimal(sign, "")) or unicodedata.normalize("NFKC", sign)
        self[code] = ord(plain) if len(plain) == 1 else code
        return self[code]


def _runs(text: str) -> Iterator[re.Match[str]]:
    plain = _without_hashes(text)
    yield from _RUN.finditer(plain)
    yield from _REWRITTEN.finditer(plain)


def _without_hashes(text: str) -> str:
    return _HASH.sub(lambda found: "g" * len(found[0]), text)


def _digits(text: str) -> str:
    return text if text.isdigit() else _NOT_DIGITS.sub("", text)


_SIGNS = _Signs({code: code for code in range(128)})


def _plain(text: str) -> str:
    if not text.isascii():
        text = text.translate(_SIGNS)
    return text.replace("%40", "@\0\0") if "%40" in text else text
