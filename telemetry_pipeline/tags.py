"""Tags of runs: those that Dagster gives a meaning to, our own, and the days that they say."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
RUN_PRIORITY = "dagster/priority"
STEPS_PRIORITY = "dagster-celery/run_priority"
MAX_RUNTIME_SECONDS = "dagster/max_runtime"
SOFT_TIME_LIMIT_SECONDS = "telemetry/soft_time_limit"
DEFAULT_SOFT_TIME_LIMIT_SECONDS = f".dagster/{SOFT_TIME_LIMIT_SECONDS}"
"""That of the settings, for runs that bring none. Tags of this beginning are shown nowhere."""

DAYS = "telemetry/days"
"""The days of a range, as :func:`partition_text` writes them: the list of runs shows it, and finds runs by it."""

REPORT = "telemetry/report"
"""Which report that is due a run makes; nobody asks for it a second time."""


class Priority(StrEnum):
    """Which of several runs goes first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def tags(self) -> dict[str, str]:
        """Those of a run: which is taken from Dagster's queue first, and whose steps a worker takes first.

        On Redis a message of lower priority is served first, in the classes 0 to 2, 3 to 5, 6 to 8, and 9: a step has 5, those
        of ticks 0, which high ones join.
        """
        of_run, of_steps = {Priority.HIGH: (1, -3), Priority.NORMAL: (0, 0), Priority.LOW: (-1, 3)}[self]
        return {RUN_PRIORITY: str(of_run), STEPS_PRIORITY: str(of_steps)} if of_run else {}

    @classmethod
    def of_tags(cls, tags: Mapping[str, str]) -> Priority:
        """Return the priority of a run with these tags."""
        return next((each for each in cls if each.tags and each.tags[RUN_PRIORITY] == tags.get(RUN_PRIORITY)), cls.NORMAL)


def partition_range(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the first and the last partition of a run; None: it has no partitions."""
    first = tags.get(RANGE_START, tags.get(PARTITION))
    last = tags.get(RANGE_END, tags.get(PARTITION))
    return (first, last) if first and last else None


def with_days(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a run, and of one of several days what says them to people."""
    first, last = partition_range(tags) or ("", "")
    return {**tags, DAYS: partition_text(tags)} if first != last else dict(tags)


def covers(tags: Mapping[str, str], text: str) -> bool:
    """Return whether this run covers the days in *text*, as :func:`partition_text` writes them."""
    first, _, last = text.partition(" to ")
    own_first, own_last = partition_range(tags) or ("", "")
    return own_first <= first and (last or first) <= own_last


def partition_text(tags: Mapping[str, str]) -> str:
    """Return the same for people: a day, ``first to last``, or nothing."""
    first, last = partition_range(tags) or ("", "")
    return first if first == last else f"{first} to {last}"
