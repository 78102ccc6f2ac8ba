"""A mail server, a postman for it, and what is on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event

import pytest
import sqlalchemy as sa
from mail_server import MailServer as FakeServer
from pydantic import SecretStr

from telemetry_pipeline.messaging.mail import MailServer
from telemetry_pipeline.messaging.postman import Postman
from telemetry_pipeline.settings.reports import MailSettings
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Delivery, Message

FILES = {"2026/report.pdf": b"%PDF-1.7 report", "2026/picture.png": b"\x89PNG picture"}


def read_part(path: str) -> bytes:
    return FILES[path]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def postman_of(engine: sa.Engine) -> Callable[..., Postman]:
    """Makes postmen of a server's address."""

    def make(url: str, read_part: Callable[[str], bytes] = read_part, at: sa.Engine = engine) -> Postman:
        settings = MailSettings(smtp_url=SecretStr(url) if url else None, mail_from="reports@example.com")
        return Postman(at, lambda: MailServer.from_settings(settings), read_part, print)

    return make


@pytest.fixture
def send_all(server: FakeServer, postman_of: Callable[..., Postman]) -> Callable[[], int]:
    """Has a postman make one round at the server."""
    return lambda: postman_of(server.url).round(Event())


@pytest.fixture
def put(engine: sa.Engine) -> Callable[..., int]:
    """Puts a message to each of some recipients."""

    def put(*recipients: str, about: str = "daily 2026-11-27", **changes: object) -> int:
        fields = {"topic": "report", "transport": "mail", "subject": "Informe diario", "body": "Hola", **changes}
        messages = [Message(about=about, recipient=each, **fields) for each in recipients]  # type: ignore[arg-type]
        with engine.begin() as connection:
            return outbox.put(connection, messages)

    return put


@pytest.fixture
def found(engine: sa.Engine) -> Callable[[], dict[str, Delivery]]:
    """Reads what became of the messages, by recipient."""

    def found() -> dict[str, Delivery]:
        with engine.connect() as connection:
            return {each.recipient: each for each in outbox.find_newest(connection, 1_000)}

    return found


@pytest.fixture
def an_hour_later(engine: sa.Engine) -> Callable[[], None]:
    """Has an hour go by in PostgreSQL, for what waits and for leases."""

    def later() -> None:
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "update telemetry.outbox set not_before = not_before - interval '1 hour', "
                    "leased_until = leased_until - interval '1 hour'"
                )
            )

    return later
