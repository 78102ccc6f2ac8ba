"""An SMTP server on the loopback that does what a test says at a step of a session, and what it took.

It is no server for people: real ones are ``postbox``. It is for what those do not do, such as to end in the middle.
"""

from __future__ import annotations

import email
import socket
import threading
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from typing import Any, Self

Act = Callable[[], str | None]
"""What happens at a step: an answer in place of the usual one, None for that, or an error, which ends the connection."""

STEPS = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "content", "taken")
"""Where something may happen: before the greeting, at a command, when the content has begun, when all of it is there."""


def die() -> None:
    """End the connection."""
    raise ConnectionAbortedError


class MailServer:
    """While entered.

    :ivar acts: what happens at which step; else everything is taken.
    :ivar mails: what came whole, whatever was answered.
    :ivar sessions: how many connections there were.
    """

    def __init__(self) -> None:
        self.acts: dict[str, Act] = {}
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.sessions = 0
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=10)
        # What is on the way when a connection ends is not all of a long mail.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def url(self) -> str:
        """For SMTP_URL."""
        return f"smtp://127.0.0.1:{self._socket.getsockname()[1]}"

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.sessions += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as line:
            try:
                self._say(connection, "connect", "220 here")
                while command := line.readline().decode().strip():
                    verb = command[:4].upper()
                    if verb == "RCPT":
                        self.recipients.append(command.partition("<")[2].rstrip(">"))
                    usual = {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 OK")
                    said = self._say(connection, verb, usual)
                    if verb == "DATA" and said.startswith("354"):
                        self._take(connection, line)
                    if verb == "QUIT":
                        return
            except OSError:
                return

    def _take(self, connection: socket.socket, line: Any) -> None:
        lines = [line.readline()]
        self._act("content")
        while lines[-1] not in (b".\r\n", b""):
            lines.append(line.readline())
        if lines[-1] == b"":
            return
        body = b"".join(each.removeprefix(b".") if each.startswith(b"..") else each for each in lines[:-1])
        mail = email.message_from_bytes(body, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self._say(connection, "taken", "250 taken")

    def _act(self, step: str) -> str | None:
        act = self.acts.get(step)
        return None if act is None else act()

    def _say(self, connection: socket.socket, step: str, usual: str) -> str:
        said = self._act(step) or usual
        connection.sendall(f"{said}\r\n".encode())
        return said
