"""The simulator as an ASGI application: PanAccess's functions, and the switches that tests use.

``POST /?f=FUNCTION&requestMode=function`` with a form as its body: ``login``, ``loggedIn``, ``logout``,
``getListOfTelemetryRecords`` (also ``getListOfTelemetryRecordEntries``, ``getTelemetryRecords``), each with ``cv``
before it or not. The answer is ``{"success": true, "answer": ...}`` or
``{"success": false, "answer": null, "errorCode": ..., "errorMessage": ...}`` in an HTTP 200. A listing's answer is
``{"telemetryRecordEntries": [...], "count": N}``: ``count`` is all that matches the filters, whatever the page, and can
be left out by an option. A rejected login is a success whose answer is false.

Without a function in the query there are

- ``GET /health``: ``{"status": "ok", "records": visible, "highest_id": ..., "pending": not visible yet}``;
- ``GET``, ``POST``, ``DELETE /faults``: show, replace, end the faults, see ``faults``;
- ``POST /records``: a JSON list of records in API field names becomes visible; any ids that are not there yet;
- ``POST /upheaval``: the records become others, see ``upheavals``;
- ``POST``, ``DELETE /silence``: begin, end a time in which nothing new comes;
- ``POST /reveal``: every late id becomes visible now;
- ``POST /expire``: every session ends now;
- ``GET``, ``DELETE /requests``: show, reset ``functions`` (calls by name without ``cv``), ``rejected_logins``,
  ``errors`` (error envelopes), ``rows`` (records sent) and ``calls`` (the last 1,000 listings: their ``parameters``
  without the session, and ``rows``, null if there was no answer).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson

from telemetry_pipeline.simulator.api import faults as fault
from telemetry_pipeline.simulator.api import form, lies, query
from telemetry_pipeline.simulator.api.faults import LISTINGS, Fault, Faults
from telemetry_pipeline.simulator.api.sessions import Sessions, TooManyLogins
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records import upheavals
from telemetry_pipeline.simulator.records.source import Source
from telemetry_pipeline.simulator.records.store import BadRecord

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Where the server leaves a function that resets the connection.
RESET_EXTENSION = "simulator.reset"

_FUNCTIONS = ("login", "loggedIn", "logout", *LISTINGS)
_REMEMBERED_CALLS = 1000


@dataclass(frozen=True)
class _Reply:
    body: bytes
    status: int = 200
    encoding: str | None = None


class _Failure(Exception):
    """The call ends with an error envelope."""

    def __init__(self, code: str, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.envelope = {"success": False, "answer": None, "errorCode": code, "errorMessage": message}
        self.status = status


class Requests:
    """What was asked for since the last reset."""

    def __init__(self) -> None:
        self.functions: Counter[str] = Counter()
        self.rejected_logins = 0
        self.errors = 0
        self.rows = 0
        self.calls: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED_CALLS)

    def described(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "functions": dict(self.functions),
            "rejected_logins": self.rejected_logins,
            "errors": self.errors,
            "rows": self.rows,
            "calls": list(self.calls),
        }


class Simulator:
    """The application. All of it runs on one event loop; nothing here may be used from another thread."""

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        """``clock`` gives seconds since 1970. Makes or loads the records."""
        self.source = Source(options, clock)
        self.sessions = Sessions(options, clock)
        self.faults = Faults()
        self.requests = Requests()
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        body = await _body(receive)
        if body is None:
            return
        name = parse_qs(scope["query_string"].decode("latin-1")).get("f", [""])[0]
        if not name:
            await _send(send, self._control(scope["method"], scope["path"], body))
            return
        if scope["method"] != "POST":
            await _send(send, _Reply(b"", 405))
            return
        name = _without_cv(name)
        self.requests.functions[name] += 1
        if self._options.latency_ms:
            await asyncio.sleep(self._options.latency_ms / 1000)
        fired = self.faults.before(name)
        if any(isinstance(one, fault.ExpiredSession) for one in fired):
            self.sessions.end_all()
        try:
            reply = self._call(name, scope, body, fired)
        except _Failure as failure:
            self.requests.errors += 1
            reply = _Reply(_json(failure.envelope), failure.status)
        for one in fired:
            if isinstance(one, fault.Timeout) and await _left_within(receive, one.seconds):
                return
            if isinstance(one, fault.Malformed):
                reply = _Reply(reply.body[: len(reply.body) // 2] if one.text is None else one.text.encode())
            if isinstance(one, fault.Bomb):
                reply = _Reply(lies.packed(reply.body, one.megabytes, one.encodings), reply.status, ", ".join(one.encodings))
            if isinstance(one, fault.Drip):
                await _drip(receive, send, reply, one.seconds)
                return
            if isinstance(one, fault.Endless):
                await _send_without_end(receive, send, one.content_length)
                return
            if isinstance(one, fault.Drop):
                await _drop(scope, receive, send, reply, one.after_bytes)
                return
        await _send(send, reply)

    def _call(self, name: str, scope: Scope, body: bytes, fired: list[Fault]) -> _Reply:
        """Answer one function; faults that depend on the answer's ids are added to ``fired``."""
        self._fail(fired, body)
        for one in fired:
            if isinstance(one, fault.Answer):
                return _success(one.answer)
        if parse_qs(scope["query_string"].decode("latin-1")).get("requestMode") != ["function"]:
            raise _Failure("fatal_error", "requestMode must be function.")
        if name not in _FUNCTIONS:
            raise _Failure("function_not_available", f"The function {name} is not available.")
        try:
            parameters = form.parameters(body)
        except form.BadForm as error:
            raise _Failure("fatal_error", f"Invalid request: {error}.") from error
        if name == "login":
            return self._login(parameters)
        session = parameters.pop("sessionId", None)
        if name == "loggedIn":
            return _success(self.sessions.alive(session))
        if not self.sessions.alive(session):
            raise _Failure("access_denied", f"You do not have the permission to call the function {name}.")
        if name == "logout":
            self.sessions.end(session)
            return _success(True)
        return self._list(name, parameters, fired, body)

    def _login(self, parameters: Mapping[str, Any]) -> _Reply:
        try:
            session = self.sessions.login(parameters)
        except TooManyLogins:
            raise _Failure("too_many_logins", "Too many logins. Please try again later.") from None
        if session is None:
            self.requests.rejected_logins += 1
        return _success(session or False)

    def _list(self, name: str, parameters: dict[str, Any], fired: list[Fault], body: bytes) -> _Reply:
        call: dict[str, Any] = {"parameters": parameters, "rows": None}
        self.requests.calls.append(call)
        try:
            asked = query.parse(parameters, self._options.page_cap)
            page = query.select(self.source.listed(), asked)
        except query.BadQuery as error:
            raise _Failure("fatal_error", f"Invalid request: {error}.") from error
        if self.faults.by_id:
            by_id = self.faults.after(name, page.ids())
            fired += by_id
            self._fail(by_id, body)
        pieces: Iterable[bytes | memoryview] = page.json()
        rows = len(page)
        if any(isinstance(one, fault.RowFault) for one in fired):
            pieces = changed = fault.changed_rows(page.rows(), page.ids(), fired, asked.limit)
            rows = len(changed)
        self.requests.rows += rows
        call["rows"] = rows
        end = b'],"count":%d}}' % page.count if self._options.count else b"]}}"
        # One join: the rows are copied once on their way to the socket.
        parts = [b'{"success":true,"answer":{"telemetryRecordEntries":[', *_with_commas(pieces), end]
        return _Reply(b"".join(parts))

    def _fail(self, faults: Sequence[Fault], body: bytes) -> None:
        for one in faults:
            if isinstance(one, fault.Error):
                raise _Failure(one.error_code, one.message + (self._told(body) if one.echo else ""), one.status)

    def _told(self, body: bytes) -> str:
        """What a server knows of a caller, in every form."""
        sent = [value for values in parse_qs(body.decode()).values() for value in values]
        known = [*sent, self._options.password, self._options.salt, body.decode()]
        return " " + " | ".join(lies.every_form(text) for text in known if text)

    def _control(self, method: str, path: str, body: bytes) -> _Reply:
        try:
            return _Reply(_json(self._switched(method, path, body)))
        except LookupError as error:
            return _Reply(_json({"error": str(error)}), 404)
        except (fault.BadFault, BadRecord, form.BadForm) as error:
            return _Reply(_json({"error": str(error)}), 400)

    def _switched(self, method: str, path: str, body: bytes) -> Any:
        match method, path:
            case "GET", "/health":
                return self._health()
            case "GET", "/faults":
                return self.faults.described()
            case "POST" | "DELETE", "/faults":
                self.faults.set(_decoded(body) if method == "POST" else [])
                return self.faults.described()
            case "POST", "/records":
                self.source.add(_records(body))
                return self._health()
            case "POST", "/upheaval":
                self.source.upset(upheavals.parsed(_decoded(body)))
                return self._health()
            case "POST" | "DELETE", "/silence":
                self.source.silent = method == "POST"
                return self._health()
            case "POST", "/reveal":
                self.source.reveal()
                return self._health()
            case "POST", "/expire":
                self.sessions.end_all()
                return self._health()
            case "GET" | "DELETE", "/requests":
                if method == "DELETE":
                    self.reset_requests()
                return self.requests.described()
        raise LookupError(f"there is no {method} {path} without a function f")

    def reset_requests(self) -> None:
        """Begin to count anew."""
        self.requests = Requests()

    def _health(self) -> dict[str, Any]:
        source = self.source
        return {
            "status": "ok",
            "records": len(source),
            "highest_id": source.highest_id,
            "pending": source.pending,
        }


