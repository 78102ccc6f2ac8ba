"""Flower beside a real broker and a real worker: what it shows, where it listens, and what its user may do."""

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
from terminal import wait_until

from telemetry_pipeline.client.graphql import open_session
from telemetry_pipeline.sockets import FLOWER, FLOWER_PATH
from telemetry_pipeline.stack.environment import flower_sockets
from telemetry_pipeline.stack.servers.valkey import LocalValkey
from telemetry_pipeline.stack.services.workers import Flower

pytestmark = pytest.mark.slow

PAGES = [
    "/",
    "/workers",
    "/tasks",
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
    service = Flower(home, valkey.flower_url, flower_sockets(home))
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
        worker.wait(60)


def get(flower: Flower, page: str) -> str:
    with open_session(flower.sockets / FLOWER) as session:
        answer = session.get(f"http://localhost{FLOWER_PATH}{page}", timeout=30)
    assert answer.ok, (page, answer.status_code)
    return answer.text


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_under_its_path(page: str, flower: Flower) -> None:
    assert get(flower, page)


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
        wait_until(lambda: sent.id in get(flower, "/api/tasks"), seconds=60)
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
    with open_session(flower.sockets / FLOWER) as session:
        answer = session.post(f"http://localhost{FLOWER_PATH}/api/worker/shutdown/some@here", timeout=10)
    assert answer.status_code == 403
    with celery.Celery(broker=redis_url, set_as_current=False) as app:
        wait_until(lambda: bool(app.control.ping(destination=["some@here"], timeout=1)), seconds=60)


def test_it_listens_on_a_socket_that_is_closed_to_others_alone_and_no_secret_is_among_its_arguments(
    flower: Flower, redis_url: str
) -> None:
    process = psutil.Process(flower.pid)
    assert [entry for entry in process.net_connections("inet") if entry.status == psutil.CONN_LISTEN] == []
    assert flower.sockets.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in flower.sockets.iterdir()] == [FLOWER]
    assert str(urlsplit(redis_url).password) not in " ".join(process.cmdline())


def test_without_a_place_for_its_socket_it_does_not_start() -> None:
    config = Path(__file__).parents[2] / "flowerconfig.py"
    done = subprocess.run([sys.executable, config], env={}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "FLOWER_SOCKETS is not set" in done.stderr
