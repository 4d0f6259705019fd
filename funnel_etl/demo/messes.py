"""How people and programs misspell one cell: phones, e-mails, names, looked-up words, money; and what it means.

Rows that are broken as a whole are in `sheet.py`.
"""

import json
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

NBSP, ZERO_WIDTH = "\u00a0", "\u200b"
_DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")

PHONE_SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda p: p,
    "plus_91": lambda p: f"+91 {p[:5]}-{p[5:]}",
    "bare_91": lambda p: f"91{p}",
    "plus_91_nought": lambda p: f"+91 0{p}",
    "nought": lambda p: f"0{p}",
    "nought_91": lambda p: f"091{p}",
    "double_nought": lambda p: f"0091{p}",
    "apostrophe": lambda p: f"'{p}",
    "apostrophe_plus": lambda p: f"'+91{p}",
    "prefix_p": lambda p: f"p:+91{p}",
    "prefix_mob": lambda p: f"Mob. {p}",
    "prefix_tel": lambda p: f"tel:{p}",
    "blanks": lambda p: f"{p[:5]} {p[5:]} ",
    "float": lambda p: f"{p}.0",
    "extension": lambda p: f"{p} ext 12",
    "short_extension": lambda p: f"{p} x7",
    "devanagari": lambda p: p.translate(_DEVANAGARI),
    "full_width": lambda p: p.translate(_FULL_WIDTH),
    "wrong_flag": lambda p: f"+1 91{p}",
}
"""Spellings of an Indian mobile number that mean that number."""
LOST_SPELLINGS: dict[str, tuple[str, Callable[[str], str]]] = {
    "scientific": ("sci_notation", lambda p: f"{p[0]}.{p[1:6]}E+09"),
    "repdigit": ("placeholder", lambda p: p[0] * 10),
    "too_short": ("invalid", lambda p: p[:9]),
    "na": ("invalid", lambda _: "NA"),
    "no": ("invalid", lambda _: "No"),
    "dashes": ("invalid", lambda _: "--"),
    "email": ("invalid", lambda p: f"me{p[-4:]}@example.com"),
    "blank": ("blank", lambda _: ""),
}
"""Spellings from which no number can be had: the class they get."""
_COMMON = ("plain", "plus_91", "bare_91", "nought", "blanks", "prefix_p", "apostrophe_plus")


def spell_phones(rng: np.random.Generator, phones: pd.Series, placeholders: Sequence[str], lost: float) -> pd.DataFrame:
    """Spell numbers: text, phone (what can be had of it, else ""), phone_class.

    Every spelling occurs if `lost` is not 0 and there are 60 Indian numbers.

    `lost` is the share from which nothing can be had. Foreign numbers are written with blanks.
    """
    count = len(phones)
    common = rng.choice(_COMMON, count)
    rare = rng.choice(list(PHONE_SPELLINGS), count)
    kinds = np.where(rng.random(count) < 0.75, common, rare).astype(object)
    gone = rng.random(count) < lost
    kinds[gone] = rng.choice([*LOST_SPELLINGS, "listed"], int(gone.sum()))
    planned = [*PHONE_SPELLINGS, "two_numbers", "two_lines", *LOST_SPELLINGS, "listed"] if lost else []
    indian = np.flatnonzero(~phones.str.startswith("+").to_numpy(dtype=bool))
    if len(indian) >= 60 and planned:
        kinds[rng.choice(indian, len(planned), replace=False)] = planned
    listed = [*placeholders, "9999999999"]
    others = phones.sample(frac=1, random_state=int(rng.integers(1 << 30))).tolist()
    spelled = [
        _spell_phone(phone, kind, other, listed[i % len(listed)])
        for i, (phone, kind, other) in enumerate(zip(phones.tolist(), kinds, others, strict=True))
    ]
    return pd.DataFrame(spelled, columns=["text", "phone", "phone_class"], index=phones.index, dtype="str")


def _spell_phone(phone: str, kind: str, other: str, listed: str) -> tuple[str, str, str]:
    if kind == "listed":
        return listed, "", "placeholder"
    if phone.startswith("+"):
        return f"{phone[:-7]} {phone[-7:-4]} {phone[-4:]}", phone, "foreign"
    if kind in LOST_SPELLINGS:
        phone_class, spell = LOST_SPELLINGS[kind]
        return spell(phone), "", phone_class
    if kind in {"two_numbers", "two_lines"}:
        second = other if not other.startswith("+") else "no"
        return f"{phone}{'/' if kind == 'two_numbers' else chr(10)}{second}", phone, "in_mobile"
    return PHONE_SPELLINGS[kind](phone), phone, "in_mobile"


