"""What a person knows better about the webinar of a file: the line of a config table that says so.

Of a webinar id it is `webinar_overrides.csv`, of a chat, poll or question file that does not say its webinar
`chat_files.csv`. There is no table for one file alone, and none for how many of its dates must be read.
"""

from collections.abc import Callable, Mapping

from funnel_etl.core.values.text import lookup_key
from funnel_etl.operate.mappings.save import open_table
from funnel_etl.operate.mappings.table import Cells, ConfigTable, EditedLine, written
from funnel_etl.settings import Settings

WEBINARS, CHATS = "webinar_overrides", "chat_files"
OF_A_WEBINAR = ("conductor", "category", "profile", "bootcamp_day", "note")
Record = Mapping[str, str]


def of_webinar(settings: Settings, webinar_id: str) -> dict[str, str]:
    """Return what is overridden of a webinar id now, by column; blank where nothing is."""
    table = open_table(settings, WEBINARS)
    found = [_record(table, row) for row in table.rows]
    own = next((one for one in found if _digits(one.get("webinar_id", "")) == _digits(webinar_id)), {})
    return {name: own.get(name, "") for name in OF_A_WEBINAR}


def with_webinar(settings: Settings, webinar_id: str, cells: Record) -> tuple[ConfigTable, bytes]:
    """Return the table of overrides as it lies, and its bytes with these cells for a webinar id. Writes nothing."""
    wanted = {"webinar_id": webinar_id, **cells}
    return _with(settings, WEBINARS, wanted, lambda one: _digits(one["webinar_id"]) == _digits(webinar_id))


def with_chat(settings: Settings, file_name: str, cells: Record) -> tuple[ConfigTable, bytes]:
    """Return the table of chat files as it lies, and its bytes with the webinar of a file. Writes nothing."""
    wanted = {"file_name": file_name, **cells}
    return _with(settings, CHATS, wanted, lambda one: lookup_key(one["file_name"]) == lookup_key(file_name))


def _with(settings: Settings, name: str, cells: Record, is_it: Callable[[Record], bool]) -> tuple[ConfigTable, bytes]:
    table = open_table(settings, name)
    lines = table.lines
    at = next((at for at, row in enumerate(table.rows) if is_it(_record(table, row))), None)
    before = table.rows[at] if at is not None else ("",) * len(table.columns)
    fields = [table.field_of(column) for column in table.columns]
    row = tuple(cells.get(field or "", cell) for field, cell in zip(fields, before, strict=True))
    if at is None:
        lines.append(EditedLine(None, row))
    else:
        lines[at] = EditedLine(at, row)
    return table, written(table, lines)


def _record(table: ConfigTable, row: Cells) -> dict[str, str]:
    fields = (table.field_of(column) for column in table.columns)
    return {field: cell for field, cell in zip(fields, row, strict=True) if field}


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())
