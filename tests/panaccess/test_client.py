"""Calls over HTTP against the simulator: retries, which error is which, and what errors give away."""

from __future__ import annotations

import logging
import socket
import traceback
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from panaccess_calls import DECODE, GOOD, LIST, calls, client, ids

from telemetry_pipeline.errors import (
    MalformedAnswer,
    PanAccessError,
    PanAccessUnavailable,
)
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import CALL_SECONDS, PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials, RedisStore
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.slices import Slice


@pytest.mark.parametrize("encoding", ["json", "brackets"])
def test_filters_are_understood_in_both_encodings(server: SimulatorServer, encoding: str) -> None:
    feed = Feed(client(server, encoding=encoding), DECODE, ZoneInfo("UTC"))
    [delivery] = feed.read([Slice(2, 5)])
    assert delivery.page is not None
    assert delivery.page.ids == [3, 4, 5]


TRANSIENT: list[dict[str, Any]] = [
    {"kind": "error", "error_code": "unknown_error_serverside"},
    {"kind": "error", "error_code": "fatal_error", "status": 500},
    {"kind": "error", "status": 503},
    {"kind": "error", "status": 408},
    {"kind": "error", "status": 429},
    {"kind": "drop"},
    {"kind": "drop", "after_bytes": 20},
    {"kind": "timeout", "seconds": 60},
]


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: "-".join(map(str, fault.values())))
def test_a_transient_failure_is_tried_three_times_with_growing_delays(
    server: SimulatorServer, delays: list[float], fault: dict[str, object]
) -> None:
    one = client(server, retry_seconds=1)
    assert ids(one) == [1, 2, 3, 4, 5, 6, 7]
    server.reset_requests()
    server.set_faults([fault])
    if fault["kind"] == "timeout":
        one.call_seconds = 0.5
    with pytest.raises(PanAccessUnavailable):
        ids(one)
    # Who has hung up may have done so before the server looked.
    assert fault["kind"] == "timeout" or calls(server) == {LIST: 3}
    first, second = delays
    assert 1 <= first <= 2 <= second <= 3


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: "-".join(map(str, fault.values())))
def test_a_failure_that_passes_is_not_noticed(
    server: SimulatorServer, monkeypatch: pytest.MonkeyPatch, fault: dict[str, object]
) -> None:
    one = client(server)
    assert ids(one) == [1, 2, 3, 4, 5, 6, 7]
    server.set_faults([fault])
    if fault["kind"] == "timeout":
        one.call_seconds = 0.5
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            server.set_faults([])
            one.call_seconds = CALL_SECONDS

    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=pause))
    assert ids(one) == [1, 2, 3, 4, 5, 6, 7]
    assert len(waited) == 2


def test_delays_differ_from_client_to_client(server: SimulatorServer, delays: list[float]) -> None:
    """Workers that failed together do not come back together."""
    server.set_faults([{"kind": "error"}])
    for _ in range(3):
        with pytest.raises(PanAccessUnavailable):
            ids(client(server))
    assert len(set(delays)) == 6


def test_one_try_is_one_try(server: SimulatorServer, delays: list[float]) -> None:
    server.set_faults([{"kind": "error"}])
    with pytest.raises(PanAccessUnavailable):
        ids(client(server), tries=1)
    assert (calls(server)[LIST], delays) == (1, [])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "error", "error_code": "fatal_error", "message": "No."}, PanAccessError),
        ({"kind": "error", "error_code": "function_not_available", "message": "No."}, PanAccessError),
        ({"kind": "error", "error_code": "fatal_error", "message": "No.", "status": 404}, MalformedAnswer),
        ({"kind": "error", "error_code": "fatal_error", "message": "No.", "status": 301}, MalformedAnswer),
        ({"kind": "malformed"}, MalformedAnswer),
        ({"kind": "malformed", "text": ""}, MalformedAnswer),
        ({"kind": "answer", "answer": None}, MalformedAnswer),
    ],
    ids=lambda item: item.__name__ if isinstance(item, type) else "-".join(map(str, item.values())),
)
def test_any_other_failure_is_final(
    server: SimulatorServer, delays: list[float], fault: dict[str, object], error: type[Exception]
) -> None:
    server.set_faults([fault])
    with pytest.raises(error) as caught:
        ids(client(server))
    assert type(caught.value) is error
    assert (calls(server)[LIST], delays) == (1, [])


