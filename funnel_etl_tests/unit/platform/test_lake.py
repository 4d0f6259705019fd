"""The lake: tables of a night as Parquet, there whole or not at all, the same bytes for the same rows."""

import threading
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import MERGED_COLUMNS, QUARANTINE_COLUMNS, LedgerLine, Made, Outcome
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.core.tables.validity import Validity
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.rows_file import rows_file
from funnel_etl.sources.archive.store import open_store

NIGHT, NEXT = date(2025, 10, 31), date(2025, 11, 1)

EVERYTHING = Table(
    "clean",
    "everything",
    "One row per thing",
    ("id",),
    (
        Column("id", Kind.INTEGER, "Its number.", required=True),
        *(Column(kind.name.lower(), kind, f"A {kind.value}.") for kind in Kind),
    ),
)


def everything() -> pd.DataFrame:
    """Three rows: values at the edges, plain ones, all missing."""
    return EVERYTHING.conform(
        pd.DataFrame(
            {
                "id": [1, 2, 3],
                "text": ["नमस्ते 🙂", "", None],
                "integer": pd.array([2**63 - 1, -1, None], dtype="Int64"),
                "boolean": [True, False, None],
                "timestamp": ["2025-10-31T18:29:59.999999Z", "1970-01-01T00:00:00.000000Z", None],
                "date": ["2025-10-31", "1969-12-31", None],
                "money": pd.array([10**14 - 1, -1, None], dtype="Int64"),
                "share": pd.array([10**18, -1, None], dtype="Int64"),
                "number": [0.1, -1e300, None],
                "text_array": [["a", "b,c"], [], None],
                "json": ['{"a": "ü"}', "[]", None],
            }
        )
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(UPath(tmp_path / "lake"))


def test_every_kind_of_column_comes_back_as_it_went_in(lake: Lake) -> None:
    rows = everything()
    lake.write(EVERYTHING, NIGHT, rows)
    pd.testing.assert_frame_equal(lake.read(EVERYTHING, NIGHT), rows)
    assert set(rows["integer"].dropna()) == {2**63 - 1, -1}


def test_money_is_rupees_with_two_decimals_in_the_file(lake: Lake) -> None:
    lake.write(EVERYTHING, NIGHT, everything())
    column = lake.read_arrow(EVERYTHING, NIGHT).column("money")
    assert str(column.type) == "decimal128(14, 2)"
    assert [str(value) for value in column.to_pylist()] == ["999999999999.99", "-0.01", "None"]


def test_a_share_has_eighteen_decimals_in_the_file(lake: Lake) -> None:
    lake.write(EVERYTHING, NIGHT, everything())
    column = lake.read_arrow(EVERYTHING, NIGHT).column("share")
    assert str(column.type) == "decimal128(20, 18)"
    assert [f"{value:f}" for value in column.to_pylist()[:2]] == ["1.000000000000000000", "-0.000000000000000001"]


def test_an_empty_table_comes_back_with_its_types(lake: Lake) -> None:
    lake.write(EVERYTHING, NIGHT, EVERYTHING.empty())
    pd.testing.assert_frame_equal(lake.read(EVERYTHING, NIGHT), EVERYTHING.conform(EVERYTHING.empty()))


def test_the_same_rows_have_the_same_hash_in_any_lake_and_other_rows_another(lake: Lake, tmp_path: Path) -> None:
    elsewhere = Lake(UPath(tmp_path / "elsewhere"))
    lake.write(EVERYTHING, NIGHT, everything())
    elsewhere.write(EVERYTHING, NEXT, everything())
    assert lake.content_hash(EVERYTHING, NIGHT) == elsewhere.content_hash(EVERYTHING, NEXT)
    changed = everything().assign(money=pd.array([1, -1, None], dtype="Int64"))
    lake.write(EVERYTHING, NIGHT, changed)
    assert lake.content_hash(EVERYTHING, NIGHT) != elsewhere.content_hash(EVERYTHING, NEXT)


def test_a_reader_sees_the_old_table_or_the_new_never_a_part(lake: Lake) -> None:
    small, large = everything(), pd.concat([everything()] * 4000, ignore_index=True)
    lake.write(EVERYTHING, NIGHT, small)
    ended, seen, failures = threading.Event(), set(), []

    def read() -> None:
        while not ended.is_set():
            try:
                seen.add(len(lake.read_arrow(EVERYTHING, NIGHT)))
            except Exception as error:  # noqa: BLE001 - whatever a reader meets is the finding
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for rows in [large, small] * 10:
        lake.write(EVERYTHING, NIGHT, rows)
    ended.set()
    reader.join()
    assert failures == []
    assert seen <= {len(small), len(large)}
    assert seen


def test_nothing_but_the_table_is_left_beside_it(lake: Lake) -> None:
    lake.write(EVERYTHING, NIGHT, everything())
    lake.write(EVERYTHING, NIGHT, everything())
    folder = Path(str(lake.root)) / "clean" / "everything"
    assert [path.name for path in folder.iterdir()] == ["2025-10-31.parquet"]


def test_a_table_that_fails_to_be_written_leaves_the_old_one(lake: Lake) -> None:
    lake.write(EVERYTHING, NIGHT, everything())
    before = lake.content_hash(EVERYTHING, NIGHT)
    too_much = everything().assign(money=pd.array([10**14, None, None], dtype="Int64"))
    with pytest.raises(FunnelError, match="too large for numeric"):
        lake.write(EVERYTHING, NIGHT, too_much)
    assert lake.content_hash(EVERYTHING, NIGHT) == before


def test_a_night_that_has_not_made_the_table_says_how_to_make_it(lake: Lake) -> None:
    lake.write(EVERYTHING, NIGHT, everything())
    with pytest.raises(FunnelError) as told:
        lake.read(EVERYTHING, NEXT)
    assert str(told.value).count("\n") == 0
    assert "clean.everything" in str(told.value)
    assert "funnel-etl run --as-of 2025-11-01" in str(told.value)
    assert not lake.exists(EVERYTHING, NEXT)


def test_a_column_the_source_sends_beyond_its_contract_is_kept(lake: Lake) -> None:
    raw = Table("raw", "things", "One row per line", ("id",), (Column("id", Kind.INTEGER, "Line."),), extensible=True)
    rows = pd.DataFrame({"id": pd.array([1], dtype="Int64"), "ad name": pd.array(["x"], dtype="str")})
    lake.write(raw, NIGHT, rows)
    pd.testing.assert_frame_equal(lake.read(raw, NIGHT), rows)


def test_the_account_of_a_table_comes_back_whole(lake: Lake) -> None:
    account = Outcome(
        everything(),
        [LedgerLine("raw.things", 5, 3, merged=1, quarantined=1, cell_warnings=2, reasons={"merged:twin": 1})],
        pd.DataFrame([["f" * 64, 7, "k", "bad_date", "when", "{}"]], columns=QUARANTINE_COLUMNS),
        pd.DataFrame([["f" * 64, 3, "f" * 64, 2, "twin"]], columns=MERGED_COLUMNS),
        ["a note"],
    )
    lake.write_account(EVERYTHING, NIGHT, account, "run-1")
    again, run_id = lake.read_account(EVERYTHING, NIGHT)
    assert run_id == "run-1"
    assert again.ledger == account.ledger
    assert again.notes == ["a note"]
    assert again.quarantine.to_dict("records") == account.quarantine.to_dict("records")
    assert again.merged.to_dict("records") == account.merged.to_dict("records")


@pytest.mark.parametrize("root", ["folder", "memory"])
def test_what_lies_there_is_listed_and_a_night_of_a_table_can_be_removed_with_its_account(
    tmp_path: Path, root: str
) -> None:
    lake = Lake(UPath(tmp_path) if root == "folder" else UPath("memory://removed-from-lake"))
    for night in (NIGHT, NEXT):
        lake.write(EVERYTHING, night, everything())
        lake.write_account(EVERYTHING, night, Outcome(everything()), "run")
    assert lake.made("clean") == {"clean.everything": [NIGHT, NEXT]}
    assert lake.made("mart") == {}
    assert lake.size("clean.everything", NIGHT) > 1000
    for _ in range(2):  # the second finds nothing
        lake.remove("clean.everything", NIGHT)
    assert lake.made("clean") == {"clean.everything": [NEXT]}
    assert lake.size("clean.everything", NIGHT) == 0
    with pytest.raises(FileNotFoundError):
        lake.read_account(EVERYTHING, NIGHT)
    assert lake.read_account(EVERYTHING, NEXT)[1] == "run"


@pytest.mark.parametrize("root", ["folder", "folder without links", "memory"])
def test_a_night_that_reuses_a_file_has_it_for_itself_whatever_becomes_of_the_other(
    tmp_path: Path, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(UPath("memory://reused-in-lake") if root == "memory" else UPath(tmp_path))
    if root == "folder without links":
        monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    others = everything().iloc[:1].reset_index(drop=True)
    lake.write(EVERYTHING, NIGHT, everything())
    size = lake.size("clean.everything", NIGHT)
    for _ in range(2):  # the second finds it there
        lake.reuse(EVERYTHING, NEXT, NIGHT)
    both = [lake.size("clean.everything", night) for night in (NIGHT, NEXT)]
    assert both == ([size // 2] * 2 if root == "folder" else [size] * 2)
    lake.write(EVERYTHING, NIGHT, others)
    assert len(lake.read(EVERYTHING, NIGHT)) == lake.count(EVERYTHING, NIGHT) == 1
    pd.testing.assert_frame_equal(lake.read(EVERYTHING, NEXT), everything())
    lake.reuse(EVERYTHING, NEXT, NIGHT)
    lake.remove("clean.everything", NIGHT)
    pd.testing.assert_frame_equal(lake.read(EVERYTHING, NEXT), others)
    if root != "memory":
        [file] = (tmp_path / "clean" / "everything").iterdir()
        assert file.stat().st_mode & 0o077 == 0
    lake.remove("clean.everything", NEXT)


def reusable(lake: Lake, night: date, *, fits: bool = True) -> Outcome | None:
    return lake.reusable(EVERYTHING, night, lambda _: fits)


def test_only_rows_that_are_as_they_were_made_may_be_reused(lake: Lake) -> None:
    made = Made("a key", NIGHT, Validity(None, date(2025, 11, 5)))
    lake.write(EVERYTHING, NIGHT, everything())
    lake.write_account(EVERYTHING, NIGHT, Outcome(everything(), made=made), "run")
    found = reusable(lake, NIGHT)
    assert found is not None
    assert found.made == made
    assert reusable(lake, NEXT) is None
    assert reusable(lake, NIGHT, fits=False) is None
    lake.write_account(EVERYTHING, NIGHT, Outcome(everything(), made=made, problems=["a check"]), "run")
    assert reusable(lake, NIGHT) is None
    lake.write_account(EVERYTHING, NIGHT, Outcome(everything()), "run")
    assert reusable(lake, NIGHT) is None
    lake.write_account(EVERYTHING, NIGHT, Outcome(everything(), made=made), "run")
    lake.write(EVERYTHING, NIGHT, everything().iloc[:2])
    assert reusable(lake, NIGHT) is None


@pytest.mark.parametrize("name", [f"clean/everything/{NIGHT}.parquet", f"_account/clean/everything/{NIGHT}.json"])
def test_a_file_with_one_other_byte_is_made_again(tmp_path: Path, name: str) -> None:
    lake = Lake(UPath(tmp_path))
    lake.write(EVERYTHING, NIGHT, everything())
    made = Made("a key", NIGHT, Validity())
    lake.write_account(EVERYTHING, NIGHT, Outcome(everything(), made=made), "run")
    assert reusable(lake, NIGHT) is not None
    data = bytearray((tmp_path / name).read_bytes())
    data[10] ^= 1
    (tmp_path / name).write_bytes(data)
    assert reusable(lake, NIGHT) is None


@pytest.mark.parametrize("root", ["folder", "memory"])
def test_a_table_that_lies_there_in_parts_is_read_as_one_and_one_file_goes_before_them(
    tmp_path: Path, root: str
) -> None:
    lake = Lake(UPath(tmp_path) if root == "folder" else UPath("memory://lake-of-parts"))
    store, rows = open_store(lake.root), everything()
    for number, part in enumerate((rows.iloc[:2], rows.iloc[2:])):
        name = f"clean/everything/{NIGHT}/part-{number:02}.parquet"
        store.write(name, rows_file(EVERYTHING.to_arrow(part.reset_index(drop=True))))
    lake.write_account(EVERYTHING, NIGHT, Outcome(rows), "run")
    pd.testing.assert_frame_equal(lake.read(EVERYTHING, NIGHT), rows)
    assert lake.columns(EVERYTHING, NIGHT) == EVERYTHING.names
    assert lake.made("clean") == {"clean.everything": [NIGHT]}
    assert lake.nights(EVERYTHING) == [NIGHT]
    assert lake.exists(EVERYTHING, NIGHT)
    assert lake.size("clean.everything", NIGHT) == sum(store.size(name) for name in store.names(""))
    of_parts = lake.content_hash(EVERYTHING, NIGHT)
    lake.write(EVERYTHING, NIGHT, rows.iloc[:1])
    assert len(lake.read(EVERYTHING, NIGHT)) == 1
    assert lake.content_hash(EVERYTHING, NIGHT) != of_parts
    lake.remove("clean.everything", NIGHT)
    assert not lake.exists(EVERYTHING, NIGHT)
    assert store.names("") == []


def test_a_lake_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()
    lake = Lake(tmp_path / "a_file" / "lake")
    with pytest.raises(FunnelError, match=r"the lake cannot be written \(Not a directory\)\. Fix: .*FUNNEL_LAKE_URL"):
        lake.write(EVERYTHING, NIGHT, everything())
    with pytest.raises(FunnelError, match="the lake cannot be written"):
        lake.write_account(EVERYTHING, NIGHT, Outcome(everything()), "run")


def test_rows_are_found_by_their_hash_in_the_night_they_were_published_for_or_the_one_before(lake: Lake) -> None:
    days = [date(2025, 10, day) for day in (28, 29, 30, 31)]
    for day in days:
        lake.write(EVERYTHING, day, everything().assign(integer=day.day))
    hashes = [lake.content_hash(EVERYTHING, day) for day in days]
    found = [lake.rows_of_hash(EVERYTHING, each, days[2]) for each in hashes]
    numbers = [rows and rows.column("integer").to_pylist() for rows in found]
    assert numbers == [None, [29] * 3, [30] * 3, None], "neither a later night, nor all of the past"
    assert found[1] is not None
    assert found[1].schema == lake.read_arrow(EVERYTHING, days[1]).schema
    assert lake.rows_of_hash(EVERYTHING, hashes[1], NEXT) is None
    assert Lake(lake.root / "other").rows_of_hash(EVERYTHING, hashes[1], days[1]) is None
