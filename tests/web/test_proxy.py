"""Attackers' requests at the real door before the real web server: what Dagster alone would carry out, and the door refuses.

Who sends them is logged in, by a session that the browser shows unasked, or has a token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from attacks import CHUNKS, CLOSE, FOREIGN_PAGES, NAMES_OF_OTHERS, NO_JSON, SPELLINGS, TYPE, WRITTEN_OTHERWISE
from front_door import OPERATOR, VIEWER
from served_door import ROOT, ServedDoor, served_door, subscribed
from webservers import toy_webserver
from websockets.exceptions import ConnectionClosed, InvalidStatus

from telemetry_pipeline.sockets import divided
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.access import tokens, users
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.web.proxy import routes

OTHER = "https://pipeline.example.org:8443"
PAUSE = "mutation { setAutoMaterializePaused(paused: true) }"


@pytest.fixture(scope="module")
def door(postgres_url: str, dagster_webserver: str) -> Iterator[ServedDoor]:
    socket, _ = divided(dagster_webserver)
    assert socket is not None
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database proxied template template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routes, "_LOOK_SECONDS", 0.05)
        names = f"{OTHER} http://lan.example"
        with served_door(at_database(postgres_url, "proxied"), socket.parent, other_web_urls=names) as door:
            yield door


@pytest.fixture(scope="module")
def session(door: ServedDoor) -> str:
    """An operator's."""
    return door.cookie(OPERATOR)


@pytest.fixture(scope="module")
def program(door: ServedDoor) -> str:
    """An operator's."""
    return f"Authorization: Bearer {door.tokens[Role.OPERATOR]}"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDoor]:
    """Dagster alone."""
    with toy_webserver(tmp_path_factory.mktemp("bare"), bare=True) as url:
        yield ServedDoor(url.removesuffix("/dagster"), sa.create_engine("sqlite://"), {})


def test_programs_and_the_doors_own_pages_are_answered(door: ServedDoor, session: str, program: str) -> None:
    assert json.loads(door.ask(program)[1].rpartition(b"\r\n\r\n")[2])["data"]["version"] == version("dagster-webserver")
    assert door.ask(program, "Host: pipeline.example.org:8443")[0] == 200
    assert door.ask(program, "Content-Type: application/json ; charset=utf-8")[0] == 200
    assert door.ask(session, f"Origin: {door.url}", "Sec-Fetch-Site: same-origin")[0] == 200
    # A tunnel by SSH forwards another port.
    assert door.ask(session, "Host: localhost:8080", "Origin: http://localhost:8080")[0] == 200
    status, page = door.send("GET", "/dagster/runs", session, "Accept: text/html")
    assert status == 200
    assert b"/dagster" in page


@pytest.mark.parametrize("credentials", [(), ("Authorization: Bearer tp_wrong",), ("Authorization: Basic eDp5",)], ids=str)
def test_who_is_not_known_gets_nothing(door: ServedDoor, credentials: tuple[str, ...]) -> None:
    assert door.ask(*credentials)[0] == 401
    for target in (
        "/dagster/",
        "/dagster/server_info",
        "/dagster/graphql",
        "/dagster/report_asset_check/x",
        "/flower/",
        "/flower/metrics",
    ):
        assert door.send("GET", target, *credentials)[0] == 401
        assert door.send("POST", target, *credentials)[0] == 401
    assert door.send("GET", "/dagster/runs", "Accept: text/html", *credentials)[0] == 303
    with pytest.raises(InvalidStatus, match="401"):
        door.subscribe(*credentials)


def test_flower_is_for_operators(door: ServedDoor, program: str) -> None:
    viewer = f"Authorization: Bearer {door.tokens[Role.VIEWER]}"
    assert door.send("GET", "/flower/", viewer)[0] == 403
    status, answer = door.send("GET", "/flower/", program)
    assert status == 503  # none runs here
    assert b"Flower does not run" in answer


@pytest.mark.parametrize("lines", NAMES_OF_OTHERS, ids=str)
def test_a_name_that_is_not_ours_is_refused(door: ServedDoor, session: str, program: str, lines: tuple[str, ...]) -> None:
    """As when a page's own name is made to lead to the loopback."""
    for credentials in (session, program):
        for status, answer in (door.ask(credentials, *lines), door.send("GET", "/dagster/", credentials, *lines)):
            assert status in (400, 421)
            assert b'"data"' not in answer


