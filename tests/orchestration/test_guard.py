"""Attackers' requests at the real web server: what Dagster alone would carry out, and the guard refuses."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from importlib.metadata import version
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from telemetry_pipeline.orchestration.runtime.guard import Guard
from webservers import UNGUARDED, toy_webserver
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

PUBLIC = "https://telemetry.example.com"
OTHER = "https://pipeline.example.org:8443"
MUTATION = "mutation { setAutoMaterializePaused(paused: true) }"
PREFIX = "/telemetry"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_URL", PUBLIC)
        patch.setenv("OTHER_WEB_URLS", f"{OTHER} http://lan.example")
        with toy_webserver(tmp_path_factory.mktemp("guarded")) as url:
            yield url


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with toy_webserver(tmp_path_factory.mktemp("unguarded"), UNGUARDED) as url:
        yield url


def send(url: str, method: str, target: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
    """A request as it is written here, whatever a client would make of it: the status and all that came back.

    :param headers: lines; Host is added unless one of them begins with it.
    """
    lines = [f"{method} {target} HTTP/1.1", "Connection: close", f"Content-Length: {len(body)}", *headers]
    if not any(line.lower().startswith("host") for line in headers):
        lines.append(f"Host: {urlsplit(url).netloc}")
    answer = say(url, "\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    return int(answer.split(b" ", 2)[1]), answer


def say(url: str, text: bytes) -> bytes:
    """All that comes back for what is sent."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as connection:
        connection.sendall(text)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def ask(url: str, *headers: str, query: str = "{ version }", target: str = "/graphql") -> tuple[int, bytes]:
    kind = () if any(line.lower().startswith("content-type") for line in headers) else ("Content-Type: application/json",)
    return send(url, "POST", target, *kind, *headers, body=json.dumps({"query": query}).encode())


def test_programs_and_the_webs_own_pages_are_answered(guarded: str) -> None:
    name = urlsplit(guarded).netloc
    assert ask(guarded)[0] == 200
    assert ask(guarded, f"Origin: {guarded}", "Sec-Fetch-Site: same-origin")[0] == 200
    assert ask(guarded, "Host: telemetry.example.com", f"Origin: {PUBLIC}")[0] == 200
    assert ask(guarded, "Host: pipeline.example.org", f"Origin: {OTHER}")[0] == 200
    assert ask(guarded, "Content-Type: application/json ; charset=utf-8")[0] == 200
    # A tunnel by SSH forwards another port.
    assert ask(guarded, "Host: localhost:8080", "Origin: http://localhost:8080")[0] == 200
    assert ask(guarded, "Host: [::1]:3000", "Origin: http://[::1]:3000")[0] == 200
    assert send(guarded, "GET", "/server_info", f"Host: {name}")[0] == 200


def test_the_web_ui_says_its_version(guarded: str) -> None:
    assert json.loads(ask(guarded)[1].rpartition(b"\r\n\r\n")[2])["data"]["version"] == version("dagster-webserver")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://[2001:db8:0:0:0:0:0:1]:3000", "[2001:db8::1]:3000"),
        ("http://[2001:db8::1]:3000", "[2001:0DB8:0:0::0:1]:3000"),
        ("https://telemetry.example.com", "telemetry.example.com."),
        ("https://telemetry.example.com./", "Telemetry.Example.com:443"),
        ("http://telemetry.example.com", "localhost."),
        ("http://telemetry.example.com", "[0:0:0:0:0:0:0:1]:3000"),
        ("http://telemetry.example.com", "127.0.0.1.:8080"),
    ],
)
def test_a_name_is_known_however_it_is_written(url: str, host: str) -> None:
    guard = Guard(lambda *_: None, urls=[url])  # type: ignore[arg-type]
    headers = [(b"host", host.encode()), (b"content-type", b"application/json")]
    own = f"{urlsplit(url).scheme}://{host}"
    for origin in ([], [(b"origin", own.encode())]):
        scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers + origin}
        assert guard.refusal(scope) is None


