"""The front door at a port, as a server runs it, and what people and programs send there, as it is written here."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import sqlalchemy as sa
import uvicorn
from front_door import OPERATOR, PASSWORD, VIEWER, door_settings
from starlette.types import ASGIApp
from websockets.sync.client import ClientConnection, connect

from telemetry_pipeline.polling import polling
from telemetry_pipeline.warehouse.access import tokens, users
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.warehouse.db import connections
from telemetry_pipeline.web.app import create_app

ROOT = Actor("root", "command")


@dataclass(frozen=True)
class ServedDoor:
    """A door that somebody can come to.

    :ivar tokens: by role.
    """

    url: str
    engine: sa.Engine
    tokens: dict[Role, str]

    def cookie(self, name: str) -> str:
        """What the browser of somebody who has just logged in shows, as a line of a request."""
        form = {"name": name, "password": PASSWORD}
        answer = requests.post(f"{self.url}/entrar", data=form, headers={"Origin": self.url}, allow_redirects=False, timeout=30)
        assert answer.status_code == 303, answer.text
        return "Cookie: " + "; ".join(f"{cookie.name}={cookie.value}" for cookie in answer.cookies)

    def send(self, method: str, target: str, *lines: str, body: bytes = b"") -> tuple[int, bytes]:
        """A request as it is written here: the status, and all that came back.

        :param lines: headers; Host is added unless one of them begins with it.
        """
        head = [f"{method} {target} HTTP/1.1", "Connection: close", f"Content-Length: {len(body)}", *lines]
        if not any(line.lower().startswith("host") for line in lines):
            head.append(f"Host: {urlsplit(self.url).netloc}")
        answer = self.say("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        return int(answer.split(b" ", 2)[1]), answer

    def say(self, text: bytes) -> bytes:
        """All that comes back for what is sent."""
        place = urlsplit(self.url)
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as connection:
            connection.sendall(text)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def ask(self, *lines: str, query: str = "{ version }", **variables: Any) -> tuple[int, bytes]:
        """A document of GraphQL: the status, and all that came back."""
        kind = () if any(line.lower().startswith("content-type") for line in lines) else ("Content-Type: application/json",)
        body = json.dumps({"query": query, "variables": variables}).encode()
        return self.send("POST", "/dagster/graphql", *kind, *lines, body=body)

    def subscribe(self, *lines: str, path: str = "/dagster/graphql") -> ClientConnection:
        """A WebSocket, to be closed by who asked for it."""
        headers = dict(line.split(": ", 1) for line in lines)
        address = f"ws{self.url.removeprefix('http')}{path}"
        return connect(address, additional_headers=headers, subprotocols=["graphql-ws"], proxy=None)  # type: ignore[list-item]


@contextmanager
def served_door(database_url: str, sockets: Path, **settings: Any) -> Iterator[ServedDoor]:
    """With a viewer and an operator, each with a token too, before what listens in *sockets*."""
    engine = connections.connect(database_url)
    made = {}
    with engine.begin() as connection:
        for name, role in ((VIEWER, Role.VIEWER), (OPERATOR, Role.OPERATOR)):
            users.add(connection, ROOT, name, PASSWORD, role, personal=False)
            made[role] = tokens.add(connection, ROOT, f"program-{name}", role, personal=False)
    app = create_app(door_settings(database_url, web_sockets=str(sockets), flower_sockets=str(sockets), **settings), engine)
    with served(app, host="127.0.0.1", port=0) as server:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield ServedDoor(f"http://127.0.0.1:{port}", engine, made)


@contextmanager
def served(app: ASGIApp, **place: Any) -> Iterator[uvicorn.Server]:
    """A server in a thread while entered."""
    options: dict[str, Any] = {"log_level": "error", "log_config": None, "server_header": False, "proxy_headers": False}
    config = uvicorn.Config(app, timeout_graceful_shutdown=2, **options, **place)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert any(server.started for _ in polling(60, interval=0.01)), "the server did not start"
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(20)


def subscribed(connection: ClientConnection) -> str:
    """The answer to who says that they want to subscribe."""
    connection.send(json.dumps({"type": "connection_init"}))
    return str(json.loads(connection.recv(timeout=60))["type"])
