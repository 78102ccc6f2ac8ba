"""The pipeline's own worker, as a process of a test's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def worker_environment(broker_url: str, database_url: str, home: Path) -> dict[str, str]:
    """The variables of a worker that needs no PanAccess; *home* is Dagster's, too."""
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return {
        "REDIS_URL": broker_url,
        "DATABASE_URL": database_url,
        "DAGSTER_DATABASE_URL": database_url,
        "DAGSTER_HOME": str(home),
        "TELEMETRY_HOME": str(home),
        "FIRST_PARTITION": "2026-01-01",
        **{f"PANACCESS_{name}": "http://127.0.0.1:9/" for name in ("URL", "USERNAME", "PASSWORD", "API_TOKEN", "SALT")},
    }


@contextmanager
def worker(environment: dict[str, str], log: Path, queue: str = "ingest") -> Iterator[subprocess.Popen[bytes]]:
    """One that takes steps from a queue, killed in the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "celery",
                    "-A",
                    "telemetry_pipeline.orchestration.runtime.celery_app",
                    "worker",
                ),
                *("-Q", queue, "-c", "1", "-n", "w@here", "--without-gossip", "--without-mingle"),
            ],
            env=os.environ | environment,
            cwd=log.parent,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
