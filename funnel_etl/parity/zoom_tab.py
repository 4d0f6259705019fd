"""The sheet's Zoom tab, and what it says of a phone: the first row in file order. Rule: The sheet."""

import pandas as pd

from funnel_etl.core.phone import sheet_phone
from funnel_etl.funnel.touches import attendance_by_phone

YES, NO, NOTHING = "Yes", "No", ""


class ZoomTab:
    """All records of all attendee reports, in the order the files arrived in, as they would have been pasted.

    Hosts and panelists, superseded reports and later events are in it: the sheet knows nothing of them.
    """

    def __init__(
        self,
        attendee_rows: pd.DataFrame,
        reports: pd.DataFrame,
        attendance: pd.DataFrame,
        webinars: pd.DataFrame,
        as_of: pd.Timestamp,
    ) -> None:
        arrived = reports.drop_duplicates("file_id").set_index("file_id")["received_at"]
        rows = pd.DataFrame(
            {
                "phone": sheet_phone(attendee_rows["phone"]),
                "attended": attendee_rows["attended"].map({True: YES, False: NO}).astype("str"),
                "arrived": arrived.reindex(attendee_rows["file_id"]).to_numpy(),
                "file_id": attendee_rows["file_id"],
                "source_row": attendee_rows["source_row"],
            }
        ).sort_values(["arrived", "file_id", "source_row"], kind="stable")
        rows = rows[rows["phone"] != ""]
        self._first = rows.drop_duplicates("phone").set_index("phone")["attended"].fillna(NOTHING)
        came = rows["attended"] == YES
        by_phone = came.groupby(rows["phone"]).any()
        self._any = by_phone.map({True: YES, False: NO}).astype("str")
        clean = attendance_by_phone(attendance, webinars, as_of)["attended"]
        self._clean = clean.map({"yes": YES, "no": NO}).astype("str")

    def attended(self, sheet_phones: pd.Series, phones: pd.Series, corrected: frozenset[str]) -> pd.Series:
        """Say Yes, No or nothing of each row, by its phone of the sheet, or once corrected by its canonical one."""
        if "zoom_cleaned" in corrected:
            found = self._clean.reindex(phones)
        else:
            tab = self._any if "first_row_attended" in corrected else self._first
            found = tab.reindex(sheet_phones)
        return found.set_axis(sheet_phones.index).fillna(NOTHING)


def as_sheet(attended: pd.Series) -> pd.Series:
    """Write attended of mart (yes, no, not_found) as the sheet does."""
    words = {"yes": YES, "no": NO, "not_found": NOTHING}
    return attended.map(words).astype("str")
