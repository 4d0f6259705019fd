"""A dump that came cut off, or lacks many rows of the last good one, is refused; a person may say that it is right."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES, Config, parse_table
from funnel_etl.core.errors import FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.demo.generate import generate
from funnel_etl.settings import Settings
from funnel_etl.sources import guards
from funnel_etl.sources.archive.decisions import accept_refused
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.guards import DumpReader
from funnel_etl.sources.nightly import NightlySources
from funnel_etl_tests.damage import cut_places
from funnel_etl_tests.unit.sources.conftest import Handler, Server

FIRST, SECOND, THIRD = date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)
CONFIG = Config({name: parse_table(name, None) for name in TABLES}, "none")
LEADS = "sources,assignOn,leadMobile,employee\n"
Pull = Callable[..., Outcome]


def pulled(sources: NightlySources, source: str, night: date) -> Outcome:
    """Pull a source for a night as its raw asset does."""
    reader = DumpReader(sources.settings, sources.landing, SOURCES[source], CONFIG, night=night)
    got = sources.pull(SOURCES[source], night, reader.judge)
    return reader.records(got.file_ids, got.judged)


@pytest.fixture
def sources(tmp_path: Path, landing: Landing) -> NightlySources:
    addresses = {source: str(tmp_path / f"{source}.csv") for source in SOURCES}
    return NightlySources(Settings(home=tmp_path / "home", retry_seconds=0, addresses=addresses), landing)


@pytest.fixture
def pull(sources: NightlySources) -> Pull:
    """Let a source be some bytes, and pull it for a night."""

    def run(data: bytes | str, night: date = SECOND, source: str = "crm_assigned_leads") -> Outcome:
        path = Path(sources.settings.addresses[source])
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return pulled(sources, source, night)

    return run


def leads(days: range | list[int], each: int = 10) -> str:
    """`each` assignments on each of these days of the autumn, in the order given, under the header."""
    start = date(2026, 8, 1)
    lines = [
        f"FB,{start + timedelta(days=day)} 10:{number:02}:00,9{day:04}{number:05},Asha\n"
        for day in days
        for number in range(each)
    ]
    return LEADS + "".join(lines)


def refusals(sources: NightlySources, source: str = "crm_assigned_leads") -> list[str]:
    return [str(a.reason) for a in sources.landing.arrivals(source) if a.status == "rejected"]


# ---------------------------------------------------------------- cut at a hundred places


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    generate(folder, as_of=FIRST, leads=400, months=2, seed=3)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_a_dump_cut_at_any_of_a_hundred_places_is_refused_kept_and_told(
    source: str, made: Path, sources: NightlySources, pull: Pull
) -> None:
    """The dump is the one of the night before, so a cut at a line end takes rows that were there."""
    data = (made / f"{source}.csv").read_bytes()
    pull(data, FIRST, source)
    used = sources.landing.night(FIRST, source)
    tried = 0
    for place in cut_places(data):
        with pytest.raises(SourceRejected) as refused:
            pull(data[:place], SECOND, source)
        assert not refused.value.transient, place
        assert refused.value.what, place
        assert refused.value.fix, place
        assert sources.landing.nights(source) == [FIRST], place
        tried += 1
    assert tried >= 95
    assert sources.landing.night(FIRST, source) == used
    rejected = [a for a in sources.landing.arrivals(source) if a.status == "rejected"]
    assert len(rejected) == tried
    assert all(a.reason and "\n" not in a.reason and sources.landing.has(a.file_id) for a in rejected)
    pull(data, SECOND, source)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_a_cut_goes_unseen_only_at_a_line_end_behind_every_row_of_the_last_good_dump(
    source: str, made: Path, sources: NightlySources, pull: Pull
) -> None:
    """Nobody can see such a cut without the length: tonight's new rows come with the next dump."""
    data = (made / f"{source}.csv").read_bytes()
    line_ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")) + 1
    before = int(line_ends[len(line_ends) * 9 // 10])
    pull(data[:before], FIRST, source)
    unseen = []
    for place in cut_places(data):
        try:
            pull(data[:place], SECOND, source)
        except SourceRejected:
            continue
        unseen.append(place)
        sources.landing.record_night(SECOND, source, sources.landing.night(FIRST, source) or [])
    assert unseen, "the test cuts there"
    assert all(place in line_ends and place >= before for place in unseen)


@pytest.mark.parametrize("source", SOURCES)
def test_a_first_dump_cut_within_a_record_is_refused(source: str, made: Path, pull: Pull) -> None:
    """Before there is a good dump, only a cut in the last cell, or at a line end, looks whole."""
    data = (made / f"{source}.csv").read_bytes()
    for place in cut_places(data):
        last = data[:place].rpartition(b"\n")[2]
        if not last or last.count(b",") >= data.partition(b"\n")[0].count(b","):
            continue
        with pytest.raises(SourceRejected):
            pull(data[:place], FIRST, source)
        assert place


def test_over_http_a_cut_is_seen_by_the_length_even_behind_new_rows(
    server: Server, sources: NightlySources, landing: Landing
) -> None:
    whole, new = leads(range(10)).encode(), leads(range(12)).encode()
    cut = new[: new.rfind(b"FB")]

    def send(body: bytes, length: int | None) -> Callable[[Handler], None]:
        def answer(handler: Handler) -> None:
            handler.send(body=body, Content_Length="" if length is None else str(length))
            handler.hang_up()

        return answer

    url = server.script(
        "/leads", send(whole, len(whole)), *[send(cut, len(new))] * 3, send(whole[: whole.rfind(b"FB")], None)
    )
    settings = sources.settings.model_copy(update={"addresses": {"crm_assigned_leads": url}})
    http = NightlySources(settings, landing)
    pulled(http, "crm_assigned_leads", FIRST)
    with pytest.raises(SourceUnavailable, match="broke off"):
        pulled(http, "crm_assigned_leads", SECOND)
    with pytest.raises(SourceRejected, match="cut off at a line end"):
        pulled(http, "crm_assigned_leads", SECOND)
    assert landing.nights("crm_assigned_leads") == [FIRST]


# ---------------------------------------------------------------- how a cut shows


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(leads(range(5))[:-1], "no line end, and that of the last good dump", id="last_line_end"),
        pytest.param(leads(range(5))[:-3], "no line end, and that of the last good dump", id="last_cell"),
        pytest.param(leads(range(5))[:-8], "ends in the middle of line 51", id="short_record"),
        pytest.param(leads(range(5))[:-5] + '"As\n', "quotation mark opened on line 51", id="open_quote"),
        pytest.param(LEADS, "only its header came, without any row: 0 keys now, 50 in the last good", id="header_only"),
        pytest.param(LEADS[:-1], "no line end", id="header_only_cut"),
        pytest.param("", "it is empty, without even a header", id="empty"),
        pytest.param("<html><body>Log in</body></html>", "got a web page, not CSV", id="page"),
        pytest.param(leads(range(5))[:-5], "ends in the middle of", id="before_the_last_cell"),
        pytest.param(leads(range(5)).encode("utf-16")[:-1], "within a character", id="half_a_utf16_character"),
        pytest.param(leads(range(5)).encode()[:-5] + "अ".encode()[:2], "within a character", id="half_a_character"),
        pytest.param(leads(range(5)).replace("\n", "\r\n")[:-1], "within a line end", id="between_cr_and_lf"),
    ],
)
def test_a_cut_dump_is_refused_with_what_shows_it(
    data: str | bytes, what: str, sources: NightlySources, pull: Pull
) -> None:
    pull(leads(range(5)), FIRST)
    with pytest.raises(SourceRejected) as refused:
        pull(data)
    if "middle of" not in what or what.endswith("51"):
        assert what in str(refused.value)
    assert refusals(sources) == [str(refused.value)]


