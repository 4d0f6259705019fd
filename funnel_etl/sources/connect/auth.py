"""How a pull says who it is: the kinds of FUNNEL_…_AUTH, applied to one HTTP request at a time.

The secret stays inside a SecretStr until the request is made, and is in no repr and no error.
"""

import base64
import re
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import unquote_plus

from pydantic import SecretStr
from requests import PreparedRequest

from funnel_etl.core.errors import ConfigError

AuthKind = Literal["none", "bearer", "basic", "header", "query"]

_NAMED = {"header", "query"}
_KINDS = {"none", "bearer", "basic", *_NAMED}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_KIND_FIX = "set it to none, bearer, basic, header:NAME or query:NAME"


@dataclass(frozen=True, slots=True)
class Auth:
    """A kind of login with its secret; called by requests on the request it sends. Make one with `parse`.

    `settings`: the names of those that say its kind and its secret; empty: this source has no login.
    """

    kind: AuthKind = "none"
    name: str = ""
    secret: SecretStr | None = None
    settings: tuple[str, str] | tuple[()] = ()

    @classmethod
    def parse(cls, kind: str, secret: SecretStr | None, settings: tuple[str, str]) -> "Auth":
        """Read `none|bearer|basic|header:NAME|query:NAME`, and the secret for it.

        Raises ConfigError for any other kind, and for a secret that is missing or cannot be sent.
        """
        word, _, name = kind.strip().partition(":")
        word, name = word.strip().lower(), name.strip()
        setting = settings[0]
        # What was set is not repeated: a token may have been put there by mistake.
        if word not in _KINDS or (name and word not in _NAMED):
            raise _refused(setting, "this is not a kind of login", _KIND_FIX)
        if word in _NAMED and not name:
            raise _refused(setting, f"{word} needs a name", f"write {word}:NAME, as in {word}:X-Api-Key")
        if word == "header" and not _HEADER_NAME.fullmatch(name):
            raise _refused(setting, "the name after header: is not the name of an HTTP header", _KIND_FIX)
        if word == "none":
            return cls(settings=settings)
        return cls(cast("AuthKind", word), name, _usable(word, secret, settings), settings)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Put the login on a request about to be sent to the source's own host."""
        secret = self._plain()
        if self.kind == "bearer":
            request.headers["Authorization"] = f"Bearer {secret}"
        elif self.kind == "basic":
            request.headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
        elif self.kind == "header":
            request.headers[self.name] = secret
        elif self.kind == "query":
            request.prepare_url(request.url, {self.name: secret})
        return request

    def withdraw(self, request: PreparedRequest) -> None:
        """Take the login's header off a request that goes to another host."""
        for name in {"Authorization", self.name} - {""}:
            request.headers.pop(name, None)

    def is_in(self, text: str) -> bool:
        """Return whether the secret stands in a text, plain or percent-encoded up to twice.

        Twice, because `?next=` of a login page holds an encoded address.
        """
        secret = self._plain()
        if not secret:
            return False
        once = unquote_plus(text)
        readings = (text, once, unquote_plus(once))
        return any(form in reading for form in (secret, secret.replace("+", " ")) for reading in readings)

    def _plain(self) -> str:
        return self.secret.get_secret_value() if self.secret else ""


def _usable(kind: str, secret: SecretStr | None, settings: tuple[str, str]) -> SecretStr:
    """Trim the secret and refuse, without showing it, what HTTP cannot carry or basic cannot split."""
    text = secret.get_secret_value().strip() if secret else ""
    of_kind, setting = settings
    fix = f"set {setting} (in the environment or .env) to {'user:password' if kind == 'basic' else 'the token'}"
    if not text:
        raise _refused(setting, f"{of_kind} is {kind}, but the secret is missing", fix)
    if kind == "basic" and ":" not in text:
        raise _refused(setting, "basic needs a user and a password", fix)
    if not text.isprintable() or (kind in {"bearer", "header"} and not text.isascii()):
        raise _refused(setting, "it holds characters that HTTP cannot carry", fix)
    return SecretStr(text)


def _refused(where: str, what: str, fix: str) -> ConfigError:
    return ConfigError(what, where=where, fix=fix)
