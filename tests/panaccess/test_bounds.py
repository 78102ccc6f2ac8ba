"""Answers without end: no more bytes are read, and no more time is given, than one call may have."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from telemetry_pipeline.errors import MalformedAnswer, PanAccessError, PanAccessUnavailable
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess import feed as feeds
from telemetry_pipeline.sources.panaccess.calls import client as clients
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials, LocalStore
from telemetry_pipeline.sources.panaccess.calls.transport import Failed, Transport
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.sources.panaccess.slices import Slice

LIST = "getListOfTelemetryRecords"
GOOD = Credentials("simulator", "simulator", "simulator", "simulator")
UTC = ZoneInfo("UTC")
DECODE = PageDecoder(UTC, UTC)
MEGABYTE = 1_000_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n"


@pytest.fixture(scope="module")
def running_server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Options(records_count=0, login_limit=10**6)) as started:
        started.add_records({"recordId": number, "timestamp": "2025-01-01 00:00:00"} for number in range(1, 41))
        yield started


@pytest.fixture
def server(running_server: SimulatorServer) -> Iterator[SimulatorServer]:
    yield running_server
    running_server.set_faults([])


def client(url: str, **options: object) -> PanAccessClient:
    return PanAccessClient(url, GOOD, **{"retry_seconds": 0.001, "max_answer_bytes": MEGABYTE, **options})  # type: ignore[arg-type]


def ask(one: PanAccessClient) -> list[int]:
    return one.call(LIST, {"orderBy": "recordId", "limit": 100}, DECODE).ids


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "bomb", "megabytes": 300},
        {"kind": "bomb", "megabytes": 300, "encodings": ["deflate"]},
        {"kind": "bomb", "megabytes": 300, "encodings": ["gzip", "gzip"]},
        {"kind": "bomb", "megabytes": 300, "encodings": ["deflate", "gzip", "deflate"]},
        {"kind": "endless"},
        {"kind": "endless", "content_length": 3_000_000_000},
        {"kind": "malformed", "text": " " * 3 * MEGABYTE},
        {"kind": "error", "message": "x" * 5 * MEGABYTE},
        {"kind": "error", "status": 404, "message": "x" * 5 * MEGABYTE},
    ],
    ids=lambda fault: "-".join(str(value)[:20] for value in fault.values()),
)
def test_no_more_of_an_answer_is_read_than_it_may_have(server: SimulatorServer, fault: dict[str, object]) -> None:
    """Two megabytes of gzip that become two gigabytes, sent although none was asked for, end a worker."""
    one = client(server.url)
    ask(one)
    server.set_faults([fault])
    tracemalloc.start()
    try:
        with pytest.raises(MalformedAnswer, match=r"more than 1 MB \(PANACCESS_MAX_ANSWER_MB\)") as caught:
            ask(one)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * MEGABYTE
    assert len(caught.value.raw) < 21_000
    assert [each["fired"] for each in server.faults()] == [1], "it is tried again in vain"
    server.set_faults([])
    assert len(ask(one)) == 40


@pytest.mark.parametrize("encodings", [["gzip"], ["deflate"], ["gzip", "deflate"]], ids="-".join)
def test_a_packed_answer_is_read_although_it_was_not_asked_for(server: SimulatorServer, encodings: list[str]) -> None:
    server.set_faults([{"kind": "bomb", "megabytes": 1, "encodings": encodings}])
    assert len(ask(client(server.url, max_answer_bytes=3 * MEGABYTE))) == 40


def test_an_answer_byte_by_byte_has_the_time_of_a_call(server: SimulatorServer) -> None:
    """All of it would be there after twenty seconds, and no byte is late."""
    one = client(server.url)
    assert len(ask(one)) == 40
    server.set_faults([{"kind": "drip", "seconds": 0.05}])
    one.call_seconds = 1
    with pytest.raises(PanAccessUnavailable, match=f"did not answer {LIST}: Read timed out.$"):
        one.call(LIST, {"orderBy": "recordId", "limit": 1}, DECODE, tries=1)


@contextmanager
def liar(say: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads a request and then does *say*, for what no HTTP server does."""
    listener = socket.create_server(("127.0.0.1", 0))
    callers: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            callers.append(caller)
            with caller:
                try:
                    caller.recv(65_536)
                    say(caller)
                    # A connection that is closed with something unread loses what was said.
                    caller.shutdown(socket.SHUT_WR)
                    while caller.recv(65_536):
                        pass
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for caller in callers:
            with suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)
        thread.join()


def silent(caller: socket.socket) -> None:
    """Say nothing until the caller has gone; who is still there after a minute is hung up on."""
    caller.settimeout(60)
    while caller.recv(65_536):
        pass


def dripping(text: bytes) -> Callable[[socket.socket], None]:
    """Say it a byte at a time: ten in a second."""

    def say(caller: socket.socket) -> None:
        for place in range(len(text)):
            caller.sendall(text[place : place + 1])
            time.sleep(0.1)

    return say


def without_end(head: bytes, again: bytes) -> Callable[[socket.socket], None]:
    def say(caller: socket.socket) -> None:
        caller.sendall(head)
        while True:
            caller.sendall(again)

    return say


