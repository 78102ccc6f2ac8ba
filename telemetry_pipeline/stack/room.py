"""Whether there is room where the stack writes."""

from __future__ import annotations

from collections.abc import Callable

from telemetry_pipeline.monitoring import disks
from telemetry_pipeline.settings.loading import StackSettings


class Room:
    """Says when a disk runs full, and when there is room again.

    :param say: takes lines for the screen.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._shortages: frozenset[str] = frozenset()

    def look(self, settings: StackSettings) -> None:
        """Look at every disk that *settings* name."""
        shortages = frozenset(disks.shortages(disks.places(settings)))
        for shortage in sorted(shortages - self._shortages):
            self._say(shortage)
        if self._shortages and not shortages:
            self._say("there is room on every disk again")
        self._shortages = shortages