@given(st.text("[]:.%@/\\019afg", max_size=9) | st.sampled_from(["[1.2]", "[:::]", "[...]", "[::1.]", "..", "[::1%lo]"]))
def test_whatever_is_no_name_is_refused_and_is_no_fault(host: str) -> None:
    guard = Guard(lambda *_: None, urls=["http:///x", PUBLIC])  # type: ignore[arg-type]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", host.encode())]}
    assert (guard.refusal(scope) or (0, ""))[0] == (0 if host.lower() in ("[::1]", "[0::1]") else 421)


@pytest.mark.parametrize(
    "headers",
    [
        ("Host: evil.example",),
        ("Host: evil.example", "Origin: http://evil.example"),
        ("Host: 127.0.0.1.evil.example",),
        ("Host: 127.0.0.1@evil.example",),
        ("Host: evil.example", "X-Forwarded-Host: 127.0.0.1"),
        ("Host: evil.example:3000",),
        ("Host: 127.0.0.1", "Host: evil.example"),
        ("Host: telemetry.example.com.evil.example",),
        ("Host: ",),
        ("Host: 2130706433",),
        ("Host: 0.0.0.0:3000",),
        ("Host: [1.2]",),
        ("Host: [:::]",),
        ("Host: localhost..",),
    ],
    ids=str,
)
def test_a_name_that_is_not_ours_is_refused(guarded: str, headers: tuple[str, ...]) -> None:
    """As when a page's own name is made to lead to the loopback."""
    for status, answer in (ask(guarded, *headers), send(guarded, "GET", "/", *headers)):
        assert status in (400, 421)
        assert b"data" not in answer


@pytest.mark.parametrize(
    "headers",
    [
        ("Origin: https://evil.example",),
        ("Origin: null",),
        ("Origin: http://127.0.0.1:1",),
        ("Origin: http://localhost",),
        ("Origin: http://telemetry.example.com",),
        ("Origin: https://telemetry.example.com:444",),
        ("Origin: https://telemetry.example.com.evil.example",),
        ("Origin: https://evil.example?https://telemetry.example.com",),
        ("Origin: http://[",),
        (f"Origin: {PUBLIC}", "Origin: https://evil.example"),
        ("Sec-Fetch-Site: cross-site",),
        ("Sec-Fetch-Site: same-site",),
        (f"Origin: {PUBLIC}", "Sec-Fetch-Site: cross-site"),
    ],
    ids=str,
)
def test_a_page_from_elsewhere_can_ask_nothing(guarded: str, headers: tuple[str, ...]) -> None:
    status, answer = ask(guarded, *headers)
    assert status == 403
    assert b"A page from elsewhere may not ask this" in answer
    with pytest.raises(InvalidStatus) as refused:
        subscribe(guarded, dict(line.split(": ", 1) for line in headers[-1:]))
    assert refused.value.response.status_code == 403
    assert b"A page from elsewhere" in (refused.value.response.body or b"")


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/plain; application/json", "application/graphql", "application/jsonp",
     "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "", "Application/JSON",
     "application/json, text/plain", "text/plain;x=application/json"],
)  # fmt: skip
def test_nothing_but_json_is_taken(guarded: str, kind: str) -> None:
    """All of these, or some, a page from elsewhere may send without asking first."""
    assert ask(guarded, f"Content-Type: {kind}")[0] == 415


def test_json_said_twice_or_not_at_all_is_not_taken(guarded: str) -> None:
    assert ask(guarded, "Content-Type: text/plain", "Content-Type: application/json")[0] == 415
    assert send(guarded, "POST", "/graphql?query={version}")[0] == 415


def test_a_batch_and_another_shape_change_nothing(guarded: str) -> None:
    for body in (b'[{"query": "{ version }"}]', b'"query"', b"\xff", b""):
        status, answer = send(guarded, "POST", "/graphql", "Content-Type: application/json", body=body)
        assert status in (400, 500)
        assert b'"data"' not in answer


