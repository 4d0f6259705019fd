"""Reading JSON whose records are objects of one list, as text: into the same frame as a CSV file (`csvfile`).

Numbers keep their spelling, objects and lists in a cell stay JSON; `null` and a missing key are blank. Where records
stand is `json_records`.
"""

import pandas as pd

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.reading.csv_lines import OF_A_PERSON
from funnel_etl.core.reading.csvfile import OVERFLOW, PROBLEM, CsvRecords, unique_names
from funnel_etl.core.reading.json_records import RecordList, cells, record_lists
from funnel_etl.core.values.text import decode

_AGAIN = "fetch it again, whole; if it stays so, ask who runs this source"


def read_json(data: bytes, under: str = "") -> CsvRecords:
    """Read a JSON text; `under`: the keys that lead to its list, with dots between them (none: the text is the list).

    `source_row` is the number of the object in the text, from 1. Raises `SourceRejected` for a text that is cut off or
    no JSON, without that list, or with a list of anything but objects.
    """
    decoded = decode(data)
    records = _list(decoded.text, under)
    rows: list[dict[str, str]] = []
    numbers: list[int] = []
    blank: list[int] = []
    for number, span in enumerate(records.spans, start=records.first):
        found = cells(decoded.text, span) if decoded.text[span[0]] == "{" else []
        row = dict(found)
        if len(row) != len(found):
            raise SourceRejected(f"object {number} has a key twice", fix="ask who runs this source for objects without")
        if any(cell.strip() for cell in row.values()):
            rows.append(row)
            numbers.append(number)
        else:
            blank.append(number)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    if any(OF_A_PERSON.search(key) for key in keys):
        raise SourceRejected("its keys hold an e-mail address or a phone number", fix="have its keys name columns")
    columns = unique_names([key if key.strip() else "(blank)" for key in keys])
    cells_of = {
        name: pd.Series([row.get(key, "") for row in rows], dtype="str")
        for name, key in zip(columns, keys, strict=True)
    }
    frame = pd.DataFrame(cells_of, index=range(len(rows)))
    frame.insert(0, "source_row", pd.Series(numbers, dtype="Int64"))
    frame.insert(1, PROBLEM, pd.Series(None, index=frame.index, dtype="str"))
    frame.insert(2, OVERFLOW, pd.Series(None, index=frame.index, dtype="str"))
    return CsvRecords(frame, columns, blank, decoded.encoding, "")


def _list(text: str, under: str) -> RecordList:
    path = tuple(under.split(".")) if under else ()
    try:
        found = [one for one in record_lists(text) if one.path == path]
    except ValueError:
        raise SourceRejected("it is no whole JSON: it was cut off, or is something else", fix=_AGAIN) from None
    if len(found) != 1:
        raise SourceRejected(
            f"it has no list of objects under {under!r}" if under else "it is no list of objects",
            fix="correct what this source declares, or ask who runs it what it answers now",
        )
    return found[0]
