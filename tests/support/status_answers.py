"""What a web server answers who asks how the pipeline does, and a look at what is said of it."""

from __future__ import annotations

from typing import Any

FULL_ID = "0098262b-cb97-4815-bc8b-2c8e0495552d"


def runs(*found: dict[str, Any]) -> dict[str, Any]:
    return {"runsOrError": {"__typename": "Runs", "results": list(found)}}


def ticks(*found: tuple[str, str | None], schedule: str = "RUNNING") -> dict[str, Any]:
    """Ticks of the schedule by their status and that of the run that they launched."""
    listed = [{"status": status, "runs": [{"status": run}] if run else []} for status, run in found]
    return {"scheduleOrError": {"__typename": "Schedule", "scheduleState": {"status": schedule, "ticks": listed}}}


def label(line: str) -> str:
    return line[:15].strip()
