"""The local stack as one object: what is started, in which order, and how it all ends."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from telemetry_pipeline.amounts import duration
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import StackError, TelemetryError, WebserverUnavailable
from telemetry_pipeline.settings.loading import Settings, StackSettings
from telemetry_pipeline.stack.environment import environment
from telemetry_pipeline.stack.preparing import completed, prepare_databases, prepare_tables, write_dagster_home
from telemetry_pipeline.stack.processes.memory import check_memory
from telemetry_pipeline.stack.processes.orphans import dismiss, sweep
from telemetry_pipeline.stack.processes.ports import LOOPBACK, choose_port
from telemetry_pipeline.stack.processes.service import make_home
from telemetry_pipeline.stack.processes.signals import Signals
from telemetry_pipeline.stack.processes.supervision import Supervisor
from telemetry_pipeline.stack.processes.surroundings import surroundings
from telemetry_pipeline.stack.room import Room
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import check_redis
from telemetry_pipeline.stack.servers.valkey import LocalValkey
from telemetry_pipeline.stack.services.dagster import CodeServer, Daemon, DagsterMigration, Webserver
from telemetry_pipeline.stack.services.simulator import Simulator, SimulatorOptions
from telemetry_pipeline.stack.services.watch import Watch
from telemetry_pipeline.stack.services.web import Web
from telemetry_pipeline.stack.services.workers import Flower, Worker
from telemetry_pipeline.stack.starting import Starting
from telemetry_pipeline.stack.state import HomeLock, StackState, forget_state, write_state
from telemetry_pipeline.stack.upstream import remember_upstream, settle_upstream, with_end

DEFAULT_WEB_PORT = 3000
_SIMULATOR = SimulatorOptions()
_TEND_INTERVAL_SECONDS = 0.25
_ROOM_LOOK_SECONDS = 10.0
_STATE_RETRY_SECONDS = 5.0
_WEB_SECONDS = 10.0


def _print_line(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - for who uses a stack without the command line


class Stack:
    """Everything the pipeline needs on this machine; as a context manager it is up inside the block.

    SIGTERM and SIGHUP do what Ctrl-C does. To be used from one thread only, and one that lives as long as the stack.

    :param settings: servers that it names are used, those that it does not name are started.
    :param simulator: what stands in for PanAccess if ``settings`` name none; None if nothing may.
    :param web_port: of the front door; None for 3000, or any other one if that is taken.
    :param workers: how many steps are executed at the same time.
    :param say: takes lines for the screen.
    :ivar settings: complete, once ``start`` has begun.
    :raises StackError: on ``start``: a stack runs in this home already, a process or a server does not work.
    :raises SettingsError: on ``start``: something is missing that only the user can know.
    """

    def __init__(
        self,
        settings: StackSettings,
        *,
        simulator: SimulatorOptions | None = _SIMULATOR,
        web_port: int | None = None,
        workers: int = 2,
        say: Callable[[str], None] = _print_line,
    ) -> None:
        self.home = settings.home
        self.settings: Settings
        self._given = settings
        self._simulator_options = None if settings.panaccess_url else simulator
        self._web_port = web_port
        self._workers = workers
        self._print = say
        self._lock: HomeLock | None = None
        self._supervisor = Supervisor(self._say)
        self._starting = Starting(self._supervisor, self._say)
        self._state: StackState | None = None
        self._state_due: float | None = None
        self._state_failed = False
        self._room = Room(self._say)
        self._room_due = 0.0
        self._signals = Signals()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, of: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def state(self) -> StackState:
        """Where everything is; the same that :func:`~telemetry_pipeline.stack.state.running` tells other processes."""
        if self._state is None:
            raise StackError("the stack is not running")
        return self._state

    def start(self) -> None:
        """Start everything and wait until it works; on failure nothing is left running."""
        began = time.monotonic()
        if self._simulator_options is None and not self._given.panaccess_url:
            raise StackError("PANACCESS_URL is not set and the simulator is ruled out: set it, or let the simulator run")
        make_home(self.home)
        self._lock = HomeLock.acquire(self.home)
        forget_state(self.home)  # of a stack that was killed
        try:
            self._signals.take()
            check_memory(self._say)
            self._start()
        except OSError as err:
            self.stop()
            raise StackError(f"the stack cannot be started: {err}") from err
        except BaseException:
            self.stop()
            raise
        self._say(f"everything is up after {duration(time.monotonic() - began)}; open {self.state.owner_link}")

    def tend(self) -> None:
        """Start again what ended or does not work; call it a few times a second while the stack is in use."""
        now = time.monotonic()
        if self._supervisor.tend():
            self._state_due = now
        if self._state_due is not None and now >= self._state_due:
            self._state_due = None if self._write_state() else now + _STATE_RETRY_SECONDS
        if now >= self._room_due:
            self._room_due = now + _ROOM_LOOK_SECONDS
            self._room.look(self.settings)

    def supervise(self) -> None:
        """Call :meth:`tend` until Ctrl-C, SIGTERM or SIGHUP."""
        with suppress(KeyboardInterrupt):
            while True:
                self.tend()
                time.sleep(_TEND_INTERVAL_SECONDS)

    def stop(self) -> None:
        """End everything, in the reverse order of the start; a Ctrl-C meanwhile ends it at once."""
        if self._lock is None:
            return
        began = time.monotonic()
        self._say("stopping everything (Ctrl-C again: at once)")
        grace_seconds = 0.0
        self._supervisor.close()
        try:
            forget_state(self.home)
            self._stop_politely()
            grace_seconds = 2.0
        except KeyboardInterrupt:
            self._say("stopping at once")
        finally:
            self._signals.ignore()
            sweep(self.home, seconds=grace_seconds)
            dismiss(self.home)
            self._lock.release()
            self._lock, self._state, self._supervisor = None, None, Supervisor(self._say)
            self._starting = Starting(self._supervisor, self._say)
            self._say(f"everything has stopped after {duration(time.monotonic() - began)}")
            self._signals.give_back()

    def _start(self) -> None:
        began = datetime.now(UTC)
        if orphans := sweep(self.home):
            self._say(f"ended {orphans} processes that an earlier stack had left behind")
        postgres = None if self._given.database_url else LocalPostgres(self.home)
        valkey = None if self._given.redis_url else LocalValkey(self.home)
        if postgres is not None:
            self._simulator_options = settle_upstream(self.home, self._simulator_options)
        elif self._simulator_options is not None:
            self._simulator_options = with_end(self.home, self._simulator_options)
        web_port = choose_port(self._web_port, DEFAULT_WEB_PORT, self._say)
        web_url, token = f"http://{LOOPBACK}:{web_port}", secrets.token_urlsafe(32)
        simulator = None
        if self._simulator_options is None:
            self._say(f"PanAccess is at {self._given.panaccess_url}")
        else:
            self._say("PANACCESS_URL is not set: a simulator stands in")
            # It needs no setting and is slow to start, so it goes first.
            simulator = Simulator(self.home, surroundings(), self._simulator_options)
        self.settings = completed(self._given, self._simulator_options, postgres, valkey, simulator)
        if simulator is not None:
            self._starting.launch([simulator])
        if valkey is not None:
            valkey.clear()  # steps of runs whose processes ended with an earlier stack
        self._starting.run([service for service in (postgres, valkey) if service is not None])
        self._starting.ask_servers(lambda: prepare_databases(self._given, self.settings, postgres))
        self._starting.ask_servers(lambda: check_redis(self.settings.redis_url.get_secret_value()))

        def variables(process: str) -> dict[str, str]:
            return environment(process, self.settings, web_url=web_url)

        write_dagster_home(self.home)
        self._migrate(variables("migrate"))
        if postgres is not None:
            remember_upstream(self.home, self._simulator_options)
        if simulator is not None:
            self._starting.await_ready([simulator])
        # They stop the other way round: with the code server go the processes of runs, which could otherwise still turn
        # a cancelled run into a successful one.
        worker = Worker(self.home, variables("worker"), concurrency=self._workers)
        self._starting.run([worker, CodeServer(self.home, variables("code-server"))])
        webserver = Webserver(self.home, variables("webserver"), self.settings.dagster_directory)
        web = Web(self.home, variables("web") | {"WEB_TOKEN": token}, web_port)
        self._starting.run([webserver, web, Daemon(self.home, variables("daemon"), webserver.client)])
        if self._owns_runs and (runs := self._starting.ask_servers(lambda: _cancel_runs(webserver.client, began))):
            self._say(f"runs that an earlier stack had left unfinished, cancelled: {runs}")
        self._starting.run([Watch(self.home, variables("watch"))])
        self._launch_flower()

        self._state = StackState.of(self.settings, web_url=web_url, web_token=token, socket_url=webserver.url)
        write_state(self.home, self._with_processes(self._state))

    @property
    def _owns_runs(self) -> bool:
        """Whether nobody else's runs can be in Dagster's database."""
        return self._given.database_url is None and self._given.dagster_database_url is None

    def _migrate(self, variables: dict[str, str]) -> None:
        began = time.monotonic()
        self._say("bringing the tables up to date")
        dagster = DagsterMigration(self.home, variables)
        dagster.launch()
        self._starting.ask_servers(lambda: prepare_tables(self.settings, self._say))
        self._starting.await_start(dagster)
        self._say(f"the tables are up to date ({duration(time.monotonic() - began)})")

    def _stop_politely(self) -> None:
        for service in self._starting.services:
            if isinstance(service, Watch):
                service.ask_to_stop()  # before it takes what ends now for dead
        if self._state is not None and self._owns_runs:
            # Long steps look at their run and stop cleanly. Should the web server fail, the next start cancels the runs.
            with suppress(TelemetryError):
                client = self._state.client(_WEB_SECONDS)
                self._say(f"  runs cancelled: {_cancel_runs(client, datetime.now(UTC))}")
        for service in self._starting.services:
            if isinstance(service, Daemon | Web | Webserver | CodeServer | Flower):  # independent of each other, and slow
                service.ask_to_stop()
        for service in reversed(self._starting.services):
            began = time.monotonic()
            service.stop()
            self._say(f"  {service.title} has stopped ({duration(time.monotonic() - began)})")

    def _launch_flower(self) -> None:
        """Launch Flower without waiting for it: nothing depends on it."""
        redis_url = self.settings.flower_redis_url or self.settings.redis_url
        flower = Flower(self.home, redis_url.get_secret_value(), self.settings.flower_directory)
        self._starting.launch([flower])
        self._supervisor.add(flower, ready=False)

    def _write_state(self) -> bool:
        """Tell others which processes there are by now; no full disk ends the supervisor for it."""
        self._state = self._with_processes(self.state)
        try:
            write_state(self.home, self._state)
        except OSError as err:
            if not self._state_failed:
                self._say(f"{self.home} cannot be written to ({err.strerror}); the stack goes on, and tries again")
            self._state_failed = True
            return False
        self._state_failed = False
        return True

    def _with_processes(self, state: StackState) -> StackState:
        pids = {service.name: service.pid for service in self._starting.services}
        return state.model_copy(update={"processes": {name: pid for name, pid in pids.items() if pid is not None}})

    def _say(self, line: str) -> None:
        with suppress(OSError):  # the terminal may be gone, and the work goes on
            self._print(line)


def _cancel_runs(client: TelemetryClient, created_before: datetime) -> int:
    """Return how many unfinished runs were marked as cancelled; none, if the web server does not answer."""
    try:
        return client.abandon(created_before)
    except WebserverUnavailable:
        return 0
