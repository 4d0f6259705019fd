"""Campaign leads: `raw.tofu_leads` → `clean.tofu_leads`. Rule: TOFU leads."""

import pandas as pd

from funnel_etl.core.config_tables import Config, config_spelling
from funnel_etl.core.reading.csvfile import RESERVED
from funnel_etl.core.reading.first_lines import content_hashes
from funnel_etl.core.reading.source_frame import SourceFrame
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.values.dates import business_day
from funnel_etl.core.values.patterns import matches
from funnel_etl.core.values.text import clean_email, lookup_keys, person_name
from funnel_etl.parts.marketing.contracts import TOFU_LEADS_SOURCE

SOURCE = "tofu_leads"
UTM = {"utm_source": "utmSource", "utm_medium": "utmMedium", "utm_campaign": "utmCamp"}


def clean_tofu_leads(raw: pd.DataFrame, config: Config, zone: str) -> Outcome:
    """Return one row per form submission, exact duplicates merged into the first. Columns as `clean.tofu_leads`.

    A row without a readable created date is quarantined; one without phone or e-mail is kept, and counted.
    """
    source = SourceFrame(raw, TOFU_LEADS_SOURCE, config.aliases(SOURCE), SOURCE)
    source.exclude_test_leads()
    source.quarantine_totals("created date", contacts=("Phone number", "Email"))
    created_at = source.needed_instant("created date", zone)
    cells = [c for c in raw.columns if c not in RESERVED]
    source.account.merge_duplicates(cells, "exact_duplicate")

    rows = raw[["file_id", "source_row"]].assign(
        name=person_name(source.text("Name")),
        email=clean_email(source.text("Email")),
        city=source.label("City"),
        question_1=source.label("Question 1"),
        created_at=created_at,
        created_date=business_day(created_at, zone),
        **{name: source.label(column) for name, column in UTM.items()},
    )
    source.account.warn("Email", rows["email"].isna() & (lookup_keys(source.text("Email")) != ""))
    phones = source.phones("Phone number", config.placeholders)
    rows[phones.columns] = phones
    rows = rows.loc[source.account.remaining]
    rows["lead_id"] = content_ids(raw.loc[rows.index, cells])
    rows["funnel"] = campaign_funnel(rows[list(UTM)], config)
    rows["is_first_lead"] = first_of_person(rows)
    return source.account.outcome(rows)


def campaign_funnel(utm: pd.DataFrame, config: Config) -> pd.Series:
    """Return the funnel of each row of utm_source, utm_medium, utm_campaign: the first line that matches, else Misc."""
    triples = utm.apply(lookup_keys).drop_duplicates()
    found = pd.Series(None, index=triples.index, dtype="str")
    mapping = config.table("campaign_mapping")
    mapping = mapping.assign(funnel=config_spelling(mapping["funnel"], config))
    for line in mapping.to_dict("records"):
        hit = found.isna()
        for column in UTM:
            hit &= matches(triples[column], str(line[column]))
        found = found.mask(hit, line["funnel"])
    keyed = utm.apply(lookup_keys).merge(triples.assign(funnel=found.fillna(config.misc)), on=list(UTM), how="left")
    return pd.Series(keyed["funnel"].to_numpy(), index=utm.index, dtype="str")


def first_of_person(rows: pd.DataFrame) -> pd.Series:
    """Return, for each lead, whether it is its person's earliest (at one time, the first row). Rule: Person key."""
    person = rows["phone"].fillna("email:" + rows["email"])
    ordered = person.loc[rows["created_at"].sort_values(kind="stable").index]
    is_again = ordered.duplicated() & ordered.notna()
    return ~is_again.reindex(rows.index)


def content_ids(cells: pd.DataFrame) -> pd.Series:
    """Name each row by a hash of its cells that are not blank, so that a new empty column changes no id."""
    ids = [digest.hex()[:16] for digest in content_hashes(cells)]
    return pd.Series(ids, index=cells.index, dtype="str")
