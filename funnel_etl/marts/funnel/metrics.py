"""Each metric of `mart` as a line of docs/metrics.md: name, formula, column, and what of the sheet it replaces.

The formulas are those of the contracts (`ORIGINS`, `RATES`, `UNIT_COSTS`, and the columns' descriptions); only what the
sheet has in a metric's place is said here. `tools/generated_docs.py` writes them into the page.
"""

from collections.abc import Iterable, Iterator

from funnel_etl.core.tables.contracts import Table
from funnel_etl.marts.funnel.attribution import contracts as attribution_contracts
from funnel_etl.marts.funnel.contracts import (
    ATTRIBUTED_M0,
    ATTRIBUTED_SALES,
    DISTINCT,
    FUNNEL_FACTS,
    FUNNEL_MONTHLY,
    MEASURES,
    ORIGINS,
    RATES,
    UNIT_COSTS,
)
from funnel_etl.marts.funnel.journeys import contracts as journey_contracts

SHEET = {
    "mart.funnel_facts.assigned_rows": "`M0_Leads`: its rows, of the month of `TODAY()-2` in the typed year, "
    "`assignOn` strictly after midnight of the 1st, without an end",
    "mart.funnel_facts.m0_assigned": "`M0`: its rows, the unique phones of `M0_Leads` (`parity.m0`)",
    "mart.funnel_facts.m0_attended": "`M0`: its rows whose attended is Yes",
    "mart.funnel_facts.sales": "sales tab: its rows by final funnel, whatever their status (`parity.sales`)",
    "mart.funnel_facts.spend_inr": "spend tab: `SUMIFS` of cost by funnel, over all dates; unmapped spend vanishes "
    "(`parity.spend_by_funnel.spend_inr`)",
    "mart.attributed_m0.phone": "`M0`: the last ten digits, fewer: empty (`parity.m0.phone`)",
    "mart.attributed_m0.funnel": "`M0_Leads`: exact `VLOOKUP` of the source, else Misc; `M0`: of the first row by date "
    "(`parity.m0.funnel`)",
    "mart.attributed_m0.assigned_at": "`M0`: `assignOn` of the first row by date (`parity.m0.assigned_at`)",
    "mart.attributed_m0.first_employee": "`M0`: the employee of the first row in sheet order (`parity.m0.employee`)",
    "mart.attributed_m0.attended": "`M0`: `VLOOKUP` of the phone in the Zoom tab, its first row; blank when not found "
    "(`parity.m0.attended`)",
    "mart.attributed_sales.final_funnel": "sales tab: where Misc, `VLOOKUP` of the typed value, else Misc; where not, "
    "the typed value as it is, if any (`parity.sales.final_funnel`)",
    "mart.attributed_sales.attended": "sales tab: `VLOOKUP` of the phone in the Zoom tab, its first row "
    "(`parity.sales.attended`)",
}
"""What in the sheet each column replaces, as rules and `parity` have its formulas. Others have nothing there."""

DESCRIBED = (ATTRIBUTED_M0, ATTRIBUTED_SALES, *journey_contracts.TABLES, *attribution_contracts.TABLES)
"""Tables of which each column is told by its description."""

UNTOLD = {"user_id", "file_id", "source_row", "touch_file_id", "touch_source_row"}
"""Columns that name somebody once more or lead back to a file; they measure nothing."""


def sections() -> dict[str, str]:
    """Return each generated table of docs/metrics.md by its name there."""
    return {
        "measures": _markdown(
            (FUNNEL_FACTS, name, f"{origin.formula}. {MEASURES[name]}") for name, origin in ORIGINS.items()
        ),
        "distinct": _markdown((FUNNEL_MONTHLY, name, text) for name, text in DISTINCT.items()),
        "rates": _markdown(
            (FUNNEL_MONTHLY, name, f"`{top}` / `{bottom}`") for name, (top, bottom) in {**RATES, **UNIT_COSTS}.items()
        ),
        **{table.name: _markdown(_described(table)) for table in DESCRIBED},
    }


def with_sections(page: str) -> str:
    """Fill each `<!-- metrics: name -->` … `<!-- end -->` of the page; raises `ValueError` on an unknown name."""
    parts = page.split("<!-- metrics: ")
    made = sections()
    done = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition(" -->")
        _old, end, after = rest.partition("<!-- end -->")
        if name not in made or not end:
            msg = f"docs/metrics.md: no section {name!r}, or it does not end"
            raise ValueError(msg)
        done.append(f"{name} -->\n{made[name]}{end}{after}")
    return "<!-- metrics: ".join(done)


def _described(table: Table) -> Iterator[tuple[Table, str, str]]:
    return ((table, column.name, column.description) for column in table.columns if column.name not in UNTOLD)


def _markdown(metrics: Iterable[tuple[Table, str, str]]) -> str:
    lines = ["| metric | formula | table.column | the sheet has |", "| --- | --- | --- | --- |"]
    for table, name, formula in metrics:
        place = f"{table.full_name}.{name}"
        lines.append(f"| `{name}` | {_cell(formula)} | `{place}` | {_cell(SHEET.get(place, ''))} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
