"""A person goes out of the landed pages of a source of JSON, record by record, and the rest keeps its numbers."""

from datetime import UTC, datetime
from pathlib import Path

from funnel_etl.core.reading.jsonfile import read_json
from funnel_etl.operate.erase.stores import erase_landed
from funnel_etl.operate.explain.render import landed_lines
from funnel_etl.sources.archive.landing import Landing

NOW = datetime(2026, 11, 2, tzinfo=UTC)
PAGE = b'{"data": [{"id": "a", "phone": 9123456780}, {"id": "b", "phone": 9876500001}, {"id": "c", "phone": 1}]}'


def test_a_person_goes_out_of_a_landed_page_and_the_other_records_keep_their_numbers(tmp_path: Path) -> None:
    """A page in one line would have lost all of its rows with the person's."""
    landing = Landing(tmp_path)
    file_id = landing.put("crm_sales", "pull", "https://crm/orders", PAGE, received_at=NOW, page=1).file_id
    by = landing.erasures.add(["phone:9876500001"])
    matcher = landing.erasures.matcher()
    assert matcher is not None
    found = erase_landed(landing, matcher, by)
    assert (found.lines, found.file_ids) == ({"crm_sales": 1}, {file_id})
    records = read_json(landing.read(file_id), "data")
    assert records.rows["source_row"].tolist() == [1, 3]
    assert (tuple(records.blank_rows), landing.erased_lines(file_id)) == ((2,), (2,))
    assert landing.arrivals("crm_sales")[0].page == 1
    assert landing.put("crm_sales", "pull", "https://crm/orders", PAGE, received_at=NOW, page=1).file_id == file_id


def test_a_record_is_shown_by_its_number() -> None:
    assert landed_lines(PAGE)[1] == '{"id": "b", "phone": 9876500001}'
    assert landed_lines(b"a,b\r\n1,2\n") == ["a,b", "1,2"]
    assert landed_lines(b"[not json\nx") == ["[not json", "x"]
