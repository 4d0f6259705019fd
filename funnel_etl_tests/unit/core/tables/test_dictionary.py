from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.core.tables.dictionary import as_markdown, reasons_markdown

CLUBS = Table(
    "mart",
    "clubs",
    "One row per club",
    ("club",),
    (
        Column("club", Kind.TEXT, "Its name."),
        Column("captain", Kind.TEXT, "Who leads it: first | last name.", personal=True),
        Column("members", Kind.INTEGER, "How many.", required=True),
    ),
    note="Made up.",
    extensible=True,
)


def test_a_table_is_told_with_grain_note_and_key():
    text = as_markdown([CLUBS])
    assert "## mart.clubs\n\nOne row per club. Made up.\n\nKey: `club`.\n" in text
    assert "Further columns of the source are kept" in text


def test_a_column_is_told_with_type_and_marks():
    text = as_markdown([CLUBS])
    assert "| `club` | text | not null | Its name. |" in text
    assert "| `members` | bigint | not null | How many. |" in text
    assert "| `captain` | text | **P** |" in text


def test_a_bar_in_a_description_does_not_end_the_cell():
    assert "first \\| last name" in as_markdown([CLUBS])


def test_the_list_of_tables_links_to_the_heading_of_each():
    assert "| [`mart.clubs`](#martclubs) | One row per club |" in as_markdown([CLUBS])


def test_the_reasons_are_told_with_meaning_and_fix():
    text = reasons_markdown(
        {"month_lag": "the month before"},
        {"late": "it came late"},
        {"too_old": ("late", "nothing")},
        {"reset": ("broken off", "wait")},
    )
    assert "| `bad_date` | the row's own date does not parse | correct the cell" in text
    assert "| `reset` | broken off | wait |" in text
    assert text.index("## Quarantined") < text.index("`blank_key`") < text.index("## Merged") < text.index("`bot`")
