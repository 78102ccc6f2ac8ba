"""A real Celery worker whose steps do nothing until somebody pushes a value onto the list ``go``."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from celery import Celery

from telemetry_pipeline import broker
from telemetry_pipeline.broker import WorkerInfo
from telemetry_pipeline.polling import polling

app = Celery("waiting", broker=os.environ.get("REDIS_URL"), set_as_current=False)
# Two at once, one of which it has in store.
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=2, broker_connection_retry_on_startup=True)


@app.task(name="execute_plan")  # type: ignore[untyped-decorator]
def execute_plan(**_: object) -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.blpop(["go"])


@contextmanager
def waiting_worker(broker_url: str, node: str, queues: Sequence[str], log: Path) -> Iterator[WorkerInfo]:
    """The worker, with one process, while the context lasts; killed at its end."""
    options = ["-Q", ",".join(queues), "-c", "1", "-n", node, "--without-gossip", "--without-mingle"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "waiting_worker", "worker", *options],
            cwd=Path(__file__).parent,
            env=os.environ | {"REDIS_URL": broker_url, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            for _ in polling(60):
                for found in broker.workers(broker_url):
                    if found.node == node:
                        yield found
                        return
            pytest.fail(log.read_text())
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