def _without_cv(name: str) -> str:
    return name[2:3].lower() + name[3:] if name.startswith("cv") and name[2:3].isupper() else name


def _with_commas(pieces: Iterable[bytes | memoryview]) -> list[bytes | memoryview]:
    return [part for piece in pieces for part in (b",", piece)][1:]


def _success(answer: Any) -> _Reply:
    return _Reply(_json({"success": True, "answer": answer}))


def _json(value: Any) -> bytes:
    return orjson.dumps(value)


def _decoded(body: bytes) -> Any:
    try:
        # Not orjson: a number out of range must get through.
        return json.loads(body)
    except ValueError as error:
        raise form.BadForm(f"the body is not JSON: {error}") from error


def _records(body: bytes) -> list[dict[str, Any]]:
    records = _decoded(body)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise form.BadForm("the body is not a JSON list of records")
    return records


async def _body(receive: Receive) -> bytes | None:
    """The request's body; ``None`` if the client left."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


async def _left(receive: Receive) -> None:
    """Wait until the connection is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _left_within(receive: Receive, seconds: float) -> bool:
    """Wait; whether the client left meanwhile."""
    try:
        await asyncio.wait_for(_left(receive), seconds)
    except TimeoutError:
        return False
    return True


async def _send(send: Send, reply: _Reply, *, body: bytes | None = None) -> None:
    """Send the reply, or only the part ``body`` of its body."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(reply.body))]
    if reply.encoding:
        headers.append((b"content-encoding", reply.encoding.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    part = reply.body if body is None else body
    await send({"type": "http.response.body", "body": part, "more_body": len(part) < len(reply.body)})


async def _drop(scope: Scope, receive: Receive, send: Send, reply: _Reply, after_bytes: int) -> None:
    if after_bytes:
        await _send(send, reply, body=reply.body[: min(after_bytes, len(reply.body) - 1)])
    scope["extensions"][RESET_EXTENSION]()
    # Until the server has noticed that the connection is gone, it would complete the answer itself.
    await _left(receive)


async def _drip(receive: Receive, send: Send, reply: _Reply, seconds: float) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(reply.body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for place in range(len(reply.body)):
        await send({"type": "http.response.body", "body": reply.body[place : place + 1], "more_body": True})
        if await _left_within(receive, seconds):
            return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_without_end(receive: Receive, send: Send, content_length: int | None) -> None:
    headers = [(b"content-type", b"application/json")]
    if content_length is not None:
        headers.append((b"content-length", b"%d" % content_length))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while not await _left_within(receive, 0.001):
        await send({"type": "http.response.body", "body": b" " * 200_000, "more_body": True})