@pytest.mark.parametrize("lines", FOREIGN_PAGES, ids=str)
def test_a_page_from_elsewhere_can_ask_nothing_of_who_is_logged_in(
    door: ServedDoor, session: str, lines: tuple[str, ...]
) -> None:
    status, answer = door.ask(session, *lines)
    assert status == 403
    assert b"a page from elsewhere may not ask this" in answer
    with pytest.raises(InvalidStatus, match="403"):
        door.subscribe(session, *lines[-1:])


@pytest.mark.parametrize("kind", NO_JSON)
def test_nothing_but_json_is_taken(door: ServedDoor, program: str, kind: str) -> None:
    assert door.ask(program, f"Content-Type: {kind}")[0] == 415


def test_a_batch_and_another_shape_change_nothing(door: ServedDoor, program: str) -> None:
    for body in (b'[{"query": "%s"}]' % PAUSE.encode(), b'"query"', b"\xff", b"", b'{"query": "mutation {"}'):
        status, answer = door.send("POST", "/dagster/graphql", program, "Content-Type: application/json", body=body)
        assert status == 400
        assert b'"data"' not in answer


def test_a_body_has_an_end(door: ServedDoor, program: str) -> None:
    head = f"POST /dagster/graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n{program}\r\nContent-Length: 6000000\r\n".encode()
    assert door.say(head + TYPE + CLOSE + b"\r\n").startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("text", WRITTEN_OTHERWISE.values(), ids=WRITTEN_OTHERWISE)
def test_no_way_of_writing_a_request_gets_around(door: ServedDoor, session: str, text: bytes) -> None:
    answer = door.say(text.replace(b"%s", session.encode() + b"\r\n", 1))
    assert answer.startswith(b"HTTP/1.1 4")
    assert b'"data"' not in answer


def test_a_program_may_send_chunks(door: ServedDoor, program: str) -> None:
    begin = f"POST /dagster/graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n{program}\r\n".encode() + CLOSE
    assert b'"data"' in door.say(begin + b"Transfer-Encoding: chunked\r\n" + TYPE + b"\r\n" + CHUNKS)


@pytest.mark.parametrize("target", SPELLINGS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "get"])
def test_no_spelling_of_the_address_asks_by_the_address(door: ServedDoor, program: str, method: str, target: str) -> None:
    status, answer = door.send(method, target, program)
    assert b'"data"' not in answer
    assert status not in (200, 500) or (method in ("GET", "HEAD") and b"text/html" in answer)


@pytest.mark.slow
def test_those_spellings_are_worth_guarding_against(bare: ServedDoor) -> None:
    """Dagster alone answers the first ones; and events that nobody caused, from any page."""
    answered = [target for target in SPELLINGS if b'"data"' in bare.send("GET", target)[1]]
    assert answered[:3] == SPELLINGS[:3]
    assert bare.ask("Content-Type: text/plain; application/json", "Origin: https://evil.example")[0] == 200
    forged = "/dagster/report_asset_materialization/forged"
    assert bare.send("POST", forged, "Origin: https://evil.example")[0] == 200


@pytest.mark.parametrize("path", ["report_asset_materialization", "report_asset_check", "report_asset_observation"])
@pytest.mark.parametrize(
    "spelling", ["/{}/forged", "//{}/forged", "/{}//forged", "/%72{}/forged", "/./{}/forged", "/{}/forged%0A"]
)
def test_no_event_can_be_forged(door: ServedDoor, program: str, path: str, spelling: str) -> None:
    target = "/dagster" + spelling.format(path[1:] if "%72" in spelling else path)
    for kind in ("application/json", "text/plain"):
        assert door.send("POST", target, program, f"Content-Type: {kind}", body=b"{}")[0] in (400, 404, 405)
    assert door.send("GET", f"/dagster/{path}/forged", program)[0] == 404


def test_files_of_the_code_servers_disk_are_not_served(door: ServedDoor, program: str) -> None:
    assert door.send("GET", "/dagster/notebook?path=/etc/x.ipynb&repoLocName=toy", program)[0] == 404
    for target in (
        "/dagster/logs/../../../../etc/passwd",
        "/dagster/logs/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/dagster/vendor/..%2fapp.py",
    ):
        assert b"root:" not in door.send("GET", target, program)[1]


def test_pages_cannot_be_framed_or_taken_for_something_else(door: ServedDoor, program: str) -> None:
    head = door.send("GET", "/dagster/assets", program)[1].partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    policies = [line for line in head if line.startswith("content-security-policy")]
    assert "frame-ancestors 'self'" in policies[-1]
    assert "script-src" in policies[0]
    assert head.count("x-content-type-options: nosniff") == 1
    assert "cross-origin-resource-policy: same-origin" in head


