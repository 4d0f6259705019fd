"""Names as people type them: their words, whether they are a name at all, and whether two may be one person's.

Pure, and of no part: chat senders are matched by it, and persons will be. Rules: B2.1 of the design. Lists of the team
(`non_names.csv`, `name_titles.csv`, `name_aliases.csv`) take the place of those here.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd
from rapidfuzz.distance import OSA

SAME, WEAK, DIFFERENT, UNKNOWN = "same", "weak", "different", "unknown"
DEVICE_WORDS = frozenset(
    "iphone ipad macbook galaxy samsung oneplus poco moto motorola nokia vivo oppo realme redmi xiaomi pixel desktop "
    "laptop windows android lenovo chromebook tablet".split()
)
NON_NAMES = frozenset(
    "student guest user attendee participant anonymous unknown zoom test admin host na none nil me you my phone mobile "
    "device note pro max plus mini ultra lite air tab call in participants panelist webinar meeting".split()
)
TITLES = frozenset("mr mrs ms miss dr prof professor ca cs cma adv advocate er engr shri sri smt sir madam mam".split())
ALIASES = (("mohd", "mohammed"), ("md", "mohammed"), ("mohammad", "mohammed"), ("muhammad", "mohammed"))
_BRACKETS = re.compile(r"\([^()]*\)")
_POSSESSIVE = re.compile(r"['’]s\b", re.IGNORECASE)
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_VOWELS = "aeiou"
_ROLL_NUMBER = re.compile(r"(?<!\w)(?=\w*\d\d)[A-Za-z]{0,8}[-/]?\d{2,}[A-Za-z]?(?!\w)")
_TEN_DIGITS = re.compile(r"(?<!\d)(?:\+?91[\s-]*|0)?([6-9]\d{4}[\s-]?\d{5})(?!\d)")


@dataclass(frozen=True)
class NameRules:
    """The lists that decide what a name is."""

    non_names: frozenset[str] = NON_NAMES
    titles: frozenset[str] = TITLES
    aliases: tuple[tuple[str, str], ...] = ALIASES
    _near: dict[tuple[str, str], bool] = field(default_factory=dict, repr=False, compare=False, hash=False)

    @classmethod
    def of(cls, non_names: pd.DataFrame, titles: pd.DataFrame, aliases: pd.DataFrame) -> "NameRules":
        """Return the rules of three config tables; an empty one means the list of the code."""
        words = frozenset(word.casefold() for word in non_names["word"]) or NON_NAMES
        leading = frozenset(word.casefold() for word in titles["word"]) or TITLES
        pairs = tuple((a.casefold(), b.casefold()) for a, b in zip(aliases["name"], aliases["other"], strict=True))
        return cls(words, leading, pairs or ALIASES)

    @cached_property
    def _alias(self) -> dict[str, str]:
        """Map each name to the one that stands for all it is an alias of."""
        root: dict[str, str] = {}

        def find(name: str) -> str:
            while root.get(name, name) != name:
                name = root[name]
            return name

        for name, other in self.aliases:
            least, most = sorted((find(name), find(other)))
            root[most] = least
            root.setdefault(least, least)
        return {name: find(name) for name in root}

    def tokens(self, name: str) -> tuple[str, ...]:
        """Return the words of a name, folded, without titles and digits; none where it is no name."""
        if "@" in name or sum(sign.isdigit() for sign in name) >= 7:
            return ()
        text = _ZERO_WIDTH.sub("", _BRACKETS.sub(" ", unicodedata.normalize("NFKC", name)))
        words = _words(_POSSESSIVE.sub("", text))
        if not DEVICE_WORDS.isdisjoint(words):
            owner = _POSSESSIVE.search(text)
            words = (
                [w for w in _words(text[: owner.start()]) if w not in self.non_names | DEVICE_WORDS] if owner else []
            )
        while len(words) > 1 and words[0] in self.titles:
            words = words[1:]
        nothing = self.non_names | self.titles
        if not any(len(word) >= 2 for word in words) or all(word in nothing for word in words):
            return ()
        return tuple(words)

    def root(self, word: str) -> str:
        """Return the word that stands for all aliases of this one."""
        return self._alias.get(word, word)

    def full(self, a: str, b: str) -> bool:
        """Whether two words are one: equal, or aliases."""
        return a == b or (a in self._alias and self._alias[a] == self._alias.get(b))

    def near(self, a: str, b: str) -> bool:
        """Whether two words are one but for a slip of the pen; one more vowel at the end is another name."""
        short, long = sorted((a, b), key=len)
        if len(short) < 5 or len(long) - len(short) > 2:
            return False
        known = self._near.get((short, long))
        if known is None:
            most = 2 if len(short) >= 8 else 1
            is_longer = len(long) == len(short) + 1 and long[:-1] == short and long[-1] in _VOWELS
            known = not is_longer and OSA.distance(short, long, score_cutoff=most) <= most
            self._near[short, long] = known
        return known

    def relation(self, a: Sequence[str], b: Sequence[str]) -> str:
        """Return whether two names, as `tokens`, may be one person's: same, weak, different, or unknown."""
        if not a or not b:
            return UNKNOWN
        if a == b or sorted(a) == sorted(b) or "".join(a) == "".join(b):
            return SAME
        short, long = sorted((list(a), list(b)), key=len)
        full = self._take(short, long, self.full)
        near = self._take(short, long, self.near)
        self._take(short, long, _is_initial)
        if short:
            return DIFFERENT
        if full >= 1 and full + near >= 2:
            return SAME
        return WEAK if full + near == 1 else DIFFERENT

    @staticmethod
    def _take(short: list[str], long: list[str], alike: Callable[[str, str], bool]) -> int:
        """Take the words of `short` that are alike with one of `long` out of both; returns how many."""
        count = 0
        for word in [*short]:
            other = next((each for each in long if alike(word, each)), None)
            if other is not None:
                short.remove(word)
                long.remove(other)
                count += 1
        return count

    def groups(self, names: Sequence[Sequence[str]]) -> list[int | None]:
        """Return the name group of each name (as `tokens`); None: no name, or one that several groups could have.

        Full names are joined over `same`; a short one goes to the only group with a name it is same or weak with.
        """
        label: list[int | None] = [None] * len(names)
        full = [at for at, name in enumerate(names) if sum(len(word) >= 2 for word in name) >= 2]
        short = [at for at, name in enumerate(names) if name and at not in set(full)]
        for at in full:
            mine = {label[o] for o in full if label[o] is not None and self.relation(names[at], names[o]) == SAME}
            self._join(label, at, {m for m in mine if m is not None})
        of_full = list(label)
        for at in short:
            alike = {of_full[o] for o in full if self.relation(names[at], names[o]) in (SAME, WEAK)} - {None}
            if len(alike) == 1:
                label[at] = alike.pop()
            elif not alike:
                among = {
                    label[o]
                    for o in short
                    if label[o] is not None
                    and o != at
                    and self.relation(names[at], names[o]) in (SAME, WEAK)
                    and of_full[o] is None
                    and label[o] not in set(of_full)
                }
                self._join(label, at, {m for m in among if m is not None})
        return self._across_scripts(label, names)

    @staticmethod
    def _join(label: list[int | None], at: int, mine: set[int]) -> None:
        label[at] = min(mine) if mine else at
        for other, group in enumerate(label):
            if group in mine:
                label[other] = label[at]

    @staticmethod
    def _across_scripts(label: list[int | None], names: Sequence[Sequence[str]]) -> list[int | None]:
        """Make all groups one where every script has exactly one: two scripts cannot contradict each other."""
        by_script: dict[str, set[int]] = {}
        for group, name in zip(label, names, strict=True):
            if group is not None:
                by_script.setdefault(script_of(name), set()).add(group)
        if len(by_script) < 2 or any(len(groups) > 1 for groups in by_script.values()):
            return label
        least = min(min(groups) for groups in by_script.values())
        return [None if group is None else least for group in label]


