"""What the servers last said, for many readers at once: asked in the background, and one that is away keeps nobody waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from telemetry_pipeline.monitoring.facts.overview import Overview

Question = Callable[[Overview], None]
"""Notes in an overview what one server says, and why it does not."""

FRESH_SECONDS = 4.0
"""An answer is asked for anew after this time, when somebody looks."""

OLD_SECONDS = 20.0
"""After this time a reader waits for a new one."""


@dataclass(frozen=True)
class Part:
    """What is known of one server.

    :ivar seen: its last answer; None: it gave none yet.
    :ivar age_seconds: how old that is.
    :ivar waited_seconds: since when it has been asked; None: nobody asks just now.
    """

    seen: Overview | None
    age_seconds: float
    waited_seconds: float | None


class Board:
    """Answers of some servers.

    :param questions: by the name of the part that each is for.
    :param clock: seconds.
    """

    def __init__(self, questions: Mapping[str, Question], clock: Callable[[], float] = time.monotonic) -> None:
        self._questions = questions
        self._clock = clock
        self._changed = threading.Condition()
        self._seen: dict[str, tuple[Overview, float]] = {}
        self._asked: dict[str, float] = {}

    def look(self, patience_seconds: float) -> dict[str, Part]:
        """Return what is known; who has said nothing for long is waited for, no longer than that."""
        with self._changed:
            for name in self._questions:
                if name not in self._asked and self._age(name) >= FRESH_SECONDS:
                    self._ask(name)
            self._changed.wait_for(self._is_known, timeout=patience_seconds)
            return {name: self._part(name) for name in self._questions}

    def _is_known(self) -> bool:
        return all(self._age(name) < OLD_SECONDS for name in self._questions)

    def _age(self, name: str) -> float:
        return self._clock() - self._seen[name][1] if name in self._seen else float("inf")

    def _part(self, name: str) -> Part:
        seen = self._seen[name][0] if name in self._seen else None
        asked = self._asked.get(name)
        return Part(seen, self._age(name), None if asked is None else self._clock() - asked)

    def _ask(self, name: str) -> None:
        self._asked[name] = self._clock()
        threading.Thread(target=self._answer, args=(name,), name=f"board-{name}", daemon=True).start()

    def _answer(self, name: str) -> None:
        seen = Overview(datetime.now(UTC))
        answered = False
        try:
            self._questions[name](seen)
            answered = True
        finally:
            with self._changed:
                del self._asked[name]
                if answered:
                    self._seen[name] = (seen, self._clock())
                self._changed.notify_all()
