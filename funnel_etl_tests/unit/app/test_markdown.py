"""What others wrote is shown as they wrote it."""

from funnel_etl.app.markdown import literal, sentence


def test_no_sign_of_markdown_means_anything() -> None:
    assert literal("# Registered + # *x* :red[y]") == r"\# Registered \+ \# \*x\* \:red\[y\]"
    assert literal("two\nlines") == "two lines"


def test_a_sentence_begins_large_and_ends_once() -> None:
    assert sentence("it is empty.") == "It is empty."
