"""Phones and e-mails as who may not see them whole is shown them."""

import pytest

from funnel_etl.core.values.contact_mask import masked


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("phone typed: +91 98100 00001, asha@example.com", "phone typed: •••001, a•••@example.com"),
        ("98100-00001 / 0 98100 00002", "•••001 / •••002"),
        ("attended on 2026-09-30, 31 minutes", "attended on 2026-09-30, 31 minutes"),
        ("event of 81200002006-20261120T1900", "event of 81200002006-20261120T1900"),
        ("sale 665f00d000000000000000a8, ₹84,700.16", "sale 665f00d000000000000000a8, ₹84,700.16"),
        ("नमस्ते ९८१०० ०००१२", "नमस्ते •••०१२"),
    ],
)
def test_contacts_are_masked_and_days_and_ids_stay(text: str, wanted: str) -> None:
    assert masked(text) == wanted
