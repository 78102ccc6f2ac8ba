"""Which stack a command works with: the one that runs, or one that is brought up for the command alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from telemetry_pipeline.errors import StackError, WarehouseError

if TYPE_CHECKING:
    from telemetry_pipeline.settings import StackSettings
    from telemetry_pipeline.stack.state import StackState


def find_stack(settings: StackSettings) -> StackState | None:
    """The stack that runs under ``TELEMETRY_HOME``, if one does."""
    from telemetry_pipeline.stack.state import running

    return running(settings.telemetry_home)


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
            f"no stack is running (there is none in {settings.telemetry_home}), and neither WEBSERVER_URL nor WEB_URL is set; "
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
    click.echo("no stack is running; starting one for this run")
    with Stack(settings, say=click.echo) as stack:
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
            "DATABASE_URL is not set, and no stack is running that has a database; start one with 'telemetry-pipeline up'"
        )
    return state.database_url
