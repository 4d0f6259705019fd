"""A night that cannot reach its database: told once, until one can."""

from pathlib import Path

import pytest

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.observe.alerts.delivery import UNANSWERED
from funnel_etl.observe.alerts.fallback_store import alert_of_no_night, forget_no_night
from funnel_etl.operate.run.night import run_night
from funnel_etl.settings import Settings
from funnel_etl_tests.receiver import Receiver


def test_that_a_night_cannot_reach_its_database_is_told_once_until_one_can(tmp_path: Path, closed_port: int) -> None:
    with Receiver() as receiver:
        settings = Settings(
            _env_file=None,
            home=tmp_path,
            database_url=f"postgresql://funnel:p4ssword@127.0.0.1:{closed_port}/funnel",
            alert_urls=receiver.url,
        )

        def night() -> None:
            with pytest.raises(DatabaseUnavailable):
                run_night(settings, settings.yesterday())

        receiver.status = 500
        night()
        receiver.status = 200
        for _ in range(3):
            night()
        assert receiver.subjects == ["funnel_etl: a run failed"]
        forget_no_night(settings)
        night()
        assert len(receiver.taken) == 2
        assert "the night could not run: PostgreSQL at 127.0.0.1" in receiver.text
        assert "→ the engineer: " in receiver.text
        kept = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
        assert "p4ssword" not in receiver.text + kept
        assert receiver.secret not in kept


def test_an_address_that_may_have_it_gets_it_once_more(tmp_path: Path) -> None:
    with Receiver(seconds=1) as receiver:
        settings = Settings(_env_file=None, home=tmp_path)
        error = DatabaseUnavailable("it is away", where="PostgreSQL", fix="start it")
        told = [alert_of_no_night(settings, [f"{receiver.url}?rto=0.3"], error) for _ in range(4)]
        assert told == [{"1": UNANSWERED}, {"1": UNANSWERED}, {}, {}]
        assert receiver.tried == 2
