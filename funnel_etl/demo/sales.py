"""The CRM's dump of sales (44 columns): who bought, through which funnel, what was typed by hand, and its messes."""

import numpy as np
import pandas as pd

from funnel_etl.core.config_tables import MISC
from funnel_etl.demo.config import BLANK, MAPPED, OWN_NAME, UNMAPPED_VALUE, DemoConfig, Window
from funnel_etl.demo.crm import UNKNOWN_SOURCES, Crm, funnel_of_sources
from funnel_etl.demo.messes import join_sources, spell_emails, spell_money, spell_names, spell_phones, spell_words
from funnel_etl.demo.people import SCRIPT_NAMES
from funnel_etl.demo.sheet import Needed, Sheet, SheetLine, columns, spoil, untidy

HEADER = columns(
    "_id,status,txn_id,sid,emiId,pId,paymentGateway,target,targetSuperGroup,courseName,source,tokenAmount,"
    "WithOut_Token_paidAmount,createdOn,pType,eBookRev,bookRev,paymentType,DP,lastEmiDate,paidAmount,corePartner,"
    "StudentContact,StudentSignupDate,StudentName,TotalAmount,product,mandateStatus,StudentEmail,EBook_Net_Amount,"
    "Book_Net_Amount,Product_Net_Amount,netAmount,employeeName,employeeTeam,Total_emi,Paid_Emi_Count,Unpaid_Emi_Count,"
    "Paid_Emi_Amount,Unpaid_Amount,Last_Paid_Date,netAmountAfterPDD,assignedLeadSources,Funnel"
)
UNLISTED_FUNNEL = "Telegram Push"
MISC_SPELLINGS = (MISC, f" {MISC.lower()} ", MISC.upper(), MISC.replace(" ", "  "))
GOOD_STATUSES = ("success", "Success", "captured", "", "partially paid")
MANUAL_BASES = ("misc", "misc_careless", "known")
DAY = 86_400


def make_sales(
    rng: np.random.Generator, people: pd.DataFrame, bought: pd.Series, window: Window, config: DemoConfig
) -> Crm:
    """Return the sales of `bought` (person → instant, minutes).

    facts, one row per `_id` as it counts: sale_id, person, sold, phone, status, is_counted, funnel, typed,
    final_funnel, paise.
    """
    facts = (
        bought.rename("sold").rename_axis("person").reset_index().sort_values("sold", kind="stable", ignore_index=True)
    )
    facts["sale_id"] = _ids(rng, len(facts))
    plan = _plan_manual(rng, facts, config)
    sources = _sources(rng, len(facts), config)
    funnels = _funnels(rng, facts, plan, sources, config)
    status = _statuses(rng, facts, plan, config)
    phones = spell_phones(
        rng, people.loc[facts["person"], "phone"].reset_index(drop=True), config.placeholders, lost=0.012
    )
    facts = facts.assign(
        phone=phones["phone"],
        status=pd.Series(status, dtype="str").str.strip(),
        funnel=funnels["typed"],
        typed=pd.Series([config.manual.get(i, "") for i in facts["sale_id"]], dtype="str"),
        paise=rng.integers(4_000_00, 90_000_00, len(facts)),
    )
    excluded = {s.casefold() for s in config.excluded_statuses}
    facts["is_counted"] = ~facts["status"].str.casefold().isin(excluded)
    facts["final_funnel"] = pd.Series(
        [config.final_funnel(f, t) for f, t in zip(facts["funnel"], facts["typed"], strict=True)], dtype="str"
    )
    cells = _cells(rng, people, facts, phones["text"], sources, funnels["text"], status)
    lines = [SheetLine(list(row), item) for item, row in enumerate(zip(*cells, strict=True))]
    lines = _repeats(rng, lines, facts["typed"] == "")
    needed = Needed(date=HEADER.index("createdOn"), money=HEADER.index("netAmount"), key=0)
    usual = facts["is_counted"] & (facts["typed"] == "") & (facts["sold"] < window.close) & (facts["phone"] != "")
    repeated = {line.item for line in lines[len(facts) :]}
    lost = [int(i) for i in rng.permutation(np.flatnonzero(usual)) if i not in repeated][: 1 if len(facts) > 100 else 0]
    lines = untidy(rng, spoil(rng, lines, needed, lost=lost), len(HEADER))
    return Crm(facts, Sheet("crm_sales", "crm_sales.csv", HEADER, lines, newline="\r\n"))


