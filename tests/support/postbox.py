"""A real SMTP server on the loopback, and the mails that came."""

from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller

from telemetry_pipeline.stack.processes.ports import free_port


class Mailbox:
    """An SMTP server that keeps what it is given, while entered.

    :ivar url: for ALERT_URLS.
    """

    def __init__(self) -> None:
        self.port = int(free_port())
        self.mails: list[EmailMessage] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
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
