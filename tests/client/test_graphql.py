from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable

import pytest
from panaccess.test_bounds import dripping, liar, without_end

from telemetry_pipeline.client import graphql as module
from telemetry_pipeline.client.graphql import Endpoint, error_message, one_line
from telemetry_pipeline.errors import WebserverError

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
        (lambda caller: time.sleep(2), "time-out"),
        (without_end(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 1000), "more than 1 MB"),
        (lambda caller: caller.sendall(BOMB), "more than 1 MB"),
        (lambda caller: caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000), "without GraphQL"),
    ],
    ids=["a head that drips", "a body that drips", "nothing", "no end", "a bomb", "nested"],
)
def test_an_answer_without_end_holds_nobody_up(
    say: Callable[[socket.socket], None], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 1_000_000)
    with liar(say) as url:
        began = time.monotonic()
        with pytest.raises(WebserverError, match=why):
            Endpoint(url, 1).ask("{ version }")
        assert time.monotonic() - began < 1.9
