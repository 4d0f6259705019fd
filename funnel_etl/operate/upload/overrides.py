"""What a person knows better about a file or its webinar: the line of a config table that says so.

Of one report it is `file_overrides.csv`, of a webinar id, on each of its days, `webinar_overrides.csv`, of a chat, poll
or question file that does not say its webinar `chat_files.csv`, of a name in a chat `chat_names.csv`.
"""

from collections.abc import Callable, Iterable, Mapping

from funnel_etl.core.values.text import lookup_key, typed
from funnel_etl.operate.mappings.save import open_table
from funnel_etl.operate.mappings.table import Cells, ConfigTable, EditedLine, written
from funnel_etl.settings import Settings

WEBINARS, FILES, CHATS, NAMES = "webinar_overrides", "file_overrides", "chat_files", "chat_names"
OF_A_WEBINAR = ("conductor", "category", "profile", "bootcamp_day", "note")
OF_A_FILE = (*OF_A_WEBINAR, "date_ratio")
Record = Mapping[str, str]


def of_webinar(settings: Settings, webinar_id: str) -> dict[str, str]:
    """Return what is overridden of a webinar id now, by column; blank where nothing is."""
    return _now(settings, WEBINARS, OF_A_WEBINAR, lambda one: _digits(one["webinar_id"]) == _digits(webinar_id))


def of_file(settings: Settings, file_id: str) -> dict[str, str]:
    """Return what is overridden of one report now, by column; blank where nothing is."""
    return _now(settings, FILES, OF_A_FILE, lambda one: lookup_key(one["file_id"]) == file_id)


def with_webinar(settings: Settings, webinar_id: str, cells: Record) -> tuple[ConfigTable, bytes]:
    """Return the table of overrides as it lies, and its bytes with these cells for a webinar id. Writes nothing."""
    wanted = {"webinar_id": webinar_id, **cells}
    return _with(settings, WEBINARS, wanted, lambda one: _digits(one["webinar_id"]) == _digits(webinar_id))


def with_file(settings: Settings, file_id: str, cells: Record) -> tuple[ConfigTable, bytes]:
    """Return the table of single files as it lies, and its bytes with these cells for a report. Writes nothing."""
    wanted = {"file_id": file_id, **cells}
    return _with(settings, FILES, wanted, lambda one: lookup_key(one["file_id"]) == file_id)


def with_chat(settings: Settings, file_name: str, cells: Record) -> tuple[ConfigTable, bytes]:
    """Return the table of chat files as it lies, and its bytes with the webinar of a file. Writes nothing."""
    wanted = {"file_name": file_name, **cells}
    return _with(settings, CHATS, wanted, lambda one: lookup_key(one["file_name"]) == lookup_key(file_name))


def with_name(settings: Settings, occurrence_id: str, sender_name: str, cells: Record) -> tuple[ConfigTable, bytes]:
    """Return the table of chat names as it lies, and its bytes with who a name of a webinar is. Writes nothing."""
    wanted = {"occurrence_id": occurrence_id, "sender_name": sender_name, **cells}
    own = occurrence_id, lookup_key(sender_name)
    return _with(settings, NAMES, wanted, lambda one: (one["occurrence_id"], lookup_key(one["sender_name"])) == own)


def _now(settings: Settings, name: str, columns: Iterable[str], is_it: Callable[[Record], bool]) -> dict[str, str]:
    table = open_table(settings, name)
    own = next((one for row in table.rows if is_it(one := _record(table, row))), {})
    return {column: own.get(column, "") for column in columns}


def _with(settings: Settings, name: str, cells: Record, is_it: Callable[[Record], bool]) -> tuple[ConfigTable, bytes]:
    table = open_table(settings, name)
    lines = table.lines
    at = next((at for at, row in enumerate(table.rows) if is_it(_record(table, row))), None)
    before = table.rows[at] if at is not None else ("",) * len(table.columns)
    fields = [table.field_of(column) for column in table.columns]
    row = tuple(typed(cells.get(field or "", cell)) for field, cell in zip(fields, before, strict=True))
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
