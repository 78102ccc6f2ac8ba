"""How a mail is written: a message of the outbox with its files as the bytes that a mail server takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import NAMESPACE_URL, uuid5

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.printable import cut
from telemetry_pipeline.settings.values import mail_address
from telemetry_pipeline.warehouse.outgoing.outbox import Part, Taken

# Not every server on the way takes more than seven bits.
_POLICY = SMTP.clone(cte_type="7bit")
_PICTURE = "<picture>"
_LONGEST_SUBJECT, _LONGEST_NAME = 200, 120


def compose(message: Taken, sender: str, read_part: Callable[[str], bytes]) -> bytes:
    """Return a mail to its one recipient, with its files.

    The same message has the same Message-ID whenever it is sent: who gets it twice may see it once.

    :param read_part: returns the file of a path; whatever it raises is raised.
    :raises RequestRefused: the recipient is no mail address.
    """
    try:
        recipient = mail_address(message.recipient)
    except ValueError as err:
        raise RequestRefused(f"{message.recipient!r} is no mail address: {err}") from None
    mail = EmailMessage(_POLICY)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = _one_line(message.subject, _LONGEST_SUBJECT)
    mail["Date"] = format_datetime(datetime.now(UTC))
    identity = uuid5(NAMESPACE_URL, f"{message.message_id} {message.about} {recipient}")
    mail["Message-ID"] = f"<{identity}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.body)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
        shown = mail.get_body(("html",))
        for part in message.parts:
            if part.inline and isinstance(shown, EmailMessage):
                shown.add_related(read_part(part.path), *_kind(part), cid=_PICTURE, disposition="inline")
    for part in message.parts:
        if not part.inline:
            mail.add_attachment(read_part(part.path), *_kind(part), filename=_file_name(part.name))
    return mail.as_bytes()


def _kind(part: Part) -> tuple[str, str]:
    kind, _, form = part.media_type.partition("/")
    return kind, form


def _file_name(name: str) -> str:
    """Return it with nothing that a mail program or a disk would obey."""
    return _one_line(name, _LONGEST_NAME).translate(dict.fromkeys(map(ord, '/\\"<>|:*?'), "_"))


def _one_line(text: str, length: int) -> str:
    """Return it cut, on one line, and with nothing that a mail program would take for a word in another encoding."""
    return cut(" ".join(text.split()).replace("=?", "= ?"), length)