def test_a_dump_that_never_ended_with_a_line_end_may_go_on_so_and_a_new_line_end_is_asked_about(pull: Pull) -> None:
    pull(leads(range(5))[:-1], FIRST)
    assert len(pull(leads(range(6))[:-1]).rows) == 60
    with pytest.raises(SourceRejected, match=r"has a line end, and that of the last good dump .* had none"):
        pull(leads(range(7)), THIRD)


# ---------------------------------------------------------------- rows that are gone


def test_a_loss_up_to_the_limit_is_published_and_one_over_it_is_refused_with_both_counts(
    sources: NightlySources, pull: Pull
) -> None:
    pull(leads(range(10)), FIRST)
    assert len(pull(leads([0, 1, 3, 5, 6, 7, 8, 9])).rows) == 80
    with pytest.raises(SourceRejected) as refused:
        pull(leads([0, 1, 3, 5, 8, 9]), THIRD)
    assert str(refused.value) == (
        "crm_assigned_leads: 20 keys are gone, 25.0%, more than FUNNEL_DROP_LIMIT (20%): 60 keys now, 80 in the last "
        "good dump (night 2026-11-02). Fix: pull it again, whole; if it is complete as it is: funnel-etl confirm "
        "crm_assigned_leads, then run the night again"
    )
    assert sources.landing.nights("crm_assigned_leads") == [FIRST, SECOND]


