#!/usr/bin/env python3
"""Write the docs that come from the code (`make docs`), or check that they are current (`--check`)."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from funnel_etl.assembly import TABLES
from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import Config
from funnel_etl.core.source import Source
from funnel_etl.core.tables.dictionary import as_markdown, reasons_markdown
from funnel_etl.delivery.report import LEDGER_REASONS
from funnel_etl.delivery.webengage.reasons import DELIVERY_REASONS
from funnel_etl.marts.funnel.metrics import with_sections
from funnel_etl.marts.parity.reasons import PARITY_REASONS
from funnel_etl.observe.changes.contracts import CAUSES
from funnel_etl.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
KINDS = "`none`, `bearer`, `basic`, `header:NAME` or `query:NAME`"
LOGINS = {source.login_variables for source in SOURCES.values() if source.login_variables}


def settings_page() -> Iterator[str]:
    """Yield the lines of docs/settings.md about the sources."""
    for number, source in enumerate(SOURCES.values()):
        how = ", likewise" if number else ": a path, `file://`, `http(s)://` or `gsheet://ID/TAB`"
        yield f"| `{source.variable}` | | {source.about}{how}. |"
    for kind, secret in sorted(LOGINS):
        pulls = ", ".join(f"`{each.name}`" for each in SOURCES.values() if each.login_variables == (kind, secret))
        yield f"| `{kind}` | `none` | How {pulls} log in: {KINDS}. |"
        never = "Never shown in an error, a log or a manifest."
        yield f"| `{secret}` | | The secret for it; for `basic`: `user:password`. {never} |"


def example_file() -> Iterator[str]:
    """Yield the lines of .env.example about the sources."""
    for source in SOURCES.values():
        yield f"{source.variable}="
    for kind, secret in sorted(LOGINS):
        pulls = ", ".join(each.name for each in SOURCES.values() if each.login_variables == (kind, secret))
        yield f"# How {pulls} log in: {KINDS.replace('`', '')}"
        yield f"{kind}=none"
        yield "# The secret for it; for basic: user:password"
        yield f"{secret}="


def compose_file() -> Iterator[str]:
    """Yield the lines of docker-compose.yml that hand the sources' settings to the containers."""
    for name in [
        *(source.variable for source in SOURCES.values()),
        *(name for pair in sorted(LOGINS) for name in pair),
    ]:
        yield f"    {name}: ${{{name}:-}}"


AFTER_THE_SOURCES = "## Zoom reports\n"
"""The heading of docs/own-data.md that stands after the sources."""


def columns_of(source: Source) -> Iterator[str]:
    """Yield the lines of docs/own-data.md about the columns of a source, as `metrics.csv` has it while it is silent."""
    documented = source.documented(Config())
    shown = [column for column in documented if column.needed or column.aliases]
    yield f"Its address is the setting `{source.variable}`."
    yield ""
    yield "| column | needed | also read as |"
    yield "| --- | --- | --- |"
    for column in sorted(shown, key=lambda column: not column.needed):
        others = ", ".join(f"`{name}`" for name in column.aliases if name != column.name)
        yield f"| `{column.name}` | {'yes' if column.needed else ''} | {others} |"
    if rest := [f"`{column.name}`" for column in documented if column not in shown]:
        yield ""
        yield f"Read where the file has them: {', '.join(rest)}."


def own_data_page(text: str) -> str:
    """Return docs/own-data.md with the columns of each source filled in; one it lacks gets a section of its own.

    Raises `ValueError` where the page has no place for it.
    """
    for source in SOURCES.values():
        begin, end = f"<!-- columns: {source.name} -->\n", "<!-- end -->"
        if begin not in text:
            section = f"## {source.title[0].upper()}{source.title[1:]}\n\n{begin}{end}\n\n"
            text = text.replace(AFTER_THE_SOURCES, section + AFTER_THE_SOURCES)
        before, found, rest = text.partition(begin)
        if not found or end not in rest:
            msg = f"docs/own-data.md needs {begin.strip()} … {end}, or the heading {AFTER_THE_SOURCES.strip()!r}"
            raise ValueError(msg)
        text = f"{before}{begin}{chr(10).join(columns_of(source))}\n{end}{rest.partition(end)[2]}"
    return text


def with_lines(text: str, first: str, lines: Iterator[str]) -> str:
    """Return a text with the lines from the first to the last one that match `first` replaced by others."""
    old = text.split("\n")
    own = [at for at, line in enumerate(old) if re.match(first, line)]
    return "\n".join([*old[: own[0]], *lines, *old[own[-1] + 1 :]])


def main(check: bool) -> int:
    """Write or check each; returns the exit code."""
    stale = []
    others = "|".join([*(name.upper() for name in Settings.model_fields), "DAGSTER_URL"])
    of_sources = rf"FUNNEL_(?!(?:{others})\b)\w+_(?:URL|AUTH|SECRET)\b"
    pages = {
        "docs/data-dictionary.md": as_markdown(TABLES),
        "docs/reasons.md": reasons_markdown(PARITY_REASONS, CAUSES, DELIVERY_REASONS, LEDGER_REASONS),
        "docs/metrics.md": with_sections((PROJECT / "docs/metrics.md").read_text()),
        "docs/own-data.md": own_data_page((PROJECT / "docs/own-data.md").read_text()),
    }
    for name, first, lines in (
        ("docs/settings.md", rf"\| `{of_sources}`", settings_page()),
        (".env.example", rf"{of_sources}=", example_file()),
        ("docker-compose.yml", rf"    {of_sources}: \$\{{FUNNEL", compose_file()),
    ):
        pages[name] = with_lines((PROJECT / name).read_text(), first, lines)
    for name, text in pages.items():
        path = PROJECT / name
        if not check:
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            stale.append(name)
    for name in stale:
        sys.stderr.write(f"{name} is not what the code says. Fix: make docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
