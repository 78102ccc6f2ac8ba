"""A mailbox, a hook, a clock and a port that nobody listens on; and a watch over them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from clocks import Clock
from hooks import Hook
from postbox import Mailbox
from watches import Start

from telemetry_pipeline.messaging import channels
from telemetry_pipeline.messaging.channels import Channels
from telemetry_pipeline.monitoring.alerts.notebook import Notebook
from telemetry_pipeline.monitoring.alerts.watch import Watch
from telemetry_pipeline.stack.processes.ports import free_port
from telemetry_pipeline.words.language import Language

with warnings.catch_warnings():
    # Apprise tries a module of Python's that is deprecated, for the sake of a library that needs it.
    warnings.simplefilter("ignore", DeprecationWarning)
    import apprise.utils.pgp  # noqa: F401


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as box:
        yield box


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def closed_port() -> int:
    """Nobody listens there."""
    return free_port()


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as hook:
        yield hook


@pytest.fixture
def start(engine: sa.Engine, clock: Clock, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setattr(channels, "_PAUSE_SECONDS", 0.0)

    def start(alert_urls: str = mailbox.url, at: sa.Engine = engine, language: Language = Language.EN) -> Watch:
        return Watch(
            Notebook(at, clock),
            Channels(alert_urls),
            zone=ZoneInfo("UTC"),
            language=language,
            web_url="http://127.0.0.1:3000",
            clock=clock,
            say=print,
        )

    return start
