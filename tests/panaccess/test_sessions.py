"""Sessions over HTTP against the simulator: opened once, shared, replaced when they end, and no rejected login is repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from panaccess_calls import GOOD, LIST, calls, client, ids

from telemetry_pipeline.errors import (
    LoginRejected,
    MalformedAnswer,
    PanAccessUnavailable,
    PermissionDenied,
)
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials, LocalStore, RedisStore

Start = Callable[..., SimulatorServer]


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
    with pytest.raises(MalformedAnswer, match=r"not 8 to 4,096 printable ASCII characters$") as caught:
        ids(one)
    assert "abc" not in caught.value.raw
    assert one.discretion.quote(answer[:1_000], 2_000) == answer[:1_000]
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


def test_a_local_store_keeps_what_it_is_given() -> None:
    store = LocalStore()
    assert store.get("a") is None
    store.put("a", "1")
    assert store.get("a") == "1"
