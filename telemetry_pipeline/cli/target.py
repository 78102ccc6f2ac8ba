"""Which stack a command works with: the one that runs, or one that is brought up for the command alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.errors import StackError, WarehouseError

if TYPE_CHECKING:
    from telemetry_pipeline.settings.loading import StackSettings
    from telemetry_pipeline.stack.state import StackState


def find_stack(settings: StackSettings) -> StackState | None:
    """The stack that runs under ``TELEMETRY_HOME``, if one does."""
    from telemetry_pipeline.stack.state import running

    return running(settings.telemetry_home)


def complete(settings: StackSettings, stack: StackState | None) -> StackSettings:
    """The settings, with the addresses that they leave open taken from the running stack."""
    from pydantic import SecretStr

    from telemetry_pipeline.simulator import options as simulator

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
    """Where the web server is: the running stack's, else at ``WEBSERVER_URL``, else at ``WEB_URL``; None if nothing says it."""
    state = find_stack(settings)
    if state is not None:
        return state.webserver_url
    return settings.webserver_url or settings.web_url


def graphql_url(settings: StackSettings) -> str:
    """Where GraphQL is, of the web server at :func:`webserver_url`.

    :raises StackError: nothing says where that is; says how to start a stack.
    """
    url = webserver_url(settings)
    if url is None:
        raise StackError(
            f"no stack is running in {settings.home}, and neither WEBSERVER_URL nor WEB_URL is set; "
            "start one with 'telemetry-pipeline up'"
        )
    return f"{url.rstrip('/')}/graphql"


@contextmanager
def graphql_for_run(settings: StackSettings) -> Iterator[tuple[str, Callable[[], None]]]:
    """GraphQL of the web server at :func:`webserver_url`; if there is none, of a stack that lives as long as the context.

    :return: its URL, and what has to be called a few times a second to keep it going.
    """
    from telemetry_pipeline.stack.stack import Stack

    if webserver_url(settings) is not None:
        yield graphql_url(settings), _nothing
        return
    say("no stack is running; starting one for this run")
    with Stack(settings, say=say) as stack:
        yield stack.state.graphql_url, stack.tend


def _nothing() -> None:
    """What others started is looked after there."""


def database_url(settings: StackSettings) -> str:
    """Where the warehouse is: ``DATABASE_URL``, else the running stack's own.

    :raises WarehouseError: neither is there.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    state = find_stack(settings)
    if state is None:
        raise WarehouseError(
            f"DATABASE_URL is not set, and no stack is running in {settings.home}; start one with 'telemetry-pipeline up'"
        )
    return state.database_url


def owner_database_url(settings: StackSettings) -> str:
    """Where its owner reaches it: ``OWNER_DATABASE_URL``, else the running stack's own; empty: there is no other address."""
    if settings.owner_database_url is not None:
        return settings.owner_database_url.get_secret_value()
    state = find_stack(settings) if settings.database_url is None else None
    return state.owner_database_url if state is not None else ""
