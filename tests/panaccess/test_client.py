"""Calls over HTTP against the simulator: sessions, retries, which error is which, and what errors give away."""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis

from telemetry_pipeline.errors import (
    LoginRejected,
    MalformedAnswer,
    PanAccessError,
    PanAccessUnavailable,
    PermissionDenied,
)
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials, LocalStore, RedisStore
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.sources.panaccess.slices import Slice

Start = Callable[..., SimulatorServer]
LIST = "getListOfTelemetryRecords"
GOOD = Credentials("simulator", "simulator", "simulator", "simulator")
DECODE = PageDecoder(ZoneInfo("UTC"), ZoneInfo("UTC"))
RECORDS = [{"recordId": number, "timestamp": "2025-01-01 00:00:00"} for number in range(1, 8)]


@pytest.fixture(scope="module")
def running_server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Options(records_count=0, login_limit=10**6, latency_ms=1)) as started:
        started.add_records(RECORDS)
        yield started


@pytest.fixture
def server(running_server: SimulatorServer) -> SimulatorServer:
    """Seven records, no faults, no sessions, nothing counted yet."""
    running_server.set_faults([])
    running_server.expire_sessions()
    running_server.reset_requests()
    return running_server


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Instead of sleeping between tries, the delays are written down."""
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def shared_store(redis_url: str) -> RedisStore:
    with redis.Redis.from_url(redis_url) as connection:
        connection.flushdb()
    return RedisStore(redis_url)


def client(server: SimulatorServer, credentials: Credentials = GOOD, **options: object) -> PanAccessClient:
    return PanAccessClient(server.url, credentials, **{"retry_seconds": 0.001, **options})  # type: ignore[arg-type]


def ids(one: PanAccessClient, **options: Any) -> list[int]:
    return one.call(LIST, {"orderBy": "recordId", "limit": 10}, DECODE, **options).ids


def calls(server: SimulatorServer) -> dict[str, int]:
    found: dict[str, int] = server.requests()["functions"]
    return found


@pytest.mark.parametrize("encoding", ["json", "brackets"])
def test_filters_are_understood_in_both_encodings(server: SimulatorServer, encoding: str) -> None:
    feed = Feed(client(server, encoding=encoding), DECODE, ZoneInfo("UTC"))
    [delivery] = feed.read([Slice(2, 5)])
    assert delivery.page is not None
    assert delivery.page.ids == [3, 4, 5]


def test_many_calls_need_one_login(server: SimulatorServer) -> None:
    one = client(server)
    for _ in range(5):
        assert ids(one) == [1, 2, 3, 4, 5, 6, 7]
    assert calls(server) == {"login": 1, LIST: 5}


def test_check_logs_in_and_asks_for_the_session(server: SimulatorServer) -> None:
    client(server).check()
    assert calls(server) == {"login": 1, "loggedIn": 1}


def test_an_expired_session_costs_one_login_and_a_replay(server: SimulatorServer) -> None:
    one = client(server)
    ids(one)
    server.expire_sessions()
    server.reset_requests()
    assert ids(one) == [1, 2, 3, 4, 5, 6, 7]
    assert calls(server) == {LIST: 2, "loggedIn": 1, "login": 1}


def test_a_session_that_dies_during_the_replay_is_worth_another_try(server: SimulatorServer) -> None:
    server.set_faults([{"kind": "expired_session", "times": 2}])
    assert ids(client(server)) == [1, 2, 3, 4, 5, 6, 7]
    assert calls(server) == {LIST: 4, "loggedIn": 3, "login": 3}


def test_a_session_that_dies_whenever_it_is_used_is_no_loop(server: SimulatorServer) -> None:
    server.set_faults([{"kind": "expired_session"}])
    with pytest.raises(PanAccessUnavailable, match=f"PanAccess ended the session twice during {LIST}"):
        ids(client(server), tries=2)
    assert calls(server) == {LIST: 4, "loggedIn": 4, "login": 3}


@pytest.mark.parametrize("code", ["access_denied", "no_access_to_function", "fatal_error"])
def test_a_permission_error_in_a_live_session_is_real(server: SimulatorServer, code: str) -> None:
    server.set_faults([{"kind": "error", "error_code": code, "message": "You do not have the permission."}])
    with pytest.raises(PermissionDenied, match=f"PanAccess refused {LIST}: {code}: You do not have the permission"):
        ids(client(server))
    assert calls(server) == {LIST: 1, "loggedIn": 1, "login": 1}


def test_logged_in_may_be_answered_as_text(server: SimulatorServer) -> None:
    server.set_faults(
        [
            {"kind": "error", "error_code": "access_denied"},
            {"kind": "answer", "functions": ["loggedIn"], "answer": "true"},
        ]
    )
    with pytest.raises(PermissionDenied):
        ids(client(server))
    assert calls(server)["login"] == 1


@pytest.mark.parametrize(
    "answer",
    ["\x00abcdefgh", "1", "a b c d e f", "a" * 4_097, "ñandúñandú", "12345678\n", "x" * 10_000_000],
    ids=lambda it: ascii(it)[:20],
)
def test_a_session_that_can_be_none_is_a_malformed_answer_and_is_not_kept(server: SimulatorServer, answer: str) -> None:
    """It goes to Redis, and out with every call; and whatever is said is searched for it."""
    server.set_faults([{"kind": "answer", "functions": ["login"], "answer": answer}])
    one = client(server)
    began = time.monotonic()
    with pytest.raises(MalformedAnswer, match=r"not 8 to 4,096 printable ASCII characters$") as caught:
        ids(one)
    assert "abc" not in caught.value.raw
    assert one.discretion.quote(answer[:1_000], 2_000) == answer[:1_000]
    assert time.monotonic() - began < 5
    server.set_faults([])
    assert ids(one) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("answer", [None, "", False, "false", []], ids=str)
def test_every_form_of_a_rejected_login_is_one(server: SimulatorServer, answer: object) -> None:
    server.set_faults([{"kind": "answer", "functions": ["login"], "answer": answer}])
    with pytest.raises(LoginRejected, match="PanAccess rejected the login of 'simulator'"):
        ids(client(server))
    assert calls(server) == {"login": 1}


def test_a_wrong_password_is_tried_once_by_all_clients_together(
    server: SimulatorServer, shared_store: RedisStore, redis_url: str
) -> None:
    wrong = Credentials("simulator", "wrong", "simulator", "simulator")
    messages = set()
    for store in (shared_store, shared_store, RedisStore(redis_url)):
        for _ in range(2):
            with pytest.raises(LoginRejected) as caught:
                ids(client(server, wrong, store=store))
            messages.add(str(caught.value))
    assert len(messages) == 1
    assert calls(server) == {"login": 1}


@pytest.mark.parametrize("odd", ["bytes", "list"])
def test_what_is_no_session_in_its_place_is_overwritten(shared_store: RedisStore, redis_url: str, odd: str) -> None:
    """No tick ever succeeded again."""
    with redis.Redis.from_url(redis_url) as broker:
        broker.delete("odd")
        if odd == "bytes":
            broker.set("odd", b"\xff\xfe")
        else:
            broker.lpush("odd", "x")
    assert shared_store.get("odd") is None
    shared_store.put("odd", "a-session")
    assert shared_store.get("odd") == "a-session"


def test_other_credentials_are_tried_at_once(server: SimulatorServer, shared_store: RedisStore) -> None:
    for wrong in (
        Credentials("simulator", "wrong", "simulator", "simulator"),
        Credentials("simulator", "simulator", "wrong", "simulator"),
        Credentials("simulator", "simulator", "simulator", "wrong"),
        Credentials("wrong", "simulator", "simulator", "simulator"),
    ):
        with pytest.raises(LoginRejected):
            ids(client(server, wrong, store=shared_store))
    assert ids(client(server, store=shared_store)) == [1, 2, 3, 4, 5, 6, 7]
    assert calls(server) == {"login": 5, LIST: 1}


def test_a_rejection_is_forgotten_after_ten_minutes(server: SimulatorServer, shared_store: RedisStore, redis_url: str) -> None:
    with pytest.raises(LoginRejected):
        ids(client(server, Credentials("simulator", "wrong", "simulator"), store=shared_store))
    with redis.Redis.from_url(redis_url, decode_responses=True) as connection:
        [rejected] = connection.keys("*:rejected")
        assert 590 < connection.ttl(rejected) <= 600


def test_too_many_logins_are_not_made_more(simulator: Start, shared_store: RedisStore) -> None:
    server = simulator(login_limit=1)
    ids(client(server, store=shared_store))
    server.expire_sessions()
    for _ in range(3):
        with pytest.raises(LoginRejected, match="Too many logins"):
            ids(client(server, store=shared_store))
    assert calls(server)["login"] == 2


@pytest.mark.parametrize("shared", [True, False], ids=["many clients over Redis", "one client"])
def test_however_many_threads_there_are_a_session_is_opened_once(
    simulator: Start, shared_store: RedisStore, redis_url: str, shared: bool
) -> None:
    """More than twenty logins in five minutes, and the upstream lets nobody in."""
    server = simulator(latency_ms=20)
    alone = client(server)
    clients = [client(server, store=RedisStore(redis_url)) if shared else alone for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for logins in (1, 2, 3):
            together = threading.Barrier(8)

            def call(one: PanAccessClient, together: threading.Barrier = together) -> list[int]:
                together.wait()
                return ids(one)

            assert list(pool.map(call, clients)) == [[]] * 8
            assert calls(server)["login"] == logins
            server.expire_sessions()


def test_a_session_is_not_shared_between_servers_or_users() -> None:
    urls = ("http://one/", "http://two/")
    users = (GOOD, Credentials("other", "simulator", "simulator", "simulator"))
    assert len({user.fingerprint(url) for user in users for url in urls}) == 4


TRANSIENT: list[dict[str, Any]] = [
    {"kind": "error", "error_code": "unknown_error_serverside"},
    {"kind": "error", "error_code": "fatal_error", "status": 500},
    {"kind": "error", "status": 503},
    {"kind": "error", "status": 408},
    {"kind": "error", "status": 429},
    {"kind": "drop"},
    {"kind": "drop", "after_bytes": 20},
    {"kind": "timeout", "seconds": 5},
]


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: "-".join(map(str, fault.values())))
def test_a_transient_failure_is_tried_three_times_with_growing_delays(
    server: SimulatorServer, delays: list[float], fault: dict[str, object]
) -> None:
    server.set_faults([fault])
    with pytest.raises(PanAccessUnavailable):
        ids(client(server, retry_seconds=1, call_seconds=1))
    assert calls(server) == {"login": 1, LIST: 3}
    first, second = delays
    assert 1 <= first <= 2 <= second <= 3


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: "-".join(map(str, fault.values())))
def test_a_failure_that_passes_is_not_noticed(server: SimulatorServer, delays: list[float], fault: dict[str, object]) -> None:
    server.set_faults([{**fault, "times": 2}])
    assert ids(client(server, call_seconds=1)) == [1, 2, 3, 4, 5, 6, 7]
    assert calls(server)[LIST] == 3


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
    one = client(server, SECRETIVE, call_seconds=0.3)
    session = one._session.current()
    one._session = client(server, SECRETIVE)._session if "login" in str(faults) else one._session
    server.set_faults(faults)
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


def test_a_local_store_keeps_what_it_is_given() -> None:
    store = LocalStore()
    assert store.get("a") is None
    store.put("a", "1")
    assert store.get("a") == "1"
