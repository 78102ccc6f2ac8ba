"""What went wrong, as a page for people and as JSON for programs, and which status each error has."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from telemetry_pipeline.errors import (
    ArchiveError,
    ArchiveUnavailable,
    AskedWrongly,
    RequestRefused,
    TelemetryError,
    Unavailable,
    WarehouseUnavailable,
)
from telemetry_pipeline.printable import cut
from telemetry_pipeline.web.frame.page import NOT_KEPT, language_of, page, wants_page
from telemetry_pipeline.words.door import DOOR
from telemetry_pipeline.words.language import Texts

RETRY_SECONDS = 5
"""After which time somebody asks again who found PostgreSQL away; a page does so by itself."""

# The first that an error is one of.
_SENTENCES: Mapping[type[TelemetryError], str] = {
    WarehouseUnavailable: "database_away",
    ArchiveUnavailable: "archive_away",
    ArchiveError: "archive_refuses",
}

Handler = Callable[[Request, Exception], Awaitable[Response]]

_logger = logging.getLogger(__name__)


def problem(
    connection: HTTPConnection,
    status: int,
    problem: str = "",
    advice: str = "",
    headers: Mapping[str, str] | None = None,
    *,
    sentence: str = "",
    said: str = "",
) -> Response:
    """Return an answer that says what is wrong: a page if a browser asks, else ``{"error": {"problem": ..., "advice": ...}}``.

    :param problem: in one sentence; default: what the status is called. A page has it as a technical detail, if it is
        about what was asked for.
    :param sentence: by its name in the catalogue, what a page says in place of the words of its status.
    :param said: beside them, in the language of the page.
    """
    if not wants_page(connection):
        error = {"problem": problem or HTTPStatus(status).phrase, "advice": advice}
        return JSONResponse({"error": error}, status_code=status, headers={**NOT_KEPT, **(headers or {})})
    words = Texts(DOOR, language_of(connection))
    named = f"problem_{status}" if f"problem_{status}" in DOOR else "problem"
    technical = [cut(text, 600) for text in (problem, advice)] if status in (400, 413, 422) and not said else []
    again = status == HTTPStatus.SERVICE_UNAVAILABLE and connection.scope.get("method") in ("GET", "HEAD")
    return page(
        connection,
        "problem.html",
        status=status,
        headers=headers,
        title=words[named],
        sentence=words[sentence or f"{named}_lead"],
        said=said,
        technical=technical,
        status_code=status,
        again_seconds=RETRY_SECONDS if again else None,
    )


def problem_of(connection: HTTPConnection, err: TelemetryError) -> Response:
    """Return the answer to a request that came to an error of ours."""
    if isinstance(err, AskedWrongly):
        return problem(connection, err.status, err.problem, err.advice, said=cut(err.problem, 600))
    if isinstance(err, RequestRefused):
        return problem(connection, 400, err.problem, err.advice)
    sentence = next((name for kind, name in _SENTENCES.items() if isinstance(err, kind)), "")
    if isinstance(err, Unavailable):
        _logger.warning("%s %s: %s", connection.scope.get("method", "WebSocket"), connection.scope["path"], err)
        later = {"Retry-After": str(RETRY_SECONDS)}
        return problem(connection, 503, err.problem, err.advice, later, sentence=sentence)
    _logger.error("%s %s: %s", connection.scope.get("method", "WebSocket"), connection.scope["path"], err)
    return problem(connection, 500, err.problem, err.advice, sentence=sentence)


async def _of_http(request: Request, err: Exception) -> Response:
    assert isinstance(err, HTTPException)
    if not err.detail or err.status_code in (204, 304):
        return Response(status_code=err.status_code, headers=err.headers)
    return problem(request, err.status_code, err.detail, headers=err.headers)


async def _of_ours(request: Request, err: Exception) -> Response:
    assert isinstance(err, TelemetryError)
    return problem_of(request, err)


async def _of_others(request: Request, _: Exception) -> Response:
    """Answer 500; Starlette raises the error again behind the answer, so that the server logs it."""
    return problem(request, 500)


HANDLERS: Mapping[type[Exception], Handler] = {HTTPException: _of_http, TelemetryError: _of_ours, Exception: _of_others}
"""What Starlette does about errors that reach it."""
