"""A real browser, logged in at the door: Dagster's pages work, and pages from elsewhere change nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
import requests
from browser import PATIENCE_SECONDS, chromium, click, needs_chromium, wait_for, websocket_statuses
from front_door import OPERATOR, PASSWORD, VIEWER
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from served_door import ServedDoor, served_door
from webservers import toy_webserver

from telemetry_pipeline.polling import polling
from telemetry_pipeline.sockets import divided
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.access.role import Role

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), needs_chromium]

# A name that somebody else made lead to the loopback.
EVIL = "evil.example"
MUTATION = "mutation{setAutoMaterializePaused(paused:false)}"

# What a page tries: `server` is the web server's address, `byAddress` one that asks for the mutation, `json` a body that does.
# What the page can read of an answer is returned.
ATTACKS = {
    "GET": "await get(byAddress)",
    "GET with a spelling": "await get(byAddress.replace('query', 'quer%79'))",
    "POST of text": "await post('/dagster/graphql', 'text/plain; application/json', json)",
    "POST by the address": "await post(byAddress)",
    "POST of JSON": "return await (await post('/dagster/graphql', 'application/json', json, 'cors')).text()",
    "POST of GraphQL": "await post('/dagster/graphql', 'text/plain; application/graphql', mutation)",
    "beacon": "navigator.sendBeacon(server + byAddress, 'x'); await new Promise(done => setTimeout(done, 500))",
    "image": "await load('img', byAddress)",
    "script": "await load('script', byAddress)",
    "form": "await submit('application/x-www-form-urlencoded', byAddress)",
    "form of files": "await submit('multipart/form-data', byAddress)",
    "form of text": """await submit('text/plain', '/dagster/graphql', '{"query":"' + mutation + '","x":"', '"}')""",
    "materialization": "await post('/dagster/report_asset_materialization/forged')",
    "observation": "await post('/dagster/report_asset_observation/forged')",
    "form of a materialization": "await submit('text/plain', '/dagster/report_asset_materialization/forged')",
    "WebSocket": """return await new Promise(done => {
        const socket = new WebSocket(server.replace('http', 'ws') + '/dagster/graphql', 'graphql-ws')
        socket.onopen = () => done('open')
        socket.onerror = () => done('') })""",
    "page in a frame": "return (await load('iframe', '/dagster/server_info')).contentDocument.body.innerText",
}
HELPERS = """
const [server, mutation, done] = arguments
const byAddress = '/dagster/graphql?query=' + encodeURIComponent(mutation)
const json = JSON.stringify({query: mutation})
const get = path => fetch(server + path, {mode: 'no-cors'})
const post = (path, type, body, mode = 'no-cors') =>
    fetch(server + path, {method: 'POST', mode, headers: type ? {'Content-Type': type} : {}, body})
const add = (tag, attributes) => document.body.appendChild(Object.assign(document.createElement(tag), attributes))
const load = (tag, path) => new Promise(done => {
    const element = add(tag, {src: server + path, onload: () => done(element), onerror: () => done(element)})
})
const submit = (type, path, name = 'x', value = 'y') => new Promise(done => {
    const frame = add('iframe', {name: 'into'})
    const form = add('form', {action: server + path, method: 'post', enctype: type, target: 'into'})
    form.append(Object.assign(document.createElement('input'), {name, value}))
    frame.onload = done
    form.submit()
})
const attack = async () => { %s }
attack().then(read => done(typeof read === 'string' ? read : ''), () => done(''))
"""
READ = "return await (await post('/dagster/graphql', 'application/json', json, 'cors')).text()"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile"), f"--host-resolver-rules=MAP {EVIL} 127.0.0.1") as driver:
        driver.set_script_timeout(60)
        yield driver


@pytest.fixture(scope="module")
def door(postgres_url: str, dagster_webserver: str) -> Iterator[ServedDoor]:
    socket, _ = divided(dagster_webserver)
    assert socket is not None
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database browsed template template")
    with served_door(at_database(postgres_url, "browsed"), socket.parent) as door:
        yield door


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Dagster alone."""
    with toy_webserver(tmp_path_factory.mktemp("bare"), bare=True) as url:
        yield url.removesuffix("/dagster")


def log_in(browser: webdriver.Chrome, url: str, name: str) -> None:
    """As a person does who was not."""
    browser.get(f"{url}/health")  # cookies are those of the page
    browser.delete_all_cookies()
    browser.get(f"{url}/entrar")
    for field, text in (("name", name), ("password", PASSWORD)):
        browser.find_element(By.NAME, field).send_keys(text)
    browser.find_element(By.CSS_SELECTOR, "form button").click()
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda driver: not driver.current_url.endswith("/entrar"))


