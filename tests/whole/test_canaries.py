"""A secret of each kind in the settings of a stack that works, fails, and is asked: none leaves a trace elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlsplit

import psycopg
import pytest
import redis
import requests
from terminal import Operator, days_ago, stack
from traces import dump, files, forms, leaks, watched

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.stack.servers.reach import at_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# With what has to be written otherwise in an address, in JSON, in a page. The broker's own and the session are added.
CANARIES = {
    "panaccess_password": "kanari/one@two:1&'\"<x>+%41",
    "panaccess_api_token": "kanari-token-2f9a+7=",
    "panaccess_salt": "kanari salt ñ",
    "web_secret": "kanari-door/5d21:x-of-thirty-two-characters",
    "alert": "kanari@alert/8c44%x",
    "alert_token": "kanari+alert token/77",
    "database": "kanari#base/9%e @x:y+z",
    "proxy": "kanari proxy/@3:1%",
}
NEVER = "0 0 29 2 *"
# They are for their owner's eyes, and name where everything is.
KEPT = {"stack.json", "web-secret"}
# The broker has the session for all workers.
SHARED = re.compile(r"session in \S+/valkey/")
NOWHERE = "127.0.0.1:9"

CODE = 'repositoryName: "__repository__", repositoryLocationName: "telemetry_pipeline"'
# Whatever tells of errors, configuration and runs.
DOCUMENTS = [
    """{ instance { info runLauncher { name }
         daemonHealth { allDaemonStatuses { daemonType lastHeartbeatErrors { message stack } } } } }""",
    """{ runsOrError { ... on Runs { results { runId runConfigYaml tags { key value } eventConnection(limit: 1000) { events {
         ... on MessageEvent { message }
         ... on ErrorEvent { error { message stack errorChain { error { message stack } } } } } } } } } }""",
    f"""{{ allTopLevelResourceDetailsOrError(repositorySelector: {{{CODE}}}) {{
           ... on ResourceDetailsList {{ results {{ name configuredValues {{ key value }} }} }} }} }}""",
    f"""{{ sensorsOrError(repositorySelector: {{{CODE}}}) {{ ... on Sensors {{ results {{ name sensorState {{
           ticks(limit: 20) {{ status skipReason cursor error {{ message stack }} }} }} }} }} }} }}""",
    f"""mutation {{ launchRun(executionParams: {{
           mode: "default", runConfigData: {{resources: {{nothing: 1}}}}, selector: {{jobName: "telemetry_tick", {CODE}}}}}) {{
           ... on PythonError {{ message stack }} ... on RunConfigValidationInvalid {{ errors {{ message }} }} }} }}""",
    "{ nothing }",
    "{",
]


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


def escaped(kind: str) -> str:
    return quote(CANARIES[kind], safe="")


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
        url = at_database(postgres_url, "canary").replace("postgres@", f"canary:{escaped('database')}@", 1)
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
                ALERT_URLS=f"json://somebody:{escaped('alert')}@127.0.0.1:{box.port}/"
                f" jsons://somebody:{escaped('alert')}@alerts.invalid/?+token={escaped('alert_token')}",
                WEB_SECRET=CANARIES["web_secret"],
                HTTPS_PROXY=f"http://somebody:{escaped('proxy')}@{NOWHERE}",
            ) as operator,
            watched(operator.state["redis_url"]) as found,
        ):
            CANARIES["broker"] = urlsplit(operator.state["redis_url"]).password or ""
            for number, (what, text) in enumerate(_eventful(operator, upstream, connection)):
                found[f"{number}: {what}"] = text
            found |= {f"alert {number}": text for number, text in enumerate(box.messages)}
            for database in ("canary", "canary_dagster"):
                found |= dump(at_database(postgres_url, database))
        yield found | files(operator.home, KEPT) | {"up": operator.log.read_text()}
        for statement in ("database canary with (force)", "database canary_dagster with (force)", "role canary"):
            connection.execute(f"drop {statement}")


def _eventful(operator: Operator, upstream: SimulatorServer, server: psycopg.Connection) -> Iterator[tuple[str, str]]:
    def types(*arguments: str, **settings: str) -> tuple[str, str]:
        environment = {**operator.environment, **settings}
        done = Operator(operator.home, environment, operator.process, operator.log).types(*arguments)
        return f"the screen at {' '.join(arguments)}", done.stdout + done.stderr

    yield types("run", "telemetry_tick")
    with redis.Redis.from_url(operator.state["redis_url"], decode_responses=True) as client:
        [key] = client.keys("telemetry:panaccess:*:session")
        CANARIES["session"] = str(client.get(key))
    yield types("doctor", PANACCESS_PASSWORD=CANARIES["alert"])
    everything = _known_upstream("panaccess_password", "panaccess_api_token", "panaccess_salt", "session", "digest")
    step, look = ("run", "telemetry_records"), ("status",)
    for command, echo in (
        (step, {"kind": "error", "error_code": "fatal_error", "message": everything}),
        (look, {"kind": "error", "error_code": everything, "message": "access denied, you have no permission"}),
        (step, {"kind": "malformed", "text": f"<html>{everything}"}),
        (look, {"kind": "error", "error_code": "fatal_error", "message": everything, "status": 403}),
        (step, {"kind": "answer", "answer": {"telemetryRecordEntries": everything}}),
    ):
        upstream.set_faults([echo])
        yield types(*command)
    upstream.expire_sessions()
    # Who logs in anew has no session yet.
    everything = _known_upstream("panaccess_password", "panaccess_api_token", "panaccess_salt", "digest")
    upstream.set_faults([{"kind": "error", "error_code": "login", "message": everything, "functions": ["*"]}])
    yield types("run", "telemetry_tick")
    for line in ("status", "doctor", "logs", "dead-letters", "dead-letters --format json", "status --format json"):
        yield types(*line.split())
    yield types("migrate", DATABASE_URL=f"postgresql://canary:{escaped('database')}@{NOWHERE}/canary")
    yield types("migrate", DATABASE_URL=f"postgresql://canary:{CANARIES['database']}@{NOWHERE}/canary")
    yield from _asked(operator)
    server.execute("alter role canary nologin")
    server.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'canary'")
    yield from _asked(operator)
    for line in ("status", "doctor"):
        yield types(*line.split())
    server.execute("alter role canary login")


def _asked(operator: Operator) -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        try:
            text = requests.post(
                operator.state["graphql_url"], json={"query": document}, headers=operator.token, timeout=60
            ).text
        except requests.RequestException as err:
            text = str(err)
        yield f"GraphQL {document}", text


def _known_upstream(*kinds: str) -> str:
    """What an upstream is told and what it gives, however it may write that."""
    digest = hashlib.md5((CANARIES["panaccess_password"] + CANARIES["panaccess_salt"]).encode(), usedforsecurity=False)
    CANARIES["digest"] = digest.hexdigest()
    hashes = {hashlib.md5(CANARIES[kind].encode(), usedforsecurity=False).hexdigest() for kind in kinds}
    written = [form for kind in kinds for form in sorted(forms(CANARIES[kind]) - hashes)]
    return " ".join([*written, CANARIES["digest"].upper()])


def test_no_secret_leaves_a_trace(traces: Mapping[str, str]) -> None:
    found = [line for line in leaks(CANARIES, traces) if not SHARED.match(line)]
    assert not found, "\n".join(found[:40])


@pytest.mark.parametrize(
    ("place", "word"),
    [
        (": the screen at status", "PanAccess"),
        (": the screen at doctor", "PanAccess"),
        (": the screen at dead-letters", "telemetry_records"),
        (": GraphQL { runsOrError", "PanAccess"),
        ("alert ", "PanAccess"),
        ("table telemetry.problems", "PanAccess"),
        ("table telemetry.dead_letters", "PanAccess"),
        ("table public.event_logs", "PanAccess"),
        ("/upstream.log", "login: HTTP 200"),
        ("/errors.log", "PanAccess"),
        ("arguments of ", "telemetry_pipeline"),
        ("command ", "execute_step"),
        ("up", "everything is up"),
    ],
)
def test_there_was_something_to_find(traces: Mapping[str, str], place: str, word: str) -> None:
    """Else the test above says nothing: errors were told, stored and shown."""
    assert any(word in text for found, text in traces.items() if place in found)


@pytest.mark.parametrize("kind", ["panaccess_password", "panaccess_salt", "database"])
def test_a_trace_would_be_found(kind: str) -> None:
    secret = CANARIES[kind]
    message = json.dumps({"error": f"no entry for {secret}", "padding": "x" * 40}).encode()
    planted = {f"form {number}": f"... {form} ..." for number, form in enumerate(sorted(forms(secret)))}
    planted |= {"a message": f"lpush ingest {base64.b64encode(message).decode()}", "a column": f"1\t\\\\x{message.hex()}\t2"}
    found = leaks({kind: secret}, planted)
    assert {line.split(" in ")[1].split(":")[0] for line in found} == planted.keys()