QUERY = b'{"query": "{ version }"}'
CLOSE = b"Connection: close\r\n"
TYPE = b"Content-Type: application/json\r\n"
BODY = TYPE + b"Content-Length: %d\r\n\r\n%s" % (len(QUERY), QUERY)
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(QUERY), QUERY)


@pytest.mark.parametrize(
    "text",
    [
        b"POST /graphql HTTP/1.0\r\n" + BODY,
        b"POST /graphql HTTP/1.1\r\n" + CLOSE + BODY,
        b"POST http://127.0.0.1/graphql HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + BODY,
        b"POST /graphql HTTP/1.1\r\nHost : 127.0.0.1\r\n" + CLOSE + BODY,
        b"POST /graphql HTTP/1.1\r\nHost: evil.example\r\n 127.0.0.1\r\n" + CLOSE + BODY,
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\nTransfer-Encoding: chunked\r\n"
        + CLOSE + TYPE + b"\r\n" + CHUNKS,
        b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n" + CLOSE + b"\r\n" + CHUNKS,
        b"GET /graphql?query={version} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-HTTP-Method-Override: POST\r\n" + CLOSE +
        b"X-Original-URL: /server_info\r\nX-Forwarded-Prefix: /x\r\n\r\n",
    ],
    ids=["1.0 without Host", "1.1 without Host", "an address with Host", "a space before the colon", "a Host of two lines",
         "chunks", "length and chunks", "another method and address in headers"],
)  # fmt: skip
def test_no_way_of_writing_a_request_gets_around(guarded: str, text: bytes) -> None:
    answer = say(guarded, text)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b'"data"' not in answer


def test_a_program_may_send_chunks_and_long_headers(guarded: str) -> None:
    begin = b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n" + CLOSE
    assert b'"data"' in say(guarded, begin + b"Transfer-Encoding: chunked\r\n" + TYPE + b"\r\n" + CHUNKS)
    assert b'"data"' in say(guarded, begin + b"Cookie: " + b"x" * 30_000 + b"\r\n" + BODY)


SPELLINGS = [
    "/graphql?quer%79=%7Bversion%7D",
    "/graphql?query=%7Bversion%7D",
    "/graphql?query=%7Bversion%7D&query=x",
    "/%67raphql?query=%7Bversion%7D",
    "/graphql%0A?query=%7Bversion%7D",
    "//graphql?query=%7Bversion%7D",
    "/graphql/?query=%7Bversion%7D",
    "/./graphql?query=%7Bversion%7D",
    "/%2e/graphql?query=%7Bversion%7D",
    "/x/../graphql?query=%7Bversion%7D",
    "/GraphQL?query=%7Bversion%7D",
    "/%2567raphql?query=%7Bversion%7D",
    "/graphql;x=1?query=%7Bversion%7D",
    "/graphql%00?query=%7Bversion%7D",
    "/graphql%2F?query=%7Bversion%7D",
    "\\graphql?query=%7Bversion%7D",
    "http://127.0.0.1/graphql?query=%7Bversion%7D",
    "http://evil.example/graphql?query=%7Bversion%7D",
]


@pytest.mark.parametrize("target", SPELLINGS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "get"])
def test_no_spelling_of_the_address_asks_by_the_address(guarded: str, method: str, target: str) -> None:
    status, answer = send(guarded, method, target)
    assert b'"data"' not in answer
    assert status != 200 or (method in ("GET", "HEAD") and b"text/html" in answer)


def test_those_spellings_are_worth_guarding_against(unguarded: str) -> None:
    """Dagster alone answers the first ones; and events that nobody caused, from any page."""
    answered = [target for target in SPELLINGS if b'"data"' in send(unguarded, "GET", target)[1]]
    assert answered[:5] == SPELLINGS[:5]
    assert ask(unguarded, "Content-Type: text/plain; application/json", "Origin: https://evil.example")[0] == 200
    assert send(unguarded, "POST", "/report_asset_materialization/forged", "Origin: https://evil.example")[0] == 200


