"""Who a row of a Zoom report is: its e-mail, its phone (own or lent by a row of the same person) and its person key.

Here: what attendance, registrations and the comparison of reports must agree on. Not here: which rows count.
"""

from typing import Any

import numpy as np
import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.tables.accounting import TRACE, Outcome, summarised
from funnel_etl.core.values.phone import normalise
from funnel_etl.core.values.text import clean_email, is_one_of, lookup_keys
from funnel_etl.parts.marketing.zoom.clean.grouping import Bools, Ints, group, linked, micros

PHONE = ["phone", "phone_raw", "phone_class", "phone_note", "phone_alternates", "user_id"]
ROW, REPORT, REGISTRATION, LEAD = "row", "report", "registration", "lead"
SEVERAL = "has_several_lead_phones"
"""Column: the campaign leads have several phones under this e-mail, so it lends none."""
LENT = [*TRACE, *PHONE, SEVERAL]
"""What is known of the lead that lends, by the e-mail."""
NOTHING_LENT = pd.DataFrame(columns=LENT, index=pd.Index([], name="email", dtype="str"))
"""What `lent_by_leads` returns where no lead lends anything."""
_NOBODY = ["user_name", "first_name", "last_name", "joined_at", "registered_at"]
"""What tells two rows without phone and e-mail apart."""


