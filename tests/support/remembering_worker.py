"""A real Celery worker with one child, whose tasks fill its memory and its disk; each returns the child's process id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import celery

from telemetry_pipeline.orchestration.runtime.cluster.children import look_after_children
from telemetry_pipeline.results.views import spill

DIRECTORY = Path(os.environ.get("SPILL", "spill"))
LIMIT_MB = 200
_URL = os.environ.get("REDIS_URL")

app = celery.Celery("remembering", broker=_URL, backend=_URL, set_as_current=False)
app.conf.update(worker_max_memory_per_child=LIMIT_MB * 1_000, broker_connection_retry_on_startup=True)
look_after_children(DIRECTORY)

held = bytearray()


@app.task(name="peak")  # type: ignore[untyped-decorator]
def peak(megabytes: int) -> int:
    """Take so much, and give it back."""
    bytearray(b"x") * (megabytes * 1_000_000)
    return os.getpid()


@app.task(name="hold")  # type: ignore[untyped-decorator]
def hold(megabytes: int) -> int:
    """Take so much, and keep it."""
    held.extend(b"x" * (megabytes * 1_000_000))
    return os.getpid()


@app.task(name="claim")  # type: ignore[untyped-decorator]
def claim() -> int:
    """Have a directory to spill into."""
    (spill.claim(DIRECTORY) / "duckdb_temp_storage-0.tmp").write_text("views")
    return os.getpid()


@contextmanager
def remembering_worker(broker_url: str, directory: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The worker while the context lasts; killed at its end.

    :param directory: where it spills to.
    """
    options = ["-c", "1", "--without-gossip", "--without-mingle"]
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "remembering_worker", "worker", *options],
            cwd=log.parent,
            env=os.environ | {"REDIS_URL": broker_url, "SPILL": str(directory), "PYTHONPATH": paths},
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
