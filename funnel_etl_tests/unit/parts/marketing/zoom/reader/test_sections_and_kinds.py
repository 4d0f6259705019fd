"""Which section a title names, and which report a file is: by all that says so, and never silently against it."""

import pytest

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport, read_export
from funnel_etl.parts.marketing.zoom.reader.vocabulary import report_of, section_of

STAFF = "Attended,User Name,Email,Join Time,Leave Time,Time in Session (minutes)\nYes,S,s@example.com,{t},{t},95"
PEOPLE = (
    "Attended,User Name,Email,Registration Time,Join Time,Leave Time,Time in Session (minutes)\n"
    "Yes,A,a@example.com,{t},{t},{t},80"
)
TIME = '"Nov 12, 2026 19:00:00"'
HEAD = (
    'Attendee Report\nReport Generated:,"Nov 12, 2026 9:30 PM"\n'
    "Topic,Webinar ID,Actual Start Time\nClass,111 2222 3333,{t}\n"
)


def read(*parts: str) -> ZoomExport:
    return read_export("\n".join(part.format(t=TIME) for part in parts).encode(), file_id="f", zone="Asia/Kolkata")


@pytest.mark.parametrize(
    ("title", "section"),
    [
        *(
            (title, "panelist")
            for title in ("Panelist Details", "Panelists' details", "Panelist information", "PANELISTS")
        ),
        *((title, "panelist") for title in ("Detalles de los panelistas", "Detalles de los ponentes", "Ponentes")),
        *(
            (title, "panelist")
            for title in ("Detalhes dos painelistas", "Informações dos palestrantes", "Speaker list")
        ),
        *((title, "host") for title in ("Hosts", "Host information", "Co-host Details", "Alternative host details")),
        *(
            (title, "host")
            for title in ("Detalles de los anfitriones", "Detalhes dos anfitriões", "Host and panelists")
        ),
        *(
            (title, "attendee")
            for title in ("Attendees", "Información de los asistentes", "Detalhes dos participantes")
        ),
        *((title, "other") for title in ("Others attended", "Otros participantes", "Outros que participaram")),
        *((title, "registrant") for title in ("Registrants", "Lista de inscritos", "Información de los registrados")),
        *((title, None) for title in ("Attendee Report", "Relatório de Participante", "Informe de asistentes")),
        *((title, "panelist") for title in ("Webinar Panelist Details", "Detalles de los panelistas invitados")),
        *((title, "panelist") for title in ("Detalles de los ponentes del seminario web", "Relatori", "Podium")),
        *((title, "panelist") for title in ("Detalles de los conferenciantes", "Detalles de los oradores principales")),
        *((title, "host") for title in ("Detalles del coanfitrión", "Hôtes")),
        *((title, "attendee") for title in ("Asistentes invitados", "Webinar attendees")),
        *((title, None) for title in ("Hostel list", "Hotel", "Detalles de los invitados", "Relatório")),
        *((title, None) for title in ("Ravi Kumar", "Host Kumar", "Registration Report", "Panelist of the year", "")),
    ],
)
def test_a_title_is_known_by_the_beginnings_of_its_words(title: str, section: str | None) -> None:
    assert section_of(title) == section