def spell_emails(rng: np.random.Generator, emails: pd.Series, lost: float) -> pd.DataFrame:
    """Spell addresses: text, email (lower-cased, or "" where none can be had)."""
    count = len(emails)
    good: tuple[Callable[[str], str], ...] = (str, str, str, str.upper, str.title, lambda e: f"  {e} ")
    bad: tuple[Callable[[str], str], ...] = (
        lambda _: "",
        lambda e: e.replace("@", " at "),
        lambda e: e.split(".")[0] + "@nodot",
        lambda e: f"{e}@example.com",
        lambda _: "NA",
    )
    is_bad = rng.random(count) < lost
    how = rng.integers(0, 30, count)
    texts = [(bad if b else good)[h % (5 if b else 6)](e) for e, b, h in zip(emails.tolist(), is_bad, how, strict=True)]
    kept = emails.mask(pd.Series(is_bad, index=emails.index), "")
    return pd.DataFrame({"text": pd.Series(texts, index=emails.index, dtype="str"), "email": kept})


def spell_names(rng: np.random.Generator, names: pd.Series, scripts: Sequence[str]) -> list[str]:
    """Write names as people type them: all small, all capitals, doubled blanks, another script, none."""
    ways: tuple[Callable[[str], str], ...] = (
        str,
        str,
        str,
        str.lower,
        str.upper,
        lambda n: f" {n.replace(' ', '   ')} ",
        lambda n: n.replace(" ", NBSP),
    )
    how = rng.integers(0, len(ways) * 12, len(names))
    script = rng.choice(list(scripts), len(names))
    return [
        s if h == 0 else "" if h == 1 else ways[h % len(ways)](n)
        for n, h, s in zip(names.tolist(), how, script, strict=True)
    ]


def spell_words(rng: np.random.Generator, words: Sequence[str], share: float = 0.25) -> pd.DataFrame:
    """Write looked-up words (sources, funnels) carelessly: text, and typed (the same without its stray blanks)."""
    ways: tuple[Callable[[str], tuple[str, str]], ...] = (
        lambda w: (w.upper(), w.upper()),
        lambda w: (w.lower(), w.lower()),
        lambda w: (f" {w}  ", w),
        lambda w: (w.replace(" ", "  "), w),
        lambda w: (w.replace(" ", NBSP), w),
        lambda w: (w[:1] + ZERO_WIDTH + w[1:], w),
    )
    careless = rng.random(len(words)) < share
    how = rng.integers(0, len(ways), len(words))
    pairs = [ways[h](w) if c and w else (w, w) for w, c, h in zip(words, careless, how, strict=True)]
    return pd.DataFrame(pairs, columns=["text", "typed"], dtype="str")


def indian_grouping(rupees: int) -> str:
    """Group digits the Indian way: 1234567 → 12,34,567."""
    text = str(rupees)
    head, tail = text[:-3], text[-3:]
    pairs = [head[max(i - 2, 0) : i] for i in range(len(head), 0, -2)][::-1]
    return ",".join([*pairs, tail]) if head else tail


def spell_money(rng: np.random.Generator, paise: Sequence[int]) -> list[str]:
    """Write amounts in the ways accountants and exports do; the meaning stays, to the paisa."""
    how = rng.integers(0, 14, len(paise))
    return [_spell_amount(int(amount), int(h)) for amount, h in zip(paise, how, strict=True)]


def _spell_amount(paise: int, how: int) -> str:
    rupees, rest = divmod(abs(paise), 100)
    plain, grouped = f"{rupees}.{rest:02d}", f"{indian_grouping(rupees)}.{rest:02d}"
    if paise < 0:
        return f"({grouped})" if how % 2 else f"-{plain}"
    ways = {
        0: f"₹{grouped}",
        1: f"₹ {grouped}",
        2: f"Rs. {grouped}",
        3: f"INR {plain}",
        4: f"{grouped}/-",
        5: f" {plain} ",
        6: f"{plain}4",  # a third decimal that rounds away
        7: grouped,
    }
    return ways.get(how, plain)


def join_sources(rng: np.random.Generator, sources: Sequence[Sequence[str]]) -> list[str]:
    """Write several sources in one cell: with `,`, `;` or `|`, or as a JSON list."""
    how = rng.integers(0, 4, len(sources))
    return [
        "" if not several else json.dumps(list(several)) if h == 3 else (", ", ";", " | ")[h].join(several)
        for several, h in zip(sources, how, strict=True)
    ]
