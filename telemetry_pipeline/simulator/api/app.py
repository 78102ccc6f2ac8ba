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
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import orjson

from telemetry_pipeline.simulator.api import faults as fault
from telemetry_pipeline.simulator.api import form, lies, query
from telemetry_pipeline.simulator.api.faults import LISTINGS, Fault, Faults
from telemetry_pipeline.simulator.api.sending import (
    Receive,
    Reply,
    Scope,
    Send,
    drip,
    drop,
    left_within,
    read_body,
    send_reply,
    send_without_end,
)
from telemetry_pipeline.simulator.api.sessions import Sessions, TooManyLogins
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records import upheavals
from telemetry_pipeline.simulator.records.source import Source
from telemetry_pipeline.simulator.records.store import BadRecord

_FUNCTIONS = ("login", "loggedIn", "logout", *LISTINGS)

_REMEMBERED_CALLS = 1000


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
        """Return it as JSON data."""
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
        """Answer a request, as ASGI has it."""
        body = await read_body(receive)
        if body is None:
            return
        name = parse_qs(scope["query_string"].decode("latin-1")).get("f", [""])[0]
        if not name:
            await send_reply(send, self._control(scope["method"], scope["path"], body))
            return
        if scope["method"] != "POST":
            await send_reply(send, Reply(b"", 405))
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
            reply = Reply(_json(failure.envelope), failure.status)
        for one in fired:
            if isinstance(one, fault.Timeout) and await left_within(receive, one.seconds):
                return
            if isinstance(one, fault.Malformed):
                reply = Reply(reply.body[: len(reply.body) // 2] if one.text is None else one.text.encode())
            if isinstance(one, fault.Bomb):
                reply = Reply(lies.packed(reply.body, one.megabytes, one.encodings), reply.status, ", ".join(one.encodings))
            if isinstance(one, fault.Drip):
                await drip(receive, send, reply, one.seconds)
                return
            if isinstance(one, fault.Endless):
                await send_without_end(receive, send, one.content_length)
                return
            if isinstance(one, fault.Drop):
                await drop(scope, receive, send, reply, one.after_bytes)
                return
        await send_reply(send, reply)

    def _call(self, name: str, scope: Scope, body: bytes, fired: list[Fault]) -> Reply:
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

    def _login(self, parameters: Mapping[str, Any]) -> Reply:
        try:
            session = self.sessions.login(parameters)
        except TooManyLogins:
            raise _Failure("too_many_logins", "Too many logins. Please try again later.") from None
        if session is None:
            self.requests.rejected_logins += 1
        return _success(session or False)

    def _list(self, name: str, parameters: dict[str, Any], fired: list[Fault], body: bytes) -> Reply:
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
        return Reply(b"".join(parts))

    def _fail(self, faults: Sequence[Fault], body: bytes) -> None:
        for one in faults:
            if isinstance(one, fault.Error):
                raise _Failure(one.error_code, one.message + (self._told(body) if one.echo else ""), one.status)

    def _told(self, body: bytes) -> str:
        """Return what a server knows of a caller, in every form."""
        sent = [value for values in parse_qs(body.decode()).values() for value in values]
        known = [*sent, self._options.password, self._options.salt, body.decode()]
        return " " + " | ".join(lies.every_form(text) for text in known if text)

    def _control(self, method: str, path: str, body: bytes) -> Reply:
        try:
            return Reply(_json(self._switched(method, path, body)))
        except LookupError as error:
            return Reply(_json({"error": str(error)}), 404)
        except (fault.BadFault, BadRecord, form.BadForm) as error:
            return Reply(_json({"error": str(error)}), 400)

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


def _success(answer: Any) -> Reply:
    return Reply(_json({"success": True, "answer": answer}))


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
