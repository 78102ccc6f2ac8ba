"""Who can write to the broker has nothing executed that is not ours: real messages to a real worker."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import dagster as dg
import pytest
import redis
import sqlalchemy as sa
from celery import Celery
from celery.worker.control import Panel
from dagster._core.code_pointer import FileCodePointer
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._grpc.types import ExecuteStepArgs
from dagster_shared.serdes import pack_value
from strangers import STRANGERS, message
from workers import worker, worker_environment

from telemetry_pipeline import broker
from telemetry_pipeline.broker import asking_celery
from telemetry_pipeline.orchestration.runtime.cluster.remote_control import ALLOWED, restrict_remote_control
from telemetry_pipeline.polling import polling
from telemetry_pipeline.warehouse.operations import problems

RUN_ID = "00000000-0000-4000-8000-000000000007"
STEP = {"run_id": RUN_ID, "step": "work", "attempt": 0}

FOREIGN_CODE = """
from pathlib import Path
import dagster as dg

Path({path!r}).touch()

@dg.op
def work() -> None:
    pass

@dg.job
def telemetry_tick() -> None:
    work()
"""


@pytest.fixture
def environment(broker_url: str, database_url: str, tmp_path: Path) -> dict[str, str]:
    """That of a worker whose Dagster knows a run at work."""
    given = worker_environment(broker_url, database_url, tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        run = dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
        instance.add_run(run)
    return given


def with_foreign_code(directory: Path) -> dict[str, Any]:
    """The arguments that dagster-celery's own task takes, with definitions that leave a trace when they are loaded."""
    (directory / "foreign.py").write_text(FOREIGN_CODE.format(path=str(directory / "executed")))
    job = ReconstructableRepository(FileCodePointer(str(directory / "foreign.py"), "telemetry_tick")).get_reconstructable_job(
        "telemetry_tick"
    )
    request = ExecuteStepArgs(job_origin=job.get_python_origin(), run_id=RUN_ID, step_keys_to_execute=["work"])
    return {"execute_step_args_packed": pack_value(request), "executable_dict": job.to_dict()}


def of_analyses(environment: dict[str, str]) -> dict[str, str]:
    """What a worker has that does not log in to PanAccess."""
    return environment | {f"PANACCESS_{name}": "" for name in ("PASSWORD", "API_TOKEN", "SALT")}


def send(app: Celery, task: str, **message: Any) -> Any:
    return app.send_task(task, queue="ingest", routing_key=f"ingest.{task}", **message)


def pinged(app: Celery, process: subprocess.Popen[bytes]) -> Any:
    """What workers say to a ping, once one does; nothing when the one has ended."""
    for _ in polling(60):
        if (said := app.control.ping(timeout=0.5)) or process.poll() is not None:
            break
    return said


@pytest.mark.slow
def test_a_message_that_names_other_code_has_nothing_executed_and_is_said_and_counted(
    app: Celery, environment: dict[str, str], tmp_path: Path, engine: sa.Engine
) -> None:
    foreign = with_foreign_code(tmp_path)
    forged: list[Callable[[], Any]] = [
        lambda: send(app, "execute_plan", kwargs=foreign),
        lambda: send(app, "execute_plan", kwargs=STEP | foreign),
        lambda: send(app, "execute_plan", args=[RUN_ID, "work", 0]),
        lambda: send(app, "execute_plan", kwargs=STEP, link=app.signature("execute_plan", kwargs=foreign)),
        lambda: send(app, "execute_job", kwargs=foreign),
        lambda: send(app, "celery.map", args=[{"task": "execute_plan"}, [foreign]]),
        lambda: send(app, "celery.ping"),
        lambda: send(app, "execute_plan", kwargs=STEP, countdown=3600),
        lambda: send(app, "execute_plan", kwargs=STEP, expires=3600),
        lambda: send(app, "execute_plan", kwargs=STEP, time_limit=10**6),
        lambda: send(app, "execute_plan", kwargs=STEP, compression="zlib"),
        lambda: send(app, "execute_plan", kwargs=STEP, retries=7),
        lambda: send(app, "execute_plan", kwargs=STEP, shadow="celery.ping"),
        lambda: send(app, "execute_plan", kwargs=STEP | {"attempt": 1}),
    ]
    for forge in forged:
        forge()
    known = send(app, "execute_plan", kwargs=STEP | {"run_id": "none"})
    with worker(environment, tmp_path / "log") as process:
        for _ in polling(60):
            if known.ready() or process.poll() is not None:
                break
        said = (tmp_path / "log").read_text()
        assert process.poll() is None, said
        assert known.get(timeout=1) == []
    assert not (tmp_path / "executed").exists()
    assert said.count("is dropped") + said.count("which nobody is at") == len(forged)
    [problem] = problems.open_problems(engine)
    assert problem.key == "foreign-messages"
    assert problem.times == len(forged)
    assert broker.foreign_waiting(environment["REDIS_URL"]) == 0


