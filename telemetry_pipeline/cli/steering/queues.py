"""``telemetry-pipeline queue empty`` and ``workers restart``."""

from __future__ import annotations

import click

from telemetry_pipeline import broker
from telemetry_pipeline.cli import target
from telemetry_pipeline.cli.admitting.users import at_the_machine
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.steering.runs import open_record, say_cancelled
from telemetry_pipeline.errors import StackError
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.steering.queues import empty_queue, runs_waiting
from telemetry_pipeline.steering.record import Record
from telemetry_pipeline.steering.workers import restart_workers
from telemetry_pipeline.warehouse.db.connections import connect


def empty(name: str, cancelling: bool, yes: bool) -> int:
    """Throw away what waits there; the exit status."""
    settings = StackSettings.load()
    url = _redis_url(settings)
    if not yes:
        waits, runs = broker.waiting(url)[name], len(runs_waiting(url, name))
        then = "are cancelled" if cancelling else "go on, and put their steps there again"
        click.confirm(f"Throw away {waits:,} messages of the queue {name}? Its runs ({runs:,}) {then}.", abort=True)
    done = empty_queue(target.client(settings) if cancelling else None, open_record(settings), url, name)
    say(f"thrown away: {done.messages:,}")
    return say_cancelled(done.cancelled) if cancelling else 0


def restart() -> None:
    """Have every worker start anew."""
    engine = connect(target.database_url(StackSettings.load()))
    restart_workers(engine, Record(engine, at_the_machine()))
    say("every worker ends when its steps have, and is started again")


def _redis_url(settings: StackSettings) -> str:
    url = target.complete(settings, target.find_stack(settings)).redis_url
    if url is None:
        raise StackError(
            f"no stack is running in {settings.home}, and REDIS_URL is not set", "start one with 'telemetry-pipeline up'"
        )
    return url.get_secret_value()
