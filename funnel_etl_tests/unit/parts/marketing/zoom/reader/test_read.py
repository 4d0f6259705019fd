"""What a whole, healthy report becomes: facts, sections, typed cells, languages, questions."""

import json

import pandas as pd
import pytest

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.parts.marketing.zoom.reader.contracts import (
    RAW_ZOOM_ATTENDEE_ROWS,
    RAW_ZOOM_REGISTRANT_ROWS,
    RAW_ZOOM_REPORTS,
)
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport, read_export

HEAD = """\
Attendee Report,
Report generated time,"Apr 04, 2026 12:18 PM"
Topic,ID,Actual Start Time,Actual Duration (minutes),# Registrants,# Cancelled registrants,Unique Viewers,Total Users
Free Masterclass,111 2222 3333,"Apr 1, 2026 2:38 PM", 90, 3,1,2,4
"""
STAFF = (
    "Attended,User Name (Original Name),Email,Join Time,Leave Time,Time in Session (minutes),Is Guest,"
    "Country/Region Name"
)
PEOPLE = (
    "Attended,User Name (Original Name),First Name,Last Name,Email,Registration Time,Approval Status,Join Time,"
    "Leave Time,Time in Session (minutes),Is Guest,Country/Region Name"
)
BODY = f"""\
Host Details,
{STAFF}
Yes,Team,host@example.com,"Apr 01, 2026 14:38:06","Apr 01, 2026 16:06:47",89,No,India
Panelist Details,
{STAFF}
Yes,Guru,guru@example.com,"Apr 01, 2026 14:39:00","Apr 01, 2026 16:00:00",81,Yes,India
Attendee Details,
{PEOPLE}
No,Asha,Asha,Rao,asha@example.com,"Mar 25, 2026 06:25:15",approved,--,--,--,--,,
Yes,Ravi,Ravi,K,ravi@e.in,"Mar 26, 2026 10:00:00",approved,"Apr 01, 2026 14:40:00","Apr 01, 2026 14:50:30",11,Yes,India,
Yes,Ravi,Ravi,K,ravi@e.in,,,"Apr 01, 2026 14:55:00","Apr 01, 2026 15:00:00",5,Yes,India
Other Attended,
User Name,Join Time,Leave Time,Time in Session (minutes),Country/Region Name
Phone caller,"Apr 01, 2026 2:40 PM","Apr 01, 2026 2:41 PM",1,India
"""


def read(text: str, encoding: str = "utf-8") -> ZoomExport:
    return read_export(text.encode(encoding), file_id="f1", zone="Asia/Kolkata")


def registration(header: str, *rows: str) -> str:
    head = (
        'Registration Report,\nReport generated time,"Apr 04, 2026 12:18 PM"\n'
        "Topic,ID,Scheduled Time,Duration (minutes),# Registrants,# Cancelled registrants\n"
        'Free Masterclass,111-222-333,"Apr 01, 2026 3:00 PM", 90, 2, 0\nAttendee Details,\n'
    )
    return head + "\n".join([header, *rows]) + "\n"


def test_the_summary_becomes_the_facts() -> None:
    facts = read(HEAD + BODY).facts
    assert facts["report"] == "attendee"
    assert (facts["topic"], facts["webinar_id"], facts["layout"]) == ("Free Masterclass", "11122223333", "en")
    assert facts["generated_at"] == pd.Timestamp("2026-04-04T06:48Z")
    assert facts["started_at"] == pd.Timestamp("2026-04-01T09:08Z")
    assert facts["scheduled_at"] is pd.NaT
    counts = ("duration_minutes", "registered_count", "cancelled_count", "unique_viewers", "total_users")
    assert [facts[name] for name in counts] == [90, 3, 1, 2, 4]


def test_every_record_has_its_section_and_its_line() -> None:
    rows = read(HEAD + BODY).rows
    assert rows["section"].tolist() == ["host", "panelist", "attendee", "attendee", "attendee", "other"]
    assert rows["source_row"].tolist() == [7, 10, 13, 14, 15, 18]


