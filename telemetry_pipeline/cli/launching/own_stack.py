"""A stack that is brought up for one run, where none is running."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from telemetry_pipeline.cli import target
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack import stack


@contextmanager
def client_for_run(settings: StackSettings) -> Iterator[tuple[TelemetryClient, Callable[[], None]]]:
    """Yield a client of the web server that there is; without one, of that of a stack that lives as long as the context.

    :return: the client, and what has to be called a few times a second to keep it going.
    """
    if target.webserver_url(settings) is not None:
        yield target.client(settings), _nothing
        return
    say("no stack is running; starting one for this run")
    with stack.Stack(settings, say=say) as own:
        yield own.state.client(), own.tend


def _nothing() -> None:
    """Do nothing: what others started is looked after there."""
