"""`funnel-etl demo-deliver` as a person runs it; and that it fails when WebEngage has something else than the truth."""

import csv
import stat

import pytest

from funnel_etl.demo.deliveries import company as planted
from funnel_etl.demo.deliveries import story
from funnel_etl.demo.deliveries.company import MUST
from funnel_etl.demo.deliveries.story import REPORT, TRUTH, Story
from funnel_etl.operate.deliver.run import deliver
from funnel_etl_tests.installation import Installation, Published
from funnel_etl_tests.servers import new_port

pytestmark = pytest.mark.slow


@pytest.fixture
def at(published: Published) -> Installation:
    installation = published.new()
    installation.environment |= {"FUNNEL_DATABASE_PORT": str(new_port())}
    return installation


def test_everybody_gets_what_the_truth_says_through_kills_and_faults(at: Installation) -> None:
    done = at.program("demo-deliver", "--seed", "11", seconds=900)
    home = at.home / "state" / "demo_deliver"
    with (home / TRUTH).open() as file:
        must = sum(row["fate"] == MUST for row in csv.DictReader(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("kill -9") == 2
    assert (
        f"events expected {must} · at WebEngage {must} · twice 0 · to people without consent 0 · lost 0 · "
        "waiting for a person 6 (4 attribute type changed, 1 corrected phone, 1 refused record)" in done.stdout
    )
    assert stat.S_IMODE((home / REPORT).stat().st_mode) == 0o600


def test_it_fails_when_somebody_without_consent_got_an_event(at: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def play(at_work: Story) -> None:
        """Send nothing by the product, and one event past it."""
        deliver(at_work.settings)
        [person, *_] = at_work.company.planted(planted.SUPPRESSED)
        acca = at_work.company.acca
        data = {"WebinarId": acca.webinar_id, "WebinarDate": f"{acca.day}T00:00:00+0530"}
        at_work.fake.behaviour.state()["events"].append(
            {"userId": person.user_id, "eventName": planted.ATTENDED, "eventData": data}
        )

    monkeypatch.setattr(story, "play", play)
    done = at.command("demo-deliver")
    assert done.returncode == 1
    assert "WRONG: 1 events to people without consent" in done.stdout
    assert "events lost" in done.stdout