@pytest.mark.slow
def test_a_worker_obeys_no_command_that_brings_it_code_queues_or_messages(
    app: Celery, environment: dict[str, str], tmp_path: Path
) -> None:
    with worker(environment, tmp_path / "log") as process:
        pinged(app, process)
        for command, arguments in {
            "pool_restart": {"modules": ["foreign"]},
            "add_consumer": {"queue": "elsewhere"},
            "election": {"id": "1", "topic": "task", "action": app.signature("execute_plan", kwargs=STEP)},
            "shutdown": {},
        }.items():
            app.control.broadcast(command, arguments=arguments)
        assert pinged(app, process) == [{"w@here": {"ok": "pong"}}]
        inspect = app.control.inspect(timeout=2)
        [queues] = next(found for _ in polling(60) if (found := inspect.active_queues())).values()
        assert [queue["name"] for queue in queues] == ["ingest"]
        assert process.poll() is None


@pytest.mark.slow
def test_a_worker_answers_a_command_into_no_queue_but_that_of_who_waits_for_it(
    app: Celery, environment: dict[str, str], tmp_path: Path
) -> None:
    """Whoever may send commands, as Flower may, would have workers push into any queue."""
    database = urlsplit(environment["REDIS_URL"]).path.strip("/")
    waiting, stranger, gone = (str(uuid4()) for _ in range(3))
    answers = "reply.celery.pidbox"
    bindings = f"_kombu.binding.{answers}"
    places = [("", "ingest"), ("", waiting), ("celery", "ingest"), ("celeryev", "ingest"), ("ingest", ""), (answers, "ingest")]
    places += [("", f"{waiting}.{answers}"), (answers, stranger), (answers, gone)]
    with (
        worker(of_analyses(environment), tmp_path / "log", queue="analysis") as process,
        redis.Redis.from_url(environment["REDIS_URL"]) as client,
    ):
        pinged(app, process)
        client.sadd(bindings, f"{waiting}\x06\x16\x06\x16{waiting}.{answers}", "ingest\x06\x16\x06\x16ingest")
        client.sadd(bindings, f"{stranger}\x06\x16\x06\x16ingest", f"{waiting}\x06\x16\x06\x16ingest", "odd")
        before = set(client.keys())
        for exchange, key in [*places, (answers, waiting)]:
            command = {"method": "ping", "ticket": "x", "reply_to": {"exchange": exchange, "routing_key": key}}
            client.publish(f"/{database}.celery.pidbox", message(command))
        for _ in polling(60):
            if client.llen(f"{waiting}.{answers}") or process.poll() is not None:
                break
        assert client.llen(f"{waiting}.{answers}") == 1
        lists = {key for key in set(client.keys()) - before if client.type(key) == b"list"}
        assert lists == {f"{waiting}.{answers}".encode()}
        assert pinged(app, process) == [{"w@here": {"ok": "pong"}}]


@pytest.mark.slow
def test_a_worker_lives_through_whatever_comes_as_a_command_or_is_given_back(
    environment: dict[str, str], tmp_path: Path, engine: sa.Engine
) -> None:
    """One that has no secrets of PanAccess, and puts it on record all the same."""
    database = urlsplit(environment["REDIS_URL"]).path.strip("/")
    with redis.Redis.from_url(environment["REDIS_URL"]) as client:
        for number, stranger in enumerate(STRANGERS.values()):
            client.hset("unacked", f"tag-{number}", stranger)
            client.zadd("unacked_index", {f"tag-{number}": 1})
        with (
            worker(of_analyses(environment), tmp_path / "log", queue="analysis") as process,
            asking_celery(environment["REDIS_URL"]) as app,
        ):
            pinged(app, process)
            for stranger in STRANGERS.values():
                client.publish(f"/{database}.celery.pidbox", stranger)
            ping: dict[str, Any] = {"method": "ping"}
            odds: list[Any] = [{}, [], {"method": ["ping"]}, {**ping, "destination": 5}, {**ping, "reply_to": 1}]
            for odd in odds:
                client.publish(f"/{database}.celery.pidbox", message(odd))
                client.publish(f"/{database}.celery.pidbox", message(odd, {"compression": "zlib"}))
            for _ in polling(60):
                if (not client.hlen("unacked") and app.control.ping(timeout=1)) or process.poll() is not None:
                    break
            said = (tmp_path / "log").read_text()
            assert process.poll() is None, said[-3000:]
            assert pinged(app, process) == [{"w@here": {"ok": "pong"}}], said[-3000:]
            assert client.hlen("unacked") == 0
            assert "Connection to broker lost" not in said, "steps at work would be given to others"
    [problem] = problems.open_problems(engine)
    assert problem.key == "foreign-messages"
    assert len(problem.detail) < 1_000


def test_a_new_release_of_celery_brings_no_command_that_nobody_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Panel, "data", dict(Panel.data) | {"novelty": print})
    restrict_remote_control()
    assert set(Panel.data) == ALLOWED
