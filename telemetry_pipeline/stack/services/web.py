"""The front door."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from telemetry_pipeline.stack.processes.ports import LOOPBACK, Port
from telemetry_pipeline.stack.processes.service import Service
from telemetry_pipeline.stack.services.dagster import answers


class Web(Service):
    """What people and programs reach: log-in, pages, the API, and Dagster and Flower behind it."""

    name = "web"
    title = "the front door"

    def __init__(self, home: Path, environment: Mapping[str, str], port: Port) -> None:
        super().__init__(home, environment)
        self.port: Port = port

    def command(self) -> Sequence[str | Path]:
        """Return the project's own command."""
        program: list[str | Path] = [sys.executable, "-m", "telemetry_pipeline", "web"]
        return [*program, "--host", LOOPBACK, "--port", str(self.port)]

    def is_ready(self) -> bool:
        """Return whether it answers, whatever stands behind it."""
        return answers(f"http://{LOOPBACK}:{self.port}/health")
