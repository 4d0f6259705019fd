"""Zoom reports in the drop folder: planned events in the layouts people download, twice, partly, in the wrong place."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from funnel_etl.demo.sheet import render
from funnel_etl.demo.zoom_events import Event, Zoom
from funnel_etl.demo.zoom_layouts import LAYOUTS, MEANING, OTHER_QUESTIONS, PHONE_QUESTIONS, Layout, named, named_minute

Cells = dict[str, str]
DIAL_IN = ("Telephone caller", "iPhone", "Galaxy Tab")
HOUR = pd.Timedelta(hours=1)


@dataclass
class _Party:
    """The people of one event: rows of `Zoom.rows` as dictionaries, their segments by row, and the staff."""

    event: Event
    number: int
    rows: list[dict[str, object]]
    segments: Mapping[int, list[tuple[pd.Timestamp, pd.Timestamp]]]
    bot: str
    conductor: str


def write_zoom(folder: Path, zoom: Zoom, bots: Sequence[str], spellings: Mapping[str, Sequence[str]]) -> None:
    """Write all reports below `folder`. `bots`: patterns of names; `spellings`: names a conductor appears under."""
    folder.mkdir(parents=True, exist_ok=True)
    segments: dict[int, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for row, joined, left in zip(zoom.segments["row"], zoom.segments["joined"], zoom.segments["left"], strict=True):
        segments.setdefault(int(row), []).append((joined, left))
    by_event: dict[int, list[dict[str, object]]] = {}
    for label, record in zip(zoom.rows.index, zoom.rows.to_dict("records"), strict=True):
        cells = {str(name): value for name, value in record.items()} | {"label": int(label)}
        by_event.setdefault(int(record["event"]), []).append(cells)
    for number, event in enumerate(zoom.events):
        bot = bots[number % len(bots)].replace("*", "") if bots else ""
        names = spellings.get(event.conductor, [event.conductor])
        party = _Party(event, number, by_event.get(number, []), segments, bot, names[number % len(names)])
        _write_event(folder, party)
    (folder / "performance_report_wrong_place.csv").write_bytes(_performance())
    (folder / "~$still_open.csv").write_bytes(b"")


def _write_event(folder: Path, party: _Party) -> None:
    event = party.event
    stem = f"{event.webinar_id}_{event.start:%Y_%m_%d}"
    if event.has_registration:
        place = _place(folder, f"{event.folder}_registered" if event.folder else "")
        (place / f"registration_{stem}.csv").write_bytes(_registration_report(party))
    if not event.has_attendee:
        return
    place = _place(folder, f"{event.folder}_attended" if event.folder else "")
    report = _attendee_report(party, LAYOUTS[event.layout])
    (place / f"attendee_{stem}.csv").write_bytes(report)
    if party.number % 9 == 3:
        (place / f"attendee_{stem} (1).csv").write_bytes(report)
    if party.number % 9 == 5:
        partial = _attendee_report(party, LAYOUTS[event.layout], partial=True)
        (place / f"attendee_{stem} partial.csv").write_bytes(partial)


def _place(folder: Path, profile: str) -> Path:
    place = folder / profile if profile else folder
    place.mkdir(exist_ok=True)
    return place


def _attendee_report(party: _Party, layout: Layout, *, partial: bool = False) -> bytes:
    """Return an attendee report; a partial one was generated earlier and holds the first two thirds of the people."""
    event = party.event
    rows = party.rows[: len(party.rows) * 2 // 3] if partial else party.rows
    staff_mail = f"host.{event.webinar_id}@example.org"
    span = [(event.start, event.start + pd.Timedelta(minutes=event.minutes))]
    host = _rows(layout, "Demo Academy", staff_mail, span)
    speaker = _rows(layout, party.conductor, "speaker@example.org", span)
    people = [cells for row in rows for cells in _person(layout, row, party.segments.get(_label(row), []))]
    extra = _rows(layout, "Demo Academy", staff_mail, [(span[0][0] + HOUR / 6, span[0][1])])
    if party.bot:
        extra += _rows(layout, f"{party.bot.title()} of a guest", "bot@example.net", span)
    inside = [*people, *extra]
    dialled = _rows(layout, DIAL_IN[party.number % 3], "", [(span[0][0] + HOUR / 4, span[0][1])])
    seen = {cells["email"] for cells in inside if cells["attended"] == layout.word("Yes")}
    present = sum(cells["attended"] == layout.word("Yes") for cells in inside) + len(host) + len(speaker)
    summary = {
        "topic": event.topic,
        "webinar_id": f"{event.webinar_id[:3]} {event.webinar_id[3:7]} {event.webinar_id[7:]}",
        "start": layout.moment(event.start),
        "duration": f" {event.minutes}",
        "registered_count": f" {len(rows)}",
        "cancelled_count": " 0",
        "unique_viewers": str(len(seen)),
        "total_users": str(present),
        "views": "0",
        "enabled": "Yes",
    }
    titles = layout.titles
    generated = event.start + (3 * HOUR if partial else 4 * HOUR)
    records: list[list[str]] = [
        [titles[0], ""],
        [layout.generated, layout.moment(generated)],
        list(layout.summary),
        [summary[MEANING[name]] for name in layout.summary],
        *_section(layout, titles[1], layout.staff, host),
        *_section(layout, titles[2], layout.staff, speaker),
        *_section(layout, titles[3], layout.attendee, inside),
    ]
    if event.layout in {"2020", "2026"}:
        header = ["User Name", "Join Time", "Leave Time", "Time in Session (minutes)", "Country/Region Name"]
        records += _section(layout, titles[4], header, dialled)
    if event.layout == "2024":
        records = _resaved(records)
    data, _ = render(records, layout.newline, layout.delimiter)
    return data.decode().encode(layout.encoding)


def _section(layout: Layout, title: str, header: Sequence[str], rows: Sequence[Cells]) -> list[list[str]]:
    """Return title, header and rows. The first row of a person has a comma too many, rows of re-joins have not."""
    body = []
    for cells in rows:
        record = [cells.get(MEANING.get(name, ""), "") for name in header]
        if layout.trailing_comma and cells.get("registered"):
            record.append("")
        body.append(record)
    return [[title, ""], list(header), *body]


def _resaved(records: list[list[str]]) -> list[list[str]]:
    """Pad every row to one width, as Excel does when it saves a report again."""
    width = max(len(record) for record in records)
    return [record + [""] * (width - len(record)) for record in records]


def _rows(layout: Layout, name: str, email: str, spans: Sequence[tuple[pd.Timestamp, pd.Timestamp]]) -> list[Cells]:
    return [
        {
            "attended": layout.word("Yes"),
            "user_name": name,
            "first_name": name.partition(" ")[0],
            "email": email,
            "joined": layout.cell(joined),
            "left": layout.cell(left),
            "minutes": str(math.ceil((left - joined).total_seconds() / 60)),
            "guest": "Yes",
            "country": layout.word("India"),
        }
        for joined, left in spans
    ]


def _person(layout: Layout, row: dict[str, object], spans: Sequence[tuple[pd.Timestamp, pd.Timestamp]]) -> list[Cells]:
    """Return the rows of one registrant: the first with what the form asked, the others with times only."""
    name, email = str(row["name"]), str(row["email"])
    form = {
        "first_name": name.partition(" ")[0],
        "last_name": name.rpartition(" ")[2],
        "phone": str(row["phone_text"]).replace("\n", "/"),
        "registered": layout.cell(pd.Timestamp(str(row["registered"]))),
        "status": layout.word(str(row["status"])),
        "source_name": "Landing page",
    }
    timeless = {"joined": layout.nothing, "left": layout.nothing, "minutes": layout.nothing, "guest": layout.nothing}
    if not row["came"]:
        absent = {"attended": layout.word("No"), "user_name": name, "email": email}
        return [absent | form | timeless]
    country = layout.word(str(row["country"]))
    present = [cells | {"country": country} for cells in _rows(layout, name, email, spans)]
    if row["times"] == "none":
        present = [present[0] | timeless]
    return [present[0] | form, *[cells | {"last_name": form["last_name"]} for cells in present[1:]]]


def _registration_report(party: _Party) -> bytes:
    """Return a registration report whose phone is the answer to a custom question."""
    event = party.event
    question = PHONE_QUESTIONS[party.number % len(PHONE_QUESTIONS)]
    other = OTHER_QUESTIONS[party.number % len(OTHER_QUESTIONS)]
    header = ["First Name", "Last Name", "Email", other]
    header += ["Registration Time", "Approval Status", question, "Source Name"]
    records = [
        ["Registration Report", ""],
        ["Report generated time", named_minute(min(event.start + 4 * HOUR, _newest(party) + HOUR))],
        ["Topic", "ID", "Scheduled Time", "Duration (minutes)", "# Registrants", "# Cancelled registrants"],
        [event.topic, event.webinar_id, named_minute(event.scheduled), " 90", str(len(party.rows)), "0"],
        ["Attendee Details" if party.number % 2 else "Registrant Details", ""],
        header,
    ]
    for row in party.rows:
        if row["again"]:
            records.append(_registrant(row, "cancelled by self", pd.Timestamp(str(row["registered"])) - HOUR / 30))
        records.append(_registrant(row, str(row["status"]), pd.Timestamp(str(row["registered"]))))
    data, _ = render(records, "\r\n")
    return b"\xef\xbb\xbf" + data


def _registrant(row: dict[str, object], status: str, registered: pd.Timestamp) -> list[str]:
    name = str(row["name"])
    answer = 'I "study", mostly'
    who = [name.partition(" ")[0], name.rpartition(" ")[2], str(row["email"])]
    return [*who, answer, named(registered), status, str(row["phone_text"]), "Landing page", ""]


def _newest(party: _Party) -> pd.Timestamp:
    return max((pd.Timestamp(str(row["registered"])) for row in party.rows), default=party.event.start)


def _label(row: dict[str, object]) -> int:
    return int(str(row["label"]))


def _performance() -> bytes:
    """Return a report of a kind that nobody reads, as somebody drops it by mistake."""
    return render(
        [
            ["Performance Report", ""],
            ["Report Generated:", "Oct 01, 2026 8:50 PM"],
            ["Topic", "Webinar ID", "Actual Start Time"],
            ["Plutus ACCA Masterclass", "812 0000 1001", "Oct 1, 2026 7:00 PM"],
            ["Webinar Performance", ""],
            ["Metric", "Value"],
            ["Attention", "Good"],
        ],
        "\r\n",
    )[0]
