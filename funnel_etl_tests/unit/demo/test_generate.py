import csv
import io
import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.demo.config import DEMO_CONFIG, read_config
from funnel_etl.demo.generate import generate
from funnel_etl.demo.truth import Truth

AS_OF = date(2026, 11, 15)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return generate(tmp_path_factory.mktemp("demo"), as_of=AS_OF, leads=1_500, seed=11)


def records(demo: Truth, name: str) -> list[list[str]]:
    text = (demo.folder.parent / name).read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def column(demo: Truth, name: str, header: str) -> list[str]:
    first, *rest = records(demo, name)
    at = first.index(header)
    return [row[at] for row in rest if len(row) > at]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        generate(tmp_path / name, as_of=AS_OF, leads=600, seed=seed)
    one, same, other = (contents(tmp_path / name) for name in "abc")
    assert len(one) > 60
    assert one == same
    assert one["tofu_leads.csv"] != other["tofu_leads.csv"]


def test_too_small_a_demo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 400 leads"):
        generate(tmp_path, as_of=AS_OF, leads=10)


PHONES = {
    "plain": r"[6-9]\d{9}",
    "plus 91": r"\+91 \d{5}-\d{5}",
    "plus 91 nought": r"\+91 0\d{10}",
    "bare 91": r"91\d{10}",
    "nought": r"0\d{10}",
    "091": r"091\d{10}",
    "0091": r"0091\d{10}",
    "apostrophe": r"'\d{10}",
    "p:": r"p:\+91\d{10}",
    "Mob.": r"Mob\. \d{10}",
    "tel:": r"tel:\d{10}",
    "float": r"\d{10}\.0",
    "extension": r"\d{10} ext 12",
    "Devanagari digits": r"[०-९]{10}",
    "full-width digits": r"[０-９]{10}",
    "wrong flag": r"\+1 91\d{10}",
    "two numbers": r"\d{10}/.+",
    "two lines": r"\d{10}\n.+",
    "scientific": r"\d\.\d{5}E\+09",
    "one digit ten times": r"(\d)\1{9}",
    "listed placeholder": r"1234567890|0123456789|9876543210",
    "too short": r"\d{9}",
    "NA": r"NA",
    "dashes": r"--",
    "an e-mail": r".+@.+",
    "blank": r"",
    "foreign": r"\+(971|65|44)\d* \d{3} \d{4}",
}


@pytest.mark.parametrize("spelling", PHONES, ids=str)
@pytest.mark.parametrize(
    ("name", "header"),
    [("tofu_leads.csv", "Phone number"), ("crm_assigned_leads.csv", "leadMobile")],
    ids=["leads", "crm"],
)
def test_every_spelling_of_a_phone_occurs(demo: Truth, name: str, header: str, spelling: str) -> None:
    assert any(re.fullmatch(PHONES[spelling], text) for text in column(demo, name, header))


