"""What has to be there before the pipeline starts: settings with every address, databases, tables, Dagster's home."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from telemetry_pipeline.settings.loading import Settings, StackSettings
from telemetry_pipeline.simulator import options as simulator_defaults
from telemetry_pipeline.stack.environment import FILES, dagster_home, flower_sockets, web_sockets
from telemetry_pipeline.stack.partitions import first_partition
from telemetry_pipeline.stack.servers.postgres import WRITER, LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database, check_postgres, ensure_database
from telemetry_pipeline.stack.servers.valkey import LocalValkey
from telemetry_pipeline.stack.services.simulator import Simulator, SimulatorOptions
from telemetry_pipeline.warehouse.db import connections as database
from telemetry_pipeline.warehouse.db.partitions import keep_months
from telemetry_pipeline.warehouse.roles import ownership, roles


def completed(
    given: StackSettings,
    options: SimulatorOptions | None,
    postgres: LocalPostgres | None,
    valkey: LocalValkey | None,
    simulator: Simulator | None,
) -> Settings:
    """Return what the user set, with the addresses of the servers that the stack starts.

    :param options: of the simulator, if there is one.
    :raises SettingsError: something is missing that only the user can know.
    """
    found: dict[str, Any] = {name: getattr(given, name) for name in type(given).model_fields}
    found["telemetry_home"] = given.home
    found["first_partition"] = first_partition(given, options)
    found["web_sockets"] = given.web_sockets or web_sockets(given.home)
    found["flower_sockets"] = given.flower_sockets or flower_sockets(given.home)
    found["web_secret"] = given.web_secret or _kept_secret(given.home / "web-secret")
    if postgres is not None:
        found["owner_database_url"] = at_database(postgres.url, "telemetry")
        found["database_url"] = postgres.url_of(WRITER, "telemetry")
    if given.dagster_database_url is None:
        found["dagster_database_url"] = at_database(text_of(found["database_url"]), "dagster")
    if valkey is not None:
        found |= {"redis_url": valkey.url, "flower_redis_url": valkey.flower_url}
    if simulator is not None:
        found |= {
            "panaccess_url": simulator.url,
            "panaccess_username": simulator_defaults.DEFAULT_USERNAME,
            "panaccess_password": simulator_defaults.DEFAULT_PASSWORD,
            "panaccess_api_token": simulator_defaults.DEFAULT_API_TOKEN,
            "panaccess_salt": simulator_defaults.DEFAULT_SALT,
            "panaccess_timezone": "UTC",
            "max_id_jump": simulator_defaults.WIDEST_HOLE,
        }
    return Settings.load(**{name: value for name, value in found.items() if value is not None})


def prepare_databases(given: StackSettings, settings: Settings, postgres: LocalPostgres | None) -> None:
    """Create both databases where they are missing, and the users of the stack's own server.

    :param given: what the user set. :param settings: the same, completed.
    :raises StackError: a server cannot be used, or this user may not create what is missing.
    """
    warehouse_url = settings.database_url.get_secret_value()
    if postgres is not None:
        ensure_database(postgres.url, "telemetry")
    if settings.owner_database_url is not None:
        engine = database.connect(settings.owner_database_url)
        roles.make(engine, *roles.of_settings(settings, warehouse_url))
    if postgres is not None and given.dagster_database_url is None:
        # Dagster makes its own tables.
        ensure_database(postgres.url, "dagster", owner=WRITER)
        with database.connect(at_database(postgres.url, "dagster")).begin() as connection:
            ownership.hand_over_all(connection, "public", WRITER)
    check_postgres(warehouse_url)
    if given.dagster_database_url is None:
        ensure_database(warehouse_url, "dagster")
    check_postgres(settings.dagster_database_url.get_secret_value())


def prepare_tables(settings: Settings, say: Callable[[str], None]) -> None:
    """Bring the tables of the warehouse up to date, with the partitions of all months."""
    url = settings.database_url
    owner = database.connect(settings.owner_database_url or url)
    for line in roles.migrate(owner, *roles.of_settings(settings, url.get_secret_value())).lines:
        say(line)
    keep_months(owner, settings.first_month)


def write_dagster_home(home: Path) -> None:
    """Let Dagster find its ``dagster.yaml``."""
    directory = dagster_home(home)
    directory.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(FILES / "dagster.yaml", directory / "dagster.yaml")


def _kept_secret(path: Path) -> str:
    """Return a secret that is made up at the first start, and kept for the owner's eyes only."""
    with suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32))
    return path.read_text()


def text_of(value: str | SecretStr) -> str:
    """Return a value that may be secret, as it is."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value
