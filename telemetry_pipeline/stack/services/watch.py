"""Who tells people what is wrong."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from telemetry_pipeline.stack.processes.service import Service

# A round of the watch is seconds, unless channels for alerts do not answer.
_WATCH_SILENT_SECONDS = 300.0


class Watch(Service):
    """Notices what has died, and sends alerts."""

    name = "watch"
    title = "the watch"

    def command(self) -> Sequence[str | Path]:
        """Return the project's own command."""
        return [sys.executable, "-m", "telemetry_pipeline", "watch"]

    def is_ready(self) -> bool:
        """Return true at once: nobody asks it anything."""
        return True

    def is_healthy(self) -> bool:
        """Return whether it left a sign of life after a round."""
        try:
            return time.time() - sign_of_life(self.home).stat().st_mtime < _WATCH_SILENT_SECONDS
        except FileNotFoundError:
            return False


def sign_of_life(home: Path) -> Path:
    """Return the file that the watch touches after each round."""
    return home / "watch.alive"