def test_the_limit_is_a_setting(sources: NightlySources, pull: Pull) -> None:
    pull(leads(range(10)), FIRST)
    sources.settings.drop_limit = 0.5
    assert len(pull(leads([0, 2, 4, 6, 9])).rows) == 50


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_rows_the_window_moved_past_are_no_loss(order: str, pull: Pull) -> None:
    first, second = leads(range(3)), leads([1, 2, 3])
    if order == "newest_first":
        first, second = leads([2, 1, 0]), leads([3, 2, 1])
    pull(first, FIRST)
    assert len(pull(second).rows) == 30


def test_a_window_that_moves_a_month_at_once_is_no_loss_where_the_dump_goes_on_behind_it(pull: Pull) -> None:
    pull(leads(range(60)), FIRST)
    assert len(pull(leads(range(31, 62))).rows) == 310


def test_in_a_dump_with_its_newest_rows_first_a_cut_is_not_taken_for_a_window_that_moved(pull: Pull) -> None:
    pull(leads(list(range(60, 0, -1))), FIRST)
    with pytest.raises(SourceRejected, match="ends 50 rows before the last good dump did"):
        pull(leads(list(range(62, 7, -1))))


def test_one_odd_old_date_does_not_hide_what_the_window_moved_past(pull: Pull) -> None:
    odd = "FB,2016-01-01 10:00:00,9123456789,Asha\n"
    pull(leads(list(range(40, 0, -1))) + odd, FIRST)
    assert len(pull(leads(list(range(41, 1, -1))) + odd).rows) == 401


def test_equal_rows_are_counted(pull: Pull) -> None:
    line = leads([1], each=1).removeprefix(LEADS)
    pull(LEADS + line * 10, FIRST)
    with pytest.raises(SourceRejected, match=r"3 keys are gone, 30.0%.*: 7 keys now, 10 in"):
        pull(LEADS + line * 7)


def test_the_same_phones_and_times_in_another_spelling_and_order_are_no_loss(pull: Pull) -> None:
    pull(leads(range(14)), FIRST)
    text = LEADS + "".join(reversed(leads(range(14)).splitlines(keepends=True)[1:]))
    assert len(pull(text.replace(",9", ",+91 9").replace(" 10:", "T10:")).rows) == 140


def test_a_sale_is_known_by_its_id_whatever_else_is_edited(pull: Pull) -> None:
    header = "_id,status,createdOn,StudentContact,netAmount\n"
    sales = [f"S{n},paid,2026-10-{n:02} 10:00,9876512345,500\n" for n in range(1, 11)]
    pull(header + "".join(sales), FIRST, "crm_sales")
    edited = header + "".join(sales).replace("paid", "refunded").replace("10:00", "11:30").replace("S", "s")
    assert len(pull(edited, SECOND, "crm_sales").rows) == 10
    with pytest.raises(SourceRejected, match="3 keys are gone"):
        pull(header + "".join(sales[:4] + sales[7:]), THIRD, "crm_sales")


# ---------------------------------------------------------------- refused for other reasons


@pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(leads([1]).replace("leadMobile", "phone of lead"), "needed column 'leadMobile'", id="column"),
        pytest.param(LEADS + "FB,01/02/2026 10:00,9876512345,Asha\n", "assignOn", id="ambiguous_dates"),
    ],
)
def test_a_dump_without_a_needed_column_or_with_ambiguous_dates_is_rejected_when_it_arrives(
    data: str, what: str, sources: NightlySources, pull: Pull
) -> None:
    """Such a dump was once `loaded` in ops.files, and the night's for good."""
    with pytest.raises(SourceRejected, match=what):
        pull(data, FIRST)
    assert [what in reason for reason in refusals(sources)] == [True]
    assert sources.landing.nights("crm_assigned_leads") == []
    assert len(pull(leads([1]), FIRST).rows) == 10


def test_the_date_of_a_total_disproves_no_order_of_day_and_month(pull: Pull) -> None:
    days = [f"{day:02d}/{month}/2026" for month in (11, 12) for day in (1, 2, 3, 4, 5)]
    rows = "".join(f"FB,{day} 10:00,9876512345,Asha\n" for day in days)
    assert len(pull(LEADS + rows + "Total,02/11/2026 23:59,10,\n", FIRST).rows) == 11
    with pytest.raises(SourceRejected, match="order of day and month"):
        pull(LEADS + rows + "FB,02/11/2026 23:59,9876512345,Asha\n", FIRST)


# ---------------------------------------------------------------- a person says that it is right


