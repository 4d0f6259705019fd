"""The delimiter of a Zoom report: that under which its head has the most names that are known.

Where its records begin and end is one answer for all CSV texts: `core/reading/records`.
"""

import csv
import io
from collections.abc import Container
from itertools import islice

from funnel_etl.parts.marketing.zoom.reader.vocabulary import key

DELIMITERS = ",;\t"
HEAD_LINES, HEAD_LENGTH = 30, 50_000
"""How much tells the delimiter: more than the head of a report and its first header take."""


def find_delimiter(text: str, known: Container[str]) -> str:
    """Take the delimiter under which the first lines hold the most `known` headers and labels."""
    head = list(islice(io.StringIO(text[:HEAD_LENGTH].lstrip("\r\n "), newline=""), HEAD_LINES))

    def points(delimiter: str) -> int:
        return sum(key(cell) in known for record in csv.reader(head, delimiter=delimiter) for cell in record)

    return max(DELIMITERS, key=points)
