"""What is known about a running stack from outside: one at a time per home, where it listens, which processes it has.

The truth is a lock that the kernel frees when its holder ends, however it ends; the file beside it only describes.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel, ValidationError

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import StackError
from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.loading import Settings
from telemetry_pipeline.settings.web import owner_link
from telemetry_pipeline.sockets import DAGSTER_PATH, FLOWER_PATH
from telemetry_pipeline.stack.processes.orphans import lock_path

# The guardian of a stack that was killed holds the lock while it cleans up.
_TAKEOVER_SECONDS = 15.0


class StackState(BaseModel):
    """A running stack. Its URLs hold passwords, so its file is for its owner's eyes only.

    :ivar pid: of the supervisor.
    :ivar web_url: of the front door. :ivar web_token: what its owner shows there.
    :ivar webserver_url: of Dagster's web server behind it. :ivar graphql_url: of GraphQL there.
    :ivar socket_url: of the same for processes of this user, who are asked for nothing.
    :ivar database_url: of the warehouse. :ivar owner_database_url: as its owner; empty: the same.
    :ivar panaccess_url: of the simulator, if it has one.
    :ivar flower_url: of the workers' own web UI behind the front door.
    :ivar first_partition: what its processes have for FIRST_PARTITION.
    :ivar sends_mail: whether they have an SMTP_URL.
    :ivar processes: name of each child process to its process id.
    """

    pid: int
    started_at: datetime
    web_url: str
    web_token: str
    webserver_url: str
    graphql_url: str
    socket_url: str
    database_url: str
    owner_database_url: str = ""
    dagster_database_url: str
    redis_url: str
    panaccess_url: str
    flower_url: str | None = None
    first_partition: date | None = None
    sends_mail: bool = True
    processes: dict[str, int]

    @classmethod
    def of(cls, settings: Settings, *, web_url: str, web_token: str, socket_url: str) -> Self:
        """Return one that has just started with these settings; its processes are still to be added."""
        return cls(
            pid=os.getpid(),
            started_at=datetime.now(UTC),
            web_url=web_url,
            web_token=web_token,
            webserver_url=f"{web_url}{DAGSTER_PATH}",
            graphql_url=f"{web_url}{DAGSTER_PATH}/graphql",
            socket_url=socket_url,
            database_url=settings.database_url.get_secret_value(),
            owner_database_url=settings.owner_database_url.get_secret_value() if settings.owner_database_url else "",
            dagster_database_url=settings.dagster_database_url.get_secret_value(),
            redis_url=settings.redis_url.get_secret_value(),
            panaccess_url=settings.panaccess_url,
            flower_url=f"{web_url}{FLOWER_PATH}",
            first_partition=settings.first_partition,
            sends_mail=settings.smtp_url is not None,
            processes={},
        )

    def client(self, timeout_seconds: float = 60) -> TelemetryClient:
        """Return what is asked of Dagster's web server, by its socket."""
        return TelemetryClient(f"{self.socket_url}/graphql", timeout_seconds)

    @property
    def owner_link(self) -> str:
        """Opened on this machine, it logs the owner in at the front door."""
        return owner_link(self.web_url, self.web_token)


class HomeLock:
    """Held by the one supervisor of a home from its start to its end.

    :raises StackError: on ``acquire``, when another supervisor holds it; says where that one is.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file = -1

    @classmethod
    def acquire(cls, home: Path) -> Self:
        """Take the lock; the directory exists."""
        lock = cls(home)
        lock._file = os.open(lock_path(home), os.O_RDWR | os.O_CREAT, 0o600)
        holder = 0
        for _ in polling(_TAKEOVER_SECONDS):
            with suppress(BlockingIOError):
                fcntl.flock(lock._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(lock._file, 0)
                os.pwrite(lock._file, str(os.getpid()).encode(), 0)
                return lock
            holder = int(os.pread(lock._file, 20, 0) or 0)
            if psutil.pid_exists(holder):
                break
        os.close(lock._file)
        state = read_state(home)
        what = "is being started or stopped" if state is None else f"is running: {state.web_url}"
        raise StackError(f"a stack in {home} {what} (process {holder})", "stop it, or set TELEMETRY_HOME to another directory")

    def release(self) -> None:
        """Give it back."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def running(home: Path) -> StackState | None:
    """Return the stack that runs in ``home`` with all its processes up, or None.

    :raises StackError: it belongs to another user.
    """
    home = home.expanduser().resolve()
    try:
        file = os.open(lock_path(home), os.O_RDWR)
    except FileNotFoundError:
        return None
    except PermissionError as err:
        raise StackError(f"the stack in {home} belongs to another user") from err
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        state = read_state(home)
        return state if state is not None and psutil.pid_exists(state.pid) else None
    finally:
        os.close(file)
    return None


def read_state(home: Path) -> StackState | None:
    """Return what the file says, whether that is still so or not; None without a usable file."""
    try:
        return StackState.model_validate_json(_state_path(home).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_state(home: Path, state: StackState) -> None:
    """Replace the file at once, readable for its owner alone."""
    path = _state_path(home)
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(state.model_dump_json(indent=2))
    draft.replace(path)


def forget_state(home: Path) -> None:
    """Forget the stack."""
    _state_path(home).unlink(missing_ok=True)


def _state_path(home: Path) -> Path:
    return home / "stack.json"
