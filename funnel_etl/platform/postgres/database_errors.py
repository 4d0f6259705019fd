"""What PostgreSQL refuses, in one readable line with the fix: known by its SQLSTATE, never by its words.

The words of a server are in its language, and may quote values of rows or the address; they are shown where neither can
be. The same for psycopg2, SQLAlchemy, ADBC and Dagster's storage.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import adbc_driver_postgresql.dbapi as adbc
import psycopg2
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import DBAPIError

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.postgres import login
from funnel_etl.platform.postgres.address import SETTING, Address, read_address

ERRORS = (DBAPIError, psycopg2.Error, adbc.Error, DagsterPostgresException)
AGAIN = "see that it runs and can be reached from here, then run again"
LOOK = "read the server's log, then run again"
SQLSTATE = re.compile(r"[0-9A-Z]{5}")


class Meaning(NamedTuple):
    """What a refusal means and what to do; `transient`: another try may help."""

    what: str
    fix: str
    transient: bool = False


AWAY = Meaning("the connection broke off", AGAIN, transient=True)
MEANINGS = {
    "08": AWAY,
    "22021": Meaning("it cannot hold every character", "use a database that is made with ENCODING 'UTF8'"),
    "22P05": Meaning("it cannot hold every character", "use a database that is made with ENCODING 'UTF8'"),
    **dict.fromkeys(
        ("25P02", "25P03", "25P04"),
        Meaning(
            "a transaction lasted longer than a timeout of this user allows",
            "unset it for this user (ALTER ROLE … SET transaction_timeout = 0, and "
            "idle_in_transaction_session_timeout), then run again",
            transient=True,
        ),
    ),
    "25006": Meaning(
        "it only reads: it is a standby, or this user is set to read only",
        f"name the primary server and a user that may write in {SETTING}",
    ),
    "28000": Meaning(
        "this user may not log in from here",
        "let its pg_hba.conf admit user, database and this machine; if it demands TLS, end "
        f"{SETTING} with ?sslmode=require",
    ),
    "28P01": Meaning(
        "user or password is not accepted",
        f"correct user or password in {SETTING}; special characters are percent-encoded, % itself as %25",
    ),
    "3D000": Meaning("there is no such database", f"correct the name of the database in {SETTING}, or create it"),
    "40": Meaning("another transaction was in the way", "run again", transient=True),
    "42501": Meaning(
        "this user lacks a right",
        "let the database's owner grant it (docs/operations.md, What its user needs), or use the owner as user",
    ),
    **dict.fromkeys(
        ("42P01", "42703", "3F000"),
        Meaning("somebody dropped what is needed", "run again: it is made again (funnel-etl run)", transient=True),
    ),
    "53100": Meaning("its disk is full", "make room on the server, then run again", transient=True),
    "53200": Meaning("it is out of memory", "run again when it has less to do, or give it more", transient=True),
    "53300": Meaning(
        "it has no connection left for this user",
        "end idle sessions, raise max_connections or the role's CONNECTION LIMIT, then run again",
        transient=True,
    ),
    "53400": Meaning("a limit of its configuration is reached", "raise it as the server's log says, then run again"),
    "54": Meaning("a limit of the server is reached", "read the server's log"),
    "55000": Meaning("this database accepts no connections", "let it (ALTER DATABASE … ALLOW_CONNECTIONS true)"),
    "55P03": Meaning("somebody holds a lock for too long", "end long queries, then run again", transient=True),
    "57014": Meaning(
        "a statement took longer than statement_timeout allows, or somebody cancelled it",
        "raise it for this user (ALTER ROLE … SET statement_timeout = 0), then run again",
        transient=True,
    ),
    "P0": Meaning("a trigger of somebody's refuses what is written", "remove or correct it, then run again"),
    "XX": Meaning("its own files are damaged, or it has a defect", "read the server's log; look at its last backup"),
    "57": Meaning("it is stopping or starting", AGAIN, transient=True),
    "58": Meaning("it has trouble with its own files", "read the server's log", transient=True),
    login.NO_NAME: Meaning("the name of this server is not known", f"correct the host in {SETTING}", transient=True),
    login.REFUSED: Meaning("no connection to it", AGAIN, transient=True),
    login.UNANSWERED: Meaning("it does not answer", AGAIN, transient=True),
    login.READS_ONLY: Meaning("it only reads: a standby", "see that the primary server runs", transient=True),
    login.OTHER: Meaning(
        "it answers, and no login came about",
        f"see sslmode and certificates in {SETTING}, and that PostgreSQL listens there",
    ),
    login.IN: AWAY,
}
"""By SQLSTATE, by its class, or by what a login came to."""
QUOTES_VALUES = ("22", "23", "P0")
"""Classes whose words may quote a value of a row, a trigger's own message too."""


