"""Where the pages of this room are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.web.access.door import Door, operators_only
from telemetry_pipeline.web.reporting import listing
from telemetry_pipeline.web.reporting.acting import Acting
from telemetry_pipeline.web.reporting.files import Files
from telemetry_pipeline.web.reporting.room import PATH, Room
from telemetry_pipeline.web.reporting.showing import show

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(door: Door, settings: DoorSettings) -> list[BaseRoute]:
    """Return all of them."""
    room = Room.of_settings(door, settings)
    acting, files = Acting(room), Files(room)

    async def reports(request: Request) -> Response:
        """Show what there is."""
        listed = await room.look(listing.read)
        shown = listed if "personal" in request.auth.scopes else listed.masked()
        return show(
            request,
            room,
            "reports.html",
            listed=shown,
            most_reports=listing.MOST_REPORTS,
            most_deliveries=listing.MOST_DELIVERIES,
            unsent_since=listed.unsent_since(datetime.now(UTC)),
        )

    return [
        Route(PATH, reports),
        _for_operators(f"{PATH}/nuevo", acting.ask_make, "GET"),
        _for_operators(f"{PATH}/nuevo", acting.make, "POST"),
        _for_operators(f"{PATH}/suscribir", acting.ask_subscribe, "GET"),
        _for_operators(f"{PATH}/suscribir", acting.subscribe, "POST"),
        _for_operators(f"{PATH}/suscripciones/{{number}}/terminar", acting.end, "POST"),
        _for_operators(f"{PATH}/envios/{{number}}/repetir", acting.send_again, "POST"),
        Route(f"{PATH}/{{report_id}}/{{format}}", files.file),
    ]


def _for_operators(path: str, endpoint: Endpoint, method: str) -> Route:
    async def for_operators(request: Request) -> Response:
        operators_only(request)
        return await endpoint(request)

    return Route(path, for_operators, methods=[method], name=f"{method} {path}")
