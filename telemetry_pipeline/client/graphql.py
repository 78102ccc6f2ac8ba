"""One GraphQL address: documents sent there, and what comes back read, errors above all.

Which documents there are is in ``documents``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from telemetry_pipeline.amounts import size
from telemetry_pipeline.bounded import TooMuch, pool_classes
from telemetry_pipeline.errors import RequestRefused, TelemetryError, WebserverError, WebserverUnavailable
from telemetry_pipeline.sockets import DAGSTER_PATH, divided

Json = dict[str, Any]


_MAX_BYTES = 100_000_000
_PIECE_BYTES = 1_000_000
_BEHIND_THE_DOOR = f"{DAGSTER_PATH}/graphql"
_CODE_AWAY = ("DagsterUserCodeUnreachableError", "DagsterCodeLocationLoadError", "DagsterCodeLocationNotFoundError")


class Endpoint:
    """Sends documents to one address.

    :param url: of HTTP, or of a Unix socket such as ``unix:/run/telemetry/operators.sock:/dagster/graphql``.
    :param timeout_seconds: how long one answer may take.
    :param token: what is shown at the front door.
    """

    def __init__(self, url: str, timeout_seconds: float, token: str | None = None) -> None:
        socket, self._address = divided(url)
        self.url = url
        self._timeout = timeout_seconds
        self._session = open_session(socket)
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, document: str, **variables: Any) -> Json:
        """Return the data that answers a document.

        :raises WebserverUnavailable: nobody answers.
        :raises WebserverError: what is behind the web server is down.
        :raises TelemetryError: the document is refused.
        """
        status, answer = self._sent("POST", self._address, json={"query": document, "variables": variables})
        if answer is None:
            raise WebserverError(f"the webserver at {self.url} answered HTTP {status} without GraphQL")
        if answer.get("errors") or not isinstance(answer.get("data"), dict):
            errors = answer.get("errors")
            message = one_line(errors[0].get("message", "")) if errors else f"HTTP {status}"
            # 500: something behind it is down or wrong, perhaps for a moment; 400: the question itself is wrong.
            error = WebserverError if status >= 500 else TelemetryError
            raise error(f"the webserver at {self.url} could not answer: {message}")
        data: Json = answer["data"]
        return data

    def fetch(self, path: str, query: Mapping[str, str]) -> Json:
        """Return what the API of the front door, before this address, answers.

        :raises RequestRefused: there is no front door before it, or no such thing; says what there is.
        :raises WebserverUnavailable, WebserverError, TelemetryError: as :meth:`ask`.
        """
        status, answer = self._sent("GET", f"{self.door()}{path}", params=query, headers={"Accept": "application/json"})
        if answer is None:
            raise WebserverError(f"the front door at {self.door()} answered HTTP {status} without JSON")
        return answer

    def door(self) -> str:
        """Return the address of the front door before this one.

        :raises RequestRefused: there is none.
        """
        door = self._address.removesuffix(_BEHIND_THE_DOOR)
        if door == self._address or self.url != self._address:
            raise RequestRefused(
                f"results are read at the front door, and {self.url} is behind it", f"give its address, HOST{_BEHIND_THE_DOOR}"
            )
        return door

    def _sent(self, method: str, address: str, **more: Any) -> tuple[int, Json | None]:
        """Send a request and return the status and the JSON object of its answer; None: it has no such."""
        try:
            with self._session.request(method, address, timeout=self._timeout, stream=True, **more) as response:
                body = bytearray()
                for piece in response.iter_content(_PIECE_BYTES):
                    body += piece
                    if len(body) > _MAX_BYTES:
                        raise TooMuch
        except requests.RequestException as err:
            raise WebserverUnavailable(f"the webserver at {self.url} does not answer ({_reason(err)})") from err
        except TooMuch as err:
            raise WebserverError(f"the webserver at {self.url} answered with more than {size(_MAX_BYTES)}") from err
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
            raise _refused(response.status_code, answer["error"])
        return response.status_code, answer if isinstance(answer, dict) else None


def open_session(unix_socket: Path | None) -> requests.Session:
    """Return what asks a server of ours, at a socket or by HTTP."""
    session = requests.Session()
    # The stack listens on loopback: a proxy of the environment has no business in between.
    session.trust_env = False
    for scheme in ("http", "https"):
        adapter = HTTPAdapter()
        adapter.poolmanager.pool_classes_by_scheme = pool_classes(_MAX_BYTES, unix_socket=unix_socket)
        session.mount(f"{scheme}://", adapter)
    return session


def unwrap(answer: Json) -> Json:
    """Return a member of a union that is no error.

    :raises RequestRefused: what was asked for is not there.
    :raises TelemetryError: the server failed.
    """
    typename = answer["__typename"]
    if typename == "PythonError":
        raise TelemetryError(f"the webserver could not answer: {error_message(answer)}")
    if typename.endswith("NotFoundError"):
        raise RequestRefused(one_line(answer["message"]))
    if typename.endswith("Error"):
        raise TelemetryError(one_line(answer["message"]))
    return answer


def code_is_away(error: Json) -> bool:
    """Return whether a ``PythonError`` says that the code server does not answer; as a cause of another error it may have
    launched.
    """
    return error.get("className") in _CODE_AWAY


def refusal(answer: Json) -> str:
    """Return why a mutation was not carried out."""
    match answer["__typename"]:
        case "RunConfigValidationInvalid":
            return "; ".join(one_line(error["message"]) for error in answer["errors"])
        case "PythonError":
            return error_message(answer)
        case typename:
            return one_line(answer.get("message") or f"the server answered {typename}")


def error_message(error: Json) -> str:
    """Return the message worth reading of a ``PythonError`` and its causes, in one line.

    Dagster wraps what a step raises, and our own errors wrap what a library raised: ours says best what happened;
    without one of ours, the deepest cause does.
    """
    chain = [error, *error.get("causes", [])]
    own = [link for link in chain if link["message"].startswith("telemetry_pipeline.")]
    failures = [link for link in chain if link.get("className") == "Failure"]
    return one_line((own or failures or chain)[-1]["message"])


def one_line(message: str) -> str:
    """Return a message without its exception class's dotted name, on one line, of a bearable length."""
    text = " ".join(message.split())
    text = re.sub(r"^(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*: ", "", text)
    return text if len(text) <= 600 else text[:599] + "…"


def metadata(entries: Iterable[Json]) -> Json:
    """Return metadata entries as ``{label: int | float | str | bool | what JSON holds}``; other kinds are left out."""
    values: Json = {}
    for entry in entries:
        if "intRepr" in entry:
            values[entry["label"]] = int(entry["intRepr"])
        elif "jsonString" in entry:
            values[entry["label"]] = json.loads(entry["jsonString"])
        else:
            for field in ("floatValue", "text", "boolValue", "url"):
                if entry.get(field) is not None:
                    values[entry["label"]] = entry[field]
    return values


def _refused(status: int, error: Json) -> TelemetryError:
    """Return what the front door says in place of an answer."""
    problem, advice = (one_line(str(error.get(name) or "")) for name in ("problem", "advice"))
    if status in (400, 404):
        return RequestRefused(problem, advice)
    error_type = WebserverUnavailable if status in (429, 502, 503, 504) else TelemetryError
    return error_type(problem or f"the front door answered HTTP {status}", advice)


def _reason(err: requests.RequestException) -> str:
    if isinstance(err, requests.Timeout) or "timed out" in str(err):
        return "time-out"
    return "connection refused" if "refused" in str(err) else "connection lost"
