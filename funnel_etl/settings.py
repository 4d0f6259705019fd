"""The only reader of the environment: every setting, its default, its meaning. Prefix `FUNNEL_`; also from `.env`."""

import os
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from funnel_etl.core.errors import ConfigError
from funnel_etl.core.source import Source
from funnel_etl.env_file import PREFIX, read_env_file, refuse_quoted, refuse_unknown

EMBEDDED = "embedded"
"""A DATABASE_URL that means the embedded server, whatever a `.env` file says."""

NOWHERE = "none"
"""ALERT_URLS and DELIVERY that mean that nothing is sent, whatever a `.env` file says."""

HOST_NAME = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.IGNORECASE)
"""A host name or address as browsers send it."""

DESTINATIONS = ("webengage",)
"""Where anything can be sent to."""

WINDOW = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)")
"""Hours of a day, begin and end."""

MOST_RETRY_HOURS = 12
"""The longest wait for a silent source: the next night must find this one ended."""

ENV_FILE = Path(".env")
"""Where settings are read from beside the environment: in the folder a command is run in."""

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout (or the folder the package was installed into)."""


class Login(BaseModel, frozen=True):
    """How a system is entered: by none, bearer, basic (secret user:password), header:NAME or query:NAME."""

    auth: str = "none"
    secret: SecretStr | None = None


class Settings(BaseSettings):
    """Settings of one installation. Secrets are `SecretStr`: they do not show in a repr, a log or an error."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", env_ignore_empty=True)

    home: Path = Field(
        Path(".funnel"), description="Folder of all state: server, lake, landing archive, Dagster's own files"
    )
    database_url: SecretStr | None = Field(
        None, description="A PostgreSQL 17+ server; without it the embedded one is used"
    )
    database_port: Annotated[int, Field(ge=1, le=65535)] = Field(54329, description="Port of the embedded PostgreSQL")
    timezone: str = Field("Asia/Kolkata", description="Zone of business days, and of dates that name no zone")
    config_dir: Path | None = Field(None, description="Folder of the config tables; default: config_csv of the project")
    drop_dir: Path | None = Field(None, description="Drop folder; Zoom exports go in its zoom/; default: drop/ in HOME")
    drop_settle_seconds: Annotated[float, Field(ge=0)] = Field(
        5.0, description="How long a dropped file must be unchanged before the sensor takes it"
    )
    zoom_max_mb: Annotated[int, Field(ge=1)] = Field(
        200, description="A dropped file larger than this (in MB) is rejected without being read"
    )
    zoom_date_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        0.99, description="A Zoom report of whose dates a smaller share can be read gets a warning"
    )
    chat_text_days: Annotated[int, Field(ge=1)] = Field(
        180, description="Days after a webinar for which the text of chats, questions and drafts is kept"
    )
    llm_model: str | None = Field(
        None,
        description="Model that rewords follow-up drafts, as its server names it; empty: none, and nothing is asked",
    )
    llm_url: str | None = Field(
        None, description="Address of a server that speaks as OpenAI's does, as https://api.openai.com/v1"
    )
    llm_key: SecretStr | None = Field(None, description="Key for that server; empty: it asks for none")
    llm_budget_usd: Annotated[Decimal, Field(ge=0, le=1000)] = Field(
        Decimal("1.00"), description="Most that the model may cost a night, in US dollars; the rest waits for the next"
    )
    llm_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        30.0, description="How long one answer of the model may take"
    )
    landing_url: str | None = Field(None, description="Landing archive: a folder or any universal-pathlib URL")
    lake_url: str | None = Field(None, description="Parquet lake: a folder or any universal-pathlib URL")
    addresses: dict[str, str] = Field(
        {}, description="Source → where it is pulled from: path, file://, http(s):// or gsheet://ID/TAB"
    )
    logins: dict[str, Login] = Field({}, description="System that asks for a login → how it is entered")
    google_credentials: Path | None = Field(None, description="Service account file for gsheet:// sources")
    retry_seconds: Annotated[float, Field(ge=0)] = Field(
        90.0, description="How long a source that does not answer is asked again"
    )
    pull_retry_hours: Annotated[float, Field(ge=0, le=MOST_RETRY_HOURS)] = Field(
        4.0, description="How long the night of the schedule waits for a source that does not answer; 0: not at all"
    )
    download_seconds: Annotated[float, Field(gt=0)] = Field(
        1800.0, description="How long one source's download may take"
    )
    download_max_mb: Annotated[int, Field(ge=1)] = Field(
        500, description="A pull larger than this (in MB), packed or unpacked, is refused while it comes"
    )
    drop_limit: Annotated[float, Field(ge=0, le=1)] = Field(
        0.2, description="A pulled dump that lacks a larger share of the last good one's keys waits for a person"
    )
    missing_after_hours: Annotated[int, Field(ge=1)] = Field(
        36, description="Hours after which a webinar's report that has not come is missing"
    )
    quarantine_limit: Annotated[float, Field(ge=0, le=1)] = Field(
        0.2, description="Share of a source's rows that may be in quarantine; with more its table is not published"
    )
    alert_urls: SecretStr | None = Field(
        None, description="Where alerts go: apprise addresses, separated by blanks, new lines or commas; none: nowhere"
    )
    sheet_year: Annotated[int, Field(ge=2000, le=2100)] | None = Field(
        None, description="Year typed into the old sheet's formula, for parity; default: the year of today - 2"
    )
    keep_lake_nights: Annotated[int, Field(ge=0)] = Field(
        90, description="Nights that stay in the lake; older ones that no night needs are purged; 0: all"
    )
    keep_landing_days: Annotated[int, Field(ge=0)] = Field(
        0, description="Days after which bytes that no night needs leave the landing archive; 0: they stay for ever"
    )
    keep_events_days: Annotated[int, Field(ge=0)] = Field(
        90, description="Days after which ended runs and their events leave Dagster's storage; 0: they stay for ever"
    )
    delivery: str | None = Field(
        None, description="Destinations that are on: webengage; empty or none: nothing is sent to the outside"
    )
    delivery_window: str = Field(
        "09:00-20:00", description="Hours of the business zone in which anything is sent; 00:00-24:00: all day"
    )
    delivery_approve_over: Annotated[int, Field(ge=0)] = Field(
        5000, description="A plan with more new events than this waits for a person"
    )
    delivery_keep_payload_days: Annotated[int, Field(ge=0)] = Field(
        30, description="Days after which what was sent is forgotten; that it was sent is not"
    )
    webengage_url: str = Field(
        "https://api.in.webengage.com", description="Data centre of the WebEngage account, as its dashboard names it"
    )
    webengage_licence: str | None = Field(None, description="Licence code of the WebEngage account, as in~1234abcd")
    webengage_key: SecretStr | None = Field(
        None, description="Key of a WebEngage service account with the role Data Ingestion"
    )
    webengage_per_minute: Annotated[int, Field(ge=1, le=5000)] = Field(
        3000, description="Requests a minute to each of users and events; WebEngage allows 5,000 to all its clients"
    )
    webengage_bulk_per_minute: Annotated[int, Field(ge=1, le=500)] = Field(
        400, description="Bulk requests a minute; WebEngage allows 500"
    )
    webengage_bulk_from: Annotated[int, Field(ge=0)] = Field(
        1000, description="Events of a run from which on they go in bulk, 25 a request; 0: never"
    )
    ui_port: Annotated[int, Field(ge=1, le=65535)] = Field(3000, description="Port of the Dagster UI of `make up`")
    ui_hosts: str | None = Field(
        None, description="Host names of the Dagster UI besides localhost, as behind a proxy; comma separated"
    )

    app_port: Annotated[int, Field(ge=1, le=65535)] = Field(8501, description="Port of the page of `make app`")
    app_users: Path | None = Field(
        None, description="Users file of the page: a CSV of email, roles, conductors, profiles; needs a sign-in"
    )
    app_url: str | None = Field(
        None, description="Address of the page as people type it, as https://funnel.example.org; needs a sign-in"
    )
    app_oidc_url: str | None = Field(
        None, description="Sign-in by OIDC: the provider's address ending in /.well-known/openid-configuration"
    )
    app_oidc_client_id: str | None = Field(None, description="Client id that the provider gave this page")
    app_oidc_client_secret: SecretStr | None = Field(None, description="Client secret that goes with it")
    app_session_hours: Annotated[int, Field(ge=1, le=720)] = Field(
        12, description="Hours after which a person has to sign in again"
    )
    app_upload_mb: Annotated[int, Field(ge=1, le=1000)] = Field(
        50, description="A file larger than this (in MB) is refused by the page; the drop folder takes larger ones"
    )

    _given: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def given(self) -> dict[str, str]:
        """The settings that were given beside the environment; programs that are started need them in theirs."""
        return self._given

    @field_validator("database_url")
    @classmethod
    def _embedded(cls, url: SecretStr | None) -> SecretStr | None:
        return None if url and url.get_secret_value() == EMBEDDED else url

    @field_validator("alert_urls")
    @classmethod
    def _nowhere(cls, urls: SecretStr | None) -> SecretStr | None:
        return None if urls and urls.get_secret_value().strip().lower() == NOWHERE else urls

    @field_validator("ui_hosts")
    @classmethod
    def _host_names(cls, names: str | None) -> str | None:
        for name in (name.strip() for name in (names or "").split(",")):
            if name and not HOST_NAME.fullmatch(name):
                msg = f"{name!r} is not a host name; an example is dagster.example.org, without https:// and port"
                raise ValueError(msg)
        return names

    @field_validator("delivery")
    @classmethod
    def _known_destinations(cls, names: str | None) -> str | None:
        if names and names.strip().lower() == NOWHERE:
            return None
        for name in (name.strip() for name in (names or "").split(",")):
            if name and name not in DESTINATIONS:
                msg = f"{name!r} is no destination; there is {', '.join(DESTINATIONS)}"
                raise ValueError(msg)
        return names

    @field_validator("delivery_window")
    @classmethod
    def _window_of_hours(cls, text: str) -> str:
        if not WINDOW.fullmatch(text.strip()):
            msg = f"{text!r} is no window; an example is 09:00-20:00"
            raise ValueError(msg)
        return text.strip()

    @field_validator("webengage_url")
    @classmethod
    def _safe_address(cls, url: str) -> str:
        if not re.match(r"https://[^/\s?#@]+/?$|http://(127\.0\.0\.1|localhost)(:\d+)?/?$", url):
            msg = "it must be https://HOST and nothing more; http:// is for 127.0.0.1 and localhost only"
            raise ValueError(msg)
        return url.rstrip("/")

    @field_validator("llm_url")
    @classmethod
    def _safe_model_address(cls, url: str | None) -> str | None:
        if url and not re.match(
            r"https://[^/\s?#@]+(/[^\s?#@]*)?$|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#@]*)?$", url
        ):
            msg = "it must be https://HOST/PATH and nothing more; http:// is for 127.0.0.1 and localhost only"
            raise ValueError(msg)
        return url.rstrip("/") if url else None

    @field_validator("webengage_licence")
    @classmethod
    def _plain_licence(cls, code: str | None) -> str | None:
        if code and not re.fullmatch(r"[A-Za-z0-9~_.-]+", code):
            msg = "a licence code has letters, digits, ~, _, . and - only, as in~1234abcd"
            raise ValueError(msg)
        return code

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            msg = f"{name!r} is not a time zone; an example is Asia/Kolkata"
            raise ValueError(msg) from error
        return name

    @cached_property
    def state(self) -> Path:
        """The absolute state folder."""
        return self.home.expanduser().resolve()

    @property
    def demo(self) -> Path:
        """The state folder of the demo: an installation of its own, of made-up people."""
        return self.state / "demo"

    @property
    def demo_deliver(self) -> Path:
        """The folder of `make demo-deliver`: another installation of made-up people, with its sources and its truth."""
        return self.state / "demo_deliver"

    @property
    def config_folder(self) -> Path:
        """The folder of the config tables."""
        return self.config_dir or next(
            (p for p in (Path("config_csv"), PROJECT / "config_csv") if p.is_dir()), Path("config_csv")
        )

    @property
    def drop_folder(self) -> Path:
        """The drop folder; people put Zoom exports in its `zoom/`."""
        return self.drop_dir or self.state / "drop"

    @property
    def destinations(self) -> tuple[str, ...]:
        """The destinations that are on."""
        return tuple(name.strip() for name in (self.delivery or "").split(",") if name.strip())

    @property
    def ui_host_names(self) -> frozenset[str]:
        """The names of UI_HOSTS, lower case."""
        return frozenset(name.strip().lower() for name in (self.ui_hosts or "").split(",") if name.strip())

    @property
    def landing_root(self) -> str:
        """Where the landing archive is."""
        return self.landing_url or str(self.state / "landing")

    @property
    def lake_root(self) -> str:
        """Where the lake is."""
        return self.lake_url or str(self.state / "lake")

    def yesterday(self) -> date:
        """Return the last complete business day, D-1."""
        return datetime.now(ZoneInfo(self.timezone)).date() - timedelta(days=1)


