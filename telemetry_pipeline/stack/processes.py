"""A child process from launch to end: logged, awaited, stopped.

What the processes are is said in ``servers`` and ``services``; who restarts them, in ``stack``.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, ClassVar

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.stack.orphans import MARKER, watch
from telemetry_pipeline.stack.polling import polling

_LOG_LIMIT_BYTES = 20_000_000
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Service(ABC):
    """One child process. A subclass says what runs, when it is ready and which signals end it.

    It does not outlive the process that launches it, however that one ends.

    :ivar home: absolute directory of the stack; the log is ``<home>/logs/<name>.log``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    start_timeout_seconds: ClassVar[float] = 60.0
    # Tried in turn, each with the seconds it is given; what is left afterwards is killed with its process group.
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]] = ((signal.SIGTERM, 5.0),)

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home.expanduser().resolve()
        self.log = self.home / "logs" / f"{self.name}.log"
        self.user: str | None = None
        self.directory: Path | None = None
        self._environment = dict(environment) | {MARKER: str(self.home)}
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._asked_to_stop = False

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """The program and its arguments; never a secret, for any user of the machine can read them."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Does it do its work by now? Called again and again until it does."""

    def prepare(self) -> None:  # noqa: B027 - few need any
        """What has to be there before each launch."""

    def standard_input(self) -> bytes | None:
        """What the process reads at start; the place for secrets that it cannot take from its environment."""
        return None

    @property
    def pid(self) -> int | None:
        """Of the process that runs, if one does."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_status(self) -> int | None:
        """Of the process that ran; None while it runs."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> None:
        """Launch and wait until ready.

        :raises StackError: it ended, or was not ready in time; with the last lines of its log.
        """
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start the process and return at once."""
        make_home(self.home)
        watch(self.home)
        self.prepare()
        standard_input = self.standard_input()
        with _open_log(self.log) as log:
            self._log_start = log.tell()
            process = subprocess.Popen(
                self.command(),
                env=self._environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL if standard_input is None else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )
        self._process = process
        self._asked_to_stop = False
        if process.stdin is not None and standard_input is not None:
            with suppress(BrokenPipeError), process.stdin:
                process.stdin.write(standard_input)

    def await_ready(self) -> None:
        """Wait until :meth:`is_ready`.

        :raises StackError: it ended, or was not ready in time; with the last lines of its log.
        """
        for _ in polling(self.start_timeout_seconds):
            if self.exit_status is not None:
                raise StackError(f"{self.title} ended at once (status {self.exit_status}). {self.log_tail()}")
            if self.is_ready():
                return
        raise StackError(f"{self.title} was not ready after {self.start_timeout_seconds:.0f} s. {self.log_tail()}")

    def ask_to_stop(self) -> None:
        """Send the first of the signals and return at once; :meth:`stop` does the rest."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signals[0][0])
            self._asked_to_stop = True

    def stop(self) -> None:
        """End the process, politely first; nothing of its process group is left. Does nothing if none runs."""
        process = self._process
        if process is None:
            return
        for number, seconds in self.stop_signals:
            if process.poll() is None:
                if not self._asked_to_stop:
                    process.send_signal(number)
                self._asked_to_stop = False
                with suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End the process and its process group at once."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that it wrote since its launch, with the place of the whole log."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            text = _COLOUR.sub("", log.read().decode(errors="replace")).strip()
        if not text:
            return f"It wrote nothing to {self.log}."
        return "\n".join([f"Its log, {self.log}, ends with:", *(f"  {line}" for line in text.splitlines()[-lines:])])


def make_home(home: Path) -> None:
    """Create the directories of a stack; they are for their owner's eyes only.

    :raises StackError: this user may not.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as err:
        raise StackError(f"{home} cannot be used as TELEMETRY_HOME: {err.strerror}") from err
    if not os.access(home / "logs", os.W_OK | os.X_OK):
        raise StackError(f"{home} cannot be used as TELEMETRY_HOME: it belongs to another user")


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.old"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
