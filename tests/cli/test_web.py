"""``web`` serves the front door, once it knows where users are and what to sign sessions with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cli_harness import Outcome

from telemetry_pipeline.cli.local import web
from telemetry_pipeline.settings.loading import DoorSettings

URL = "postgresql://telemetry:sesame@127.0.0.1:9/telemetry"


def test_it_says_everything_that_is_missing(cli: Callable[..., Outcome]) -> None:
    outcome = cli("web")
    assert outcome.status == 1
    assert outcome.err.splitlines()[1:] == ["  DATABASE_URL is missing", "  WEB_SECRET is missing"]


def test_it_serves_where_it_is_told_to(cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[DoorSettings, str, int]] = []
    monkeypatch.setattr(web, "configure", lambda _: None)
    monkeypatch.setattr(web, "serve", lambda settings, *, host, port: served.append((settings, host, port)))
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("WEB_SECRET", "s" * 32)
    assert cli("web", "--port", "3100").status == 0
    assert [(each[1], each[2]) for each in served] == [("127.0.0.1", 3100)]
