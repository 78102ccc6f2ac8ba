"""What the client raises, logs and keeps of an answer that gives secrets away, and what the sync stores of it."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from panaccess_secrets import KNOWN, SECRETS, SESSION, WHO, gives_away

from telemetry_pipeline.errors import MalformedAnswer, PanAccessError
from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import LocalStore
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.sources.panaccess.slices import Slice

LIST = "getListOfTelemetryRecords"
UTC = ZoneInfo("UTC")
DECODE = PageDecoder(UTC, UTC)


@contextmanager
def upstream(answer: Callable[[str], bytes]) -> Iterator[str]:
    """A server that says what it is told: *answer* gets the request."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                request = b""
                while b"\r\n\r\n" not in request or len(request.partition(b"\r\n\r\n")[2]) < length(request):
                    if not (more := caller.recv(65_536)):
                        break
                    request += more
                else:
                    caller.sendall(answer(request.decode()))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def length(request: bytes) -> int:
    [line] = [line for line in request.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(line.partition(b":")[2])


def echoed(request: str) -> bytes:
    return (" ".join([request.partition("\r\n\r\n")[2], *KNOWN.values()])).replace("\r\n", " ").encode()


def http(head: bytes, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (head, len(body), body)


ANSWERS: dict[str, Callable[[str], bytes]] = {
    "the reason": lambda request: http(b"403 " + echoed(request)),
    "the reason of a transient error": lambda request: http(b"503 " + echoed(request)),
    "a header": lambda request: http(b"403 No\r\nX-Told: " + echoed(request)),
    "a line that is no header": lambda request: http(b"200 OK\r\n" + echoed(request)),
    "no HTTP": echoed,
    "the status": lambda request: http(echoed(request)),
    "where it moved": lambda request: http(b"302 Found\r\nLocation: http://127.0.0.1:9/?" + quote(echoed(request)).encode()),
    "the encoding": lambda request: http(b"200 OK\r\nContent-Encoding: gzip;" + echoed(request), b"x"),
    "the size of a chunk": lambda request: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + echoed(request) + b"\r\n",
    "the length": lambda request: b"HTTP/1.1 200 OK\r\nContent-Length: " + echoed(request) + b"\r\n\r\n{}",
    "the body": lambda request: http(b"403 No", echoed(request)),
    "a body that is no JSON": lambda request: http(b"200 OK", echoed(request)),
    "a body in Latin-1": lambda request: http(b"200 OK", echoed(request).decode().encode("latin-1")),
    "the code": lambda request: http(
        b"200 OK", json.dumps({"success": False, "errorCode": echoed(request).decode(), "errorMessage": "no"}).encode()
    ),
    "the message": lambda request: http(
        b"200 OK", json.dumps({"success": False, "errorCode": "x", "errorMessage": echoed(request).decode()}).encode()
    ),
    "an envelope of another kind": lambda request: http(b"200 OK", json.dumps({"success": echoed(request).decode()}).encode()),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("function", ["login", LIST])
def test_no_part_of_an_answer_gives_a_secret_away(
    answer: Callable[[str], bytes], function: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    store = LocalStore()
    with upstream(answer) as url, caplog.at_level(logging.DEBUG):
        if function == LIST:
            store.put(f"telemetry:panaccess:{WHO.fingerprint(url)}:session", SESSION)
        one = PanAccessClient(url, WHO, store=store, retry_seconds=0.001)
        with pytest.raises(PanAccessError) as caught:
            one.call(LIST, {}, DECODE, tries=1)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    seen = [*traceback.format_exception(caught.value), repr(caught.value), str(vars(caught.value)), caplog.text]
    seen += [*map(str, store._values.values())] if function == "login" else []
    known = {name: secret for name, secret in KNOWN.items() if function == LIST or name != "session"}
    assert_discreet("\n".join([*seen, *capfd.readouterr()]), known)


def assert_discreet(text: str, known: dict[str, str] = KNOWN) -> None:
    for name, secret in known.items():
        assert not gives_away(text, secret), f"{name} in {text}"


def test_the_passwords_of_address_and_proxy_are_no_part_of_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: str) -> bytes:
        [sent] = [line for line in request.split("\r\n") if line.lower().startswith("proxy-authorization")]
        said = sent.encode() + b" of the-proxy/user with way/word and url-word"
        return http(b"407 " + said, said)

    with upstream(answer) as url:
        proxy = url.replace("http://", "http://the-proxy:way%2Fword@")
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        one = PanAccessClient("http://user:url-word@panaccess.invalid/", WHO)
        with pytest.raises(PanAccessError) as caught:
            one.call(LIST, {}, DECODE, tries=1)
    said = f"{caught.value}{vars(caught.value)}"
    assert not any(secret in said for secret in ("way/word", "way%2Fword", "url-word", base64.b64encode(b"y/wor").decode()))


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer(Options(records_count=0, login_limit=10**6, username="operator", **SECRETS)) as started:  # type: ignore[arg-type]
        started.add_records({"recordId": number, "timestamp": "2025-01-01 00:00:00"} for number in range(1, 41))
        yield started


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "error_code": "fatal_error", "echo": True},
        {"kind": "error", "echo": True},
        {"kind": "error", "status": 403, "echo": True},
        {"kind": "error", "echo": True, "functions": ["login"]},
        {"kind": "error", "error_code": "x", "echo": True, "functions": ["login"]},
        {"kind": "error", "error_code": "fatal_error", "record_id": 7, "message": " ".join(SECRETS.values())},
    ],
    ids=lambda fault: "-".join(fault),
)
def test_what_the_sync_stores_and_says_of_an_echo_holds_no_secret(
    simulator: SimulatorServer, engine: sa.Engine, caplog: pytest.LogCaptureFixture, fault: dict[str, object]
) -> None:
    simulator.set_faults([fault])
    client = PanAccessClient(simulator.url, WHO, retry_seconds=0.001)
    said = ""
    with caplog.at_level(logging.DEBUG):
        try:
            sync(engine, client)
        except PanAccessError as err:
            said = "\n".join(traceback.format_exception(err)) + getattr(err, "raw", "")
    session = "" if "login" in str(fault) else client._session.current()
    assert "***" in said + stored(engine)
    assert_discreet(
        said + stored(engine) + caplog.text, {**SECRETS, "digest": WHO.password_digest, "session": session or SESSION}
    )


