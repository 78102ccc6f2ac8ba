"""How a schedule does: whether it is switched on, and what came of its last ticks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from telemetry_pipeline.client.graphql import Json, unwrap


@dataclass(frozen=True)
class Schedule:
    """A schedule.

    :ivar switched_on: whether it starts ticks.
    :ivar outcomes: what came of the last ones, the most frequent first.
    """

    switched_on: bool
    outcomes: Mapping[str, int]


def read_schedule(answer: Json) -> Schedule:
    """Return the answer to the document ``Ticks``.

    :raises RequestRefused: there is no such schedule.
    """
    state = unwrap(answer["scheduleOrError"])["scheduleState"]
    counts = Counter(_outcome(tick) for tick in state["ticks"])
    return Schedule(state["status"] == "RUNNING", dict(counts.most_common()))


def _outcome(tick: Json) -> str:
    """Return what came of a tick of the schedule; of one that launched a run, of that."""
    if tick["status"] in ("SKIPPED", "FAILURE"):
        return "skipped" if tick["status"] == "SKIPPED" else "failed"
    statuses = {run["status"] for run in tick["runs"]}
    return "succeeded" if statuses == {"SUCCESS"} else "failed" if statuses & {"FAILURE", "CANCELED"} else "under way"
