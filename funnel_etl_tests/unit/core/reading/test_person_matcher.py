import csv
import io
import random

import pytest

from funnel_etl.core.reading.csvfile import read_csv
from funnel_etl.core.reading.person_matcher import PersonMatcher, Redacted, masked_bytes, no_label, redact_lines
from funnel_etl.core.values.phone import normalise_one

NAMES = {"phone:9876500001", "phone:971501234567", "email:asha@example.org", "email:o'b@example.org"}
MATCHER = PersonMatcher(NAMES.__contains__, frozenset({10, 12}))
CODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]


@pytest.mark.parametrize(
    "text",
    [
        "9876500001",
        "+91 98765-00001",
        "09876500001",
        "0091 98765 00001",
        "91-9876500001",
        "9876500001.0",
        "'9876500001",
        "(98765) 00001",
        "98765.00001",
        "98765\u00a000001",
        "98765\u200b00001",
        "９８７６５００００１",
        "٩٨٧٦٥٠٠٠٠١",
        "9123456780 / 9876500001",
        "Mob: 9876500001 ext 12",
        "upi 9876500001@okbank",
        "+971 50 123 4567",
        "00971501234567",
        "my number is 9876500001, call me",
        "+91 919876500001",
        "9123456780 9876500001",
        "9,876,500,001",
        "9,87,65,00,001",
        "971,501,234,567",
        "9.876500001E9",
        "9,876500001e9",
        "9.19876500001E+11",
        "Self: 9123456780 Father: 9876500001",
        "ASHA@Example.org",
        " asha@example.org.",
        "<asha@example.org>",
        "mailto:asha@example.org",
        "https://example.org/?email=asha%40example.org&x=1",
        "https://example.org/?email=asha@example.org",
        "as\u200bha@example.org",
        "o'b@example.org",
    ],
)
def test_a_person_is_found_in_every_spelling(text: str) -> None:
    assert MATCHER.named_in(text)
    assert not MATCHER.named_in(MATCHER.masked(text))


@pytest.mark.parametrize(
    "text",
    [
        "9876500002",
        "98765 0000 2",
        "2025-11-01 10:10:10",
        "98765\n00001",
        "98765,00001",
        "9,876,500,0012",
        "876,500,001",
        "bob@example.org",
        "wasasha@example.org",
        "asha@example.org.in",
        "asha@example.orgs",
        "asha",
        "",
        "09876500001bcdef09876500001bcdef",
        "98765000-0198-7650-0001-9876500001ab",
    ],
)
def test_nobody_else_is_found(text: str) -> None:
    assert not MATCHER.named_in(text)
    assert MATCHER.masked(text) == text


def test_what_the_phone_rule_reads_as_the_person_is_found() -> None:
    signs, made = random.Random(5), 0  # noqa: S311 - made-up data
    for _ in range(4_000):
        text = list(signs.choice(["9876500001", "919876500001", "+919876500001", "09876500001"]))
        for _ in range(signs.randrange(4)):
            text.insert(
                signs.randrange(len(text) + 1), signs.choice([" ", "-", "(", ")", ".", "'", "\u200b", "*", "_"])
            )
        cell = "".join(text)
        if normalise_one(cell, frozenset()).phone == "9876500001":
            made += 1
            assert MATCHER.named_in(cell), cell
    assert made > 1_000


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_line_goes_and_every_other_byte_stays(coding: str, end: str) -> None:
    lines = ["Name,Phone,Note", "João,98765-00001,a", 'Bob,9123456780,"x ""y"""', '"As\nha",9876500001,"b"', "Zoë,1,é"]
    data = end.join([*lines, ""]).encode(coding)
    gone = ",\n" if end == "\r" else "\n"  # "\r\n" would be one line end
    emptied = ["Name,Phone,Note", "", 'Bob,9123456780,"x ""y"""', gone, "Zoë,1,é"]
    expected = end.join([*emptied, ""]).encode(coding)
    left = redact_lines(data, MATCHER)
    assert left == Redacted(expected, (2, 4, 5))
    assert redact_lines(left.data, MATCHER) == Redacted(expected)
    rows, before = read_csv(left.data), read_csv(data)
    others = before.rows[before.rows["source_row"].isin([3, 6])]
    assert rows.rows.reset_index(drop=True).equals(others.reset_index(drop=True))
    assert rows.blank_rows == [2, 4, 5]


def test_a_line_goes_that_has_only_an_id_of_the_person_under_its_column() -> None:
    data = b"sale_id,manual_value,note\nS1,walk-in,hers\nS2,S1,his\n S1 ,x,hers too\n"
    matcher = PersonMatcher(NAMES.__contains__, frozenset({10}), {"sale_id": frozenset({"S1"})})
    assert redact_lines(data, matcher) == Redacted(b"sale_id,manual_value,note\n\nS2,S1,his\n\n", (2, 4))
    assert redact_lines(data.replace(b"sale_id", b"number"), matcher).lines == ()


