"""Who gets a report: a message for each subscription and recipient, unique by that and the days."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from telemetry_pipeline.reports.archive.formats import FORMATS, PICTURE, PICTURE_TYPE, link, name_in_mail
from telemetry_pipeline.reports.content.content import Content
from telemetry_pipeline.reports.forms.letter import Letter, write_letter
from telemetry_pipeline.reports.publishing.subscribing import TOPIC
from telemetry_pipeline.warehouse.outgoing.made_reports import MadeReport
from telemetry_pipeline.warehouse.outgoing.outbox import Message, Part
from telemetry_pipeline.warehouse.outgoing.subscriptions import Subscription


class Mailing:
    """Letters about one report.

    :param where: the address of the front door, where reports are kept for those who log in; None: nobody knows.
    :param most_bytes: that are attached to a letter, all of them or none.
    """

    def __init__(self, content: Content, made: MadeReport, where: str | None, most_bytes: float) -> None:
        self._content = content
        self._made = made
        self._where = where
        self._most_bytes = most_bytes

    def to_subscribers(self, subscriptions: Collection[Subscription]) -> list[Message]:
        """Return the messages to those who subscribed to it: one for each recipient and days, however often it is made."""
        made = self._made
        return [
            message
            for each in subscriptions
            if (each.report, each.channel) == (made.report, made.channel)
            for message in self._messages(
                f"{TOPIC}:{each.subscription_id}:{made.period_first}:{made.period_last}", each.formats, each.recipients
            )
        ]

    def to_one(self, recipient: str, formats: Sequence[str]) -> list[Message]:
        """Return the message to somebody who tries a delivery: one for each time that the report is made."""
        return self._messages(f"{TOPIC}:made:{self._made.report_id}", formats, [recipient])

    def _messages(self, about: str, formats: Sequence[str], recipients: Sequence[str]) -> list[Message]:
        files = [file for file in self._made.files if file.format in formats]
        attached = files if sum(file.bytes for file in files) <= self._most_bytes else []
        links = {} if attached else {file.format: link(self._where, self._made, file) for file in files}
        letter = write_letter(self._content, attached=[name_in_mail(file) for file in attached], links=links)
        parts = [Part(file.path, name_in_mail(file), FORMATS[file.format], inline=False) for file in attached]
        return [
            Message(
                TOPIC, about, "mail", recipient, letter.subject, letter.text, letter.html, (*self._pictures(letter), *parts)
            )
            for recipient in recipients
        ]

    def _pictures(self, letter: Letter) -> list[Part]:
        kept = self._made.find_file(PICTURE)
        return [Part(kept.path, "picture", PICTURE_TYPE, inline=True)] if kept and letter.pictured else []
