"""Ports are kept from their choice on, and whose process listens on one is known."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.stack.processes.ports import LOOPBACK, Port, free_port, listens
from telemetry_pipeline.stack.servers.valkey import LocalValkey
from telemetry_pipeline.stack.services.simulator import Simulator, SimulatorOptions

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port is kept until its server is launched only")


def test_nobody_is_given_a_port_that_is_kept() -> None:
    """Two stacks that started together had one port: one took the other's web server for its own."""
    kept = free_port()
    with socket.socket() as asked:
        for _ in range(30_000):  # as many as the kernel has to give, and more
            with socket.socket() as other:
                other.bind((LOOPBACK, 0))
                assert other.getsockname()[1] != kept
        with pytest.raises(OSError, match="in use"):
            asked.bind((LOOPBACK, kept))


def test_two_stacks_never_keep_the_same_port() -> None:
    kept = free_port()
    with pytest.raises(OSError, match="in use"):
        Port.take(int(kept))
    number = int(kept)
    del kept
    assert Port.take(number) == number


def test_a_port_that_somebody_listens_on_is_not_taken() -> None:
    with socket.create_server((LOOPBACK, 0)) as other, pytest.raises(OSError, match="in use"):
        Port.take(other.getsockname()[1])


def test_a_port_is_taken_whose_last_connections_have_just_ended() -> None:
    """A stack that is started again has its port again."""
    with socket.create_server((LOOPBACK, 0)) as server:
        number = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, number)), server.accept()[0]:
            pass
    assert Port.take(number) == number


def test_who_listens_is_known() -> None:
    port = free_port()
    assert not listens(os.getpid(), port)
    with socket.create_server((LOOPBACK, port)), subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
        assert listens(os.getpid(), port)
        assert not listens(other.pid, port)
    assert not listens(None, port)
    assert not listens(2**30, port)


def test_a_server_has_its_port_again_after_a_restart(tmp_path: Path) -> None:
    server = LocalValkey(tmp_path)
    for _ in range(2):
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
        server.kill()


def test_several_stacks_servers_started_together_are_each_their_own(tmp_path: Path) -> None:
    servers = [LocalValkey(tmp_path / str(number)) for number in range(8)]
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.await_ready()
            with redis.Redis.from_url(server.url) as client:
                assert client.config_get("dir")["dir"] == str(server.home / "valkey")
    finally:
        for server in servers:
            server.stop()


def test_a_foreign_server_on_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    """The simulator's address answered, whoever it was that answered."""
    mine = Simulator(tmp_path / "mine", {}, SimulatorOptions(records_count=10, days=1))
    other = Simulator(tmp_path / "other", {}, SimulatorOptions(records_count=10, days=1))
    other.port = mine.port
    try:
        other.start()
        with pytest.raises(StackError, match=r"(?s)ended at once.*in use"):
            mine.start()
        assert mine.pid is None
        assert psutil.pid_exists(other.pid or 0)
    finally:
        other.stop()
        mine.stop()
