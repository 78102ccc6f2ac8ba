"""What a process that computes may take of its machine."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, Field

from telemetry_pipeline.settings.values import Directory

_LEAST_MB, _MOST_MB = 400, 2_000
_THREAD_MB = 100
"""Of DuckDB's memory for each of its threads, with less of which it spills what it could hold."""
_SPILL_TO_MEMORY = 10


class ComputingSettings(BaseModel):
    """What a process that computes may take of its machine."""

    worker_child_memory_mb: int | None = Field(
        default=None,
        ge=200,
        description="Above how much memory of its own a worker's child process is replaced, once its step has ended. Empty: "
        "half of the memory of the machine, container or unit for as many children as it has processors, between "
        f"{_LEAST_MB} and {_MOST_MB:,}.",
    )
    duckdb_memory_mb: int | None = Field(
        default=None,
        ge=100,
        description="How much memory DuckDB, which holds the views, takes before it writes to disk. Empty: half of what a "
        "child may hold.",
    )
    duckdb_threads: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description=f"How many processors an analysis uses. Empty: all, if DuckDB has {_THREAD_MB} MB of memory for each.",
    )
    duckdb_spill_mb: int | None = Field(
        default=None,
        ge=100,
        description="How much DuckDB writes to disk at most in a process; an analysis that needs more fails. Empty: "
        f"{_SPILL_TO_MEMORY} times as much as its memory.",
    )
    duckdb_spill_directory: Directory | None = Field(
        default=None,
        description="Where DuckDB writes that, in a directory for each process. Empty: the directory spill in TELEMETRY_HOME.",
    )


@dataclass(frozen=True)
class Limits:
    """What a process that computes may take; by default, what is enough for a little data on any machine.

    :ivar child_memory_mb: above this it is replaced. :ivar duckdb_memory_mb: what views take before they are spilled.
    :ivar duckdb_threads: what an analysis keeps busy. :ivar spill_mb: what is spilled at most.
    :ivar spill_directory: where the directories of all processes are.
    """

    child_memory_mb: int = _LEAST_MB
    duckdb_memory_mb: int = _LEAST_MB // 2
    duckdb_threads: int = 2
    spill_mb: int = _LEAST_MB // 2 * _SPILL_TO_MEMORY
    spill_directory: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))


def limits_within(given: ComputingSettings, memory_bytes: int, processors: int, home: Path) -> Limits:
    """Return the limits on a machine with so much memory and so many processors, where nothing else is *given*.

    :param home: TELEMETRY_HOME.
    """
    share_mb = memory_bytes // 1_000_000 // (2 * processors)
    child_mb = given.worker_child_memory_mb or min(max(share_mb, _LEAST_MB), _MOST_MB)
    duckdb_mb = given.duckdb_memory_mb or child_mb // 2
    return Limits(
        child_memory_mb=child_mb,
        duckdb_memory_mb=duckdb_mb,
        duckdb_threads=given.duckdb_threads or max(1, min(processors, duckdb_mb // _THREAD_MB)),
        spill_mb=given.duckdb_spill_mb or _SPILL_TO_MEMORY * duckdb_mb,
        spill_directory=given.duckdb_spill_directory or home / "spill",
    )
