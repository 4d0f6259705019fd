"""A week of a small company: what each source holds when a night of the week pulls it. All people are made up.

`STORY` tells what happens on which day. Nothing of what the tables must hold is worked out here.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from funnel_etl.parts.marketing.contracts import SPEND_SOURCE
from funnel_etl.parts.sales.contracts import SALES_SOURCE

NIGHTS = tuple(date.fromordinal(date(2025, 10, 29).toordinal() + day) for day in range(7))
WED, THU, FRI, SAT, SUN, MON, TUE = NIGHTS

STORY = """
Wednesday  Asha (…01) is assigned, and Dev (…05) from a list that is Referral's only until Friday; so is a row without
           a phone. A lead has no readable date, a spend line no readable cost.
Thursday   A webinar; who registered is known the same night. Bina (…02) is assigned to Ravi.
Friday     Asha buys. Chand, abroad, is assigned from a source no mapping has. Esha (…06), who registered, is assigned.
Saturday   November: M0 has two months. Bina buys (Misc, and somebody typed walk-in); half a paisa is rounded up.
           The attendee report of Thursday's webinar comes late: past days move.
Sunday     Asha's sale is edited in the CRM. Dev's row is gone from inside the dump's window. Bina goes to Sana.
           A second webinar, report the same night; Chand attends.
