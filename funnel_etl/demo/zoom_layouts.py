"""The layouts in which the demo writes Zoom reports: titles, headers, words and date spellings, as data."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from funnel_etl.demo.sheet import columns

_PT_MONTHS = ("jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez.")


def named(stamp: pd.Timestamp) -> str:
    """Write `Mar 28, 2020 08:07:27`."""
    return f"{stamp:%b %d, %Y %H:%M:%S}"


def named_minute(stamp: pd.Timestamp) -> str:
    """Write `Apr 1, 2026 2:38 PM`."""
    return f"{stamp:%b} {stamp.day}, {stamp.year} {stamp.hour % 12 or 12}:{stamp:%M %p}"


def month_first(stamp: pd.Timestamp) -> str:
    """Write `12/25/2025 05:42:17 PM`."""
    return f"{stamp:%m/%d/%Y %I:%M:%S %p}"


def portuguese(stamp: pd.Timestamp) -> str:
    """Write `jan. 12, 2021 8:53 da manhã`."""
    half = "da manhã" if stamp.hour < 12 else "da tarde"
    return f"{_PT_MONTHS[stamp.month - 1]} {stamp.day}, {stamp.year} {stamp.hour % 12 or 12}:{stamp:%M} {half}"


_TITLES = ("Attendee Report", "Host Details", "Panelist Details", "Attendee Details", "Other Attended")


@dataclass(frozen=True)
class Layout:
    """How one generation of Zoom writes an attendee report."""

    generated: str
    summary: list[str]
    staff: list[str]
    attendee: list[str]
    titles: tuple[str, ...] = _TITLES
    words: dict[str, str] = field(default_factory=dict)
    cell: Callable[[pd.Timestamp], str] = named
    moment: Callable[[pd.Timestamp], str] = named_minute
    nothing: str = "--"
    trailing_comma: bool = True
    encoding: str = "utf-8-sig"
    newline: str = "\r\n"
    delimiter: str = ","

    def word(self, english: str) -> str:
        """Return a value in the layout's language."""
        return self.words.get(english, english)


_OLD_SUMMARY = (
    "Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registered,# Cancelled,Unique Viewers,Total Users,"
    "Max Concurrent Views"
)
_NEW_SUMMARY = (
    "Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registrants,# Cancelled registrants,Unique Viewers,"
    "Total Users,Max Concurrent Views,Enable Registration"
)
_OLD_STAFF = "Attended,User Name,Email,Join Time,Leave Time,Time in Session (minutes),Country/Region Name"
_NEW_STAFF = (
    "Attended,User Name (Original Name),Email,Join Time,Leave Time,Time in Session (minutes),Is Guest,"
    "Country/Region Name"
)
_PT_STAFF = (
    "Participou,Nome de usuário (nome original),E-mail,Horário de entrada,Horário de saída,Tempo em Sessão (minutos),"
    "Nome do país/da região"
)


