"""The sheet's Zoom tab, and what it says of a phone: the first row in file order. Rule: The sheet."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.values.phone import normalise, sheet_phone
from funnel_etl.core.values.text import arrow_text, clean_email, is_one_of, map_unique, text_series, unique_texts
from funnel_etl.marts.funnel.touches import attendance_by_phone
from funnel_etl.marts.parity.decompose import Corrected
from funnel_etl.parts.marketing.zoom.clean.people import LEAD

YES, NO, NOTHING = "Yes", "No", ""
_WORDS: Any = pa.array([YES, NO, NOTHING], type=pa.large_string())
_IS_YES, _IS_NO, _IS_NOTHING = range(3)
Answers = npt.NDArray[np.int8]
"""Positions in _WORDS, by the number of a phone; the last one, which is also at -1, is of no phone."""
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
        rows["email"] = clean_email(rows["email"])
        days = webinars.set_index("occurrence_id")["event_date"]
        cells = rows["phone"].fillna(_elsewhere(rows, registrations))
        sheet = sheet_phone(cells).replace("", None)
        phone = normalise(cells, frozenset())["phone"]
        lent = _only_phone(rows["email"].where(phone.isna() | sheet.isna()), leads)
        clean = attendance_by_phone(attendance, webinars, as_of)["attended"]
        # Phones are looked up by number: a variant asks for those of all its rows.
        self._phones, numbers = unique_texts(pd.concat([sheet, phone, lent, clean.index.to_series()]))
        self._sheet, self._phone, self._lent, of_clean = np.split(numbers, np.arange(1, 4) * len(rows))
        came = rows["attended"].astype("boolean")
        self._attended = np.where(came.isna(), _IS_NOTHING, np.where(came.fillna(value=False), _IS_YES, _IS_NO))
        self._is_later = (days.reindex(rows["occurrence_id"]) > as_of).to_numpy()
        self._tabs: dict[Corrected, Answers] = {}
        self._clean = self._answers(of_clean, np.where(clean == "yes", _IS_YES, _IS_NO))

    def numbers(self, phones: pd.Series) -> pd.Series:
        """Return the number of each phone here, by which `attended` knows it; -1: it is nowhere here."""
        found = pc.index_in(arrow_text(phones), value_set=self._phones).fill_null(-1)
        return pd.Series(found.to_numpy(zero_copy_only=False), index=phones.index)

    def attended(self, sheet_phones: pd.Series, phones: pd.Series, corrected: Corrected) -> pd.Series:
        """Return Yes, No or nothing for each row, by its phone of the sheet, or once corrected by its canonical one.

        Phones are `numbers`.
        """
        is_clean = "zoom_cleaned" in corrected
        answers = self._clean if is_clean else self._tab(corrected & TAB_RULES)
        asked = phones if is_clean or "phone_rule" in corrected else sheet_phones
        return text_series(_WORDS.take(pa.array(answers[asked.to_numpy()])), asked.index)

    def _tab(self, corrected: Corrected) -> Answers:
        """Return attended by phone: of its first row, or Yes of any; of all events, or those up to as_of."""
        if corrected not in self._tabs:
            key = self._phone if "phone_rule" in corrected else self._sheet
            if "phone_by_email" in corrected:
                key = np.where(key < 0, self._lent, key)
            rows = np.flatnonzero((key >= 0) & ~(self._is_later & ("no_upper_bound" in corrected)))
            if "first_row_attended" in corrected:
                rows = rows[np.argsort(self._attended[rows], kind="stable")]
            self._tabs[corrected] = self._answers(key[rows], self._attended[rows])
        return self._tabs[corrected]

    def _answers(self, phones: npt.NDArray[np.int64], attended: npt.NDArray[np.int64]) -> Answers:
        """Return what the first row of each phone says."""
        answers = np.full(len(self._phones) + 1, _IS_NOTHING, dtype=np.int8)
        answers[phones[::-1]] = attended[::-1]  # of one phone the last that is written stays
        return answers


def as_sheet(attended: pd.Series) -> pd.Series:
    """Write attended of mart (yes, no, not_found) as the sheet does."""
    words = {"yes": YES, "no": NO, "not_found": NOTHING}
    return attended.map(words).astype("str")


def _elsewhere(rows: pd.DataFrame, registrations: pd.DataFrame) -> pd.Series:
    """Return the phone of a row's e-mail elsewhere in its report, else in the registrations of its occurrence.

    Missing for a row that has its own.
    """
    needy = rows.loc[rows["phone"].isna() & rows["email"].notna(), ["file_id", "occurrence_id", "email"]]
    registrations = registrations[registrations["phone_source"].ne(LEAD)]
    own, signed = (side[is_one_of(side["email"], needy["email"])] for side in (rows, registrations))
    own = own[["file_id", "email", "phone"]].dropna().drop_duplicates(["file_id", "email"])
    signed = signed[["occurrence_id", "email", "phone"]].dropna().drop_duplicates(["occurrence_id", "email"])
    in_report = needy.merge(own, on=["file_id", "email"], how="left")["phone"]
    registered = needy.merge(signed, on=["occurrence_id", "email"], how="left")["phone"]
    return in_report.fillna(registered).set_axis(needy.index).reindex(rows.index)


def _only_phone(emails: pd.Series, leads: pd.DataFrame | None) -> pd.Series:
    """Return the phone that each e-mail has over all leads, where it is one only."""
    if leads is None:
        return pd.Series(None, index=emails.index, dtype="str")
    pairs = leads.loc[is_one_of(leads["email"], emails), ["email", "phone"]].dropna().drop_duplicates()
    by_email = pairs.drop_duplicates("email", keep=False)
    return map_unique(emails, dict(zip(by_email["email"], by_email["phone"], strict=True)).get)