def test_a_trailing_comma_shifts_nothing_and_is_no_problem() -> None:
    rows = read(HEAD + BODY).rows
    assert rows["row_problem"].isna().all()
    assert rows["email"].iloc[2:5].tolist() == ["asha@example.com", "ravi@e.in", "ravi@e.in"]
    assert rows["country"].iloc[3:5].tolist() == ["India", "India"]


def test_cells_are_typed() -> None:
    rows = read(HEAD + BODY).rows
    no_show, first = rows.iloc[2], rows.iloc[3]
    assert rows["attended"].tolist() == [True, True, False, True, True, True]
    assert first["joined_at"] == pd.Timestamp("2026-04-01T09:10Z")
    assert first["left_at"] == pd.Timestamp("2026-04-01T09:20:30Z")
    assert (first["minutes"], first["is_guest"], first["approval_status"]) == (11, True, "approved")
    assert no_show[["joined_at", "left_at", "minutes", "is_guest", "country"]].isna().all()
    assert rows["cell_warnings"].tolist() == [0] * 6


def test_frames_keep_their_contracts() -> None:
    attendee, registrants = (
        read(HEAD + BODY),
        read(registration("First Name,Email,Registration Time", "A,a@example.com,")),
    )
    for export, table in ((attendee, RAW_ZOOM_ATTENDEE_ROWS), (registrants, RAW_ZOOM_REGISTRANT_ROWS)):
        assert export.rows.columns.tolist() == table.names
        conformed = table.conform(export.rows)
        assert table.problems(conformed) == []
        pd.testing.assert_series_equal(conformed.dtypes, export.rows.dtypes)
    assert set(RAW_ZOOM_REPORTS.names) == {*attendee.facts, "name", "received_at", "bytes", "profile"}


def test_the_row_keeps_the_record_as_it_came() -> None:
    text = registration('First Name,Email,Registration Time,"Is it ""100%"" you?"', 'A "B",a@example.com,,"yes\nno"')
    row = json.loads(read(text).rows["row"].iloc[0])
    assert row == {
        "First Name": 'A "B"',
        "Email": "a@example.com",
        "Registration Time": "",
        'Is it "100%" you?': "yes\nno",
    }


def test_the_header_not_the_title_tells_a_registration_report() -> None:
    export = read(
        registration("First Name,Last Name,Email,Registration Time,Approval Status", "A,B,a@example.com,,denied,")
    )
    assert export.facts["report"] == "registration"
    assert export.facts["scheduled_at"] == pd.Timestamp("2026-04-01T09:30Z")
    assert export.facts["started_at"] is pd.NaT
    assert export.facts["webinar_id"] == "111222333"
    assert export.rows["section"].tolist() == ["registrant"]
    assert export.rows["attended"].isna().all()


def test_sections_may_come_in_any_order() -> None:
    host, panelist, attendee = (part for part in BODY.partition("Other Attended,")[0].replace("Panelist", "|Panelist")
                                .replace("Attendee Det", "|Attendee Det").split("|"))  # fmt: skip
    rows = read(HEAD + attendee + panelist + host).rows
    assert rows["section"].tolist() == ["attendee"] * 3 + ["panelist", "host"]


def test_the_portuguese_report_reads_like_the_english_one() -> None:
    export = read(
        'Relatório de Participante,\nRelatório Gerado:,"jul. 13, 2021 1:41 da tarde"\n'
        "Tópico,ID do Webinar,Hora de Início Real,Duração Real (minutos),# Inscrito,# Cancelado,"
        "Visualizadores específicos\n"
        'Aula,111 2222 3333,"jan. 12, 2021 8:53 da manhã", 60, 1, 0,1\n'
        "Detalhes do anfitrião,\n"
        "Participou,Nome de usuário (nome original),E-mail,Horário de entrada,Horário de saída,"
        "Tempo em Sessão (minutos)\n"
        'Sim,Time,time@example.com,"Jan 12, 2021 08:53:00","Jan 12, 2021 09:00:00",7\n'
        "Detalhes dos Participantes,\n"
        "Participou,Nome,Sobrenome,E-mail,Horário de inscrição,Status da Aprovação,Hora do Ingresso,Horário de saída,"
        "Tempo em Sessão (minutos),Nome do país/da região\n"
        'Não,Ana,B,ana@example.com,"Jan 11, 2021 08:00:00",aprovado,--,--,--,\n'
    )
    host, ana = export.rows.iloc[0], export.rows.iloc[1]
    assert export.facts["layout"] == "pt"
    assert export.facts["generated_at"] == pd.Timestamp("2021-07-13T08:11Z")
    assert export.facts["started_at"] == pd.Timestamp("2021-01-12T03:23Z")
    assert (export.facts["unique_viewers"], export.facts["registered_count"]) == (1, 1)
    assert (host["section"], host["attended"], host["minutes"]) == ("host", True, 7)
    assert host["joined_at"] == pd.Timestamp("2021-01-12T03:23Z")
    assert (ana["attended"], ana["approval_status"], ana["last_name"]) == (False, "approved", "B")


