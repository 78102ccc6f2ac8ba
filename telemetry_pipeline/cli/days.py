"""Days as options of the command line: how they are read, and which of them may be asked for here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import click

from telemetry_pipeline.days import AllowedDays, Period, asked_period
from telemetry_pipeline.days import parse_day as parsed
from telemetry_pipeline.errors import RequestRefused

if TYPE_CHECKING:
    from telemetry_pipeline.settings.loading import StackSettings


def parse_day(_ctx: click.Context, _param: click.Parameter, value: str | None) -> date | None:
    """An option's callback: a date written as 2026-10-31, else a usage error."""
    try:
        return None if value is None else parsed(value)
    except RequestRefused as err:
        raise click.BadParameter(f"{err}.") from None


@contextmanager
def usage_errors() -> Iterator[None]:
    """Days that options cannot mean are an error of usage."""
    try:
        yield
    except RequestRefused as err:
        raise click.UsageError(f"{err}; a day is --partition, a range --from and --to.") from None


def given_period(partition: date | None, first: date | None, last: date | None) -> Period | None:
    """The days that ``--partition``, or ``--from`` and ``--to`` say; None if there are none of them.

    :raises click.UsageError: they contradict each other.
    """
    with usage_errors():
        return asked_period(partition, first, last)


def allowed_days(settings: StackSettings) -> AllowedDays:
    """The days that may be asked for of the stack that runs here, or of the pipeline elsewhere."""
    from telemetry_pipeline.stack.partitions import first_partition_here

    return AllowedDays.until_today(first_partition_here(settings), settings.operator_zone)
