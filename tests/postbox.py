"""A real SMTP server on the loopback, and the letters that came."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from telemetry_pipeline.stack.servers import free_port


class Postbox:
    """Takes every letter, while entered.

    :ivar url: for ALERT_URLS.
    :ivar letters: subject and text, oldest first.
    """

    def __init__(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self.url = f"mailto://127.0.0.1:{self._controller.port}?from=pipeline@example.com&to=operator@example.com&mode=insecure"
        self.letters: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        letter = message_from_bytes(envelope.content or b"", policy=policy.default)
        body = letter.get_body(("plain", "html"))
        self.letters.append((str(letter["subject"]), body.get_content() if body else ""))
        return "250 OK"