SPANISH = (
    'Informe de asistentes,\nInforme generado:,"abr. 4, 2026 12:18 p. m."\n'
    "Tema,ID del seminario web,Hora de inicio real,Duración real (minutos),N.º inscritos,Espectadores exclusivos\n"
    'Clase,111 2222 3333,"ene. 12, 2026 9:00 a. m.", 60, 1, 1\n'
    "Detalles de asistente,\n"
    "Asistió,Nombre,Apellido,Correo electrónico,Teléfono,Puesto de trabajo,Hora de registro,Estado de aprobación,"
    "{join},Hora de salida,Tiempo en la sesión (minutos),Nombre de país/región\n"
    'Sí,Eva,Gil,eva@example.com,600111222,{job},"Jan 11, 2026 08:00:00",aprobado,"Jan 12, 2026 09:05:00",'
    '"Jan 12, 2026 09:15:00",10,España\n'
)


def test_the_spanish_report_with_its_join_time_headed_job_title_reads_right() -> None:
    export = read(SPANISH.format(join="Puesto de trabajo", job="Contable"))
    eva = export.rows.iloc[0]
    assert export.facts["layout"] == "es"
    assert (eva["attended"], eva["phone"], eva["approval_status"]) == (True, "600111222", "approved")
    assert eva["joined_at"] == pd.Timestamp("2026-01-12T03:35Z")
    assert json.loads(eva["questions"]) == {"Puesto de trabajo": "Contable"}


def test_a_job_title_left_of_the_leave_time_stays_one_when_it_holds_no_dates() -> None:
    text = registration(
        "Attended,Email,Job Title,Leave Time,Time in Session (minutes)",
        'Yes,a@example.com,Teacher,"Apr 01, 2026 15:00:00",5',
    ).replace("Scheduled", "Actual Start")
    rows = read(text).rows
    assert rows["joined_at"].isna().all()
    assert json.loads(rows["questions"].iloc[0]) == {"Job Title": "Teacher"}


PHONE_QUESTION = '"Phone Number (Enter with Country code ex., +91 9800000000)"'


