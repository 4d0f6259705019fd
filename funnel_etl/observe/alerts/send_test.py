"""`funnel-etl alert test`: whether each address takes a message. Needs no database, and remembers nothing."""

from datetime import datetime
from zoneinfo import ZoneInfo

from funnel_etl.core.errors import ConfigError
from funnel_etl.observe.alerts.delivery import redacted, send
from funnel_etl.observe.alerts.dispatch import alert_urls
from funnel_etl.observe.alerts.messages import Message
from funnel_etl.settings import Settings


def try_addresses(settings: Settings) -> list[tuple[str, str | None]]:
    """Send one test message to each address; returns each, redacted, with why it was not accepted (None: it was).

    Raises `ConfigError` when no address is set.
    """
    urls = alert_urls(settings)
    if not urls:
        raise ConfigError("no address is set", where="FUNNEL_ALERT_URLS", fix="set one, see docs/settings.md")
    at = datetime.now(ZoneInfo(settings.timezone))
    body = (
        f"This is a test, sent by funnel-etl alert test at {at:%Y-%m-%d %H:%M %Z}. Nothing is wrong; nobody has to act."
    )
    test = Message("funnel_etl: test message", body, "info")
    return [(f"{number}. {redacted(url)}", send(url, test)) for number, url in enumerate(urls, start=1)]
