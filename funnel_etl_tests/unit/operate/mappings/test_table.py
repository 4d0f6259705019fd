"""A table that is edited keeps every byte that nobody touched; two edits come together, nothing of either is lost."""

import pytest

from funnel_etl.core.errors import ConfigError
from funnel_etl.operate.mappings.table import Change, EditedLine, changes, merged, table_of, written

MAPPING = (
    b"\xef\xbb\xbfsource,funnel,valid_from,valid_to,note,owner\r\n"
    b'"Plutus Webinar",Webinar,,,,ops\r\n'
    b"\r\n"
    b'TLS,Webinar,2026-01-01,,"two\r\nlines",ops\r\n'
    b"Old,Bootcamp,,2026-01-31,gone,\r\n"
)


def lines_with(data: bytes, **changed: str) -> list[EditedLine]:
    """The lines of a mapping, those whose source is named with another funnel."""
    found = table_of("funnel_mapping", data).lines
    return [
        EditedLine(line.at, (line.cells[0], changed.get(line.cells[0], line.cells[1]), *line.cells[2:]))
        for line in found
    ]


def test_what_is_not_touched_stays_as_it_was_typed() -> None:
    table = table_of("funnel_mapping", MAPPING)
    assert written(table, table.lines) == MAPPING
    assert written(table, lines_with(MAPPING, Old="Webinar")) == MAPPING.replace(b"Old,Bootcamp", b"Old,Webinar")


def test_a_removed_line_takes_only_itself_with_it() -> None:
    table = table_of("funnel_mapping", MAPPING)
    left = [line for line in table.lines if line.cells[0] != "TLS"]
    assert written(table, left) == MAPPING.replace(b'TLS,Webinar,2026-01-01,,"two\r\nlines",ops\r\n', b"")


def test_a_new_line_stands_last_with_the_files_own_line_end() -> None:
    table = table_of("funnel_mapping", MAPPING)
    new = EditedLine(None, ("Café, x", "Webinar", "", "", "", ""))
    assert written(table, [*table.lines, new]) == MAPPING + '"Café, x",Webinar,,,,\r\n'.encode()


@pytest.mark.parametrize(
    ("data", "after"),
    [
        (b"sep=;\nfunnel;x\nWebinar;1\n", b"sep=;\nfunnel;x\nWebinar;1\nNew;\n"),
        (b"funnel\nWebinar", b"funnel\nWebinar\nNew"),
        ("funnel\r\nWebinar\r\n".encode("utf-16"), "funnel\r\nWebinar\r\nNew\r\n".encode("utf-16")),
        ("funnel\nCaf\xe9\n".encode("cp1252"), "funnel\nCaf\xe9\nNew\n".encode("cp1252")),
        (b"funnel\n", b"funnel\nNew\n"),
        (None, b"funnel\nNew\n"),
    ],
    ids=["sep", "no_last_end", "utf16", "cp1252", "header_only", "no_file"],
)
def test_delimiter_encoding_and_last_line_are_kept(data: bytes | None, after: bytes) -> None:
    table = table_of("funnels", data)
    new = EditedLine(None, ("New", "")[: len(table.columns)])
    assert written(table, [*table.lines, new]) == after


def test_letters_that_the_encoding_lacks_are_refused_in_words() -> None:
    table = table_of("funnels", "funnel\nCaf\xe9\n".encode("cp1252"))
    with pytest.raises(ConfigError, match="cp1252 cannot write"):
        written(table, [*table.lines, EditedLine(None, ("वेबिनार",))])


def test_lines_are_written_in_the_order_they_are_put_into() -> None:
    data = b"utm_source,utm_medium,utm_campaign,funnel\n*,,,Meta Ads\nfb,,,Webinar\n"
    table = table_of("campaign_mapping", data)
    assert (
        written(table, table.lines[::-1]) == b"utm_source,utm_medium,utm_campaign,funnel\nfb,,,Webinar\n*,,,Meta Ads\n"
    )


def test_a_difference_names_rows_that_came_went_and_changed() -> None:
    before = table_of("funnel_mapping", b"source,funnel\nA,Webinar\nB,Webinar\nC,Webinar\n")
    after = table_of("funnel_mapping", b"source,funnel\nA,Webinar\nB,Bootcamp\nD,Webinar\n")
    assert changes(before, after) == [
        Change(("B", "Webinar"), ("B", "Bootcamp")),
        Change(None, ("D", "Webinar")),
        Change(("C", "Webinar"), None),
    ]


BASE = b"source,funnel\nA,Webinar\nB,Webinar\nC,Webinar\n"


def test_two_edits_come_together() -> None:
    theirs = table_of("funnel_mapping", b"source,funnel\nA,Bootcamp\nB,Webinar\nC,Webinar\nNew,App\n")
    mine = [*lines_with(BASE, B="App")[:2], EditedLine(None, ("Mine", "App"))]  # C is removed
    both = merged(table_of("funnel_mapping", BASE), mine, theirs)
    assert both.clashes == []
    assert written(theirs, both.lines) == b"source,funnel\nA,Bootcamp\nB,App\nNew,App\nMine,App\n"


def test_a_row_that_both_changed_is_named_and_ours_stays() -> None:
    theirs = table_of("funnel_mapping", b"source,funnel\nA,Webinar\nB,Bootcamp\n")
    both = merged(table_of("funnel_mapping", BASE), lines_with(BASE, B="App", C="App"), theirs)
    assert both.clashes == [(("B", "Bootcamp"), ("B", "App")), (None, ("C", "App"))]
    assert written(theirs, both.lines) == b"source,funnel\nA,Webinar\nB,App\nC,App\n"


def test_what_they_changed_is_not_removed_by_us() -> None:
    theirs = table_of("funnel_mapping", b"source,funnel\nA,Bootcamp\nB,Webinar\nC,Webinar\n")
    mine = [line for line in table_of("funnel_mapping", BASE).lines if line.cells[0] != "A"]
    both = merged(table_of("funnel_mapping", BASE), mine, theirs)
    assert written(theirs, both.lines) == theirs.data
