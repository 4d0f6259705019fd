"""Which landing archive this is, and which runs published from it: what tells two installations apart.

    archive.json                   an id, made once; a copied or moved archive keeps it
    publications/<run_id>.json     one for each run that published, so that two copies of one archive are told apart

What a publication follows from is the archive, so the id is kept in it, and not in FUNNEL_HOME or the settings.
"""

import json
import uuid
from datetime import UTC, datetime
from functools import cached_property

from funnel_etl.sources.archive.arrivals import damaged, record_of
from funnel_etl.sources.archive.store import Store

NAME, FOLDER = "archive.json", "publications"


class ArchiveIdentity:
    """The identity of the archive in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def id(self) -> str:
        """The archive's id, made now if it has none."""
        if (known := self._read()) is not None:
            return known
        made = {"archive_id": str(uuid.uuid4()), "made_at": datetime.now(UTC).isoformat()}
        self._store.write(NAME, json.dumps(made).encode())
        # Of two processes that make one at once, both go by what is there afterwards.
        return self._read() or made["archive_id"]

    def has_published(self, run_id: str) -> bool:
        """Whether a run published from this archive, or was about to."""
        return self._store.exists(f"{FOLDER}/{run_id}.json")

    def note_publication(self, run_id: str) -> None:
        """Keep, before it is committed, that a run publishes from this archive."""
        if not self.has_published(run_id):
            self._store.write(f"{FOLDER}/{run_id}.json", json.dumps({"at": datetime.now(UTC).isoformat()}).encode())

    def _read(self) -> str | None:
        """Return the id that is kept; None: there is none. Raises `FunnelError` for a record that is damaged."""
        if not self._store.exists(NAME):
            return None
        archive_id = record_of(NAME, self._store.read(NAME)).get("archive_id")
        if not isinstance(archive_id, str) or not archive_id:
            raise damaged(NAME)
        return archive_id