def in_reports(rows: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """Put beside each row what is known of its report: occurrence_id, status, precedence, and `file_rank`.

    `file_rank` orders files from the latest generated to the earliest, whatever order they arrived in. Rows
    of files that are not in `reports` have no occurrence_id.
    """
    order = reports.sort_values(["generated_at", "file_id"], ascending=[False, True], na_position="last")
    rank = np.empty(len(reports) + 1, dtype=np.int64)
    rank[reports.index.get_indexer(order.index)] = np.arange(len(reports))
    rank[-1] = len(reports)
    place = pd.Index(reports["file_id"]).get_indexer(pd.Index(rows["file_id"]))
    known = rows.assign(file_rank=rank[place])
    for column in ("occurrence_id", "status", "precedence"):
        if column in reports:
            known[column] = pd.Series(reports[column].array.take(place, allow_fill=True), index=rows.index)
    return known


def people_by(config: Config, leads: pd.DataFrame) -> dict[str, Any]:
    """Return the parameters by which the tables of people know who a row is; `leads` is `clean.tofu_leads`."""
    return people_beside(config, lent_by_leads(leads) if config.is_on("phone_by_email") else NOTHING_LENT)


def people_beside(config: Config, lent: pd.DataFrame) -> dict[str, Any]:
    """Return what `people_by` does, given what leads lend: LENT by e-mail."""
    return {"bot_names": config.table("bot_names"), "placeholders": config.placeholders, "lent": lent}


def lent_phones(
    leads: pd.DataFrame, attendee_rows: pd.DataFrame, registrant_rows: pd.DataFrame, config: Config
) -> Outcome:
    """Return what campaign leads lend to e-mails that stand in a Zoom report. Columns as `clean.lent_phones`.

    So that a night whose new leads are nobody's of these makes no person of Zoom again.
    """
    known = clean_email(pd.concat([attendee_rows["email"], registrant_rows["email"]], ignore_index=True))
    rows = people_by(config, leads[is_one_of(leads["email"], known)])["lent"].sort_index().reset_index()
    return summarised(rows, **{"clean.tofu_leads": leads})


def lent_by_leads(leads: pd.DataFrame) -> pd.DataFrame:
    """Return LENT of each e-mail (the index) over all leads of `clean.tofu_leads`, whatever their day.

    The phone columns are those of its earliest lead with a phone. Rule: Phone of an attendee.
    """
    known = leads[leads["email"].notna() & leads["phone"].notna()]
    known = known.sort_values("created_at", kind="stable")
    pairs = known.drop_duplicates(["email", "phone"])
    is_several = pairs["email"].duplicated(keep=False)
    return pairs.assign(**{SEVERAL: is_several}).drop_duplicates("email").set_index("email")[LENT]


def identify(
    attendees: pd.DataFrame,
    registrants: pd.DataFrame,
    placeholders: frozenset[str],
    lent: pd.DataFrame = NOTHING_LENT,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return email, phone columns, phone_source, SEVERAL and person_key of every row, on the index of each frame.

    Both frames come from `in_reports`, `lent` from `lent_by_leads`. A row without a phone has the one its e-mail has
    elsewhere in the same report; an attendee's row else the one in the registration report of the same occurrence;
    else the one in another report of that occurrence of the same kind, so that a person is one in both; else the one
    its e-mail has among the campaign leads. All phone columns then speak of the cell the phone was read from. Rule:
    Phone of an attendee.
    """
    columns = ["file_id", "source_row", "occurrence_id", "file_rank", "email", "phone"]
    rows = pd.concat([attendees[columns], registrants[columns]], ignore_index=True)
    is_registrant = np.arange(len(rows)) >= len(attendees)
    order = np.lexsort((rows["source_row"].to_numpy(np.int64), rows["file_rank"].to_numpy(np.int64)))
    people = _identified(rows.iloc[order], is_registrant[order], placeholders, lent).sort_index()
    split = len(attendees)
    return (
        people.iloc[:split].set_axis(attendees.index, axis=0),
        people.iloc[split:].set_axis(registrants.index, axis=0),
    )


def superseded(rows: pd.DataFrame) -> pd.Series:
    """Return "superseded_report" for every row whose person is in a report that goes before, else missing.

    `rows` are of one kind of report, with person_key and precedence. People in only one of the reports stay.
    """
    reasons = pd.Series(None, index=rows.index, dtype="str")
    several = rows.loc[rows["precedence"].gt(1), "occurrence_id"].unique()
    if len(several) == 0:
        return reasons
    some = rows[rows["occurrence_id"].isin(several)]
    best = some["precedence"].groupby([some["occurrence_id"], across_reports(some)]).transform("min")
    reasons[some.index[some["precedence"] > best]] = "superseded_report"
    return reasons


def across_reports(rows: pd.DataFrame) -> pd.Series:
    """Return each row the number of the person by whom rows of several reports are compared.

    `rows` have the columns of `identify`. Rows of an occurrence with one person_key are one person's; so are those
    with one e-mail, where another report has another phone with it (not where one report has several people under
    that e-mail). A row without phone and e-mail (a dial-in) is known again by its names and times.
    """
    keys = rows["person_key"].copy()
    nobody = rows[keys.str.startswith("row:")]
    if len(nobody):
        marks = pd.util.hash_pandas_object(comparable(nobody[_NOBODY]), index=False)
        copy = marks.groupby([nobody["file_id"], marks]).cumcount()
        keys[nobody.index] = "row:" + marks.astype("str") + ":" + copy.astype("str")
    key = group(rows["occurrence_id"], keys).codes
    email = group(rows["occurrence_id"], rows["email"]).codes
    pairs = pd.DataFrame({"key": key, "email": email, "file_id": rows["file_id"].to_numpy()})
    pairs = pairs[rows["email"].notna().to_numpy()].drop_duplicates()
    shared = pairs.loc[pairs.duplicated(["email", "file_id"]), "email"]
    pairs = pairs[~pairs["email"].isin(shared)]
    return pd.Series(linked(key, pairs["key"].to_numpy(np.int64), pairs["email"].to_numpy(np.int64)), index=rows.index)


def comparable(cells: pd.DataFrame) -> pd.DataFrame:
    """Turn cells into plain texts and numbers that hash alike whenever they say the same, case and blanks apart."""
    plain = {}
    for name, values in cells.items():
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            plain[name] = pd.Series(micros(values), index=cells.index)
        else:
            plain[name] = lookup_keys(values.astype("str"))
    return pd.DataFrame(plain, index=cells.index)


def _identified(
    rows: pd.DataFrame, is_registrant: Bools, placeholders: frozenset[str], lent: pd.DataFrame
) -> pd.DataFrame:
    """Identify rows that stand in the order in which they lend: latest report first, then by line."""
    email = clean_email(rows["email"])
    phones = normalise(rows["phone"], placeholders).assign(phone_raw=rows["phone"])
    own = phones["phone"].notna().to_numpy()
    used, source = np.arange(len(rows)), np.where(own, ROW, "").astype(object)
    email_code, emails = pd.factorize(email)
    occurrence = pd.factorize(rows["occurrence_id"])[0]
    in_report = rows["file_rank"].to_numpy(np.int64) * (len(emails) + 1) + email_code
    in_occurrence = occurrence * (len(emails) + 1) + email_code
    in_kind = in_occurrence * 2 + is_registrant
    everyone = np.ones(len(rows), dtype=np.bool_)
    for keys, lends, takes, name in (
        (in_report, own, everyone, REPORT),
        (in_occurrence, own & is_registrant, ~is_registrant, REGISTRATION),
        (in_kind, own, everyone, REPORT),
    ):
        _lend(used, source, keys, lends & (email_code >= 0), takes & (email_code >= 0), name)
    people = phones[PHONE].take(used).set_axis(rows.index, axis=0)
    people.insert(0, "email", email)
    people[SEVERAL] = _take_from_leads(people, source, lent)
    people["phone_source"] = pd.Series(source, index=rows.index).replace("", None).astype("str")
    people["person_key"] = _person_keys(rows, people)
    return people


def _lend(used: Ints, source: np.ndarray, keys: Ints, lends: Bools, takes: Bools, name: str) -> None:
    """Let rows without a phone use the first row with one under the same key; changes `used` and `source`."""
    needy = np.flatnonzero(takes & (source == ""))
    lenders = pd.Series(np.flatnonzero(lends), index=keys[lends])
    found = lenders[~lenders.index.duplicated()].reindex(keys[needy], fill_value=-1).to_numpy()
    used[needy[found >= 0]] = found[found >= 0]
    source[needy[found >= 0]] = name


def _take_from_leads(people: pd.DataFrame, source: np.ndarray, lent: pd.DataFrame) -> Bools:
    """Return which rows still without a phone get none from a lead because their e-mail has several there.

    The others get what is lent: changes `people` and `source`.
    """
    place = np.where(source == "", lent.index.get_indexer(pd.Index(people["email"])), -1)
    is_several: Bools = (place >= 0) & np.append(lent[SEVERAL].to_numpy(bool), [False])[place]
    by_lead = (place >= 0) & ~is_several
    if by_lead.any():
        found = lent[PHONE].iloc[place[by_lead]].set_axis(people.index[by_lead], axis=0)
        people.loc[by_lead, PHONE] = found
        source[by_lead] = LEAD
    return is_several


def _person_keys(rows: pd.DataFrame, people: pd.DataFrame) -> pd.Series:
    keys = people["phone"].copy()
    by_email = keys.isna() & people["email"].notna()
    keys[by_email] = "email:" + people.loc[by_email, "email"]
    by_row = rows[keys.isna()]
    keys[by_row.index] = "row:" + by_row["file_id"] + ":" + by_row["source_row"].astype("str")
    return keys
