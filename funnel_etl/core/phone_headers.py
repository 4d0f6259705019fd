"""Whose phone a column asks for, by the wording of its header: the person's own, or somebody else's.

Here: one question about one header, in English, Spanish, Portuguese and Hindi, for every source that has phones. Not
here: whether a column holds phones at all (the source's reader decides), and the numbers themselves (`phone`).
"""

import re
import unicodedata
from functools import lru_cache

_STEMS = (
    # English, with the misspellings that forms have
    "parent parant perent father mother grandfather grandmother grandparent stepfather stepmother guardian gaurdian "
    "gardian spouse husband wife wives sibling brother sister cousin uncle aunt daughter friend girlfriend boyfriend "
    "classmate batchmate roommate colleague coworker neighbour neighbor nominee relati famil refer recommender "
    "introducer emergenc alter altenat backup secondary secundari "
    # Spanish and Portuguese
    "padre madre acudient apoderad espos conyug conjug herman irma amig parient parente hijo hija filho filha "
    "responsab responsav encarregad "
    # Hindi, as it is typed in Latin letters, and in its own
    "abhibhavak rishtedar aapatkal vaikalpik "
    "पिता माता अभिभावक पति पत्नी भाई बहन दोस्त मित्र परिवार रिश्तेदार आपात वैकल्पिक दूसर अन्य"
)
_WORDS = (
    "dad daddy dads papa mom moms mum mums mummy child children kid kids son sons ward wards fiance fiancee partner "
    "partners kin sos ref refs alt tutor tutora tutores marido pai mae indicado indicada indicados indicadas "
    "indicou indicacao pita pitaji mata mataji maa pati patni bhai behan behen bahan dost mitra"
)
_PHRASES = "back up|in laws?|co workers?|(?:recommended|introduced|invited) by|(?:dos|seus|meus) pais"
_PHONE = (
    "phones?|telephones?|mobiles?|whats ?app|cells?|contacts?|numbers?|no|nos|num|tel|telefon[oe]s?|celular(?:es)?"
    "|movil(?:es)?|numeros?|contacto|contato"
)
_SECOND = "another|other|second|2nd|additional|extra|spare|dusra|doosra|otr[oa]|outr[oa]|adicional|segund[oa]"


def _is_one_of(*patterns: str) -> str:
    return f"(?:{'|'.join(patterns)})"


_SOMEONE = _is_one_of(
    *(rf"{stem}\w*" for stem in _STEMS.split()), *(rf"{word}\b" for word in _WORDS.split()), rf"(?:{_PHRASES})\b"
)
_SOMEONES = re.compile(
    rf"(?<!\w){_SOMEONE}"
    rf"|\b(?:{_SECOND}) (?:(?!than\b)\w+ )??(?:{_PHONE})\b"
    rf"|\b(?:{_PHONE}) (?:{_SECOND})(?:$| (?:{_PHONE})\b)"
)
_NOT_SOMEONES = re.compile(
    r"\b(?:not|except|other than|rather than|instead of)"
    rf"(?: (?:\w+ ){{0,2}}?{_SOMEONE}(?: s\b)?(?: (?:or|nor|and)\b)?)+"
    r"|\b(?:for|as) (?:(?:a|an|our|your|my|the|future|any|office) )*ref(?:erence)?\b"
    r"|\bsecondary (?:school|education|class|student)"
)


@lru_cache(maxsize=4096)
def is_someone_elses(header: str) -> bool:
    """Whether a header asks for the phone of somebody else, or for a second one beside the person's own.

    Parent, guardian, spouse, friend, referrer, emergency, "alternate", "another" and the like: such a number is never
    the person's phone. Of a header that names both ("Student / parent mobile") nobody knows whose it is: not theirs.
    """
    letters = unicodedata.normalize("NFKC", header).casefold()
    plain = "".join(ch for ch in unicodedata.normalize("NFD", letters) if not "\u0300" <= ch <= "\u036f")
    words = " ".join(re.sub(r"(?:[^\w\u0900-\u097f]|_)+", " ", plain).split())
    return _SOMEONES.search(_NOT_SOMEONES.sub(" ", words)) is not None
