"""Made-up people: a name, a phone, an e-mail address of a reserved domain, a city. No messes here, and no events."""

import numpy as np
import pandas as pd

from funnel_etl.demo.sheet import columns

FIRST = columns(
    "Aarav,Aditi,Ananya,Arjun,Bhavna,Chetan,Deepika,Dev,Esha,Farhan,Gauri,Harsh,Isha,Jatin,Kavya,Kiran,Lakshmi,Manav,"
    "Meera,Naveen,Neha,Omkar,Pooja,Pranav,Rahul,Riya,Rohan,Sana,Shreya,Sneha,Tanvi,Uday,Varun,Vidya,Yash,Zoya"
)
"""Common first names; the family names are invented."""
LAST = columns(
    "Aldane,Belwick,Corvane,Dreswal,Elvoor,Farnode,Gelmar,Hastrey,Ilvane,Jorvik,Keldar,Lormand,Mirvane,Nolquist,Ostrell,"
    "Pelmoor,Quillon,Renvik,Solvane,Tervane,Ulmarik,Velthor,Wendrell,Yarvane"
)
CITIES = ("Mumbai", "Delhi", "Bengaluru", "Pune", "Jaipur", "Kochi", "Lucknow", "Indore", "Nagpur", "Dubai", "")
DOMAINS = ("example.com", "example.org", "example.net")
SCRIPT_NAMES = ("आरव", "मीरा", "காவ்யா")


def make_people(rng: np.random.Generator, count: int, foreign_share: float = 0.02) -> pd.DataFrame:
    """Return people, index 0…: name, phone (ten digits, or `+` and E.164), email, city. Phones, e-mails are unique."""
    first = rng.choice(FIRST, count)
    last = rng.choice(LAST, count)
    index = np.arange(count).astype("U")
    names = np.char.add(np.char.add(first, " "), last)
    mail = np.char.add(np.char.add(np.char.lower(first), "."), np.char.lower(last))
    mail = np.char.add(np.char.add(np.char.add(np.char.add(mail, "."), index), "@"), rng.choice(DOMAINS, count))
    return pd.DataFrame(
        {
            "name": pd.Series(names, dtype="str"),
            "phone": pd.Series(_phones(rng, count, foreign_share), dtype="str"),
            "email": pd.Series(mail, dtype="str"),
            "city": pd.Series(rng.choice(CITIES, count), dtype="str"),
        }
    )


def _phones(rng: np.random.Generator, count: int, foreign_share: float) -> list[str]:
    """Return unique numbers: the last seven digits run with the person, so that no two can meet."""
    lead = rng.integers(600, 1000, count)
    step = 7 * np.arange(count) + int(rng.integers(1_000_000, 3_000_000))
    tail = (step * 3 % 9_999_991).astype(int)
    foreign = rng.random(count) < foreign_share
    codes = rng.integers(0, 3, count)
    abroad = ("+97150{:07d}", "+6581{:06d}", "+447400{:06d}")
    return [
        abroad[code].format(digits if code == 0 else 123_000 + position % 700_000)
        if is_foreign
        else f"{start}{digits:07d}"
        for start, digits, is_foreign, code, position in zip(lead, tail, foreign, codes, range(count), strict=True)
    ]
