"""The errors people read.

Each says what is wrong, where, and what to do; `transient` says whether trying again may help. No error carries a
phone, an e-mail or a name: rows are named by file and line. Programming mistakes are ordinary Python exceptions.
"""


class FunnelError(Exception):
    """An expected failure, told in one readable line.

    `what` is the fact with its evidence, `where` a source, file or table, `fix` what a person can do about it.
    """

    def __init__(self, what: str, *, fix: str, where: str | None = None, transient: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.where = where
        self.transient = transient

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what.rstrip('.')}. Fix: {self.fix}"


class SourceUnavailable(FunnelError):
    """A source did not answer, or not whole: trying again may help."""

    def __init__(self, what: str, *, fix: str, where: str | None = None) -> None:
        super().__init__(what, fix=fix, where=where, transient=True)


class SourceRejected(FunnelError):
    """A source answered with something that cannot be used: trying again will not help."""


class MissingColumn(SourceRejected):
    """A needed column is not in the header of a file."""


class AmbiguousDates(SourceRejected):
    """A column of dates reads both day-first and month-first, and nothing in it proves which."""


class NotAZoomReport(SourceRejected):
    """A file of the drop folder is not a Zoom attendee or registration report."""


class ConfigError(FunnelError):
    """A table of `config_csv` cannot be used as it is."""


class StorageUnavailable(FunnelError):
    """A folder cannot be written: its disk is full, or not ours. Trying again helps only when somebody made room."""


class DatabaseUnavailable(FunnelError):
    """PostgreSQL cannot be reached, started or used."""


class PublishRefused(FunnelError):
    """A night may not be published: a newer one is already there, or a table broke its contract."""
