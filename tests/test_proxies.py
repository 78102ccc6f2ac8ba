"""Proxies in the environment: what is ours goes through none, PanAccess does, with real clients and a real little proxy."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3

from telemetry_pipeline.errors import PanAccessUnavailable, SettingsError
from telemetry_pipeline.settings.proxies import keep_out, proxy_for
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials

GOOD = Credentials("simulator", "simulator", "simulator", "simulator")
NOWHERE = "http://127.0.0.1:9"
# What a process of ours does: import the package, then call a server of the loopback over gRPC and over HTTP.
CALLS = """
import telemetry_pipeline
import grpc, requests, threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
server = grpc.server(ThreadPoolExecutor(1))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
grpc.channel_ready_future(grpc.insecure_channel(f"localhost:{port}")).result(timeout=20)
grpc.channel_ready_future(grpc.insecure_channel(f"127.0.0.1:{port}")).result(timeout=20)
server.stop(None)
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204); self.end_headers()
web = HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=web.serve_forever, daemon=True).start()
print(requests.get(f"http://127.0.0.1:{web.server_port}/", timeout=20).status_code)
"""


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Proxy(ThreadingHTTPServer):
    """Hands whatever it is asked for on to one server, and remembers what that was and who asked."""

    def __init__(self, behind: str) -> None:
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.asked.append((self.path, self.headers.get("Proxy-Authorization")))
                body = self.rfile.read(int(self.headers["Content-Length"]))
                parts = urlsplit(self.path)
                answer = urllib3.request("POST", f"{behind.rstrip('/')}/?{parts.query}", body=body, headers=dict(self.headers))
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.data)))
                self.end_headers()
                self.wfile.write(answer.data)

            def do_CONNECT(self) -> None:
                outer.asked.append((self.path, self.headers.get("Proxy-Authorization")))
                self.send_error(403)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def proxy(simulator: Callable[..., SimulatorServer]) -> Iterator[Proxy]:
    with Proxy(simulator().url) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_panaccess_is_called_by_the_proxy_that_the_environment_names(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:p%40ss@127.0.0.1:{proxy.server_port}")
    monkeypatch.setenv("NO_PROXY", "other.example")
    PanAccessClient("http://panaccess.invalid/", GOOD).check()
    path, credentials = proxy.asked[0]
    assert path == "http://panaccess.invalid/?f=login&requestMode=function"
    assert credentials == "Basic bWU6cEBzcw=="  # me:p@ss


def test_over_https_the_proxy_is_asked_for_a_tunnel_and_its_refusal_is_told(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy.server_port}")
    with pytest.raises(PanAccessUnavailable, match=r"panaccess\.invalid did not answer login"):
        PanAccessClient("https://panaccess.invalid/api", GOOD, retry_seconds=0).check()
    assert {path for path, _ in proxy.asked} == {"panaccess.invalid:443"}


@pytest.mark.parametrize("exempt", ["panaccess.invalid", ".invalid", "*"])
def test_panaccess_is_called_directly_where_the_environment_says_so(exempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", NOWHERE)
    monkeypatch.setenv("NO_PROXY", exempt)
    keep_out()
    assert proxy_for("https://panaccess.invalid/api") is None


def test_a_simulator_on_the_loopback_is_called_directly(
    simulator: Callable[..., SimulatorServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", NOWHERE)
    keep_out()
    PanAccessClient(simulator().url, GOOD).check()


def test_a_proxy_that_cannot_be_used_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:sesame@proxy.example:1080")
    with pytest.raises(SettingsError, match=r"socks5://\*\*\*@proxy.example:1080 .*; expected http://host:port") as caught:
        PanAccessClient("https://panaccess.invalid/api", GOOD)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY"])
def test_processes_of_ours_reach_each_other_whatever_proxy_the_environment_names(variable: str) -> None:
    environment = os.environ | {variable: NOWHERE, "no_proxy": "example.com", "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", CALLS], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "204"), done.stderr[-2000:]


def test_what_the_environment_exempts_stays_exempt_and_without_a_proxy_nothing_is_set() -> None:
    nothing = {"NO_PROXY": "a.example"}
    keep_out(nothing)
    assert nothing == {"NO_PROXY": "a.example"}
    some = {"HTTP_PROXY": NOWHERE, "NO_PROXY": "a.example, 10.0.0.0/8", "WEBSERVER_URL": "http://webserver:3000"}
    keep_out(some)
    ours = "a.example,10.0.0.0/8,localhost,127.0.0.1,::1,webserver"
    assert some["NO_PROXY"] == some["no_proxy"] == some["no_grpc_proxy"] == ours
    keep_out(some)
    assert some["NO_PROXY"] == ours
