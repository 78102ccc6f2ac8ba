"""A report itself, in one of its formats, out of where reports are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from telemetry_pipeline.errors import ArchiveUnavailable, AskedWrongly, RequestRefused
from telemetry_pipeline.reports.archive.formats import FORMATS, name_of
from telemetry_pipeline.reports.archive.keeping import open_archive
from telemetry_pipeline.warehouse.outgoing import made_reports
from telemetry_pipeline.web.frame.threads import Threads
from telemetry_pipeline.web.reporting.room import Room

_ID = re.compile(r"[0-9]{1,18}")
_AT_ONCE = 4
_PATIENCE_SECONDS = 30.0
_SHOWN = ("pdf", "html")

_POLICIES: Mapping[str, str] = {
    # It shows itself, and runs nothing, asks nothing and sends nothing.
    "html": "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}


class Files:
    """The files; a few are read at once."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._threads = Threads(_AT_ONCE)

    async def file(self, request: Request) -> Response:
        """Return one.

        :raises AskedWrongly: there is none, or not any more. :raises ArchiveError: where it is kept does not work.
        """
        number, form = request.path_params["report_id"], request.path_params["format"]
        gone = AskedWrongly(self._room.speech.say.gone, status=HTTPStatus.NOT_FOUND)
        if not _ID.fullmatch(number) or form not in FORMATS:
            raise gone
        made = await self._room.look(lambda connection: made_reports.find(connection, int(number)))
        file = made.find_file(form) if made else None
        if file is None:
            raise gone
        name = name_of(file)
        # What a file is called says when it was made: it never changes.
        headers = {"Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization", "ETag": f'"{name}"'}
        if f'"{name}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        try:
            body = await self._threads.run(lambda: open_archive(self._room.settings).read(file.path), _PATIENCE_SECONDS)
        except TimeoutError:
            raise ArchiveUnavailable(f"reports are not read within {_PATIENCE_SECONDS:g} s") from None
        except RequestRefused as err:
            raise gone from err
        headers["Content-Disposition"] = f'{"inline" if form in _SHOWN else "attachment"}; filename="{name}"'
        if form in _POLICIES:
            headers["Content-Security-Policy"] = _POLICIES[form]
        return Response(body, media_type=FORMATS[form], headers=headers)