@pytest.mark.parametrize(
    ("header", "cells", "phone"),
    [
        pytest.param("Phone", "'+919876512345", "'+919876512345", id="column named Phone, as typed"),
        pytest.param(PHONE_QUESTION, "98765 12345", "98765 12345", id="question with an example"),
        pytest.param("WhatsApp number", "9876512345", "9876512345", id="WhatsApp"),
        pytest.param(
            "Your contact no. please", "9.87651E+09", "9.87651E+09", id="floats by Excel still look like phones"
        ),
        pytest.param("Which mobile do you use?", "An old one", None, id="asks for a mobile, not for its number"),
        pytest.param("Employee id", "9876512345", None, id="a number that nobody called a phone"),
        pytest.param("Calling number", "9876512345", "9876512345", id="a wording never seen, answered by phones"),
        pytest.param("Número de contato", "'+91 98765 12345", "'+91 98765 12345", id="Portuguese"),
        pytest.param("¿A qué número te llamamos?", "+34600111222", "+34600111222", id="Spanish"),
        pytest.param("Nº de celular", "९८७६५१२३४५", "९८७६५१२३४५", id="digits of another script"),
        pytest.param("Student mobile number", "9876512345", "9876512345", id="a student is the person"),
        pytest.param("Roll number", "9876512345", None, id="a roll number of ten digits"),
        pytest.param("Aadhaar number", "919876512345", None, id="an identity number"),
        pytest.param("WhatsApp group id", "12345678", None, id="an id that names an app"),
        pytest.param("Number of attempts", "2024", None, id="a year"),
        pytest.param("Area number", "400001", None, id="a pin code"),
        pytest.param("Your lucky number", "1234567890", None, id="ten digits that no mobile starts with"),
        pytest.param("Phone,WhatsApp number", ",9876512345", "9876512345", id="blank Phone, then the question"),
        pytest.param("Phone,WhatsApp number", "9123456789,9876512345", "9123456789", id="Phone goes first"),
        pytest.param("Phone,WhatsApp number", "NA,9876512345", "9876512345", id="the first that is usable"),
        pytest.param("Phone,WhatsApp number", "NA,none", "NA", id="the first, where none is usable"),
        pytest.param("Phone,Mobile", "9.12345E+09,9876512345", "9876512345", id="digits lost, then whole"),
        pytest.param("Parent's mobile number", "9123456789", None, id="a parent's"),
        pytest.param("Emergency contact number", "9123456789", None, id="an emergency contact"),
        pytest.param("Alternate number", "9123456789", None, id="an alternate"),
        pytest.param("Friend's WhatsApp number", "9123456789", None, id="a friend's"),
        pytest.param(
            "Father's phone,Your WhatsApp number", "9123456789,9876512345", "9876512345", id="a parent's first"
        ),
        pytest.param(
            "Your contact number (WhatsApp),Spouse", "9876512345,9123456789", "9876512345", id="a spouse's last"
        ),
        pytest.param("Phone,Guardian contact", ",9123456789", None, id="a guardian's does not stand in for a blank"),
        pytest.param("Do you use a smartphone?", "9876512345", None, id="a smartphone"),
        pytest.param("Phone model", "Redmi 9876512345", None, id="a model of phone"),
        pytest.param("Are you okay with a phone call?", "Yes 9876512345", None, id="whether to call"),
        pytest.param("Can you share your mobile number?", "9876512345", "9876512345", id="a polite question"),
    ],
)
def test_the_phone_is_found(header: str, cells: str, phone: str | None) -> None:
    found = (
        read(registration(f"First Name,{header},Email,Registration Time", f"A,{cells},a@example.com,"))
        .rows["phone"]
        .iloc[0]
    )
    assert found == phone or (phone is None and pd.isna(found))


def test_a_report_that_asks_for_other_peoples_phones_only_says_so() -> None:
    """Incident: a parent's number became the phone of each child, and who they are known by."""
    header, row = "Email,Parent's mobile (+91 98765 43210),Registration Time", "a@example.com,9123456789,"
    export = read(registration(header, row))
    assert any("other people's phones only (\"Parent's mobile (…)\")" in note for note in export.notes)
    assert json.loads(export.rows["questions"].iloc[0])["Parent's mobile (+91 98765 43210)"] == "9123456789"
    both = read(registration(f"Phone,{header}", f"9876512345,{row}"))
    assert both.notes == []


def test_a_number_is_a_phone_only_if_nearly_all_its_values_are() -> None:
    answers = ["9876512345"] * 8 + ["12", "400001"]
    rows = [f"a{at}@example.com,{answer}," for at, answer in enumerate(answers)]
    assert read(registration("Email,Calling number,Registration Time", *rows)).rows["phone"].isna().all()


def test_questions_are_kept_without_blank_answers() -> None:
    text = registration("Email,City,Registration Time,Goal", "a@example.com,Pune,,", "b@example.com,,,Bank")
    assert [json.loads(cell) for cell in read(text).rows["questions"]] == [{"City": "Pune"}, {"Goal": "Bank"}]


