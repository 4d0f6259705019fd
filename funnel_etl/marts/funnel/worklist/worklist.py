"""The work-list: what a person should decide about mappings, by the revenue at stake (`ops.worklist_mapping`)."""

import re
from collections.abc import Callable

import pandas as pd

from funnel_etl.core.config_tables import MISC, RESIDUAL_FUNNELS, UNMAPPED, Config
from funnel_etl.core.tables.accounting import TRACE, Outcome, summarised
from funnel_etl.core.values.patterns import matches
from funnel_etl.core.values.text import lookup_key, lookup_keys, map_unique, squash
from funnel_etl.marts.funnel.worklist.contracts import DECIDED_AT, WHAT_TO_DO, WORKLIST_MAPPING
from funnel_etl.marts.funnel.worklist.similar_names import SUGGESTION, known_names, known_sources, suggestions
from funnel_etl.marts.funnel.worklist.source_lines import carried_sources, judged
from funnel_etl.marts.funnel.worklist.undecided_sales import status_suggestions, unknown_statuses
from funnel_etl.marts.funnel.worklist.undecided_webinars import undecided_webinars

BLANK = "(blank)"
"""The item of spend lines that name no funnel."""
DECIDED = ("manual_mapped", "manual_text_mapped", "manual_funnel_name")
"""Rules of final_funnel by which a person has decided: such a sale may be Misc for good."""
_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?91[\s-]?|0)?[6-9]\d{4}[\s-]?\d{5}(?!\d)")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_COUNTS = ["rows_count", "leads", "sales", "revenue_inr", "spend_inr"]


def worklist_mapping(
    tofu_leads: pd.DataFrame,
    ad_spend: pd.DataFrame,
    assigned_leads: pd.DataFrame,
    sales: pd.DataFrame,
    attributed_m0: pd.DataFrame,
    config: Config,
    as_of: pd.Timestamp,
    conflicts: pd.DataFrame | None = None,
    **zoom: pd.DataFrame,
) -> Outcome:
    """Return one row per thing to decide, highest revenue first. Columns as `ops.worklist_mapping`.

    Numbers are of rows up to `as_of`; only a line that nothing at all used is called unused. `conflicts`: sales whose
    rows contradict, of `undecided_sales`; `zoom`: webinars, zoom_attendance and zoom_reports, or nothing of them.
    """
    carried = judged(carried_sources(assigned_leads, sales, config), config)
    sold = sales[sales["sold_date"] <= as_of]
    sources = _sources(carried[carried["day"] <= as_of], attributed_m0, sold, config)
    misc = _misc_sales(sold, carried, attributed_m0, config)
    others = [_manual_values(sold), _unknown_funnels(sold, config), _unmapped_spend(ad_spend, config, as_of)]
    known, names = known_sources(config, as_of), known_names(config, as_of)
    found = [
        sources.join(suggestions(sources["item"], known)),
        misc.join(suggestions(misc.pop("like"), known)),
        *(frame.join(suggestions(frame["item"].where(frame["item"] != BLANK), names)) for frame in others),
        _unused_lines(tofu_leads, sales, carried, config, as_of),
        _unknown_statuses(sold, config),
        _conflicts(conflicts, as_of),
    ]
    if zoom:
        undecided = undecided_webinars(zoom["webinars"], zoom["zoom_attendance"], sold, as_of)
        found.append(undecided.assign(item=without_people(undecided["item"])))
        found.append(_unused_files(zoom["zoom_reports"], config))
    rows = pd.concat([frame for frame in found if len(frame)] or [WORKLIST_MAPPING.empty()], ignore_index=True)
    rows = rows.reindex(columns=WORKLIST_MAPPING.names)
    rows[_COUNTS] = rows[_COUNTS].fillna(0)
    rows["config_line"] = rows["config_line"].fillna(0)
    rows["config_table"] = rows["config_table"].astype("str").fillna(rows["item_kind"].map(DECIDED_AT))
    meant = "did you mean '" + rows["suggested_from"].astype("str") + "'? "
    meant = meant.where(rows["item_kind"] == "unknown_status").fillna("")
    rows["what_to_do"] = meant + rows["item_kind"].map(WHAT_TO_DO)
    order = [*("revenue_inr", "spend_inr", "rows_count"), *WORKLIST_MAPPING.key]
    rows = rows.sort_values(order, ascending=[False] * 3 + [True] * 4, ignore_index=True)
    inputs = {"tofu_leads": tofu_leads, "ad_spend": ad_spend, "assigned_leads": assigned_leads, "sales": sales}
    return summarised(rows, **{f"clean.{name}": frame for name, frame in inputs.items()})


def without_people(texts: pd.Series) -> pd.Series:
    """Mask what looks like an Indian mobile number or an e-mail; longer numbers, such as ids of ads, stay."""
    return map_unique(texts, lambda text: _PHONE.sub("(phone)", _EMAIL.sub("(e-mail)", text)))