def sqlstate(error: BaseException) -> str | None:
    """Return the SQLSTATE of an error, or of what it came from."""
    codes = (getattr(one, "pgcode", None) or getattr(one, "sqlstate", None) for one in _drivers_errors(error))
    return next((str(code) for code in codes if code), None)


def server_words(error: BaseException) -> str:
    """Return the server's first sentence, without its detail and without the statement; "" where it may quote a row."""
    if (sqlstate(error) or "").startswith(QUOTES_VALUES):
        return ""
    return next((words for one in _drivers_errors(error) if (words := _primary(one))), "")


def meaning_of(code: str) -> Meaning | None:
    """Return what a SQLSTATE means, if it is of the circumstances and not of our own statements."""
    return MEANINGS.get(code) or MEANINGS.get(code[:2])


def no_login(address: Address) -> DatabaseUnavailable:
    """Return why no server of the address lets us in: each is asked again."""
    answers = [(one.servers, *_asked(one)) for one in address.each()]
    said = [
        f"{f'{servers}: ' if len(answers) > 1 else ''}{_line(code, meaning_of(code), words)}"
        for servers, code, words in answers
    ]
    meanings = [meaning_of(code) or Meaning("", LOOK) for _, code, _ in answers]
    # One that answers and refuses is the culprit, whatever became of the others.
    worst = min(meanings, key=lambda meaning: meaning.transient)
    return _error("; ".join(said), address, worst.fix, transient=worst.transient)


def _asked(address: Address) -> tuple[str, str]:
    code, words = login.ask(address)
    is_known = code == login.IN or meaning_of(code) not in (None, AWAY)
    return code, words if is_known else login.words(address)


def explained(error: BaseException, url: str, doing: str = "") -> DatabaseUnavailable:
    """Return an error of a driver in one line; `doing` is what failed by it. Without a SQLSTATE the server is asked."""
    address, code = read_address(url), sqlstate(error)
    begin = f"{doing}: " if doing else ""
    if code is None:
        why = no_login(address)
        return _error(f"{begin}{why.what}", address, why.fix, transient=why.transient)
    meaning = meaning_of(code)
    what = begin + _line(code, meaning, server_words(error))
    return _error(what, address, meaning.fix if meaning else LOOK, transient=bool(meaning and meaning.transient))


@contextmanager
def database_errors(url: str, doing: str = "") -> Iterator[None]:
    """Raise circumstances of the database as `DatabaseUnavailable`; a mistake in a statement of ours stays as it is."""
    try:
        yield
    except ERRORS as error:
        code = sqlstate(error)
        if code is not None and meaning_of(code) is None:
            raise
        raise explained(error, url, doing) from None


def _line(code: str, meaning: Meaning | None, words: str) -> str:
    """Write what a server says: our words, its own, and the code."""
    more = ", ".join(part for part in (words, f"SQLSTATE {code}" if SQLSTATE.fullmatch(code) else "") if part)
    what = meaning.what if meaning else "it refuses"
    return f"{what} ({more})" if more else what


def _error(what: str, address: Address, fix: str, *, transient: bool) -> DatabaseUnavailable:
    secret = address.password or ""
    shown = what.replace(secret, "***") if len(secret) > 3 else what
    return DatabaseUnavailable(shown, where=address.place, fix=fix, transient=transient)


def _drivers_errors(error: BaseException | None) -> Iterator[Any]:
    """Return an error as its driver made it, then what it came from."""
    while error is not None:
        yield error.orig if isinstance(error, DBAPIError) else error
        error = error.__cause__ or error.__context__


def _primary(error: Any) -> str:
    if diag := getattr(error, "diag", None):  # psycopg2
        words = diag.message_primary or ""
    else:  # ADBC
        words = (
            dict(getattr(error, "details", None) or []).get(b"PG_DIAG_MESSAGE_PRIMARY", b"").decode(errors="replace")
        )
    return next(iter(words.strip().splitlines()), "")
