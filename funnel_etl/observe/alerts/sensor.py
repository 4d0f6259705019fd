"""The daemon's pass: after every run that ended, whoever started it, and again for what could not be sent."""

import json
import time
from typing import Any

import dagster as dg
import sqlalchemy as sa

from funnel_etl.observe.alerts.dispatch import send_alerts
from funnel_etl.platform.postgres.database import engine

LOOK_SECONDS = 25.0
"""A look of a sensor may take a minute in all, and an address that is slow nearly half of that."""
ANYWAY_SECONDS = 900
"""How often what no run changes is looked at: that a schedule or sensor fails."""
CHANGES = sa.text(
    "SELECT coalesce((SELECT max(version) FROM ops.nights), 0), "
    "EXISTS (SELECT 1 FROM ops.alerts WHERE next_attempt_at <= now() AND (sent_at IS NULL AND resolved_at IS NULL "
    "OR resolved_at IS NOT NULL AND resolved_told_at IS NULL))"
)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"sources", "database_url"},
    description="Looks every 30 seconds whether a run ended or a message waits, and sends what is wrong or published "
    "to FUNNEL_ALERT_URLS. Starts no run.",
)
def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Send alerts to FUNNEL_ALERT_URLS: what failed, is missing, late or rejected, and that a night is published."""
    url = context.resources.database_url
    before: dict[str, Any] = json.loads(context.cursor) if context.cursor else {"mark": "", "at": 0.0}
    mark, is_due = _mark(context.instance, url)
    if mark == before["mark"] and not is_due and time.time() - before["at"] < ANYWAY_SECONDS:
        return dg.SensorResult(skip_reason="nothing ended since the last look, and nothing waits to be sent")
    code = context.repository_def
    if code is None:
        raise dg.Failure("the sensor was evaluated without its code location", allow_retries=False)
    sent = send_alerts(
        context.resources.sources.settings, url, context.instance, code, force=False, seconds=LOOK_SECONDS
    )
    seen = before if sent.waits else {"mark": mark, "at": time.time()}
    return dg.SensorResult(skip_reason=sent.says, cursor=json.dumps(seen))


def _mark(instance: dg.DagsterInstance, url: str) -> tuple[str, bool]:
    """Return what changes with every run and publication, and whether a message is to be tried again."""
    newest = instance.get_run_records(limit=1, order_by="update_timestamp")
    run = [[each.dagster_run.run_id, each.dagster_run.status.value] for each in newest]
    asking = engine(url)
    try:
        with asking.connect() as connection:
            version, is_due = connection.execute(CHANGES).one()
    finally:
        asking.dispose()
    return json.dumps([run, version]), bool(is_due)