@pytest.mark.parametrize(
    "say",
    [
        dripping(b"HTTP/1.1 200 OK\r\n" + b"X-Patience: yes\r\n" * 50),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"x" * 500),
        dripping(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 500),
        silent,
    ],
    ids=["the head", "the size of a chunk", "a body without a length", "nothing at all"],
)
def test_no_part_of_an_answer_outlives_the_call(say: Callable[[socket.socket], None]) -> None:
    """No byte is late, or none comes for a minute: only the time of the whole call can be over."""
    with liar(say) as url, pytest.raises(PanAccessUnavailable, match=r"at 127.0.0.1:\d+ did not answer login: Read timed out"):
        client(url, call_seconds=1).check()


@pytest.mark.parametrize(
    "say",
    [
        without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        without_end(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n", b"X-Trailer: " + b"x" * 900 + b"\r\n"
        ),
        without_end(CHUNKED, b"1\r\n \r\n"),
        without_end(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", b"x" * 1000),
    ],
    ids=["begins without end", "trailers", "chunks", "an encoding that nobody knows"],
)
def test_no_part_of_an_answer_has_more_bytes(say: Callable[[socket.socket], None]) -> None:
    with liar(say) as url, pytest.raises(MalformedAnswer, match="more than 1 MB"):
        client(url).check()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip, gzip, gzip, gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"nothing like HTTP\r\n\r\n",
    ],
    ids=["shorter than it says", "no size of a chunk", "not packed", "packed six times", "no HTTP"],
)
def test_an_answer_that_breaks_off_is_none(answer: bytes) -> None:
    with liar(lambda caller: caller.sendall(answer)) as url, pytest.raises(PanAccessError) as caught:
        client(url).check()
    assert "unexpected" not in str(caught.value)


def test_a_page_that_is_too_large_is_read_in_halves(server: SimulatorServer) -> None:
    fields = ("whoisIsp", "whoisCountry", "dataName", "data")
    server.set_faults([{"kind": "alter", "fields": dict.fromkeys(fields, "x" * 9_000)}])
    deliveries = list(Feed(client(server.url), DECODE, UTC).read([Slice(0, 40)]))
    assert [one for each in deliveries if each.page for one in each.page.ids] == list(range(1, 41))
    assert not any(each.missing for each in deliveries)


def test_a_record_that_is_too_large_alone_is_missing_alone(server: SimulatorServer) -> None:
    server.set_faults([{"kind": "alter", "record_id": 7, "fields": {"whoisIsp": "x" * 2 * MEGABYTE}}])
    deliveries = list(Feed(client(server.url), DECODE, UTC).read([Slice(0, 40)]))
    assert sorted(one for each in deliveries if each.page for one in each.page.ids) == [*range(1, 7), *range(8, 41)]
    [missing] = [each.missing for each in deliveries if each.missing]
    assert (missing.first_id, missing.last_id) == (7, 7)
    assert len(missing.raw or "") < 21_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time by which calls are measured: a call that stalls (HTTP 503 of the server) takes all that it was given."""
    clock = SimpleNamespace(now=1_000.0)
    post = Transport.post

    def stalling(transport: Transport, query: str, form: str, seconds: float) -> tuple[int, bytes]:
        status, body = post(transport, query, form, 60 if seconds > 0 else seconds)
        clock.now += seconds if status == 503 else 0.01
        if status == 503:
            raise Failed("Read timed out.")
        return status, body

    monkeypatch.setattr(Transport, "post", stalling)
    for module in (feeds, clients):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_when_time_is_up_what_stalls_is_missing_as_it_is(server: SimulatorServer, clock: SimpleNamespace) -> None:
    """Else a tick that has one record which stalls narrows it down for many minutes, or never comes past it."""
    server.set_faults([{"kind": "error", "record_id": 7, "status": 503}])
    until = clock.now + 45
    deliveries = list(Feed(client(server.url, call_seconds=10), DECODE, UTC).read([Slice(0, 40)], until=until))
    assert clock.now <= until + 10
    spans = [each.missing for each in deliveries if each.missing]
    missing = {one for span in spans for one in range(span.first_id, span.last_id + 1)}
    assert 7 in missing
    assert missing | {one for each in deliveries if each.page for one in each.page.ids} >= set(range(1, 41))
    assert deliveries[-1].unfinished is False


def test_an_upstream_that_stalls_as_a_whole_is_no_gap(server: SimulatorServer, clock: SimpleNamespace) -> None:
    server.set_faults([{"kind": "error", "status": 503}])
    until = clock.now + 15
    with pytest.raises(PanAccessUnavailable):
        list(Feed(client(server.url, call_seconds=10), DECODE, UTC).read([Slice(0, 40)], until=until))
    assert clock.now <= until + 10


def test_who_waits_for_the_login_of_another_does_not_wait_for_ever(server: SimulatorServer) -> None:
    """The other one takes a minute."""
    store = LocalStore()
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock("any", 1):
            is_held.set()
            is_over.wait(60)

    other = threading.Thread(target=hold, daemon=True)
    other.start()
    is_held.wait()
    with pytest.raises(PanAccessUnavailable, match="another process has been logging in"):
        client(server.url, store=store, call_seconds=0.5).check()
    is_over.set()
    other.join()
