"""Occurrences: `clean.zoom_reports` → `clean.zoom_occurrences`, and with the counts → `clean.webinars`.

Here: what follows for an occurrence from its topic, start and configuration. Not here: people.
"""

import pandas as pd

from funnel_etl.core.config_tables import MISC
from funnel_etl.core.tables.accounting import Outcome, RowAccount
from funnel_etl.core.values.dates import business_day
from funnel_etl.core.values.text import lookup_key, lookup_keys, squash
from funnel_etl.parts.marketing.zoom.clean.conductors import canonical, conductors
from funnel_etl.parts.marketing.zoom.clean.event_warnings import FINDINGS
from funnel_etl.parts.marketing.zoom.clean.people import in_reports
from funnel_etl.parts.marketing.zoom.clean.profiles import Profiles, choose
from funnel_etl.parts.marketing.zoom.clean.topics import BOTH, bootcamp_days, categories, is_bootcamp

BOOTCAMP, WEBINAR, OTHER = "Bootcamp", "Webinar", "Other"
_OVERRIDDEN = ["conductor", "category", "profile", "bootcamp_day"]
CONFIG_READ = ("zoom_profiles", "category_tokens", "webinar_overrides", "file_overrides", "funnels")
"""Tables of `config_csv` that occurrences are made by, beside `conductors.csv`; each is a parameter of its name."""
SOURCE_TAGS = (WEBINAR, BOOTCAMP, OTHER)


def zoom_occurrences(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    *,
    zoom_profiles: pd.DataFrame,
    category_tokens: pd.DataFrame,
    conductors_csv: pd.DataFrame,
    webinar_overrides: pd.DataFrame,
    file_overrides: pd.DataFrame,
    funnels: pd.DataFrame,
    zone: str,
) -> Outcome:
    """Return one row per occurrence. Columns as `clean.zoom_occurrences`.

    `reports` is `clean.zoom_reports`; topic and duration are of the attendee report in force, else of the
    registration report. `started_at` is the scheduled time while no attendee report has come. Rule: Event.
    """
    account = RowAccount(reports, "clean.zoom_reports")
    rows = _one_per_occurrence(account)
    overrides = _overrides(rows, reports, webinar_overrides, file_overrides)
    rows["event_date"] = business_day(rows["started_at"], zone)
    _add_profile(rows, overrides, zoom_profiles, account)
    _add_category(rows, overrides, category_tokens, account)
    _add_day(rows, overrides, account)
    _add_conductor(rows, overrides, _staff(reports, attendee_rows), conductors_csv, account)
    spelling = {lookup_key(name): name for name in funnels["funnel"]}
    rows["funnel"] = (
        lookup_keys(rows["source_tag"]).map(spelling).astype("str").fillna(spelling.get(lookup_key(MISC), MISC))
    )
    return account.outcome(rows.reset_index(drop=True))


def webinars(occurrences: pd.DataFrame, registrations: pd.DataFrame, attendance: pd.DataFrame) -> Outcome:
    """Return the occurrences with how many registered and attended. Columns as `clean.webinars`."""
    account = RowAccount(occurrences, "clean.zoom_occurrences")
    registered = registrations["occurrence_id"].value_counts()
    attended = attendance.loc[attendance["attended"].fillna(value=False), "occurrence_id"].value_counts()
    rows = occurrences.assign(
        registered_count=occurrences["occurrence_id"].map(registered).fillna(0).astype("Int64"),
        attended_count=occurrences["occurrence_id"].map(attended).fillna(0).astype("Int64"),
    )
    return account.outcome(rows)


def _one_per_occurrence(account: RowAccount) -> pd.DataFrame:
    """Keep the report that speaks for its occurrence: in force, an attendee report before a registration report."""
    reports = account.rows()
    order = reports.sort_values(["occurrence_id", "report", "precedence", "file_id"], na_position="last")
    labels = pd.Series(order.index, index=order.index)
    first = labels.groupby(order["occurrence_id"]).transform("first")
    rows = order[labels == first].copy()
    account.merge(first[labels != first], "same_occurrence")
    has_attendee = order.loc[order["report"].eq("attendee"), "occurrence_id"]
    has_registration = order.loc[order["report"].eq("registration"), "occurrence_id"]
    rows["has_attendee_report"] = rows["occurrence_id"].isin(has_attendee).astype("boolean")
    rows["has_registration_report"] = rows["occurrence_id"].isin(has_registration).astype("boolean")
    rows["started_at"] = rows["started_at"].where(rows["report"].eq("attendee"), rows["scheduled_at"])
    for report in ("attendee", "registration"):
        folder = order[order["report"].eq(report)].groupby("occurrence_id")["profile"].first()
        rows[f"{report}_folder"] = rows["occurrence_id"].map(folder).astype("str")
    return rows


