"""Settings that are given, good ones and bad ones, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.settings.loading import StackSettings

REQUIRED = {
    "DATABASE_URL": "postgresql://telemetry:hidden-1@db.example:5432/telemetry",
    "DAGSTER_DATABASE_URL": "postgresql+psycopg2://telemetry:hidden-2@/dagster?host=/run/postgresql",
    "REDIS_URL": "redis://:hidden-3@redis.example:6379/0",
    "PANACCESS_URL": "https://panaccess.example/api",
    "PANACCESS_USERNAME": "operator",
    "PANACCESS_PASSWORD": "hidden-4",
    "PANACCESS_API_TOKEN": "hidden-5",
}


def error_of(kind: Any = StackSettings, **overrides: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        kind.load(**overrides)
    return str(caught.value)


BAD = {
    "DATABASE_URL": "mysql://root:hidden-1@localhost/db",
    "DAGSTER_DATABASE_URL": "postgresql://u:hidden-2@host:port/db",
    "REDIS_URL": "http://:hidden-3@localhost",
    "PANACCESS_URL": "ftp://user:hidden-4@panaccess.example/",
    "PANACCESS_TIMEZONE": "CET/Madrid",
    "PANACCESS_ENCODING": "xml",
    "OPERATOR_TIMEZONE": "Mexico",
    "TICK_CRON": "often",
    "FIRST_PARTITION": "yesterday",
}
