"""A number asked for as somebody else's is never taken for the person's own."""

import pytest

from funnel_etl.core.phone_headers import is_someone_elses

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
    "पिता का मोबाइल नंबर", "अभिभावक का फ़ोन", "दूसरा नंबर",
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
)  # fmt: skip


@pytest.mark.parametrize("header", SOMEONE_ELSES)
def test_the_number_of_somebody_else_is_known_by_its_header(header: str) -> None:
    assert is_someone_elses(header)


@pytest.mark.parametrize("header", OWN)
def test_the_persons_own_number_is_not_taken_for_somebody_elses(header: str) -> None:
    assert not is_someone_elses(header)
