"""Style, script and mark of the pages: files of our own, for everybody, kept for good under an address with their hash."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

PREFIX = "/static/"
"""Where they are; nobody has to log in for them."""

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True)
class _File:
    content: bytes
    media_type: str

    @functools.cached_property
    def version(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:12]


_FILES: Mapping[str, _File] = {
    path.name: _File(path.read_bytes(), _TYPES[path.suffix]) for path in _FOLDER.iterdir() if path.suffix in _TYPES
}


def asset(name: str) -> str:
    """Return the address of a file, another one whenever what is in it changes.

    :raises KeyError: there is none of that name.
    """
    return f"{PREFIX}{name}?v={_FILES[name].version}"


def routes() -> list[BaseRoute]:
    """Return where the files are."""
    return [Route(f"{PREFIX}{{name}}", _serve)]


async def _serve(request: Request) -> Response:
    file = _FILES.get(request.path_params["name"])
    if file is None:
        raise HTTPException(404)
    fresh = request.query_params.get("v") == file.version
    return Response(file.content, media_type=file.media_type, headers=_FOR_GOOD if fresh else {"Cache-Control": "no-cache"})
