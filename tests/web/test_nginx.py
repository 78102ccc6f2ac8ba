"""The sample of docs/production.md in a real nginx, in front of the guarded web server: TLS and log-in there, the rest here."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from webservers import GUARDED, toy_webserver
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from telemetry_pipeline.stack.processes.ports import free_port

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or ""
pytestmark = pytest.mark.skipif(
    not (NGINX and shutil.which("openssl")), reason="needs Debian's packages nginx-light and openssl"
)

NAME = "telemetry.example.com"
PUBLIC = f"https://{NAME}"
BASIC = {"Authorization": "Basic YW5hOnNlc2FtZQ=="}  # ana:sesame


@dataclass(frozen=True)
class Proxy:
    """nginx: where it listens, and who says that it is it."""

    url: str
    certificate: Path

    def ask(
        self, method: str = "POST", path: str = "/graphql", query: str = "{ version }", **headers: str
    ) -> requests.Response:
        """A request of somebody who is logged in, to the public name."""
        return requests.request(
            method,
            f"{self.url}{path}",
            json={"query": query},
            headers={"Host": NAME, **BASIC, **{name.replace("_", "-"): value for name, value in headers.items()}},
            verify=str(self.certificate),
            timeout=60,
        )

    def subscribe(self, **headers: str) -> str:
        """The first answer to a subscription by WebSocket."""
        address = urlsplit(self.url)
        with connect(
            f"wss://{NAME}/graphql",
            sock=socket.create_connection((str(address.hostname), address.port or 443)),
            ssl=ssl.create_default_context(cafile=self.certificate),
            additional_headers=headers,
            subprotocols=["graphql-ws"],  # type: ignore[list-item]
            proxy=None,
        ) as connection:
            connection.send(json.dumps({"type": "connection_init"}))
            return str(json.loads(connection.recv(timeout=20))["type"])


@contextmanager
def nginx(folder: Path, web_url: str) -> Iterator[Proxy]:
    """The sample with what differs in a test: the port, the web server's, and where its files are."""
    certificate, key, operators = folder / "cert.pem", folder / "key.pem", folder / "operators"
    names = f"subjectAltName=DNS:{NAME},IP:127.0.0.1"
    request = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        f"/CN={NAME}",
        "-addext",
        names,
    ]
    subprocess.run([*request, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    operators.write_text("ana:{PLAIN}sesame\n")
    text = (Path(__file__).parents[2] / "docs" / "production.md").read_text()
    [sample] = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    port = free_port()
    for written, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/telemetry.pem": str(certificate),
        "/etc/ssl/telemetry.key": str(key),
        "/etc/nginx/operators": str(operators),
        "http://127.0.0.1:3000": web_url,
    }.items():
        assert written in sample
        sample = sample.replace(written, here)
    kept = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\n{kept}access_log {folder}/access.log;\n{sample}\n}}\n"
    )
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            proxy = Proxy(f"https://127.0.0.1:{port}", certificate)
            for _ in range(100):
                time.sleep(0.1)
                try:
                    proxy.ask()
                    break
                except requests.ConnectionError:
                    assert process.poll() is None, process.communicate()[1].decode()
            yield proxy
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """In front of the web server of operators."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_URL", PUBLIC)
        with toy_webserver(tmp_path_factory.mktemp("web")) as url, nginx(tmp_path_factory.mktemp("nginx"), url) as proxy:
            yield proxy


@pytest.fixture(scope="module")
def viewers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """In front of the web server that changes nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_URL", PUBLIC)
        web, folder = tmp_path_factory.mktemp("web"), tmp_path_factory.mktemp("nginx")
        with toy_webserver(web, GUARDED, "--read-only") as url, nginx(folder, url) as proxy:
            yield proxy


@pytest.mark.slow
def test_who_is_logged_in_works_with_our_pages(proxy: Proxy) -> None:
    assert proxy.ask(Authorization="Basic eDp5").status_code == 401
    assert proxy.ask(Origin=PUBLIC, Sec_Fetch_Site="same-origin").json()["data"]["version"]
    page = proxy.ask("GET", "/runs")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    with pytest.raises(InvalidStatus, match="401"):
        proxy.subscribe(Origin=PUBLIC)
    assert proxy.subscribe(Origin=PUBLIC, **BASIC) == "connection_ack"


@pytest.mark.slow
def test_what_the_browser_of_somebody_logged_in_is_made_to_send_is_refused(proxy: Proxy) -> None:
    """It adds the password by itself."""
    evil = "https://evil.example"
    assert proxy.ask(Origin=evil).status_code == 403
    assert proxy.ask(Origin=f"http://{NAME}").status_code == 403
    assert proxy.ask(Content_Type="text/plain; application/json").status_code == 415
    assert proxy.ask("GET", "/graphql?quer%79={version}").status_code == 405
    assert proxy.ask("POST", "//graphql").status_code == 405
    assert proxy.ask("POST", "/x/../graphql").status_code in (200, 405)  # the client itself makes /graphql of it
    assert proxy.ask("POST", "/report_asset_materialization/forged").status_code == 404
    assert proxy.ask(Host="evil.example", Origin=evil).status_code == 421
    with pytest.raises(InvalidStatus, match="403"):
        proxy.subscribe(Origin=evil, **BASIC)


@pytest.mark.slow
def test_viewers_read_and_change_nothing(viewers: Proxy) -> None:
    assert viewers.ask(Origin=PUBLIC).json()["data"]["version"]
    assert viewers.subscribe(Origin=PUBLIC, **BASIC) == "connection_ack"
    pause = "mutation { setAutoMaterializePaused(paused: false) }"
    launch = "mutation { reloadWorkspace { __typename } }"
    for mutation in (pause, launch):
        answer = viewers.ask(query=mutation, Origin=PUBLIC).text
        assert "UnauthorizedError" in answer or "does not have" in answer, answer
    assert viewers.ask(Origin="https://evil.example").status_code == 403
    assert viewers.ask("POST", "/report_asset_check/forged").status_code == 404
