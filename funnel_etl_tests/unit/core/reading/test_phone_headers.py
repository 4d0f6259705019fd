"""A number asked for as somebody else's is never taken for the person's own."""

import pytest

from funnel_etl.core.reading.phone_headers import is_someone_elses

SOMEONE_ELSES = (
    "Parent's mobile number", "Parents’ WhatsApp No.", "Father phone", "FATHER'S CONTACT NUMBER", "Mother's Mobile",
    "Guardian contact", "Gaurdian mobile no", "Phone (guardian)", "Spouse phone number", "Husband's number",
    "Wife's mobile", "Sibling's phone", "Brother / sister mobile", "Friend's WhatsApp number", "Refer a friend: phone",
    "Referrer's phone", "Who referred you? (mobile number)", "Reference contact no", "Ref. mobile number",
    "Referral phone", "Mobile number of a relative", "Family member's phone", "Emergency contact number",
    "In case of emergency, call", "Next of kin (phone)", "Alternate mobile number", "Alternative phone", "Alt. Phone",
    "Mobile No. (Alternate)", "Another number", "Another WhatsApp number", "Any other contact number",
    "Other phone number", "Phone - other", "Second mobile number", "Secondary phone", "Additional contact number",
    "Backup number", "parent_mobile", "fatherMobile father mobile", "Student / parent mobile number",
    "Father-in-law's phone", "Co-worker's number", "Introduced by (mobile)", "Mobile No. 2 of your friend",
    # Spanish, Portuguese
    "Teléfono de tu padre", "Teléfono de la madre", "Celular del acudiente", "Número del apoderado",
    "Teléfono de emergencia", "Otro número de teléfono", "Teléfono alternativo", "Teléfono de un amigo",
    "Móvil del cónyuge", "Número de quem indicou", "Telefone do pai", "Telefone da mãe", "Celular dos pais",
    "Telefone do responsável", "Contato de emergência", "Outro telefone", "Telefone de um familiar", "Celular da irmã",
    # Hindi
    "Mata-Pita ka mobile number", "Abhibhavak ka number", "Dusra mobile number", "Pati ka phone",
    "Vaikalpik number", "पिता का मोबाइल नंबर", "अभिभावक का फ़ोन", "दूसरा नंबर",
    # Whoever else a form or a CRM's dump has a number of
    "Teacher's mobile number", "Class teacher phone", "Counsellor's number", "Contact person's phone",
    "Amma / Appa phone number", "Principal's mobile", "School principal phone number", "Sponsor's phone",
    "Fee payer phone", "Caretaker's number", "Grandma's phone", "Grandpa mobile", "Grandson's phone", "Hubby's number",
    "Flatmate phone", "Room mate's mobile", "Warden number", "ICE number", "In-charge phone", "Incharge mobile no",
    "Manager's mobile", "Employer phone", "Person to contact in case of accident", "Whom should we call? (mobile)",
    "Stepmother's phone", "पालक मोबाइल नंबर", "वडिलांचा नंबर", "आईचा मोबाइल", "वैकल्पिक नंबर",
    "Teléfono de la persona de contacto", "Teléfono del abuelo",
    "Celular del tío", "Teléfono de un vecino", "Móvil de un compañero", "Telefone da avó",
    "Telefone para recado", "Numéro d'urgence", "Téléphone du père", "Telefon der Eltern", "Notfallnummer",
    "Telefono dei genitori", "employeeMobile", "ownerPhone", "leadOwnerMobile", "agentPhone", "counsellorMobile",
    "callerNumber", "telecallerMobile", "salesExecutiveMobile", "parentMobile2", "studentFatherPhone",
    "assignedToMobile", "bdaPhone", "Sales phone", "F/H phone", "Who will pay the fee? (phone)", "Mobile 2 (alternate)",
    "Landlord's number", "leadAltMobile",
    # A purpose clause that names those who are nearest
    "Mobile number to send updates to your parents", "Number to call in case of emergency",
    "Phone number of the friend you want to refer", "Phone number for parent updates",
    "Alternate number to receive reminders", "Friend's number to share the link with", "Mobile no. to contact parents",
    "Contact person to receive the materials (phone)", "Teléfono alternativo (opcional)", "Alternate phone (if any)",
)  # fmt: skip
OWN = (
    "Phone", "Phone Number", "Mobile", "WhatsApp number", "Your contact number", "Your contact number (WhatsApp)",
    "Phone Number (Enter with Country code ex., +91 9800000000)", "Mobile No.", "Contact No", "Preferred phone number",
    "Student's mobile number", "Candidate phone", "Personal mobile", "Phone (2)", "Mobile 2", "WhatsApp (if different)",
    "Your own number, not your parent's", "Phone number (not of your father or mother)",
    "Phone other than your parents'",
    "Mobile number (for our reference)", "Phone number of the higher secondary student", "Person's phone",
    "WhatsApp number with country code (+91 or other)", "Work phone", "Office phone", "Cell", "Landline",
    "Teléfono", "Número de teléfono", "Teléfono (con código de país)", "Teléfono con indicativo", "Indique su teléfono",
    "Celular", "Telefone", "Número de celular com DDD", "Telefone (código do país)", "Aapka mobile number",
    "Apna WhatsApp number", "आपका मोबाइल नंबर", "मोबाइल",
    # Who or what is named is what the number is wanted for
    "WhatsApp number to join our CA family", "Mobile number (to receive alternate day reminders)",
    "Your WhatsApp number to share alternate slots", "Phone Number (the same that you gave to refer a friend)",
    "Enter 10 digit mobile number without any other number or symbol", "WhatsApp number for placement referral",
    "Mobile Number (WhatsApp preferred, for partner offers)", "Phone no. - friendly reminder will be sent here",
    "Phone no. (in case of emergency we will call)", "WhatsApp number for backup class link",
    "Mobile number (do not share with other numbers)", "Mobile number so that our family of learners can greet you",
    "Mobile number (our counsellor will call you)", "Phone (our sales team will call you back)",
    "Contact number to talk to our mentor", "Number for a call from our academic counsellor",
    "Phone number for career counselling", "Mobile number for the mentorship programme",
    "Mobile (alternate Sundays only)", "WhatsApp number (we call within 24 hrs)", "Número (código do país)",
    "Número de WhatsApp para recibir recordatorios de la familia", "Celular para receber o link da família CA",
    # Words that only look like those of other people
    "Teléfono principal", "Número principal", "Telefone principal", "आईडी वाला मोबाइल नंबर", "Mobile (no charges apply)",
    "work_phone_number", "leadMobile", "StudentContact", "studentWhatsAppNo", "calledNumber",
    "Mobile number of the person registering", "Alternatively, WhatsApp number",
    "Mobile number (sales webinar)",
    "WhatsApp number, no other number please", "Contact number for referral bonus", "Mobile (other than landline)",
    "Mobile number (see the steps below)",
)  # fmt: skip


@pytest.mark.parametrize("header", SOMEONE_ELSES)
def test_the_number_of_somebody_else_is_known_by_its_header(header: str) -> None:
    assert is_someone_elses(header)


@pytest.mark.parametrize("header", OWN)
def test_the_persons_own_number_is_not_taken_for_somebody_elses(header: str) -> None:
    assert not is_someone_elses(header)
