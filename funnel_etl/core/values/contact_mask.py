"""Text that people typed, shown without the phones and e-mails in it: for errors, notes and lists."""

import re

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DAY = re.compile(r"(\b\d{4}[-./]\d{1,2}[-./]\d{1,2}\b|\b\d{1,2}[-./]\d{1,2}[-./]\d{4}\b)")
_ID = re.compile(r"(\b\d{9,12}-\d{8}T\d{4}\b|\b(?=[0-9]*[a-f])[0-9a-f]{16,64}\b)")
"""Of an occurrence, of a sale: they are nobody's number."""
_LONG_NUMBER = re.compile(r"\+?\d(?:[\s().+-]{0,2}\d){8,}")


def without_contacts(text: str) -> str:
    """Return the text with `(e-mail)` for each address and `(a number)` for nine digits or more; days stay."""
    parts = _DAY.split(_EMAIL.sub("(e-mail)", text))
    return "".join(part if at % 2 else _LONG_NUMBER.sub("(a number)", part) for at, part in enumerate(parts))


def masked(text: str) -> str:
    """Return the text with phones as `•••210` and e-mails as `a•••@example.com`; days and ids of ours stay."""
    parts = _ID.split(_EMAIL.sub(lambda found: masked_email(found[0]), text))
    return "".join(part if at % 2 else _masked_numbers(part) for at, part in enumerate(parts))


def masked_email(address: str) -> str:
    """Return an e-mail as `a•••@example.com`."""
    return f"{address[:1]}•••@{address.rpartition('@')[2]}"


def _masked_numbers(text: str) -> str:
    parts = _DAY.split(text)
    return "".join(part if at % 2 else _LONG_NUMBER.sub(_last_digits, part) for at, part in enumerate(parts))


def _last_digits(found: re.Match[str]) -> str:
    return f"•••{''.join(sign for sign in found[0] if sign.isdigit())[-3:]}"
