"""The records of a section as JSON, header → text, made column by column: `json.dumps` a row is slow and large.

Here: the columns `row` and `questions`. Not here: which columns are questions (`section`).
"""

import json
from json.encoder import encode_basestring
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.values.json_text import escaped, joined
from funnel_etl.parts.marketing.zoom.reader.section import TEXT, Section

MORE_FIELDS = "(fields beyond the header)"
"""Under this name the `row` of a record that is too long holds what has no header."""
_AT_A_TIME = 5_000


def records_as_json(section: Section) -> Any:
    """Return every record as it came, as an Arrow array of JSON objects with sorted names."""
    order = sorted(range(len(section.header)), key=section.header.__getitem__)
    parts: list[Any] = []
    before = "{"
    for at in order:
        parts += [f'{before}{encode_basestring(section.header[at])}: "', escaped(section.column(at))]
        before = '", '
    texts = joined(*parts, '"}')
    if not section.problems:
        return texts
    mask = [at in section.problems for at in range(section.size)]
    return pc.replace_with_mask(texts, pa.array(mask), _problem_rows(section))


def _problem_rows(section: Section) -> Any:
    """Return the records that do not fit their header: only the fields they have, and those they have too many."""
    numbers = sorted(section.problems)
    pieces = []
    for start in range(0, len(numbers), _AT_A_TIME):
        piece = numbers[start : start + _AT_A_TIME]
        columns = [section.column(i).take(pa.array(piece)).to_pylist() for i in range(len(section.header))]
        rows = zip(piece, zip(*columns, strict=True), strict=True)
        pieces.append(pa.array([_problem_row(section, at, cells) for at, cells in rows], type=TEXT))
    return pa.concat_arrays(pieces)


def _problem_row(section: Section, at: int, cells: tuple[str, ...]) -> str:
    filled = section.found.get(at, len(section.header))
    text = json.dumps(dict(zip(section.header[:filled], cells, strict=False)), ensure_ascii=False, sort_keys=True)
    return text if at not in section.surplus else f'{text[:-1]}, "{MORE_FIELDS}": {section.surplus[at]}}}'


def answers_as_json(section: Section) -> Any:
    """Return the answers to the form's questions as JSON, question → answer, without blank ones."""
    parts: list[Any] = []
    for at in sorted(section.unnamed(), key=section.header.__getitem__):
        column = section.column(at)
        answer = joined(f'{encode_basestring(section.header[at])}: "', escaped(column), '", ')
        is_blank = pc.equal(pc.utf8_trim_whitespace(column), "")
        parts.append(pc.if_else(is_blank, pa.scalar("", TEXT), answer))
    if not parts:
        return pa.array(["{}"], type=TEXT).take(pa.array([0] * section.size, type=pa.int64()))
    # What is trimmed stands behind the last answer's quotation mark.
    return joined("{", pc.ascii_rtrim(joined(*parts), ", "), "}")