@pytest.mark.parametrize("path", ["report_asset_materialization", "report_asset_check", "report_asset_observation"])
@pytest.mark.parametrize(
    "spelling", ["/{}/forged", "//{}/forged", "/{}//forged", "/%72{}/forged", "/./{}/forged", "/{}/forged%0A"]
)
def test_no_event_can_be_forged(guarded: str, path: str, spelling: str) -> None:
    target = spelling.format(path[1:] if "%72" in spelling else path)
    for kind in ("application/json", "text/plain"):
        status, _ = send(guarded, "POST", target, f"Content-Type: {kind}", body=b"{}")
        assert status in (400, 404, 405)
    assert send(guarded, "GET", f"/{path}/forged")[0] == 404


def test_files_of_the_code_servers_disk_are_not_served(guarded: str) -> None:
    for target in ("/notebook?path=/etc/x.ipynb&repoLocName=toy", "/dagit/notebook?path=/etc/x.ipynb"):
        assert send(guarded, "GET", target)[0] == 404
    for target in ("/logs/../../../../etc/passwd", "/logs/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/vendor/..%2f..%2fapp.py"):
        assert b"root:" not in send(guarded, "GET", target)[1]


def test_pages_cannot_be_framed_or_taken_for_something_else(guarded: str) -> None:
    headers = requests.get(f"{guarded}/assets", timeout=20).headers
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert "script-src" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"].startswith("nosniff")
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def subscribe(url: str, headers: dict[str, str], path: str = "/graphql") -> str:
    """The first answer to a subscription by WebSocket."""
    address = f"ws{url.removeprefix('http')}{path}"
    with connect(address, additional_headers=headers, subprotocols=["graphql-ws"], proxy=None) as connection:  # type: ignore[list-item]
        connection.send(json.dumps({"type": "connection_init"}))
        return str(json.loads(connection.recv(timeout=20))["type"])


def test_pages_of_our_own_and_programs_can_subscribe(guarded: str) -> None:
    assert subscribe(guarded, {}) == "connection_ack"
    assert subscribe(guarded, {"Origin": guarded, "Sec-Fetch-Site": "same-origin"}) == "connection_ack"
    assert subscribe(guarded, {"Origin": PUBLIC}) == "connection_ack"
    with pytest.raises(InvalidStatus, match="404"):
        subscribe(guarded, {}, "/x")


def test_a_path_prefix_is_guarded_alike(tmp_path: pytest.TempPathFactory, guarded: str) -> None:
    guard = Guard(lambda *_: None, urls=[PUBLIC], prefix=PREFIX)  # type: ignore[arg-type]

    def refused(method: str, path: str, *headers: tuple[bytes, bytes]) -> int:
        scope = {"type": "http", "method": method, "path": path, "headers": [(b"host", b"localhost"), *headers]}
        return (guard.refusal(scope) or (0, ""))[0]

    json_kind = (b"content-type", b"application/json")
    assert refused("POST", "/telemetry/graphql", json_kind) == 0
    assert refused("POST", "/graphql", json_kind) == 405
    assert refused("GET", "/telemetry/graphql") == 405
    assert refused("GET", "/telemetry/notebook") == 404
    assert refused("POST", "/telemetry/report_asset_check/x", json_kind) == 404


@given(
    st.lists(st.sampled_from(["/", "graphql", "GRAPHQL", ".", "..", "%2e", "\n", " ", "report_asset_check", "x"]), max_size=6)
)
def test_no_path_but_one_takes_a_post(parts: list[str]) -> None:
    guard = Guard(lambda *_: None, urls=[])  # type: ignore[arg-type]
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    path = "/" + "".join(parts)
    refusal = guard.refusal({"type": "http", "method": "POST", "path": path, "headers": headers})
    assert (refusal is None) == (path == "/graphql")
