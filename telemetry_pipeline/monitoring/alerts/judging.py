"""What a look at the components means, given the looks before: which problems begin, which are over. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from telemetry_pipeline.monitoring.components import QUEUES, TICKS, WORKER_PREFIX, Look, Reading
from telemetry_pipeline.warehouse.operations.problems import COMPONENT, Problem
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.upkeep.problems import find_restart, name_component


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
    """Return the component in words, in English, as terminals and logs say it."""
    return name_component(COMPONENT + name, Language.EN)


def _missing_workers(known: Mapping[str, Memory], look: Look) -> Look:
    if QUEUES not in look:
        return {}
    missing = (name for name in known if name.startswith(WORKER_PREFIX) and name not in look)
    return {name: Reading(fault="it does not answer over the broker any more", patience=2) for name in missing}


def _failure(name: str, reading: Reading, open_keys: Set[str]) -> Problem:
    fault, key = reading.fault or "", COMPONENT + name
    detail = fault[0].upper() + fault[1:] + "."
    if name == TICKS:
        silent = sorted(open_key.removeprefix(COMPONENT) for open_key in open_keys if open_key.startswith(COMPONENT))
        others = ", ".join(title(other) for other in silent if other != TICKS)
        detail += f" Not working: {others}." if others else " All components answer."
    return Problem.of(key, detail, advice=reading.advice)


def _restart(name: str) -> Problem:
    said = find_restart(COMPONENT + name, Language.EN)
    return Problem(COMPONENT + name, said.title, "It is another process than before, and works.", said.advice)
