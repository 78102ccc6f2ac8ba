"""The front door as an ASGI application: its rooms, and before them who asks and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.results.views.windows import rules_of
from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.web.access import login
from telemetry_pipeline.web.access.authentication import Authentication, unknown
from telemetry_pipeline.web.access.door import Door
from telemetry_pipeline.web.access.gate import Admission, Names
from telemetry_pipeline.web.access.public import HEALTH_PATH
from telemetry_pipeline.web.api import routes as api
from telemetry_pipeline.web.computing.answers import Answers
from telemetry_pipeline.web.computing.pool import Pool
from telemetry_pipeline.web.computing.worker import Data
from telemetry_pipeline.web.frame import assets
from telemetry_pipeline.web.frame.headers import Headers
from telemetry_pipeline.web.frame.problems import HANDLERS
from telemetry_pipeline.web.operating import routes as operating
from telemetry_pipeline.web.operating.metrics import Counting, Requests
from telemetry_pipeline.web.pages import routes as pages
from telemetry_pipeline.web.pages import start
from telemetry_pipeline.web.proxy.routes import Behind
from telemetry_pipeline.web.reporting import routes as reporting


def create_app(settings: DoorSettings, engine: sa.Engine | None = None, pool: Pool | None = None) -> ASGIApp:
    """Return the door, as a server runs it.

    :param engine: of the warehouse; default: that of the settings.
    :param pool: that computes; default: processes of its own.
    """
    door = Door.of_settings(settings, engine or shared(settings.database_url))
    requests = Requests()
    answers = _answers(settings, door.engine, pool)
    behind = Behind(door, settings.dagster_directory, settings.flower_directory)

    @asynccontextmanager
    async def serving(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            answers.close()
            await behind.aclose()

    routes: list[BaseRoute] = [
        Route(HEALTH_PATH, _health),
        *assets.routes(),
        *login.routes(door),
        *start.routes(),
        *reporting.routes(door, settings),
        *operating.routes(door, settings, requests, settings.language),
        *api.routes(door.engine, answers, _allowed_days(settings)),
        *pages.routes(settings, door.engine, answers),
        *behind.routes(),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Counting, requests=requests, routes=routes),
            Middleware(Names, door=door),
            Middleware(AuthenticationMiddleware, backend=Authentication(door), on_error=unknown),
            Middleware(Admission),
        ],
        exception_handlers=dict(HANDLERS),
        lifespan=serving,
    )
    app.state.door = door
    app.state.language = settings.language
    # Uvicorn has types of its own for what is the same.
    trusting: Any = ProxyHeadersMiddleware
    believing: ASGIApp = trusting(Headers(app), trusted_hosts=settings.trusted_proxies.split())
    return believing


def _answers(settings: DoorSettings, engine: sa.Engine, pool: Pool | None) -> Answers:
    rules = rules_of(settings)
    return Answers(engine, rules, pool or Pool(Data(settings.database_url, rules, settings.limits)))


def _allowed_days(settings: DoorSettings) -> Callable[[], AllowedDays]:
    return lambda: AllowedDays.until_today(settings.first_partition, settings.operator_zone)


async def _health(_: Request) -> Response:
    """Return whether the door itself works, whatever stands behind it."""
    return JSONResponse({"works": True})
