"""The start page: where one can go."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from telemetry_pipeline.web.frame.page import page
from telemetry_pipeline.words import door as words
from telemetry_pipeline.words.language import Language, Texts
from telemetry_pipeline.words.pages import PAGES


@dataclass(frozen=True)
class Place:
    """Somewhere to go.

    :ivar scope: who may.
    """

    title: str
    lead: str
    path: str
    scope: str = "viewer"


_SAY = Texts(PAGES, Language.ES)

PLACES = (
    *(
        Place(getattr(_SAY, name), getattr(_SAY, f"{name}_lead"), path)
        for name, path in {
            "today": "/hoy",
            "channels": "/canales",
            "periods": "/periodos",
            "subscribers": "/suscriptores",
            "glossary": "/glosario",
        }.items()
    ),
    Place(words.TASKS, words.TASKS_LEAD, "/tareas"),
    Place(words.STATE, words.STATE_LEAD, "/estado"),
    Place(words.API, words.API_LEAD, "/api/docs"),
    Place(words.DAGSTER, words.DAGSTER_LEAD, "/dagster"),
    Place(words.FLOWER, words.FLOWER_LEAD, "/flower", "operator"),
)


def routes() -> list[BaseRoute]:
    """Where the page is."""
    return [Route("/", _show)]


async def _show(request: Request) -> Response:
    places = [place for place in PLACES if place.scope in request.auth.scopes]
    return page(request, "start.html", places=places)
