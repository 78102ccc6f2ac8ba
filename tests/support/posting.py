"""A process that does nothing but send the mail that waits, to be killed: ``posting.py DATABASE_URL SMTP_URL``."""

from __future__ import annotations

import sys
from threading import Event

from pydantic import SecretStr

from telemetry_pipeline.messaging.mail import MailServer
from telemetry_pipeline.messaging.postman import Postman
from telemetry_pipeline.settings.reports import MailSettings
from telemetry_pipeline.warehouse.db.connections import connect


def read_part(path: str) -> bytes:
    """Return a file."""
    return path.encode()


if __name__ == "__main__":
    settings = MailSettings(smtp_url=SecretStr(sys.argv[2]), mail_from="reports@example.com")
    Postman(connect(sys.argv[1]), lambda: MailServer.from_settings(settings), read_part, print).run(Event())
