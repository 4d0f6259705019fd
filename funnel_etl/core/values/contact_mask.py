"""Text that people typed, shown without the phones and e-mails in it: for errors, notes and lists."""

import re

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DAY = re.compile(r"(\b\d{4}[-./]\d{1,2}[-./]\d{1,2}\b|\b\d{1,2}[-./]\d{1,2}[-./]\d{4}\b)")
_LONG_NUMBER = re.compile(r"\+?\d(?:[\s().+-]{0,2}\d){8,}")


def without_contacts(text: str) -> str:
    """Return the text with `(e-mail)` for each address and `(a number)` for nine digits or more; days stay."""
    parts = _DAY.split(_EMAIL.sub("(e-mail)", text))
    return "".join(part if at % 2 else _LONG_NUMBER.sub("(a number)", part) for at, part in enumerate(parts))
