"""Flower beside a real broker and a real worker: what it shows to whom, and where its password is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import celery
import psutil
import pytest
import requests
from terminal import wait_until

from telemetry_pipeline.stack.ports import free_port
from telemetry_pipeline.stack.services import Flower

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
def flower(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Flower]:
    home = tmp_path_factory.mktemp("flower")
    service = Flower(home, redis_url, None, free_port())
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "worker", "--pool", "solo", "-E", "-n", "some@here", "--loglevel", "ERROR"],
        env={**service._environment, "CELERY_BROKER_URL": redis_url},
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


def test_it_shows_the_workers_and_never_the_brokers_password(flower: Flower, redis_url: str) -> None:
    def get(page: str) -> str:
        answer = requests.get(flower.url + page, auth=login(flower), timeout=30)
        assert answer.ok
        return answer.text

    wait_until(lambda: "some@here" in get("/api/workers?refresh=1"), seconds=60)
    broker_password = urlsplit(redis_url).password
    assert broker_password
    for page in ("/", "/tasks", "/broker", "/worker/some@here", "/api/workers", "/api/tasks", "/metrics"):
        assert broker_password not in get(page)
    assert "**@" in get("/broker")
    assert broker_password not in flower.log.read_text()


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
    first, second = (Flower(tmp_path, "redis://localhost", None, 1) for _ in range(2))
    assert login(first) == login(second)
    assert len(login(first)[1]) > 20
    assert first.password_file is not None
    assert first.password_file.stat().st_mode & 0o777 == 0o600


def test_a_password_that_is_given_is_taken_and_not_written_anywhere(tmp_path: Path) -> None:
    assert Flower(tmp_path, "redis://localhost", "sesame, open", 1).password_file is None
    assert list(tmp_path.iterdir()) == []