LAYOUTS: dict[str, Layout] = {
    "2020": Layout(
        generated="Report Generated:",
        summary=columns(_OLD_SUMMARY),
        staff=columns(_OLD_STAFF),
        attendee=columns(
            "Attended,First Name,Last Name,Email,Registration Time,Approval Status,Join Time,Leave Time,"
            "Time in Session (minutes),Country/Region Name"
        ),
        nothing="",
        trailing_comma=False,
        encoding="utf-8",
        newline="\n",
    ),
    "2021": Layout(
        generated="Report Generated:",
        summary=columns(_OLD_SUMMARY),
        staff=columns(_NEW_STAFF),
        attendee=columns(
            "Attended,User Name (Original Name),First Name,Last Name,Email,Registration Time,Approval Status,Join Time,"
            "Leave Time,Time in Session (minutes),Country/Region Name"
        ),
        encoding="utf-16",
    ),
    "2024": Layout(
        generated="Report Generated:",
        summary=columns(_NEW_SUMMARY),
        staff=columns(_NEW_STAFF),
        attendee=columns(
            "Attended,User Name (Original Name),First Name,Last Name,Email,Phone,Job Title,Registration Time,"
            "Approval Status,Join Time,Leave Time,Time in Session (minutes),Is Guest,Country/Region Name"
        ),
        cell=month_first,
        moment=month_first,
    ),
    "2026": Layout(
        generated="Report generated time",
        summary=columns(_NEW_SUMMARY),
        staff=columns(_NEW_STAFF),
        attendee=columns(
            "Attended,User Name (Original Name),First Name,Last Name,Email,Registration Time,Approval Status,Join Time,"
            "Leave Time,Time in Session (minutes),Is Guest,Country/Region Name,Source Name"
        ),
    ),
    "registration_off": Layout(
        generated="Report generated time",
        summary=columns("Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),Total Users,Unique Viewers"),
        staff=columns(_NEW_STAFF),
        attendee=columns(_NEW_STAFF),
        cell=month_first,
        moment=month_first,
        trailing_comma=False,
        delimiter=";",
    ),
    "portuguese": Layout(
        generated="Relatório Gerado:",
        summary=columns(
            "Tópico,ID do Webinar,Hora de Início Real,Duração Real (minutos),# Inscrito,# Cancelado,"
            "Visualizadores específicos,Total de usuários,Máximo de visualizações simultâneas"
        ),
        staff=columns(_PT_STAFF),
        attendee=columns(
            "Participou,Nome de usuário (nome original),Nome,Sobrenome,E-mail,Horário de inscrição,Status da Aprovação,"
            "Hora do Ingresso,Horário de saída,Tempo em Sessão (minutos),Nome do país/da região"
        ),
        titles=(
            "Relatório de Participante",
            "Detalhes do anfitrião",
            "Detalhes do Palestrante",
            "Detalhes dos Participantes",
            "Outro participante",
        ),
        words={"Yes": "Sim", "No": "Não", "approved": "aprovado", "India": "Índia"},
        moment=portuguese,
        encoding="cp1252",
    ),
}
"""By the name used in `zoom_events.LAYOUTS`."""

MEANING: dict[str, str] = {
    "Topic": "topic",
    "Webinar ID": "webinar_id",
    "Actual Start Time": "start",
    "Actual Duration (minutes)": "duration",
    "# Registered": "registered_count",
    "# Registrants": "registered_count",
    "# Cancelled": "cancelled_count",
    "# Cancelled registrants": "cancelled_count",
    "Unique Viewers": "unique_viewers",
    "Total Users": "total_users",
    "Max Concurrent Views": "views",
    "Enable Registration": "enabled",
    "Tópico": "topic",
    "ID do Webinar": "webinar_id",
    "Hora de Início Real": "start",
    "Duração Real (minutos)": "duration",
    "# Inscrito": "registered_count",
    "# Cancelado": "cancelled_count",
    "Visualizadores específicos": "unique_viewers",
    "Total de usuários": "total_users",
    "Máximo de visualizações simultâneas": "views",
    "Attended": "attended",
    "User Name": "user_name",
    "User Name (Original Name)": "user_name",
    "First Name": "first_name",
    "Last Name": "last_name",
    "Email": "email",
    "Phone": "phone",
    "Registration Time": "registered",
    "Approval Status": "status",
    "Join Time": "joined",
    "Leave Time": "left",
    "Time in Session (minutes)": "minutes",
    "Is Guest": "guest",
    "Country/Region Name": "country",
    "Source Name": "source_name",
    "Participou": "attended",
    "Nome de usuário (nome original)": "user_name",
    "Nome": "first_name",
    "Sobrenome": "last_name",
    "E-mail": "email",
    "Horário de inscrição": "registered",
    "Status da Aprovação": "status",
    "Hora do Ingresso": "joined",
    "Horário de entrada": "joined",
    "Horário de saída": "left",
    "Tempo em Sessão (minutos)": "minutes",
    "Nome do país/da região": "country",
}
"""Which planted value a column shows; other columns are left empty."""

PHONE_QUESTIONS = (
    "Phone Number (Enter with Country code ex., +91 9800000000)",
    "Mobile",
    "WhatsApp number",
    'Your "WhatsApp" number, please',
)
OTHER_QUESTIONS = ("City", "What do you do?", "Organization")
