"""The end of a dump is judged by its last whole row: what an exporter leaves behind it when it breaks off is a cut."""

from datetime import date
from pathlib import Path

import pytest

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES, Config, parse_table
from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.parts.sales.sales import clean_sales
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.decisions import accept_refused
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.guards import DumpReader
from funnel_etl.sources.nightly import NightlySources

FIRST, SECOND, THIRD = date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 28)
CONFIG = Config({name: parse_table(name, None) for name in TABLES}, "none")
SHAPES = {
    "crm_sales": (
        "_id,status,createdOn,netAmount,StudentContact,Funnel",
        "s{n},success,2026-11-{day:02} 12:00,1000,98765{n:05},Webinar",
    ),
    "crm_assigned_leads": (
        "sources,assignOn,leadMobile,employee",
        "FB,2026-11-{day:02} 12:00,98765{n:05},Asha",
    ),
    "tofu_leads": (
        "Name,Email,Phone number,utmSource,created date",
        "P,p{n}@example.org,98765{n:05},facebook,2026-11-{day:02} 12:00",
    ),
    "ad_spend": (
        "date_time,campaign,cost,clicks,Funnel",
        "2026-11-{day:02},c{n},100,5,Webinar",
    ),
}
ENDS = {
    "mysql": "ERROR 2013 (HY000): Lost connection to MySQL server during query\n",
    "php_warning": "\nWarning: mysqli_query(): MySQL server has gone away in /srv/x.php on line 3\n",
    "php_fatal": "<br />\n<b>Fatal error</b>:  Allowed memory size exhausted in <b>x.php</b> on line 7<br />\n",
    "json": '{"error":"timeout","code":504,"retry":true,"after":30}\n',
    "html": "</table>\n</body>\n</html>\n",
    "timed_out": "Query timed out\n",
    "padded_by_a_sheet": '"Exceeded maximum execution time",,,,,\n',
    "half_a_record": "FB\n",
    "another_count": "(312 rows)\n",
}


class Dumps:
    """One source after the other, pulled night after night as its raw asset does."""

    def __init__(self, home: Path, landing: Landing) -> None:
        self.home, self.landing = home, landing
        addresses = {source: str(home / f"{source}.csv") for source in SHAPES}
        self.sources = NightlySources(Settings(home=home / "state", retry_seconds=0, addresses=addresses), landing)

    def pull(self, source: str, text: str, night: date = SECOND) -> Outcome:
        (self.home / f"{source}.csv").write_text(text, encoding="utf-8")
        return self.again(source, night)

    def again(self, source: str, night: date) -> Outcome:
        reader = DumpReader(self.sources.settings, self.landing, SOURCES[source], CONFIG, night=night)
        pulled = self.sources.pull(SOURCES[source], night, reader.judge)
        return reader.records(pulled.file_ids, pulled.judged)


@pytest.fixture
def dumps(tmp_path: Path, landing: Landing) -> Dumps:
    return Dumps(tmp_path, landing)


