from __future__ import annotations

import email
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from telemetry_pipeline.stack.servers import free_port

with warnings.catch_warnings():
    # Apprise tries a module of Python's that is deprecated, for the sake of a library that needs it.
    warnings.simplefilter("ignore", DeprecationWarning)
    import apprise.utils.pgp  # noqa: F401


@dataclass
class Mailbox:
    """An SMTP server that keeps what it is given."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        """For ALERT_URLS."""
        return f"mailto://127.0.0.1:{self.port}?from=watch@example.com&to=operator@example.com&mode=insecure"

    @property
    def subjects(self) -> list[str]:
        return [str(mail["subject"]).removeprefix("[Telemetry Pipeline] ") for mail in self.mails]

    def text(self, at: int) -> str:
        body = self.mails[at].get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@dataclass
class Clock:
    """Now, and later when a test says so."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox(free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def closed_port() -> int:
    """Nobody listens there."""
    return free_port()
