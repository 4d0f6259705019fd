"""Rows with long texts, and the legend of a chart, so that both are read on a phone, too: nothing is cut. Pure."""

from collections.abc import Mapping
from html import escape

import pandas as pd

STYLE = """<style>
table.wide { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
table.wide th, table.wide td { text-align: left; vertical-align: top; padding: 0.4rem 0.6rem; }
table.wide th { font-weight: 400; color: #52606d; }
table.wide tr { border-bottom: 1px solid #e4e7eb; }
@media (max-width: 640px) {
  table.wide thead { display: none; }
  table.wide tr, table.wide td { display: block; }
  table.wide tr { padding: 0.5rem 0; }
  table.wide td { padding: 0.1rem 0; }
  table.wide td::before { content: attr(data-of) ": "; color: #52606d; }
}
</style>"""


def wide_table(rows: pd.DataFrame) -> str:
    """Return rows as HTML; each cell says which column it is of."""
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in rows.columns)
    body = "".join(f"<tr>{''.join(map(_cell, row, row.values()))}</tr>" for row in rows.to_dict("records"))
    return f'{STYLE}<table class="wide"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def legend(colours: Mapping[str, str]) -> str:
    """Return the names of a chart's parts as HTML, each beside its colour; they go on to the next line as words do."""
    parts = "".join(
        f'<span style="display: inline-block; margin-right: 1rem">'
        f'<span style="color: {colour}">■</span> {escape(name)}</span> '
        for name, colour in colours.items()
    )
    return f'<p style="font-size: 0.875rem; line-height: 1.6; margin: 0">{parts}</p>'


def _cell(name: object, text: object) -> str:
    return f'<td data-of="{escape(str(name), quote=True)}">{escape(str(text))}</td>'
