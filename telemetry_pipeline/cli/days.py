"""Days as options of the command line: how they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import click

from telemetry_pipeline.days import Period, asked_period
from telemetry_pipeline.days import parse_day as parsed
from telemetry_pipeline.errors import RequestRefused


def parse_day(_ctx: click.Context, _param: click.Parameter, value: str | None) -> date | None:
    """Return an option's callback: a date written as 2026-10-31, else a usage error."""
    try:
        return None if value is None else parsed(value)
    except RequestRefused as err:
        raise click.BadParameter(f"{err}.") from None


@contextmanager
def usage_errors() -> Iterator[None]:
    """Make days that options cannot mean an error of usage."""
    try:
        yield
    except RequestRefused as err:
        raise click.UsageError(f"{err} (--partition, or --from with --to).") from None


def given_period(partition: date | None, first: date | None, last: date | None) -> Period | None:
    """Return the days that ``--partition``, or ``--from`` and ``--to`` say; None if there are none of them.

    :raises click.UsageError: they contradict each other.
    """
    with usage_errors():
        return asked_period(partition, first, last)
