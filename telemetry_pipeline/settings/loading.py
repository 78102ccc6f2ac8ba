"""Every setting, validated once, with all errors in one message. Nothing else reads the environment.

Values come from environment variables of the same name in capitals, else from a file ``.env`` in the working directory, or
another one that TELEMETRY_ENV_FILE names; empty, it names none.
Secrets are ``SecretStr``: they print as asterisks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterError, croniter
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.settings import addresses

_URL = re.compile(r"[\w.~:/?#@!$&'()*+,;=%\[\]-]+", re.ASCII)
_ENV_FILE = os.environ.get("TELEMETRY_ENV_FILE", ".env") or None


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected an IANA name such as America/Mexico_City")
    return name


def _cron(expression: str) -> str:
    """What Dagster takes, which has croniter built in."""
    fields, *_ = croniter.expand(expression) if croniter.is_valid(expression) else ([],)
    try:
        if len(fields) != 5:
            raise ValueError
        croniter(expression).get_next()  # of a day that there is: not the 30th of February
    except (CroniterError, ValueError):
        raise ValueError("expected a cron expression of five fields such as */2 * * * *, or @hourly, @daily") from None
    return expression


def _view_cap(value: Any) -> Any:
    if value is None or value == "auto":
        return value
    try:
        usable = 0 < float(value) <= 24
    except (TypeError, ValueError):
        usable = False
    if not usable:
        raise ValueError("expected a number of hours above 0 and up to 24, or auto")
    return float(value)


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = bool(_URL.fullmatch(text) and parts.scheme in ("http", "https") and parts.hostname)
        # Of a password such as 12/x that was not escaped there would be a port and a path.
        usable = usable and parts.port != 0 and "@" not in parts.path and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected a URL such as https://panaccess.example/api")
    return text


def _http_urls(text: str) -> str:
    for url in text.split():
        _http_url(url)
    return text


def _directory(path: Path) -> Path:
    try:
        path.expanduser().resolve().exists()
    except (OSError, RuntimeError):  # too long a name, a loop of links, the home of a user that there is not
        raise ValueError("expected a directory's path") from None
    return path


def _secret_url(read: Callable[[str], str]) -> AfterValidator:
    """Keeps an address as *read* writes it."""
    return AfterValidator(lambda url: SecretStr(read(url.get_secret_value())))


TimeZone = Annotated[str, AfterValidator(_time_zone)]
Cron = Annotated[str, AfterValidator(_cron)]
PostgresUrl = Annotated[SecretStr, _secret_url(addresses.postgres_url)]
RedisUrl = Annotated[SecretStr, _secret_url(addresses.redis_url)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Minutes = Annotated[int, Field(ge=1, le=10_080)]
Percent = Annotated[float, Field(ge=0, le=100)]
Hours = Annotated[float, Field(gt=0, le=24)]
ViewCap = Annotated[Hours | Literal["auto"], BeforeValidator(_view_cap)]
Directory = Annotated[Path, AfterValidator(_directory)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
HttpUrls = Annotated[str, AfterValidator(_http_urls)]


class StackSettings(BaseSettings):
    """What can be known before any server runs: addresses may be missing, the local stack fills them in."""

    model_config = SettingsConfigDict(env_file=_ENV_FILE, extra="ignore", frozen=True, env_ignore_empty=True)

    database_url: PostgresUrl | None = None
    owner_database_url: PostgresUrl | None = None
    database_owner: str = "telemetry_owner"
    database_reader: str = "telemetry_reader"
    dagster_database_url: PostgresUrl | None = None
    redis_url: RedisUrl | None = None
    flower_redis_url: RedisUrl | None = None

    panaccess_url: HttpUrl | None = None
    panaccess_username: str | None = None
    panaccess_password: SecretStr | None = None
    panaccess_api_token: SecretStr | None = None
    panaccess_salt: SecretStr = SecretStr("")
    panaccess_timezone: TimeZone = "UTC"
    panaccess_records_function: str = "getListOfTelemetryRecords"
    panaccess_encoding: Literal["json", "brackets"] = "json"
    panaccess_call_seconds: Annotated[int, Field(ge=1, le=100)] = 30
    panaccess_max_answer_mb: Annotated[int, Field(ge=1, le=200)] = 16

    operator_timezone: TimeZone = "America/Mexico_City"
    first_partition: date = date(2025, 1, 1)
    partition_years: Annotated[int, Field(ge=1, le=25)] = 3
    view_cap_hours: ViewCap | None = None
    small_base_subscribers: Annotated[int, Field(ge=1)] = 30

    tick_cron: Cron = "*/2 * * * *"
    repair_cron: Cron = "0 2 * * *"
    repair_days: Days = 3
    merge_cron: Cron = "15 */6 * * *"
    merge_days: Days = 3
    cleanup_cron: Cron = "30 4 * * *"
    result_retention_days: Days = 30
    run_retention_days: Days = 14
    tick_retention_days: Days = 2

    run_soft_time_limit_minutes: Minutes = 25
    run_time_limit_minutes: Minutes = 30
    step_retries: Annotated[int, Field(ge=0, le=100)] = 3
    step_retry_seconds: Annotated[int, Field(ge=1, le=3_600)] = 60
    worker_child_tasks: Annotated[int, Field(ge=1)] = 1_000
    worker_child_memory_mb: Annotated[int, Field(ge=200)] = 700

    alert_urls: SecretStr = SecretStr("")
    web_url: HttpUrl | None = None
    webserver_url: HttpUrl | None = None
    other_web_urls: HttpUrls = ""
    freshness_minutes: Minutes = 30
    heartbeat_minutes: Minutes = 10
    max_id_jump: Annotated[int, Field(ge=10_000, le=10**12)] = 1_000_000
    max_text_characters: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    max_rejected_pct: Percent = 1.0
    max_unnamed_pct: Percent = 20.0
    long_view_hours: Annotated[float, Field(gt=0)] = 12.0
    max_long_view_pct: Percent = 25.0

    telemetry_home: Directory = Path(".telemetry")
    log_directory: Directory | None = None
    log_format: Literal["text", "json"] = "text"
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"
    flower_password: SecretStr | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _has_no_line_end(cls, value: Any) -> Any:
        """A secret that was read from a file often has one, or a carriage return."""
        return value.rstrip("\r\n") if isinstance(value, str) else value

    @field_validator("first_partition")
    @classmethod
    def _has_begun(cls, first: date, info: ValidationInfo) -> date:
        zone = info.data.get("operator_timezone")
        if zone and first > datetime.now(ZoneInfo(zone)).date():
            raise ValueError("expected a day that has begun")
        return first

    @field_validator("run_time_limit_minutes")
    @classmethod
    def _is_above_the_soft_limit(cls, limit: int, info: ValidationInfo) -> int:
        soft = info.data.get("run_soft_time_limit_minutes")
        if soft and limit <= soft:
            raise ValueError(f"expected more than RUN_SOFT_TIME_LIMIT_MINUTES, which is {soft}")
        return limit

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read and validate.

        :raises SettingsError: naming every setting that is missing or impossible, and what was expected.
        """
        try:
            return cls(**overrides)
        except ValidationError as err:
            raise SettingsError(_describe(err)) from None
        except (OSError, UnicodeDecodeError) as err:
            reason = err.strerror if isinstance(err, OSError) else "it is not UTF-8"
            raise SettingsError(f"the file {Path(_ENV_FILE or '').resolve()} cannot be read: {reason}") from None

    @classmethod
    def with_values_of(cls, settings: StackSettings) -> Self:
        """Those of *settings*, where this kind demands more of them.

        :raises SettingsError: naming every setting that is missing.
        """
        given = {name: getattr(settings, name) for name in type(settings).model_fields}
        return cls.load(**{name: value for name, value in given.items() if value is not None})

    @property
    def home(self) -> Path:
        """TELEMETRY_HOME, whatever the working directory is."""
        return self.telemetry_home.expanduser().resolve()

    @property
    def log_files(self) -> Path:
        """The directory of what is logged."""
        return self.log_directory or self.home / "logs"

    @property
    def operator_zone(self) -> ZoneInfo:
        """The time zone that local dates and hours are of."""
        return ZoneInfo(self.operator_timezone)

    @property
    def first_month(self) -> date:
        """From when on each month has a partition of its own in PostgreSQL: at least ``partition_years`` back, and every day
        that can be asked for.
        """
        today = datetime.now(self.operator_zone).date()
        return min(self.first_partition, today.replace(year=today.year - self.partition_years, day=1))

    @property
    def panaccess_zone(self) -> ZoneInfo:
        """The time zone of the upstream's naive timestamps."""
        return ZoneInfo(self.panaccess_timezone)


