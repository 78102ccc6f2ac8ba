"""Who executes steps, and the web UI that shows them."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import kombu.exceptions

from telemetry_pipeline.broker import QUEUES, asking_celery
from telemetry_pipeline.errors import BrokerUnavailable
from telemetry_pipeline.settings.addresses import celery_url
from telemetry_pipeline.sockets import FLOWER, FLOWER_PATH
from telemetry_pipeline.stack.environment import FILES
from telemetry_pipeline.stack.processes.service import Service, private_directory
from telemetry_pipeline.stack.servers.reach import check_redis
from telemetry_pipeline.stack.services.dagster import ANSWER_TIMEOUT_SECONDS, answers


class Worker(Service):
    """The Celery worker that executes the steps."""

    name = "worker"
    title = "the worker"
    # A warm shutdown waits for the steps at hand; a cold one gives them back to the broker.
    stop_signals = ((signal.SIGTERM, 3.0), (signal.SIGQUIT, 3.0))

    def __init__(self, home: Path, environment: Mapping[str, str], concurrency: int) -> None:
        super().__init__(home, environment)
        self.concurrency = concurrency
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:8]
        self.node = f"telemetry-{digest}@{socket.gethostname()}"

    def command(self) -> Sequence[str | Path]:
        """Return Celery's own command."""
        program = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "telemetry_pipeline.orchestration.runtime.celery_app",
            "worker",
        ]
        # One worker has nobody to gossip with, and mingling costs it a second.
        options = ["-Q", ",".join(QUEUES), "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        return [*program, *options, "--concurrency", str(self.concurrency), "-n", self.node]

    def is_ready(self) -> bool:
        """Return whether it answers over the broker."""
        try:
            return self._answers(0.5)
        except kombu.exceptions.OperationalError:
            return False

    def is_healthy(self) -> bool:
        """Return whether it answers; it counts as healthy while the broker does not answer, which is not the worker's fault."""
        try:
            check_redis(self._environment["REDIS_URL"])
            return self._answers(ANSWER_TIMEOUT_SECONDS)
        except (BrokerUnavailable, kombu.exceptions.OperationalError):
            return True

    def _answers(self, seconds: float) -> bool:
        with asking_celery(self._environment["REDIS_URL"], ANSWER_TIMEOUT_SECONDS) as app:
            return bool(app.control.ping(destination=[self.node], timeout=seconds))


class Flower(Service):
    """The workers' own web UI: which steps they execute, and which wait. Behind the front door, for operators."""

    name = "flower"
    title = "Flower"

    def __init__(self, home: Path, redis_url: str, sockets: Path) -> None:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "FLOWER_REDIS_URL": celery_url(redis_url),
            "FLOWER_SOCKETS": str(sockets),
        }
        super().__init__(home, environment)
        self.sockets = sockets

    def command(self) -> Sequence[str | Path]:
        """Return Celery's own command; without the pipeline's code, which would take five times the memory."""
        return [sys.executable, "-m", "celery", "flower", f"--conf={FILES / 'flowerconfig.py'}"]

    def prepare(self) -> None:
        """Close the socket's directory to others: whoever reaches it is let in."""
        private_directory(self.sockets, None)

    def is_ready(self) -> bool:
        """Return whether it answers."""
        return answers(f"unix:{self.sockets / FLOWER}:{FLOWER_PATH}/healthcheck")
