"""Handing a message to an address by apprise, and never letting an address out: neither into a log nor an error.

apprise and what it uses write addresses, with the secrets in them, into their own logs; those are silenced here. What
went wrong is told in our words, from the answer's number at most.
"""

import hashlib
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from funnel_etl.observe.alerts.messages import Message

SEND_SECONDS = 20.0
"""How long an address may take in all; apprise's own limits are for each packet only."""
ANSWER_SECONDS = 15.0
"""How long it may take to answer when it has no `rto` of its own; with the 4 of apprise to connect it fits in all."""
UNANSWERED = "no answer in time, it may have arrived"
NO_CONNECTION = "no connection, or it broke off"
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)")
NAME, NUMERIC = r"(?:[a-z0-9-]+\.)+[a-z]{2,18}|localhost", r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]+"
HOST = re.compile(f"{NAME}|{NUMERIC}", re.IGNORECASE)
PLAIN_HOSTS = {"json", "jsons", "xml", "xmls", "form", "forms", "mmost", "mmosts", "gotify", "gotifys"}
"""Schemes whose host is a host whatever it looks like; of others, as slack://, it may be a part of the secret."""
ANSWERED = re.compile(r"error=(\d{3})")
TALKATIVE = ("urllib3", "requests", "requests_oauthlib", "smtplib", "paho", "slixmpp", "asyncio")


def split_urls(text: str) -> list[str]:
    """Return the addresses of a setting: separated by blanks, new lines, or commas before the next scheme."""
    parts = [part for word in text.split() for part in re.split(r",+(?=[A-Za-z][A-Za-z0-9+.-]*://)", word)]
    return list(dict.fromkeys(part.strip(",") for part in parts if part.strip(",")))


def redacted(url: str) -> str:
    """Return scheme and host of an address, and only the scheme where the host may be a part of the secret."""
    found = SCHEME.match(url)
    if not found:
        return "(no scheme)"
    scheme = found[0].lower()
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    is_host = HOST.fullmatch(host) or (scheme in PLAIN_HOSTS and re.fullmatch(r"[a-z0-9-]+", host))
    return f"{scheme}://{host if is_host else '…'}"


def mark_of(url: str) -> str:
    """Return what an address is remembered by: it cannot be read back."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def send(url: str, message: Message, seconds: float = SEND_SECONDS) -> str | None:
    """Send a message to one address; returns None when it was accepted, else why not, without anything secret.

    `UNANSWERED`: it was sent, and nobody knows whether it was taken.
    """
    said: list[str | None] = []
    sending = threading.Thread(target=lambda: said.append(_send(url, message)), daemon=True)
    sending.start()
    sending.join(seconds)
    if said:
        return said[0]
    return NO_CONNECTION if _is_connecting(sending) else UNANSWERED


def _is_connecting(sending: threading.Thread) -> bool:
    """Return whether a thread still looks up a host or connects to it: then it has sent nothing."""
    frame = sys._current_frames().get(sending.ident or 0)  # noqa: SLF001 - apprise does not tell how far it is
    frames = traceback.walk_stack(frame) if frame else ()
    return any(each.f_code.co_name == "create_connection" for each, _ in frames)


def _send(url: str, message: Message) -> str | None:
    import apprise  # noqa: PLC0415 - a tenth of a second that only sending needs

    with _hushed() as heard:
        try:
            asset = apprise.AppriseAsset(
                app_id="funnel_etl", storage_mode=apprise.PersistentStoreMode.MEMORY, secure_logging=True
            )
            server = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
            if server is None:
                return "apprise cannot read this address: is its scheme right, and nothing left out?"
            if "socket_read_timeout" not in vars(server):
                server.socket_read_timeout = ANSWER_SECONDS
            accepted = server.notify(
                body=message.body,
                title=message.subject,
                notify_type=apprise.NotifyType(message.tone),
                body_format=apprise.NotifyFormat.TEXT,
            )
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises: its text may hold the address
            return f"it could not be sent ({type(error).__name__})"
    return None if accepted else _why(heard, server.socket_read_timeout)


def _why(heard: list[str], read_seconds: float) -> str:
    for line in reversed(heard):
        if found := ANSWERED.search(line):
            return f"it answered {found[1]}"
    # With other seconds in it, it was the handshake that got no answer: nothing was sent.
    unanswered = rf"Read timed out\.(?! \(read timeout=(?!{re.escape(str(read_seconds))}\)))|closed: timed out"
    if any(re.search(unanswered, line) for line in heard):
        return UNANSWERED
    if any(re.search(r"connection|socket|timed? ?out", line, re.IGNORECASE) for line in heard):
        return NO_CONNECTION
    return "it was not accepted"


class _Heard(logging.Handler):
    """What apprise says of one sending: warnings, and which exception it met; nothing of one that was given up."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.sending = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        is_told = record.levelno >= logging.WARNING or line.startswith("Socket Exception")
        if is_told and record.thread == self.sending:
            self.lines.append(line)


_guard = threading.Lock()
_sending: list[_Heard] = []
_levels: dict[logging.Logger, int] = {}


@contextmanager
def _hushed() -> Iterator[list[str]]:
    """Keep what is logged while sending to ourselves. apprise stays silenced: a send that was given up may go on."""
    own, heard = logging.getLogger("apprise"), _Heard()
    own.propagate = False
    own.setLevel(logging.DEBUG)
    own.handlers = [*(each for each in own.handlers if isinstance(each, _Heard)), heard]
    others = [logging.getLogger(name) for name in TALKATIVE]
    others += [
        found
        for name, found in list(logging.root.manager.loggerDict.items())
        if isinstance(found, logging.Logger) and name.split(".")[0] in TALKATIVE and found not in others
    ]
    with _guard:
        _sending.append(heard)
        for logger in others:
            _levels.setdefault(logger, logger.level)
            logger.setLevel(logging.CRITICAL)
    try:
        yield heard.lines
    finally:
        with _guard:
            own.handlers = [each for each in own.handlers if each is not heard] or [logging.NullHandler()]
            _sending.remove(heard)
            # A send that was given up may still go on: the last one to end puts the levels back.
            while not _sending and _levels:
                logger, level = _levels.popitem()
                logger.setLevel(level)
