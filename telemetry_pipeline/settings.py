"""Every setting, validated once, with all errors in one message. Nothing else reads the environment.

Values come from environment variables of the same name in capitals, else from a file ``.env`` in the working directory.
Secrets are ``SecretStr``: they print as asterisks.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from celery.schedules import ParseException, crontab
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from telemetry_pipeline.errors import SettingsError


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected an IANA name such as America/Mexico_City")
    return name


def _cron(expression: str) -> str:
    try:
        crontab.from_string(expression)
    except (ParseException, ValueError):
        raise ValueError("expected a cron expression of five fields such as */2 * * * *") from None
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


def _url(*schemes: str, example: str) -> AfterValidator:
    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        try:
            parts = urlsplit(text)
            usable = parts.scheme in schemes and bool(parts.netloc or parts.query)
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(f"expected a URL such as {example}")
        return value

    return AfterValidator(check)


TimeZone = Annotated[str, AfterValidator(_time_zone)]
Cron = Annotated[str, AfterValidator(_cron)]
PostgresUrl = Annotated[
    SecretStr,
    _url(
        "postgresql",
        "postgres",
        "postgresql+psycopg",
        "postgresql+psycopg2",
        example="postgresql://user:password@host:5432/database",
    ),
]
RedisUrl = Annotated[SecretStr, _url("redis", "rediss", example="redis://:password@host:6379/0")]
Days = Annotated[int, Field(ge=1, le=36_500)]
Minutes = Annotated[int, Field(ge=1, le=10_080)]
Percent = Annotated[float, Field(ge=0, le=100)]
Hours = Annotated[float, Field(gt=0, le=24)]
ViewCap = Annotated[Hours | Literal["auto"], BeforeValidator(_view_cap)]
HttpUrl = Annotated[str, _url("http", "https", example="https://panaccess.example/api")]


class StackSettings(BaseSettings):
    """What can be known before any server runs: addresses may be missing, the local stack fills them in."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    database_url: PostgresUrl | None = None
    dagster_database_url: PostgresUrl | None = None
    redis_url: RedisUrl | None = None

    panaccess_url: HttpUrl | None = None
    panaccess_username: str | None = None
    panaccess_password: SecretStr | None = None
    panaccess_api_token: SecretStr | None = None
    panaccess_salt: SecretStr = SecretStr("")
    panaccess_timezone: TimeZone = "UTC"
    panaccess_records_function: str = "getListOfTelemetryRecords"
    panaccess_encoding: Literal["json", "brackets"] = "json"

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
    worker_child_tasks: Annotated[int, Field(ge=1)] = 1_000
    worker_child_memory_mb: Annotated[int, Field(ge=200)] = 700

    alert_urls: SecretStr = SecretStr("")
    web_url: HttpUrl | None = None
    webserver_url: HttpUrl | None = None
    freshness_minutes: Minutes = 30
    heartbeat_minutes: Minutes = 10
    max_rejected_pct: Percent = 1.0
    max_unnamed_pct: Percent = 20.0
    long_view_hours: Annotated[float, Field(gt=0)] = 12.0
    max_long_view_pct: Percent = 25.0

    telemetry_home: Path = Path(".telemetry")
    log_directory: Path | None = None
    log_format: Literal["text", "json"] = "text"
    flower_password: SecretStr | None = None

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


class Settings(StackSettings):
    """What a running pipeline needs: every address and credential is there."""

    database_url: PostgresUrl
    dagster_database_url: PostgresUrl
    redis_url: RedisUrl
    panaccess_url: HttpUrl
    panaccess_username: str
    panaccess_password: SecretStr
    panaccess_api_token: SecretStr


_SECRET_NAMES = {name for name, field in StackSettings.model_fields.items() if "SecretStr" in str(field.annotation)}


def _describe(err: ValidationError) -> str:
    lines = []
    for problem in err.errors():
        name = str(problem["loc"][0])
        expected = problem["msg"].removeprefix("Value error, ")
        if problem["type"].startswith("date_"):
            expected = "expected a date such as 2025-01-31"
        if problem["type"] == "missing":
            lines.append(f"{name.upper()} is missing")
        elif name in _SECRET_NAMES:
            lines.append(f"{name.upper()} cannot be used; {expected}")
        else:
            shown = re.sub(r"//[^/@]*@", "//***@", repr(problem["input"]))
            lines.append(f"{name.upper()} is {shown}; {expected}")
    return "\n".join(["The settings cannot be used:", *(f"  {line}" for line in lines)])