def _sources(carried: pd.DataFrame, m0: pd.DataFrame, sold: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the sources that no line covers on some day, with what is at stake for each."""
    open_rows = carried[carried["used_line"].isna()]
    open_rows = open_rows.assign(item=without_people(open_rows["source"]), item_kind=_kind(open_rows))
    open_rows["config_line"] = open_rows["ended_line"]
    open_rows["key"] = lookup_keys(open_rows["item"])
    rows = _summed(open_rows, ["item_kind", "key"], leads=("is_assignment", "sum"))
    stake = _at_stake(open_rows, m0, sold, config).groupby(["item_kind", "key"])["revenue_inr"].agg(["size", "sum"])
    rows = rows.join(stake.set_axis(["sales", "revenue_inr"], axis="columns"), on=["item_kind", "key"])
    return rows.drop(columns="key")


def _at_stake(open_rows: pd.DataFrame, m0: pd.DataFrame, sold: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return (item_kind, key, sale_id, revenue_inr), once each: sales that name a source, or whose phone has its M0."""
    counted = sold[sold["is_counted"]]
    named = open_rows[["item_kind", "key", "sale_id"]].dropna(subset="sale_id")
    m0 = judged(pd.DataFrame({"source": m0["source"], "day": m0["assigned_date"], "phone": m0["phone"]}), config)
    m0 = m0[m0["used_line"].isna()]
    m0 = m0.assign(item_kind=_kind(m0), key=lookup_keys(without_people(m0["source"])))
    bought = m0[["item_kind", "key", "phone"]].drop_duplicates().merge(counted[["phone", "sale_id"]], on="phone")
    both = pd.concat([named, bought.drop(columns="phone")], ignore_index=True).drop_duplicates()
    return both.merge(counted[["sale_id", "revenue_inr"]], on="sale_id")


def _kind(rows: pd.DataFrame) -> pd.Series:
    kind = pd.Series("unmapped_source", index=rows.index, dtype="str")
    return kind.mask(rows["ended_line"].notna(), "retired_source")


def _misc_sales(sold: pd.DataFrame, carried: pd.DataFrame, m0: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return each counted Misc sale; `like`: what a suggestion is made from, its first lead source, else its M0's."""
    is_misc = lookup_keys(sold["final_funnel"]) == lookup_key(MISC)
    rows = sold[sold["is_counted"] & is_misc & ~sold["final_funnel_rule"].isin(DECIDED)]
    own = carried.dropna(subset="sale_id").drop_duplicates("sale_id").set_index("sale_id")["source"]
    latest = m0.dropna(subset="source").sort_values("month", kind="stable").drop_duplicates("phone", keep="last")
    by_phone = rows["phone"].map(latest.set_index("phone")["source"])
    like = rows["sale_id"].map(own).fillna(by_phone).astype("str")
    typed = config.table("manual_mapping").drop_duplicates("sale_id", keep="last").set_index("sale_id")["line"]
    return pd.DataFrame(
        {
            "item_kind": "misc_sale",
            "item": rows["sale_id"],
            "config_line": rows["sale_id"].map(typed).astype("Int64"),
            "rows_count": 1,
            "sales": 1,
            "revenue_inr": rows["revenue_inr"],
            "first_date": rows["sold_date"],
            "last_date": rows["sold_date"],
            "like": like,
            **{name: rows[name] for name in TRACE},
        }
    )


def _manual_values(sold: pd.DataFrame) -> pd.DataFrame:
    rows = sold[sold["final_funnel_rule"] == "manual_value_unmapped"]
    return _of_sales(rows, rows["manual_mapping"], "manual_value_unmapped")


def _unknown_funnels(sold: pd.DataFrame, config: Config) -> pd.DataFrame:
    residual = lookup_keys(sold["funnel"]).isin([lookup_key(name) for name in RESIDUAL_FUNNELS])
    rows = sold[config.known_funnel(sold["funnel"]).isna() & ~residual]
    return _of_sales(rows, rows["funnel"], "unknown_funnel")


def _of_sales(rows: pd.DataFrame, names: pd.Series, kind: str) -> pd.DataFrame:
    rows = rows.assign(
        item=without_people(squash(names)),
        day=rows["sold_date"],
        item_kind=kind,
        revenue_inr=rows["revenue_inr"].where(rows["is_counted"]),
    )
    rows["key"] = lookup_keys(rows["item"])
    return _summed(rows, ["item_kind", "key"], sales=("is_counted", "sum"), revenue_inr=("revenue_inr", "sum")).drop(
        columns="key"
    )


def _unknown_statuses(sold: pd.DataFrame, config: Config) -> pd.DataFrame:
    rows = unknown_statuses(sold, config)
    rows = _of_sales(rows, rows["status"], "unknown_status")
    return rows.join(status_suggestions(rows["item"], config))


def _conflicts(conflicts: pd.DataFrame | None, as_of: pd.Timestamp) -> pd.DataFrame:
    if conflicts is None or conflicts.empty:
        return pd.DataFrame()
    rows = conflicts[conflicts["sold_date"] <= as_of]
    columns = ["rows_count", "revenue_inr", "detail", *TRACE]
    return rows[columns].assign(
        item_kind="conflicting_sale",
        item=rows["sale_id"],
        sales=rows["is_counted"].astype("Int64"),
        first_date=rows["sold_date"],
        last_date=rows["sold_date"],
    )


def _unmapped_spend(ad_spend: pd.DataFrame, config: Config, as_of: pd.Timestamp) -> pd.DataFrame:
    is_open = (ad_spend["funnel"] == UNMAPPED) & config.known_funnel(ad_spend["funnel_raw"]).isna()
    rows = ad_spend[is_open & (ad_spend["spend_date"] <= as_of)]
    rows = rows.assign(
        item=without_people(squash(rows["funnel_raw"])).fillna(BLANK),
        day=rows["spend_date"],
        item_kind="unmapped_spend",
    )
    rows["key"] = lookup_keys(rows["item"])
    return _summed(rows, ["item_kind", "key"], spend_inr=("cost_inr", "sum")).drop(columns="key")


def _summed(rows: pd.DataFrame, by: list[str], **sums: tuple[str, str]) -> pd.DataFrame:
    """Sum rows (item, day, trace) by item; spelling and example are those of the newest row."""
    rows = rows.sort_values(["day", *TRACE], kind="stable")
    grouped = rows.groupby(by, sort=False)
    given = grouped.agg(rows_count=("day", "size"), first_date=("day", "min"), last_date=("day", "max"), **sums)
    shown = [name for name in ("item", "config_line", *TRACE) if name in rows]
    newest = rows.drop_duplicates(by, keep="last").set_index(by)[shown]
    return given.join(newest).reset_index()


def _unused_lines(
    tofu_leads: pd.DataFrame, sales: pd.DataFrame, carried: pd.DataFrame, config: Config, as_of: pd.Timestamp
) -> pd.DataFrame:
    """Return the lines of mappings that no row of clean used; one that only begins after `as_of` has time."""
    mapping, manual = config.table("funnel_mapping"), config.table("manual_mapping")
    values, campaigns = config.table("manual_value_funnel"), config.table("campaign_mapping")
    begun = ~(mapping["valid_from"] > as_of)
    utm = campaigns["utm_source"] + " / " + campaigns["utm_medium"] + " / " + campaigns["utm_campaign"]
    # Long columns are asked for what short ones hold, never the reverse: pandas makes a Python list of the values.
    sold = sales["sale_id"][sales["sale_id"].isin(manual["sale_id"])]
    found = {
        "funnel_mapping": (mapping["source"], begun & ~mapping["line"].isin(carried["used_line"].dropna())),
        "manual_mapping": (manual["sale_id"], ~manual["sale_id"].isin(sold)),
        "manual_value_funnel": (
            values["manual_value"],
            ~lookup_keys(values["manual_value"]).isin(lookup_keys(sales["manual_mapping"].dropna()).unique()),
        ),
        "campaign_mapping": (utm, ~campaigns["line"].isin(_campaign_lines(tofu_leads, campaigns))),
    }
    mask: dict[str, Callable[[pd.Series], pd.Series]] = {"manual_mapping": lambda sale_ids: sale_ids}
    parts = [
        pd.DataFrame(
            {
                "item_kind": "unused_mapping",
                "item": mask.get(name, without_people)(items[unused]),
                "config_table": name,
                "config_line": config.table(name)["line"][unused],
            }
        )
        for name, (items, unused) in found.items()
    ]
    return pd.concat(parts, ignore_index=True).reindex(columns=[*parts[0].columns, *SUGGESTION])


def _unused_files(zoom_reports: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the lines of `file_overrides.csv` whose report is none that counts: withdrawn, never come, misspelled."""
    lines = config.table("file_overrides")
    unused = lines[~lookup_keys(lines["file_id"]).isin(zoom_reports["file_id"])]
    items = {"item": unused["file_id"], "config_line": unused["line"]}
    return pd.DataFrame({**items, "item_kind": "unused_mapping", "config_table": "file_overrides"})


def _campaign_lines(tofu_leads: pd.DataFrame, campaigns: pd.DataFrame) -> set[int]:
    """Return the lines of `campaign_mapping.csv` that were the first to match some lead."""
    columns = ["utm_source", "utm_medium", "utm_campaign"]
    rest = tofu_leads[columns].drop_duplicates().apply(lookup_keys).drop_duplicates()
    used: set[int] = set()
    for line in campaigns.to_dict("records"):
        hit = pd.Series(data=True, index=rest.index)
        for column in columns:
            hit &= matches(rest[column], str(line[column]))
        if hit.any():
            used.add(int(line["line"]))
        rest = rest[~hit]
    return used
