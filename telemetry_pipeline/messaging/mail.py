"""How a mail travels: over SMTP, within bounded times, with one connection for many of them.

What a mail says is in ``letters``; which one is sent when, in ``postman``.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Self
from urllib.parse import unquote, urlsplit

from telemetry_pipeline.bounded import TooMuch, reading
from telemetry_pipeline.errors import SettingsError, TelemetryError
from telemetry_pipeline.printable import cut
from telemetry_pipeline.settings.addresses import is_loopback
from telemetry_pipeline.settings.reports import MailSettings
from telemetry_pipeline.settings.values import mail_address

_SECONDS = 30.0
# A large report over a slow line; and a server may look for viruses in it before it answers.
_CONTENT_SECONDS = 300.0
_MAX_REPLY_BYTES = 64_000
_AT_ONCE = 64_000
_LONGEST = 500
# What ends a mail. Before it came no server may deliver anything.
_END = b".\r\n"
# "Not this mailbox", "not this message". Lower ones are about the session: log in first, say HELO.
_REFUSED_FROM = 550
_NO_SUCH_ADDRESS = 501
_ENDS = 421


class Outcome(Enum):
    """What became of a mail.

    ``REFUSED`` is for good, ``NOT_NOW`` may pass, and of neither was anything delivered. ``DOUBTFUL``: all of it went out, and
    nobody knows whether the server took it. ``NOT_OURS``: it was somebody else's to send.
    """

    SENT = "sent"
    REFUSED = "refused"
    NOT_NOW = "not now"
    DOUBTFUL = "doubtful"
    NOT_OURS = "not ours"


@dataclass(frozen=True)
class Answer:
    """What became of a mail, and what the server said or why it did not; without secrets."""

    outcome: Outcome
    said: str = ""


@dataclass(frozen=True)
class MailServer:
    """A server that takes mail.

    :ivar encrypted: whether TLS begins with the connection, not by STARTTLS.
    :ivar password: empty: nobody logs in.
    :ivar sender: whom mail is from.
    """

    host: str
    port: int
    encrypted: bool
    user: str
    password: str = field(repr=False)
    sender: str

    @classmethod
    def from_settings(cls, settings: MailSettings) -> Self:
        """Return what SMTP_URL names.

        :raises SettingsError: nothing is named, or nobody whom mail is from.
        """
        if settings.smtp_url is None:
            raise SettingsError("SMTP_URL is not set", "give the server that takes mail")
        parts = urlsplit(settings.smtp_url.get_secret_value())
        encrypted = parts.scheme == "smtps"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        try:
            sender = mail_address(settings.mail_from or user)
        except ValueError:
            raise SettingsError("MAIL_FROM is not set, and the user of SMTP_URL is no address", "set MAIL_FROM") from None
        return cls(parts.hostname or "", parts.port or (465 if encrypted else 587), encrypted, user, password, sender)

    @property
    def name(self) -> str:
        """Its address without secrets."""
        return f"{self.host}:{self.port}"

    def shown(self, err: Exception | str) -> str:
        """Return what it said, or what happened, in one line without its secrets."""
        if isinstance(err, smtplib.SMTPResponseException):
            text = _reply(err.smtp_code, err.smtp_error)
        elif isinstance(err, TimeoutError):
            text = f"{self.name} did not answer in time"
        else:
            text = str((err.strerror if isinstance(err, OSError) else None) or err)
        plain = self.password.encode()
        for secret in (b64encode(f"\0{self.user}\0".encode() + plain).decode(), b64encode(plain).decode(), self.password):
            text = text.replace(secret, "***") if self.password else text
        return cut(" ".join(text.split()), _LONGEST)


class Line:
    """A connection to a mail server, made when it is needed, and again when it was lost."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: _Session | None = None
        self._error: TelemetryError | None = None

    def open(self) -> None:
        """Connect and log in, unless that is done; where it was in vain, it is not tried again on this line.

        :raises TelemetryError: the server cannot be reached, or does not let us in.
        """
        if self._error is not None:
            raise self._error
        if self._smtp is None:
            try:
                self._smtp = self._connected()
            except TelemetryError as err:
                self._error = err
                raise

    def _connected(self) -> _Session:
        server, tls = self._server, ssl.create_default_context()
        if not f"{server.user}{server.password}".isascii():
            raise TelemetryError("user and password in SMTP_URL are not plain ASCII", "have the server know others")
        try:
            if server.encrypted:
                smtp: _Session = _EncryptedSession(server.host, server.port, _own_name(), timeout=_SECONDS, context=tls)
            else:
                smtp = _Session(server.host, server.port, _own_name(), timeout=_SECONDS)
        except (OSError, UnicodeError) as err:
            raise TelemetryError(f"{server.name} cannot be reached: {server.shown(err)}", "see SMTP_URL") from err
        try:
            smtp.ehlo_or_helo_if_needed()
            if server.password:
                self._log_in(smtp, tls)
        except (OSError, TelemetryError) as err:
            smtp.close()
            if isinstance(err, TelemetryError):
                raise
            raise TelemetryError(f"{server.name} does not let us in: {server.shown(err)}", "see SMTP_URL") from err
        return smtp

    def _log_in(self, smtp: _Session, tls: ssl.SSLContext) -> None:
        server = self._server
        if not server.encrypted and smtp.has_extn("starttls"):
            smtp.starttls(context=tls)
            smtp.ehlo()
        elif not server.encrypted and not is_loopback(f"smtp://{server.host}"):
            raise TelemetryError(f"{server.name} offers no encryption for the password", "use smtps://, or another port: 587")
        smtp.login(server.user, server.password)

    def send(self, letter: bytes, recipient: str, begin: Callable[[], bool]) -> Answer:
        """Send a mail on the open line.

        :param begin: is asked when the server is ready for its content; if it says no, or raises, nothing is sent.
        """
        smtp, server = self._smtp, self._server
        if smtp is None:
            raise RuntimeError("the line is not open")
        try:
            refused = _offer(smtp, server, recipient)
        except OSError as err:
            self.close()
            return Answer(Outcome.NOT_NOW, server.shown(err))
        if refused is not None:
            self._begin_anew(smtp)
            return refused
        begun = False
        try:
            begun = begin()
        finally:
            if not begun:
                self.close()  # there is no other way not to send what the server waits for
        return self._send_content(smtp, letter) if begun else Answer(Outcome.NOT_OURS)

    def _send_content(self, smtp: _Session, letter: bytes) -> Answer:
        server = self._server
        try:
            smtp.stream(re.sub(rb"(?m)^\.", b"..", letter))
        except OSError as err:
            self.close()
            return Answer(Outcome.NOT_NOW, f"the connection ended in the middle: {server.shown(err)}")
        try:
            smtp.stream(_END)
            smtp.patience = _CONTENT_SECONDS
            code, said = smtp.getreply()
        except OSError as err:
            self.close()
            return Answer(Outcome.DOUBTFUL, f"all of it went out, and no answer came: {server.shown(err)}")
        smtp.patience = _SECONDS
        reply = server.shown(_reply(code, said))
        if 200 <= code < 300:
            return Answer(Outcome.SENT, reply)
        if code == _ENDS:
            self.close()
        if 400 <= code < 600:
            return Answer(Outcome.NOT_NOW if code < 500 else Outcome.REFUSED, reply)
        self.close()
        return Answer(Outcome.DOUBTFUL, reply)

    def _begin_anew(self, smtp: _Session) -> None:
        try:
            smtp.rset()
        except OSError:
            self.close()

    def close(self) -> None:
        """End the connection, without waiting for an answer."""
        if self._smtp is not None:
            with suppress(OSError):
                self._smtp.putcmd("quit")
            self._smtp.close()
            self._smtp = None


