"""Signals that end a process: to all of them it does what Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, NoReturn


class Signals:
    """SIGINT, SIGTERM and SIGHUP, as long as they are taken: they raise ``KeyboardInterrupt`` in the main thread."""

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}

    def take(self) -> None:
        """Take them; in another thread than the main one that is not possible, and nothing is done."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup has SIGHUP ignored. A shell that starts jobs in the background has SIGINT ignored, which is no wish.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, _interrupt)

    def ignore(self) -> None:
        """Let none of them interrupt what follows."""
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)

    def give_back(self) -> None:
        """Give them back what they did before."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
