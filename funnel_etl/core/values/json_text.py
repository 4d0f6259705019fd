"""JSON texts of many rows at once, made column by column: `json.dumps` a row is slow and large.

The result is what `json.dumps(…, ensure_ascii=False)` gives. Which columns of a table become JSON is decided elsewhere.
"""

from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.large_string()
_NEEDS_ESCAPE = r'["\\\x00-\x1f]'
_AT_A_TIME = 5_000


def objects(columns: Mapping[str, Any], size: int) -> Any:
    """Return each of `size` rows as a JSON object, name → text, names sorted; blank and missing cells are left out.

    `columns` are Arrow arrays of large strings, as the result is.
    """
    fields = []
    for name in sorted(columns):
        cells = columns[name]
        filled = pc.greater(pc.binary_length(cells), 0)
        if pc.any(filled).as_py():
            cells = pc.if_else(filled, escaped(cells), pa.scalar(None, TEXT))
            fields.append(joined(f'{encode_basestring(name)}: "', cells, '"'))
    if not fields:
        return pa.array(["{}"], type=TEXT).take(pa.array([0] * size, type=pa.int64()))
    inside = pc.binary_join_element_wise(*fields, pa.scalar(", ", TEXT), null_handling="skip")
    return joined("{", inside, "}")


def joined(*parts: Any) -> Any:
    """Join columns and constants row by row; where one is missing, the result is."""
    texts = [pa.scalar(part, TEXT) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*texts, pa.scalar("", TEXT))


def escaped(column: Any) -> Any:
    """Escape what JSON escapes; most columns hold nothing of the kind."""
    odd = pc.fill_null(pc.match_substring_regex(column, _NEEDS_ESCAPE), fill_value=False)
    if not pc.any(odd, min_count=0).as_py():
        return column
    found = column.filter(odd)
    pieces = [found.slice(at, _AT_A_TIME).to_pylist() for at in range(0, len(found), _AT_A_TIME)]
    texts = [pa.array([encode_basestring(cell)[1:-1] for cell in piece], type=TEXT) for piece in pieces]
    return pc.replace_with_mask(column, odd, pa.concat_arrays(texts))
