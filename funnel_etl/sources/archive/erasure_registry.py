"""Persons who were erased, and the files of the landing archive that lost lines of them.

    erasures/key                      the secret of the hashes below
    erasures/persons/<hash>.json      one phone or e-mail: HMAC-SHA256 of it, and when; nothing else is kept of it
    erasures/files/<file_id>.json     a file without lines of persons: which lines, and the sha256 of what is left
    erasures/same/<sha256>            what is left of a file → its file_id, so that it is known again when it comes back

Who is to be erased, and where else, belongs to `operate/erase/eraser`.
"""

import hashlib
import hmac
import io
import json
import secrets
import zipfile
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.json_records import begins_json
from funnel_etl.core.reading.person_matcher import (
    PHONE,
    FollowsLabel,
    PersonMatcher,
    Redacted,
    no_label,
    redact_json,
    redact_lines,
)
from funnel_etl.core.reading.signatures import is_gzip, is_parquet, is_zip
from funnel_etl.core.values.text import decode
from funnel_etl.sources.archive.store import Store

FOLDER = "erasures"
KEY = f"{FOLDER}/key"
MOST_REMEMBERED = 1 << 18
_UNPACKED = 200_000_000
"""Bytes of a packed file that are looked into."""


class Tombstone(BaseModel):
    """A file without lines of persons. `sha256`: of what is left, newest last; `lines`: which are empty now.

    `by`: keyed hashes of the phones and e-mails it was done for; `at`: when it was done last.
    """

    model_config = ConfigDict(frozen=True)

    file_id: str
    sha256: tuple[str, ...]
    lines: tuple[int, ...] = ()
    by: tuple[str, ...] = ()
    at: datetime


class Erasures:
    """The erased persons and tombstones of one archive. Nothing is read twice that cannot change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sought: tuple[tuple[str, ...], PersonMatcher] | None = None

    def matcher(self) -> PersonMatcher | None:
        """Return the erased persons as who is looked for in new files; None: nobody was ever erased.

        Raises `FunnelError` when the secret is gone: without it an erased person would come back unseen.
        """
        names = self.persons()
        if not names:
            return None
        if self._sought is None or self._sought[0] != names:
            hashes = {name.rpartition("/")[2].removesuffix(".json") for name in names}
            kept = [json.loads(self._store.read(name)) for name in names]
            key = self._key()
            lengths = frozenset(int(one["digits"]) for one in kept if one["kind"] == PHONE)
            # A night's dump has mostly the phones of the night before.
            known = lru_cache(MOST_REMEMBERED)(lambda name: _hash(key, name) in hashes)
            self._sought = names, PersonMatcher(known, lengths)
        return self._sought[1]

    def persons(self) -> tuple[str, ...]:
        """Return what is kept of the erased persons: a name with the hash of each phone and e-mail, sorted."""
        return tuple(self._store.names(f"{FOLDER}/persons"))

    def add(self, names: Iterable[str]) -> list[str]:
        """Keep the hashes of phones ("phone:" and digits) and e-mails ("email:" and the address); returns them."""
        if not self._store.exists(KEY):
            if self._store.names(f"{FOLDER}/persons"):
                self._key()
            self._store.write(KEY, secrets.token_bytes(32).hex().encode())
        key, hashes = self._key(), []
        for name in sorted(names):
            kind, _, value = name.partition(":")
            about: dict[str, Any] = {"kind": kind, "at": _now().isoformat()}
            if kind == PHONE:
                about["digits"] = len(value)
            hashes.append(_hash(key, name))
            if not self._store.exists(goal := f"{FOLDER}/persons/{hashes[-1]}.json"):
                self._store.write(goal, json.dumps(about, sort_keys=True).encode())
        return hashes

    def tombstone(self, file_id: str) -> Tombstone | None:
        """Return what is recorded of a file, if it lost lines."""
        try:
            return Tombstone.model_validate_json(self._store.read(_file(file_id)))
        except FileNotFoundError:
            return None

    def tombstones(self) -> dict[str, frozenset[int]]:
        """Return of all files that lost lines which: file_id → numbers of lines, from 1."""
        kept = (Tombstone.model_validate_json(self._store.read(name)) for name in self._store.names(f"{FOLDER}/files"))
        return {one.file_id: frozenset(one.lines) for one in kept}

    def keep(self, file_id: str, withheld: Redacted, by: Iterable[str] = ()) -> None:
        """Record what a file lost; before its bytes are replaced, for what is recorded may be read."""
        before = self.tombstone(file_id)
        left = hashlib.sha256(withheld.data).hexdigest()
        tombstone = Tombstone(
            file_id=file_id,
            sha256=(*(s for s in (before.sha256 if before else ()) if s != left), left),
            lines=tuple(sorted({*(before.lines if before else ()), *withheld.lines})),
            by=tuple(sorted({*(before.by if before else ()), *by})),
            at=_now(),
        )
        self._store.write(_file(file_id), tombstone.model_dump_json().encode())
        self._store.write(f"{FOLDER}/same/{left}", file_id.encode())

    def file_id_of(self, sha256: str) -> str:
        """Return the file_id of bytes by their hash: that of the file of which they are what is left, if any."""
        try:
            return self._store.read(f"{FOLDER}/same/{sha256}").decode()
        except FileNotFoundError:
            return sha256

    def _key(self) -> bytes:
        try:
            return bytes.fromhex(self._store.read(KEY).decode())
        except (FileNotFoundError, ValueError):
            raise FunnelError(
                "the secret by which erased persons are known again is gone, so nothing can be landed",
                where=f"landing archive, {KEY}",
                fix="restore it from a backup of the archive; without one, delete erasures/persons "
                "and erase these persons again",
            ) from None


def redacted_from(
    data: bytes, matcher: PersonMatcher, follows_label: FollowsLabel = no_label, *, may_be_json: bool = False
) -> Redacted:
    """Take out of any landed bytes what names persons; a packed file that does, which no reader reads, goes whole.

    `may_be_json`: a source sent it, so that what is JSON has records, and not lines.
    """
    if is_parquet(data):
        return Redacted(data)
    if is_zip(data) or is_gzip(data):
        return Redacted(b"", (1,)) if matcher.named_in(_unpacked(data)) else Redacted(data)
    left = redact_json(data, matcher) if may_be_json and begins_json(data) else None
    return left if left is not None else redact_lines(data, matcher, follows_label)


def _unpacked(data: bytes) -> str:
    """Return the text inside a packed file, as far as it can be unpacked."""
    texts: list[str] = []
    try:
        if is_gzip(data):
            texts.append(decode(zlib.decompressobj(31).decompress(data, _UNPACKED)).text)
        else:
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                rest = _UNPACKED
                for member in packed.infolist():
                    with packed.open(member) as file:
                        inside = file.read(rest)
                    rest -= len(inside)
                    texts += [decode(inside).text, member.filename]
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        pass  # damaged or locked: what came out before is looked at
    return "\n".join(texts)


def _file(file_id: str) -> str:
    return f"{FOLDER}/files/{file_id}.json"


def _hash(key: bytes, name: str) -> str:
    return hmac.digest(key, name.encode(errors="surrogatepass"), "sha256").hex()


def _now() -> datetime:
    return datetime.now(UTC)
