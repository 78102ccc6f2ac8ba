"""Watching a run until it ends, and cancelling it on Ctrl-C. What its events say is in ``client.progress``.

How that looks on a screen is in ``progress``.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol, Self

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.client.progress import Progress
from telemetry_pipeline.errors import TelemetryError, WebserverError
from telemetry_pipeline.polling import polling

_POLL_SECONDS = 0.5
_SILENCE_SECONDS = 30.0
_CANCEL_AGAIN_SECONDS = 2.0


class Display(Protocol):
    """Where progress is shown."""

    def update(self, progress: Progress) -> None:
        """Show how far the run has come."""

    def note(self, text: str) -> None:
        """Show a line that stays."""


class Interrupts:
    """While entered, the first Ctrl-C (or SIGTERM) is counted, and the second leaves with ``KeyboardInterrupt``."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in self._SIGNALS:
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @property
    def asked(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked.is_set()

    def pause(self, seconds: float) -> None:
        """Wait; less, when the first request to stop comes meanwhile."""
        if self.asked:
            time.sleep(seconds)
        else:
            self._asked.wait(seconds)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt("left while the run was being cancelled")
        self._asked.set()


def follow(
    client: TelemetryClient, run_id: str, display: Display, interrupts: Interrupts, tend: Callable[[], None]
) -> Progress:
    """Show a run's progress until it ended; when asked to stop, cancel it first.

    :param tend: called at each look at the run.
    :raises WebserverError: the webserver has been silent for half a minute.
    """
    progress = Progress(run_id)
    silent_since: float | None = None
    cancelled_at: float | None = None
    for _ in polling(interval=_POLL_SECONDS, pause=interrupts.pause):
        tend()
        if interrupts.asked and (cancelled_at is None or time.monotonic() > cancelled_at + _CANCEL_AGAIN_SECONDS):
            _cancel(client, run_id, display, first=cancelled_at is None)
            cancelled_at = time.monotonic()
        try:
            client.refresh(progress)
            silent_since = None
        except WebserverError:
            silent_since = silent_since or time.monotonic()
            if time.monotonic() - silent_since > _SILENCE_SECONDS:
                raise
            continue
        for note in progress.take_notes():
            display.note(note)
        display.update(progress)
        if progress.ended:
            break
    return progress


def _cancel(client: TelemetryClient, run_id: str, display: Display, *, first: bool) -> None:
    if first:
        display.note("cancelling the run; Ctrl-C again leaves it behind")
    try:
        client.cancel(run_id, timeout_seconds=0)
    except TelemetryError as err:
        # Between states (not yet started, already ending) a run cannot be stopped; it is asked again shortly.
        if not first:
            display.note(f"the run cannot be cancelled yet: {err}")
