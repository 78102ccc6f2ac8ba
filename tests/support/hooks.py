"""A web hook on the loopback as a service that takes not every message, and what came."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Hook:
    """A server for Apprise's JSON, while entered.

    :ivar longest: how many bytes it takes; more it refuses, as Pushover does.
    :ivar refused: with what in its title it takes none.
    :ivar tries: how many messages it refused for their title.
    """

    def __init__(self) -> None:
        self.longest = 1_000_000
        self.refused: str | None = None
        self.tries = 0
        self.titles: list[str] = []
        self.messages: list[str] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(hook.take(self.rfile.read(int(self.headers["Content-Length"]))))
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def name(self) -> str:
        """How alerts call it."""
        return f"json://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """For ALERT_URLS."""
        return f"{self.name}/"

    def take(self, body: bytes) -> int:
        """Take a message or refuse it: the status of HTTP."""
        told = json.loads(body)
        title = told["title"].removeprefix("[Telemetry Pipeline] ")
        if len(body) > self.longest:
            return 413
        if self.refused is not None and self.refused in title and "Alerts" not in title:
            self.tries += 1
            return 400
        self.titles.append(title)
        self.messages.append(told["message"])
        return 200
