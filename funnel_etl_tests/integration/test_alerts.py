"""Alerts over several real nights, to a real HTTP server: what is sent, once, and what becomes of it.

The nights are run once, in the order of the fixtures; the tests look at what each left.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from funnel_etl.assembly import build_definitions
from funnel_etl.core.errors import ConfigError
from funnel_etl.core.parts import PARTS
from funnel_etl.demo.campaigns import HEADER
from funnel_etl.environment import load_settings
from funnel_etl.observe.alerts.dispatch import send_alerts
from funnel_etl.observe.alerts.send_test import try_addresses
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.operate.run.night import NightResult
from funnel_etl.operate.status.render import status_lines
from funnel_etl.operate.status.status import status
from funnel_etl_tests.installation import Installation
from funnel_etl_tests.receiver import Receiver

pytestmark = pytest.mark.slow

NIGHT = date(2025, 10, 31)
NEXT, AFTER = NIGHT + timedelta(days=1), NIGHT + timedelta(days=2)
NAME = "Priya-Of-The-Drop-Folder"
BAD_EDIT = "A new source,No Such Funnel,,,Ask Priya Sharma 98765 12345\n"


@dataclass
class Story:
    """The installation, who takes its alerts, and what each night left there."""

    installation: Installation
    receiver: Receiver
    results: dict[str, NightResult] = field(default_factory=dict)
    posts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    alerts: dict[str, pd.DataFrame] = field(default_factory=dict)

    def night(self, name: str, day: date, **changes: object) -> None:
        self.receiver.clear()
        self.results[name] = self.installation.night(day, **changes)
        self.keep(name)

    def keep(self, name: str) -> None:
        self.posts[name] = [(str(each["title"]), str(each["message"])) for each in self.receiver.taken]
        self.alerts[name] = self.installation.query("SELECT * FROM ops.alerts ORDER BY first_seen_at, cause")

    def sent(self, name: str, subject: str) -> list[str]:
        return [body for title, body in self.posts[name] if subject in title]


def write_leads(path: Path, until: date, share: float) -> None:
    """Write ten weeks of leads, 150 on a usual day; of the last day only a share."""
    rng = np.random.default_rng(4)
    days = pd.date_range(end=AFTER, periods=70)
    counts = rng.poisson(np.where(days.day_of_week < 5, 170, 100))
    rows = [
        ["", f"p{day:%m%d}.{number}@example.org", "", "Pune", "", "google", "cpc", "x", "", f"{day:%Y-%m-%d} 11:00:00"]
        for day, count in zip(days, counts, strict=True)
        if day.date() <= until
        for number in range(int(count * (share if day.date() == until else 1)))
    ]
    pd.DataFrame(rows, columns=HEADER).to_csv(path, index=False)


@pytest.fixture(scope="module")
def good(new_installation: Callable[[], Installation]) -> Iterator[Story]:
    """A good night, while who takes the alerts is broken."""
    installation = new_installation()
    installation.lay_demo(NIGHT)
    write_leads(installation.sources / "tofu_leads.csv", NIGHT, 1)
    (installation.drop / "zoom" / f"{NAME}.csv").write_bytes(b"%PDF-1.7 not a report")
    with Receiver() as receiver:
        installation.environment["FUNNEL_ALERT_URLS"] = receiver.url
        receiver.status = 500
        story = Story(installation, receiver)
        story.night("good", NIGHT)
        yield story


@pytest.fixture(scope="module")
def broken(good: Story, closed: int) -> Story:
    """The next night: the CRM's sales are down, an edit is broken, half the leads lack; alerts are taken again."""
    installation = good.installation
    write_leads(installation.home / "sources" / "tofu_leads.csv", NEXT, 0.5)
    mapping = installation.config / "funnel_mapping.csv"
    mapping.write_text(mapping.read_text() + BAD_EDIT)
    good.receiver.status = 200
    good.night("broken", NEXT, crm_sales_url=f"http://127.0.0.1:{closed}/sales.csv")
    return good


@pytest.fixture(scope="module")
def closed() -> int:
    """A port that refuses."""
    from funnel_etl_tests.servers import new_port  # noqa: PLC0415

    return new_port()


@pytest.fixture(scope="module")
def ticks(broken: Story) -> Story:
    """Three looks of the daemon's sensor on the same, then a run that breaks off, then three looks again."""
    broken.receiver.clear()
    with broken.installation.settings() as settings, instance(settings) as (opened, _):
        looks = [look(opened)]
        looks.append(look(opened, looks[-1].cursor))
        broken.posts["looks"] = [(str(each.skip_message), "") for each in looks]
        broken.keep("ticks")
        refresh = build_definitions(settings).resolve_job_def("zoom_refresh")
        for name, tags in (("retried", {}), ("killed", {"dagster/max_retries": "0"})):
            run = opened.create_run_for_job(refresh, tags=tags)
            opened.report_run_failed(run, "killed before it ended")
            for _ in range(2):
                looks.append(look(opened, looks[-1].cursor))
            broken.keep(name)
    return broken


