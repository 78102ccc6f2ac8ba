"""In place of what computes for the door: does what the name of the analysis says."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection

import psutil

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.results.views import spill
from telemetry_pipeline.web.computing.question import Question
from telemetry_pipeline.web.computing.worker import Data, Reply


def work(connection: Connection, data: Data) -> None:
    """Answer until nobody asks."""
    while True:
        try:
            question: Question = connection.recv()
        except EOFError:
            return
        match question.name:
            case "hang":
                time.sleep(100)
            case "die":
                raise SystemExit(1)
            case "refuse":
                connection.send(Reply(error=RequestRefused("no", "never")))
            case "grow":
                connection.send(Reply(b"large", memory_mb=10_000))
            case "spill":
                connection.send(Reply(str(spill.claim(data.limits.spill_directory)).encode()))
            case name:
                connection.send(Reply(f"{name} by {psutil.Process().pid}".encode()))