@pytest.mark.parametrize(
    ("title", "section"),
    [
        ("Detalles de los panelistas", "panelist"),
        ("Panelists' details", "panelist"),
        ("Detalles de los anfitriones", "host"),
        ("Moderators", "panelist"),
        ("Panelist Report", "panelist"),
        ("Panelistas que ingresaron", "panelist"),
        ("Información sobre los panelistas", "panelist"),
        ("Detalhes dos painelistas que entraram", "panelist"),
        ("Détails des panélistes", "panelist"),
        ("Dettagli relatori", "panelist"),
        ("All the speakers of the evening in the order of their talks", "panelist"),
        ("Details zum Host", "host"),
        ("Détails de l'hôte", "host"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False], ids=["first section", "after another"])
def test_staff_under_a_reworded_title_are_no_attendees(title: str, section: str, is_first: bool) -> None:
    """Incident: `Detalles de los panelistas` made attendees of panelists."""
    parts = [f"{title}\n{STAFF}", f"Attendee Details\n{PEOPLE}"]
    rows = read(HEAD.rstrip("\n"), *(parts if is_first else reversed(parts))).rows
    assert dict(zip(rows["email"], rows["section"], strict=True)) == {
        "s@example.com": section,
        "a@example.com": "attendee",
    }


@pytest.mark.parametrize("is_first", [True, False], ids=["first section", "after another"])
@pytest.mark.parametrize(
    "title",
    ["Everybody our hosts let in", "Hosts and attendees by name", "Hostel students", "Attendees after the speakers"],
)
def test_attendees_stay_attendees_under_a_title_that_names_staff_as_well(title: str, is_first: bool) -> None:
    """Whoever registered came as an attendee, whatever stands above the header."""
    parts = [f"{title}\n{PEOPLE}", f"Host Details\n{STAFF}"]
    rows = read(HEAD.rstrip("\n"), *(parts if is_first else reversed(parts))).rows
    assert dict(zip(rows["email"], rows["section"], strict=True))["a@example.com"] == "attendee"


def test_a_title_that_was_read_by_one_of_its_words_is_noted_without_its_words() -> None:
    notes = read(HEAD + "Unsere Panelists am Abend", STAFF).notes
    assert [note for note in notes if "title" in note] == [
        "the title above line 6 has words that are not known: it was read as 'panelist'"
    ]
    assert not any("title" in note for note in read(HEAD + "Webinar Panelist Details", STAFF).notes)


@pytest.mark.parametrize("is_first", [True, False], ids=["first section", "after another"])
def test_an_unknown_title_makes_attendees_with_a_warning(is_first: bool) -> None:
    parts = [f"Betreuer\n{STAFF}", f"Attendee Details\n{PEOPLE}"]
    export = read(HEAD.rstrip("\n"), *(parts if is_first else reversed(parts)))
    assert any("title" in note and "is not known" in note and "'attendee'" in note for note in export.notes)
    assert "Betreuer" not in " ".join(export.notes)


@pytest.mark.parametrize(
    ("title", "report"),
    [
        ("Attendee Report", "attendee"),
        ("Relatório de Participante", "attendee"),
        ("Informe de asistentes", "attendee"),
        ("Registration Report", "registration"),
        ("Relatório de inscrição", "registration"),
        ("Poll Report", None),
    ],
)
def test_the_first_line_names_the_report(title: str, report: str | None) -> None:
    assert report_of(title) == report


def test_an_attendee_report_whose_times_have_unknown_headers_is_one_by_its_other_columns() -> None:
    people = PEOPLE.replace("Join Time", "Entered").replace("Leave Time", "Gone")
    export = read(HEAD + "Attendee Details", people)
    assert (export.facts["report"], export.rows["attended"].tolist(), export.rows["minutes"].tolist()) == (
        "attendee",
        [True],
        [80],
    )
    assert any("is known as the time people joined or left" in note for note in export.notes)


def test_a_registration_report_that_says_who_came_is_an_attendee_report_with_a_warning() -> None:
    export = read(HEAD.replace("Attendee Report", "Registration Report") + "Attendee Details", PEOPLE)
    assert export.facts["report"] == "attendee"
    assert any("first line says registration report" in note for note in export.notes)


def test_an_attendee_report_without_any_column_of_who_came_is_refused() -> None:
    people = "First Name,Last Name,Email,Registration Time\nA,B,a@example.com,{t}"
    with pytest.raises(NotAZoomReport, match="no column says who came"):
        read(HEAD + "Attendee Details", people)


def test_a_question_named_attended_makes_no_attendee_report() -> None:
    people = "First Name,Last Name,Email,Registration Time,Attended\nA,B,a@example.com,{t},Yes"
    head = HEAD.replace("Attendee Report", "Registration Report").replace("Actual Start", "Scheduled")
    assert read(head + "Attendee Details", people).facts["report"] == "registration"
