"""Whether a text that a model wrote may stand in a draft: what is wrong with it, in words. Pure.

The template's own text and the facts it rests on set what may be said: no name, contact, link, amount, date or promise
besides. In doubt a text does not stand; the template's does then. Not here: what is asked for (`wording`).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from funnel_etl.core.values.text import lookup_key
from funnel_etl.marts.engagement.facts_of_drafts import names_another
from funnel_etl.marts.engagement.wording import UNSUBSCRIBE_LINE, Text, Wish

LONGEST, LONGEST_SUBJECT = 1_800, 150
SHORTEST_SHARE = 0.3
"""Of the template's body: what is shorter lost what the mail is for."""
_CONTROL = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]"
)
_MARKUP = re.compile(r"<[A-Za-z!/?][^>]*>?|\]\(|```|`|\*\*|__|^\s{0,3}#{1,6}\s|&#?\w+;|\{|\}", re.MULTILINE)
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+", re.IGNORECASE)
_DOMAIN = re.compile(r"(?<![\w@.])(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,}(?:[/?#]\S*)?")
_MAIL = re.compile(
    r"\S*[@＠]\S*|\b[\w.+-]+\s*[\[(]?\s*\bat\b\s*[\])]?\s*[\w-]+\s*[\[(]?\s*\bdot\b\s*[\])]?\s*\w+", re.IGNORECASE
)
_PHONE = re.compile(r"\d(?:[^\w\n]{0,3}\d){6,}")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_SIGNS = "₹$€£¥%‰"
_MONTHS = "january february march april may june july august september october november december"
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" if month[3:] else month for month in _MONTHS.split())
_CURRENCY = r"(?:rs\.?|inr|usd|eur|gbp|₹|\$|€|£)"
_AMOUNT = re.compile(
    rf"{_CURRENCY}\s*\d[\d,.]*\d|{_CURRENCY}\s*\d|\d[\d,.]*\s*(?:/-|{_CURRENCY}|rupees?|percent|per cent|%)"
)
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{_MONTH})\b|\b(?:{_MONTH})\s+\d{{1,2}}(?:st|nd|rd|th)?\b"
    r"|\b\d{1,4}[-./]\d{1,2}(?:[-./]\d{1,4})?\b"
)
_CLAIMS = frozenset(
    # amounts and offers
    "percent rupee rupees dollar dollars lakh lakhs crore crores hundred thousand million half double triple discount "
    "discounts discounted free freebie cashback coupon voucher promo code refund refundable guarantee guaranteed "
    "guarantees scholarship scholarships waiver waived bonus prize gift emi instalment instalments installment "
    "installments loan cheap cheapest sale placement placements job salary certificate certified muft chhoot hazaar "
    "hazar sau ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty "
    "fifty sixty seventy eighty ninety "
    # days
    "january february march april june july august september october november december jan feb mar apr jun jul aug "
    "sept sep oct nov dec monday tuesday wednesday thursday friday saturday sunday today tomorrow tonight yesterday "
    "midnight noon weekend hour hours days week weeks month months year years deadline expires expire kal aaj parso "
    "hafta hafte mahina mahine ghante din".split()
)
"""Words that state an amount, an offer or a day: they stand in a text only if the mail or a fact has them."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_QUOTE = re.compile(r"[\"“„«]([^\"“”„«»\n]{3,})[\"”»]")
_COMMON = {
    "en": frozenset("the and you to for your is of in we with a it be at have any this that on our if are us".split()),
    "hinglish": frozenset(
        "aap aapka aapki aapke hai hain ke ka ki ko mein me se aur ho kya agar nahi hum humare bhi to par kar karein "
        "kijiye liye yahan jo ji ye yeh".split()
    ),
}
"""Small words of the languages that templates come in."""
_LEAST_WORDS = 12


@dataclass(frozen=True)
class About:
    """Whose draft it is: the wish, names of all in the webinar (`others`: the full ones), and the person's own."""

    wish: Wish
    names: frozenset[str]
    others: frozenset[str]
    name: str = ""
    email: str = ""

    @cached_property
    def asked(self) -> frozenset[str]:
        """What the person asked, folded: it may be quoted whole, and says nothing for anything else."""
        given = (self.wish.facts.get("first_question"), *(self.wish.facts.get("questions") or ()))
        named = (self.wish.with_name(Text("", text)).body for text in given if isinstance(text, str))
        return frozenset(_bare(_folded(text)) for text in named)

    @cached_property
    def known(self) -> str:
        """All that may be said: the template's text and the facts but for what the person asked, folded."""
        facts = [str(value) for fact, value in self.wish.facts.items() if fact not in ("first_question", "questions")]
        given = self.wish.with_name(Text(self.without_quotes(self.wish.filled).whole, "\n".join(facts)))
        return _folded(given.whole)

    def without_quotes(self, text: Text) -> Text:
        """Return a text without what it quotes of the person's own questions."""
        return Text(*(_QUOTE.sub(self._left_of, part) for part in (text.subject, text.body)))

    def _left_of(self, quote: re.Match[str]) -> str:
        return " " if _bare(_folded(quote[1])) in self.asked else quote[0]

    @cached_property
    def known_words(self) -> frozenset[str]:
        """The words of it, and of the person's own name."""
        return frozenset(_WORD.findall(self.known)) | frozenset(_WORD.findall(_folded(self.name)))

    @cached_property
    def links(self) -> frozenset[str]:
        """The links of the offer."""
        given = (
            self.wish.facts.get(fact) for fact in ("replay_url", "offer_name", "offer_description", "price", "deadline")
        )
        return frozenset(link for text in given if isinstance(text, str) for link in _links(text))


