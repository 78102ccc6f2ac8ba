"""What the door hands on to a server behind it and what it does not, and what it says when that server is away."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import requests
from front_door import OPERATOR
from served_door import ServedDoor, served, served_door
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus

from telemetry_pipeline.sockets import FLOWER, OPERATORS
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.web.proxy import backend as proxied
from telemetry_pipeline.web.proxy import subscriptions


async def _heard(request: Request) -> Response:
    return JSONResponse(
        {"headers": dict(request.headers), "path": request.scope["raw_path"].decode(), "query": request.url.query}
    )


async def _rude(_: Request) -> Response:
    headers = {"Set-Cookie": "telemetry_session=mine; Path=/", "Access-Control-Allow-Origin": "*", "Keep-Alive": "timeout=5"}
    return Response("x", headers=headers)


HEARD = threading.Event()
"""Whoever asked has the first piece."""


async def _drip(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        assert await asyncio.to_thread(HEARD.wait, 60)
        yield b"last"

    return StreamingResponse(pieces())


async def _elsewhere(request: Request) -> Response:
    return RedirectResponse(f"http://{request.headers['host']}/dagster/there")


async def _late(_: Request) -> Response:
    await asyncio.sleep(30)
    return Response()


async def _echo(browser: WebSocket) -> None:
    await browser.accept(subprotocol="graphql-ws")
    headers = dict(browser.headers)
    async for text in browser.iter_text():
        await browser.send_text(json.dumps({"said": json.loads(text), "headers": headers}))


BEHIND = Starlette(
    routes=[
        Route("/dagster/rude", _rude),
        Route("/dagster/drip", _drip),
        Route("/dagster/elsewhere", _elsewhere),
        Route("/dagster/late", _late),
        WebSocketRoute("/dagster/graphql", _echo),
        Route("/{path:path}", _heard, methods=["GET", "POST"]),
    ]
)


@pytest.fixture
def sockets(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def door(database_url: str, sockets: Path) -> Iterator[ServedDoor]:
    with served_door(database_url, sockets) as door:
        yield door


@pytest.fixture
def behind(sockets: Path) -> Iterator[ASGIApp]:
    with served(BEHIND, uds=str(sockets / OPERATORS)), served(BEHIND, uds=str(sockets / FLOWER)):
        yield BEHIND


def get(door: ServedDoor, path: str, **headers: str) -> requests.Response:
    token = {"Authorization": f"Bearer {door.tokens[Role.OPERATOR]}"}
    return requests.get(f"{door.url}{path}", headers=token | headers, timeout=30, allow_redirects=False)


def test_what_claims_to_say_who_asks_is_not_handed_on(door: ServedDoor, behind: ASGIApp) -> None:
    claims = {
        "Cookie": "telemetry_session=x; other=y",
        "Sec-Fetch-Site": "none",
        "Forwarded": "for=1.2.3.4",
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "1.2.3.4",
        "X-Remote-User": "root",
        "Remote-User": "root",
        "Proxy-Authorization": "Basic eDp5",
        "X-Something": "else",
    }
    for path in ("/dagster/a%2Fb", "/flower/a%2Fb"):
        heard = get(door, f"{path}?q=%20x&q=", **claims, **{"Accept-Language": "es"}).json()
        assert heard["path"] == path
        assert heard["query"] == "q=%20x&q="
        assert heard["headers"]["accept-language"] == "es"
        allowed = {"host", "user-agent", "accept", "accept-encoding", "accept-language"}
        assert heard["headers"].keys() <= allowed, heard["headers"]


def test_what_a_server_behind_the_door_may_not_say_to_a_browser_is_kept_back(door: ServedDoor, behind: ASGIApp) -> None:
    answer = get(door, "/dagster/rude")
    assert answer.text == "x"
    assert answer.headers.keys().isdisjoint({"Set-Cookie", "Access-Control-Allow-Origin", "Keep-Alive"})
    assert get(door, "/dagster/elsewhere").headers["Location"] == "/dagster/there"


def test_an_answer_comes_piece_by_piece(door: ServedDoor, behind: ASGIApp) -> None:
    token = {"Authorization": f"Bearer {door.tokens[Role.OPERATOR]}"}
    HEARD.clear()
    with requests.get(f"{door.url}/dagster/drip", headers=token, stream=True, timeout=30) as answer:
        pieces = answer.iter_content(None)
        assert next(pieces) == b"first"
        HEARD.set()
        assert next(pieces) == b"last"


def test_a_server_that_is_away_is_told_of_and_comes_back_by_itself(door: ServedDoor, sockets: Path) -> None:
    with served(BEHIND, uds=str(sockets / OPERATORS)):
        assert get(door, "/dagster/x").status_code == 200
    answer = get(door, "/dagster/x")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json()["error"] == {
        "problem": "Dagster does not run at the moment",
        "advice": "it is started again by itself: try again",
    }
    page = get(door, "/dagster/x", Accept="text/html")
    assert page.status_code == 503
    assert page.headers["Content-Type"].startswith("text/html")
    with pytest.raises(InvalidStatus, match="503"):
        door.subscribe(f"Authorization: Bearer {door.tokens[Role.OPERATOR]}")
    (sockets / OPERATORS).unlink()
    with served(BEHIND, uds=str(sockets / OPERATORS)):
        assert get(door, "/dagster/x").status_code == 200


def test_a_server_that_takes_too_long_is_not_waited_for(
    door: ServedDoor, behind: ASGIApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(proxied._TIMEOUTS, "read", 0.1)
    answer = get(door, "/dagster/late")
    assert answer.status_code == 503
    assert answer.json()["error"]["problem"] == "Dagster did not answer in time"


def test_a_browser_that_leaves_takes_no_connection_with_it(door: ServedDoor, behind: ASGIApp, sockets: Path) -> None:
    for _ in range(3):
        with pytest.raises(requests.ReadTimeout):
            requests.get(
                f"{door.url}/dagster/late", headers={"Authorization": f"Bearer {door.tokens[Role.OPERATOR]}"}, timeout=0.2
            )
    assert get(door, "/dagster/x").status_code == 200


def test_a_subscription_lives_while_nothing_is_said_and_tells_the_server_nothing_of_its_browser(
    door: ServedDoor, behind: ASGIApp
) -> None:
    cookie = door.cookie(OPERATOR)
    with door.subscribe(cookie, f"Origin: {door.url}") as browser:
        for said in ({"type": "connection_init", "payload": {}}, {"type": "start", "payload": {"query": "subscription { x }"}}):
            browser.send(json.dumps(said))
            heard = json.loads(browser.recv(timeout=60))
            assert heard["said"] == said
            assert heard["headers"].keys().isdisjoint({"cookie", "authorization", "origin"})
        with pytest.raises(TimeoutError):
            browser.recv(timeout=0.5)
        browser.send("{}")
        assert json.loads(browser.recv(timeout=60))["said"] == {}


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ('{"type": "connection_init", "payload": {"Authorization": "x"}}', True),
        ('{"type": "stop", "id": "1"}', True),
        ('{"type": "start", "payload": {"query": "subscription { x }"}}', True),
        ('{"type": "start", "payload": {"query": "mutation { a }"}}', False),
        ('{"type": "subscribe", "payload": {"query": "mutation { a }"}}', False),
        ('{"type": "start", "payload": {"query": "query Q { x } mutation M { setNuxSeen }"}}', False),
        ('{"type": "start", "payload": [{"query": "mutation { a }"}]}', False),
        ('[{"type": "start"}]', False),
        ("{", False),
        ("[" * 9_999, False),
        ('"' + "x" * 1_000_000 + '"', False),
    ],
)
def test_nothing_is_changed_by_a_subscription(text: str, may: bool) -> None:
    assert subscriptions._may_be_asked(text) is may
