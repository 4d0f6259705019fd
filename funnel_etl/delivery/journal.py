"""What may have been sent, in the landing archive: written and synced before the call. For when PostgreSQL is lost.

    deliveries/key                                       the secret of the hashes
    deliveries/<destination>/<yyyy-mm>/<batch_id>.json   when, and the HMAC-SHA256 of each delivery key of a claim

A plain hash of a phone can be guessed; these cannot without the secret. Decision 32 says why it is here.
"""

import hmac
import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.sources.archive.store import LANDING, Store, open_store

FOLDER = "deliveries"
KEY = f"{FOLDER}/key"
MOST_KEYS = 200
"""Keys in a file."""
KEPT_DAYS = 400


class Journal:
    """The journal of one destination. It is read once, when a key is first looked for."""

    def __init__(self, landing_root: str, destination: str) -> None:
        self._store: Store = open_store(UPath(landing_root), LANDING)
        self._folder = f"{FOLDER}/{destination}"
        self._known: dict[str, str] | None = None
        self._secret: bytes | None = None

    def write(self, batch_id: str, keys: Iterable[str], now: datetime) -> None:
        """Keep that these keys may be sent from now on. Raises `StorageUnavailable`, and then none may be."""
        hashes = [self._hash(key) for key in keys]
        content = {"at": now.astimezone(UTC).isoformat(), "destination": self._folder.rpartition("/")[2]}
        name = f"{self._folder}/{now.astimezone(UTC):%Y-%m}/{batch_id}.json"
        self._store.write(name, json.dumps(content | {"keys": hashes}).encode())
        if self._known is not None:
            self._known |= dict.fromkeys(hashes, batch_id)

    def newest_batch(self, key: str) -> str | None:
        """Return the batch in which a key may have been sent last; None: it never was."""
        if self._known is None:
            self._known = self._read()
        return self._known.get(self._hash(key)) if self._known else None

    def purge(self, now: datetime) -> int:
        """Remove what is older than is kept; return how many files."""
        oldest = f"{now.astimezone(UTC) - timedelta(days=KEPT_DAYS):%Y-%m}"
        old = [name for name in self._store.names(self._folder) if name.split("/")[-2] < oldest]
        for name in old:
            self._store.remove(name)
        return len(old)

    def _read(self) -> dict[str, str]:
        """Return the newest batch of each hash."""
        found: dict[str, tuple[str, str]] = {}
        for name, data in self._store.read_below(self._folder):
            batch = name.rpartition("/")[2].removesuffix(".json")
            try:
                content = json.loads(data)
                at, hashes = str(content["at"]), content["keys"]
            except (ValueError, KeyError, TypeError):
                raise FunnelError(
                    "a file of the journal of deliveries cannot be read, so nothing is sent",
                    where=f"landing archive, {name}",
                    fix="restore it from a backup of the archive; without one, delete it, and what it held may be "
                    "sent twice if the database is lost",
                ) from None
            for one in hashes:
                found[one] = max(found.get(one, ("", "")), (at, batch))
        return {one: batch for one, (_, batch) in found.items()}

    def _hash(self, key: str) -> str:
        if self._secret is None:
            self._secret = self._kept_secret()
        return hmac.digest(self._secret, key.encode(), "sha256").hex()

    def _kept_secret(self) -> bytes:
        if not self._store.exists(KEY):
            if self._store.names(FOLDER):
                raise _gone()
            self._store.write(KEY, secrets.token_bytes(32).hex().encode())
        try:
            return bytes.fromhex(self._store.read(KEY).decode())
        except (FileNotFoundError, ValueError):
            raise _gone() from None


def _gone() -> FunnelError:
    return FunnelError(
        "the secret of the journal of deliveries is gone, so what was sent cannot be known and nothing is sent",
        where=f"landing archive, {KEY}",
        fix="restore it from a backup of the archive; without one, delete deliveries/: only the database knows then "
        "what was sent",
    )