class DagsterSettings(StackSettings):
    """What Dagster's daemon needs: where runs are."""

    dagster_database_url: PostgresUrl


class PipelineSettings(DagsterSettings):
    """What the code, the processes of runs and the workers need: every address is there."""

    database_url: PostgresUrl
    redis_url: RedisUrl
    panaccess_url: HttpUrl
    panaccess_username: str


class UpstreamSettings(StackSettings):
    """What logs in to PanAccess needs: its address and credentials."""

    panaccess_url: HttpUrl
    panaccess_username: str
    panaccess_password: SecretStr
    panaccess_api_token: SecretStr


class Settings(PipelineSettings, UpstreamSettings):
    """What reads from PanAccess into the warehouse needs: every address and credential is there."""

    # Said again, for pydantic takes the first parent's, where they may be missing.
    panaccess_password: SecretStr
    panaccess_api_token: SecretStr


SECRET_NAMES = {name for name, field in StackSettings.model_fields.items() if "SecretStr" in str(field.annotation)}

_URL_NAMES = ("panaccess_url", "web_url", "webserver_url", "other_web_urls")


def _describe(err: ValidationError) -> str:
    lines = []
    for problem in err.errors():
        name = str(problem["loc"][0])
        expected = problem["msg"].removeprefix("Value error, ")
        if problem["type"].startswith("date_"):
            expected = "expected a date such as 2025-01-31"
        if problem["type"] == "missing":
            lines.append(f"{name.upper()} is missing")
        elif name in SECRET_NAMES:
            lines.append(f"{name.upper()} cannot be used; {expected}")
        else:
            value = problem["input"]
            if name in _URL_NAMES:
                value = addresses.shown(str(value))
            lines.append(f"{name.upper()} is {value!r}; {expected}")
    return "\n".join(["The settings cannot be used:", *(f"  {line}" for line in lines)])
