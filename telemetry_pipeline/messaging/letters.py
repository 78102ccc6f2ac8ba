"""How a mail is written: a message of the outbox with its files as the bytes that a mail server takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from uuid import NAMESPACE_URL, uuid5

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.printable import cut
from telemetry_pipeline.settings.values import mail_address
from telemetry_pipeline.warehouse.outgoing.outbox import Part, Taken

# Not every server on the way takes more than seven bits.
_POLICY = SMTP.clone(cte_type="7bit")
_PICTURE = "<picture>"
_LONGEST_SUBJECT, _LONGEST_NAME = 200, 120
# A round may be of two reports at once.
_CONTENTS_KEPT = 2
_LINE_END = b"\r\n"


class Writer:
    """Writes mails; what all recipients of a report get alike is written once.

    :param read_part: returns the file of a path; whatever it raises is raised.
    """

    def __init__(self, sender: str, read_part: Callable[[str], bytes]) -> None:
        self._sender = sender
        self._read_part = read_part
        self._content_of = lru_cache(_CONTENTS_KEPT)(self._write_content)

    def compose(self, message: Taken) -> bytes:
        """Return a mail to its one recipient, with its files.

        The same message has the same Message-ID whenever it is sent: who gets it twice may see it once.

        :raises RequestRefused: the recipient is no mail address.
        """
        try:
            recipient = mail_address(message.recipient)
        except ValueError as err:
            raise RequestRefused(f"{message.recipient!r} is no mail address: {err}") from None
        head = EmailMessage(_POLICY)
        head["From"] = self._sender
        head["To"] = recipient
        head["Subject"] = _one_line(message.subject, _LONGEST_SUBJECT)
        head["Date"] = format_datetime(datetime.now(UTC))
        identity = uuid5(NAMESPACE_URL, f"{message.message_id} {message.about} {recipient}")
        head["Message-ID"] = f"<{identity}@{self._sender.rpartition('@')[2]}>"
        head["Auto-Submitted"] = "auto-generated"
        return head.as_bytes().removesuffix(_LINE_END) + self._content_of(message.body, message.html, message.parts)

    def _write_content(self, body: str, html: str, parts: tuple[Part, ...]) -> bytes:
        """Return all that follows what is for the recipient: headers that say what comes, and that."""
        content = EmailMessage(_POLICY)
        content.set_content(body)
        if html:
            content.add_alternative(html, subtype="html")
            shown = content.get_body(("html",))
            for part in parts:
                if part.inline and isinstance(shown, EmailMessage):
                    shown.add_related(self._read_part(part.path), *_kind(part), cid=_PICTURE, disposition="inline")
        for part in parts:
            if not part.inline:
                content.add_attachment(self._read_part(part.path), *_kind(part), filename=_file_name(part.name))
        return content.as_bytes()


def _kind(part: Part) -> tuple[str, str]:
    kind, _, form = part.media_type.partition("/")
    return kind, form


def _file_name(name: str) -> str:
    """Return it with nothing that a mail program or a disk would obey."""
    return _one_line(name, _LONGEST_NAME).translate(dict.fromkeys(map(ord, '/\\"<>|:*?'), "_"))


def _one_line(text: str, length: int) -> str:
    """Return it cut, on one line, and with nothing that a mail program would take for a word in another encoding."""
    return cut(" ".join(text.split()).replace("=?", "= ?"), length)
