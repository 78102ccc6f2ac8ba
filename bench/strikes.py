"""Strikes on the processes of a stack: which there are, what is done to one, and which comes next."""

from __future__ import annotations

import random
import re
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from telemetry_pipeline.polling import polling
from telemetry_pipeline.stack.state import read_state

EVERYTHING = "everything"
# Dealt like cards, so that few strikes hit many kinds: services by the names they have in the stack, and what they start.
KINDS = (
    *("postgres", "backend", "backend", "postgres part", "valkey", "worker", "step process", "step process"),
    *("code-server", "run", "run", "tracker", "daemon", "webserver", "web", "watch", "flower", "simulator", EVERYTHING),
)
_ACTIONS = {signal.SIGKILL: 5, signal.SIGSTOP: 3, signal.SIGTERM: 2}
_PATIENCE_SECONDS = 60.0  # there is a tick every minute
_BACKEND = re.compile(r"postgres: \S+ \S+ (\[local\]|\S+\(\d+\))")


@dataclass(frozen=True)
class Strike:
    """A signal to a process; SIGSTOP to be followed by SIGCONT.

    SIGTERM to a backend is what ``pg_terminate_backend`` does.

    :ivar pids: that it was sent to.
    """

    kind: str
    action: signal.Signals
    seconds: float = 0.0
    pids: tuple[int, ...] = ()

    def __str__(self) -> str:
        pids = ", ".join(map(str, self.pids[:3])) + (f" and {len(self.pids) - 3} more" if len(self.pids) > 3 else "")
        return f"{self.action.name}{f' {self.seconds:.0f} s' if self.seconds else ''} {self.kind} ({pids})"


def processes(home: Path) -> dict[str, list[psutil.Process]]:
    """The processes of the stack by kind; not its supervisor, and what that does not know any more."""
    found: dict[str, list[psutil.Process]] = defaultdict(list)
    state = read_state(home)
    for name, pid in state.processes.items() if state else ():
        with suppress(psutil.Error):
            service = psutil.Process(pid)
            if service.ppid() == state.pid and service.status() != psutil.STATUS_ZOMBIE:  # type: ignore[union-attr]
                found[name].append(service)
                for child in service.children(recursive=True):
                    with suppress(psutil.Error):
                        found[_kind(name, " ".join(child.cmdline()))].append(child)
    found[EVERYTHING] = [process for several in found.values() for process in several]
    return found


def _kind(service: str, command: str) -> str:
    """What a service's child is, by its command."""
    if service == "postgres":
        return "backend" if _BACKEND.search(command) else "postgres part"
    if "resource_tracker" in command:
        return "tracker"
    if service == "code-server":
        return "run"
    return "step process" if service == "worker" else f"child of {service}"


class Striker:
    """Strikes at random; the same seed gives the same kinds and signals in the same order, whatever the processes are.

    :ivar strikes: what was done so far.
    """

    def __init__(self, home: Path, seed: int) -> None:
        self.strikes: list[Strike] = []
        self._home = home
        self._plans = _plans(random.Random(seed))
        self._rng = random.Random(seed)
        self._timers: list[threading.Timer] = []

    def strike(self) -> list[Strike]:
        """One process, seldom several at once; none if there was none of the kind that comes next."""
        plans = next(self._plans)
        self._await(plans[0].kind)
        present = processes(self._home)
        done = [strike for plan in plans if (strike := self._strike(plan, present.get(plan.kind, [])))]
        self.strikes += done
        return done

    def rest(self) -> None:
        """Wait until everybody goes on who was stopped."""
        for timer in self._timers:
            timer.join()

    def _await(self, kind: str) -> None:
        for _ in polling(_PATIENCE_SECONDS, interval=0.1):
            if kind in processes(self._home):
                return

    def _strike(self, plan: Strike, victims: list[psutil.Process]) -> Strike | None:
        if plan.kind != EVERYTHING and victims:
            victims = [self._rng.choice(sorted(victims, key=lambda each: each.pid))]
        struck = []
        for victim in victims:
            with suppress(psutil.Error):
                victim.send_signal(plan.action)
                struck.append(victim.pid)
                if plan.action is signal.SIGSTOP:
                    self._timers.append(threading.Timer(plan.seconds, _resume, [victim]))
                    self._timers[-1].start()
        return replace(plan, pids=tuple(struck)) if struck else None


def _plans(rng: random.Random) -> Iterator[list[Strike]]:
    """What comes next; it depends on the seed alone."""
    deck: list[Strike] = []
    while True:
        several = 1 if rng.random() < 0.85 else rng.randint(2, 4)
        while len(deck) < several:
            deck += [_plan(rng, kind) for kind in rng.sample(KINDS, len(KINDS))]
        yield deck[:several]
        del deck[:several]


def _plan(rng: random.Random, kind: str) -> Strike:
    [action] = rng.choices(list(_ACTIONS), list(_ACTIONS.values()))
    # Now and then for longer than the heartbeats of Dagster and of the broker are apart.
    seconds = rng.uniform(2, 8) if rng.random() < 0.8 else rng.uniform(35, 50)
    stops = kind == EVERYTHING or action is signal.SIGSTOP
    return Strike(kind, signal.SIGSTOP, seconds) if stops else Strike(kind, action)


def _resume(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        process.resume()