def confirmed(sources: NightlySources) -> None:
    """Confirm the newest dump."""
    newest = sources.landing.arrivals("crm_assigned_leads")[-1]
    accept_refused(sources.landing, "crm_assigned_leads", newest.file_id, str(newest.reason))


def test_a_confirmed_dump_is_taken_and_only_that_one(sources: NightlySources, pull: Pull) -> None:
    pull(leads(range(10)), FIRST)
    for days in (range(4), range(5)):
        with pytest.raises(SourceRejected):
            pull(leads(days))
    confirmed(sources)
    with pytest.raises(SourceRejected):
        pull(leads(range(4)))
    assert len(pull(leads(range(5))).rows) == 50
    assert sources.landing.nights("crm_assigned_leads") == [FIRST, SECOND]


def test_a_later_pull_is_compared_with_the_confirmed_dump(sources: NightlySources, pull: Pull) -> None:
    """The CRM goes on: by the time the night is run again the dump has a row more, and could never be confirmed."""
    pull(leads(range(10)), FIRST)
    with pytest.raises(SourceRejected):
        pull(leads(range(5)))
    confirmed(sources)
    assert len(pull(leads([0, 1, 2, 3, 4, 20])).rows) == 60


def test_a_confirmation_is_spent_once_a_newer_dump_was_used(sources: NightlySources, pull: Pull) -> None:
    pull(leads(range(10)), FIRST)
    with pytest.raises(SourceRejected):
        pull(leads(range(5)))
    confirmed(sources)
    pull(leads(range(10)), SECOND)
    with pytest.raises(SourceRejected):
        pull(leads(range(5)), THIRD)


def test_a_replay_asks_nobody(sources: NightlySources, pull: Pull) -> None:
    pull(leads(range(10)), FIRST)
    with pytest.raises(SourceRejected):
        pull(leads(range(5)))
    confirmed(sources)
    pull(leads(range(5)))
    assert len(pull("gone", FIRST).rows) == 100


# ---------------------------------------------------------------- the header


def test_a_changed_header_is_noted_on_the_night_that_saw_it_and_not_again(pull: Pull) -> None:
    assert pull(leads([1]), FIRST).notes == []
    wider = leads([1]).replace("employee\n", "employee,team\n").replace("Asha\n", "Asha,North\n")
    assert pull(wider, SECOND).notes == ["crm_assigned_leads: column 'team' added: kept as it is"]
    assert pull(wider, SECOND).notes == ["crm_assigned_leads: column 'team' added: kept as it is"]
    third = pull(wider, THIRD)
    assert (third.notes, third.drift) == ([], [])
    assert [change.column for change in pull("gone", SECOND).drift] == ["team"]


def test_the_memory_of_the_last_good_dump_is_only_a_cache(sources: NightlySources, pull: Pull) -> None:
    pull(leads(range(10)), FIRST)
    kept = Path(sources.settings.lake_root) / "_dumps" / "crm_assigned_leads.parquet"
    whole = kept.read_bytes()
    for damaged in (None, b"", whole[:100]):
        kept.unlink() if damaged is None else kept.write_bytes(damaged)
        with pytest.raises(FunnelError, match=r"50 keys are gone, 50\.0%"):
            pull(leads([0, 2, 4, 6, 9]))


def test_a_pull_returns_what_the_judge_read_and_the_dump_is_read_once(
    sources: NightlySources, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, read = SOURCES["crm_assigned_leads"], []
    Path(sources.settings.addresses[source.name]).write_text(leads(range(3)))
    raw_pages = guards.raw_pages
    monkeypatch.setattr(guards, "raw_pages", lambda pages, *given: read.extend(pages) or raw_pages(pages, *given))
    reader = DumpReader(sources.settings, sources.landing, source, CONFIG, night=FIRST)
    got = sources.pull(source, FIRST, reader.judge)
    assert got.judged is not None
    other = DumpReader(sources.settings, sources.landing, source, CONFIG, night=FIRST)
    outcome = other.records(got.file_ids, got.judged)
    assert (outcome.rows is got.judged.outcome.rows, len(outcome.rows)) == (True, 30), "whoever asks, in any order"
    assert [page.file_id for page in read] == list(got.file_ids)


def test_a_night_that_is_replayed_was_judged_when_it_came(sources: NightlySources, pull: Pull) -> None:
    pull(leads(range(3)), FIRST)
    pull(leads(range(4)), SECOND)
    source = SOURCES["crm_assigned_leads"]
    reader = DumpReader(sources.settings, sources.landing, source, CONFIG, night=FIRST)
    got = sources.pull(source, FIRST, reader.judge)
    assert (got.judged, len(reader.records(got.file_ids, got.judged).rows)) == (None, 30)