def test_what_is_kept_of_a_record_that_cannot_be_stored_holds_no_secret(simulator: SimulatorServer, engine: sa.Engine) -> None:
    everything = " ".join([*SECRETS.values(), WHO.password_digest])
    fields = {"dataName": f"\0{everything}", "deviceId": everything[:30], "timestamp": WHO.password_digest, everything: 1}
    simulator.set_faults([{"kind": "alter", "record_id": 7, "fields": fields}])
    sync(engine, PanAccessClient(simulator.url, WHO, retry_seconds=0.001))
    assert "***" in stored(engine)
    assert_discreet(stored(engine), {**SECRETS, "digest": WHO.password_digest})


def sync(engine: sa.Engine, client: PanAccessClient) -> None:
    one = Sync(engine=engine, feed=Feed(client, DECODE, UTC), operator_zone=UTC, deadline=float("inf"))
    one.run(date(2025, 1, 1), date(2025, 1, 1), includes_today=True)


def stored(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        tables = ("sync_gaps", "rejected_records", "problems", "sync_state")
        return "\n".join(
            str(row) for table in tables for row in connection.execute(sa.text(f"select * from telemetry.{table}"))
        )


def test_a_malformed_page_is_kept_without_secrets(simulator: SimulatorServer) -> None:
    simulator.set_faults(
        [{"kind": "malformed", "record_id": 7, "text": "x" * 19_990 + SECRETS["api_token"] + "<html>" * 9_000}]
    )
    feed = Feed(PanAccessClient(simulator.url, WHO, retry_seconds=0.001), DECODE, UTC)
    [missing] = [each.missing for each in feed.read([Slice(0, 40)]) if each.missing]
    assert isinstance(missing.error, MalformedAnswer)
    assert_discreet(missing.raw or "")
    assert len(missing.raw or "") < 21_000
