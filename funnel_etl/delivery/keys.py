"""What makes an effect one: its key, and the ids by which a destination drops a repeat. Pure.

The vectors of the design are in the tests: a key that moves would fire every event again.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

REQUEST_DIGITS = 32
"""Digits of an x-request-id."""


def sha256_hex(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def delivery_key(parts: Iterable[str]) -> str:
    """Return the key of an effect from its parts."""
    return sha256_hex("\n".join(parts))


def event_key(key_parts: str, generation: int) -> str:
    """Return the key of an event: its parts, and the generation."""
    return delivery_key([key_parts, str(generation)])


def user_key(key_parts: str, delivered: int) -> str:
    """Return the key of a user's update: its parts, and how many of this user were delivered before, if any."""
    return delivery_key([key_parts, str(delivered)] if delivered else [key_parts])


def request_id(key: str, resolutions: int = 0) -> str:
    """Return the id a row is sent under: of its key, and another one each time it was given a new one."""
    return (sha256_hex(f"{key}\n{resolutions}") if resolutions else key)[:REQUEST_DIGITS]


def batch_request_id(keys: Sequence[str]) -> str:
    """Return the id of a bulk request: of the keys in it, in their order."""
    return sha256_hex("\n".join(keys))[:REQUEST_DIGITS]


def canonical(content: Any) -> str:
    """Return the one text of a JSON content: keys sorted, no blanks, non-ASCII as it is."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