def test_an_only_question_that_nobody_answers_gives_every_row_no_answers() -> None:
    """A join of Arrow's that skips nulls drops rows whose only text is null."""
    text = registration("Email,City,Registration Time", "a@example.com,,", "b@example.com,Pune,", "c@example.com,,")
    assert read(text).rows["questions"].tolist() == ["{}", '{"City": "Pune"}', "{}"]


def test_source_name_after_the_country_is_a_column_of_its_own() -> None:
    text = registration(
        "Attended,Email,Join Time,Leave Time,Country/Region Name,Source Name",
        "Yes,a@example.com,--,--,India,Instagram,",
    ).replace("Scheduled", "Actual Start")
    row = read(text).rows.iloc[0]
    assert (row["country"], row["source_name"]) == ("India", "Instagram")


def test_the_network_country_is_not_the_one_of_the_form() -> None:
    text = registration(
        "Attended,Email,Country/Region,Join Time,Leave Time,Country/Region Name", "Yes,a@example.com,Nepal,--,--,India,"
    ).replace("Scheduled", "Actual Start")
    assert read(text).rows["country"].tolist() == ["India"]


def test_na_and_dashes_are_blank_in_dates_status_and_minutes_only() -> None:
    text = HEAD + "Attendee Details,\n" + PEOPLE + "\nYes,NA,NA,NA,na@example.com,NA,NA,--,NA,NA,--,NA\n"
    row = read(text).rows.iloc[0]
    assert row[["registered_at", "approval_status", "joined_at", "left_at", "minutes", "is_guest"]].isna().all()
    assert (row["first_name"], row["country"], row["cell_warnings"]) == ("NA", "NA", 0)


@pytest.mark.parametrize("cell", ["<test lead: dummy data for first_name>", "test@meta.com"])
def test_a_test_lead_is_known_by_any_of_its_cells(cell: str) -> None:
    text = registration(
        "First Name,Email,Registration Time,Approval Status,Your college", f"Meta,m@x.org,,approved,{cell}"
    )
    other = registration(
        "First Name,Email,Registration Time,Approval Status,Your college", "Meta,m@x.org,,approved,test"
    )
    assert read(text).rows["is_test_lead"].tolist() == [True]
    assert read(other).rows["is_test_lead"].tolist() == [False]


def test_unreadable_times_and_minutes_are_missing_and_counted() -> None:
    text = (
        HEAD + "Attendee Details,\n" + PEOPLE + "\nYes,A,A,A,a@example.com,soon,approved,46113.6,later,many,No,India\n"
    )
    row = read(text).rows.iloc[0]
    assert row[["registered_at", "joined_at", "left_at", "minutes"]].isna().all()
    assert (row["cell_warnings"], row["attended"]) == (4, True)


NUMERIC = (
    "Attendee Report\nReport generated time,{made}\nTopic,Webinar ID,Actual Start Time\nT,111 2222 3333,{start}\n"
    "Attendee Details\n"
    "Attended,Email,Join Time,Leave Time,Time in Session (minutes)\nYes,a@example.com,{start},{left},5\n"
)


def test_numeric_dates_are_month_first_unless_proved_otherwise() -> None:
    export = read(
        NUMERIC.format(made="08/09/2026 11:30:00 AM", start="08/09/2026 10:45:00 AM", left="08/09/2026 10:50:00 AM")
    )
    assert export.facts["date_order"] == "month_first"
    assert export.rows["joined_at"].iloc[0] == pd.Timestamp("2026-08-09T05:15Z")


def test_one_value_over_twelve_proves_the_order_of_the_whole_file() -> None:
    export = read(
        NUMERIC.format(made="13/09/2026 11:30:00 AM", start="08/09/2026 10:45:00 AM", left="08/09/2026 10:50:00 AM")
    )
    assert export.facts["date_order"] == "day_first"
    assert export.rows["joined_at"].iloc[0] == pd.Timestamp("2026-09-08T05:15Z")
    assert any("day-first" in note for note in export.notes)
    assert json.loads(export.facts["notes"]) == export.notes


