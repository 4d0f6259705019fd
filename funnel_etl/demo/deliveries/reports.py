"""The company's files: what its sources hold, which Zoom reports and consents are dropped before each of two nights.

Each mess of the second night is one of the team's own: a fuller export, a renamed copy, a start that moves.
"""

import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.demo.deliveries import company as planted
from funnel_etl.demo.deliveries.company import Company, Person, Webinar
from funnel_etl.demo.sheet import columns, render
from funnel_etl.parts.marketing.contracts import SPEND_SOURCE
from funnel_etl.parts.sales.contracts import SALES_SOURCE

SOURCES = {
    "tofu_leads": columns("Full name,Email,Phone number,City,utmSource,utmMedium,utmCamp,created date"),
    "ad_spend": [column.name for column in SPEND_SOURCE],
    "crm_assigned_leads": columns("sources,assignOn,leadMobile,employee"),
    "crm_sales": [column.name for column in SALES_SOURCE],
}
ATTRIBUTE = "LiveMinutes"
"""The attribute whose type is changed between the nights, in the events of one profile."""
Minutes = Callable[[Person], int]
STATEMENTS = columns("phone,email,channel,state,stated_at,source")
_SESSION = "Join Time,Leave Time,Time in Session (minutes),Is Guest,Country/Region Name"
_FORM = "First Name,Last Name,Email,Phone,Registration Time,Approval Status"
_SUMMARY = (
    "Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registrants,# Cancelled registrants,"
    "Unique Viewers,Total Users,Max Concurrent Views,Enable Registration"
)


def write_config(folder: Path, company: Company) -> None:
    """Write the config tables: those of the demo, a rule that says yes, and an attribute of one profile."""
    shutil.copytree(DEMO_CONFIG, folder)
    (folder / "delivery_rules.csv").write_text(
        "profile,kind,deliver,from_date,max_age_days,unknown_consent,note\n"
        f"*,*,yes,{company.eve - timedelta(days=1)},7,hold,the demo sends what its truth says\n"
    )
    with (folder / "delivery_attributes.csv").open("a") as table:
        table.write(f"attended,{ATTRIBUTE},{{minutes}},number,tls_*\n")


def change_type(folder: Path) -> None:
    """Let the attribute be a text from now on."""
    table = folder / "delivery_attributes.csv"
    table.write_text(table.read_text().replace(f"{ATTRIBUTE},{{minutes}},number", f"{ATTRIBUTE},{{minutes}},text"))


def write_first(sources: Path, company: Company) -> None:
    """Write what is there before the first night: sources, consents, reports; of one webinar only who registered."""
    for folder in ("zoom", "consent"):
        (sources / "drop" / folder).mkdir(parents=True, exist_ok=True)
    for name, header in SOURCES.items():
        (sources / f"{name}.csv").write_bytes(_csv([header, *_facts(name, company)]))
    zoom = sources / "drop" / "zoom"
    (zoom / "registration_acca.csv").write_bytes(_registration(company.acca))
    (zoom / "attendee_acca.csv").write_bytes(_attendance(company.acca, _minutes))
    (zoom / "registration_cfa.csv").write_bytes(_registration(company.cfa))
    (zoom / "attendee_contracts.csv").write_bytes(_attendance(company.contracts[0], _minutes))
    (zoom / "attendee_bootcamp_1.csv").write_bytes(_attendance(company.bootcamp[0], _minutes))
    said = datetime.combine(company.eve - timedelta(days=20), datetime.min.time())
    (sources / "drop" / "consent" / "form.csv").write_bytes(_csv([STATEMENTS, *_first_statements(company, said)]))


def write_second(sources: Path, company: Company) -> None:
    """Write what comes before the second night."""
    zoom = sources / "drop" / "zoom"
    (zoom / "attendee_cfa.csv").write_bytes(_attendance(company.cfa, _minutes))
    (zoom / "attendee_contracts_2.csv").write_bytes(_attendance(company.contracts[1], _minutes))
    (zoom / "attendee_bootcamp_2.csv").write_bytes(_attendance(company.bootcamp[1], _minutes))
    (zoom / "attendee_acca again.csv").write_bytes(_attendance(company.acca, _other_minutes, is_later=True))
    (zoom / "contracts (renamed copy).csv").write_bytes(_attendance(company.contracts[0], _minutes))
    said = f"{company.day} 11:00"
    gone = [("", person.email, "all", "withdrawn", said, "mail") for person in company.planted(planted.WITHDRAWS)]
    (sources / "drop" / "consent" / "mails.csv").write_bytes(_csv([STATEMENTS, *gone]))


