"""A queue is emptied of all that waits there, and of nothing else; its runs are cancelled if that is asked for."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from webservers import FakeWebserver

from telemetry_pipeline import broker
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import BrokerUnavailable, RequestRefused
from telemetry_pipeline.steering.queues import empty_queue, find_queue, runs_waiting
from telemetry_pipeline.steering.record import Record
from telemetry_pipeline.warehouse.access.audit import Actor


def message(run_id: str, step: str) -> str:
    """As Celery puts one into a list."""
    body = json.dumps([[], {"run_id": run_id, "step": step, "attempt": 0}, {}]).encode()
    return json.dumps({"body": b64encode(body).decode(), "headers": {"id": f"{run_id}.{step}"}})


@pytest.fixture
def filled(broker_url: str) -> str:
    """Two steps of a run and something foreign wait in one queue, by three priorities, and a step in another."""
    with redis.Redis.from_url(broker_url) as client:
        client.lpush("analysis", message("run-1", "a"))
        client.lpush("analysis\x06\x163", message("run-1", "b"))
        client.lpush("analysis\x06\x169", "{}")
        client.lpush("ingest", message("run-2", "c"))
    return broker_url


def test_all_priorities_of_one_queue_are_thrown_away_and_no_other_queue(filled: str) -> None:
    assert broker.empty(filled, "analysis") == 3
    assert broker.waiting(filled) == {"ingest": 1, "analysis": 0, "reports": 0}
    assert broker.empty(filled, "analysis") == 0


def test_the_runs_of_a_queue_are_those_whose_steps_wait_there(filled: str) -> None:
    assert runs_waiting(filled, "analysis") == ["run-1"]


def test_runs_go_on_unless_they_are_to_be_cancelled(filled: str, engine: sa.Engine, webserver: FakeWebserver) -> None:
    webserver.answers["Terminate"] = {"terminateRun": {"__typename": "TerminateRunSuccess"}}
    record = Record(engine, Actor("oscar", "session"))
    assert empty_queue(None, record, filled, "ingest").messages == 1
    assert webserver.asked == []
    done = empty_queue(TelemetryClient(webserver.url), record, filled, "analysis")
    assert (done.messages, done.cancelled.runs) == (3, ("run-1",))
    with engine.connect() as connection:
        rows: list[Any] = list(connection.execute(sa.text("select who, what, detail from telemetry.audit order by audit_id")))
    assert [tuple(row) for row in rows] == [
        ("oscar", "queue emptied", {"queue": "ingest", "runs": ["run-2"]}),
        ("oscar", "run cancelled", {"run_id": "run-1"}),
        ("oscar", "queue emptied", {"queue": "analysis", "runs": ["run-1"]}),
    ]


def test_what_could_not_be_done_is_not_on_record(engine: sa.Engine) -> None:
    with pytest.raises(BrokerUnavailable):
        empty_queue(None, Record(engine, Actor("oscar", "session")), "redis://127.0.0.1:9/0", "ingest")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from telemetry.audit")) == 0


def test_a_mistyped_queue_is_answered_with_what_was_meant() -> None:
    with pytest.raises(RequestRefused, match="did you mean analysis"):
        find_queue("analisis")
