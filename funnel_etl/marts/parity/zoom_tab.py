"""The sheet's Zoom tab, and what it says of a phone: the first row in file order. Rule: The sheet."""

import pandas as pd

from funnel_etl.core.values.phone import normalise, sheet_phone
from funnel_etl.core.values.text import clean_email
from funnel_etl.marts.funnel.touches import attendance_by_phone
from funnel_etl.marts.parity.decompose import Corrected
from funnel_etl.parts.marketing.zoom.clean.people import LEAD

YES, NO, NOTHING = "Yes", "No", ""
TAB_RULES = frozenset({"no_upper_bound", "first_row_attended", "phone_rule", "phone_by_email"})
"""The rules whose correction makes another tab of the same records."""


class ZoomTab:
    """All records of all attendee reports, in the order the files arrived in, as the old tool would have pasted them.

    A record's phone is its own, else the one its e-mail has elsewhere in the report, else in the registrations of the
    occurrence: reports of 2026 hold no phone, and the sheet was never blank for that. Hosts and panelists, superseded
    reports and later events are in it: the sheet knows nothing of them, nor of the phones that campaign leads lend.
    `leads`: `clean.tofu_leads` where its phones are lent once that is corrected.
    """

    def __init__(
        self,
        attendee_rows: pd.DataFrame,
        reports: pd.DataFrame,
        registrations: pd.DataFrame,
        attendance: pd.DataFrame,
        webinars: pd.DataFrame,
        as_of: pd.Timestamp,
        leads: pd.DataFrame | None = None,
    ) -> None:
        known = reports.drop_duplicates("file_id").set_index("file_id")[["received_at", "occurrence_id"]]
        rows = attendee_rows[["file_id", "source_row", "phone", "email", "attended"]].join(known, on="file_id")
        rows = rows.sort_values(["received_at", "file_id", "source_row"], kind="stable", ignore_index=True)
        days = webinars.set_index("occurrence_id")["event_date"]
        found = _elsewhere(rows, registrations)
        self._rows = pd.DataFrame(
            {
                "sheet_phone": sheet_phone(rows["phone"].fillna(found)),
                "phone": normalise(rows["phone"].fillna(found), frozenset())["phone"],
                "lent": _only_phone(rows["email"], leads),
                "attended": rows["attended"].map({True: YES, False: NO}).astype("str").fillna(NOTHING),
                "is_later": (days.reindex(rows["occurrence_id"]) > as_of).to_numpy(),
            }
        )
        self._tabs: dict[Corrected, pd.Series] = {}
        clean = attendance_by_phone(attendance, webinars, as_of)["attended"]
        self._clean = clean.map({"yes": YES, "no": NO}).astype("str")

    def attended(self, sheet_phones: pd.Series, phones: pd.Series, corrected: Corrected) -> pd.Series:
        """Return Yes, No or nothing for each row, by its phone of the sheet, or once corrected by its canonical one."""
        by_phone = "phone_rule" in corrected
        if "zoom_cleaned" in corrected:
            found = self._clean.reindex(phones)
        else:
            tab = self._tab(corrected & TAB_RULES)
            found = tab.reindex(phones if by_phone else sheet_phones)
        return found.set_axis(sheet_phones.index).fillna(NOTHING)

    def _tab(self, corrected: Corrected) -> pd.Series:
        """Return attended by phone: of its first row, or Yes of any; of all events, or those up to as_of."""
        if corrected not in self._tabs:
            rows = self._rows[~self._rows["is_later"]] if "no_upper_bound" in corrected else self._rows
            key = rows["phone"] if "phone_rule" in corrected else rows["sheet_phone"].replace("", None)
            rows = rows.assign(key=key.fillna(rows["lent"]) if "phone_by_email" in corrected else key)
            rows = rows[rows["key"].notna()]
            if "first_row_attended" in corrected:
                order = rows["attended"].map({YES: 0, NO: 1, NOTHING: 2})
                rows = rows.assign(order=order).sort_values("order", kind="stable")
            first = rows.drop_duplicates("key").set_index("key")["attended"]
            self._tabs[corrected] = first
        return self._tabs[corrected]


def as_sheet(attended: pd.Series) -> pd.Series:
    """Write attended of mart (yes, no, not_found) as the sheet does."""
    words = {"yes": YES, "no": NO, "not_found": NOTHING}
    return attended.map(words).astype("str")


def _elsewhere(rows: pd.DataFrame, registrations: pd.DataFrame) -> pd.Series:
    """Return the phone of a row's e-mail elsewhere in its report, else in the registrations of its occurrence."""
    email = clean_email(rows["email"])
    registrations = registrations[registrations["phone_source"].ne(LEAD)]
    own = rows.assign(email=email)[["file_id", "email", "phone"]].dropna().drop_duplicates(["file_id", "email"])
    signed = registrations[["occurrence_id", "email", "phone"]].dropna().drop_duplicates(["occurrence_id", "email"])
    keyed = rows[["file_id", "occurrence_id"]].assign(email=email)
    in_report = keyed.merge(own, on=["file_id", "email"], how="left")["phone"]
    registered = keyed.merge(signed, on=["occurrence_id", "email"], how="left")["phone"]
    return in_report.fillna(registered).set_axis(rows.index)


def _only_phone(emails: pd.Series, leads: pd.DataFrame | None) -> pd.Series:
    """Return the phone that each e-mail has over all leads, where it is one only."""
    if leads is None:
        return pd.Series(None, index=emails.index, dtype="str")
    pairs = leads[["email", "phone"]].dropna().drop_duplicates()
    by_email = pairs.drop_duplicates("email", keep=False).set_index("email")["phone"]
    return clean_email(emails).map(by_email).astype("str")
