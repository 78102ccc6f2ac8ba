"""The watch: judges look after look at the components, and tells people what it and others found wrong.

It is a process of its own that needs neither Dagster nor PostgreSQL to work, so that alerts go out whatever has died.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from telemetry_pipeline.ages import is_recent
from telemetry_pipeline.logs.lines import without_data
from telemetry_pipeline.messaging.channels import Channels
from telemetry_pipeline.monitoring.alerts.judging import Memory, judge
from telemetry_pipeline.monitoring.alerts.messages import compose
from telemetry_pipeline.monitoring.alerts.notebook import Notebook
from telemetry_pipeline.monitoring.alerts.outbox import TRIES, Attempt, Outbox
from telemetry_pipeline.monitoring.alerts.telling import due
from telemetry_pipeline.monitoring.components import Look
from telemetry_pipeline.warehouse.operations.problems import CHANNEL, Problem
from telemetry_pipeline.words.language import Language

# A web server that is killed is back after some seconds, and nothing but its absence tells of it.
LOOK_SECONDS = 2.0

_START = timedelta(minutes=2)

_STUMBLED = "watch"


class Watch:
    """One :meth:`round` after the other: :meth:`judge` what was seen, then :meth:`tell`.

    :param language: of what people are told.
    :param web_url: where people find the front door.
    :param clock: aware time.
    :param say: takes a line for the log.
    """

    def __init__(
        self,
        notebook: Notebook,
        channels: Channels,
        *,
        zone: ZoneInfo,
        language: Language,
        web_url: str | None,
        clock: Callable[[], datetime],
        say: Callable[[str], None],
    ) -> None:
        self._notebook = notebook
        self._channels = channels
        self._outbox = Outbox(
            channels, notebook, language, lambda telling, room: compose(telling, clock(), zone, web_url, language, room), clock
        )
        self._clock = clock
        self._say = say
        self._memories: dict[str, Memory] = {}
        self._began = clock()

    def round(self, look: Callable[[], Look]) -> None:
        """Look, judge and tell. An error that nobody foresaw is a problem like any other: who is to tell of it, if not this?"""
        errors = []

        def look_and_judge() -> None:
            self.judge(look())

        for act in (look_and_judge, self.tell):
            try:
                act()
            except Exception as err:  # noqa: BLE001 - said, told and tried again
                errors.append(f"{type(err).__name__}: {err}")
                self._say(without_data("".join(traceback.format_exception(err))))
        if errors and _STUMBLED not in self._notebook.open_keys:
            self._notebook.report(Problem.of(_STUMBLED, without_data("; ".join(errors))))
        elif not errors and _STUMBLED in self._notebook.open_keys:
            self._notebook.resolve(_STUMBLED)

    def judge(self, look: Look) -> None:
        """Write down what begins and what is over."""
        self._notebook.refresh()
        starting = is_recent(self._began, self._clock(), _START)
        verdict = judge(self._memories, look, self._notebook.open_keys, starting=starting)
        self._memories = verdict.memories
        for problem in verdict.begun:
            self._say(f"problem: {problem.summary}. {problem.detail}")
            self._notebook.report(problem)
        for key in [*verdict.over, *self._channels_given_up()]:
            self._say(f"over: {key}")
            self._notebook.resolve(key)

    def _channels_given_up(self) -> list[str]:
        """Return the problems of addresses that are not in ALERT_URLS any more."""
        known = {CHANNEL + channel.name for channel in self._channels}
        return sorted(key for key in self._notebook.open_keys - known if key.startswith(CHANNEL))

    def tell(self) -> None:
        """Send the messages that are due, and those that some channel has not taken yet."""
        if not self._channels:
            return
        self._outbox.put(due(self._notebook.untold(), self._clock()))
        attempts = self._outbox.send()
        for attempt in attempts:
            self._note(attempt)
        refused = {attempt.delivery.channel for attempt in attempts if attempt.delivery.error is not None}
        for channel in {attempt.delivery.channel for attempt in attempts} - refused:
            if CHANNEL + channel in self._notebook.open_keys and not self._outbox.is_failing(channel):
                self._notebook.resolve(CHANNEL + channel)

    def _note(self, attempt: Attempt) -> None:
        delivery = attempt.delivery
        self._notebook.note_channel(delivery)
        if attempt.settled:
            self._notebook.mark_told(attempt.telling)
        if delivery.error is not None:
            tries = f", which is given up after {TRIES} tries" if attempt.given_up else ""
            self._say(f"{delivery.channel} did not take a message{tries}: {delivery.error}")
            self._notebook.report(
                Problem.of(CHANNEL + delivery.channel, f"{delivery.error}. It was the message '{attempt.subject}'{tries}.")
            )
        elif attempt.settled:
            self._say(f"told ({attempt.telling.occasion.value}): {attempt.telling.incident.summary}")