@pytest.mark.parametrize(
    "above", ["Sales of November\n", "Sales,of,November\nmade by hand\n\n"], ids=["a_note", "notes"]
)
def test_an_id_is_found_under_a_header_that_stands_below_notes_or_again(above: str) -> None:
    """The column of the id was taken from the first line, so that a sale's row without a phone stayed."""
    matcher = PersonMatcher(NAMES.__contains__, frozenset({10}), {"_id": frozenset({"S1"})})
    text = f"{above}_id,status\nS2,paid\nS1,paid\nstatus,_id\npaid,S1\nS1,paid\n"
    assert (
        redact_lines(text.encode(), matcher).data.decode() == f"{above}_id,status\nS2,paid\n\nstatus,_id\n\nS1,paid\n"
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_record_of_several_lines_goes_whole_whatever_the_delimiter(delimiter: str) -> None:
    rows = [["Note", "Cost, net", "Phone", "Email"], ["x", "1,50", "1", "b"], ["As\nha", "2,75", "9876500001", "y"]]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([*rows, ["z", "3,00", "2", "c"]])
    left = redact_lines(text.getvalue().encode(), MATCHER)
    assert left.lines == (3, 4)
    assert b"As" not in left.data


def test_bytes_no_encoding_has_stay_as_they_are() -> None:
    data = b"Name,Phone\nJo\x81o\xff,1\nAsha,9876500001\n\x9d,2\n"
    assert redact_lines(data, MATCHER).data == b"Name,Phone\nJo\x81o\xff,1\n\n\x9d,2\n"


def test_a_file_cut_in_a_character_is_still_cut_in_it() -> None:
    data = "Name,Phone\nAsha,9876500001\nJoã".encode()[:-1]
    assert redact_lines(data, MATCHER).data == "Name,Phone\n\nJoã".encode()[:-1]


def test_a_last_line_without_a_line_end_does_not_look_cut_off_when_it_goes() -> None:
    left = redact_lines(b"Name,Phone,Note\nBob,1,x\nAsha,9876500001,y", MATCHER)
    assert left == Redacted(b"Name,Phone,Note\nBob,1,x\n,,", (3,))
    assert read_csv(left.data).blank_rows == [3]


def test_a_quotation_mark_never_closed_takes_nobody_else_along() -> None:
    data = b'Name,Phone,Note\nBob,9123456780,"oops\nAsha,9876500001,y\nEsha,9123456781,z\n'
    assert redact_lines(data, MATCHER) == Redacted(
        b'Name,Phone,Note\nBob,9123456780,"oops\n\nEsha,9123456781,z\n', (3,)
    )


def test_the_header_loses_only_the_name() -> None:
    assert redact_lines(b"Name,of 9876500001,x\nBob,2,3\n", MATCHER) == Redacted(
        b"Name,of xxxxxxxxxx,x\nBob,2,3\n", (), 1
    )


def test_what_follows_a_label_keeps_its_numbers_and_loses_only_the_name() -> None:
    data = b"Report,\nTopic,Webinar ID\nTalk with asha@example.org,98765000012\nName,Phone\nAsha,9876500001\n"
    left = redact_lines(data, MATCHER, lambda record: "Webinar ID" in record)
    expected = b"Report,\nTopic,Webinar ID\nTalk with xxxx@xxxxxxx.xxx,98765000012\nName,Phone\n\n"
    assert left == Redacted(expected, (5,), 1)
    assert redact_lines(data, MATCHER, no_label).lines == (3, 5)


def test_a_file_without_the_person_is_the_same_object() -> None:
    data = b"Name,Phone\nBob,9123456780\n"
    left = redact_lines(data, MATCHER)
    assert left.data is data
    assert not left.is_changed


def test_random_tables_lose_exactly_the_rows_of_the_person() -> None:
    made = random.Random(11)  # noqa: S311 - made-up data
    for _ in range(200):
        rows = [
            [made.choice(["x", "a,b", 'q"q', "n\nl", ""]), made.choice(["9876500001", "9123456780", "+919876500001"])]
            for _ in range(made.randrange(1, 12))
        ]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator=made.choice(["\n", "\r\n"])).writerows([["Note", "Phone"], *rows])
        data = text.getvalue().encode(made.choice(CODINGS))
        left = read_csv(redact_lines(data, MATCHER).data)
        kept = [row for row in rows if not row[1].endswith("9876500001")]
        assert left.rows[["Note", "Phone"]].to_numpy().tolist() == kept
        whole = read_csv(data).rows
        assert left.rows["source_row"].tolist() == whole.loc[whole["Phone"] == "9123456780", "source_row"].tolist()


def test_a_file_that_is_no_table_keeps_its_length() -> None:
    data = '{"name": "João", "mail": "asha@example.org"}'.encode("utf-16")
    assert masked_bytes(data, MATCHER).decode("utf-16") == '{"name": "João", "mail": "xxxx@xxxxxxx.xxx"}'
    assert masked_bytes(b"\xffbinary\x00", MATCHER) == b"\xffbinary\x00"


def test_excel_s_hint_of_the_separator_is_not_the_header() -> None:
    """With `sep=;` above it the header was a row, and no column of ids was found."""
    data = b"sep=;\r\nsale_id;manual_value\r\nS1;walk-in\r\nS2;x\r\n"
    matcher = PersonMatcher(NAMES.__contains__, frozenset({10}), {"sale_id": frozenset({"S1"})})
    left = redact_lines(data, matcher)
    assert left == Redacted(b"sep=;\r\nsale_id;manual_value\r\n\r\nS2;x\r\n", (3,))
    assert read_csv(left.data).rows["source_row"].tolist() == [4]
