"""Somebody at a terminal: commands typed, processes watched, days counted as the operator does."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests

from telemetry_pipeline.settings import StackSettings
from telemetry_pipeline.stack.ports import free_port

OPERATOR_ZONE = ZoneInfo("America/Mexico_City")


@dataclass
class Operator:
    """Somebody at a terminal, and the stack that they started."""

    home: Path
    environment: dict[str, str]
    up: subprocess.Popen[str]

    @property
    def state(self) -> dict[str, Any]:
        """Where everything is."""
        return json.loads((self.home / "stack.json").read_text())

    def types(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "telemetry_pipeline", *arguments],
            env=self.environment,
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def asks(self, query: str, **variables: Any) -> dict[str, Any]:
        """One GraphQL document."""
        answer = requests.post(self.state["graphql_url"], json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer
        return answer["data"]


@contextmanager
def stack(folder: Path, *options: str, **settings: str) -> Iterator[Operator]:
    """A stack in ``folder/home``, started as a person would: ``telemetry-pipeline up``, with no setting but these."""
    unset = {name.upper() for name in StackSettings.model_fields}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"TELEMETRY_HOME": str(folder / "home"), **settings}
    with (folder / "up.log").open("w+") as log:
        up = subprocess.Popen(
            [sys.executable, "-m", "telemetry_pipeline", "up", "--port", str(free_port()), *options],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            wait_until(lambda: (folder / "home" / "stack.json").exists() or up.poll() is not None, seconds=180)
            assert up.poll() is None, (folder / "up.log").read_text()
            yield Operator(folder / "home", environment, up)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)


def log_in(operator: Operator) -> str:
    """A session of the simulator's."""
    password = hashlib.md5(b"simulatorsimulator").hexdigest()
    form = {"username": "simulator", "password": password, "apiToken": "simulator"}
    url = f"{operator.state['panaccess_url']}?f=login&requestMode=function"
    return str(requests.post(url, data=form, timeout=30).json()["answer"])


def days_ago(days: int) -> str:
    """A day in the operator's time zone."""
    return (datetime.now(OPERATOR_ZONE).date() - timedelta(days=days)).isoformat()


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Look ten times a second until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.1)
