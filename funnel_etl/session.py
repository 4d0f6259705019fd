"""What every command has: where it prints, the settings it works with, and expected failures in one readable line.

Not here: the commands (`cli`).
"""

import contextlib
import logging
import re
import signal
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from funnel_etl.core.errors import FunnelError
from funnel_etl.environment import load_settings
from funnel_etl.files import NO_ROOM
from funnel_etl.settings import Settings

_DEMO: ContextVar[typer.Context | None] = ContextVar("demo", default=None)
_SETTINGS = "funnel_etl.settings"
_HINT = re.compile(r"\bfunnel-etl (?!demo\b)(?=([a-z]+))")


class _Printer(Console):
    """A console whose hints name commands that the reader can type as they stand: on the demo with `--demo`."""

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(_HINT.sub(_for_demo, text) if _DEMO.get() else text, **how)


def _for_demo(hint: re.Match[str]) -> str:
    program = _DEMO.get()
    is_command = program is not None and hint[1] in getattr(program.command, "commands", {})
    return "funnel-etl --demo " if is_command else hint[0]


# A file or a CI log has no width of its own; tables need about this much.
WIDTH = None if sys.stdout.isatty() else 130
out, err = _Printer(soft_wrap=True, width=WIDTH), _Printer(stderr=True, soft_wrap=True, width=WIDTH)


def work_on(context: typer.Context, *, demo: bool) -> None:
    """Remember whether the command works on the demo; `context` is that of the program, which ends last."""
    _DEMO.set(context if demo else None)


def settings() -> Settings:
    """Return the settings a command works with: this installation's, or with `--demo` the demo's.

    The demo's CRM answers until the program ends. Raises `FunnelError` when there is no demo.
    """
    program = _DEMO.get()
    if program is None:
        return load_settings()
    if _SETTINGS not in program.meta:
        from funnel_etl.demo.installation import demo_settings  # noqa: PLC0415 - loads more than most commands need

        program.meta[_SETTINGS] = program.with_resource(demo_settings(load_settings()))
    found: Settings = program.meta[_SETTINGS]
    return found


@contextlib.contextmanager
def readable_failures() -> Iterator[None]:
    """Show progress, and turn expected failures into one readable line and exit code 1."""
    logging.captureWarnings(capture=True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("  %(asctime)s %(message)s", "%H:%M:%S"))
    progress = logging.getLogger("funnel_etl.progress")
    progress.setLevel(logging.INFO)
    progress.propagate = False
    progress.handlers = [handler]
    signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    except FunnelError as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    except OSError as error:
        if error.filename is None and error.errno not in NO_ROOM:
            raise
        err.print(
            f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}. Fix: let this user read and "
            "write there, make room on its disk (docs/operations.md: The disk is full), or correct the setting or "
            "option that names it; then run the same command again",
            style="red",
            markup=False,
        )
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print("stopped")
        raise typer.Exit(130) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        from funnel_etl.operate.run.services import database_error  # noqa: PLC0415 - loads the drivers

        if (known := database_error(error, settings)) is None:
            raise
        err.print(str(known), style="red", markup=False)
        raise typer.Exit(1) from None
    finally:
        progress.removeHandler(handler)


def _terminated(_number: int, _frame: object) -> NoReturn:
    """Leave by the front door on SIGTERM, so that what was started is stopped."""
    sys.exit(143)
