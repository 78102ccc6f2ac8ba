"""A worker lives through messages in its queues that are no steps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from celery import Celery
from dagster_celery.make_app import make_app
from strangers import STRANGERS

from telemetry_pipeline import broker
from telemetry_pipeline.polling import polling


@pytest.fixture
def app(broker_url: str) -> Iterator[Celery]:
    """The application that dagster-celery submits steps with."""
    with make_app({"broker": broker_url, "backend": broker_url}) as app:
        yield app


@pytest.mark.slow
def test_a_worker_executes_the_step_behind_them(app: Celery, broker_url: str, database_url: str, tmp_path: Path) -> None:
    """Some ended it, with the steps that were at work there, and went back into the queue for the next one."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment = {
        "REDIS_URL": broker_url,
        "DATABASE_URL": database_url,
        "DAGSTER_DATABASE_URL": database_url,
        "DAGSTER_HOME": str(tmp_path),
        "TELEMETRY_HOME": str(tmp_path),
        "FIRST_PARTITION": "2026-01-01",
        **{f"PANACCESS_{name}": "http://127.0.0.1:9/" for name in ("URL", "USERNAME", "PASSWORD", "API_TOKEN", "SALT")},
    }
    with redis.Redis.from_url(broker_url) as client:
        for stranger in STRANGERS.values():
            client.lpush("ingest", stranger)
    # Of a run that nobody knows: the worker answers for it without a step to execute.
    given = {"run_id": "none", "step": "ott_views", "attempt": 0}
    result = app.send_task("execute_plan", kwargs=given, queue="ingest", routing_key="ingest.execute_plan")
    log = tmp_path / "log"
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
                *("-Q", "ingest", "-c", "1", "-n", "w@here", "--without-gossip", "--without-mingle"),
            ],
            env=os.environ | environment,
            cwd=tmp_path,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        for _ in polling(60):
            if result.ready() or process.poll() is not None:
                break
        assert process.poll() is None, log.read_text()
        assert result.get(timeout=1) == []
        assert broker.foreign_waiting(broker_url) == 0
        assert broker.unacknowledged(broker_url) == {}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
