"""What the front door refuses before anybody looks at it, and what every answer of it says to a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from front_door import OPERATOR, PUBLIC, URL, VIEWER, Browser, door_settings
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import WebSocketDenialResponse
from starlette.types import ASGIApp
from starlette.websockets import WebSocket
from warehouse_events import select

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.warehouse.access import tokens
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.web.app import create_app

New = Callable[..., Browser]
ROOT = Actor("root", "command")
CLOSED = {"/anything", "/dagster/graphql", "/flower", "/api/analyses", "/metrics", "/static", "/salir/x", "/health/x"}
OPEN = {"/entrar", "/salir", "/health", "/static/{name}"}


def inner(door: ASGIApp) -> Starlette:
    """The application inside of its wrappers."""
    found: Any = door
    while not isinstance(found, Starlette):
        found = found.app if hasattr(found, "app") else found._app
    return found


@pytest.fixture
def seen(door: ASGIApp) -> ASGIApp:
    """The door with routes that say who came, need an operator, fail, and talk."""

    async def who(request: Request) -> Response:
        return JSONResponse([request.user.name, request.user.role, request.user.by, sorted(request.auth.scopes)])

    @requires("operator", status_code=403)
    async def change(request: Request) -> Response:
        return JSONResponse("changed")

    async def broken(_: Request) -> Response:
        raise ZeroDivisionError

    async def refused(_: Request) -> Response:
        raise RequestRefused("<script>alert(1)</script> is no channel", "there are Siete, Ocho")

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.user.name)
        await socket.close()

    inner(door).router.routes += [
        Route("/who", who, methods=["GET", "POST"]),
        Route("/change", change, methods=["POST"]),
        Route("/broken", broken),
        Route("/refused", refused),
        WebSocketRoute("/talk", talk),
    ]
    return door


def token(warehouse: sa.Engine, role: Role = Role.VIEWER, *, personal: bool = False, name: str = "grafana") -> dict[str, str]:
    with warehouse.begin() as connection:
        secret = tokens.add(connection, ROOT, name, role, personal=personal)
    return {"authorization": f"Bearer {secret}"}


def test_no_route_is_open_but_those_that_are_meant_to_be(door: ASGIApp, browser: New) -> None:
    """A route that somebody adds is closed, whatever they thought of."""
    stranger = browser()
    paths = {getattr(route, "path", "") for route in inner(door).routes}
    assert {"/", *OPEN} <= paths
    for path in (paths - OPEN) | CLOSED:
        asked = stranger.get(path)
        assert (asked.status_code, asked.headers["location"].partition("?")[0]) == (303, "/entrar"), path
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"):
            answer = stranger.request(method, path, headers=stranger.origin | {"accept": "*/*"})
            assert answer.status_code == 401, (method, path)
    for path in ("/health", "/entrar", "/static/door.css"):
        assert stranger.get(path).status_code == 200


def test_a_program_without_a_token_is_told_how_to_have_one(browser: New) -> None:
    answer = browser().get("/api/analyses", headers={"accept": "application/json"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"] == {
        "problem": "this needs a log-in, or a token",
        "advice": "send 'Authorization: Bearer TOKEN'; 'telemetry-pipeline tokens add' makes one",
    }


@pytest.mark.parametrize(
    ("role", "personal", "scopes"),
    [
        (Role.VIEWER, False, ["viewer"]),
        (Role.VIEWER, True, ["personal", "viewer"]),
        (Role.OPERATOR, False, ["operator", "personal", "viewer"]),
    ],
)
def test_a_token_lets_in_as_what_it_was_made_for(
    seen: ASGIApp, browser: New, warehouse: sa.Engine, role: Role, personal: bool, scopes: list[str]
) -> None:
    headers = token(warehouse, role, personal=personal)
    assert browser(of=seen).get("/who", headers=headers).json() == ["grafana", role, "token", scopes]
    changed = browser(of=seen).post("/change", headers=headers)
    assert changed.status_code == (200 if role is Role.OPERATOR else 403)


def test_a_token_is_stored_as_a_hash_and_known_to_have_been_used(seen: ASGIApp, browser: New, warehouse: sa.Engine) -> None:
    headers = token(warehouse)
    secret = headers["authorization"].split()[1]
    [(stored, used)] = select(warehouse, "select api_tokens::text, last_used_at from telemetry.api_tokens")
    assert (secret in stored, used) == (False, None)
    browser(of=seen).get("/who", headers=headers)
    [(used,)] = select(warehouse, "select last_used_at from telemetry.api_tokens")
    assert used is not None
    browser(of=seen).get("/who", headers=headers)
    assert select(warehouse, "select last_used_at from telemetry.api_tokens") == [(used,)]


def test_a_revoked_or_wrong_token_opens_nothing_beside_a_session(seen: ASGIApp, browser: New, warehouse: sa.Engine) -> None:
    headers = token(warehouse)
    with warehouse.begin() as connection:
        tokens.revoke(connection, ROOT, "grafana")
    vera = browser(VIEWER, of=seen)
    for wrong in (headers, {"authorization": "Bearer "}, {"authorization": "bearer tp_made_up"}):
        assert vera.get("/who", headers=wrong | {"accept": "*/*"}).status_code == 401


def test_who_may_not_is_told_so_on_a_page_or_in_json(seen: ASGIApp, browser: New) -> None:
    vera, oscar = browser(VIEWER, of=seen), browser(OPERATOR, of=seen)
    refused = vera.post("/change", headers=vera.origin)
    assert (refused.status_code, "No tiene permiso para esto" in refused.text) == (403, True)
    assert vera.post("/change", headers=vera.origin | {"accept": "*/*"}).json()["error"]["problem"]
    assert oscar.post("/change", headers=oscar.origin).json() == "changed"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://telemetry.example.com"},
        {"origin": URL, "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {},
    ],
    ids=["elsewhere", "null", "another port", "without tls", "cross-site", "same-site", "nothing"],
)
def test_a_page_from_elsewhere_changes_nothing(seen: ASGIApp, browser: New, headers: dict[str, str]) -> None:
    oscar = browser(OPERATOR, of=seen)
    for path in ("/change", "/salir", "/entrar"):
        assert oscar.post(path, headers=headers).status_code == 403
    assert oscar.get("/").status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "", "127.0.0.1.evil.example", "evil.example#127.0.0.1", "127.0.0.1@evil.example"]
)
def test_a_name_that_is_not_ours_is_refused_everywhere(browser: New, host: str) -> None:
    """It may be a name of somebody else's that was made to lead here, whose page then would be of one origin with us."""
    vera = browser(VIEWER)
    for path in ("/", "/entrar", "/health", "/static/door.css"):
        answer = vera.get(path, headers={"host": host, "accept": "*/*"})
        assert answer.status_code == 421
        assert answer.json()["error"]["problem"] == "the server does not go by that name"


