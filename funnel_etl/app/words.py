"""How days and moments are written on the page, as people in India write them; money and counts are in `core`. Pure."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = 60, 3600, 86400


def day(when: date) -> str:
    """Return a day as `Sun, 30 Nov 2026`."""
    return f"{when:%a}, {when.day} {when:%b %Y}"


def moment(when: datetime, zone: ZoneInfo) -> str:
    """Return a moment in a zone as `30 Nov 2026, 2:41 am`."""
    own = when.astimezone(zone)
    hour, half = own.hour % 12 or 12, "am" if own.hour < 12 else "pm"
    return f"{own.day} {own:%b %Y}, {hour}:{own:%M} {half}"


def ago(when: datetime, now: datetime) -> str:
    """Return how long ago a moment was, roughly: `just now`, `5 minutes ago`, `yesterday` is `1 day ago`."""
    seconds = max((now - when).total_seconds(), 0)
    for size, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= size:
            many = int(seconds // size)
            return f"{many} {name}{'s' if many > 1 else ''} ago"
    return "just now"