@pytest.mark.parametrize(
    "query",
    [PAUSE, "mutation { ...F } fragment F on Mutation { setAutoMaterializePaused(paused: true) }",
     "query Q { version } mutation M { setAutoMaterializePaused(paused: true) }",
     "mutation { x: setAutoMaterializePaused(paused: true) }", "mutation { reloadWorkspace { __typename } }",
     "mutation { setNuxSeen setAutoMaterializePaused(paused: true) }"],
)  # fmt: skip
def test_viewers_read_and_change_nothing(door: ServedDoor, query: str) -> None:
    viewer = f"Authorization: Bearer {door.tokens[Role.VIEWER]}"
    assert door.ask(viewer)[0] == 200
    status, answer = door.ask(viewer, query=query)
    assert status == 403
    assert b"Viewers change nothing" in answer
    said = json.dumps({"type": "start", "id": "1", "payload": {"query": query}})
    with door.subscribe(viewer) as connection:
        connection.send(said)
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=60)


def test_dagster_itself_lets_viewers_change_nothing(door: ServedDoor) -> None:
    """Even if the door did not know a mutation for one."""
    viewer = f"Authorization: Bearer {door.tokens[Role.VIEWER]}"
    answer = door.ask(viewer, query="{ canBulkTerminate permissions { permission value } }")[1]
    assert b'"value":true' not in answer.replace(b" ", b"")
    assert b"launch_pipeline_execution" in answer


def recorded(door: ServedDoor) -> list[tuple[str, str, dict[str, object]]]:
    with door.engine.connect() as connection:
        rows = connection.execute(sa.text("select who, by, detail from telemetry.audit where what = 'dagster' order by at"))
        return [tuple(row) for row in rows]


def test_what_an_operator_changes_is_on_record_and_what_is_read_is_not(door: ServedDoor, session: str, program: str) -> None:
    before = recorded(door)
    door.ask(program)
    door.ask(program, query="mutation { setNuxSeen }")
    assert recorded(door) == before
    door.ask(session, f"Origin: {door.url}", query=PAUSE)
    door.ask(program, query="mutation($id: String!) { terminateRun(runId: $id) { __typename } }", id="4711")
    assert recorded(door)[len(before) :] == [
        (OPERATOR, "session", {"mutations": ["setAutoMaterializePaused"], "about": {"paused": True}}),
        (f"program-{OPERATOR}", "token", {"mutations": ["terminateRun"], "about": {"runId": "4711"}}),
    ]


def test_subscriptions_are_for_programs_and_the_doors_own_pages(door: ServedDoor, session: str, program: str) -> None:
    for lines in ((program,), (session, f"Origin: {door.url}", "Sec-Fetch-Site: same-origin")):
        with door.subscribe(*lines) as connection:
            assert subscribed(connection) == "connection_ack"
    for path in ("/dagster/x", "/flower/x"):
        with pytest.raises(InvalidStatus, match="404"):
            door.subscribe(program, path=path)


@pytest.mark.parametrize("end", ["logged out", "disabled", "made an operator", "revoked"])
def test_a_subscription_ends_with_what_let_its_browser_in(door: ServedDoor, end: str) -> None:
    if end == "revoked":
        with door.engine.begin() as connection:
            shown = f"Authorization: Bearer {tokens.add(connection, ROOT, 'of-a-moment', Role.VIEWER, personal=False)}"
    else:
        shown = door.cookie(VIEWER)
    with door.subscribe(shown, f"Origin: {door.url}") as browser:
        assert subscribed(browser) == "connection_ack"
        if end == "logged out":
            assert door.send("POST", "/salir", shown, f"Origin: {door.url}")[0] == 303
        else:
            with door.engine.begin() as connection:
                if end == "disabled":
                    users.set_disabled(connection, ROOT, VIEWER, True)
                elif end == "made an operator":
                    users.set_role(connection, ROOT, VIEWER, Role.OPERATOR, personal=False)
                else:
                    tokens.revoke(connection, ROOT, "of-a-moment")
        with pytest.raises(ConnectionClosed) as closed:
            browser.recv(timeout=60)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
    with door.engine.begin() as connection:
        if end == "disabled":
            users.set_disabled(connection, ROOT, VIEWER, False)
        elif end == "made an operator":
            users.set_role(connection, ROOT, VIEWER, Role.VIEWER, personal=False)


def test_the_sockets_behind_the_door_are_for_their_owner_alone(dagster_webserver: str, door: ServedDoor) -> None:
    socket, _ = divided(dagster_webserver)
    assert socket is not None
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in Path(socket.parent).iterdir()} == {
        "operators.sock": 0o600,
        "viewers.sock": 0o600,
    }