def test_a_websocket_needs_a_session_and_a_page_of_ours(seen: ASGIApp, browser: New) -> None:
    vera = browser(VIEWER, of=seen)
    with vera.websocket_connect("ws://127.0.0.1:3000/talk", headers=vera.origin) as socket:
        assert socket.receive_text() == VIEWER
    stranger, evil = browser(of=seen), {"origin": "https://evil.example"}
    for client, headers, status in ((stranger, stranger.origin, 401), (vera, evil, 403), (vera, {}, 403)):
        talking = client.websocket_connect("ws://127.0.0.1:3000/talk", headers=headers)
        with pytest.raises(WebSocketDenialResponse) as denied, talking:
            pass
        assert denied.value.status_code == status


@pytest.mark.parametrize("path", ["/", "/entrar", "/nothing", "/broken", "/refused", "/static/door.css", "/health"])
def test_every_answer_tells_the_browser_to_run_nothing_but_ours(seen: ASGIApp, browser: New, path: str) -> None:
    vera = browser(VIEWER, of=seen)
    vera._transport.raise_server_exceptions = False
    headers = vera.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "same-origin")
    assert "strict-transport-security" not in headers
    assert "server" not in headers


def test_a_policy_that_a_room_has_of_its_own_stays(seen: ASGIApp, browser: New) -> None:
    async def foreign(_: Request) -> Response:
        return Response("x", headers={"content-security-policy": "default-src 'self'"})

    inner(seen).router.routes.append(Route("/foreign", foreign))
    assert browser(VIEWER, of=seen).get("/foreign").headers.get_list("content-security-policy") == ["default-src 'self'"]


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [("/nothing", 404, "Aquí no hay nada"), ("/broken", 500, "Algo falló"), ("/refused", 400, "No se entiende")],
)
def test_what_is_wrong_is_said_on_a_page_and_in_json(seen: ASGIApp, browser: New, path: str, status: int, title: str) -> None:
    vera = browser(VIEWER, of=seen)
    vera._transport.raise_server_exceptions = False
    page = vera.get(path)
    assert (page.status_code, title in page.text) == (status, True)
    assert "<script>alert" not in page.text
    assert "Traceback" not in page.text
    error = vera.get(path, headers={"accept": "application/json"}).json()["error"]
    assert set(error) == {"problem", "advice"}
    assert error["problem"]


def test_what_a_proxy_says_of_the_visitor_is_believed_of_ours_alone(warehouse: sa.Engine, door_url: str, door: ASGIApp) -> None:
    said = {"x-forwarded-for": "198.51.100.9", "x-forwarded-proto": "https", "origin": PUBLIC}
    trusting = create_app(door_settings(door_url, trusted_proxies="10.0.0.5 172.18.0.0/16"), warehouse)
    for proxy, address in (("10.0.0.5", "198.51.100.9"), ("172.18.3.4", "198.51.100.9"), ("203.0.113.4", "203.0.113.4")):
        with Browser(trusting, PUBLIC.replace("https", "http"), client=(proxy, 1)) as behind:
            answer = behind.log_in(VIEWER, **said)
        assert answer.status_code == 303
        [(found,)] = select(warehouse, "select address from telemetry.audit order by audit_id desc limit 1")
        assert found == address
        assert ("strict-transport-security" in answer.headers) == (address != proxy)


def test_styles_are_kept_for_good_by_their_hash(browser: New) -> None:
    stranger = browser()
    page = stranger.get("/entrar").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in stranger.get(address).headers["cache-control"]
    assert stranger.get("/static/door.css?v=another").headers["cache-control"] == "no-cache"
    for path in ("/static/nothing.css", "/static/..%2fpage.py", "/static/%252e%252e"):
        assert stranger.get(path).status_code == 404
    assert stranger.get("/entrar").headers["cache-control"] == "no-store"