def _overrides(
    rows: pd.DataFrame, reports: pd.DataFrame, webinar_overrides: pd.DataFrame, file_overrides: pd.DataFrame
) -> pd.DataFrame:
    """Return what a person said of each occurrence, by one of its files, else by its webinar id. Same index.

    Of its files the one in force is heard first, then those it replaced; blank cells are missing.
    `registered_profile`: what was said of a registration report goes before what holds for the whole.
    """
    digits = webinar_overrides["webinar_id"].str.replace(r"\D", "", regex=True)
    of_webinar = _said(webinar_overrides, digits)
    of_file = _said(file_overrides, lookup_keys(file_overrides["file_id"]))
    files = reports.sort_values(["precedence", "report", "file_id"], na_position="last")
    files = files[["occurrence_id", "report", "file_id"]].join(of_file, on="file_id")
    by_file = files.groupby("occurrence_id")[_OVERRIDDEN].first()
    own, of_id = (
        pd.DataFrame({name: keys.map(said[name]).astype("str") for name in _OVERRIDDEN}, index=rows.index)
        for keys, said in ((rows["occurrence_id"], by_file), (rows["webinar_id"], of_webinar))
    )
    registered = files[files["report"].eq("registration")].groupby("occurrence_id")["profile"].first()
    found = own.fillna(of_id)
    return found.assign(registered_profile=rows["occurrence_id"].map(registered).astype("str").fillna(found["profile"]))


def _said(table: pd.DataFrame, keys: pd.Series) -> pd.DataFrame:
    """Return what a table of overrides says, by these keys of its lines."""
    return pd.DataFrame({name: squash(table[name]) for name in _OVERRIDDEN}).groupby(keys).first()


def _add_profile(rows: pd.DataFrame, overrides: pd.DataFrame, table: pd.DataFrame, account: RowAccount) -> None:
    """Choose the profiles, and take over what they say."""
    profiles = Profiles(table)
    found = choose(rows, overrides, profiles, lambda where, text: _note(account, rows, where, text))
    key = found["profile"]
    rows["profile_source"] = found["profile_source"]
    rows["profile"] = profiles.column(key, "name")
    rows["registered_profile"] = profiles.column(found["registered_profile"], "name")
    for column, source in (("product", "product"), ("_mode", "category_mode"), ("_fixed", "category")):
        rows[column] = squash(profiles.column(key, source))
    tags = {lookup_key(tag): tag for tag in SOURCE_TAGS}
    tag = lookup_keys(profiles.column(key, "source_tag")).map(tags).astype("str")
    by_word = pd.Series(WEBINAR, index=rows.index, dtype="str").mask(is_bootcamp(rows["topic"]), BOOTCAMP)
    rows["source_tag"] = tag.fillna(by_word)


def _add_category(rows: pd.DataFrame, overrides: pd.DataFrame, tokens: pd.DataFrame, account: RowAccount) -> None:
    by_topic = categories(rows["topic"], tokens)
    fixed = rows["_fixed"].where(lookup_keys(rows["_mode"]).eq("fixed"))
    rows["category"] = overrides["category"].fillna(fixed).fillna(by_topic["category"])
    by = pd.Series("topic", index=rows.index, dtype="str").mask(by_topic["is_tie"], "topic_tie")
    by = by.where(by_topic["category"].notna())
    rows["category_source"] = by.mask(fixed.notna(), "profile").mask(overrides["category"].notna(), "override")
    is_tie = by_topic["is_tie"] & overrides["category"].isna() & fixed.isna()
    _note(
        account,
        rows,
        is_tie,
        FINDINGS["webinar_category_tie"].says,
    )


def _add_day(rows: pd.DataFrame, overrides: pd.DataFrame, account: RowAccount) -> None:
    """Return bootcamps their day; other occurrences have none."""
    days = bootcamp_days(rows["topic"], rows["event_date"])
    given = overrides["bootcamp_day"]
    is_one = rows["source_tag"].eq(BOOTCAMP)
    rows["bootcamp_day"] = given.fillna(days["bootcamp_day"]).where(is_one)
    rows["day_source"] = days["day_source"].mask(given.notna(), "override").where(is_one)
    is_both = rows["day_source"].eq("topic") & rows["bootcamp_day"].eq(BOTH)
    _note(account, rows, is_both, "its topic names both bootcamp days; it counts as both")
    by_default = rows["day_source"].eq("default")
    _note(
        account,
        rows,
        by_default,
        FINDINGS["webinar_day_by_default"].says,
    )


def _add_conductor(
    rows: pd.DataFrame,
    overrides: pd.DataFrame,
    staff: pd.DataFrame,
    listed: pd.DataFrame,
    account: RowAccount,
) -> None:
    given = canonical(overrides["conductor"], listed).fillna(overrides["conductor"])
    found = conductors(staff, listed)
    for column in ("conductor", "conductor_source"):
        rows[column] = rows["occurrence_id"].map(found[column]).astype("str")
    rows["conductor"] = given.fillna(rows["conductor"])
    rows["conductor_source"] = rows["conductor_source"].mask(given.notna(), "override")
    is_guess = rows["conductor_source"].isin(["first_panelist", "first_host"])
    _note(
        account,
        rows,
        is_guess,
        FINDINGS["webinar_conductor_unlisted"].says,
    )


def _staff(reports: pd.DataFrame, attendee_rows: pd.DataFrame) -> pd.DataFrame:
    is_staff = attendee_rows["section"].isin(["host", "panelist"]) & attendee_rows["row_problem"].isna()
    staff = in_reports(attendee_rows[is_staff].reset_index(drop=True), reports.reset_index(drop=True))
    return staff[staff["precedence"].notna()]


def _note(account: RowAccount, rows: pd.DataFrame, where: pd.Series, text: str) -> None:
    hit = where.fillna(value=False).astype(bool)
    account.notes.extend(f"occurrence {occurrence_id}: {text}" for occurrence_id in rows.loc[hit, "occurrence_id"])
