"""Sends the mail of the outbox: takes what is due, sends it, records what became of it, and tells of what did not arrive.

What is tried how often is decided here. How a mail travels is in ``mail``, how it is written in ``letters``.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from threading import Event
from uuid import UUID

import sqlalchemy as sa

from telemetry_pipeline.errors import RequestRefused, SettingsError, TelemetryError, WarehouseError
from telemetry_pipeline.logs.lines import without_data
from telemetry_pipeline.messaging.letters import Writer
from telemetry_pipeline.messaging.mail import Answer, Line, MailServer, Outcome
from telemetry_pipeline.polling import polling
from telemetry_pipeline.printable import cut, mask
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Problem
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Delivery, Settled, Taken

TRIES = 3
"""How often a mail is tried that a server does not take at once."""

PAUSE = timedelta(hours=1)
"""How long it waits in between."""

DELIVERY = "delivery"
"""The key of the problem that mail does not arrive."""

ROUND_SECONDS = 2.0

# A round is of so many, which the lease lasts for; a mail that goes out takes twice five minutes at most.
_MOST = 20
_LEASE = timedelta(minutes=10)
_SENDING = timedelta(minutes=15)
_STUMBLED_SECONDS = 60.0
_MOST_TOLD = 10
_LONGEST = 500
_STATES: Mapping[Outcome, Settled] = {Outcome.SENT: "sent", Outcome.DOUBTFUL: "doubtful"}


class Postman:
    """Goes round until it is told to stop. Several may be at work at once.

    :param find_server: returns the server that takes mail, or raises a ``SettingsError`` where there is none: mail waits then.
    :param read_part: returns a file of a message by its path.
    :param say: takes a line for the log.
    """

    def __init__(
        self,
        engine: sa.Engine,
        find_server: Callable[[], MailServer],
        read_part: Callable[[str], bytes],
        say: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._find_server = find_server
        self._read_part = read_part
        self._say = say
        self._lease: UUID | None = None
        self._told: str | None = None

    def run(self, stopped: Event) -> None:
        """Make one round after the other until *stopped*; what PostgreSQL's absence interrupts goes on when it is back."""
        said = ""
        while not stopped.is_set():
            pause = ROUND_SECONDS
            try:
                pause = 0 if self.round(stopped) else ROUND_SECONDS
                said = ""
            except WarehouseError as err:
                if str(err) != said:
                    said = str(err)
                    self._say(f"mail waits: {said}")
            except Exception as err:  # noqa: BLE001 - said, and tried again: nobody else sends mail
                self._say(without_data("".join(traceback.format_exception(err))))
                pause = _STUMBLED_SECONDS
            stopped.wait(pause)

    def round(self, stopped: Event) -> int:
        """Send what is due, up to a number; returns how many messages that were.

        :raises WarehouseError: PostgreSQL is unreachable; nothing is lost, and nothing goes out twice.
        """
        self._return_lease()
        try:
            server = self._find_server()
        except SettingsError as err:
            self._tell(str(err))
            return 0
        taken = outbox.take(self._engine, ["mail"], _LEASE, _MOST)
        if taken:
            self._lease = taken[0].lease
            writer = Writer(server.sender, self._read_part)
            with closing(Line(server)) as line:
                for message in taken:
                    if stopped.is_set():
                        break
                    self._settle(message, self._send(message, line, writer), stopped)
            self._return_lease()
        self._tell()
        return len(taken)

    def give_back(self) -> None:
        """Have others send what this one took and did not begin to send, as when its process ends while a server is slow."""
        with suppress(WarehouseError):
            self._return_lease()

    def _return_lease(self) -> None:
        if (lease := self._lease) is not None:
            outbox.give_back(self._engine, lease)
            self._lease = None

    def _send(self, message: Taken, line: Line, writer: Writer) -> Answer:
        try:
            letter = writer.compose(message)
        except RequestRefused as err:
            return Answer(Outcome.REFUSED, err.problem)
        except (TelemetryError, OSError, ImportError) as err:
            return Answer(Outcome.NOT_NOW, str(err))
        except Exception as err:  # noqa: BLE001 - what cannot be written as a mail holds up no other one
            return Answer(Outcome.REFUSED, f"no mail can be made of it: {type(err).__name__}: {err}")
        try:
            line.open()
        except TelemetryError as err:
            return Answer(Outcome.NOT_NOW, err.problem)
        return line.send(letter, message.recipient, lambda: outbox.begin_sending(self._engine, message, _SENDING))

    def _settle(self, message: Taken, answer: Answer, stopped: Event) -> None:
        outcome, said = answer.outcome, cut(" ".join(without_data(answer.said).split()), _LONGEST)
        if outcome is Outcome.NOT_OURS:
            return
        tries = message.tries + 1
        self._say(f"message {message.message_id}, try {tries}: {outcome.value}")
        if outcome is Outcome.NOT_NOW and tries < TRIES:
            self._record(lambda: outbox.put_off(self._engine, message, PAUSE, said), stopped)
            return
        state = _STATES.get(outcome, "failed")
        self._record(lambda: outbox.settle(self._engine, message, state, said), stopped)

    def _record(self, note: Callable[[], object], stopped: Event) -> None:
        """Put on record what became of a message, for as long as it is known to nobody else: PostgreSQL may be away."""
        for left in polling(_SENDING.total_seconds(), 1.0, stopped.wait):
            try:
                note()
                return
            except WarehouseError:
                if stopped.is_set() or not left:
                    raise

    def _tell(self, trouble: str = "") -> None:
        """Report what did not arrive, or that mail waits; or that this is over."""
        with self._engine.connect() as connection:
            missing = outbox.find_undelivered(connection, ["mail"])
            waiting = outbox.count_by_state(connection, ["mail"]).get("waiting", 0) if trouble else 0
        lines = [f"{waiting} mails wait: {trouble}"] if waiting else []
        lines += [_line(each) for each in missing[-_MOST_TOLD:]]
        lines += [f"and {len(missing) - _MOST_TOLD} more"] if len(missing) > _MOST_TOLD else []
        told = "\n".join(lines)
        if told != self._told:
            problems.settle(self._engine, [DELIVERY], {DELIVERY: Problem.of(DELIVERY, told)} if told else {})
            self._told = told


def _line(delivery: Delivery) -> str:
    """Return what a problem says of a message: everybody who logs in reads it, and not everybody may see addresses."""
    told = f"{delivery.subject}: {delivery.state} after {delivery.tries} tries"
    return f"{mask(delivery.recipient)}: {told}: {mask(delivery.outcome)}"
