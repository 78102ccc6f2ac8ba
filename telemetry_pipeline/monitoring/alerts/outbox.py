"""Messages on their way: each is tried on each channel by itself, so that none holds up another.

What is worth a message is decided in ``telling``; how one reads, in ``messages``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from telemetry_pipeline.ages import is_recent
from telemetry_pipeline.messaging.channels import Channel, Channels, Delivery
from telemetry_pipeline.monitoring.alerts.messages import subject_of
from telemetry_pipeline.monitoring.alerts.notebook import Notebook
from telemetry_pipeline.monitoring.alerts.telling import Telling
from telemetry_pipeline.warehouse.outgoing.outbox import Message
from telemetry_pipeline.words.language import Language

TRIES = 5
"""How often a message is tried on a channel that takes others."""

_PAUSE = timedelta(minutes=1)
# How long a channel that was down gets what people were told of over another one.
_NEWS = timedelta(hours=1)
# The watch has to look at the components meanwhile; what is left follows in the next round.
_ROUND_SECONDS = 20.0
# A service that takes other messages than this one may find it too long: it is sent with 1000 characters, 500, 250, 125.
_SHORTER = 2_000

Compose = Callable[[Telling, int | None], str]
"""Makes the body of a message, of so many characters at most."""


@dataclass(frozen=True)
class Attempt:
    """A message that was sent on a channel, and what became of it.

    :ivar given_up: whether that was the last try, in vain.
    :ivar settled: whether by this one people were told, or no channel is left that could tell them.
    """

    telling: Telling
    subject: str
    delivery: Delivery
    given_up: bool
    settled: bool


@dataclass
class _Message:
    telling: Telling
    put_at: datetime
    settled: bool = False


@dataclass
class _Letter:
    """A message on one channel.

    :ivar taken_before: how many messages the channel had taken when it first refused this one.
    """

    message: _Message
    tries: int = 0
    tried_at: datetime | None = None
    taken_before: int = 0
    given_up: bool = False


@dataclass
class _Way:
    """A channel with what is to go out on it.

    :ivar failures: in a row, of whatever messages.
    """

    channel: Channel
    letters: list[_Letter] = field(default_factory=list)
    taken: int = 0
    failures: int = 0
    failed_at: datetime | None = None

    def next(self, now: datetime) -> _Letter | None:
        """Return what to try now: what was tried least, but of each incident one message after the other.

        One failure may be the message's fault; after two in a row the channel is left alone for a minute.
        """
        if self.failures > 1 and is_recent(self.failed_at, now, _PAUSE):
            return None
        first: dict[str, _Letter] = {}
        for letter in self.letters:
            if not letter.given_up:
                first.setdefault(letter.message.telling.incident.key, letter)
        due = [letter for letter in first.values() if not is_recent(letter.tried_at, now, _PAUSE)]
        return min(due, key=lambda letter: letter.tries, default=None)


class Outbox:
    """Everything that some channel has not taken yet. What is to be tried is kept in memory: what nobody was told of is put in
    again; what went out stands in the outbox of the warehouse, so that no other process sends it once more.

    :param language: of the subjects.
    :param clock: aware time.
    """

    def __init__(
        self, channels: Channels, notebook: Notebook, language: Language, compose: Compose, clock: Callable[[], datetime]
    ) -> None:
        self._notebook = notebook
        self._language = language
        self._compose = compose
        self._clock = clock
        self._ways = [_Way(channel) for channel in channels]

    def put(self, tellings: Iterable[Telling]) -> None:
        """Have these sent on every channel; those that are on their way, go on. To be called before each :meth:`send`."""
        now = self._clock()
        waiting = {letter.message.telling.name: letter.message for way in self._ways for letter in way.letters}
        added = []
        for telling in tellings:
            message = waiting.get(telling.name)
            if message is not None and not message.settled:
                message.telling, message.put_at = telling, now
            else:
                added.append(_Message(telling, now))
        again = {message.telling.name for message in added}
        for way in self._ways:
            way.letters = [
                letter
                for letter in way.letters
                if letter.message.telling.name not in again and is_recent(letter.message.put_at, now, _NEWS)
            ]
            way.letters += [_Letter(message) for message in added]

    def send(self) -> list[Attempt]:
        """Try what is due on all channels at once, within a bounded time."""
        if not any(way.letters for way in self._ways):
            return []
        with ThreadPoolExecutor(max_workers=len(self._ways)) as pool:
            tried = [each for attempts in pool.map(self._send_on, self._ways) for each in attempts]
        return [self._settle(letter, delivery) for letter, delivery in tried]

    def is_failing(self, channel: str) -> bool:
        """Return whether a message waits for the channel that it did not take."""
        return any(
            letter.tries and not letter.given_up for way in self._ways if way.channel.name == channel for letter in way.letters
        )

    def _send_on(self, way: _Way) -> list[tuple[_Letter, Delivery]]:
        tried = []
        until = time.monotonic() + _ROUND_SECONDS
        while time.monotonic() < until and (letter := way.next(self._clock())) is not None:
            tried.append((letter, self._try(way, letter)))
        return tried

    def _try(self, way: _Way, letter: _Letter) -> Delivery:
        subject = subject_of(letter.message.telling, self._language)
        room = way.channel.room(subject)
        if letter.tries and way.taken > letter.taken_before:
            room = min(room or _SHORTER, _SHORTER >> letter.tries)
        body = self._compose(letter.message.telling, room)
        entry = self._notebook.begin_sending(
            Message("problem", letter.message.telling.about, "alert", way.channel.name, subject, body)
        )
        # What it took before this process began, it is not sent again.
        delivery = way.channel.send(subject, body) if entry is not None else Delivery(way.channel.name, None)
        if delivery.error is None:
            if entry is not None:
                self._notebook.end_sending(entry, None, given_up=False)
            way.letters.remove(letter)
            way.taken += 1
            way.failures = 0
            return delivery
        if not letter.tries:
            letter.taken_before = way.taken
        letter.tries += 1
        letter.tried_at = way.failed_at = self._clock()
        letter.given_up = letter.tries >= TRIES and way.taken > letter.taken_before
        way.failures += 1
        if entry is not None:
            self._notebook.end_sending(entry, delivery.error, given_up=letter.given_up)
        return delivery

    def _settle(self, letter: _Letter, delivery: Delivery) -> Attempt:
        message = letter.message
        waits = any(other.message is message and not other.given_up for way in self._ways for other in way.letters)
        settled = not message.settled and (delivery.error is None or not waits)
        message.settled = message.settled or settled
        return Attempt(message.telling, subject_of(message.telling, self._language), delivery, letter.given_up, settled)
