"""Somebody at a terminal: commands typed, processes watched, days counted as the operator does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests

from bench.up import Up, up
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.web import owner_link

OPERATOR_ZONE = ZoneInfo("America/Mexico_City")


@dataclass(frozen=True)
class Operator(Up):
    """Somebody at a terminal, and the stack that they started."""

    @property
    def state(self) -> dict[str, Any]:
        """Where everything is."""
        state: dict[str, Any] = json.loads((self.home / "stack.json").read_text())
        return state

    @property
    def token(self) -> dict[str, str]:
        """What a program shows at the front door."""
        return {"Authorization": f"Bearer {self.state['web_token']}"}

    @property
    def client(self) -> TelemetryClient:
        """A program at the front door."""
        return TelemetryClient(self.state["graphql_url"], token=self.state["web_token"])

    @property
    def link(self) -> str:
        """What lets its owner in at the front door."""
        return owner_link(self.state["web_url"], self.state["web_token"])

    def types(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "telemetry_pipeline", *arguments],
            env=self.environment,
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            timeout=900,
        )

    def asks(self, query: str, **variables: Any) -> dict[str, Any]:
        """One GraphQL document."""
        answer = requests.post(
            self.state["graphql_url"], json={"query": query, "variables": variables}, headers=self.token, timeout=60
        ).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data


@contextmanager
def stack(folder: Path, *options: str, **settings: str) -> Iterator[Operator]:
    """A stack in ``folder/home``, with no setting but these."""
    with up(folder, *options, **settings) as started:
        yield Operator(**vars(started))


def days_ago(days: int) -> str:
    """A day in the operator's time zone."""
    return (datetime.now(OPERATOR_ZONE).date() - timedelta(days=days)).isoformat()


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    """Look again and again until it is so."""
    assert any(condition() for _ in polling(seconds)), f"not so after {seconds} s"