@contextmanager
def site() -> Iterator[int]:
    """The port of somebody else's web server, which has an empty page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><body>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


Ask = Callable[[str], dict[str, object]]


def asking(url: str, token: str = "") -> Ask:
    """A program."""

    def ask(query: str) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.post(f"{url}/dagster/graphql", json={"query": query}, headers=headers, timeout=60).json()
        assert "errors" not in answer, answer
        data: dict[str, object] = answer["data"]
        return data

    return ask


def state(ask: Ask) -> object:
    """What the attacks want to change."""
    return ask(
        """{ instance { autoMaterializePaused }
             assetRecordsOrError(prefix: ["forged"]) { ... on AssetRecordConnection { assets { key { path } } } } }""",
    )


def carried_out(browser: webdriver.Chrome, page: str, server: str, ask: Ask) -> set[str]:
    """The attacks from a page that changed or read something."""
    found = set()
    for name, attack in ATTACKS.items():
        ask("mutation { setAutoMaterializePaused(paused: true) }")
        before = state(ask)
        browser.get(page)
        read = browser.execute_async_script(HELPERS % attack, server, MUTATION)
        if state(ask) != before or read:
            found.add(name)
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", EVIL])
def test_a_page_from_elsewhere_changes_and_reads_nothing(browser: webdriver.Chrome, door: ServedDoor, host: str) -> None:
    """On the same host with another port, on another name of this machine, and from anywhere."""
    log_in(browser, door.url, OPERATOR)
    with site() as port:
        ask = asking(door.url, door.tokens[Role.OPERATOR])
        assert carried_out(browser, f"http://{host}:{port}/", door.url, ask) == set()


def test_those_attacks_are_worth_guarding_against(browser: webdriver.Chrome, bare: str) -> None:
    with site() as port:
        done = carried_out(browser, f"http://{EVIL}:{port}/", bare, asking(bare))
    assert done >= {"GET with a spelling", "POST of text", "POST by the address", "form", "materialization", "WebSocket"}


def test_a_name_made_to_lead_here_is_no_way_in(browser: webdriver.Chrome, door: ServedDoor, bare: str) -> None:
    """The page is of the same origin then, so that its browser sends and reads all that it wants."""
    read = {}
    for server in (door.url, bare):
        there = server.replace("127.0.0.1", EVIL)
        browser.get(f"{there}/dagster/server_info")
        read[server] = browser.execute_async_script(HELPERS % READ, there, "{ version }")
    assert "version" in read[bare]
    assert "does not go by that name" in read[door.url]


def runs(ask: Ask) -> dict[str, str]:
    """The states of all runs that the web server knows, by their ids, the newest first: other tests launch some, too."""
    found = ask("{ runsOrError { ... on Runs { results { runId status } } } }")["runsOrError"]["results"]  # type: ignore[index]
    return {each["runId"]: each["status"] for each in found}


def ended_run(ask: Ask, before: dict[str, str]) -> tuple[str, str]:
    """The run that was launched since, when it has ended: its id and state."""
    for _ in polling(PATIENCE_SECONDS, 0.5):
        launched = {run: status for run, status in runs(ask).items() if run not in before}
        for run, status in launched.items():
            if status in {"SUCCESS", "FAILURE", "CANCELED"}:
                return run, status
    raise AssertionError(f"no run has ended: {launched}")


def test_the_own_pages_launch_a_run_and_watch_it_live(browser: webdriver.Chrome, door: ServedDoor, tmp_path: Path) -> None:
    ask = asking(door.url, door.tokens[Role.OPERATOR])
    ask("mutation { setNuxSeen }")
    before = runs(ask)
    log_in(browser, door.url, OPERATOR)
    try:
        browser.get(f"{door.url}/dagster/assets/telemetry_records?view=overview")
        click(browser, "Materialize")
        wait_for(browser, "Partition selection")
        click(browser, "Latest")
        click(browser, "Launch 1 run")
        run, status = ended_run(ask, before)
        assert status == "SUCCESS"
        browser.get(f"{door.url}/dagster/runs")
        wait_for(browser, run[:8], "Success")
        browser.save_screenshot(str(tmp_path / "runs.png"))
        browser.get(f"{door.url}/dagster/runs/{run}")
        wait_for(browser, "ASSET_MATERIALIZATION", "RUN_SUCCESS")
    finally:
        browser.save_screenshot(str(tmp_path / "run.png"))
    assert set(websocket_statuses(browser)) == {101}


def test_viewers_see_dagsters_pages_without_an_error(browser: webdriver.Chrome, door: ServedDoor, tmp_path: Path) -> None:
    log_in(browser, door.url, VIEWER)
    websocket_statuses(browser)
    browser.get(f"{door.url}/dagster/assets/telemetry_records?view=overview")
    wait_for(browser, "telemetry_records", "Latest materialization")
    browser.save_screenshot(str(tmp_path / "viewer.png"))
    disabled = (
        "return [...document.querySelectorAll('button')].filter(each => each.innerText.startsWith('Materialize'))[0].disabled"
    )
    assert browser.execute_script(disabled)
    assert set(websocket_statuses(browser)) == {101}