def test_an_unknown_approval_status_is_kept_as_it_came() -> None:
    text = registration(
        "Email,Registration Time,Approval Status",
        "a@example.com,,waitlisted",
        "b@example.com,,cancelado pelo anfitrião",
        "c@example.com,,Cancelado",
    )
    statuses = ["waitlisted", "cancelled by host", "cancelled by self"]
    assert read(text).rows["approval_status"].tolist() == statuses


def test_without_an_attended_column_whoever_joined_attended() -> None:
    text = registration(
        "User Name,Email,Join Time,Leave Time",
        'A,a@example.com,"Apr 01, 2026 15:00:00","Apr 01, 2026 15:05:00"',
        "B,b@example.com,--,--",
    ).replace("Scheduled", "Actual Start")
    assert read(text).rows["attended"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param((HEAD, ""), "not the head of a report", id="head deleted"),
        pytest.param((BODY, ""), "no section", id="nothing but the head"),
        pytest.param(("111 2222 3333", "1.11222E+10"), "rounded", id="id rounded by a spreadsheet program"),
        pytest.param(('"Apr 1, 2026 2:38 PM"', "########"), "Actual Start", id="start unreadable"),
    ],
)
def test_a_report_that_belongs_to_no_occurrence_is_refused(broken: tuple[str, str], said: str) -> None:
    with pytest.raises(NotAZoomReport, match=said):
        read((HEAD + BODY).replace(*broken))


def test_a_file_with_both_kinds_of_section_keeps_all_its_people() -> None:
    more = (
        "Registrant Details,\nFirst Name,Email,Registration Time,Approval Status,City\nEva,eva@e.in,,approved,Pune,\n"
    )
    export = read(HEAD + BODY + more)
    assert export.facts["report"] == "attendee"
    assert export.rows["email"].iloc[-1] == "eva@e.in"
    assert export.rows["attended"].isna().iloc[-1]
    assert any("put together by hand" in note for note in export.notes)


def test_reports_of_two_webinars_in_one_file_are_refused() -> None:
    other = (HEAD + BODY).replace("111 2222 3333", "999 2222 3333")
    with pytest.raises(NotAZoomReport, match="several webinars"):
        read(HEAD + BODY + other)


def test_an_indian_registration_report_of_2025_keeps_its_questions_and_its_source() -> None:
    text = registration(
        'First Name,Last Name,Email,City,Job Title,Organization,"Phone Number (Enter with Country code ex., +91 98)",'
        "Registration Time,Approval Status,Source Name",
        'A,B,a@example.com,Pune,Clerk,"Bank, of India",\'+91 98765-43211,12/12/2025 05:42:17 PM,approved,YouTube,',
    )
    row = read(text).rows.iloc[0]
    assert (row["phone"], row["source_name"], row["approval_status"]) == ("'+91 98765-43211", "YouTube", "approved")
    assert row["registered_at"] == pd.Timestamp("2025-12-12T12:12:17Z")
    questions = json.loads(row["questions"])
    assert (questions["City"], questions["Organization"]) == ("Pune", "Bank, of India")


def test_intervals_that_run_backwards_are_kept_as_they_came() -> None:
    row = 'Yes,A,A,A,a@e.in,,,"Apr 01, 2026 15:00:00","Apr 01, 2026 14:00:00",-60,No,India\n'
    kept = read(HEAD + "Attendee Details,\n" + PEOPLE + "\n" + row).rows.iloc[0]
    assert kept["left_at"] < kept["joined_at"]
    assert (pd.isna(kept["minutes"]), kept["cell_warnings"]) == (True, 1)


def test_a_report_without_any_row_has_none() -> None:
    export = read(HEAD + "Attendee Details,\n" + PEOPLE + "\n")
    assert len(export.rows) == 0
    assert RAW_ZOOM_ATTENDEE_ROWS.problems(RAW_ZOOM_ATTENDEE_ROWS.conform(export.rows)) == []


def test_the_refusal_of_an_id_does_not_repeat_the_cell() -> None:
    with pytest.raises(NotAZoomReport) as refused:
        read((HEAD + BODY).replace("111 2222 3333", "ravi@e.in"))
    assert "ravi" not in str(refused.value)