@pytest.fixture(scope="module")
def still_broken(ticks: Story, closed: int) -> Story:
    """The night after it, with the same faults; only the leads came."""
    write_leads(ticks.installation.home / "sources" / "tofu_leads.csv", AFTER, 1)
    ticks.night("still broken", AFTER, crm_sales_url=f"http://127.0.0.1:{closed}/sales.csv")
    return ticks


@pytest.fixture(scope="module")
def resolved(still_broken: Story) -> Story:
    """The same night, when all is resolved."""
    mapping = still_broken.installation.config / "funnel_mapping.csv"
    mapping.write_text(mapping.read_text().replace(BAD_EDIT, ""))
    still_broken.night("resolved", AFTER)
    return still_broken


def status_of(story: Story, **changes: object) -> str:
    """Return what `funnel-etl status` says."""
    with story.installation.settings(**changes) as settings:
        return "\n".join([*status_lines(status(settings)), ""])


def look(opened: dg.DagsterInstance, cursor: str | None = None) -> SensorExecutionData:
    """Evaluate the sensor as the daemon does."""
    defs = build_definitions(load_settings())
    sensor = defs.resolve_sensor_def("alerts")
    needed = {name: defs.resources[name] for name in sensor.required_resource_keys}
    context = dg.build_sensor_context(instance=opened, cursor=cursor, definitions=defs, resources=needed)
    return sensor.evaluate_tick(context)


def test_a_night_whose_alerts_are_not_taken_is_published_all_the_same_and_it_is_noticed(good: Story) -> None:
    assert good.results["good"].is_published
    assert good.results["good"].alerts == "0 messages sent; 1. json://127.0.0.1: it answered 500"
    rows = good.alerts["good"]
    assert "night:2025-10-31" in set(rows["cause"])
    assert set(rows["attempts"]) == {1}
    assert set(rows["last_error"]) == {"1. json://127.0.0.1: it answered 500"}
    assert rows["sent_at"].isna().all()
    said = status_of(good)
    assert re.search(
        r"alerts: \d+ could not be sent to all of json://127\.0\.0\.1, tried 1 time: .* → the engineer:", said
    )


def test_what_failed_is_told_with_who_does_what(broken: Story) -> None:
    [body] = broken.sent("broken", "a run failed")
    assert "raw/crm_sales (nightly, night 2025-11-01)" in body
    assert "crm_sales stays complete through 2025-10-31" in body
    assert "→ the engineer:" in body
    assert "then funnel-etl run --as-of 2025-11-01" in body
    assert "source:crm_sales:failed" not in set(broken.alerts["broken"]["cause"]), "the same cause is not told twice"


def test_a_rejected_edit_and_a_drop_of_leads_are_told(broken: Story) -> None:
    [edit] = broken.sent("broken", "a config edit was rejected")
    assert "funnel_mapping.csv line" in edit
    [low] = broken.sent("broken", "far too few rows")
    assert "leads on Saturday 2025-11-01" in low
    assert "→ marketing operations:" in low
    assert len(broken.sent("broken", "reports are missing")) == 1


def test_the_night_that_could_not_be_told_in_time_is_not_told_when_it_is_over(broken: Story) -> None:
    assert broken.sent("broken", "published") == []


def test_a_look_of_the_daemon_sends_nothing_again_and_looks_no_further_when_nothing_ended(ticks: Story) -> None:
    assert ticks.posts["ticks"] == []
    first, second = (said for said, _ in ticks.posts["looks"])
    assert first == "0 messages sent"
    assert second == "nothing ended since the last look, and nothing waits to be sent"


def test_a_run_that_was_killed_is_told_by_the_daemon_once(ticks: Story) -> None:
    assert ticks.posts["retried"] == [], "how its retry ends is told"
    [body] = ticks.sent("killed", "a run failed")
    assert "of zoom_refresh ended without its end" in body
    assert len(ticks.posts["killed"]) == 1


def test_on_the_next_night_the_same_causes_are_not_told_again(still_broken: Story) -> None:
    assert not still_broken.results["still broken"].is_published
    subjects = [subject for subject, _ in still_broken.posts["still broken"]]
    assert not [s for s in subjects if "run failed" in s or "edit was rejected" in s or "too few" in s]
    rows = still_broken.alerts["still broken"]
    assert rows["cause"].is_unique
    assert rows.loc[rows["cause"] == "run:raw/crm_sales", "resolved_at"].isna().all()


