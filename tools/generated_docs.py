#!/usr/bin/env python3
"""Write the docs that come from the code (`make docs`), or check that they are current (`--check`)."""

import sys
from pathlib import Path

from funnel_etl.assembly import TABLES
from funnel_etl.core.tables.dictionary import as_markdown, reasons_markdown
from funnel_etl.marts.funnel.metrics import with_sections
from funnel_etl.marts.parity.reasons import PARITY_REASONS
from funnel_etl.observe.changes.contracts import CAUSES

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main(check: bool) -> int:
    """Write or check each; gives the exit code."""
    stale = []
    pages = {
        "data-dictionary.md": as_markdown(TABLES),
        "reasons.md": reasons_markdown(PARITY_REASONS, CAUSES),
        "metrics.md": with_sections((DOCS / "metrics.md").read_text()),
    }
    for name, text in pages.items():
        path = DOCS / name
        if not check:
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            stale.append(name)
    for name in stale:
        sys.stderr.write(f"docs/{name} is not what the code says. Fix: make docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
