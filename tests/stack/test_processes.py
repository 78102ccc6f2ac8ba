"""Child processes: what is said when they fail, and that nothing outlives who launched them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest
from terminal import wait_until

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.stack.processes.orphans import MARKER, members, sweep
from telemetry_pipeline.stack.processes.service import Service
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.services.dagster import DagsterMigration, answers

LAUNCHER = """
import sys
from pathlib import Path
from telemetry_pipeline.stack.servers.valkey import LocalValkey
LocalValkey(Path(sys.argv[1])).start()
print("up", flush=True)
sys.stdin.read()
"""


class Script(Service):
    """Python code as a service."""

    name = "script"
    title = "the script"

    def __init__(self, home: Path, code: str) -> None:
        super().__init__(home, {"SECRET": "hunter2"})
        self._code = code

    def command(self) -> Sequence[str | Path]:
        return [sys.executable, "-c", self._code]

    def is_ready(self) -> bool:
        return self.log.read_text().endswith("ready\n")


def test_a_process_that_ends_at_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(StackError) as failure:
        Script(tmp_path, "print('\\x1b[31mno such luck\\x1b[0m'); raise SystemExit(3)").start()
    assert "status 3" in str(failure.value)
    assert "  no such luck" in str(failure.value)


def test_the_log_of_an_earlier_start_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(StackError):
        Script(tmp_path, "print('of yore'); raise SystemExit(1)").start()
    with pytest.raises(StackError) as failure:
        Script(tmp_path, "raise SystemExit(1)").start()
    assert "of yore" not in str(failure.value)


def test_a_migration_that_ends_between_two_looks_has_ended_well(tmp_path: Path) -> None:
    looks = iter([None, 0, 0])

    class Ending(DagsterMigration):
        exit_status = property(lambda _: next(looks))

    Ending(tmp_path, {}).await_ready()


def test_what_ignores_polite_signals_is_killed_with_its_children(tmp_path: Path) -> None:
    stubborn = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    )
    service = Script(tmp_path, stubborn)
    service.stop_signals = ((service.stop_signals[0][0], 0.1),)  # type: ignore[misc]
    service.start()
    assert len(members(tmp_path)) == 2
    service.stop()
    wait_until(lambda: not members(tmp_path), seconds=60)


def test_nothing_outlives_a_killed_launcher(tmp_path: Path) -> None:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == b"up\n"
        assert [process.name() for process in members(tmp_path)] == ["valkey-server"]
        launcher.kill()
        wait_until(lambda: not members(tmp_path), seconds=60)


def test_a_sweep_touches_its_own_home_only(tmp_path: Path) -> None:
    one, other = (Script(tmp_path / name, "import time; print('ready', flush=True); time.sleep(600)") for name in "ab")
    one.start()
    other.start()
    try:
        assert sweep(tmp_path / "a") == 1
        assert [process.environ()[MARKER] for process in members(tmp_path / "b")] == [str(tmp_path / "b")]
    finally:
        one.stop()
        other.stop()


def lock_files(server: LocalPostgres) -> list[Path]:
    return [server.data / "postmaster.pid", server.socket_directory / ".s.PGSQL.5432.lock"]


@pytest.mark.parametrize("number", [0, 1], ids=["of the data", "of the socket"])
@pytest.mark.parametrize("program", ["cat", "true"], ids=["another program's", "a zombie's"])
def test_a_lock_file_of_a_killed_postgresql_is_no_obstacle(tmp_path: Path, number: int, program: str) -> None:
    """Its number is another program's in a container that is started again, and a zombie's until somebody asks for its end."""
    server = LocalPostgres(tmp_path)
    server.start()
    left = lock_files(server)[number].read_text()
    server.stop()
    with subprocess.Popen(program, stdin=subprocess.PIPE, user=server.user) as other:
        wait_until(lambda: program == "cat" or psutil.Process(other.pid).status() == psutil.STATUS_ZOMBIE, seconds=60)
        lock_files(server)[number].write_text("\n".join([str(other.pid), *left.split("\n")[1:]]))
        server.start()
        server.stop()


def test_empty_lock_files_are_no_obstacle(tmp_path: Path) -> None:
    server = LocalPostgres(tmp_path)
    server.start()
    server.stop()
    for path in lock_files(server):
        path.touch()
    server.start()
    server.stop()


def test_a_first_start_that_was_killed_half_way_is_made_up_for(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = LocalPostgres(tmp_path)
    server.start()
    server.stop()
    assert not (tmp_path / "postgres.new").exists()


def test_whether_a_web_server_answers_is_asked_past_proxies(
    simulator: Callable[..., SimulatorServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    server = simulator()
    assert answers(f"{server.url}health")
    assert not answers(f"{server.url}nowhere")
    assert not answers("http://127.0.0.1:9")
