"""A child process from launch to end: logged, awaited, stopped.

What the processes are is said in ``servers`` and ``services``; who restarts them, in ``stack``.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

from telemetry_pipeline.errors import ServiceEnded, StackError
from telemetry_pipeline.polling import polling
from telemetry_pipeline.stack.processes.orphans import MARKER, watch
from telemetry_pipeline.stack.processes.ports import Port, listens

_LOG_LIMIT_BYTES = 20_000_000
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# The kernel's limit for the path of a Unix socket is 108 bytes on Linux and 104 on macOS, its end included.
_SOCKET_PATH_LIMIT = 103
# What multiprocessing makes in the temporary directory.
_LONGEST_SOCKET_NAME = "pymp-xxxxxxxx/listener-xxxxxxxx"


@dataclass(frozen=True)
class Fault:
    """Why a service does not do its work although its process lives.

    :ivar patience_seconds: how long that may be so until the service is started again.
    """

    reason: str
    patience_seconds: float = 60.0


class Service(ABC):
    """One child process. A subclass says what runs, when it is ready and which signals end it.

    It does not outlive the process that launches it, however that one ends.

    :ivar home: absolute directory of the stack; the log is ``<home>/logs/<name>.log``.
    :ivar port: of the loopback, where it listens; None if it does not.
    :ivar temporary: its TMPDIR, emptied at each launch of what an earlier process left there.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    start_timeout_seconds: ClassVar[float] = 60.0
    # Tried in turn, each with the seconds it is given; what is left afterwards is killed with its process group.
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]] = ((signal.SIGTERM, 5.0),)

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home.expanduser().resolve()
        self.log = self.home / "logs" / f"{self.name}.log"
        self.port: Port | None = None
        self.user: str | None = None
        self.directory: Path | None = None
        self.temporary = short_path(self.home / "tmp" / self.name, _LONGEST_SOCKET_NAME)
        self._environment = dict(environment) | {MARKER: str(self.home), "TMPDIR": str(self.temporary)}
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._asked_to_stop = False

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """Return the program and its arguments; never a secret, for any user of the machine can read them."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether it does its work by now. Called again and again until it does, and only if it listens on its port."""

    def is_healthy(self) -> bool:
        """Return whether it still does its work. Called every few seconds in a thread, so it ends within some seconds."""
        return self.is_ready()

    def fault(self) -> Fault | None:
        """Return why it does not do its work any more; None when it does."""
        if self.port is not None and not listens(self.pid, self.port):
            return Fault(f"it does not listen on port {self.port}", patience_seconds=15)
        return None if self.is_healthy() else Fault("it does not answer")

    def prepare(self) -> None:  # noqa: B027 - few need any
        """Make what has to be there before each launch."""

    def standard_input(self) -> bytes | None:
        """Return what the process reads at start; the place for secrets that it cannot take from its environment."""
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
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.parent.mkdir(mode=0o700, exist_ok=True)
        private_directory(self.temporary, None)
        self.prepare()
        if self.port is not None:
            self.port.give_way()
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

    def await_ready(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait until :meth:`is_ready`, of its own port.

        :param meanwhile: called again and again.
        :raises ServiceEnded: it ended; with the last lines of its log.
        :raises StackError: it was not ready in time; the same.
        """
        for _ in polling(self.start_timeout_seconds):
            if self.exit_status is not None:
                raise ServiceEnded(f"{self.title} ended at once (status {self.exit_status}). {self.log_tail()}")
            if (self.port is None or listens(self.pid, self.port)) and self.is_ready():
                return
            meanwhile()
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
        _kill_group(process)

    def kill(self) -> None:
        """End the process and its process group at once."""
        if self._process is not None:
            _kill_group(self._process)

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines that it wrote since its launch, with the place of the whole log."""
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


def short_path(path: Path, longest_name: str) -> Path:
    """Return the path if a socket of that name below it is not too long for the kernel, else one in the temporary directory."""
    if len(os.fsencode(path / longest_name)) <= _SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"telemetry-{digest}"


def private_directory(path: Path, user: str | None) -> None:
    """Create ``path`` for one user alone; None is the one who runs this.

    :raises StackError: somebody else was there first.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    if user is not None and path.lstat().st_uid == 0:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
    owner = os.geteuid() if user is None else pwd.getpwnam(user).pw_uid
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise StackError(f"{path} belongs to another user")
    path.chmod(0o700)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.old"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
