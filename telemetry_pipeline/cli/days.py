"""Days and ranges of days as the command line takes them, and which of them can be asked for."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from telemetry_pipeline.errors import RequestRefused

if TYPE_CHECKING:
    from telemetry_pipeline.settings.loading import StackSettings


def parse_day(_ctx: click.Context, _param: click.Parameter, value: str | None) -> date | None:
    """An option's callback: a date written as 2026-10-31, else a usage error."""
    if value is None:
        return None
    # fromisoformat alone would take 20261031 and week dates, too.
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise click.BadParameter(f"{value!r} is not a date; write it as 2026-10-31.")


def check_days(partition: date | None, first: date | None, last: date | None) -> None:
    """See that days are given in one way, by ``--partition`` or by ``--from`` and ``--to``.

    :raises click.UsageError: they are not.
    """
    if (first is None) != (last is None):
        raise click.UsageError("--from and --to go together.")
    if partition is not None and first is not None:
        raise click.UsageError("give either --partition, or --from and --to.")


def today(settings: StackSettings) -> date:
    """The current day where the operator is."""
    return datetime.now(settings.operator_zone).date()


def check_range(first: date, last: date, settings: StackSettings) -> None:
    """See that a range of days, ends included, has partitions.

    :raises RequestRefused: it does not; says what is allowed.
    """
    from telemetry_pipeline.stack.partitions import first_partition_here

    lowest, highest = first_partition_here(settings), today(settings)
    if first > last:
        raise RequestRefused(f"the range begins on {first} and ends before that, on {last}")
    for day in (first, last):
        if not lowest <= day <= highest:
            raise RequestRefused(
                f"there is no partition {day}; allowed are {lowest} (FIRST_PARTITION) to {highest} "
                f"(today in {settings.operator_timezone})"
            )
