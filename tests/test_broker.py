"""What waits in the broker, and who works at what, is told without its password."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from celery import Celery
from dagster_celery.make_app import make_app
from strangers import STRANGERS
from waiting_worker import waiting_worker

from telemetry_pipeline import broker
from telemetry_pipeline.broker import Step, WorkerInfo
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.polling import polling

NOBODY = "redis://:sesame@127.0.0.1:9/0"


@pytest.fixture
def app(broker_url: str) -> Iterator[Celery]:
    """The application that dagster-celery submits steps with."""
    with make_app({"broker": broker_url}) as app:
        yield app


@pytest.fixture
def submit(app: Celery) -> Callable[..., None]:
    """Submits a step as the process of a run does."""

    def submit(run_id: str, step: str = "ott_views", queue: str = "ingest", priority: int = 5) -> None:
        given = {"run_id": run_id, "step": step, "attempt": 0}
        app.send_task("execute_plan", kwargs=given, priority=priority, queue=queue, routing_key=f"{queue}.execute_plan")

    return submit


@pytest.fixture
def worker(broker_url: str, tmp_path: Path) -> Iterator[Callable[..., WorkerInfo]]:
    """Starts workers whose steps wait for a value in the list ``go``."""
    with ExitStack() as running:

        def start(node: str, *queues: str) -> WorkerInfo:
            return running.enter_context(waiting_worker(broker_url, node, queues, tmp_path / node))

        yield start


def steps_of(url: str, count: int) -> list[Step]:
    """The steps of the one worker, once it has that many."""
    steps: list[Step] = []
    for _ in polling(60):
        steps = [step for found in broker.workers(url) for step in found.steps]
        if len(steps) == count:
            break
    return steps


def test_nothing_waits_in_an_empty_broker(broker_url: str) -> None:
    assert broker.waiting(broker_url) == {"ingest": 0, "analysis": 0, "reports": 0}
    assert broker.unacknowledged(broker_url) == {}
    assert broker.steps_waiting(broker_url) == []
    assert broker.foreign_waiting(broker_url) == 0
    assert broker.workers(broker_url, timeout_seconds=0.1) == []


def test_who_asked_for_workers_keeps_no_connection(broker_url: str) -> None:
    """A worker asks before it forks; its children would wait for an answer on what was left open, for ever."""
    with redis.Redis.from_url(broker_url) as client:
        client.ping()
        before = client.client_list()
        assert broker.workers(broker_url) == []
        for _ in polling(60):
            left = client.client_list()
            if len(left) == len(before):
                break
        assert {each["id"] for each in left} == {each["id"] for each in before}


def test_steps_of_every_priority_are_seen_in_their_queue(broker_url: str, submit: Callable[..., None]) -> None:
    """Redis has no priorities: Celery keeps a list for each, and only the first has the queue's name."""
    for priority in range(11):
        submit(f"run-{priority}", priority=priority)
    submit("run-0", queue="reports")
    assert broker.waiting(broker_url) == {"ingest": 11, "analysis": 0, "reports": 1}
    assert {step.run_id for step in broker.steps_waiting(broker_url)} == {f"run-{priority}" for priority in range(11)}


def test_a_task_that_is_no_step_belongs_to_no_run(broker_url: str, app: Celery) -> None:
    app.send_task("something.else", args=[1], queue="analysis")
    assert broker.steps_waiting(broker_url) == []
    assert broker.foreign_waiting(broker_url) == 1


@pytest.mark.parametrize("answer", [5, {"w@here": 5}, {"w@here": [{}]}, {"w@here": [["name"]]}, {5: None}], ids=str)
def test_who_answers_in_the_place_of_a_worker_is_told_of(
    broker_url: str, answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can put an answer where workers put theirs."""
    monkeypatch.setattr("celery.app.control.Inspect._request", lambda *_, **__: answer)
    with pytest.raises(TelemetryError):
        broker.workers(broker_url)


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_a_message_that_is_no_step_is_counted_said_once_and_hides_no_step(
    broker_url: str, submit: Callable[..., None], caplog: pytest.LogCaptureFixture, stranger: bytes
) -> None:
    """One of them failed every look at the queues, and the runs that looked for their steps."""
    broker._warn_of_foreign.cache_clear()
    submit("run-1")
    with redis.Redis.from_url(broker_url) as client:
        client.lpush("ingest", stranger)
        client.hset("unacked", "tag", stranger)
    for _ in range(2):
        assert [step.run_id for step in broker.steps_waiting(broker_url)] == ["run-1"]
        assert broker.foreign_waiting(broker_url) == 1
    assert len(caplog.messages) == 1
    assert "in the queue ingest is no step" in caplog.messages[0]
    assert broker.unacknowledged(broker_url) == {"tag": None}


@pytest.mark.slow
def test_a_worker_tells_its_steps_its_queues_and_its_processes(
    broker_url: str, submit: Callable[..., None], worker: Callable[..., WorkerInfo]
) -> None:
    worker("far@elsewhere", "reports")
    idle = worker("near@here", "ingest", "analysis")
    assert (idle.queues, idle.steps, len(idle.processes)) == (("ingest", "analysis"), (), 1)
    assert {idle.pid, *idle.processes} <= {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}

    submit("run-1", "telemetry_records")
    assert steps_of(broker_url, 1) == [Step("run-1", "telemetry_records", at_work=True)]
    submit("run-2", "ott_views", "analysis")
    submit("run-3", "geography", "analysis")
    [at_work, in_store] = steps_of(broker_url, 2)
    assert (at_work.run_id, at_work.at_work, in_store.at_work) == ("run-1", True, False)
    [other] = broker.steps_waiting(broker_url)
    assert {(step.run_id, step.step) for step in (in_store, other)} == {("run-2", "ott_views"), ("run-3", "geography")}
    taken = broker.unacknowledged(broker_url)
    far, near = broker.workers(broker_url)
    assert set(taken.values()) == near.task_ids
    assert len(taken) == 2
    assert (far.node, far.queues, far.run_ids) == ("far@elsewhere", ("reports",), frozenset())
    assert (near.node, near.run_ids) == ("near@here", frozenset({"run-1", in_store.run_id}))

    with redis.Redis.from_url(broker_url) as client:
        client.rpush("go", 1, 2, 3)
    assert steps_of(broker_url, 0) == []
    assert broker.waiting(broker_url)["analysis"] == 0


@pytest.mark.slow
def test_the_step_of_a_lost_worker_is_with_nobody(
    broker_url: str, submit: Callable[..., None], worker: Callable[..., WorkerInfo]
) -> None:
    """Its message waits for the visibility timeout to pass, and until then nobody works on it."""
    lost = worker("lost@here", "ingest")
    submit("run-1")
    assert len(steps_of(broker_url, 1)) == 1
    os.killpg(lost.pid, signal.SIGKILL)
    assert steps_of(broker_url, 0) == []
    assert broker.steps_waiting(broker_url) == []
    assert len(broker.unacknowledged(broker_url)) == 1
    assert broker.workers(broker_url) == []


@pytest.mark.parametrize(
    "ask", [broker.waiting, broker.unacknowledged, broker.steps_waiting, broker.foreign_waiting, broker.workers]
)
def test_a_broker_that_does_not_answer_is_told_without_its_password(ask: Callable[[str], object]) -> None:
    with pytest.raises(TelemetryError, match=r"the broker does not answer: .*refused") as caught:
        ask(NOBODY)
    assert "sesame" not in str(caught.value)