def faults(text: Text, about: About) -> list[str]:
    """Return what is wrong with a text (its name filled in), each reason once; none: it may stand."""
    left = about.without_quotes(text)
    found = [reason for reason, is_wrong in _OF_THE_WHOLE.items() if is_wrong(text, about)]
    return found + [reason for reason, is_wrong in _OF_THE_REST.items() if is_wrong(left, about)]


def _bare(text: str) -> str:
    return " ".join(text.split()).rstrip(" .,!…")


def _folded(text: str) -> str:
    """Return a text in small letters with plain digits of any script, so that no spelling hides a number or a name."""
    return _plain(text).casefold()


def _plain(text: str) -> str:
    """Return a text in narrow signs with plain digits, and without marks, which are no letters to a pattern."""
    signs = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(s, "")) or s for s in signs if not unicodedata.category(s).startswith("M"))


def _links(text: str) -> Iterator[str]:
    for found in _URL.findall(text):
        yield found.rstrip(".,;:!?)]}'\"”’»")


def _without_links(text: str, links: Iterable[str]) -> str:
    for link in sorted(links, key=len, reverse=True):
        text = re.sub(rf"{re.escape(link)}(?![^\s.,;:!?)\]}}'\"”’»])", " ", text)
    return text


def _is_empty(text: Text, about: About) -> bool:
    least = SHORTEST_SHARE * len(about.wish.filled.body)
    return not text.subject or not text.body or len(text.body) < least


def _is_long(text: Text, _about: About) -> bool:
    return len(text.whole) > LONGEST or len(text.subject) > LONGEST_SUBJECT


def _has_marks(text: Text, _about: About) -> bool:
    is_odd = _CONTROL.search(text.whole) or _MARKUP.search(unicodedata.normalize("NFKC", text.whole))
    return bool(is_odd) or "\n" in text.subject


def _lost_unsubscribe(text: Text, _about: About) -> bool:
    lines = [line.strip() for line in text.body.splitlines() if line.strip()]
    return not lines or lines[-1] != UNSUBSCRIBE_LINE or text.whole.count(UNSUBSCRIBE_LINE) != 1


def _has_other_link(text: Text, about: About) -> bool:
    left = _without_links(text.whole, about.links)
    if any(link not in about.links for link in _links(left)):
        return True
    plain = _folded(_URL.sub(" ", left))
    return any(found not in about.known for found in _DOMAIN.findall(plain) if "@" not in found)


def _has_contact(text: Text, about: About) -> bool:
    plain = _folded(_without_links(text.whole, about.links))
    if about.email:
        plain = re.sub(rf"(?<![\w.+-]){re.escape(_folded(about.email))}(?![\w-])", " ", plain)
    known = re.sub(r"\D", "", about.known)
    return any(found.strip() not in about.known for found in _MAIL.findall(plain)) or any(
        re.sub(r"\D", "", found) not in known for found in _PHONE.findall(plain)
    )


def _has_other_number(text: Text, about: About) -> bool:
    plain = _folded(_without_links(text.whole, about.links))
    known = {_close(number) for number in _NUMBER.findall(about.known)}
    known |= {*re.findall(r"\d+", about.known)}
    spelled = {*_AMOUNT.findall(plain), *_DATE.findall(plain)}
    close = _close(about.known)
    return (
        any(_close(number) not in known for number in _NUMBER.findall(plain))
        or any(sign in text.whole and sign not in about.known for sign in _SIGNS)
        or any(_close(each) not in close for each in spelled)
    )


def _close(text: str) -> str:
    return re.sub(r"[\s.,]+", "", text)


def _claims_more(text: Text, about: About) -> bool:
    said = {*_WORD.findall(_folded(text.whole).replace("feel free", " "))}
    return bool((said & _CLAIMS) - about.known_words)


def _names_other(text: Text, about: About) -> bool:
    own = frozenset({lookup_key(about.name)})
    words = {word for key in about.names for word in _WORD.findall(_folded(key)) if len(word) >= 3}
    said = {_folded(word) for word in _WORD.findall(_plain(text.whole)) if not word[0].islower()}
    plain = {re.sub(r"['’]s$", "", word) for word in said}
    return bool((plain & words) - about.known_words) or (
        names_another(text.whole, about.others, own) and not names_another(about.known, about.others, own)
    )


def _misquotes(text: Text, about: About) -> bool:
    known = " ".join(about.known.split())
    return any(" ".join(quote.split()).rstrip(".,") not in known for quote in _QUOTE.findall(_folded(text.whole)))


def _is_other_language(text: Text, about: About) -> bool:
    if _scripts(text.whole) - _scripts(about.known):
        return True
    words = _WORD.findall(_folded(text.body.replace(UNSUBSCRIBE_LINE, " ")))
    counts = {name: sum(word in common for word in words) for name, common in _COMMON.items()}
    own = about.wish.language
    if own not in counts or len(words) < _LEAST_WORDS:
        return False
    return counts[own] < max(counts.values()) or counts[own] < len(words) / 15


def _scripts(text: str) -> frozenset[str]:
    return frozenset(unicodedata.name(sign, "?").split(" ", 1)[0] for sign in set(text) if sign.isalpha())


_OF_THE_WHOLE: dict[str, Callable[[Text, About], bool]] = {
    "empty or too short": _is_empty,
    f"longer than {LONGEST} characters": _is_long,
    "markup or control characters": _has_marks,
    "the unsubscribe line is not the last one": _lost_unsubscribe,
}
_OF_THE_REST: dict[str, Callable[[Text, About], bool]] = {
    "a link that is not of the offer": _has_other_link,
    "a phone or e-mail": _has_contact,
    "an amount, percentage or date that is not of the offer": _has_other_number,
    "a promise that is not of the offer": _claims_more,
    "a name that is not in the mail": _names_other,
    "a quotation of what nobody said": _misquotes,
    "another language": _is_other_language,
}
