"""Why a server does not let us in: asked again of each server, for libpq's errors of a connection carry no SQLSTATE.

A server's words are in its language; its SQLSTATE is the same everywhere. libpq shows it in place of the words when the
verbosity of a connection that is being made says so, which psycopg2 leaves to the libpq below it.
"""

import ctypes
import re
import select
import socket
import time
from dataclasses import replace

import psycopg2
import psycopg2._psycopg
from psycopg2 import extensions

from funnel_etl.platform.postgres.address import Address

SECONDS = 5.0
SQLSTATE_ONLY = 3
"""PQERRORS_SQLSTATE."""
SQLSTATE = re.compile(r":\s+([0-9A-Z]{5})\s*$")
TARGET = "target_session_attrs"
IN, READS_ONLY, NO_NAME, REFUSED, UNANSWERED, OTHER = "in", "reads only", "no name", "refused", "unanswered", "other"


def ask(address: Address) -> tuple[str, str]:
    """Return what one server says to a login: a SQLSTATE or one of the words above, and for `OTHER` libpq's words."""
    (host, port), options = address.hosts[0], address.options
    if host and not host.startswith("/") and "hostaddr" not in options:
        try:
            socket.create_connection((host, port or 5432), timeout=SECONDS).close()
        except socket.gaierror:
            return NO_NAME, ""
        except TimeoutError:
            return UNANSWERED, ""
        except OSError as error:
            return REFUSED, error.strerror or type(error).__name__
    any_server = {name: value for name, value in options.items() if name != TARGET}
    said = _log_in(replace(address, options=any_server).for_libpq)
    return (READS_ONLY, "") if said[0] == IN and TARGET in options and _log_in(address.for_libpq)[0] != IN else said


def words(address: Address) -> str:
    """Return the words that a server refuses a login with, in its language; for a code that says too little."""
    return _log_in(address.for_libpq, in_words=True)[1]


def _log_in(dsn: str, *, in_words: bool = False) -> tuple[str, str]:
    deadline = time.monotonic() + SECONDS
    try:
        connection = psycopg2.connect(dsn, async_=True)
        if not in_words:
            _show_sqlstate(connection)
        while (state := connection.poll()) != extensions.POLL_OK:
            wanted = [connection.fileno()]
            reading, writing = (wanted, []) if state == extensions.POLL_READ else ([], wanted)
            if not any(select.select(reading, writing, [], max(0.0, deadline - time.monotonic()))):
                return UNANSWERED, ""
        connection.close()
    except psycopg2.Error as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        codes = [found[1] for line in lines if (found := SQLSTATE.search(line))]
        return (codes[-1], "") if codes else (OTHER, lines[0])
    return IN, ""


def _show_sqlstate(connection: extensions.connection) -> None:
    libpq = ctypes.CDLL(psycopg2._psycopg.__file__)  # noqa: SLF001 - the module that links libpq
    libpq.PQsetErrorVerbosity.argtypes = [ctypes.c_void_p, ctypes.c_int]
    libpq.PQsetErrorVerbosity(connection.pgconn_ptr, SQLSTATE_ONLY)
