"""The watch: judges look after look at the components, and tells people what it and others found wrong.

It is a process of its own that needs neither Dagster nor PostgreSQL to work, so that alerts go out whatever has died.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from telemetry_pipeline.alerting.channels import Channels, Delivery
from telemetry_pipeline.alerting.components import Look
from telemetry_pipeline.alerting.judging import Memory, judge
from telemetry_pipeline.alerting.messages import compose
from telemetry_pipeline.alerting.notebook import Notebook
from telemetry_pipeline.alerting.telling import due
from telemetry_pipeline.warehouse.problems import CHANNEL, Problem

# A web server that is killed is back after some seconds, and nothing but its absence tells of it.
LOOK_SECONDS = 2.0

_START = timedelta(minutes=2)
_AFTER_FAILURE = timedelta(minutes=1)


class Watch:
    """One round: :meth:`judge` what was seen, then :meth:`tell`.

    :param web_url: where people open the web UI.
    :param clock: aware time.
    :param say: takes a line for the log.
    """

    def __init__(
        self,
        notebook: Notebook,
        channels: Channels,
        *,
        zone: ZoneInfo,
        web_url: str | None,
        clock: Callable[[], datetime],
        say: Callable[[str], None],
    ) -> None:
        self._notebook = notebook
        self._channels = channels
        self._zone = zone
        self._web_url = web_url
        self._clock = clock
        self._say = say
        self._memories: dict[str, Memory] = {}
        self._began = clock()
        self._quiet_until: datetime | None = None

    def judge(self, look: Look) -> None:
        """Write down what begins and what is over."""
        self._notebook.refresh()
        starting = self._clock() - self._began < _START
        verdict = judge(self._memories, look, self._notebook.open_keys, starting=starting)
        self._memories = verdict.memories
        for problem in verdict.begun:
            self._say(f"problem: {problem.summary}. {problem.detail}")
            self._notebook.report(problem)
        for key in [*verdict.over, *self._channels_given_up()]:
            self._say(f"over: {key}")
            self._notebook.resolve(key)

    def _channels_given_up(self) -> list[str]:
        """The problems of addresses that are not in ALERT_URLS any more."""
        known = {CHANNEL + channel.name for channel in self._channels}
        return sorted(key for key in self._notebook.open_keys - known if key.startswith(CHANNEL))

    def tell(self) -> None:
        """Send the messages that are due. If no channel takes one, it is tried again a minute later."""
        now = self._clock()
        if not self._channels or (self._quiet_until is not None and now < self._quiet_until):
            return
        for telling in due(self._notebook.untold(), now):
            deliveries = self._channels.send(*compose(telling, now, self._zone, self._web_url))
            for delivery in deliveries:
                self._note(delivery)
            if all(delivery.error is not None for delivery in deliveries):
                self._quiet_until = now + _AFTER_FAILURE
                return
            self._notebook.mark_told(telling)
            self._say(f"told ({telling.kind.value}): {telling.incident.summary}")

    def _note(self, delivery: Delivery) -> None:
        self._notebook.note_channel(delivery)
        key = CHANNEL + delivery.channel
        if delivery.error is not None:
            self._say(f"{delivery.channel} did not take a message: {delivery.error}")
            self._notebook.report(
                Problem(
                    key,
                    f"Alerts do not get through {delivery.channel}",
                    delivery.error,
                    "see that the address in ALERT_URLS is right and its server can be reached; every message is tried on it",
                )
            )
        elif key in self._notebook.open_keys:
            self._notebook.resolve(key)
