"""What a look at the components means, given the looks before: which problems begin, which are over. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from telemetry_pipeline.monitoring.components import (
    BROKER,
    CLOCK,
    CODE,
    DAEMON,
    DISKS,
    POSTGRES,
    QUEUES,
    TICKS,
    WEBSERVER,
    WORKER_PREFIX,
    Look,
    Reading,
)
from telemetry_pipeline.warehouse.operations.problems import COMPONENT, Problem

_RESTARTS = "whoever supervises it starts it again; if it does not come back, read its log and start it by hand"
_TITLES = {
    POSTGRES: "PostgreSQL",
    CLOCK: "the clock",
    BROKER: "the broker",
    WEBSERVER: "the web server",
    CODE: "the code server",
    DAEMON: "Dagster's daemon",
    QUEUES: "the service of the queues",
    TICKS: "the ticks",
    DISKS: "the disks",
}
_FAILURES = {
    CLOCK: "A clock is wrong: schedules and alerts go by it",
    QUEUES: "Steps wait and no worker takes them",
    TICKS: "Ticks have stopped: no new telemetry is stored",
    CODE: "Runs cannot be launched: the pipeline's code is not there",
    DISKS: "A disk is full",
}
_ADVICE = {
    POSTGRES: "see that PostgreSQL runs, takes changes and has disk space; runs wait and go on when it is back",
    CLOCK: (
        "have chrony or another time service keep the clocks of all machines. A daemon whose clock is set back starts again by "
        "itself, and what was planned for the future with it; if ticks do not go on within minutes, restart the daemon"
    ),
    QUEUES: "start a worker for these queues; see the workers' logs for why they ended",
    TICKS: (
        "see whether the schedule telemetry_tick_schedule is on, what its last ticks say, and whether a run hangs; "
        "'telemetry-pipeline doctor' checks all components"
    ),
    DISKS: "make room there, or give it a larger disk; what waits for room goes on by itself",
}


@dataclass(frozen=True)
class Memory:
    """What is remembered of a component.

    :ivar identity: of its process when it last worked.
    :ivar faults: in how many looks in a row it did not work.
    :ivar worked: whether it was ever seen to work.
    """

    identity: str | None = None
    faults: int = 0
    worked: bool = False


@dataclass(frozen=True)
class Verdict:
    """What to write down: first the problems that begin, then the keys of those that are over. A restart is in both."""

    memories: dict[str, Memory]
    begun: list[Problem]
    over: list[str]


def judge(memories: Mapping[str, Memory], look: Look, open_keys: Set[str], *, starting: bool) -> Verdict:
    """Compare a look with what is remembered.

    :param open_keys: of the problems that are known.
    :param starting: whether components that never worked are given time to start.
    """
    known = dict(memories)
    begun: list[Problem] = []
    over: list[str] = []
    readings = {**_missing_workers(known, look), **look}
    # Last, for it names the components that are silent.
    for name in sorted(readings, key=lambda name: name == TICKS):
        reading, memory, key = readings[name], known.get(name, Memory()), COMPONENT + name
        if reading.fault is None:
            restarted = None not in (memory.identity, reading.identity) and memory.identity != reading.identity
            if restarted and key not in open_keys:
                begun.append(_restart(name))
            if restarted or key in open_keys:
                over.append(key)
            known[name] = Memory(identity=reading.identity or memory.identity, worked=True)
            continue
        known[name] = replace(memory, faults=memory.faults + 1)
        if key in open_keys or known[name].faults < reading.patience or (starting and not memory.worked):
            continue
        silent = (set(open_keys) | {problem.key for problem in begun}) - set(over)
        begun.append(_failure(name, reading, silent))
        if name.startswith(WORKER_PREFIX):
            del known[name]  # another one may take its place, under another name
    if QUEUES in look and look[QUEUES].fault is None:
        lost = {*open_keys, *(problem.key for problem in begun)} - set(over)
        over += sorted(key for key in lost if key.startswith(COMPONENT + WORKER_PREFIX))
    return Verdict(known, begun, over)


def title(name: str) -> str:
    """Return the component in words."""
    return _TITLES.get(name) or f"the worker {name.removeprefix(WORKER_PREFIX)}"


def _missing_workers(known: Mapping[str, Memory], look: Look) -> Look:
    if QUEUES not in look:
        return {}
    missing = (name for name in known if name.startswith(WORKER_PREFIX) and name not in look)
    return {name: Reading(fault="it does not answer over the broker any more", patience=2) for name in missing}


def _failure(name: str, reading: Reading, open_keys: Set[str]) -> Problem:
    fault = reading.fault or ""
    detail = fault[0].upper() + fault[1:] + "."
    if name == TICKS:
        silent = sorted(key.removeprefix(COMPONENT) for key in open_keys if key.startswith(COMPONENT))
        others = ", ".join(title(other) for other in silent if other != TICKS)
        detail += f" Not working: {others}." if others else " All components answer."
    verb = "is gone" if name.startswith(WORKER_PREFIX) else "does not work"
    summary = _FAILURES.get(name) or f"{_capitalized(title(name))} {verb}"
    return Problem(COMPONENT + name, summary, detail, reading.advice or _ADVICE.get(name, _RESTARTS))


def _restart(name: str) -> Problem:
    return Problem(
        COMPONENT + name,
        f"{_capitalized(title(name))} had ended and was restarted",
        "It is another process than before, and works.",
        "nothing if somebody restarted it on purpose; else read its log for why it ended",
    )


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]
