"""The start page: where one can go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from telemetry_pipeline.web.frame.page import language_of, page
from telemetry_pipeline.words.door import DOOR
from telemetry_pipeline.words.language import Texts
from telemetry_pipeline.words.pages import PAGES
from telemetry_pipeline.words.reporting.pages import REPORTING
from telemetry_pipeline.words.upkeep.pages import OPERATING

_PLACES: Mapping[str, tuple[str, Mapping[str, tuple[str, str]]]] = {
    "/hoy": ("today", PAGES),
    "/canales": ("channels", PAGES),
    "/periodos": ("periods", PAGES),
    "/suscriptores": ("subscribers", PAGES),
    "/glosario": ("glossary", PAGES),
    "/informes": ("reports", REPORTING),
    "/tareas": ("tasks", OPERATING),
    "/estado": ("state", OPERATING),
    "/api": ("api", DOOR),
    "/dagster": ("dagster", DOOR),
    "/flower": ("flower", DOOR),
}
"""Where they are, and what they are called in which catalogue; ``NAME_lead`` says more."""
_OPERATORS = ("/flower",)


@dataclass(frozen=True)
class Place:
    """Somewhere to go."""

    title: str
    lead: str
    path: str


def routes() -> list[BaseRoute]:
    """Return where the page is."""
    return [Route("/", _show)]


async def _show(request: Request) -> Response:
    operates = "operator" in request.auth.scopes
    places = [_place(path, request) for path in _PLACES if operates or path not in _OPERATORS]
    return page(request, "start.html", places=places)


def _place(path: str, request: Request) -> Place:
    name, catalogue = _PLACES[path]
    say = Texts(catalogue, language_of(request))
    return Place(say[name], say[f"{name}_lead"], path)
