"""The simulator as a server: a process of its own, or a thread of a test. What it answers is in ``app``."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from telemetry_pipeline.simulator.api.app import Simulator
from telemetry_pipeline.simulator.api.sending import RESET_EXTENSION
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records import upheavals

_T = TypeVar("_T")


def serve(options: Options) -> None:
    """Serve until SIGINT or SIGTERM. Prints ``simulator listening on http://HOST:PORT`` once it answers.

    Raises ``OSError`` if the port is taken, and ``BadExport`` if the file of records cannot be used.
    """
    # Bound before the records are made, so that a port that is taken is known at once.
    with _bound(options) as listener:
        url = _url(listener)
        server = _Server(Simulator(options, time.time), lambda: print(f"simulator listening on {url}", flush=True))  # noqa: T201
        # uvicorn has shut down in order by then, and passes the signal on.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


class SimulatorServer:
    """A simulator in a thread of this process, for tests: a context manager.

    :ivar url: base URL with a slash at its end. :ivar port: where it listens. Both are there once it is entered.
    """

    url: str
    port: int

    def __init__(self, options: Options | None = None, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives seconds since 1970, for sessions, live and late records."""
        self.options = options or Options()
        self._clock = clock

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._listener = _bound(self.options)
        self.url = _url(self._listener) + "/"
        self.port = int(self._listener.getsockname()[1])
        try:
            self._simulator = Simulator(self.options, self._clock)
        except BaseException:
            self._listener.close()
            raise
        self._server = _Server(self._simulator, ready.set)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name=f"simulator:{self.port}", daemon=True
        )
        self._thread.start()
        ready.wait()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Without waiting for the connections that a test keeps open.
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._listener.close()

    def set_faults(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Replace the faults, see ``faults``; ``BadFault`` if one cannot be."""
        wanted = [dict(fault) for fault in faults]
        self._in_loop(lambda: self._simulator.faults.set(wanted))

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults, with how often each has ``fired``."""
        return self._in_loop(self._simulator.faults.described)

    def add_records(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Make more records visible, in API field names; ``BadRecord`` if an id is unusable or there already."""
        wanted = list(records)
        self._in_loop(lambda: self._simulator.source.add(wanted))

    def upset(self, **upheaval: Any) -> None:
        """Make the records others, see ``upheavals``; ``BadForm`` if that cannot be."""
        self._in_loop(lambda: self._simulator.source.upset(upheavals.parsed(upheaval)))

    def reveal(self) -> None:
        """Make every late record visible now."""
        self._in_loop(self._simulator.source.reveal)

    def expire_sessions(self) -> None:
        """End every session now."""
        self._in_loop(self._simulator.sessions.end_all)

    def requests(self) -> dict[str, Any]:
        """Return what was asked for since the start or the last reset, see ``GET /requests``."""
        return self._in_loop(lambda: self._simulator.requests.described())

    def reset_requests(self) -> None:
        """Begin to count anew."""
        self._in_loop(self._simulator.reset_requests)

    def records(self) -> list[dict[str, Any]]:
        """Return all visible records, ascending by id; counts as a listing."""

        def decoded() -> list[dict[str, Any]]:
            rows = [row for one in self._simulator.source.listed() for row in one.records(0, len(one))]
            return sorted(rows, key=lambda row: int(row["recordId"]))

        return self._in_loop(decoded)

    def _in_loop(self, function: Callable[[], _T]) -> _T:
        async def call() -> _T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._server.loop).result()


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready, and whose application can reset a connection."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, simulator: Simulator, ready: Callable[[], object]) -> None:
        super().__init__(
            uvicorn.Config(
                simulator,
                loop="uvloop",
                http=_Protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._ready()


class _Protocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {RESET_EXTENSION: self.transport.abort}  # type: ignore[dict-item]


def _bound(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.host, options.port))
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