def _offer(smtp: _Session, server: MailServer, recipient: str) -> Answer | None:
    """Have the server wait for the content; or return why it does not.

    :raises OSError: the connection was lost, or the server ends it.
    """
    steps: tuple[tuple[int, Callable[[], tuple[int, bytes]]], ...] = (
        (250, lambda: smtp.mail(server.sender)),
        (250, lambda: smtp.rcpt(recipient)),
        (354, lambda: smtp.docmd("data")),
    )
    for ready, ask in steps:
        code, said = ask()
        if code == _ENDS:
            raise smtplib.SMTPResponseException(code, said)
        if code not in (ready, ready + 1):  # 251: it will forward
            for_good = code == _NO_SUCH_ADDRESS or code >= _REFUSED_FROM
            return Answer(Outcome.REFUSED if for_good else Outcome.NOT_NOW, server.shown(_reply(code, said)))
    return None


def _reply(code: int, said: bytes | str) -> str:
    return f"{code} {said if isinstance(said, str) else said.decode(errors='replace')}"


def _own_name() -> str:
    """Return what to say HELO as, without asking a name server, which may take its time."""
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"


class _Session(smtplib.SMTP):
    """A session in which every answer ends.

    :ivar patience: how many seconds the next one may take, from its first byte to its last.
    """

    patience = _SECONDS

    def getreply(self) -> tuple[int, bytes]:
        if self.sock is not None:
            self.sock.settimeout(self.patience)
            self.file = reading(self.sock, _MAX_REPLY_BYTES)
        try:
            return super().getreply()
        except TooMuch:
            self.close()
            raise smtplib.SMTPServerDisconnected("the answer is too long") from None
        finally:
            if self.sock is not None:
                self.sock.settimeout(_SECONDS)

    def stream(self, data: bytes) -> None:
        """Send content within the time for it, however slowly the server takes it."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection was lost")
        until, left = time.monotonic() + _CONTENT_SECONDS, memoryview(data)
        while left:
            self.sock.settimeout(max(0.001, min(_SECONDS, until - time.monotonic())))
            left = left[self.sock.send(left[:_AT_ONCE]) :]


class _EncryptedSession(_Session, smtplib.SMTP_SSL):
    """One that is encrypted from its beginning."""