Monday     The mapping gets Chand's source; the broken spend line is fixed. The dump has a sale of Tuesday already.
Tuesday    Asha's sale is refunded. The dump's window moves past Wednesday: what is older stays, as aged out.
"""

CONFIG = {
    "funnels": "funnel\nWebinar\nMeta Ads\nGoogle Ads\nReferral\n",
    "funnel_mapping": (
        "source,funnel,valid_from,valid_to,note\n"
        "FB Form,Meta Ads,,,\n"
        "Plutus Webinar,Webinar,,,\n"
        "Old List,Referral,,2025-10-31,bought for October\n"
    ),
    "campaign_mapping": "utm_source,utm_medium,utm_campaign,funnel\n,,*webinar*,Webinar\nfb,,,Meta Ads\n",
    "manual_mapping": "sale_id,manual_value,note\nS2,Walk-In,\n",
    "manual_value_funnel": "manual_value,funnel\nwalk-in,Referral\n",
    "metrics": "name,value\nexcluded_statuses,failed|refunded\n",
    "placeholder_phones": "phone,note\n1234567890,\n",
    "category_tokens": "token,category\nacca,ACCA\n",
    "conductors": "name,conductor\nMeera Quillon,Meera Quillon\n",
    "zoom_profiles": (
        "name,product,use_case,type,event_names,download_name,category_mode,category,source_tag,topic_pattern\n"
        "plutus,Plutus,,webinar_attended,,,auto,,Webinar,*plutus*\n"
    ),
}
MAPPING_EDIT = "App Signup,Google Ads,,,added on Monday\n"

LEADS = (
    (WED, "asha rao,ASHA@example.org,+91 98765-00001,Pune,fb,cpc,autumn,28-10-2025 09:15"),
    (WED, "Lost One,lost@example.org,9876500009,Pune,fb,cpc,autumn,soon"),
    (WED, "Bina Sen,bina@example.org,9876500002,Delhi,google,cpc,Plutus Webinar,29-10-2025 18:30"),
    (THU, "Chand Ali,chand@example.org,+971 50 123 4567,Dubai,fb,cpc,autumn,30-10-2025 08:00"),
    (THU, "No Phone,nophone@example.org,NA,,newsletter,,,30-10-2025 23:59:59"),
    (FRI, "asha rao,ASHA@example.org,09876500001,Pune,fb,cpc,winter,31-10-2025 07:00"),
    (FRI, "asha rao,ASHA@example.org,09876500001,Pune,fb,cpc,winter,31-10-2025 07:00"),
    (SAT, "Fay Noor,fay@example.org,9876500007,Agra,fb,cpc,autumn,01-11-2025 00:00"),
)

ASSIGNED = (
    (WED, "FB Form,29-10-2025 10:00,9876500001,Ravi"),
    (WED, "Old List,29-10-2025 11:00,9876500005,Ravi"),
    (WED, "FB Form,29-10-2025 12:00,,Sana"),
    (THU, "Plutus Webinar,30-10-2025 20:30,919876500002,Ravi"),
    (FRI, "App Signup,31-10-2025 09:00,+971501234567,Sana"),
    (FRI, "FB Form,31-10-2025 23:59:59,9876500006,Ravi"),
    (SAT, "Old List,01-11-2025 00:00,9876500001,Sana"),
    (SUN, "FB Form,02-11-2025 16:00,9876500002,Sana"),
)

SPEND = (
    ("Meta Ads", "1,234.565", 1000, 50),
    ("webinar", "₹ 500", 200, 5),
    ("TikTok", "0.005", 10, 0),
)
BROKEN_COST, MENDED_COST = "as agreed", "100.00"

REGISTRANTS = (
    "Bina,Sen,bina@example.org,9876500002,10/29/2025 07:00:00 PM,approved",
    "Asha,Rao,asha@example.org,,10/30/2025 09:00:00 AM,approved",
    "Esha,Jain,esha@example.org,9876500006,10/30/2025 10:00:00 AM,approved",
)
BINA = "Bina,Sen,bina@example.org,9876500002,10/29/2025 07:00:00 PM,approved"
ASHA = "Asha,Rao,asha@example.org,9876500001,10/30/2025 09:00:00 AM,approved"
CHAND = "Chand,Ali,chand@example.org,+971501234567,11/01/2025 09:00:00 AM,approved"
ATTENDED_THURSDAY = (
    f"Yes,Bina Sen,{BINA},10/30/2025 06:58:10 PM,10/30/2025 07:40:00 PM,42,Yes,India",
    "Yes,Bina Sen,Bina,Sen,bina@example.org,,,,10/30/2025 07:45:00 PM,10/30/2025 08:10:00 PM,25,Yes,India",
    f"Yes,Asha R,{ASHA},10/30/2025 07:30:00 PM,10/30/2025 08:00:00 PM,30,Yes,India",
    "No,Esha Jain,Esha,Jain,esha@example.org,9876500006,10/30/2025 10:00:00 AM,approved,--,--,--,--,",
)
ATTENDED_SUNDAY = (f"Yes,Chand Ali,{CHAND},11/02/2025 11:00:30 AM,11/02/2025 12:00:00 PM,60,Yes,United Arab Emirates",)


def write_night(night: date, sources: Path, config: Path, drop: Path) -> None:
    """Write the sources, config and dropped files as they are when `night` is run."""
    for name, records in (
        ("tofu_leads", _leads(night)),
        ("ad_spend", _spend(night)),
        ("crm_assigned_leads", _assigned(night)),
        ("crm_sales", _sales(night)),
    ):
        (sources / f"{name}.csv").write_bytes(_csv(records))
    for name, text in CONFIG.items():
        edit = MAPPING_EDIT if name == "funnel_mapping" and night >= MON else ""
        (config / f"{name}.csv").write_text(text + edit, encoding="utf-8")
    for name, data in reports(night):
        (drop / name).write_bytes(data)


def file_labels(sources: Path, night: date) -> dict[str, str]:
    """Return the file_id of each source as it is on disk → `name@night`."""
    return {hashlib.sha256(file.read_bytes()).hexdigest(): f"{file.stem}@{night}" for file in sources.glob("*.csv")}


def _leads(night: date) -> Iterable[Sequence[str]]:
    yield "Full name,Email,Phone number,City,utmSource,utmMedium,utmCamp,created date".split(",")
    yield from (line.split(",") for day, line in LEADS if day <= night)


def _assigned(night: date) -> Iterable[Sequence[str]]:
    yield "sources,assignOn,leadMobile,employee".split(",")
    for day, line in ASSIGNED:
        vanished = line.startswith("Old List,29-10") and night >= SUN
        moved_past = day == WED and night == TUE
        if day <= night and not vanished and not moved_past:
            yield line.split(",")


def _spend(night: date) -> Iterable[Sequence[str]]:
    names = [column.name for column in SPEND_SOURCE]
    yield names
    for day in (day for day in NIGHTS if day <= night):
        for funnel, cost, impressions, clicks in SPEND:
            row = {"date_time": f"{day:%d-%m-%Y}", "cost": cost, "Funnel": funnel, "impressions": str(impressions)}
            yield [(row | {"clicks": str(clicks)}).get(name, "") for name in names]
    cost = MENDED_COST if night >= MON else BROKEN_COST
    row = {"date_time": f"{WED:%d-%m-%Y}", "cost": cost, "Funnel": "Referral", "campaign": "flyers"}
    yield [row.get(name, "") for name in names]


def _sales(night: date) -> Iterable[Sequence[str]]:
    names = [column.name for column in SALES_SOURCE]
    yield names
    status, paid = "refunded" if night >= TUE else "success", "11,000" if night >= SUN else "12,500.50"
    sales = (
        (FRI, "S1", status, "31-10-2025 15:00", "9876500001", paid, "Ravi", "", "meta ads"),
        (SAT, "S2", "Success", "01-11-2025 12:00", "09876500002", "9999.995", "Ravi", "Unknown Place", ""),
        (SAT, "S3", "failed", "01-11-2025 13:00", "9876500006", "5000", "", "", "Meta Ads"),
        (MON, "S4", "", "04-11-2025 09:30", "+971 50 123 4567", "", "Sana", "App Signup; FB Form", ""),
    )
    filled = "_id status createdOn StudentContact netAmount employeeName assignedLeadSources Funnel".split()
    for day, *cells in sales:
        if day <= night:
            row = dict(zip(filled, cells, strict=True))
            yield [row.get(name, "") for name in names]


def reports(night: date) -> Iterable[tuple[str, bytes]]:
    if night == THU:
        yield "registration_thursday.csv", _registration()
    if night == SAT:
        started, ended, generated = "10/30/2025 07:00:00 PM", "10/30/2025 08:30:00 PM", "11/01/2025 10:00:00 AM"
        yield "attendee_thursday.csv", _attendance(started, ended, generated, ATTENDED_THURSDAY)
    if night == SUN:
        started, ended, generated = "11/02/2025 11:00:00 AM", "11/02/2025 12:30:00 PM", "11/02/2025 03:00:00 PM"
        yield "attendee_sunday.csv", _attendance(started, ended, generated, ATTENDED_SUNDAY)


def _registration() -> bytes:
    lines = [
        "Registration Report,",
        'Report generated time,"10/30/2025 06:00:00 PM"',
        "Topic,ID,Scheduled Time,Duration (minutes),# Registrants,# Cancelled registrants",
        f"Plutus ACCA Live,81200000001,10/30/2025 07:00:00 PM, 90,{len(REGISTRANTS)},0",
        "Attendee Details,",
        "First Name,Last Name,Email,Phone,Registration Time,Approval Status",
        *REGISTRANTS,
    ]
    return ("\ufeff" + "".join(line + "\r\n" for line in lines)).encode()


def _attendance(started: str, ended: str, generated: str, rows: Sequence[str]) -> bytes:
    summary = (
        "Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registrants,# Cancelled registrants,"
        "Unique Viewers,Total Users,Max Concurrent Views,Enable Registration,"
    )
    session = "Join Time,Leave Time,Time in Session (minutes),Is Guest,Country/Region Name,"
    person = "Attended,User Name (Original Name),First Name,Last Name,Email,Phone,Registration Time,Approval Status,"
    lines = [
        "Attendee Report,",
        f"Report Generated:,{generated},",
        summary,
        f"Plutus ACCA Live,812 0000 0001,{started}, 90,{len(rows)},0,{len(rows)},{len(rows) + 1},3,Yes,",
        "Host Details,",
        "Attended,User Name (Original Name),Email," + session,
        f"Yes,Meera Quillon,host@example.org,{started},{ended},90,No,India,",
        "Attendee Details,",
        person + session,
        *(row + "," for row in rows),
    ]
    return ("\ufeff" + "".join(line + "\r\n" for line in lines)).encode()


def _csv(records: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(records)
    return text.getvalue().encode()
