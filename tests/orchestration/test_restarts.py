"""Workers start anew when a person asks for it in PostgreSQL: what is at hand ends first, and nobody else can ask."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from workers import worker, worker_environment

from telemetry_pipeline import broker
from telemetry_pipeline.errors import WarehouseUnavailable
from telemetry_pipeline.orchestration.runtime.cluster import restarts
from telemetry_pipeline.orchestration.runtime.cluster.restarts import look_until_asked
from telemetry_pipeline.polling import polling
from telemetry_pipeline.steering.record import Record
from telemetry_pipeline.steering.workers import restart_workers
from telemetry_pipeline.warehouse.access.audit import Actor

EARLIER = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarts, "LOOK_SECONDS", 0.0)


def looks(*answers: datetime | Exception | None) -> bool:
    """Whether a worker ends that finds these one after another."""
    ended: list[bool] = []
    over, left = threading.Event(), list(answers)

    def asked() -> datetime | None:
        answer = left.pop(0)
        if not left:
            over.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    look_until_asked(asked, over, lambda: ended.append(True))
    return bool(ended)


def test_a_worker_ends_when_it_is_asked_for_after_it_began() -> None:
    assert looks(None, None, EARLIER)
    assert looks(EARLIER, EARLIER + timedelta(seconds=1))


def test_what_was_asked_for_before_it_began_is_over() -> None:
    assert not looks(EARLIER, EARLIER, EARLIER)
    assert not looks(None, None)


def test_while_postgresql_is_away_nobody_asks() -> None:
    away = WarehouseUnavailable("PostgreSQL cannot be reached")
    assert not looks(away, EARLIER, away, EARLIER)
    assert looks(EARLIER, away, EARLIER + timedelta(seconds=1))


def test_a_real_worker_ends_by_itself_and_with_success(
    broker_url: str, database_url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with worker(worker_environment(broker_url, database_url, tmp_path), log) as process:
        assert any(broker.workers(broker_url) for _ in polling(60, 0.2)), log.read_text()
        # It has to have looked once, which it does before it says that it is ready, or just after.
        for _ in polling(60, 1.0):
            restart_workers(engine, Record(engine, Actor("oscar", "session")))
            if process.poll() is not None:
                break
        assert (process.wait(60), "Warm shutdown" in log.read_text()) == (0, True), log.read_text()