CELLS = [
    ("tofu_leads.csv", "Email", r"\s+\S+@\S+\s+", "e-mail with blanks around it"),
    ("tofu_leads.csv", "Email", r"[A-Z.\d]+@[A-Z.]+", "e-mail in capitals"),
    ("tofu_leads.csv", "Email", r".+ at .+", "e-mail without @"),
    ("tofu_leads.csv", "Email", r".+@nodot", "e-mail without a dot"),
    ("tofu_leads.csv", "Email", r".+@.+@.+", "e-mail with two @"),
    ("tofu_leads.csv", "Email", r"", "no e-mail"),
    ("tofu_leads.csv", "Full name", r"[a-z ]+", "name in small letters"),
    ("tofu_leads.csv", "Full name", r"[A-Z ]+", "name in capitals"),
    ("tofu_leads.csv", "Full name", r".*  .*", "name with two blanks"),
    ("tofu_leads.csv", "Full name", r"[^\x00-\x7f]+", "name in another script"),
    ("tofu_leads.csv", "created date", r"\S+ \S+", "local time"),
    ("tofu_leads.csv", "created date", r".+T.+Z", "UTC"),
    ("tofu_leads.csv", "created date", r".+\+05:30", "offset"),
    ("tofu_leads.csv", "created date", r"4\d{4}\.5", "Excel serial"),
    ("tofu_leads.csv", "utmSource", r"quora", "campaign that no line knows"),
    ("crm_assigned_leads.csv", "sources", r"", "no source"),
    ("crm_assigned_leads.csv", "sources", r"Cold list 7", "unknown source"),
    ("crm_assigned_leads.csv", "sources", r"Call\*Back\?", "source with a literal star"),
    ("crm_assigned_leads.csv", "sources", r"Scholarship Test", "source mapped by date"),
    ("crm_assigned_leads.csv", "sources", r".*\u200b.*", "zero-width character"),
    ("crm_assigned_leads.csv", "sources", r".*\u00a0.*", "no-break space"),
    ("crm_assigned_leads.csv", "sources", r" .+  ", "stray blanks"),
    ("crm_assigned_leads.csv", "assignOn", r"(?:1[3-9]|2\d|3[01])/\d\d/\d{4} .*", "day proved to come first"),
    ("crm_assigned_leads.csv", "assignOn", r"4\d{4}\.5", "Excel serial"),
    ("crm_sales.csv", "status", r"(?i) ?(failed|cancelled|refunded|test) ?", "status that does not count"),
    ("crm_sales.csv", "status", r"", "blank status"),
    ("crm_sales.csv", "createdOn", r"[A-Z][a-z]{2} \d+, \d{4} \d\d:\d\d [AP]M", "named month"),
    ("crm_sales.csv", "netAmount", r"", "blank revenue"),
    ("crm_sales.csv", "netAmount", r"as agreed", "unreadable revenue"),
    ("crm_sales.csv", "Funnel", r" other sources \(miscellaneous\) ", "Misc spelled carelessly"),
    ("crm_sales.csv", "Funnel", r" Telegram Push ", "funnel that is not listed"),
    ("crm_sales.csv", "Funnel", r"", "funnel to be derived"),
    ("crm_sales.csv", "assignedLeadSources", r"\[.*\]", "sources as a JSON list"),
    ("crm_sales.csv", "assignedLeadSources", r"[^\[]+;[^\[]+", "sources with semicolons"),
    ("crm_sales.csv", "assignedLeadSources", r"[^\[]+ \| [^\[]+", "sources with bars"),
    ("ad_spend.csv", "date_time", r"\d\d/(?:1[3-9]|2\d|3[01])/\d{4}", "month proved to come first"),
    ("ad_spend.csv", "cost", r"₹\d{1,2},\d\d,\d{3}\.\d\d", "Indian grouping"),
    ("ad_spend.csv", "cost", r"Rs\. .+", "Rs."),
    ("ad_spend.csv", "cost", r"INR .+", "INR"),
    ("ad_spend.csv", "cost", r".+/-", "trailing dash"),
    ("ad_spend.csv", "cost", r"\(.+\)|-.+", "negative"),
    ("ad_spend.csv", "cost", r"\d+\.\d{3}", "three decimals"),
    ("ad_spend.csv", "cost", r"", "no cost"),
    ("ad_spend.csv", "Funnel", r"Brand \?\?\?", "unknown funnel"),
    ("ad_spend.csv", "Funnel", r"", "no funnel"),
]


@pytest.mark.parametrize(("name", "header", "pattern", "what"), CELLS, ids=[f"{c[0]}-{c[3]}" for c in CELLS])
def test_every_mess_of_a_cell_occurs(demo: Truth, name: str, header: str, pattern: str, what: str) -> None:
    assert any(re.fullmatch(pattern, text) for text in column(demo, name, header)), what


@pytest.mark.parametrize("name", ["tofu_leads.csv", "crm_assigned_leads.csv", "crm_sales.csv", "ad_spend.csv"])
def test_every_mess_of_a_row_occurs(demo: Truth, name: str) -> None:
    header, *rows = records(demo, name)
    width = len(header)
    assert any(row == [] for row in rows), "an empty line"
    assert any(len(row) == width and not any(row) for row in rows), "a row of empty cells"
    assert any(0 < len(row) < width for row in rows), "too few fields"
    assert any(len(row) > width and any(row[width:]) for row in rows), "a field too many"
    assert any(len(row) > width and not any(row[width:]) for row in rows), "empty fields too many"
    assert len({tuple(row) for row in rows if any(row)}) < len([row for row in rows if any(row)]), "equal rows"


