"""The sample of docs/production.md in a real nginx, in front of the door: TLS there, the rest here."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
import sqlalchemy as sa
from front_door import OPERATOR, PASSWORD
from served_door import ServedDoor, served_door
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from telemetry_pipeline.polling import polling
from telemetry_pipeline.sockets import divided
from telemetry_pipeline.stack.processes.ports import free_port
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.access.role import Role

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or ""
pytestmark = pytest.mark.skipif(
    not (NGINX and shutil.which("openssl")), reason="needs Debian's packages nginx-light and openssl"
)

NAME = "telemetry.example.com"
PUBLIC = f"https://{NAME}"


@dataclass(frozen=True)
class Proxy:
    """nginx: where it listens, who says that it is it, and what stands behind it."""

    url: str
    certificate: Path
    door: ServedDoor

    @property
    def token(self) -> dict[str, str]:
        """An operator's program's."""
        return {"Authorization": f"Bearer {self.door.tokens[Role.OPERATOR]}"}

    def ask(
        self, method: str = "POST", path: str = "/dagster/graphql", query: str = "{ version }", **headers: str
    ) -> requests.Response:
        """A request of somebody who is logged in, to the public name."""
        return requests.request(
            method,
            f"{self.url}{path}",
            json={"query": query},
            headers={"Host": NAME, **self.token, **{name.replace("_", "-"): value for name, value in headers.items()}},
            verify=str(self.certificate),
            timeout=60,
        )

    def subscribe(self, **headers: str) -> str:
        """The first answer to a subscription by WebSocket."""
        address = urlsplit(self.url)
        with connect(
            f"wss://{NAME}/dagster/graphql",
            sock=socket.create_connection((str(address.hostname), address.port or 443)),
            ssl=ssl.create_default_context(cafile=self.certificate),
            additional_headers=headers,
            subprotocols=["graphql-ws"],  # type: ignore[list-item]
            proxy=None,
        ) as connection:
            connection.send(json.dumps({"type": "connection_init"}))
            return str(json.loads(connection.recv(timeout=60))["type"])


@contextmanager
def nginx(folder: Path, door: ServedDoor) -> Iterator[Proxy]:
    """The sample with what differs in a test: the port, the web server's, and where its files are."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
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
    text = (Path(__file__).parents[2] / "docs" / "production.md").read_text()
    [sample] = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    port = free_port()
    for written, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/telemetry.pem": str(certificate),
        "/etc/ssl/telemetry.key": str(key),
        "http://127.0.0.1:3000": door.url,
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
            proxy = Proxy(f"https://127.0.0.1:{port}", certificate, door)
            for _ in polling(60):
                try:
                    proxy.ask()
                    break
                except requests.ConnectionError:
                    assert process.poll() is None, process.communicate()[1].decode()
            yield proxy
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, postgres_url: str, dagster_webserver: str) -> Iterator[Proxy]:
    socket, _ = divided(dagster_webserver)
    assert socket is not None
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database behind_nginx template template")
    url = at_database(postgres_url, "behind_nginx")
    with (
        served_door(url, socket.parent, trusted_proxies="127.0.0.1") as door,
        nginx(tmp_path_factory.mktemp("nginx"), door) as proxy,
    ):
        yield proxy


@pytest.mark.slow
def test_who_is_logged_in_works_with_our_pages(proxy: Proxy) -> None:
    assert proxy.ask(Authorization="Basic eDp5").status_code == 401
    assert proxy.ask(Origin=PUBLIC, Sec_Fetch_Site="same-origin").json()["data"]["version"]
    page = proxy.ask("GET", "/dagster/runs")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "max-age" in page.headers["Strict-Transport-Security"]
    with pytest.raises(InvalidStatus, match="401"):
        proxy.subscribe(Origin=PUBLIC)
    assert proxy.subscribe(Origin=PUBLIC, **proxy.token) == "connection_ack"


@pytest.mark.slow
def test_what_the_browser_of_somebody_logged_in_is_made_to_send_is_refused(proxy: Proxy) -> None:
    evil = "https://evil.example"
    assert proxy.ask(Origin=evil).status_code == 403
    assert proxy.ask(Origin=f"http://{NAME}").status_code == 403
    assert proxy.ask(Content_Type="text/plain; application/json").status_code == 415
    assert proxy.ask("GET", "/dagster/graphql?quer%79={version}").status_code == 405
    assert proxy.ask("POST", "/dagster/report_asset_materialization/forged").status_code == 404
    assert proxy.ask(Host="evil.example", Origin=evil).status_code == 421
    with pytest.raises(InvalidStatus, match="403"):
        proxy.subscribe(Origin=evil, **proxy.token)


@pytest.mark.slow
def test_the_door_knows_where_a_visitor_is_and_that_there_is_tls(proxy: Proxy) -> None:
    form = {"name": OPERATOR, "password": PASSWORD}
    answer = requests.post(
        f"{proxy.url}/entrar",
        data=form,
        headers={"Host": NAME, "Origin": PUBLIC, "X-Forwarded-For": "203.0.113.7"},
        verify=str(proxy.certificate),
        allow_redirects=False,
        timeout=60,
    )
    assert answer.status_code == 303
    assert answer.headers["Set-Cookie"].startswith("__Host-")
    with proxy.door.engine.connect() as connection:
        where = connection.execute(sa.text("select address from telemetry.audit where what = 'log-in'")).scalars().all()
    # What a visitor claims of itself is not believed.
    assert where == ["127.0.0.1"]
