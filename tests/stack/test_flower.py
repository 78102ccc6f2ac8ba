"""Flower beside a real broker and a real worker: what it shows to whom, where its password is, and what its user may do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import celery
import kombu.exceptions
import psutil
import pytest
import redis
import requests
from terminal import wait_until

from telemetry_pipeline.stack.processes.ports import Port, free_port
from telemetry_pipeline.stack.servers.valkey import LocalValkey
from telemetry_pipeline.stack.services.workers import Flower

pytestmark = pytest.mark.slow

PAGES = [
    "/",
    "/workers",
    "/tasks",
    "/tasks/datatable",
    "/broker",
    "/metrics",
    "/api/workers",
    "/api/tasks",
    "/api/queues/length",
]


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalValkey]:
    """A broker as the local stack has it."""
    server = LocalValkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def redis_url(valkey: LocalValkey) -> str:
    return valkey.url


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory, valkey: LocalValkey) -> Iterator[Flower]:
    home = tmp_path_factory.mktemp("flower")
    service = Flower(home, valkey.flower_url, None, free_port())
    command = ["worker", "--pool", "solo", "-E", "-Q", "ingest,analysis", "-n", "some@here", "--loglevel", "ERROR"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", *command],
        env={**service._environment, "CELERY_BROKER_URL": valkey.url},
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        service.start()
        yield service
    finally:
        service.stop()
        worker.terminate()
        worker.wait(30)


def login(flower: Flower) -> tuple[str, str]:
    assert flower.password_file is not None
    return flower.user_name, flower.password_file.read_text()


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_shown_without_the_password(page: str, flower: Flower) -> None:
    assert requests.get(flower.url + page, timeout=10).status_code == 401
    assert requests.get(flower.url + page, auth=("operator", "wrong"), timeout=10).status_code == 401


def get(flower: Flower, page: str) -> str:
    answer = requests.get(flower.url + page, auth=login(flower), timeout=30)
    assert answer.ok
    return answer.text


def test_it_shows_the_workers_and_never_the_brokers_password(flower: Flower, valkey: LocalValkey) -> None:
    wait_until(lambda: "some@here" in get(flower, "/api/workers?refresh=1"), seconds=60)
    broker_password = urlsplit(valkey.flower_url).password
    assert broker_password
    for page in ("/", "/tasks", "/broker", "/worker/some@here", "/api/workers", "/api/tasks", "/metrics"):
        assert broker_password not in get(flower, page)
    assert "**@" in get(flower, "/broker")
    assert broker_password not in flower.log.read_text()


def test_it_shows_the_tasks_and_what_waits_and_lacks_no_right(flower: Flower, valkey: LocalValkey) -> None:
    wait_until(lambda: "some@here" in get(flower, "/api/workers?refresh=1"), seconds=60)
    with (
        redis.Redis.from_url(valkey.url) as client,
        celery.Celery(broker=valkey.url, set_as_current=False) as app,
    ):
        sent = app.send_task("celery.backend_cleanup", queue="ingest")
        wait_until(lambda: sent.id in get(flower, "/api/tasks"), seconds=30)
        for page in ("/", "/tasks", f"/task/{sent.id}", "/broker", "/worker/some@here", "/metrics"):
            get(flower, page)
        assert '"name": "ingest"' in get(flower, "/api/queues/length")
        assert client.acl_log() == []


SCRIPT = "return redis.call('LPUSH', 'ingest', 'x')"
REFUSED: dict[str, list[object]] = {
    "push": ["LPUSH", "ingest", "x"],
    "push at the other end": ["RPUSH", "analysis", "x"],
    "push with a priority": ["LPUSH", "reports\x06\x163", "x"],
    "push where it takes answers from": ["LPUSH", "1.reply.celery.pidbox", "x"],
    "push by a script": ["EVAL", SCRIPT, 0],
    "take a message": ["BRPOP", "ingest", 1],
    "see a message": ["LRANGE", "ingest", 0, -1],
    "delete a queue": ["DEL", "ingest"],
    "write a result": ["SET", "celery-task-meta-1", "{}"],
    "see a result": ["GET", "celery-task-meta-1"],
    "give a message back": ["ZADD", "unacked_index", 1, "tag"],
    "bind a queue": ["SADD", "_kombu.binding.ingest", "ingest\x06\x16\x06\x16mine"],
    "unbind a queue": ["DEL", "_kombu.binding.ingest"],
    "have a binding forgotten": ["SREM", "_kombu.binding_permanent.ingest", "ingest\x06\x16\x06\x16ingest"],
    "forge events": ["PUBLISH", "/0.celeryev/worker.heartbeat", "{}"],
    "listen to commands": ["PSUBSCRIBE", "/0.celery.pidbox"],
    "move a queue": ["RENAME", "ingest", "mine"],
    "see every command": ["MONITOR"],
    "give itself rights": ["ACL", "SETUSER", "flower", "+@all"],
    "write a file": ["CONFIG", "SET", "dir", "/tmp"],
    "empty the broker": ["FLUSHALL"],
    "follow another server": ["REPLICAOF", "127.0.0.1", 1],
}


@pytest.mark.parametrize("command", REFUSED.values(), ids=REFUSED)
def test_its_user_of_the_broker_may_not(command: list[object], valkey: LocalValkey) -> None:
    with redis.Redis.from_url(valkey.flower_url) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)


def test_its_user_of_the_broker_sends_no_task(valkey: LocalValkey) -> None:
    refusals = (kombu.exceptions.OperationalError, redis.exceptions.ResponseError)
    with celery.Celery(broker=valkey.flower_url, set_as_current=False) as app, pytest.raises(refusals):
        app.send_task("execute_plan", queue="ingest", retry=False)
    with redis.Redis.from_url(valkey.flower_url) as client:
        with pytest.raises(redis.exceptions.ResponseError, match="ACL failure in script"):
            client.evalsha(client.script_load(SCRIPT), 0)
        assert client.llen("ingest") == 0


def test_it_stops_no_worker(flower: Flower, redis_url: str) -> None:
    answer = requests.post(f"{flower.url}/api/worker/shutdown/some@here", auth=login(flower), timeout=10)
    assert answer.status_code == 403
    with celery.Celery(broker=redis_url, set_as_current=False) as app:
        wait_until(lambda: bool(app.control.ping(destination=["some@here"], timeout=1)), seconds=30)


def test_it_listens_on_the_loopback_only_and_no_secret_is_among_its_arguments(flower: Flower, redis_url: str) -> None:
    process = psutil.Process(flower.pid)
    listening = [entry.laddr.ip for entry in process.net_connections() if entry.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]
    arguments = " ".join(process.cmdline())
    assert login(flower)[1] not in arguments
    assert str(urlsplit(redis_url).password) not in arguments


def test_a_password_that_was_made_up_stays_and_is_for_the_operators_eyes_only(tmp_path: Path) -> None:
    first, second = (Flower(tmp_path, "redis://localhost", None, Port(1)) for _ in range(2))
    assert login(first) == login(second)
    assert len(login(first)[1]) > 20
    assert first.password_file is not None
    assert first.password_file.stat().st_mode & 0o777 == 0o600


def test_a_password_that_is_given_is_taken_and_not_written_anywhere(tmp_path: Path) -> None:
    assert Flower(tmp_path, "redis://localhost", "sesame, open", Port(1)).password_file is None
    assert list(tmp_path.iterdir()) == []
