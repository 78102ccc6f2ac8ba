"""Which servers a command works with: those that the settings name, and those of the stack that runs on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import StackError, WarehouseError
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.simulator import options as simulator
from telemetry_pipeline.sockets import DAGSTER_PATH
from telemetry_pipeline.stack.state import StackState, running


@dataclass(frozen=True)
class Here:
    """What of the pipeline is on this machine.

    :ivar home: where a stack was looked for.
    :ivar elsewhere: whether the settings name servers, and no stack runs here.
    :ivar web_url: where people find the front door.
    """

    home: Path
    stack: StackState | None
    elsewhere: bool
    web_url: str | None


def look_here(settings: StackSettings) -> Here:
    """Return what of the pipeline is on this machine."""
    stack = find_stack(settings)
    elsewhere = stack is None and bool(settings.database_url and settings.redis_url)
    return Here(settings.home, stack, elsewhere, stack.web_url if stack else settings.web_url)


def find_stack(settings: StackSettings) -> StackState | None:
    """Return the stack that runs under ``TELEMETRY_HOME``, if one does."""
    return running(settings.telemetry_home)


def complete(settings: StackSettings, stack: StackState | None) -> StackSettings:
    """Return the settings, with the addresses that they leave open taken from the running stack."""
    if stack is None:
        return settings
    found: dict[str, Any] = {
        "database_url": SecretStr(stack.database_url),
        "dagster_database_url": SecretStr(stack.dagster_database_url),
        "redis_url": SecretStr(stack.redis_url),
    }
    if settings.panaccess_url is None:
        settings = settings.model_copy(
            update={
                "panaccess_url": stack.panaccess_url,
                "panaccess_username": simulator.DEFAULT_USERNAME,
                "panaccess_password": SecretStr(simulator.DEFAULT_PASSWORD),
                "panaccess_api_token": SecretStr(simulator.DEFAULT_API_TOKEN),
                "panaccess_salt": SecretStr(simulator.DEFAULT_SALT),
            }
        )
    return settings.model_copy(update={name: url for name, url in found.items() if getattr(settings, name) is None})


def webserver_url(settings: StackSettings) -> str | None:
    """Return where Dagster's web server is: the running stack's socket, else ``WEBSERVER_URL``, else behind the front door at
    ``WEB_URL``; None if nothing says it.
    """
    state = find_stack(settings)
    if state is not None:
        return state.socket_url
    return settings.webserver_url or (settings.web_url and f"{settings.web_url.rstrip('/')}{DAGSTER_PATH}")


def client(settings: StackSettings, timeout_seconds: float = 60) -> TelemetryClient:
    """Return what is asked of the web server at :func:`webserver_url`.

    :raises StackError: nothing says where that is; says how to start a stack.
    """
    token = settings.telemetry_token
    return TelemetryClient(graphql_url(settings), timeout_seconds, token.get_secret_value() if token else None)


def graphql_url(settings: StackSettings) -> str:
    """Return where GraphQL is, of the web server at :func:`webserver_url`.

    :raises StackError: nothing says where that is; says how to start a stack.
    """
    url = webserver_url(settings)
    if url is None:
        raise StackError(
            f"no stack is running in {settings.home}, and neither WEBSERVER_URL nor WEB_URL is set",
            "start one with 'telemetry-pipeline up'",
        )
    return f"{url.rstrip('/')}/graphql"


def database_url(settings: StackSettings) -> str:
    """Return where the warehouse is: ``DATABASE_URL``, else the running stack's own.

    :raises WarehouseError: neither is there.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    state = find_stack(settings)
    if state is None:
        raise WarehouseError(
            f"DATABASE_URL is not set, and no stack is running in {settings.home}",
            "start one with 'telemetry-pipeline up'",
        )
    return state.database_url


def owner_database_url(settings: StackSettings) -> str:
    """Return where its owner reaches it: ``OWNER_DATABASE_URL``, else the running stack's own; empty: there is no other
    address.
    """
    if settings.owner_database_url is not None:
        return settings.owner_database_url.get_secret_value()
    state = find_stack(settings) if settings.database_url is None else None
    return state.owner_database_url if state is not None else ""
