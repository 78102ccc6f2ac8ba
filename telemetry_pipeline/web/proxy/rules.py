"""What may pass to Dagster and Flower, whoever asks: pure, a request's line and headers in, a refusal out.

Dagster takes mutations from whatever a page from elsewhere can have a browser send: by GET, as text, as a form. Here GraphQL is
JSON by POST or a WebSocket, and everything else is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from telemetry_pipeline.sockets import DAGSTER_PATH, FLOWER_PATH

GRAPHQL_PATH = f"{DAGSTER_PATH}/graphql"
_TASKS_PATH = f"{FLOWER_PATH}/tasks/datatable"
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_UNUSUAL = re.compile(r"[\x00-\x1f\x7f\\]|//|/\.\.?(/|$)")
# Events that nobody caused, and files of the code server's disk: nobody here needs either.
_CLOSED = re.compile(rf"{DAGSTER_PATH}/(report_asset\w*|(dagit/)?notebook)(/.*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Refusal:
    """Why something may not pass: an HTTP status, and a sentence for who asked."""

    status: int
    problem: str


def dagster(scope: Scope) -> Refusal | None:
    """Return why a request may not pass to Dagster; None if it may."""
    path = scope["path"]
    if refusal := _unusual(path):
        return refusal
    if _CLOSED.fullmatch(path):
        return Refusal(404, "This is not served here.")
    if scope["type"] == "websocket":
        return None if path == GRAPHQL_PATH else Refusal(404, "There is no WebSocket here.")
    if path != GRAPHQL_PATH:
        return None if _reads(scope) else Refusal(405, "Only GraphQL takes anything, by POST.")
    if scope["method"] != "POST":
        return Refusal(405, "GraphQL is asked by POST.")
    return None if _content_type(scope) == _JSON else Refusal(415, "GraphQL takes application/json alone.")


def flower(scope: Scope) -> Refusal | None:
    """Return why a request may not pass to Flower, which only shows; None if it may."""
    if refusal := _unusual(scope["path"]):
        return refusal
    # Its table of tasks is asked for by a form.
    asks = scope["path"] == _TASKS_PATH and scope["method"] == "POST" and _content_type(scope) == _FORM
    return None if asks or _reads(scope) else Refusal(405, "Flower only shows.")


def _unusual(path: str) -> Refusal | None:
    """Refuse a path that is written in an unusual way, in which whoever hands it on could read another one."""
    return Refusal(400, "The path is not written as it should be.") if _UNUSUAL.search(path) else None


def _reads(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD")


def _content_type(scope: Scope) -> str | None:
    """Return the type of the body, if just one is told; in small letters, as Dagster spells it, or it reads the address
    instead.
    """
    types = Headers(scope=scope).getlist("content-type")
    return types[0].partition(";")[0].strip() if len(types) == 1 else None
