"""When the database cannot be reached there is no memory in it: a file in FUNNEL_HOME keeps what was told meanwhile."""

import hashlib
from pathlib import Path

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.roles import ENGINEER
from funnel_etl.files import private_folder, write_whole
from funnel_etl.observe.alerts.causes import scrubbed
from funnel_etl.observe.alerts.contracts import RUN
from funnel_etl.observe.alerts.delivery import UNANSWERED, send
from funnel_etl.observe.alerts.messages import AlertText, message
from funnel_etl.observe.alerts.store import maybe
from funnel_etl.settings import Settings


def alert_of_no_night(settings: Settings, urls: list[str], error: FunnelError) -> dict[str, str]:
    """Send that a night could not run, once until one could; returns why it was not accepted, by number of address.

    An address that did not answer in time may have it: it gets it once more, as in the memory.
    """
    what = f"the night could not run: {scrubbed(str(error)).partition('. Fix: ')[0]}"
    marks = {hashlib.sha256(f"{url} {type(error).__name__}".encode()).hexdigest()[:16]: url for url in urls}
    told = _sent_marks(settings)
    content = message(RUN, [AlertText(RUN, what, error.fix, ENGINEER)])
    errors = {}
    for number, (mark, url) in enumerate(marks.items(), start=1):
        if mark in told:
            continue
        why = send(url, content)
        if why is None or (why == UNANSWERED and maybe(mark) in told):
            told.add(mark)
        elif why == UNANSWERED:
            told.add(maybe(mark))
        if why is not None:
            errors[str(number)] = why
    private_folder(settings.state, _file(settings))
    write_whole(_file(settings), "\n".join(sorted(told)).encode(), private=True)
    return errors


def forget_no_night(settings: Settings) -> None:
    """Forget it when the database can be reached again: the next time is told again."""
    _file(settings).unlink(missing_ok=True)


def _sent_marks(settings: Settings) -> set[str]:
    return set(_file(settings).read_text().split()) if _file(settings).is_file() else set()


def _file(settings: Settings) -> Path:
    return settings.state / "alerts_without_database"
