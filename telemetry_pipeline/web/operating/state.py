"""*Estado*: how every part of the system does. It answers whatever is away, and says so in that part."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from telemetry_pipeline import broker
from telemetry_pipeline.web.access.public import STATE_PARTS_PATH, STATE_PATH
from telemetry_pipeline.web.operating.board import OLD_SECONDS
from telemetry_pipeline.web.operating.controls import PATIENCE_SECONDS, Controls
from telemetry_pipeline.web.operating.metrics import Requests
from telemetry_pipeline.web.operating.show import show

# The frame is there at once, and a script fetches what is not.
_FIRST_SECONDS = 0.2


class State:
    """The page."""

    def __init__(self, controls: Controls, requests: Requests) -> None:
        self._controls = controls
        self._requests = requests

    def routes(self) -> list[BaseRoute]:
        """Return where it is."""
        return [Route(STATE_PATH, self.page), Route(STATE_PARTS_PATH, self.parts)]

    async def page(self, request: Request) -> Response:
        """Show the page with what is known by now."""
        # Who has no script asks again by hand, and then finds what was asked for meanwhile.
        return await self._show(request, "state.html", _FIRST_SECONDS)

    async def parts(self, request: Request) -> Response:
        """Return what of it changes."""
        return await self._show(request, "state_parts.html", PATIENCE_SECONDS)

    async def _show(self, request: Request, template: str, patience_seconds: float) -> Response:
        parts = await run_in_threadpool(self._controls.board.look, patience_seconds)
        return show(
            request,
            self._controls.voice,
            template,
            parts=parts,
            requests=self._requests.tally(),
            old_seconds=OLD_SECONDS,
            patience_seconds=round(PATIENCE_SECONDS),
            unserved=broker.unserved,
            zone=self._controls.voice.zone.key,
        )
