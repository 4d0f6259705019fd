"""Time zones that headers name: "Join Time (IST)", "Leave Time (GMT+05:30) Mumbai", "Registration Time - Asia/Kolkata".

Here: what a header says beside the words known of it, and which zone that is. Not here: converting times (`times`).
"""

import re
import zoneinfo
from functools import lru_cache
from typing import NamedTuple

from funnel_etl.core.values.text import fold

INDIA = "Asia/Kolkata"
_NAMES = {
    "utc": "UTC", "gmt": "UTC", "z": "UTC", "coordinated universal time": "UTC", "universal time": "UTC",
    "greenwich mean time": "UTC",
    "india": INDIA, "indian": INDIA, "kolkata": INDIA, "calcutta": INDIA, "mumbai": INDIA,
    "chennai": INDIA, "new delhi": INDIA, "delhi": INDIA,
    "pacific": "America/Los_Angeles", "mountain": "America/Denver", "central": "America/Chicago",
    "eastern": "America/New_York", "pdt": "-07:00", "mdt": "-06:00", "edt": "-04:00",
    "pst": "America/Los_Angeles", "pt": "America/Los_Angeles", "mt": "America/Denver", "ct": "America/Chicago",
    "est": "America/New_York", "et": "America/New_York",
    "cet": "Europe/Paris", "cest": "+02:00", "central european": "Europe/Paris", "eet": "Europe/Athens",
    "eest": "+03:00", "msk": "Europe/Moscow", "moscow": "Europe/Moscow", "brt": "America/Sao_Paulo",
    "brasilia": "America/Sao_Paulo", "horario de brasilia": "America/Sao_Paulo", "brazil": "America/Sao_Paulo",
    "sgt": "Asia/Singapore", "singapore": "Asia/Singapore", "hkt": "Asia/Hong_Kong", "jst": "Asia/Tokyo",
    "japan": "Asia/Tokyo", "kst": "Asia/Seoul", "pkt": "Asia/Karachi", "npt": "Asia/Kathmandu",
    "nepal": "Asia/Kathmandu", "gulf": "Asia/Dubai", "dubai": "Asia/Dubai", "sri lanka": "Asia/Colombo",
    "aest": "+10:00", "aedt": "+11:00", "nzst": "+12:00", "nzdt": "+13:00", "sast": "+02:00", "eat": "+03:00",
    "london": "Europe/London", "israel": "Asia/Jerusalem", "nairobi": "Africa/Nairobi",
}  # fmt: skip
"""Names of one zone, folded, without "standard", "daylight" and "time" at their end."""
SEVERAL = {
    "ist": (INDIA, "Asia/Jerusalem", "Asia/Tel_Aviv", "Europe/Dublin"),
    "cst": ("America/Chicago", "Asia/Shanghai", "Asia/Taipei"),
    "mst": ("America/Denver", "Asia/Kuala_Lumpur"),
    "bst": ("Europe/London", "Asia/Dhaka"),
    "gst": ("Asia/Dubai",),
}
"""Abbreviations of several zones: the installation's own zone if it is one of them, else the first."""
AMBIGUOUS = frozenset("ast sst act amt ect wst cdt adt cat bt".split())
"""Abbreviations of several zones none of which is likelier here."""
_BRACKET = re.compile(r"^(?P<before>[^(\[{]*)[(\[{](?P<inside>[^()\[\]{}]*)[)\]}](?P<after>.*)$", re.DOTALL)
_OFFSET = re.compile(r"(?:utc|gmt)?\s*(?P<sign>[+\-\u2212\u2013])\s*(?P<hours>\d{1,2})(?:[:.]?(?P<minutes>[0-5]\d))?")
_INITIALS = re.compile(r"(?:[a-z]\.){2,}[a-z]?")
_TIME_WORDS = re.compile(r"\s*(?:\b(?:standard|daylight|summer|local)\b)?\s*\btime(?: ?zone)?\s*$")


class Beside(NamedTuple):
    """What a header holds beside its words: `words`, and the text that may name a zone."""

    words: str
    zone: str


class Zone(NamedTuple):
    """A zone by name (as pandas takes it), None where it is not known; `is_ambiguous`: several zones are called so."""

    name: str | None
    is_ambiguous: bool = False


def split_off(value: str) -> tuple[str, str]:
    """Split a time into what is before its zone ("Nov 12, 2026 7:00 PM IST") and the zone; "" where it names none."""
    return next(((way.words, way.zone) for way in ways_to_split(value) if zone_of(way.zone) != Zone(None)), (value, ""))


def ways_to_split(header: str) -> list[Beside]:
    """Return the ways in which a header may hold a zone: in brackets, after a dash or "in", or as its last word."""
    ways = []
    if (found := _BRACKET.match(header)) and found["before"].strip():
        ways.append(Beside(found["before"].strip(), f"{found['inside']} {found['after']}".strip()))
    for sign in (" - ", ", ", ": ", " – ", " in ", " ", "/", "_"):
        before, found_sign, after = header.rstrip(" :").rpartition(sign)
        if found_sign and before.strip() and zone_of(after) != Zone(None):
            ways.append(Beside(before.strip(), after.strip()))
    return ways


@lru_cache(maxsize=1024)
def zone_of(text: str, home: str = INDIA) -> Zone:
    """Return the zone that a text names; an offset ("GMT+5:30") counts where no place or name does.

    `home`: the installation's zone, which decides between the zones of one name.
    """
    plain = " ".join(fold(text).replace("_", " ").split()).strip(" .()[]").removeprefix("in ")
    plain = plain.replace(".", "") if _INITIALS.fullmatch(plain) else plain
    regions = _regions()
    for word in re.findall(r"[a-z_]+(?:/[a-z_+\-0-9]+)+", fold(text).replace(" ", "_")):
        if (region := word.strip("_")) in regions:
            return Zone(regions[region])
    offset = _OFFSET.search(plain)
    rest = _OFFSET.sub(" ", plain).strip(" ()[],-") if offset else plain
    for name in (rest, rest.split("(")[0], rest.split(",")[0]):
        bare = _TIME_WORDS.sub("", name).strip(" ()[],-")
        if bare in _NAMES and not (offset and bare in {"utc", "gmt"}):
            return Zone(_NAMES[bare])
        if bare in SEVERAL and not offset:
            return Zone(home if home in SEVERAL[bare] else SEVERAL[bare][0])
        if bare in AMBIGUOUS and not offset:
            return Zone(None, is_ambiguous=True)
    if offset and int(offset["hours"]) <= 14:
        sign = "+" if offset["sign"] == "+" else "-"
        return Zone(f"{sign}{int(offset['hours']):02}:{offset['minutes'] or '00'}")
    return Zone(None)


@lru_cache(maxsize=1)
def _regions() -> dict[str, str]:
    """Return the regions of the tz database by their folded names ("asia/kolkata")."""
    return {name.lower(): name for name in zoneinfo.available_timezones() if "/" in name}