OF_SOURCES = ("addresses", "logins")
"""The fields that hold the settings of the sources: each of these has a name of its own."""


def setting_names(sources: Iterable[Source]) -> dict[str, str]:
    """Return every setting's name in the environment → the place of its value: a field, with keys if it has some."""
    found = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields if name not in OF_SOURCES}
    for source in sources:
        found[source.variable] = f"addresses.{source.name}"
        if source.login_variables:
            kind, secret = source.login_variables
            found |= {kind: f"logins.{source.login}.auth", secret: f"logins.{source.login}.secret"}
    return found


def read_settings(sources: Iterable[Source], beside: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the environment and of `.env`, where the environment wins, with those of the sources.

    `beside`: settings by their names in the environment, which win over both.
    Raises `ConfigError` with one readable line for the first thing in them that is wrong.
    """
    places = setting_names(sources)
    known = set(places)
    given = {name.upper(): value for name, value in os.environ.items() if value} | dict(beside or {})
    refuse_unknown(given, known, "the environment")
    for name in known & set(given):
        refuse_quoted(name, given[name])
    written = {name.upper(): value for name, value in read_env_file(ENV_FILE, known).items()}
    values: dict[str, Any] = {name: {} for name in OF_SOURCES}
    for name in known & (written.keys() | given.keys()):
        place, _, rest = places[name].partition(".")
        value = given.get(name) or written[name]
        if place == "addresses":
            values[place][rest] = value
        elif place == "logins":
            system, _, field = rest.partition(".")
            values[place].setdefault(system, {})[field] = value
        else:
            values[place] = value
    try:
        settings = Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        name = next((name for name, at in places.items() if at == place), "a setting")
        raise ConfigError(
            first["msg"].removeprefix("Value error, "), where=name, fix="correct it in the environment or .env"
        ) from None
    settings.given.update(beside or {})
    return settings
