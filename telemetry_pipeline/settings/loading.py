"""All settings together: read, validated once, with all errors in one message.

Values come from environment variables of the same name in capitals, else from a file ``.env`` in the working directory, or
another one that TELEMETRY_ENV_FILE names; empty, it names none. Nothing else reads a setting from the environment, but
Dagster, which reads where its own storage is.
Secrets are ``SecretStr``: they print as asterisks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Self

from dotenv import dotenv_values
from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from telemetry_pipeline.days import today
from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.settings import addresses, hardware
from telemetry_pipeline.settings.alerts import AlertSettings
from telemetry_pipeline.settings.computing import ComputingSettings, Limits, limits_within
from telemetry_pipeline.settings.machine import MachineSettings
from telemetry_pipeline.settings.operator import OperatorSettings
from telemetry_pipeline.settings.panaccess import PanAccessSettings
from telemetry_pipeline.settings.reports import MailSettings, ReportSettings
from telemetry_pipeline.settings.runs import REDIS_NAMES, RunSettings
from telemetry_pipeline.settings.schedules import ScheduleSettings
from telemetry_pipeline.settings.values import HttpUrl, PostgresUrl, RedisUrl, WebSecret
from telemetry_pipeline.settings.warehouse import DATABASE_NAMES, WarehouseSettings
from telemetry_pipeline.settings.web import WebSettings
from telemetry_pipeline.sockets import address

_ENV_FILE = os.environ.get("TELEMETRY_ENV_FILE", ".env") or None

ROOMS: tuple[type[BaseModel], ...] = (
    WarehouseSettings,
    RunSettings,
    ComputingSettings,
    PanAccessSettings,
    OperatorSettings,
    ScheduleSettings,
    AlertSettings,
    ReportSettings,
    MailSettings,
    WebSettings,
    MachineSettings,
)


@contextmanager
def told_without_a_trace() -> Iterator[None]:
    """Load settings inside, for a process that is of no use without them: it shows no traces after a SettingsError,
    for the message says what to mend, and a trace below it would bury it.
    """
    try:
        yield
    except SettingsError:
        sys.tracebacklimit = 0
        raise


class StackSettings(
    MachineSettings,
    WebSettings,
    MailSettings,
    ReportSettings,
    AlertSettings,
    ScheduleSettings,
    OperatorSettings,
    PanAccessSettings,
    ComputingSettings,
    RunSettings,
    WarehouseSettings,
    BaseSettings,
):
    """What can be known before any server runs: addresses may be missing, the local stack fills them in."""

    model_config = SettingsConfigDict(env_file=_ENV_FILE, extra="ignore", frozen=True, env_ignore_empty=True)

    @field_validator("*", mode="before")
    @classmethod
    def _has_no_line_end(cls, value: Any) -> Any:
        """Take off the line end, or carriage return, that a secret often has which was read from a file."""
        return value.rstrip("\r\n") if isinstance(value, str) else value

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
        """Return those of *settings*, where this kind demands more of them.

        :raises SettingsError: naming every setting that is missing.
        """
        given = {name: getattr(settings, name) for name in type(settings).model_fields}
        return cls.load(**{name: value for name, value in given.items() if value is not None})

    def complete(self) -> PipelineSettings:
        """Return the same with every address, for who is about to connect.

        :raises SettingsError: naming every one that is missing.
        """
        return PipelineSettings.with_values_of(self)

    @property
    def dagster_directory(self) -> Path:
        """Directory of the sockets of Dagster's web server."""
        return self.web_sockets or self.home / "sockets"

    @property
    def flower_directory(self) -> Path:
        """Directory of Flower's socket."""
        return self.flower_sockets or self.home / "flower-sockets"

    @property
    def limits(self) -> Limits:
        """What a process of this machine that computes may take."""
        return limits_within(self, hardware.memory_bytes(), hardware.processors(), self.home)

    @property
    def first_month(self) -> date:
        """From when on each month has a partition of its own in PostgreSQL: at least ``partition_years`` back, and every day
        that can be asked for.
        """
        now = today(self.operator_zone)
        return min(self.first_partition, now.replace(year=now.year - self.partition_years, day=1))


class DagsterSettings(StackSettings):
    """What Dagster's daemon needs: where runs are."""

    dagster_database_url: PostgresUrl


class PipelineSettings(DagsterSettings):
    """What the code, the processes of runs and the workers need: every address is there."""

    database_url: PostgresUrl = Field(validation_alias=DATABASE_NAMES)
    redis_url: RedisUrl = Field(validation_alias=REDIS_NAMES)
    panaccess_url: HttpUrl
    panaccess_username: str

    def complete(self) -> PipelineSettings:
        """Return these, which are complete."""
        return self


class DoorSettings(StackSettings):
    """What the front door needs: where users are, and what it signs sessions with."""

    database_url: PostgresUrl = Field(validation_alias=DATABASE_NAMES)
    web_secret: WebSecret

    @property
    def graphql_url(self) -> str:
        """GraphQL of Dagster, as operators reach it."""
        return f"{(self.webserver_url or address(self.dagster_directory)).rstrip('/')}/graphql"


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

OTHER_NAMES = {
    other: name
    for name, field in StackSettings.model_fields.items()
    if isinstance(field.validation_alias, AliasChoices)
    for other in map(str, field.validation_alias.choices[1:])
}
"""What others call some settings, and what they are called here."""

_URL_NAMES = ("panaccess_url", "web_url", "webserver_url", "other_web_urls", "source_url")


def expectation(message: str) -> str:
    """Return what pydantic says of a value, as this project says it: ``expected 'json' or 'brackets'``."""
    return message.removeprefix("Value error, ").replace("Input should be", "expected").partition(", unable to parse")[0]


def _describe(err: ValidationError) -> str:
    lines = []
    for problem in err.errors():
        name = str(problem["loc"][0])
        told_as = _given_as(name)
        expected = expectation(problem["msg"])
        if problem["type"].startswith("date_"):
            expected = "expected a date such as 2025-01-31"
        if problem["type"] == "missing":
            lines.append(f"{told_as} is missing")
        elif name in SECRET_NAMES:
            lines.append(f"{told_as} cannot be used; {expected}")
        else:
            value = problem["input"]
            if name in _URL_NAMES:
                value = addresses.shown(str(value))
            lines.append(f"{told_as} is {value!r}; {expected}")
    return "\n".join(["The settings cannot be used:", *(f"  {line}" for line in lines)])


def _given_as(name: str) -> str:
    """Return the name that a setting was given by, which may be that of others: in the environment, else in the file."""
    names = [name, *(other for other, own in OTHER_NAMES.items() if own == name)]
    for place in (os.environ, dotenv_values(_ENV_FILE) if _ENV_FILE else {}):
        given = {each.lower() for each, value in place.items() if value}
        if found := [each for each in names if each in given]:
            return found[0].upper()
    return name.upper()