def write_truth(file: Path, company: Company) -> None:
    """Write who must get which event, and who never."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [(*one.event, one.fate, one.why) for one in company.truth]
    file.write_bytes(_csv([("user_id", "event_name", "webinar_id", "day", "fate", "why"), *rows]))


def _facts(name: str, company: Company) -> list[Sequence[str]]:
    """Return the rows of a source: a line of somebody who came to the webinar, so that no source is empty."""
    person, day = company.planted(planted.PLAIN)[0], f"{company.eve:%d-%m-%Y}"
    if name == "tofu_leads":
        who = f"{person.first} {person.last}"
        return [(who, person.email, person.phone, "Pune", "fb", "cpc", "webinar", f"{day} 09:00")]
    if name == "crm_assigned_leads":
        return [("FB Form", f"{day} 10:00", person.phone, "Ravi")]
    cells = {
        "ad_spend": {"date_time": day, "cost": "100", "Funnel": "Meta Ads"},
        "crm_sales": {
            "_id": "S1",
            "status": "success",
            "createdOn": f"{day} 15:00",
            "StudentContact": person.phone,
            "netAmount": "1000",
            "employeeName": "Ravi",
        },
    }[name]
    return [[cells.get(column, "") for column in SOURCES[name]]]


def _first_statements(company: Company, said: datetime) -> Iterable[Sequence[str]]:
    at = f"{said:%Y-%m-%d %H:%M}"
    for person in company.people:
        if person.planted == planted.REFUSED_CONSENT:
            yield person.phone, "", "all", "refused", at, "form"
        elif person.planted != planted.SILENT:
            yield "", person.email, "email", "granted", at, "form"
            yield "", person.email, "whatsapp", "granted", at, "form"
        if person.planted == planted.SUPPRESSED:
            yield person.phone, "", "all", "suppressed", f"{said + timedelta(days=1):%Y-%m-%d %H:%M}", "mail"


def _minutes(person: Person) -> int:
    """Return how long a person stayed."""
    return 30 + sum(person.email.encode()) % 50


def _other_minutes(person: Person) -> int:
    """Return the same by the later export, in which one had been cut short."""
    return _minutes(person) + (7 if person.planted == planted.OTHER_MINUTES else 0)


def _registration(webinar: Webinar) -> bytes:
    count = len(webinar.registered)
    return _report(
        ["Registration Report"],
        ["Report generated time", _moment(webinar.day - timedelta(days=1), "06:00:00 PM")],
        ["Topic", "ID", "Scheduled Time", "Duration (minutes)", "# Registrants", "# Cancelled registrants"],
        [webinar.topic, webinar.webinar_id, _moment(webinar.day, "07:00:00 PM"), "90", str(count), "0"],
        ["Attendee Details"],
        columns(_FORM),
        *(_form(webinar, person, person.phone) for person in webinar.registered),
    )


def _attendance(webinar: Webinar, minutes_of: Minutes, *, is_later: bool = False) -> bytes:
    """Return an attendee report; `is_later`: with the phones that were corrected meanwhile."""
    started = _moment(webinar.day, webinar.starts)
    hour = "11:30:00 PM" if is_later else "10:30:00 PM"
    header = ["Attended", "User Name (Original Name)", *columns(_FORM), *columns(_SESSION)]
    count = len(webinar.registered)
    host = [
        "Yes",
        "Demo Academy",
        "host@example.org",
        started,
        _moment(webinar.day, "08:30:00 PM"),
        "90",
        "No",
        "India",
    ]
    return _report(
        ["Attendee Report"],
        ["Report Generated:", _moment(webinar.day, hour)],
        columns(_SUMMARY),
        [
            webinar.topic,
            _spaced(webinar.webinar_id),
            started,
            "90",
            str(count),
            "0",
            str(count),
            str(count),
            "9",
            "Yes",
        ],
        ["Host Details"],
        ["Attended", "User Name (Original Name)", "Email", *columns(_SESSION)],
        host,
        ["Attendee Details"],
        header,
        *(_attendee(webinar, person, minutes_of, is_later=is_later) for person in webinar.registered),
    )


def _attendee(webinar: Webinar, person: Person, minutes_of: Minutes, *, is_later: bool) -> list[str]:
    phone = (is_later and person.corrected) or person.phone
    came = person in webinar.attended
    cells = [f"{person.first} {person.last}", *_form(webinar, person, phone)]
    if not came:
        return ["No", *cells, "--", "--", "--", "--", "--"]
    minutes = minutes_of(person)
    joined = datetime.combine(webinar.day, datetime.min.time()) + timedelta(hours=19, minutes=2)
    left = joined + timedelta(minutes=minutes)
    return ["Yes", *cells, _written(joined), _written(left), str(minutes), "Yes", "India"]


def _form(webinar: Webinar, person: Person, phone: str) -> list[str]:
    registered = _moment(webinar.day - timedelta(days=2), "09:00:00 AM")
    return [person.first, person.last, person.email, phone, registered, "approved"]


def _moment(day: date, clock: str) -> str:
    return f"{day:%m/%d/%Y} {clock}"


def _written(at: datetime) -> str:
    return f"{at:%m/%d/%Y %I:%M:%S %p}"


def _spaced(webinar_id: str) -> str:
    return f"{webinar_id[:3]} {webinar_id[3:7]} {webinar_id[7:]}"


def _report(*records: Sequence[str]) -> bytes:
    return b"\xef\xbb\xbf" + _csv(records, "\r\n")


def _csv(records: Iterable[Sequence[str]], newline: str = "\n") -> bytes:
    return render([list(record) for record in records], newline)[0]