def test_the_text_of_a_refusal_can_be_stored(server: SimulatorServer) -> None:
    raw = "<h1>Not found \0</h1>"
    server.set_faults([{"kind": "error", "status": 404}, {"kind": "malformed", "text": raw}])
    with pytest.raises(MalformedAnswer) as caught:
        ids(client(server))
    assert caught.value.raw == "<h1>Not found \\x00</h1>"


def test_a_login_that_fails_for_a_moment_is_no_rejection(
    server: SimulatorServer, delays: list[float], shared_store: RedisStore
) -> None:
    server.set_faults([{"kind": "error", "functions": ["login"], "times": 2}])
    assert ids(client(server, store=shared_store)) == [1, 2, 3, 4, 5, 6, 7]
    assert calls(server) == {"login": 3, LIST: 1}


def test_nobody_there_is_one_clear_line(delays: list[float]) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(PanAccessUnavailable) as caught:
            ids(PanAccessClient(f"http://127.0.0.1:{port}/", GOOD))
    assert str(caught.value).startswith(f"PanAccess at 127.0.0.1:{port} did not answer login: ")
    assert "\n" not in str(caught.value)
    assert "object at 0x" not in str(caught.value)
    assert len(delays) == 2


SECRETS = {"password": "pass-of-test", "api_token": "token-of-test", "salt": "salt-of-test"}
SECRETIVE = Credentials("simulator", **SECRETS)


@pytest.fixture(scope="module")
def secretive_server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Options(records_count=0, login_limit=10**6, **SECRETS)) as started:  # type: ignore[arg-type]
        yield started


@pytest.mark.parametrize(
    "faults",
    [
        *([fault] for fault in TRANSIENT),
        [{**TRANSIENT[0], "functions": ["login"]}],
        [{"kind": "malformed"}],
        [{"kind": "malformed", "functions": ["login"]}],
        [{"kind": "malformed", "functions": ["loggedIn"]}, {"kind": "error", "error_code": "access_denied"}],
        [{"kind": "error", "status": 404, "functions": ["login"]}],
        [{"kind": "answer", "answer": False, "functions": ["login"]}],
        [{"kind": "error", "error_code": "access_denied"}],
        [{"kind": "drop", "functions": ["login"]}],
    ],
    ids=str,
)
def test_no_error_and_no_log_line_gives_a_secret_away(
    secretive_server: SimulatorServer,
    caplog: pytest.LogCaptureFixture,
    delays: list[float],
    faults: list[dict[str, object]],
) -> None:
    server = secretive_server
    server.set_faults([])
    one = client(server, SECRETIVE)
    session = one._session.current()
    one._session = client(server, SECRETIVE)._session if "login" in str(faults) else one._session
    server.set_faults(faults)
    if faults[0]["kind"] == "timeout":
        one.call_seconds = 0.3
    with caplog.at_level(logging.DEBUG), pytest.raises(PanAccessError) as caught:
        ids(one)
    seen = "\n".join([*traceback.format_exception(caught.value), repr(caught.value), caplog.text, repr(one), repr(SECRETIVE)])
    for secret in (*SECRETS.values(), SECRETIVE.password_digest, session):
        assert secret not in seen


def test_a_url_with_a_password_is_not_repeated(delays: list[float]) -> None:
    password = "-".join(["hid", "den"])
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(PanAccessUnavailable) as caught:
            ids(PanAccessClient(f"http://user:{password}@127.0.0.1:{unused.getsockname()[1]}/", GOOD))
    assert password not in "".join(traceback.format_exception(caught.value))


def test_a_fingerprint_gives_nothing_away() -> None:
    known = SECRETIVE.fingerprint("http://one/")
    assert not any(secret in known for secret in (*SECRETS.values(), SECRETIVE.password_digest))