def _ids(rng: np.random.Generator, count: int) -> list[str]:
    tails = rng.permutation(900_000)[:count] + 100_000
    return [f"665e{i:014x}{tail:06d}" for i, tail in enumerate(tails)]


def _plan_manual(rng: np.random.Generator, facts: pd.DataFrame, config: DemoConfig) -> dict[int, str]:
    """Return the ids of `manual_mapping.csv` to sales before `as_of`; every kind of value meets every kind of funnel.

    Returns the kind of funnel each of these sales must have, by row; sets their `sale_id`.
    """
    early = facts.index[: max(len(facts) * 9 // 10, 1)]
    chosen = rng.choice(early, min(len(config.manual), len(early)), replace=False)
    met = dict.fromkeys((MAPPED, UNMAPPED_VALUE, OWN_NAME, BLANK), 0)
    plan: dict[int, str] = {}
    for row, (sale_id, value) in zip(chosen, config.manual.items(), strict=False):
        kind = config.manual_kind(value)
        plan[int(row)] = MANUAL_BASES[met[kind] % len(MANUAL_BASES)]
        met[kind] += 1
        facts.loc[row, "sale_id"] = sale_id
    return plan


def _sources(rng: np.random.Generator, count: int, config: DemoConfig) -> list[list[str]]:
    known = [s for s in config.sources if not set(s) & set(",;|")] or [*UNKNOWN_SOURCES]
    several = rng.integers(0, 4, count)
    picks = rng.choice(np.array([*known, *UNKNOWN_SOURCES], dtype=object), (count, 3))
    return [list(dict.fromkeys(row[:n])) for row, n in zip(picks.tolist(), several, strict=True)]


def _funnels(
    rng: np.random.Generator, facts: pd.DataFrame, plan: dict[int, str], sources: list[list[str]], config: DemoConfig
) -> pd.DataFrame:
    """Return the Funnel cell (text) and what it means before manual mapping (typed)."""
    known = config.funnels or [MISC]
    picked = rng.choice(np.array(known, dtype=object), len(facts)).tolist()
    careless = spell_words(rng, picked)["text"].tolist()
    dice = rng.random(len(facts))
    days = facts["sold"].dt.normalize()
    rows: list[tuple[str, str]] = []
    for i, (funnel, text, die, day) in enumerate(zip(picked, careless, dice, days, strict=True)):
        base = plan.get(i, "known" if die < 0.7 else "misc" if die < 0.78 else "unlisted" if die < 0.8 else "derived")
        if base == "known":
            rows.append((text, funnel))
        elif base == "derived":
            rows.append(("", funnel_of_sources(sources[i], day, config)))
        elif base == "unlisted":
            rows.append((f" {UNLISTED_FUNNEL} ", UNLISTED_FUNNEL))
        else:
            spelled = MISC_SPELLINGS[1] if base == "misc_careless" else MISC_SPELLINGS[i % len(MISC_SPELLINGS)]
            rows.append((spelled, MISC))
    return pd.DataFrame(rows, columns=["text", "typed"], dtype="str")


def _statuses(rng: np.random.Generator, facts: pd.DataFrame, plan: dict[int, str], config: DemoConfig) -> list[str]:
    """Return statuses: most count; those that do not are written in any case and with stray blanks."""
    bad = [w for s in config.excluded_statuses for w in (s, s.upper(), f" {s.title()} ")]
    dice = rng.random(len(facts))
    good = rng.choice(np.array(GOOD_STATUSES, dtype=object), len(facts))
    return [
        bad[i % len(bad)] if bad and d < 0.07 and i not in plan else str(g)
        for i, (d, g) in enumerate(zip(dice, good, strict=True))
    ]


def _cells(
    rng: np.random.Generator,
    people: pd.DataFrame,
    facts: pd.DataFrame,
    phones: pd.Series,
    sources: list[list[str]],
    funnels: pd.Series,
    status: list[str],
) -> list[list[str]]:
    count = len(facts)
    who = people.loc[facts["person"]].reset_index(drop=True)
    net = spell_money(rng, facts["paise"].tolist())
    blank_net = rng.random(count) < 0.01
    emi = rng.integers(0, 7, count)
    paid = np.minimum(emi, rng.integers(0, 7, count))
    last_paid = (facts["sold"] + pd.to_timedelta(rng.integers(0, 5, count), unit="D")).dt.strftime("%d-%m-%Y").tolist()
    special: dict[str, list[str]] = {
        "_id": facts["sale_id"].tolist(),
        "status": status,
        "txn_id": [f"pay_{i:08x}" for i in rng.integers(0, 1 << 31, count)],
        "sid": [f"S{i:06d}" for i in facts["person"]],
        "pId": [f"P{i}" for i in rng.integers(100, 140, count)],
        "paymentGateway": rng.choice(["razor", "cash", "loan"], count).tolist(),
        "courseName": rng.choice(["ACCA Pro", "Contract Drafting, Diploma", "CFA Level 1"], count).tolist(),
        "createdOn": [f"{stamp:%b} {stamp.day}, {stamp:%Y %I:%M %p}" for stamp in facts["sold"]],
        "lastEmiDate": ["NA" if i % 40 == 7 else "" for i in range(count)],
        "paidAmount": spell_money(rng, (facts["paise"] * paid // 6).tolist()),
        "TotalAmount": spell_money(rng, (facts["paise"] * 118 // 100).tolist()),
        "StudentContact": phones.tolist(),
        "StudentSignupDate": (facts["sold"] - pd.Timedelta(days=9)).dt.strftime("%Y-%m-%d").tolist(),
        "StudentName": spell_names(rng, who["name"], SCRIPT_NAMES),
        "StudentEmail": spell_emails(rng, who["email"], lost=0.02)["text"].tolist(),
        "netAmount": ["" if b else n for b, n in zip(blank_net, net, strict=True)],
        "employeeTeam": rng.choice(["North", "South"], count).tolist(),
        "employeeName": rng.choice(["Asha Corvane", "Faiz Keldar ", "Jai  Renvik"], count).tolist(),
        "Total_emi": emi.astype("str").tolist(),
        "Paid_Emi_Count": paid.astype("str").tolist(),
        "Unpaid_Emi_Count": [
            "two" if i % 97 == 5 else str(e - p) for i, (e, p) in enumerate(zip(emi, paid, strict=True))
        ],
        "Last_Paid_Date": last_paid,
        "assignedLeadSources": join_sources(rng, sources),
        "Funnel": funnels.tolist(),
    }
    return [special.get(name, [""] * count) for name in HEADER]


def _repeats(rng: np.random.Generator, lines: list[SheetLine], untyped: pd.Series) -> list[SheetLine]:
    """Repeat `_id`s: exact copies, and earlier versions of a sale above its last one, which counts."""
    plain = np.flatnonzero(untyped)
    chosen = rng.choice(plain, min(8, len(plain)), replace=False)
    earlier: dict[int, SheetLine] = {}
    for i in chosen[4:]:
        cells = list(lines[int(i)].cells)
        cells[HEADER.index("status")], cells[HEADER.index("Funnel")] = "pending", UNLISTED_FUNNEL
        earlier[int(i)] = SheetLine(cells)
    return [*[earlier.get(line.item, line) for line in lines], *[lines[int(i)] for i in chosen]]
