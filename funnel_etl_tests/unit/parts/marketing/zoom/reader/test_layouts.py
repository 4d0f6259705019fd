"""One truth written in every layout that real files have gives the same rows, as far as the layout can carry it."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd
import pytest

from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport, read_export

START = datetime(2026, 4, 13, 14, 30)  # noqa: DTZ001 - local in the account's zone
AT = ("registered_at", "joined_at", "left_at")


@dataclass(frozen=True)
class Row:
    section: str
    user_name: str
    email: str
    phone: str = ""
    attended: bool = True
    registered_at: datetime | None = None
    joined_at: datetime | None = None
    left_at: datetime | None = None
    approval_status: str = ""
    country: str = "India"

    @property
    def minutes(self) -> str:
        return str((self.left_at - self.joined_at).seconds // 60) if self.left_at and self.joined_at else "--"


def came(section: str, name: str, after: int, stay: int, **more: object) -> Row:
    joined = START + timedelta(minutes=after)
    email = f"{name.lower()}@example.com" if section != "other" else ""
    return Row(section, name, email, joined_at=joined, left_at=joined + timedelta(minutes=stay), **more)  # type: ignore[arg-type]


BEFORE = START - timedelta(days=17, hours=3)
TRUTH = [
    came("host", "Hema", 0, 90),
    came("panelist", "Guru", 1, 80),
    Row(
        "attendee", "Asha", "asha@example.com", "'+919876512345", False, BEFORE, approval_status="approved", country=""
    ),
    came("attendee", "João", 5, 10, phone="91+ 9123456789", registered_at=BEFORE, approval_status="approved"),
    came("attendee", "João", 30, 12),
    came("attendee", "Ravi", 9, 1, phone="9.87651E+09", registered_at=START, approval_status="cancelled by self"),
    came("other", "Caller", 2, 3),
]
ENGLISH = {
    "attended": "Attended", "user_name": "User Name (Original Name)", "first_name": "First Name", "email": "Email",
    "phone": "Phone", "registered_at": "Registration Time", "approval_status": "Approval Status",
    "joined_at": "Join Time", "left_at": "Leave Time", "minutes": "Time in Session (minutes)",
    "is_guest": "Is Guest", "country": "Country/Region Name",
}  # fmt: skip
PORTUGUESE = {
    "attended": "Participou", "user_name": "Nome de usuário (nome original)", "first_name": "Nome", "email": "E-mail",
    "phone": "Telefone", "registered_at": "Horário de inscrição", "approval_status": "Status da Aprovação",
    "joined_at": "Hora do Ingresso", "left_at": "Horário de saída", "minutes": "Tempo em Sessão (minutos)",
    "is_guest": "É convidado", "country": "Nome do país/da região",
}  # fmt: skip
SPANISH = {
    "attended": "Asistió", "user_name": "Nombre de usuario (nombre original)", "first_name": "Nombre",
    "email": "Correo electrónico", "phone": "Teléfono", "registered_at": "Hora de registro",
    "approval_status": "Estado de aprobación", "joined_at": "Hora de ingreso", "left_at": "Hora de salida",
    "minutes": "Tiempo en la sesión (minutos)", "is_guest": "Es invitado", "country": "Nombre de país/región",
}  # fmt: skip
STAFF = ("attended", "user_name", "email", "joined_at", "left_at", "minutes", "country")
OTHER = ("user_name", "joined_at", "left_at", "minutes", "country")
WORDS = {
    "en": ("Yes", "No", {}),
    "pt": ("Sim", "Não", {"approved": "aprovado", "cancelled by self": "cancelado por si mesmo"}),
    "es": ("Sí", "No", {"approved": "aprobado", "cancelled by self": "cancelado por sí mismo"}),
}
TITLES = {
    "en": ("Host Details", "Panelist Details", "Attendee Details", "Other Attended"),
    "pt": ("Detalhes do anfitrião", "Detalhes do Palestrante", "Detalhes dos Participantes", "Outros participantes"),
    "es": ("Detalles del anfitrión", "Detalles del panelista", "Detalles de asistente", "Otros asistentes"),
}
HEADS = {
    "en": "Report Generated:|Topic|Webinar ID|Actual Start Time|Actual Duration (minutes)|# Registered|Unique Viewers",
    "en new": "Report generated time|Topic|ID|Actual Start Time|Duration (minutes)|# Registrants|Unique Viewers",
    "pt": "Relatório Gerado:|Tópico|ID do Webinar|Hora de Início Real|Duração Real (minutos)|# Inscrito|"
    "Visualizadores específicos",
    "es": "Informe generado:|Tema|ID del seminario web|Hora de inicio real|Duración real (minutos)|N.º inscritos|"
    "Espectadores exclusivos",
}


@dataclass(frozen=True)
class Way:
    """How the truth is written. `without`: columns that this layout does not have."""

    names: dict[str, str] = field(default_factory=lambda: ENGLISH)
    language: str = "en"
    head: str = "en new"
    order: tuple[str, ...] = tuple(ENGLISH)
    without: tuple[str, ...] = ()
    sections: tuple[int, ...] = (0, 1, 2, 3)
    date: str = "%b %d, %Y %H:%M:%S"
    blank: str = "--"
    titles: bool = True
    trailing_comma: bool = True
    extra: tuple[str, ...] = ()
    delimiter: str = ","
    line_end: str = "\n"
    pad_to: int = 0
    blank_lines: bool = False
    encode: Callable[[str], bytes] = str.encode


def cell(row: Row, column: str, way: Way) -> str:
    yes, no, statuses = WORDS[way.language]
    if column == "attended":
        return yes if row.attended else no
    if column == "is_guest":
        return yes if row.attended else way.blank
    if column == "first_name":
        return row.user_name
    value = getattr(row, column, "")
    if column in AT:
        missing = "" if column == "registered_at" else way.blank
        return value.strftime(way.date) if value else missing
    return statuses.get(value, value) if column == "approval_status" else str(value)


def records(way: Way) -> Iterator[list[str]]:
    generated, *labels = HEADS[way.head].split("|")
    yield ["Attendee Report"]
    yield [generated, (START + timedelta(days=3)).strftime(way.date)]
    yield labels
    yield ["Maths, Day 1", "885 8860 5779", START.strftime(way.date), " 90", "3", "2"]
    for at in way.sections:
        role = ("host", "panelist", "attendee", "other")[at]
        kept = [c for c in way.order if c not in way.without]
        if role != "attendee":
            kept = [c for c in kept if c in (OTHER if role == "other" else STAFF)]
        if way.blank_lines:
            yield []
        if way.titles:
            yield [TITLES[way.language][at]]
        extra = list(way.extra) if role == "attendee" else []
        yield [way.names[c] for c in kept] + extra
        for row in (row for row in TRUTH if row.section == role):
            is_first = role == "attendee" and (row.registered_at is not None)
            tail = [""] if is_first and way.trailing_comma and not way.pad_to else []
            yield [cell(row, c, way) for c in kept] + ["answer, with comma" for _ in extra] + tail


def written(way: Way) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=way.delimiter, lineterminator=way.line_end)
    writer.writerows(r + [""] * (way.pad_to - len(r)) for r in records(way))
    return way.encode(out.getvalue())


def reordered(*first: str) -> tuple[str, ...]:
    return (*first, *(c for c in ENGLISH if c not in first))


WAYS = {
    "2020": Way(head="en", without=("user_name", "phone", "is_guest"), order=reordered("attended", "first_name")),
    "2021": Way(head="en", without=("phone", "is_guest")),
    "2024": Way(extra=("Job Title",)),
    "2026": Way(without=("phone",)),
    "2026 with Source Name": Way(without=("phone",), extra=("Source Name",)),
    "registration off": Way(without=("first_name", "phone", "registered_at", "approval_status")),
    "Portuguese": Way(PORTUGUESE, "pt", "pt"),
    "Portuguese, other join word": Way(PORTUGUESE | {"joined_at": "Horário de entrada"}, "pt", "pt"),
    "Spanish": Way(SPANISH, "es", "es"),
    "Spanish, join time headed job title": Way(SPANISH | {"joined_at": "Puesto de trabajo"}, "es", "es"),
    "phone as a custom question": Way(ENGLISH | {"phone": "Phone Number (Enter with Country code ex., +91 98)"}),
    "phone asked with a new wording": Way(ENGLISH | {"phone": "Calling number"}),
    "custom questions": Way(extra=('Your "goal", please', "Year of birth")),
    "columns in another order": Way(order=reordered("email", "left_at", "joined_at", "country", "phone")),
    "columns backwards": Way(order=tuple(reversed(ENGLISH)), trailing_comma=False),
    "sections in another order": Way(sections=(2, 3, 1, 0)),
    "no staff sections": Way(sections=(2, 3)),
    "attendees only": Way(sections=(2,)),
    "without titles": Way(titles=False, sections=(2,)),
    "blank lines between": Way(blank_lines=True),
    "header in capitals": Way({name: text.upper() for name, text in ENGLISH.items()}),
    "numeric dates, month first": Way(date="%m/%d/%Y %I:%M:%S %p"),
    "numeric dates without seconds": Way(date="%m/%d/%Y %H:%M"),
    "numeric dates, day first": Way(date="%d-%m-%Y %H:%M"),
    "ISO dates": Way(date="%Y-%m-%d %H:%M:%S"),
    "12 hours": Way(date="%b %d, %Y %I:%M %p"),
    "blank no-shows": Way(blank=""),
    "NA no-shows": Way(blank="NA"),
    "Excel": Way(date="%m/%d/%Y %H:%M", line_end="\r\n", pad_to=20, encode=lambda text: text.encode("utf-8-sig")),
    "Excel in Europe": Way(date="%d/%m/%Y %H:%M", line_end="\r\n", pad_to=16, delimiter=";"),
    "tabs in UTF-16": Way(delimiter="\t", line_end="\r\n", encode=lambda text: text.encode("utf-16")),
    "UTF-16 BE without BOM": Way(encode=lambda text: text.encode("utf-16-be")),
    "Windows-1252": Way(encode=lambda text: text.encode("cp1252")),
    "CR line ends": Way(line_end="\r"),
    "NULs": Way(encode=lambda text: text.replace("Yes", "Ye\x00s").encode()),
}


def expected(column: str, rows: list[Row]) -> list[object]:
    if column in AT:
        times = (getattr(row, column) for row in rows)
        return [pd.Timestamp(time, tz="Asia/Kolkata").tz_convert("UTC") if time else None for time in times]
    if column == "minutes":
        return [int(row.minutes) if row.joined_at else None for row in rows]
    return [getattr(row, column) if getattr(row, column) != "" else None for row in rows]


def found(column: str, export: ZoomExport) -> list[object]:
    return [None if pd.isna(value) else value for value in export.rows[column]]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_the_same_truth_gives_the_same_rows(way: Way) -> None:
    export = read_export(written(way), file_id="f1", zone="Asia/Kolkata")
    roles = [("host", "panelist", "attendee", "other")[at] for at in way.sections]
    rows = [row for role in roles for row in TRUTH if row.section == role]
    compared = ["section", "attended", "email", *AT, "minutes", "country"]
    compared += [column for column in ("user_name", "phone", "approval_status") if column not in way.without]
    compared = [column for column in compared if column not in way.without]
    assert len(compared) >= 7
    for column in compared:
        assert found(column, export) == expected(column, rows), column
    facts = export.facts
    assert (facts["report"], facts["topic"], facts["webinar_id"]) == ("attendee", "Maths, Day 1", "88588605779")
    assert facts["started_at"] == pd.Timestamp(START, tz="Asia/Kolkata")
    assert (facts["duration_minutes"], facts["registered_count"], facts["unique_viewers"]) == (90, 3, 2)
    assert facts["layout"] == way.language
    assert export.rows["row_problem"].isna().all()
    assert export.rows["cell_warnings"].sum() == 0


def test_there_are_more_than_twenty_layouts_and_all_differ() -> None:
    assert len({written(way) for way in WAYS.values()}) == len(WAYS) > 20
