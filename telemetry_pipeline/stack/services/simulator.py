"""The stand-in for PanAccess."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal

from telemetry_pipeline.stack.processes.ports import LOOPBACK, Port, free_port
from telemetry_pipeline.stack.processes.service import Service
from telemetry_pipeline.stack.services.dagster import answers


@dataclass(frozen=True, kw_only=True)
class SimulatorOptions:
    """The operator that the simulator plays. See ``telemetry-pipeline simulator --help``.

    :ivar end: the last moment of the history; None is the moment of the first start in this home.
    :ivar records: an export to serve in place of a made-up history.
    :ivar live: new records a second, on top; or ``"history"``, as many as in the history, in its rhythm.
    """

    records_count: int = 400_000
    days: int = 90
    end: datetime | None = None
    seed: int = 1
    records: Path | None = None
    live: float | Literal["history"] = "history"


class Simulator(Service):
    """The stand-in for PanAccess."""

    name = "simulator"
    title = "the simulator"
    start_timeout_seconds: ClassVar[float] = 300.0  # millions of records may have to be made up or read

    def __init__(self, home: Path, environment: Mapping[str, str], options: SimulatorOptions) -> None:
        super().__init__(home, environment)
        self.options = options
        self.port: Port = free_port()

    @property
    def url(self) -> str:
        """What takes the place of PANACCESS_URL."""
        return f"http://{LOOPBACK}:{self.port}/"

    def command(self) -> Sequence[str | Path]:
        """Return the project's own command."""
        options = self.options
        data: list[str | Path] = ["--records-count", str(options.records_count), "--days", str(options.days)]
        data += ["--seed", str(options.seed)]
        if options.end is not None:
            data += ["--end", f"{options.end.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"]
        if options.records is not None:
            data = ["--records", options.records.expanduser().resolve()]
        program = [sys.executable, "-m", "telemetry_pipeline", "simulator"]
        return [*program, "--host", LOOPBACK, "--port", str(self.port), "--live", str(options.live), *data]

    def is_ready(self) -> bool:
        """Return whether it answers."""
        return answers(f"{self.url}health")