def rows(source: str, count: int = 100) -> str:
    header, row = SHAPES[source]
    lines = [row.format(n=n, day=1 + n // 4) for n in range(count)]
    return "\n".join([header, *lines, ""])


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("source", SHAPES)
def test_a_cut_behind_which_an_error_stands_is_refused_in_every_source(source: str, end: str, dumps: Dumps) -> None:
    """100 sales became 88: the error line was one more row in quarantine, and the cut was not seen (faults 44b)."""
    dumps.pull(source, rows(source), FIRST)
    with pytest.raises(SourceRejected) as refused:
        dumps.pull(source, rows(source, 88) + end)
    assert "88 keys now, 100 in the last good dump" in refused.value.what
    line = 91 if end.startswith("\n") else 90
    assert f"{line} " in refused.value.what.split(";")[1]
    assert f"funnel-etl confirm {source}" in refused.value.fix
    assert "execution" not in refused.value.what, "what the line holds is not repeated"


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_cut_that_takes_only_new_rows_shows_by_the_error_alone(end: str, dumps: Dumps) -> None:
    dumps.pull("crm_sales", rows("crm_sales", 80), FIRST)
    with pytest.raises(SourceRejected, match="looks cut off at its end: 88 keys now, 80 in the last good dump"):
        dumps.pull("crm_sales", rows("crm_sales", 88) + end)


def test_the_header_again_at_the_end_is_a_cut(dumps: Dumps) -> None:
    dumps.pull("crm_sales", rows("crm_sales", 80), FIRST)
    with pytest.raises(SourceRejected, match="line 90 is no row"):
        dumps.pull("crm_sales", rows("crm_sales", 88) + SHAPES["crm_sales"][0] + "\n")


def test_a_cut_of_the_very_first_dump_is_a_line_in_quarantine_and_a_warning(dumps: Dumps) -> None:
    outcome = dumps.pull("crm_sales", rows("crm_sales", 88) + ENDS["mysql"])
    assert "crm_sales: line 90 is no row behind the last row: the dump may be cut off there" in outcome.notes
    clean = clean_sales(outcome.rows, CONFIG, "Asia/Kolkata")
    assert len(clean.rows) == 88
    assert clean.quarantine["source_row"].tolist() == [90]


def test_a_wrong_count_of_the_first_dump_says_both_numbers(dumps: Dumps) -> None:
    outcome = dumps.pull("crm_sales", rows("crm_sales", 88) + "(312 rows)\n")
    assert any("line 90 is no row but a count of 312 rows" in note for note in outcome.notes)


def test_a_right_count_at_the_end_is_fine_each_night(dumps: Dumps) -> None:
    for night, count in ((FIRST, 80), (SECOND, 88), (THIRD, 95)):
        outcome = dumps.pull("crm_sales", f"{rows('crm_sales', count)}({count} rows)\n", night)
        assert len(outcome.rows) == count
        assert not any("cut off" in note for note in outcome.notes)
        assert outcome.ledger[0].reasons == {"excluded:row_count": 1}


def test_an_end_that_the_last_good_dump_had_too_is_no_cut(dumps: Dumps) -> None:
    """Only its digits differ: a total, the time of the export."""
    dumps.pull("crm_sales", rows("crm_sales", 80) + "Total,,,80000,,\n\nmade at 02:31 by job 7\n", FIRST)
    assert (
        len(dumps.pull("crm_sales", rows("crm_sales", 88) + "Total,,,88000,,\n\nmade at 02:33 by job 8\n").rows) == 90
    )
    with pytest.raises(SourceRejected, match="lines 98 to 99 are no rows"):
        dumps.pull("crm_sales", rows("crm_sales", 96) + "Total,,,96000,,\nQuery timed out\n", THIRD)


FOOTERS = {
    "weekday_and_month": (
        "Exported on Friday 13 November 2026 10:05 PM",
        "Exported on Tuesday 1 December 2026 09:05 AM",
    ),
    "short_names": ("as of Fri, 27-Nov-2026 9:05pm", "as of Sat, 5-Dec-2026 11:15am"),
    "ordinals": ("Report of the 1st of Dec. 2026, 9 p.m.", "Report of the 22nd of Jan. 2027, 11 a.m."),
    "person": ("Exported by Asha Rao on 13/11/2026", "Exported by Mohammed Anwar Khan on 14/11/2026"),
    "two_lines": ("Total,,,80000,,\nPrepared by Asha", "Total November,,,88000,,\nPrepared by Ravi Kumar"),
}


@pytest.mark.parametrize(("first", "second"), FOOTERS.values(), ids=FOOTERS)
def test_a_footer_of_each_day_is_known_again_by_its_words(first: str, second: str, dumps: Dumps) -> None:
    """A footer with the weekday, the month or who exported refused the dump every night."""
    dumps.pull("crm_sales", f"{rows('crm_sales', 80)}{first}\n", FIRST)
    outcome = dumps.pull("crm_sales", f"{rows('crm_sales', 88)}{second}\n")
    assert len(outcome.rows) == 88 + 1 + second.count("\n")
    assert any("behind the last row: the dump may be cut off there" in note for note in outcome.notes)


def test_a_footer_in_other_words_behind_which_rows_are_gone_is_refused(dumps: Dumps) -> None:
    dumps.pull("crm_sales", f"{rows('crm_sales')}Exported by Asha\n", FIRST)
    lines = rows("crm_sales").splitlines()
    with pytest.raises(SourceRejected, match="looks cut off at its end: 99 keys now"):
        dumps.pull("crm_sales", "\n".join([*lines[:50], *lines[51:], "Exported by Ravi Kumar\n"]))


def test_a_message_is_not_known_again_by_its_first_word(dumps: Dumps) -> None:
    dumps.pull("crm_sales", rows("crm_sales", 80) + "Query timed out\n", FIRST)
    with pytest.raises(SourceRejected, match="line 90 is no row"):
        dumps.pull("crm_sales", rows("crm_sales", 88) + "Query was killed\n")


@pytest.mark.parametrize(
    "last",
    [
        pytest.param("s999,success,soon,1000,9876599999,Webinar\n", id="a_bad_date"),
        pytest.param("s999,,,,9876599999,\n", id="an_unfinished_row_of_somebody"),
        pytest.param("s999,success,2026-11-26,1000,9876599999,Webinar,more\n", id="a_field_too_many"),
    ],
)
def test_a_last_row_of_somebody_with_a_bad_cell_is_no_cut(last: str, dumps: Dumps) -> None:
    dumps.pull("crm_sales", rows("crm_sales"), FIRST)
    assert len(dumps.pull("crm_sales", rows("crm_sales") + last).rows) == 101


def test_a_person_may_say_that_a_dump_with_such_an_end_is_right(dumps: Dumps) -> None:
    dumps.pull("crm_sales", rows("crm_sales"), FIRST)
    with pytest.raises(SourceRejected) as refused:
        dumps.pull("crm_sales", rows("crm_sales", 88) + ENDS["mysql"])
    newest = dumps.landing.arrivals("crm_sales")[-1]
    accept_refused(dumps.landing, "crm_sales", newest.file_id, str(refused.value))
    assert len(dumps.again("crm_sales", SECOND).rows) == 89


def test_the_last_good_dump_is_remembered_with_its_end(dumps: Dumps) -> None:
    """From the memory and from the landing archive: the same answer."""
    text = rows("crm_sales", 80) + "Total,,,80000,,\n"
    dumps.pull("crm_sales", text, FIRST)
    settings = dumps.sources.settings
    reader = DumpReader(settings, dumps.landing, SOURCES["crm_sales"], CONFIG, night=SECOND)
    remembered = reader.last_good()
    kept = list((Path(settings.lake_root) / "_dumps").glob("*"))
    assert kept
    for file in kept:
        file.unlink()
    again = reader.last_good()
    assert remembered is not None
    assert again is not None
    assert remembered.dump.end == again.dump.end
    assert remembered.dump.end.lines == (82,)
