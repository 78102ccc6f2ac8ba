"""A process that computes answers, one after another, until nobody asks any more.

It keeps the views that it loaded for the next question. What draws is loaded when the first picture is asked for.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

import psutil
from pydantic import SecretStr

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.settings.computing import Limits
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.web.computing.bodies import body_of
from telemetry_pipeline.web.computing.question import Question

_NICENESS = 5
_LOOK_SECONDS = 0.2
_MB = 1 << 20


@dataclass(frozen=True)
class Data:
    """What a process needs to compute: where views are, how they count, and how much it may take."""

    url: SecretStr
    rules: Rules
    limits: Limits = field(default_factory=Limits)
    most_memory_mb: int = 900


@dataclass(frozen=True)
class Reply:
    """What came of a question: a body, or an error of ours. *memory_mb* is what the process has then."""

    body: bytes = b""
    error: TelemetryError | None = None
    memory_mb: float = 0.0


def work(connection: Connection, data: Data) -> None:
    """Answer the questions that come in, until the other end is closed."""
    os.nice(_NICENESS)  # the door itself answers first
    threading.Thread(target=_end_if_too_large, args=(data.most_memory_mb,), daemon=True).start()
    # Before it is too large, its views are spilled.
    memory_mb = min(data.limits.duckdb_memory_mb, data.most_memory_mb // 3)
    store = Store(data.rules, limits=replace(data.limits, duckdb_memory_mb=memory_mb))
    while True:
        try:
            question: Question = connection.recv()
        except EOFError:
            return
        connection.send(_reply(question, data, store))


def _reply(question: Question, data: Data, store: Store) -> Reply:
    try:
        found = computing.answer(shared(data.url), store, question.name, question.days, question.parameters)
        return Reply(body_of(question, found, data.rules.zone), memory_mb=_memory_mb())
    except TelemetryError as err:
        return Reply(error=err)


def _end_if_too_large(most_mb: float) -> None:
    """End this process at once when it takes more memory than it may; whoever asked gets told."""
    while _memory_mb() <= most_mb:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def _memory_mb() -> float:
    return float(psutil.Process().memory_info().rss / _MB)
