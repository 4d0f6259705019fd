"""The sources of Part 2: the CRM's two dumps."""

from funnel_etl.core.parts import SALES as NAME
from funnel_etl.core.reading.dumps import DumpKey
from funnel_etl.core.roles import ENGINEER
from funnel_etl.core.source import Part, Pass, People, Source, Upkeep
from funnel_etl.core.tables.contracts import Kind
from funnel_etl.parts.sales import contracts
from funnel_etl.parts.sales.assigned_leads import clean_assigned_leads
from funnel_etl.parts.sales.contracts import SALES_SOURCE, sales_column
from funnel_etl.parts.sales.history import with_aged_out_leads, with_aged_out_sales
from funnel_etl.parts.sales.sales import clean_sales, sales_key, sales_source

_UPKEEP = Upkeep(
    who=ENGINEER,
    late="ask who runs the CRM whether its export still gets new rows",
    low="ask who runs the CRM whether its export left rows out or less was worked; if so little is right, nothing",
    no_phones="ask who runs the CRM whether its export has the phone in another column now",
)

ASSIGNED_LEADS = Source(
    name="crm_assigned_leads",
    title="the CRM, assignments",
    about="The CRM's dump of assignments",
    login="crm",
    columns=contracts.ASSIGNED_LEADS_SOURCE,
    key=contracts.ASSIGNED_LEADS_KEY,
    raw=contracts.RAW_CRM_ASSIGNED_LEADS,
    clean=contracts.ASSIGNED_LEADS,
    build=clean_assigned_leads,
    carry=with_aged_out_leads,
    reads=frozenset({"column_aliases", "placeholder_phones", "funnel_mapping", "funnels"}),
    day="assigned_date",
    counted_as="assignments",
    rows="assignments",
    upkeep=_UPKEEP,
    content=("assigned_date", "assigned_at", "funnel", "phone"),
    matching=(
        Pass(("assigned_at", "phone_raw", "source", "employee"), repeated=True),
        Pass(("assigned_at", "phone_raw"), repeated=True),
        Pass(("phone_raw", "source", "employee")),
        Pass(("assigned_at", "source", "employee")),
    ),
    people=People(
        contracts.ASSIGNED_LEADS,
        at="t.assigned_at",
        event="""concat_ws(', ', 'assigned to ' || coalesce(t.employee, 'nobody named'),
            'source ' || coalesce(t.source, '(blank)'), 'funnel ' || t.funnel,
            CASE WHEN t.dump_state = 'aged_out' THEN 'no longer in the dump: its window moved past' END)""",
        email=None,
    ),
    needs_all_dumps=True,
)

SALES_DUMP = Source(
    name="crm_sales",
    title="the CRM, sales",
    about="The CRM's dump of sales",
    login="crm",
    columns=contracts.SALES_SOURCE,
    key=DumpKey(when="createdOn", identifier="_id"),
    chosen=lambda config: (sales_source(config), sales_key(config)),
    raw=contracts.RAW_CRM_SALES,
    clean=contracts.SALES,
    build=clean_sales,
    carry=with_aged_out_sales,
    reads=frozenset(
        {
            *("column_aliases", "placeholder_phones", "funnel_mapping", "funnels", "metrics"),
            *("manual_mapping", "manual_value_funnel"),
        }
    ),
    day="sold_date",
    counted_as="sales",
    rows="sales",
    upkeep=_UPKEEP,
    content=("sold_date", "final_funnel", "revenue_inr", "is_counted"),
    matching=(Pass(("sale_id",)),),
    people=People(
        contracts.SALES,
        at="t.sold_at",
        event="""concat_ws(', ', 'sale ' || t.sale_id, '₹' || t.revenue_inr, 'status ' || t.status,
            CASE WHEN t.is_counted THEN 'counts' ELSE 'does not count (excluded_statuses of metrics.csv)' END,
            'final funnel ' || t.final_funnel || ' (' || t.final_funnel_rule || ')', 'by ' || t.employee_name)""",
        email="student_email",
        ids=("sale_id",),
    ),
    amounts=tuple(c.name for c in SALES_SOURCE if sales_column(c.name).kind is Kind.MONEY),
    dates=tuple(c.name for c in SALES_SOURCE if sales_column(c.name).kind in (Kind.DATE, Kind.TIMESTAMP)),
    needs_all_dumps=True,
)

SALES = Part(NAME, sources=(ASSIGNED_LEADS, SALES_DUMP))
