"""Made-up clean frames of any size for benchmarks: seeded, by the contracts, with the odd cases the rules speak of.

Nobody is in them: phones are numbers drawn at random. How a table is made from them is in `transforms`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.core.tables.contracts import PANDAS_DTYPE, Kind, Table
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES

Ints = npt.NDArray[np.int64]

AS_OF = pd.Timestamp("2026-11-20")
FIRST = pd.Timestamp("2026-01-01")
DAYS = (AS_OF - FIRST).days + 3
"""Two days of them after as_of, as a dump pulled in the night has."""
ZONE_OFFSET = pd.Timedelta(hours=5, minutes=30)
FUNNELS = ("Webinar", "Bootcamp", "Meta Ads", "Google Ads", "Referral", "Other Sources (Miscellaneous)", "(no source)")
SOURCES = tuple(f"source {number}" for number in range(40))
EMPLOYEES = tuple(f"representative {number}" for number in range(60))
DEFAULTS: dict[Kind, Any] = {
    Kind.TEXT: "x",
    Kind.INTEGER: 0,
    Kind.BOOLEAN: False,
    Kind.TIMESTAMP: FIRST.tz_localize("UTC"),
    Kind.DATE: FIRST,
    Kind.MONEY: 0,
    Kind.JSON: "{}",
}


def frames(assignments: int, sales: int, attendances: int, seed: int = 7) -> dict[str, pd.DataFrame]:
    """Return the clean tables that `mart` is made from, by their names, with so many rows; the others in proportion."""
    made = _Maker(seed, people=max(assignments * 6 // 10, 10))
    webinars = made.webinars(max(attendances // 1500, 3))
    return {
        "tofu_leads": made.leads(attendances),
        "webinars": webinars,
        "zoom_registrations": made.zoom(ZOOM_REGISTRATIONS, attendances, webinars),
        "zoom_attendance": made.zoom(ZOOM_ATTENDANCE, attendances, webinars),
        "assigned_leads": made.assigned(assignments),
        "sales": made.sales(sales),
        "ad_spend": made.spend(max(attendances // 30, 10)),
    }


class _Maker:
    def __init__(self, seed: int, people: int) -> None:
        self._draw = np.random.default_rng(seed)
        self._phones = pd.Series((6_000_000_000 + np.arange(people) * 7).astype("str"), dtype="str")

    def leads(self, count: int) -> pd.DataFrame:
        at = self._times(count)
        return _frame(
            TOFU_LEADS,
            count,
            lead_id=_numbered("lead", count),
            email=_numbered("person", count) + "@example.com",
            phone=self._some_phones(count, missing=0.05),
            utm_source=self._pick(SOURCES, count),
            funnel=self._pick(FUNNELS, count),
            created_at=at,
            created_date=_day(at),
            is_first_lead=self._draw.random(count) < 0.7,
        )

    def webinars(self, count: int) -> pd.DataFrame:
        at = self._times(count)
        return _frame(
            WEBINARS,
            count,
            occurrence_id=_numbered("occurrence", count),
            webinar_id=_numbered("webinar", count),
            started_at=at,
            event_date=_day(at),
            topic=self._pick(SOURCES, count),
            source_tag=self._pick(("Webinar", "Bootcamp", "Other"), count),
            category=self._pick(("ACCA", "CMA"), count),
            conductor=self._pick(EMPLOYEES, count),
            registered_count=self._draw.integers(0, 3000, count),
            attended_count=self._draw.integers(0, 1500, count),
        )

    def zoom(self, table: Table, count: int, webinars: pd.DataFrame) -> pd.DataFrame:
        event = self._draw.integers(0, len(webinars), count)
        started = webinars["started_at"].iloc[event].reset_index(drop=True)
        registered = started - pd.to_timedelta(self._draw.integers(0, 20 * 1440, count), unit="min")
        registered = registered.where(self._draw.random(count) < 0.97)
        attended = self._draw.random(count) < 0.6
        joined = started + pd.to_timedelta(self._draw.integers(0, 40, count), unit="min")
        phone = self._some_phones(count, missing=0.08)
        columns = {
            "occurrence_id": webinars["occurrence_id"].iloc[event].reset_index(drop=True),
            "person_key": "phone:" + phone.fillna(_numbered("row", count)),
            "phone": phone,
            "user_id": "91" + phone,
            "registered_at": registered,
            "registered_date": _day(registered),
            "registration_source": self._pick(SOURCES, count),
            "attended": attended,
            "joined_at": joined.where(attended & (self._draw.random(count) < 0.98)),
            "minutes_union": pd.Series(self._draw.integers(1, 120, count)).astype("Int64"),
            "attended_date": _day(started).where(attended),
            "funnel": self._pick(FUNNELS[:3], count),
            "category": self._pick(("ACCA", "CMA"), count),
            "conductor": self._pick(EMPLOYEES, count),
            "source_tag": self._pick(("Webinar", "Bootcamp", "Other"), count),
            "registration_from": pd.Series("registration report", index=range(count), dtype="str"),
        }
        frame = _frame(table, count, **{name: given for name, given in columns.items() if name in table.by_name})
        return frame.drop_duplicates(list(table.key), ignore_index=True)

    def assigned(self, count: int) -> pd.DataFrame:
        at = self._times(count)
        phone = self._some_phones(count, missing=0.03)
        return _frame(
            ASSIGNED_LEADS,
            count,
            source=self._pick(SOURCES, count, missing=0.02),
            assigned_at=at,
            assigned_date=_day(at),
            phone=phone,
            user_id="91" + phone,
            employee=self._pick(EMPLOYEES, count, missing=0.01),
            funnel=self._pick(FUNNELS, count),
        )

    def sales(self, count: int) -> pd.DataFrame:
        at = self._times(count)
        phone = self._some_phones(count, missing=0.02)
        revenue = pd.Series(self._draw.integers(100_000, 9_000_000, count)).astype("Int64")
        return _frame(
            SALES,
            count,
            sale_id=_numbered("sale", count),
            phone=phone,
            user_id="91" + phone,
            source=self._pick(SOURCES, count),
            sold_at=at,
            sold_date=_day(at),
            revenue_inr=revenue.mask(self._draw.random(count) < 0.01),
            is_counted=self._draw.random(count) < 0.93,
            employee_name=self._pick(EMPLOYEES, count, missing=0.02),
            funnel=self._pick(FUNNELS, count),
            final_funnel=self._pick(FUNNELS, count),
        )

    def spend(self, count: int) -> pd.DataFrame:
        at = self._times(count)
        return _frame(
            AD_SPEND,
            count,
            spend_date=_day(at),
            cost_inr=pd.Series(self._draw.integers(0, 5_000_000, count)).astype("Int64"),
            impressions=pd.Series(self._draw.integers(0, 50_000, count)).astype("Int64"),
            clicks=pd.Series(self._draw.integers(0, 900, count)).astype("Int64"),
            funnel=self._pick((*FUNNELS[:5], "Unmapped"), count),
        )

    def _times(self, count: int) -> pd.Series:
        seconds = self._draw.integers(0, DAYS * 86_400, count)
        return pd.Series(FIRST.tz_localize("UTC") - ZONE_OFFSET + pd.to_timedelta(seconds, unit="s")).dt.as_unit("us")

    def _some_phones(self, count: int, missing: float) -> pd.Series:
        who = self._draw.integers(0, len(self._phones), count)
        return self._phones.iloc[who].reset_index(drop=True).mask(self._draw.random(count) < missing)

    def _pick(self, values: tuple[str, ...], count: int, missing: float = 0.0) -> pd.Series:
        picked = pd.Series(values, dtype="str").iloc[self._draw.integers(0, len(values), count)].reset_index(drop=True)
        return picked.mask(self._draw.random(count) < missing) if missing else picked


def _numbered(name: str, count: int) -> pd.Series:
    return name + " " + pd.Series(range(count)).astype("str")


def _day(at: pd.Series) -> pd.Series:
    return (at + ZONE_OFFSET).dt.tz_localize(None).dt.normalize().dt.as_unit("us")


def _frame(table: Table, count: int, **columns: Any) -> pd.DataFrame:
    """Fill a frame of the contract: what is not given is a default where the column is required, else NULL."""
    given = {"file_id": "f" * 64, "source_row": pd.Series(range(2, count + 2)), **columns}
    full = {}
    for column in table.columns:
        if column.name in given:
            full[column.name] = given[column.name]
        else:
            default = DEFAULTS[column.kind] if column.required else None
            full[column.name] = pd.Series(default, index=range(count), dtype=PANDAS_DTYPE[column.kind])
    return table.conform(pd.DataFrame(full, index=range(count)))
