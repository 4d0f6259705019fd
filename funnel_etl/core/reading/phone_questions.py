"""Whether a column holds phones, by the wording of its header and by its values, for every source.

Here: the words of questions for a phone, and how much the values must say beside them. A new language is one more word
in these tables. Not here: whose phone is asked for (`phone_headers`), and the numbers themselves (`phone`).
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.values.text import fold

SAMPLE = 500
"""Values that decide what a column holds."""
NOTHING = ("", "-", "--", "na", "n/a", "no", "none", "nil", "same")
"""What a cell without a number holds, in small letters: it speaks neither for a column of phones nor against."""

_LONGEST = 300
"""Characters of a header or a value that are looked at: no question for a phone is half as long."""
_WORDS_RUN_TOGETHER = re.compile(r"_|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)")
_IN_OTHER_SCRIPTS = "|".join(fold("फ़ोन मोबाइल मोबाईल व्हाट्सएप व्हाट्सऐप दूरभाष ফোন ફોન ਫੋਨ ఫోన్ ಫೋನ್ ഫോൺ போன்").split())

_ASKS_FOR_PHONE = re.compile(
    r"phone|mobile|whats ?app|\bwa (?:no|num)|\btel\b|telefon|cellulare?\b|celular|\bcell\b|\bmob\b|\bfone\b|movil"
    r"|\bph\b|\bcontact n(?:umber|o\b)|\b(?:student|lead|member|customer|candidate|user)(?:'?s)? contact\b"
    rf"|\bnumero de conta(?:to|cto)|{_IN_OTHER_SCRIPTS}"
)
_MAY_ASK_FOR_PHONE = re.compile(
    r"number|\bno\b|\bn\.o\b|contact|contato|numero|\bcall|llama|ligar|\bsms\b|" + "|".join(fold("नंबर संपर्क").split())
)
"""Wording that may ask for one: the values decide."""

_DEVICE = r"(?:phone|mobile|cell|handset|celular|telefone?|movil)"
_NO_PHONE = re.compile(
    r"\b(?:smart|micro|head|ear|i)[ -]?phones?\b|\bautomobiles?\b|\bphone calls?\b"
    r"|\bwhats ?app (?:group|channel|community)\w*"
    rf"|\b{_DEVICE}(?:'?s)? (?:model|brand|make|maker|type|os|operating system|company|network|operator|carrier"
    r"|provider|plan|size|data|device|apps?|application|banking|internet|interview)\b"
    rf"|\b(?:model|brand|make|type|marca|modelo|name|colou?r) (?:of|de|do|del) (?:\w+ )?{_DEVICE}\b"
)
"""Wording around the words above that asks for something else: it is left out before they are searched."""

_YES_OR_NO = re.compile(
    r"^\W*(?:do|does|did|are|is|was|can|could|will|would|have|has|may|should|shall|tienes?|usas?|puedes?|podemos|aceptas?"
    r"|quieres?|voce|aceita|deseja|quer|kya)\b"
    r"(?!.*(?:num|\bno\b|enter|share|give|provide|mention|type|write|if (?:yes|so)))"
)
"""A question that is answered by yes or no, and asks for no number."""

_ASKS_FOR_OTHER_NUMBER = re.compile(
    r"\bid\b|\bids\b|identi|\broll|aadha+r|account|enrol|registration|regist[re]|matric|order|receipt|transac|invoice"
    r"|\bpin\b|pin ?code|\bzip\b|postal|\bcep\b|\byear|\bano\b|anio|employee|passport|pasaporte|licen[cs]|\bgst"
    r"|\bpan\b|serial|member|student|admission|\bseat|token|ticket|referenc|\bref\b|\butr\b|bank|imei|\botp\b|\bcpf\b"
    r"|\bdni\b|\brg\b|amount|salary|\bage\b|how many|\brank|\bscore|\bmarks"
)
"""Wording of a question for a number that is no phone."""

_A_DAY = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")
_SCIENTIFIC = re.compile(r"'?\d(?:[.,]\d+)?E\+(?:09|1[0-4])", re.IGNORECASE)
_INDIAN = re.compile(r"(?:0|91|0?091)?[6-9]\d{9}")


def words_of(header: str) -> str:
    """Return a header without accents and case, its words apart: `leadMobile2` is `lead mobile 2`."""
    return fold(_WORDS_RUN_TOGETHER.sub(" ", header[:_LONGEST]))


def may_ask_for_phone(header: str) -> bool:
    """Whether the wording of a header may ask for a phone: `asks_for_phone` looks at the values too."""
    return _test_of(header) is not None


def asks_for_phone(header: str, column: Any) -> bool:
    """Whether a column, an Arrow array of texts, asks for a phone and holds phones.

    The less its wording says, the more its values must. A number of another kind (an id, a year, a pin code) is a phone
    only where the wording says phone as well.
    """
    asked = _test_of(header)
    if asked is None:
        return False
    is_one, least = asked
    says_nothing = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(column)), pa.array(NOTHING, type=column.type))
    values = column.filter(pc.and_(column.is_valid(), pc.invert(says_nothing))).slice(0, SAMPLE).to_pylist()
    share = sum(len(value) <= _LONGEST and is_one(value) for value in values) / max(len(values), 1)
    return share >= least


@lru_cache(maxsize=4096)
def _test_of(header: str) -> tuple[Callable[[str], bool], float] | None:
    """Return what the values of a column must be, and which share of them, by its wording; None: no phones."""
    asked = words_of(header)
    wording = _NO_PHONE.sub(" ", asked)
    asks_for_other = _ASKS_FOR_OTHER_NUMBER.search(wording) is not None
    if _YES_OR_NO.search(asked):
        return None
    if _ASKS_FOR_PHONE.search(wording):
        return (_is_phone if asks_for_other else _has_digits_of_a_phone), 0.5
    return (_is_phone, 0.9) if _MAY_ASK_FOR_PHONE.search(wording) and not asks_for_other else None


def _digits_of(value: str) -> str:
    """Return the digits of a text, of any script, in ASCII."""
    return "".join(str(unicodedata.decimal(ch)) for ch in value if ch.isdecimal())


def _has_digits_of_a_phone(value: str) -> bool:
    if _A_DAY.match(value.strip()):
        return False
    return len(_digits_of(value)) >= 7 or _SCIENTIFIC.fullmatch(value.strip()) is not None


def _is_phone(value: str) -> bool:
    """Whether a value is a phone without a name that says so: an Indian mobile, or a plus before the digits."""
    plain = value.strip().lstrip("'").removesuffix(".0")
    if any(ch.isalpha() for ch in plain):
        return _SCIENTIFIC.fullmatch(plain) is not None
    digits = _digits_of(plain)
    return _INDIAN.fullmatch(digits) is not None or (plain.startswith("+") and 8 <= len(digits) <= 15)