def test_the_documented_columns_are_there(demo: Truth) -> None:
    assert len(records(demo, "crm_sales.csv")[0]) == 44
    assert len(records(demo, "ad_spend.csv")[0]) == 43
    assert records(demo, "crm_assigned_leads.csv")[0] == ["sources", "assignOn", "leadMobile", "employee"]


@pytest.mark.parametrize(
    ("source", "reasons"),
    [
        ("tofu_leads", "bad_date blank_date excel_serial too_few_fields too_many_fields"),
        ("crm_assigned_leads", "bad_date blank_date excel_serial too_few_fields too_many_fields"),
        ("crm_sales", "bad_date blank_date excel_serial bad_money blank_key too_few_fields too_many_fields"),
        ("ad_spend", "bad_date blank_date excel_serial bad_money too_few_fields too_many_fields"),
    ],
)
def test_rows_are_planted_for_quarantine_for_every_reason(demo: Truth, source: str, reasons: str) -> None:
    planted = demo["unusable"]
    assert set(planted.loc[planted["source"] == source, "reason"]) == set(reasons.split())


def test_a_planted_line_is_where_the_truth_says(demo: Truth) -> None:
    text = (demo.folder.parent / "tofu_leads.csv").read_bytes().decode("utf-8-sig").split("\n")
    planted = demo["unusable"]
    own = planted[(planted["source"] == "tofu_leads") & (planted["reason"] == "excel_serial")]
    assert len(own)
    assert all(re.search(r",4\d{4}\.5$", text[int(line) - 1]) for line in own["line"])


def test_an_id_is_repeated_with_equal_and_with_other_cells(demo: Truth) -> None:
    rows = pd.DataFrame([row[:44] for row in records(demo, "crm_sales.csv")[1:] if len(row) >= 44])
    rows = rows[rows[0].str.strip() != ""]
    assert rows.duplicated().any()
    assert rows.drop_duplicates()[0].duplicated().any()


def test_days_turn_and_go_past_the_last_one(demo: Truth) -> None:
    assigned = column(demo, "crm_assigned_leads.csv", "assignOn")
    assert "01/11/2026 00:00:00" in assigned
    assert "31/10/2026 23:59:59" in assigned
    assert "16/11/2026 02:00:00" in assigned
    assert any(text.startswith("11/16/2026") for text in column(demo, "ad_spend.csv", "date_time"))
    assert any(text.startswith("Nov 16, 2026 12:00 AM") for text in column(demo, "crm_sales.csv", "createdOn"))


def test_every_kind_of_manual_value_meets_misc_and_a_known_funnel(demo: Truth) -> None:
    config = read_config(DEMO_CONFIG)
    header, *rows = records(demo, "crm_sales.csv")
    funnel_of = {row[0]: row[header.index("Funnel")] for row in rows if len(row) >= 44}
    met = {
        (config.manual_kind(typed), funnel_of[sale_id].strip().casefold().startswith("other sources"))
        for sale_id, typed in config.manual.items()
    }
    assert met == {(kind, misc) for kind in ("mapped", "unmapped", "own_name", "blank") for misc in (True, False)}


def test_a_dated_mapping_decides_the_funnel_by_the_day(demo: Truth) -> None:
    m0 = demo["m0"]
    dated = m0[m0["source"] == "Scholarship Test"]
    assert set(dated["funnel"]) == {"Webinar", "Bootcamp"}


def zoom_texts(demo: Truth) -> dict[str, str]:
    texts = {}
    for file in sorted((demo.folder.parent / "drop" / "zoom").rglob("*.csv")):
        data = file.read_bytes()
        for encoding in ("utf-8-sig", "utf-16", "cp1252"):
            try:
                texts[file.name] = data.decode(encoding)
                break
            except UnicodeError:
                continue
    return texts