def rules_of(table: Callable[[str], pd.DataFrame]) -> NameRules:
    """Return the rules of a config, given what returns a table of it by its name."""
    return NameRules.of(table("non_names"), table("name_titles"), table("name_aliases"))


def _is_initial(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return len(short) == 1 and long.startswith(short)


def is_device(name: str) -> bool:
    """Whether a shown name is that of a device: it holds the word of one, and no owner."""
    text = unicodedata.normalize("NFKC", name)
    return not DEVICE_WORDS.isdisjoint(_words(text)) and _POSSESSIVE.search(text) is None


def without_roll_number(name: str) -> str:
    """Return a name without the number of a student in it: `FRM102 - Asha Rao` is `- Asha Rao`."""
    return _ROLL_NUMBER.sub(" ", name)


def phones_in(name: str) -> list[str]:
    """Return the Indian mobile numbers in a name, ten digits each."""
    return [re.sub(r"\D", "", found) for found in _TEN_DIGITS.findall(name)]


def script_of(tokens: Iterable[str]) -> str:
    """Return the script of the first letter of a name, as Unicode names it: LATIN, DEVANAGARI, …."""
    first = next((sign for token in tokens for sign in token if sign.isalpha()), "")
    return unicodedata.name(first, "").partition(" ")[0] if first else ""


def _words(text: str) -> list[str]:
    """Return the words of letters, folded; marks are removed after a Latin letter only."""
    signs: list[str] = []
    latin = False
    for sign in unicodedata.normalize("NFD", text.casefold()):
        kind = unicodedata.category(sign)[0]
        if kind == "L":
            latin = unicodedata.name(sign, "").startswith("LATIN")
            signs.append(sign)
        elif kind == "M":
            signs.append("" if latin else sign)
        elif sign not in "'’":
            latin = False
            signs.append("" if kind == "N" else " ")
    return unicodedata.normalize("NFC", "".join(signs)).split()
