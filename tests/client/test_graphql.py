"""What a server answers is read to a bound, and of its errors the message that helps is told."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from panaccess.test_bounds import dripping, liar, silent, without_end
from webservers import FakeWebserver

from telemetry_pipeline.client import graphql as module
from telemetry_pipeline.client.graphql import Endpoint, error_message, one_line
from telemetry_pipeline.errors import TelemetryError, WebserverError, WebserverUnavailable
from telemetry_pipeline.sockets import address

_PACKED = gzip.compress(b" " * 50_000_000)
BOMB = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(_PACKED), _PACKED)


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (["dagster._core.errors.DagsterExecutionStepExecutionError: Error", "ValueError: bad"], "ValueError: bad"),
        (
            ["dagster.Wrapped: x", "telemetry_pipeline.errors.LoginRejected: wrong password", "urllib3.Y: z"],
            "wrong password",
        ),
        (["sqlalchemy.exc.OperationalError: no\n  connection\n"], "no connection"),
    ],
    ids=["deepest", "ours", "one line"],
)
def test_of_a_chain_of_causes_the_message_that_helps_is_shown(chain: list[str], said: str) -> None:
    links = [{"message": message, "className": "?"} for message in chain]
    assert error_message({**links[0], "causes": links[1:]}) == said


def test_a_message_of_many_pages_is_cut() -> None:
    assert len(one_line("x" * 10_000)) == 600


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (dripping(b"HTTP/1.1 200 OK\r\n" + b"X-Patience: yes\r\n" * 50), "time-out"),
        (dripping(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 500), "time-out"),
        (silent, "time-out"),
        (without_end(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 1000), "more than 1 MB"),
        (lambda caller: caller.sendall(BOMB), "more than 1 MB"),
        (lambda caller: caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000), "without GraphQL"),
    ],
    ids=["a head that drips", "a body that drips", "nothing", "no end", "a bomb", "nested"],
)
def test_an_answer_without_end_holds_nobody_up(
    say: Callable[[socket.socket], None], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What drips would be there in a minute; silence lasts as long."""
    monkeypatch.setattr(module, "_MAX_BYTES", 1_000_000)
    with liar(say) as url, pytest.raises(WebserverError, match=why):
        Endpoint(url, 1 if why == "time-out" else 60).ask("{ version }")


REFUSAL = '{"error": {"problem": "this needs a log-in, or a token", "advice": "send one"}}'


@pytest.mark.parametrize(("status", "kind"), [(401, TelemetryError), (403, TelemetryError), (503, WebserverUnavailable)])
def test_what_the_front_door_says_in_place_of_an_answer_is_told(
    webserver: FakeWebserver, status: int, kind: type[TelemetryError]
) -> None:
    webserver.answers["Health"] = (status, REFUSAL)
    with pytest.raises(TelemetryError) as refused:
        Endpoint(f"{webserver.url}/graphql", 5).ask("query Health { version }")
    assert type(refused.value) is kind
    assert (refused.value.problem, refused.value.advice) == ("this needs a log-in, or a token", "send one")


def test_a_token_is_shown(webserver: FakeWebserver) -> None:
    webserver.answers["Health"] = {}
    Endpoint(f"{webserver.url}/graphql", 5, "tp_x").ask("query Health { version }")
    Endpoint(f"{webserver.url}/graphql", 5).ask("query Health { version }")
    assert webserver.authorizations == ["Bearer tp_x", None]


def test_a_socket_where_nobody_listens_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(WebserverUnavailable, match=r"operators\.sock:/dagster does not answer \(connection refused\)"):
        Endpoint(address(tmp_path), 5).ask("{ version }")
