"""Whose phone a column asks for, by the wording of its header: the person's own, or somebody else's.

Here: one question about one header, in the languages of our forms, for every source that has phones. Not here: whether
a column holds phones at all (`phone_questions`), the label of a number in a cell (`phone_cells`), numbers (`phone`).
"""

import re
from functools import lru_cache

from funnel_etl.core.reading.phone_questions import words_of
from funnel_etl.core.values.text import fold

PHONE = (
    "phones?|telephones?|mobiles?|mob|whats ?app|cells?|contacts?|numbers?|no|nos|num|tel|telefon[oe]s?|celular(?:es)?"
    "|movil(?:es)?|numeros?|contacto|contato"
)
"""Words for a phone, as a pattern of folded words."""
SECOND = (
    "another|other|second|2nd|additional|extra|spare|dusra|doosra|otr[oa]|outr[oa]|adicional|segund[oa]"
    r"|alt|alter(?!natively)\w*|altenat\w*"
)
_END = r"(?![\w\u0900-\u097f])"

_STEMS = (
    # English, with the misspellings that forms have
    "parent parant perent father mother grand[mpfsd] step(?=fa|mo|pa|si|br|so|da) guardian gaurdian gardian "
    "spouse husband hubby wife wives sibling brother sister cousin uncle aunt daughter friend(?!ly) girlfriend "
    "boyfriend colleague coworker neighbour neighbor nominee relati famil refer recommender introducer emergenc "
    "backup secondary secundari caretak caregiv "
    # Spanish and Portuguese; French, German, Italian
    "padre madre acudient apoderad espos conyug conjug herman irma amig parient parente hijo hija filho filha "
    "responsab responsav encarregad abuel vecin vizinh companer companheir suegr namorad urgenc "
    "epou conjoint voisin notfall eltern ehemann ehefrau ehepartner genitor emergenz "
    # Hindi and Marathi, as they are typed in Latin letters, and in their own
    "abhibhavak rishtedar aapatkal vaikalpik "
    "पिता माता अभिभावक पति पत्नी भाई बहन दोस्त मित्र परिवार रिश्तेदार आपात वैकल्पिक दूसर अन्य पालक वडील वडिल मम्मी पापा"
)
_WORDS = (
    "dad daddy papa mom mum mummy child children kid son ward fiance fiancee partner kin sos ref sponsor payer ice "
    "landlord tutor tutora tutore marido mae indicado indicada indicou indicacao pita pitaji mata mataji maa pati "
    "patni bhai behan behen bahan dost mitra amma appa ammi abbu abba nani dada dadi chacha chachi mausi didi bhaiya "
    "tio tia novio novia avo recado pere mere frere soeur mari ami amie tuteur tutrice vater mutter vormund bruder "
    "schwester freund marito moglie fratello sorella amico amica आई आईचा आईचे"
)
_STAFF = (
    "teacher principal counsellor counselor manager employer employee owner agent warden incharge advisor adviser "
    "mentor executive telecaller caller representative rep assignee coordinator trainer supervisor boss staff bda bde "
    "rm helpline profesor professora"
)
"""Those who teach, sell or run things: in a CRM's dump the number of who called, in a form of who is responsible."""
_PHRASES = (
    "back up|in laws?|co workers?|(?:recommended|introduced|invited) by|pai|(?:dos|seus|meus) pais|contact persons?"
    rf"|(?:hr|sales) (?:s )?(?:{PHONE})|(?:assigned|allotted) to|(?:created|updated|called|handled) by"
    "|who (?:will |is )?pay(?:s|ing)?|f h|persona de contacto|pessoa (?:de|para) contato|in charge"
    "|in case of (?:an |any )?accident|(?:class|batch|room|flat|house|school|team|hostel|course) ?mates?"
    "|(?:persons?|whom?) (?:to|should we|can we|we (?:can|may|should)) (?:contact|call|inform|notify|reach)"
)


def _is_one_of(*patterns: str) -> str:
    return f"(?:{'|'.join(patterns)})"


_SOMEONE = _is_one_of(
    *(rf"{stem}\w*" for stem in fold(_STEMS).split()),
    *(rf"{word}s?{_END}" for word in fold(f"{_WORDS} {_STAFF}").split()),
    rf"(?:{_PHRASES}){_END}",
)
_SOMEONES = re.compile(
    rf"(?<![\w\u0900-\u097f]){_SOMEONE}"
    rf"|\b(?:{SECOND}) (?:(?!than\b)\w+ )??(?:{PHONE})\b"
    rf"|\b(?:{PHONE}) (?:\d )?(?:{SECOND})(?:$| (?:{PHONE}|if any|optional|opcional)\b)"
)
_NOT_SOMEONES = re.compile(
    r"\b(?:not|except|other than|rather than|instead of)"
    rf"(?: (?:\w+ ){{0,2}}?{_SOMEONE}(?: s\b)?(?: (?:or|nor|and)\b)?)+"
    r"|\b(?:for|as) (?:(?:a|an|our|your|my|the|future|any|office) )*ref(?:erence)?\b"
    r"|\bsecondary (?:school|education|class|student)"
    r"|\bin case of (?:an )?emergency we (?:will|can|may|shall)\b"
    rf"|(?<!phone )(?<!mobile )(?<!contact )\bno (?:other|another) (?:{PHONE})\b"
    rf"|\b(?:{PHONE}) principal\b(?! (?:{PHONE})\b)"
    rf"|\b{_is_one_of(*_STAFF.split())}s?(?: team)? (?:will|can|may|shall|would|could|to (?:call|reach|contact))\b"
    rf"|\b(?:calls?|callback) (?:from|by) (?:\w+ ){{0,2}}?{_is_one_of(*_STAFF.split())}s?\b"
)
_NEAREST = "parent|guardian|father|mother|dad\b|mom\b|spouse|husband|wife|padre|madre|pai\b|(?:seus|meus) pais|emergenc"
_ABOUT = (
    "slots?|reminders?|offers?|links?|groups?|updates?|alerts?|notifications?|communications?|calls?|class(?:es)?"
    "|materials?|certificates?|rewards?|details|purposes?|(?:job|placement|internship|career) referrals?"
    "|referral (?:bonus|rewards?|codes?)"
)
_PURPOSE = re.compile(
    rf"\b((?:{PHONE})(?: \w+)?) (?:(?:the )?same|so that|without|do not"
    r"|to (?:join|receive|get|share|send|add|be added|attend|access|confirm|verify|know|talk|speak|connect)"
    r"|para (?:receb|recib|entrar|unir|ingres|particip|envi)\w*"
    rf"|for (?:(?!friend|{_NEAREST})\w+ ){{0,4}}?(?:{_ABOUT}))\b(?:(?!\b(?:{_NEAREST})).)*$"
)
"""What a number is asked for, behind the words that ask for it: who is named there is not whose number it is.

Unless it is one of those who are nearest: "to send updates to your parents" asks for the parents' number.
"""


@lru_cache(maxsize=4096)
def is_someone_elses(header: str) -> bool:
    """Whether a header asks for the phone of somebody else, or for a second one beside the person's own.

    Parent, guardian, spouse, friend, referrer, teacher, emergency, "alternate", "another" and the like: such a number
    is never the person's phone. Of a header that names both ("Student / parent mobile") nobody knows whose it is: not
    theirs.
    """
    words = " ".join(re.sub(r"[^\w\u0900-\u097f]+", " ", words_of(header)).split())
    return _SOMEONES.search(_NOT_SOMEONES.sub(" ", _PURPOSE.sub(r"\1", words))) is not None