def test_what_is_resolved_is_said_so_and_the_night_is_told_in_one_paragraph(resolved: Story) -> None:
    assert resolved.results["resolved"].is_published, resolved.results["resolved"].failures
    [gone] = resolved.sent("resolved", "resolved")
    assert "raw/crm_sales" in gone
    assert "an edit of config_csv was rejected" in gone
    [night] = resolved.sent("resolved", "a night is published")
    assert night.startswith("The night of Sunday 2025-11-02 is published. Complete through that day: tofu_leads. ")
    counts = resolved.installation.query("SELECT sum(leads) AS n FROM mart.funnel_facts WHERE date = '2025-11-02'")
    assert f"against Sunday 2025-10-26: leads {counts['n'].iloc[0]:.0f} (" in night
    assert "Open: " in night
    assert "\n" not in night
    assert (
        resolved.installation.value(
            "SELECT count(*) FROM ops.alerts WHERE last_error IS NOT NULL AND sent_at IS NULL AND resolved_at IS NULL"
        )
        == 0
    )


def test_when_all_is_mended_the_next_run_publishes_the_whole_night(resolved: Story) -> None:
    newest = resolved.installation.query("SELECT part, max(as_of) AS as_of FROM ops.nights GROUP BY part")
    assert dict(zip(newest["part"], newest["as_of"], strict=True)) == dict.fromkeys([*PARTS, "watch"], AFTER)
    assert resolved.installation.value("SELECT as_of FROM mart.data_version") == AFTER
    assert resolved.installation.value("SELECT max(date) FROM mart.funnel_facts") == AFTER


def test_a_drop_is_over_when_its_rows_arrive_after_all_and_the_status_says_where_alerts_go(resolved: Story) -> None:
    assert resolved.installation.value("SELECT count(*) FROM ops.volume_alarms WHERE source = 'leads'") == 0
    [gone] = resolved.sent("still broken", "resolved")
    assert "leads: " in gone
    assert "fewer than on the same weekdays of the weeks before" in gone
    said = status_of(resolved)
    assert "leads: far too few" not in said
    assert "alerts: sent to json://127.0.0.1; the last one" in said


def test_no_message_and_no_memory_holds_a_person_a_file_s_name_or_the_secret_of_an_address(resolved: Story) -> None:
    posts = "\n".join(part for night in resolved.posts.values() for post in night for part in post)
    memory = resolved.installation.query("SELECT * FROM ops.alerts").to_csv()
    assert len(posts) > 1000
    assert len(memory) > 1000
    for text in (posts, memory):
        assert "Priya" not in text
        assert "@" not in text
        assert resolved.receiver.secret not in text
    with resolved.installation.settings() as settings, instance(settings) as (opened, _):
        runs = "|".join(run.run_id[:8] for run in opened.get_runs())  # one in forty is all digits
    for night in resolved.posts.values():
        told = [re.sub(rf"\b({runs})\b", "(a run)", body) for _, body in night]
        assert not [body for body in told if re.search(r"(?<![\d,.])\d{7,}", body)]
    state = [path for path in (resolved.installation.home / "state").rglob("*") if path.is_file()]
    assert len(state) > 20
    assert not [path for path in state if resolved.receiver.secret.encode() in path.read_bytes()]


def test_dagster_s_storage_does_not_hold_the_secret_either(resolved: Story) -> None:
    with resolved.installation.settings() as settings, instance(settings) as (opened, _):
        runs = opened.get_runs()
        assert len(runs) >= 8
        text = "".join(str(event) for run in runs for event in opened.all_logs(run.run_id))
    assert len(text) > 10_000
    assert resolved.receiver.secret not in text


def test_without_addresses_nothing_is_sent_and_the_status_says_so_quietly(resolved: Story) -> None:
    resolved.receiver.clear()
    with resolved.installation.settings(alert_urls="none") as settings, instance(settings) as (opened, databases):
        assert (
            send_alerts(
                settings, databases.funnel_url, opened, build_definitions(settings).get_repository_def(), force=True
            ).says
            == "0 messages sent"
        )
    assert resolved.receiver.tried == 0
    said = status_of(resolved, alert_urls="none")
    assert "alerts: sent nowhere: FUNNEL_ALERT_URLS is not set\n" in said


def test_the_command_says_of_each_address_whether_it_takes_a_message(resolved: Story, closed: int) -> None:
    urls = f"{resolved.receiver.url} json://u:{resolved.receiver.secret}@127.0.0.1:{closed}"
    tried = resolved.installation.command("alert", "test", alert_urls=urls)
    assert tried.returncode == 1
    assert tried.stdout.splitlines() == [
        "1. json://127.0.0.1: accepted",
        "2. json://127.0.0.1: NOT accepted: no connection, or it broke off",
    ]
    assert resolved.receiver.secret not in tried.stdout + tried.stderr
    with (
        resolved.installation.settings(alert_urls="none") as settings,
        pytest.raises(ConfigError, match="no address is set"),
    ):
        try_addresses(settings)
