"""A worker lives through messages in its queues that are no steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from celery import Celery
from strangers import STRANGERS
from workers import worker, worker_environment

from telemetry_pipeline import broker
from telemetry_pipeline.polling import polling


@pytest.mark.slow
def test_a_worker_executes_the_step_behind_them(app: Celery, broker_url: str, database_url: str, tmp_path: Path) -> None:
    """Some ended it, with the steps that were at work there, and went back into the queue for the next one."""
    with redis.Redis.from_url(broker_url) as client:
        for stranger in STRANGERS.values():
            client.lpush("ingest", stranger)
    # Of a run that nobody knows: the worker answers for it without a step to execute.
    given = {"run_id": "none", "step": "ott_views", "attempt": 0}
    result = app.send_task("execute_plan", kwargs=given, queue="ingest", routing_key="ingest.execute_plan")
    log = tmp_path / "log"
    with worker(worker_environment(broker_url, database_url, tmp_path), log) as process:
        for _ in polling(60):
            if result.ready() or process.poll() is not None:
                break
        assert process.poll() is None, log.read_text()
        assert result.get(timeout=1) == []
        assert broker.foreign_waiting(broker_url) == 0
        assert broker.unacknowledged(broker_url) == {}
