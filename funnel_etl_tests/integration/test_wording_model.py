"""A model that rewords drafts, a server on loopback, through whole nights: landed, replayed, erased, over budget."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from upath import UPath

from funnel_etl.marts.engagement.answers import SOURCE
from funnel_etl.marts.engagement.draft_contracts import FOLLOWUP_DRAFTS
from funnel_etl.platform.lake import Lake
from funnel_etl.sources.archive.landing import Landing
from funnel_etl_tests.installation import Installation
from funnel_etl_tests.integration.test_engagement import CHAT, NIGHT, PEOPLE, REGISTERED, lay_sources
from funnel_etl_tests.model_server import FakeModel
from funnel_etl_tests.unit.marts.engagement.conftest import WEBINAR, report

pytestmark = pytest.mark.slow

PRICES = "model,usd_per_million_in,usd_per_million_out,note\ntest-model,0.5,2,\n"
LINE = "it is good to have you with us."
DRAFTS = (
    "SELECT email, body_text, worded_by, wording_problem, status FROM mart.followup_drafts "
    "WHERE status <> 'withheld' ORDER BY email"
)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeModel]:
    with FakeModel() as served:
        yield served


@pytest.fixture(scope="module")
def story(new_installation: Callable[[], Installation], fake: FakeModel) -> Installation:
    installation = new_installation()
    lay_sources(installation)
    drop = installation.drop / "zoom"
    (drop / "attendees.csv").write_bytes(report(PEOPLE))
    (drop / "registered.csv").write_text(REGISTERED)
    (drop / f"chat_{WEBINAR}.txt").write_bytes(CHAT)
    (installation.config / "consent_questions.csv").write_text(
        "pattern,channel,yes_values,note\n*mail you*,email,yes,\n"
    )
    installation.environment |= {
        "FUNNEL_LLM_MODEL": "test-model",
        "FUNNEL_LLM_URL": fake.url,
        "FUNNEL_LLM_KEY": "k3y-of-the-model",
        "FUNNEL_LLM_SECONDS": "5",
    }
    return installation


def drafts(story: Installation) -> list[list[Any]]:
    return story.query(DRAFTS).fillna("").to_numpy().tolist()


def test_without_a_price_nothing_is_asked_and_status_says_so(story: Installation, fake: FakeModel) -> None:
    assert story.night(NIGHT).failures == {}
    assert fake.asked == []
    assert [row[2] for row in drafts(story)] == ["template", "template"]
    told = " ".join(story.command("status").stdout.split())
    assert "test-model: its price is not known, so no budget holds and it is not asked" in told


def test_a_model_that_fails_in_every_way_stops_no_night(story: Installation, fake: FakeModel) -> None:
    (story.config / "llm_prices.csv").write_text(PRICES)
    plain = drafts(story)
    for fault in (("status", 500), ("status", 401), ("cut",), ("raw", b"")):
        fake.always = fault if fault[0] != "raw" else ("status", 429, {"Retry-After": "0"})
        assert story.night(NIGHT).failures == {}
        assert [row[:3] for row in drafts(story)] == [row[:3] for row in plain]
        assert all(row[3] for row in drafts(story)), "each says why"
    fake.always = None
    assert story.value("SELECT count(*) FROM ops.llm_calls WHERE outcome IN ('http_500', 'http_401', 'cut')") > 0


def test_over_the_budget_nothing_is_asked(story: Installation, fake: FakeModel) -> None:
    fake.asked.clear()
    assert story.night(NIGHT, llm_budget_usd="0.0001").failures == {}
    assert fake.asked == []


def test_each_draft_is_asked_for_once_and_its_answer_serves_all_nights(story: Installation, fake: FakeModel) -> None:
    fake.asked.clear()
    assert story.night(NIGHT + timedelta(days=1)).failures == {}
    assert len(fake.asked) == 2
    rows = drafts(story)
    assert [(row[2], LINE in row[1], row[4]) for row in rows] == [("test-model", True, "draft")] * 2
    assert "Asha" in rows[0][1]
    calls = story.query("SELECT outcome, tokens_in, cost_usd, night FROM ops.llm_calls WHERE outcome = 'ok'")
    assert calls["tokens_in"].tolist() == [500, 500]
    assert calls["cost_usd"].tolist() == pytest.approx([0.00045] * 2)
    assert "2 ok; 0.0009 of 1.00 US dollars" in " ".join(story.command("status").stdout.split())
    assert story.night(NIGHT + timedelta(days=1)).failures == {}
    assert story.night(NIGHT + timedelta(days=2)).failures == {}
    assert len(fake.asked) == 2
    assert drafts(story) == rows


def test_no_name_address_or_key_is_sent_or_told(story: Installation, fake: FakeModel) -> None:
    sent = fake.text.casefold()
    assert not [word for word in ("asha", "rao", "shah", "@example", "98100") if word in sent]
    state = Path(story.environment["FUNNEL_HOME"])
    for path in state.rglob("*"):
        if path.is_file() and "postgres" not in path.parts and path.suffix != ".parquet":
            assert b"k3y-of-the-model" not in path.read_bytes(), path
    words = story.command("drafts", "status").stdout + story.command("status").stdout
    assert LINE not in words


def test_an_edit_of_a_person_wins(story: Installation, fake: FakeModel, tmp_path: Path) -> None:
    file = tmp_path / "drafts.csv"
    assert story.command("drafts", "export", str(file)).returncode == 0
    rows = pd.read_csv(file, dtype="str", keep_default_na=False)
    assert rows["body"].str.contains(LINE).all()
    rows.loc[rows["email"] == "dev@example.com", "body"] = "My own words."
    rows.to_csv(file, index=False)
    assert "1 drafts were changed" in story.command("drafts", "import", str(file)).stdout
    fake.asked.clear()
    assert story.night(NIGHT + timedelta(days=3)).failures == {}
    assert [row[1] for row in drafts(story) if row[0] == "dev@example.com"] == ["My own words."]
    assert [row[4] for row in drafts(story)] == ["draft", "edited"]
    assert fake.asked == []


def test_a_replay_asks_nobody_and_gives_the_same_with_the_model_off(
    story: Installation, fake: FakeModel, tmp_path: Path
) -> None:
    fake.asked.clear()
    for days in (0, 1, 3):
        night = NIGHT + timedelta(days=days)
        to = tmp_path / f"replay{days}"
        done = story.command("replay", "--as-of", str(night), "--to", str(to), llm_model="", llm_url="")
        assert done.returncode == 0, done.stdout + done.stderr
        real = Lake(UPath(Path(story.environment["FUNNEL_HOME"]) / "lake")).read(FOLLOWUP_DRAFTS, night)
        found = next(path for path in to.rglob("*followup_drafts*") if path.is_file())
        again = pd.read_parquet(found) if found.suffix == ".parquet" else pd.read_csv(found, dtype="str")
        assert again["body_text"].fillna("").tolist() == real["body_text"].fillna("").tolist()
        assert again["worded_by"].fillna("").tolist() == real["worded_by"].fillna("").tolist()
    assert fake.asked == []


def test_an_old_night_that_is_made_again_asks_nobody(story: Installation, fake: FakeModel) -> None:
    assert story.night(NIGHT + timedelta(days=1)).failures == {}
    assert fake.asked == []


def test_switched_off_no_socket_is_opened_and_the_template_stands(story: Installation, fake: FakeModel) -> None:
    fake.asked.clear()
    assert story.night(NIGHT + timedelta(days=4), llm_model="").failures == {}
    assert fake.asked == []
    assert drafts(story)[0][2] == "template"
    assert story.value("SELECT count(*) FROM ops.llm_calls WHERE outcome = 'ok'") == 2, "what was asked stays told"


def test_erasing_somebody_takes_the_answers_of_the_person_and_past_nights_still_replay(
    story: Installation, fake: FakeModel, tmp_path: Path
) -> None:
    assert story.night(NIGHT + timedelta(days=5)).failures == {}
    fake.asked.clear()
    done = story.command("erase", "9810000001", "asha@example.com", "--yes", "--shared")
    assert done.returncode == 0, done.stdout + done.stderr
    landing = Landing(UPath(Path(story.environment["FUNNEL_HOME"]) / "landing"))
    files = [landing.read(arrival.file_id) for arrival in landing.arrivals(SOURCE)]
    assert files
    assert not [data for data in files if b"asha@example.com" in data or b"level 1" in data]
    assert any(b"dev@example.com" in data for data in files)
    assert story.value("SELECT count(*) FROM mart.followup_drafts WHERE email = 'asha@example.com'") == 0
    night = NIGHT + timedelta(days=1)
    replayed = story.command("replay", "--as-of", str(night), "--to", str(tmp_path / "replay"))
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert fake.asked == []
    assert story.night(NIGHT + timedelta(days=6)).failures == {}
    assert [row[0] for row in drafts(story)] == ["dev@example.com"]


def test_an_answer_of_another_day_is_json_as_it_came(story: Installation) -> None:
    landing = Landing(UPath(Path(story.environment["FUNNEL_HOME"]) / "landing"))
    frames = [pd.read_csv(UPath(landing.root) / one.landing_path, dtype="str") for one in landing.arrivals(SOURCE)]
    answers = pd.concat(frames)["answer"].dropna()
    assert [json.loads(each)["id"] for each in answers] == ["a1"] * len(answers)
    assert len(answers)
