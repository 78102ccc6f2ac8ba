"""A secret of each kind in the settings of a stack that works, fails, and is asked: afterwards there is no trace of any where it
has no business.
"""

from __future__ import annotations

import base64
import hashlib
import html
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, quote_plus

import psutil
import psycopg
import pytest
import redis
from psycopg import sql
from terminal import Operator, days_ago, stack

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.stack.orphans import members
from telemetry_pipeline.stack.servers import at_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# With what has to be written otherwise in an address, in JSON, in a page.
CANARIES = {
    "panaccess_password": "kanari/one@two:1&'\"<x>",
    "panaccess_api_token": "kanari-token-2f9a+7=",
    "panaccess_salt": "kanari salt ñ",
    "flower_password": "kanari-flower-5d21",
    "alert": "kanari-alert-8c44",
    "database": "kanari#base/9%e",
}
NEVER = "0 0 29 2 *"
# They are for their owner's eyes, and name where everything is.
KEPT = {"stack.json", "flower-password"}


def forms(secret: str) -> set[str]:
    """How a secret may be written."""
    encoded = secret.encode()
    plain = {secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret), secret.replace('"', '\\"')}
    return plain | {base64.b64encode(encoded).decode(), hashlib.md5(encoded, usedforsecurity=False).hexdigest()}


class Mailbox:
    """Somebody who is told, and at first refuses to be."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.port = 0


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            box.messages.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200 if len(box.messages) > 1 else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        box.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield box
        server.shutdown()


@pytest.fixture(scope="module")
def traces(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What there is to read after an eventful time, by where it was found; and the secrets in ``CANARIES`` completed."""
    options = Options(
        records_count=2_000,
        days=3,
        password=CANARIES["panaccess_password"],
        api_token=CANARIES["panaccess_api_token"],
        salt=CANARIES["panaccess_salt"],
    )
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create role canary superuser login")
        connection.execute("create database canary owner canary")
        connection.execute("create database canary_dagster owner canary")
    who = f"canary:{quote(CANARIES['database'], safe='')}"
    url = at_database(postgres_url, "canary").replace("postgres@", f"{who}@", 1)
    folder = tmp_path_factory.mktemp("canaries")
    with (
        SimulatorServer(options) as upstream,
        mailbox() as box,
        stack(
            folder,
            TICK_CRON=NEVER,
            FIRST_PARTITION=days_ago(3),
            STEP_RETRIES="0",
            DATABASE_URL=url,
            DAGSTER_DATABASE_URL=at_database(url, "canary_dagster"),
            PANACCESS_URL=upstream.url,
            PANACCESS_USERNAME="simulator",
            PANACCESS_PASSWORD=CANARIES["panaccess_password"],
            PANACCESS_API_TOKEN=CANARIES["panaccess_api_token"],
            PANACCESS_SALT=CANARIES["panaccess_salt"],
            ALERT_URLS=f"json://somebody:{CANARIES['alert']}@127.0.0.1:{box.port}/",
            FLOWER_PASSWORD=CANARIES["flower_password"],
        ) as operator,
    ):
        found = {f"the screen at {what}": text for what, text in _eventful(operator, upstream)}
        found |= {f"alert {number}": text for number, text in enumerate(box.messages)}
        found |= _arguments(operator.home) | _files(operator.home) | _keys(operator.state["redis_url"])
        for database in ("canary", "canary_dagster"):
            found |= _tables(at_database(postgres_url, database))
    yield found | _files(operator.home) | {"up": operator.log.read_text()}
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for statement in ("database canary with (force)", "database canary_dagster with (force)", "role canary"):
            connection.execute(f"drop {statement}")


def _eventful(operator: Operator, upstream: SimulatorServer) -> Iterator[tuple[str, str]]:
    def types(*arguments: str) -> tuple[str, str]:
        done = operator.types(*arguments)
        return " ".join(arguments), done.stdout + done.stderr

    yield types("run", "telemetry_tick")
    with redis.Redis.from_url(operator.state["redis_url"], decode_responses=True) as client:
        [key] = client.keys("telemetry:panaccess:*:session")
        CANARIES["session"] = str(client.get(key))
    everything = " ".join(form for secret in CANARIES.values() for form in sorted(forms(secret)))
    digest = hashlib.md5((CANARIES["panaccess_password"] + CANARIES["panaccess_salt"]).encode(), usedforsecurity=False)
    CANARIES["digest"] = digest.hexdigest()
    everything += f" {digest.hexdigest()} {digest.hexdigest().upper()}"
    echoes = [
        {"kind": "error", "error_code": "fatal_error", "message": everything},
        {"kind": "error", "error_code": "unknown_error_serverside", "message": everything},
        {"kind": "error", "error_code": everything, "message": "access denied, you have no permission"},
        {"kind": "malformed", "text": f"<html>{everything}"},
        {"kind": "error", "error_code": "fatal_error", "message": everything, "status": 403},
        {"kind": "answer", "answer": {"telemetryRecordEntries": everything}},
    ]
    for echo in echoes:
        upstream.set_faults([echo])
        yield types("run", "telemetry_tick")
    upstream.expire_sessions()
    upstream.set_faults([{"kind": "error", "error_code": "login", "message": everything, "functions": ["*"]}])
    yield types("run", "telemetry_tick")
    for command in ("status", "doctor", "logs", "dead-letters", "dead-letters --format json", "status --format json"):
        yield types(*command.split())
    upstream.set_faults([])


def _files(home: Path) -> dict[str, str]:
    files = (path for path in home.rglob("*") if path.is_file() and path.name not in KEPT)
    return {str(path): path.read_bytes().decode("utf-8", "replace") for path in files}


def _arguments(home: Path) -> dict[str, str]:
    found = {}
    for process in members(home):
        try:
            found[f"arguments of {process.pid}"] = " ".join(process.cmdline())
        except psutil.Error:
            continue
    return found


def _keys(url: str) -> dict[str, str]:
    """Everything in the broker but the session, which is shared there."""
    with redis.Redis.from_url(url) as client:
        names = [name for name in client.keys("*") if not name.endswith(b":session")]
        return {f"broker {name!r}": str(client.dump(name)) for name in names}


def _tables(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        return {
            f"table {schema}.{table}": "\n".join(
                row for (row,) in connection.execute(sql.SQL("select t::text from {} t").format(sql.Identifier(schema, table)))
            )
            for schema, table in tables
        }


def test_no_secret_leaves_a_trace(traces: Mapping[str, str]) -> None:
    found = sorted(
        f"{kind} in {place}: ...{text[max(0, text.index(form) - 80) : text.index(form) + 60]!r}"
        for kind, secret in CANARIES.items()
        for form in forms(secret)
        for place, text in traces.items()
        if form in text
    )
    assert not found, "\n".join(found[:40])


def test_there_was_something_to_find(traces: Mapping[str, str]) -> None:
    """Else the test above says nothing: errors were told, stored and shown."""
    for place, word in {
        "the screen at status": "PanAccess",
        "table telemetry.problems": "PanAccess",
        "alert 1": "PanAccess",
    }.items():
        assert word in traces[place], place
    assert any(place.startswith("table public.event_logs") and "PanAccess" in text for place, text in traces.items())
    assert any(place.endswith(".log") and "PanAccess" in text for place, text in traces.items())
