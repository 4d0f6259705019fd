"""CRM sales: `raw.crm_sales` → `clean.sales`. Rules: Sales, What counts as a sale."""

from dataclasses import replace

import pandas as pd

from funnel_etl.core.config_models import EXCLUDED
from funnel_etl.core.config_tables import Config
from funnel_etl.core.reading.csvfile import OVERFLOW, PROBLEM, SourceColumn, header_key
from funnel_etl.core.reading.dumps import DumpKey
from funnel_etl.core.reading.source_frame import SourceFrame
from funnel_etl.core.tables.accounting import Outcome, RowAccount
from funnel_etl.core.tables.contracts import Kind
from funnel_etl.core.values.dates import business_day
from funnel_etl.core.values.text import clean_email, lookup_keys, person_name
from funnel_etl.parts.sales.contracts import SALES_SOURCE, sales_column
from funnel_etl.parts.sales.final_funnel import crm_funnel, final_funnel

SOURCE = "crm_sales"


def clean_sales(raw: pd.DataFrame, config: Config, zone: str) -> Outcome:
    """Return one row per sale (`_id`), whatever its status and day. Columns as `clean.sales`.

    Quarantined: no `_id`, no readable sale date, unreadable revenue. Exact repeats are merged; of different rows with
    one `_id` the last in the dump stays, and the conflict is noted.
    """
    revenue, sale_date = chosen_column(config, "revenue_column"), chosen_column(config, "sale_date_column")
    source = SourceFrame(raw, sales_source(config), config.aliases(SOURCE), SOURCE)
    quarantine_totals(source, config)
    rows = raw[["file_id", "source_row"]].assign(
        sale_id=source.key("_id"),
        sold_at=source.needed_instant(sale_date, zone),
        revenue_inr=source.needed_money(revenue),
        dump_state="current",
    )
    _merge_repeats(source.account, raw, rows["sale_id"])
    documented = _documented(source, zone)
    phones = source.phones("StudentContact", config.placeholders)
    rows[documented.columns], rows[phones.columns] = documented, phones

    rows["sold_date"] = business_day(rows["sold_at"], zone)
    rows["is_counted"] = is_counted(rows["status"], config)
    rows["funnel"] = crm_funnel(source.text("Funnel"), source.text("assignedLeadSources"), rows["sold_date"], config)
    decided = final_funnel(rows["sale_id"], rows["funnel"], config)
    rows[decided.columns] = decided
    return source.account.outcome(rows.loc[source.account.remaining])


def quarantine_totals(source: SourceFrame, config: Config) -> pd.Series:
    """Quarantine the rows of a dump that add up its sales; return which. Rule: Total rows."""
    revenue, sale_date = chosen_column(config, "revenue_column"), chosen_column(config, "sale_date_column")
    contacts = ("StudentContact", "StudentEmail")
    return source.quarantine_totals(sale_date, identifier="_id", contacts=contacts, amount=revenue, status="status")


def sales_source(config: Config) -> list[SourceColumn]:
    """Return the documented columns, and those `metrics.csv` chooses for revenue and date, which are needed."""
    chosen = {chosen_column(config, "revenue_column"), chosen_column(config, "sale_date_column")}
    columns = [replace(column, needed=column.needed or column.name in chosen) for column in SALES_SOURCE]
    known = {c.name for c in columns}
    return columns + [SourceColumn(name, needed=True) for name in sorted(chosen - known)]


def sales_key(config: Config) -> DumpKey:
    """Return what names a sale in each dump; when it was sold is the column `metrics.csv` chooses."""
    return DumpKey(when=chosen_column(config, "sale_date_column"), identifier="_id")


def is_counted(status: pd.Series, config: Config) -> pd.Series:
    """Return, for each status, whether the sale counts; a blank one does. Rule: What counts as a sale."""
    return ~lookup_keys(status).isin(config.statuses(EXCLUDED))


def chosen_column(config: Config, metric: str) -> str:
    """Return the column `metrics.csv` chooses, in the documented spelling: a wrong case must not empty a column."""
    name = config.metric(metric)
    return next((c.name for c in SALES_SOURCE if header_key(c.name) == header_key(name)), name)


def _documented(source: SourceFrame, zone: str) -> pd.DataFrame:
    """Read the documented columns that no rule of their own is about."""
    read: dict[str, pd.Series] = {}
    for documented in SALES_SOURCE:
        column = sales_column(documented.name)
        if column.name in {"sale_id", "funnel"}:
            continue
        if column.kind is Kind.MONEY:
            read[column.name] = source.money(documented.name)
        elif column.kind is Kind.INTEGER:
            read[column.name] = source.integer(documented.name)
        elif column.kind is Kind.DATE:
            read[column.name] = business_day(source.instant(documented.name, zone), zone)
        elif column.kind is Kind.TIMESTAMP:
            read[column.name] = source.instant(documented.name, zone)
        else:
            read[column.name] = source.label(documented.name)
    read["student_name"] = person_name(source.text("StudentName"))
    read["student_email"] = clean_email(source.text("StudentEmail"))
    source.account.warn("StudentEmail", read["student_email"].isna() & (lookup_keys(source.text("StudentEmail")) != ""))
    return pd.DataFrame(read, index=source.raw.index)


def _merge_repeats(account: RowAccount, raw: pd.DataFrame, sale_id: pd.Series) -> None:
    """Merge exact repeats, then rows that share an `_id` into the last of them."""
    cells = [c for c in raw.columns if c not in {"file_id", "source_row", PROBLEM, OVERFLOW}]
    account.merge_duplicates(cells, "exact_repeat", keep="last")
    rest = sale_id.loc[account.remaining]
    last = pd.Series(rest.index, index=rest.index).groupby(rest).transform("last")
    earlier = last[last != last.index]
    if len(earlier):
        account.notes.append(
            f"{len(earlier)} rows differ from a later row with the same _id: the last in the dump stays"
        )
    account.merge(earlier, "same_id_conflict")