ZOOM = {
    "2020 header": r"^Attended,First Name,Last Name,Email,Registration Time",
    "2021 header": r"^Attended,User Name \(Original Name\),First Name,.*\(minutes\),Country/Region Name\r?$",
    "2024 header, padded by Excel": r"^Attended,User Name \(Original Name\),First Name,Last Name,Email,Phone,Job Title",
    "2026 header": r"Is Guest,Country/Region Name,Source Name\r?$",
    "registration off, semicolons": r"^Attended;User Name \(Original Name\);Email;Join Time",
    "Portuguese": r"^Participou,Nome de usuário \(nome original\),Nome,Sobrenome",
    "Portuguese time": r"\w{3}\. \d+, \d{4} \d+:\d\d da (manhã|tarde)",
    "trailing comma": r"^Yes,.*,approved,.*,India,Landing page,\r?$",
    "no-show": r"^No,.*,--,--,--,--,",
    "cancelled by self": r"cancelled by self",
    "denied": r",denied,",
    "dial-in": r"^Other Attended",
    "month-first dates": r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M",
    "phone as a question with a comma": r'"Phone Number \(Enter with Country code ex\., \+91 9800000000\)"',
    "phone as a question with quotes": r'"Your ""WhatsApp"" number, please"',
    "host among attendees": r"Attendee Details[\s\S]*host\.\d+@example\.org",
    "panelist": r"^Panelist Details",
    "note-taker": r"(?i)^Yes,.*(notetaker|otter\.ai|read\.ai)",
    "day 1 in the topic": r"Bootcamp - Day 1",
    "day 2 in the topic": r"Bootcamp \(day_2\)",
    "bootcamp without a day": r"^TLS Drafting Bootcamp",
    "spaced webinar id": r"812 0000 1001",
    "a report of another kind in the wrong folder": r"^Webinar Performance",
}


@pytest.mark.parametrize("what", ZOOM, ids=str)
def test_every_mess_of_zoom_reports_occurs(demo: Truth, what: str) -> None:
    texts = zoom_texts(demo)
    assert len(texts) > 30
    assert any(re.search(ZOOM[what], text, re.MULTILINE) for text in texts.values())


def test_zoom_reports_come_in_four_encodings_twice_partly_and_in_a_folder(demo: Truth) -> None:
    drop = demo.folder.parent / "drop" / "zoom"
    files = [f for f in drop.rglob("*.csv") if not f.name.startswith("~$")]
    starts = {f.read_bytes()[:2] for f in files}
    assert {b"\xef\xbb", b"\xff\xfe"} <= starts
    assert any("Relat\xf3rio".encode("cp1252") in f.read_bytes() for f in files)
    assert any(f.name.endswith("(1).csv") for f in files)
    assert any(f.name.endswith("partial.csv") for f in files)
    assert any(f.parent.name == "plutus_webinar_attended" for f in files)


def test_somebody_rejoins_and_somebody_has_two_devices(demo: Truth) -> None:
    minutes = []
    for text in zoom_texts(demo).values():
        rows = [row for row in csv.reader(io.StringIO(text)) if len(row) > 10 and row[0] == "Yes" and "@" in row[4]]
        minutes += [len([r for r in rows if r[4] == mail]) for mail in {row[4] for row in rows}]
    assert max(minutes) > 2
    attended = demo["attendance"]
    assert (attended["minutes_union"] == "").any()
    assert {"yes", "no"} == set(attended["attended"])


def test_people_attend_whose_phone_only_a_campaign_lead_has(demo: Truth) -> None:
    attended = demo["attendance"]
    lent = attended[attended["by_lead"] == "yes"]
    assert len(lent) >= 20
    assert not lent["person_key"].str.startswith("email:").any()
    assert attended["person_key"].str.startswith("email:").any(), "and some whose phone nobody has"


def test_no_address_of_a_real_domain_is_made_up(demo: Truth) -> None:
    domains = set()
    for data in contents(demo.folder.parent).values():
        domains |= set(re.findall(rb"@([\w-]+\.[a-zA-Z]+)", data.replace(b"\x00", b"")))
    assert domains
    assert {d.lower() for d in domains} <= {b"example.com", b"example.org", b"example.net"}
