"""Real servers for the suite: PostgreSQL and Valkey from their wheels, started once, and the simulator over HTTP."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from webservers import FakeWebserver, fake_webserver, toy_webserver
from xdist.scheduler import LoadScopeScheduling

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.stack.servers.valkey import LocalValkey
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.migrating import migrate

_numbers = itertools.count(1)
# What a test asks for, or what its file imports, when it starts servers or other processes, or makes databases of Dagster's.
SERVERS = {"own_postgres", "postgres_url", "redis_url", "simulator", "dagster_webserver", "webserver", "announce", "instance"}
STARTERS = {
    "subprocess",
    "multiprocessing",
    "toy_webserver",
    "LocalPostgres",
    "LocalValkey",
    "SimulatorServer",
    "build_defs",
    "webdriver",
}
LONGEST = ["whole/test_survival.py", "whole", "production/test_processes.py", "stack/test_up.py"]


# An example that takes long, to make or to try, says something of the machine alone.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# What is imported and collected stays to the end: to look through it for garbage again and again took a tenth of a quick run.
gc.disable()


def pytest_collection_finish() -> None:
    """From here on garbage is looked for, and seldom among what was there before."""
    gc.enable()
    gc.set_threshold(100_000, 50, 100)


def pytest_configure() -> None:
    """Who starts the suite in the background has it ignore Ctrl-C, and every process that it starts inherits that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


if os.geteuid() == 0:
    # PostgreSQL is another user then, and nothing of ours lets that one into directories that pytest makes for its user alone.
    _mktemp = pytest.TempPathFactory.mktemp

    def _passable(factory: pytest.TempPathFactory, basename: str, numbered: bool = True) -> Path:
        made = _mktemp(factory, basename, numbered)
        for directory in (made, *made.parents):
            if directory.is_relative_to(Path(tempfile.gettempdir()).resolve()):
                directory.chmod(stat.S_IMODE(directory.stat().st_mode) | stat.S_IXOTH)
        return made

    pytest.TempPathFactory.mktemp = _passable  # type: ignore[method-assign,assignment]


def group_of(nodeid: str) -> str:
    """Tests that share servers of their own, and so a process: those of a file, or of all files in ``whole``."""
    file = nodeid.split("::")[0].removeprefix("tests/")
    return "whole" if file.startswith("whole/") and file not in LONGEST else file


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out a group at a time. (The option ``--dist loadgroup`` does not work with pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByGroup:
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts servers, and begin with what takes longest."""
    for item in items:
        if isinstance(item, pytest.Function) and (SERVERS & {*item.fixturenames} or STARTERS & {*vars(item.module)}):
            item.add_marker("servers")
        if group_of(item.nodeid) == "whole" and item.get_closest_marker("timeout") is None:
            # For whoever comes first, a stack is started and reads everything.
            item.add_marker(pytest.mark.timeout(1_500))
    items.sort(key=lambda item: [*LONGEST, group_of(item.nodeid)].index(group_of(item.nodeid)))


@pytest.fixture
def own_postgres() -> Iterator[LocalPostgres]:
    """A PostgreSQL of the test's own: for roles and settings of a server, or to be ended."""
    # Not in pytest's directory: another session of pytest closes that to the user that PostgreSQL runs as under root.
    with tempfile.TemporaryDirectory(prefix="telemetry-") as home:
        server = LocalPostgres(Path(home))
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of the suite's own, with a migrated database ``template`` to copy."""
    with ExitStack() as running:
        server = LocalPostgres(Path(running.enter_context(tempfile.TemporaryDirectory(prefix="telemetry-"))))
        running.callback(server.stop)
        server.start()
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("create database template")
        migrate(connect(at_database(server.url, "template")))
        yield server.url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """An empty migrated database, dropped behind the test."""
    with _database(postgres_url) as url:
        yield url


@pytest.fixture
def another_database_url(postgres_url: str) -> Iterator[str]:
    """Another one."""
    with _database(postgres_url) as url:
        yield url


@contextmanager
def _database(postgres_url: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template template")
        yield at_database(postgres_url, name)
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def engine(database_url: str) -> sa.Engine:
    return connect(database_url)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey of the suite's own."""
    server = LocalValkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture
def broker_url(redis_url: str) -> Iterator[str]:
    """A database of that Valkey, empty before the test and behind it."""
    url = urlsplit(redis_url)._replace(path="/9").geturl()
    yield url
    with redis.Redis.from_url(url) as client:
        client.flushdb()


@pytest.fixture
def simulator() -> Iterator[Callable[..., SimulatorServer]]:
    """Starts simulators with the options given, by default without made-up history."""
    with ExitStack() as running:

        def start(**options: Any) -> SimulatorServer:
            return running.enter_context(SimulatorServer(Options(**{"records_count": 0, **options})))

        yield start


@pytest.fixture
def webserver() -> Iterator[FakeWebserver]:
    """A web server without Dagster, for answers that a real one gives rarely."""
    with fake_webserver() as fake:
        yield fake


@pytest.fixture(scope="session")
def dagster_webserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real webserver with the definitions of ``toy_pipeline``."""
    with toy_webserver(tmp_path_factory.mktemp("dagster")) as url:
        yield url


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB and 64 files."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=64", "telemetry-test", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount a disk")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)
