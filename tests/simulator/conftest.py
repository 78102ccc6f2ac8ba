"""A plain caller of the API, written from its description alone, and servers to call."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer

LIST = "getListOfTelemetryRecords"


def brackets(name: str, value: Any) -> list[tuple[str, str]]:
    """PHP's form encoding of a nested value."""
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    else:
        return [(name, str(value))]
    return [pair for key, item in members for pair in brackets(f"{name}[{key}]", item)]


class Api:
    """Calls functions of one simulator, without retries."""

    def __init__(self, server: SimulatorServer) -> None:
        self.server = server
        self.session: str | None = None
        self._http = urllib3.PoolManager(retries=False, timeout=60)

    @staticmethod
    def rules(*triples: tuple[str, str, object], group_op: str = "AND") -> dict[str, Any]:
        """A ``filters`` parameter: ``(field, op, data)`` each."""
        listed = [{"field": field, "op": op, "data": str(data)} for field, op, data in triples]
        return {"groupOp": group_op, "rules": listed}

    def close(self) -> None:
        self._http.clear()

    def raw(self, function: str, parameters: list[tuple[str, str]], timeout: float = 60) -> urllib3.BaseHTTPResponse:
        return self._http.request(
            "POST",
            f"{self.server.url}?f={function}&requestMode=function",
            body=urlencode(parameters),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=timeout,
        )

    def call(self, function: str, *, encoding: str = "json", timeout: float = 60, **parameters: Any) -> Any:
        pairs: list[tuple[str, str]] = []
        for name, value in parameters.items():
            if isinstance(value, dict | list):
                pairs += brackets(name, value) if encoding == "brackets" else [(name, json.dumps(value))]
            else:
                pairs.append((name, str(value)))
        if self.session:
            pairs.append(("sessionId", self.session))
        return json.loads(self.raw(function, pairs, timeout).data)

    def login(self, username: str = "simulator", password: str = "simulator", api_token: str = "simulator") -> Any:
        digest = hashlib.md5((password + "simulator").encode()).hexdigest()
        reply = self.call("login", username=username, password=digest, apiToken=api_token)
        if reply["success"] and reply["answer"]:
            self.session = reply["answer"]
        return reply

    def listing(self, **parameters: Any) -> dict[str, Any]:
        reply = self.call(LIST, **parameters)
        assert reply["success"], reply
        answer: dict[str, Any] = reply["answer"]
        return answer

    def rows(self, **parameters: Any) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.listing(**parameters)["telemetryRecordEntries"]
        return entries

    def ids(self, **parameters: Any) -> list[int]:
        return [row["recordId"] for row in self.rows(**parameters)]

    def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        response = self._http.request(method, self.server.url + path, body=None if body is None else json.dumps(body).encode())
        return response.status, json.loads(response.data)


@pytest.fixture(scope="session")
def connect() -> Iterator[Callable[[SimulatorServer], Api]]:
    """Give an :class:`Api` for a running server, logged in."""
    with ExitStack() as stack:

        def begin(server: SimulatorServer) -> Api:
            api = Api(server)
            stack.callback(api.close)
            api.login()
            return api

        yield begin


@pytest.fixture
def start(connect: Callable[[SimulatorServer], Api]) -> Iterator[Callable[..., Api]]:
    """Start a simulator with options; gives an :class:`Api` that is logged in."""
    with ExitStack() as stack:

        def begin(*, clock: Callable[[], float] = time.time, **options: Any) -> Api:
            chosen = Options(**{"records_count": 300, "late_ids": 0, **options})
            api = connect(stack.enter_context(SimulatorServer(chosen, clock)))
            # Before the server stops, or it waits for the connection to end.
            stack.callback(api.close)
            return api

        yield begin


@pytest.fixture
def empty(start: Callable[..., Api]) -> Api:
    """A simulator without records, of pages of at most 10."""
    return start(records_count=0, page_cap=10)
