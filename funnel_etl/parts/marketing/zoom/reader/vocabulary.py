"""The words of Zoom reports: headers, titles, summary labels and values, in English, Portuguese and Spanish.

Here: data, and how spellings are compared. A new spelling or language is one more entry in these tables.
Not here: what is done with a word (`layout`, `cells`), and words for dates (`core.date_spelling`).
"""

import re
import string
from collections.abc import Iterator, Mapping
from functools import lru_cache

from funnel_etl.core.values.text import fold

Spellings = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Meaning → language → spellings, the surest first: it has the meaning where two columns could."""

COLUMNS: Spellings = {
    "attended": {"en": ("Attended",), "pt": ("Participou",), "es": ("Asistió",)},
    "user_name": {
        "en": ("User Name (Original Name)", "User Name", "Name (Original Name)"),
        "pt": ("Nome de usuário (nome original)", "Nome de usuário"),
        "es": ("Nombre de usuario (nombre original)", "Nombre de usuario"),
    },
    "first_name": {"en": ("First Name",), "pt": ("Nome", "Primeiro nome"), "es": ("Nombre",)},
    "last_name": {"en": ("Last Name",), "pt": ("Sobrenome",), "es": ("Apellido", "Apellidos")},
    "email": {
        "en": ("Email", "Email Address", "User Email"),
        "pt": ("E-mail", "Endereço de e-mail"),
        "es": ("Correo electrónico", "Dirección de correo electrónico", "Correo"),
    },
    "phone": {
        "en": ("Phone", "Phone Number"),
        "pt": ("Telefone", "Número de telefone"),
        "es": ("Teléfono", "Número de teléfono"),
    },
    "registered_at": {
        "en": ("Registration Time", "Registration Date"),
        "pt": ("Horário de inscrição", "Hora de inscrição"),
        "es": ("Hora de registro", "Hora de inscripción", "Fecha de registro"),
    },
    "approval_status": {
        "en": ("Approval Status",),
        "pt": ("Status da Aprovação", "Status de aprovação"),
        "es": ("Estado de aprobación", "Estado de la aprobación"),
    },
    "joined_at": {
        "en": ("Join Time",),
        "pt": ("Hora do Ingresso", "Horário de entrada", "Hora de entrada"),
        "es": ("Hora de ingreso", "Hora de entrada", "Hora para unirse", "Hora de incorporación"),
    },
    "left_at": {
        "en": ("Leave Time",),
        "pt": ("Horário de saída", "Hora da saída", "Hora de saída"),
        "es": ("Hora de salida", "Hora para salir"),
    },
    "minutes": {
        "en": ("Time in Session (minutes)", "Time in Session"),
        "pt": ("Tempo em Sessão (minutos)", "Tempo na sessão (minutos)"),
        "es": ("Tiempo en la sesión (minutos)", "Tiempo en sesión (minutos)"),
    },
    "is_guest": {
        "en": ("Is Guest", "Guest"),
        "pt": ("É convidado", "Convidado"),
        "es": ("Es invitado", "Es un invitado", "Invitado"),
    },
    "country": {
        "en": ("Country/Region Name", "Country/Region", "Country"),
        "pt": ("Nome do país/da região", "Nome do país/região", "País/Região"),
        "es": ("Nombre de país/región", "Nombre del país/región", "País/Región"),
    },
    "source_name": {"en": ("Source Name",), "pt": ("Nome da fonte",), "es": ("Nombre de la fuente",)},
    "registration_source": {"en": ("Registration Source",)},
    "attendance_type": {"en": ("Attendance Type", "Attendance Mode")},
}
"""Columns of the sections. Any other header is a question of the registration form."""

SECTIONS: Spellings = {
    "host": {
        "en": ("Host Details",),
        "pt": ("Detalhes do anfitrião",),
        "es": ("Detalles del anfitrión", "Detalles de anfitrión"),
    },
    "panelist": {
        "en": ("Panelist Details",),
        "pt": ("Detalhes do Palestrante", "Detalhes do painelista"),
        "es": ("Detalles del panelista", "Detalles de panelista", "Detalles del ponente"),
    },
    "attendee": {
        "en": ("Attendee Details",),
        "pt": ("Detalhes dos Participantes", "Detalhes do participante"),
        "es": ("Detalles de asistente", "Detalles del asistente", "Detalles de los asistentes"),
    },
    "other": {
        "en": ("Other Attended",),
        "pt": ("Outros participantes", "Outros que participaram"),
        "es": ("Otros asistentes", "Otros que asistieron"),
    },
    "registrant": {
        "en": ("Registrant Details",),
        "pt": ("Detalhes dos inscritos", "Detalhes do inscrito"),
        "es": ("Detalles de los inscritos", "Detalles del inscrito"),
    },
}
"""Titles of sections. They decide between sections with like headers (host, panelist, attendee) only."""

TITLE_STEMS: Mapping[str, str] = {
    "host": "host(?!el) cohost anfitri coanfitri organizador hote(?!l)",
    "panelist": "panelist painelist ponente palestrant speaker presenter moderat moderad orador presentador "
    "apresentador conferencist conferenciant conferencier expositor exponent relator(?!i?o) podium",
    "other": "other otro otra outro outra",
    "attendee": "attend asistent participant",
    "registrant": "registrant registrad inscrit inscript inscri",
}
"""Beginnings of words that name a section, folded, as patterns; of two in one title the earlier here has it."""
STAFF = frozenset({"host", "panelist"})

TITLE_FILLERS = frozenset(
    "s detail details information info list section data alternative co and of the who without registration "
    "detalle detalles informacion lista datos de del los las la el y e que asistieron sin registro inscripcion "
    "detalhe detalhes informacoes dados do da dos das o os a as participaram sem inscricao "
    "webinar seminario web invitados convidados principal principales".split()
)
"""Words that may stand in a title beside them: with any other word a text is no title."""

REPORT_STEMS: Mapping[str, str] = {
    "attendee": "attend asistent participant",
    "registration": "registra inscri registro",
}
"""Beginnings of the words in the first line of a report."""

SUMMARY: Spellings = {
    "topic": {"en": ("Topic",), "pt": ("Tópico",), "es": ("Tema",)},
    "webinar_id": {
        "en": ("Webinar ID", "ID"),
        "pt": ("ID do Webinar",),
        "es": ("ID del seminario web", "ID de seminario web", "ID de webinar", "ID del webinar"),
    },
    "started_at": {
        "en": ("Actual Start Time",),
        "pt": ("Hora de Início Real", "Horário de início real"),
        "es": ("Hora de inicio real", "Hora real de inicio"),
    },
    "scheduled_at": {
        "en": ("Scheduled Time", "Scheduled Start Time"),
        "pt": ("Horário agendado", "Hora agendada", "Hora de início agendada", "Horário programado"),
        "es": ("Hora programada", "Horario programado", "Hora de inicio programada"),
    },
    "duration_minutes": {
        "en": ("Actual Duration (minutes)", "Duration (minutes)"),
        "pt": ("Duração Real (minutos)", "Duração (minutos)"),
        "es": ("Duración real (minutos)", "Duración (minutos)"),
    },
    "registered_count": {
        "en": ("# Registered", "# Registrants"),
        "pt": ("# Inscrito", "# Inscritos"),
        "es": ("N.º inscritos", "N.º de inscritos", "# Registrados", "# Inscritos"),
    },
    "cancelled_count": {
        "en": ("# Cancelled", "# Cancelled registrants", "# Canceled", "# Canceled registrants"),
        "pt": ("# Cancelado", "# Cancelados"),
        "es": ("N.º cancelados", "N.º de cancelados", "# Cancelados"),
    },
    "unique_viewers": {
        "en": ("Unique Viewers",),
        "pt": ("Visualizadores específicos", "Visualizadores únicos"),
        "es": ("Espectadores exclusivos", "Espectadores únicos"),
    },
    "total_users": {
        "en": ("Total Users",),
        "pt": ("Total de usuários",),
        "es": ("Usuarios totales", "Total de usuarios"),
    },
}
"""Labels of the one-row summary at the head of a report."""

GENERATED: Spellings = {
    "generated_at": {
        "en": ("Report Generated:", "Report generated time"),
        "pt": ("Relatório Gerado:", "Hora de geração do relatório"),
        "es": ("Informe generado:", "Hora de generación del informe", "Reporte generado:"),
    },
}
"""The label in front of the time at which the report was made."""

ANSWERS: Spellings = {
    "yes": {"en": ("Yes", "True"), "pt": ("Sim",), "es": ("Sí",)},
    "no": {"en": ("No", "False"), "pt": ("Não",), "es": ("No",)},
}

APPROVALS: Spellings = {
    "approved": {"en": ("approved",), "pt": ("aprovado",), "es": ("aprobado",)},
    "denied": {"en": ("denied", "declined"), "pt": ("negado", "recusado"), "es": ("denegado", "rechazado")},
    "pending": {
        "en": ("pending", "pending approval"),
        "pt": ("pendente",),
        "es": ("pendiente",),
    },
    "cancelled by self": {
        "en": ("cancelled by self", "canceled by self"),
        "pt": ("cancelado por si mesmo", "cancelado pelo próprio", "cancelado"),
        "es": ("cancelado por sí mismo", "cancelado por el usuario", "cancelado"),
    },
    "cancelled by host": {
        "en": ("cancelled by host", "canceled by host"),
        "pt": ("cancelado pelo anfitrião",),
        "es": ("cancelado por el anfitrión",),
    },
    "upgraded to panelist": {
        "en": ("upgraded to panelist",),
        "pt": ("promovido a palestrante", "promovido a painelista"),
        "es": ("ascendido a panelista", "promovido a panelista"),
    },
}
"""Approval statuses, stored as their English words. A status that is not here is kept as it came."""

BLANKS = ("", "-", "--", "NA", "N/A")
"""What a date, status, answer or minutes cell holds when it holds nothing."""

OTHER_REPORTS: Mapping[str, tuple[str, ...]] = {
    "a Zoom meeting's participants report": (
        "Meeting ID", "Recording Consent", "Recording disclaimer response", "In Waiting Room",
        "Total Duration (Minutes)", "ID da reunião", "ID de la reunión", "ID de reunión",
        "Na sala de espera", "En la sala de espera", "Duração total (minutos)", "Duración total (minutos)",
    ),
    "a Zoom poll report": (
        "Poll Report", "Poll Details", "Launched Polls", "Poll Name", "Relatório de enquete", "Relatório de votação",
        "Informe de encuesta", "Informe de sondeo", "Submitted Date/Time",
    ),
    "a Zoom Q&A report": (
        "Q&A Report", "Question Report", "Question Details", "Asker Name", "Answer(s)",
        "Relatório de perguntas e respostas", "Informe de preguntas y respuestas",
    ),
    "a Zoom chat": ("Chat Report", "Chat History", "Chat Messages", "Chat Transcript"),
    "a Zoom survey report": ("Survey Report", "Survey Details", "Survey Name", "Post-webinar survey report"),
    "a Zoom performance report": ("Performance Report", "Webinar Performance", "Webinar Performance Report"),
    "a Zoom registration sources report": ("Source Tracking Report", "Visitor Count", "Registrant Count"),
    "Zoom's list of webinars or its usage report": (
        "Usage Report", "Active Hosts Report", "Webinar Report", "Webinar List",
    ),
}  # fmt: skip
"""Cells in the head of files that Zoom also exports, by what such a file is."""


LONGEST = 300
"""Characters of the longest text that is compared as a whole. No word of a report is half as long."""

_SIGNS = {code: None for code in range(128) if chr(code) not in string.ascii_letters + string.digits}


@lru_cache(maxsize=4096)
def key(text: str) -> str:
    """Fold a text to its letters and digits: the form in which the words of a report are compared.

    A text longer than `LONGEST` has none ("").
    """
    if len(text) > LONGEST:
        return ""
    plain = fold(text).translate(_SIGNS)
    return plain if plain.isascii() else "".join(ch for ch in plain if ch.isalnum())


def section_of(title: str) -> str | None:
    """Return which section a title names, by whole spelling or by the beginnings of its words; None for no title."""
    return _SECTION_KEYS.get(key(title)) or _named_by_stems(title)


@lru_cache(maxsize=1024)
def _named_by_stems(title: str) -> str | None:
    words = _words(title)
    if not words or len(words) > 8:
        return None
    named = [_stem_of(word, TITLE_STEMS) for word in words]
    if any(name is None and word not in TITLE_FILLERS for name, word in zip(named, words, strict=True)):
        return None
    return next((role for role in TITLE_STEMS if role in named), None)


def staff_in(text: str) -> str | None:
    """Return whose section a text is the title of if it is one, by any of its words: host, panelist, or None.

    For what stands directly above a header. None also for a text that names attendees or registrants too.
    """
    named = {_stem_of(word, TITLE_STEMS) for word in _words(text)} - {None, "other"}
    return next((role for role in TITLE_STEMS if role in named), None) if named <= STAFF else None


def report_of(title: str) -> str | None:
    """Return which report the first line of a file says it is: attendee, registration, or None."""
    found = {_stem_of(word, REPORT_STEMS) for word in _words(title)} - {None}
    return found.pop() if len(found) == 1 else None


def _stem_of(word: str, stems: Mapping[str, str]) -> str | None:
    return next((name for name, starts in stems.items() if re.match("|".join(starts.split()), word)), None)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", fold(text[:LONGEST]))


def entries(table: Spellings) -> Iterator[tuple[str, str, str]]:
    """Yield (meaning, language, spelling), meaning by meaning."""
    for meaning, languages in table.items():
        for language, spellings in languages.items():
            for spelling in spellings:
                yield meaning, language, spelling


def by_key(table: Spellings) -> dict[str, str]:
    """Map each spelling's key to its meaning; of two meanings with one spelling the earlier has it."""
    found: dict[str, str] = {}
    for meaning, _language, spelling in entries(table):
        found.setdefault(key(spelling), meaning)
    return found


def languages_by_key(*tables: Spellings) -> dict[str, frozenset[str]]:
    """Map each spelling's key to the languages that use it."""
    found: dict[str, set[str]] = {}
    for table in tables:
        for _meaning, language, spelling in entries(table):
            found.setdefault(key(spelling), set()).add(language)
    return {spelled: frozenset(languages) for spelled, languages in found.items()}


_SECTION_KEYS = by_key(SECTIONS)
