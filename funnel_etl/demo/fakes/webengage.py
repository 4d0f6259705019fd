"""WebEngage as section 9 of the design has it: users, events, what it drops silently, what it was told to erase."""

import json
import re
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from funnel_etl.demo.fakes.server import Reply

DROPS_FOR = timedelta(hours=4)
"""How long a request id is remembered."""
AT_MOST, PER_MINUTE, BULK_PER_MINUTE, GDPR_PER_MINUTE = 25, 5000, 500, 100
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}")
_PATH = re.compile(r"/v1/accounts/([^/]+)/(users|events|bulk-users|bulk-events|opengdpr_requests)")


class FakeWebEngage:
    """One account. `per_minute`: requests a minute of its clock to each of users and events."""

    def __init__(self, key: str = "demo-key", licence: str = "in~demo", per_minute: int = PER_MINUTE) -> None:
        self.key, self.licence, self.per_minute = key, licence, per_minute
        self.users: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.dropped: list[dict[str, Any]] = []
        self.erasures: list[dict[str, Any]] = []
        self._seen: dict[str, datetime] = {}
        self._types: dict[tuple[str, str], str] = {}
        self._made: dict[str, deque[datetime]] = {}

    def state(self) -> dict[str, Any]:
        """Return the effects so far."""
        return {"users": self.users, "events": self.events, "dropped": self.dropped, "erasures": self.erasures}

    def act(self, method: str, path: str, headers: dict[str, str], body: bytes, now: datetime) -> Reply:
        """Do what a request asks for, once an id within four hours."""
        found = _PATH.fullmatch(path)
        if headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "Unauthorized")
        if found is None or method != "POST" or found[1] != self.licence:
            return _error(404, "Not found")
        if self._is_too_fast(found[2], now):
            limits = {"X-RateLimit-Limit": str(self.per_minute), "X-RateLimit-Remaining": "0"}
            return Reply(429, _content("Rate limit exceeded"), limits)
        try:
            content = json.loads(body)
        except ValueError:
            return _error(400, "Error: not JSON.")
        records, wrong = _records(found[2], content)
        if wrong:
            return _error(400, wrong)
        request_id = headers.get("x-request-id", "")
        seen = self._seen.get(request_id) if request_id else None
        if seen is None or now - seen >= DROPS_FOR:
            if request_id:
                self._seen[request_id] = now
            for record in records:
                self._take(found[2].removeprefix("bulk-"), record, request_id)
        return Reply(201, {"response": {"status": "queued"}})

    def _is_too_fast(self, resource: str, now: datetime) -> bool:
        kind = "bulk" if resource.startswith("bulk-") else resource
        limit = {"bulk": BULK_PER_MINUTE, "opengdpr_requests": GDPR_PER_MINUTE}.get(kind, self.per_minute)
        made = self._made.setdefault(kind, deque())
        while made and now - made[0] >= timedelta(minutes=1):
            made.popleft()
        if len(made) >= limit:
            return True
        made.append(now)
        return False

    def _take(self, resource: str, record: dict[str, Any], request_id: str) -> None:
        if resource == "users":
            self.users.setdefault(record["userId"], {}).update(record)
        elif resource == "opengdpr_requests":
            self.erasures.append(record)
        elif self._is_of_known_types(record):
            self.events.append(record | {"request_id": request_id})
        else:
            self.dropped.append(record | {"request_id": request_id})

    def _is_of_known_types(self, event: dict[str, Any]) -> bool:
        """Whether each value has the type its attribute had first; that of a new one is fixed."""
        names = {(event["eventName"], name): _type(value) for name, value in event.get("eventData", {}).items()}
        if any(self._types.get(name, kind) != kind for name, kind in names.items()):
            return False
        self._types |= names
        return True


def _records(resource: str, content: Any) -> tuple[list[dict[str, Any]], str | None]:
    """Return the records of a request, and what is wrong with them."""
    if resource.startswith("bulk-"):
        records = content.get(resource.removeprefix("bulk-")) if isinstance(content, dict) else None
        if not isinstance(records, list) or not records:
            return [], "Error: no records."
        if len(records) > AT_MOST:
            return [], "Error: maximum 25 records are allowed."
    else:
        records = [content]
    for record in records:
        if not isinstance(record, dict):
            return [], "Error: a record is no object."
        if resource == "opengdpr_requests":
            continue
        if not record.get("userId") and not record.get("anonymousId"):
            return [], "Error: userId and anonymousId cannot be empty."
        if resource.endswith("events") and not record.get("eventName"):
            return [], "Error: eventName cannot be empty."
        if resource.endswith("events") and not _TIME.fullmatch(record.get("eventTime") or "2026-01-01T00:00:00+0530"):
            return [], "Error: Invalid date format for eventTime."
    return records, None


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "date" if _TIME.fullmatch(value) else "text"
    return type(value).__name__


def _content(message: str) -> dict[str, Any]:
    return {"response": {"message": message, "status": "error"}}


def _error(status: int, message: str) -> Reply:
    return Reply(status, _content(message))
