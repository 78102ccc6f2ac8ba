"""Which runs may be launched. One that cannot be is refused, with what is allowed, wherever it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.orchestration.names import CLEANUP, TICK
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START


def check_request(
    job_name: str, tags: Mapping[str, str], run_config: Mapping[str, Any], *, first_partition: date, today: date
) -> None:
    """Refuse a run whose days are not partitions or whose parameters are invalid.

    :raises RequestRefused: says what is allowed.
    """
    if job_name == CLEANUP:
        return
    allowed = f"days from {first_partition} to {today} are allowed"
    if PARTITION in tags:
        first = last = _day(PARTITION, tags[PARTITION], allowed)
    elif RANGE_START in tags and RANGE_END in tags:
        if job_name == TICK:
            raise RequestRefused(f"{TICK} takes one partition; for a range launch telemetry_range")
        first = _day(RANGE_START, tags[RANGE_START], allowed)
        last = _day(RANGE_END, tags[RANGE_END], allowed)
    else:
        raise RequestRefused(f"a run needs a partition, or the first and the last day of a range; {allowed}")
    if first > last:
        raise RequestRefused(f"the range begins on {first} and ends on {last}, before it; {allowed}")
    if first < first_partition or last > today:
        raise RequestRefused(f"{first if first < first_partition else last} is not a partition; {allowed}")
    for name, given in run_config.get("ops", {}).items():
        if name in all_analyses():
            find_analysis(name).parse(given.get("config", {}))


def _day(tag: str, text: str, allowed: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise RequestRefused(f"{tag} is {text!r}, not a day such as {date(2026, 1, 31)}; {allowed}")
    return day
