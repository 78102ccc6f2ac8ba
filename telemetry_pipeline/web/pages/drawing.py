"""The pictures of pages, each at an address of its own: fetched after the page, laid into it, of the same answer as the tables."""

from __future__ import annotations

from functools import partial

import pandas as pd
from starlette.authentication import requires
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.reports.charts import drawing
from telemetry_pipeline.reports.charts.drawing import ThemeName
from telemetry_pipeline.web.pages.asked.query import Asked, AskedWrongly, read
from telemetry_pipeline.web.pages.opened import CHANNEL_PATH, PERSONAL, SUBSCRIBER_PATH, Endpoint, Pages
from telemetry_pipeline.web.pages.shown.answers import frame_of
from telemetry_pipeline.web.pages.shown.pictures import names_people

WIDTH, THEME = "ancho", "tema"
THEMES: dict[str, ThemeName] = {"pagina": "page", "claro": "light", "oscuro": "dark"}

_WIDTHS = range(280, 1601)
_USUAL_WIDTH = 720
_CHANNEL_COLUMNS = ("channel", "from_channel", "to_channel")


def endpoint(pages: Pages) -> Endpoint:
    """Answers with the picture of an analysis as SVG; without content, where there is nothing to draw."""

    @requires("viewer")
    async def draw(request: Request) -> Response:
        analysis = all_analyses().get(request.path_params["name"])
        if analysis is None:
            raise HTTPException(404)
        if names_people(analysis) and PERSONAL not in request.auth.scopes:
            raise HTTPException(403)
        allowed = AllowedDays.until_today(pages.first_day, pages.zone)
        asked = read(request.query_params, allowed, pages.speech, "7")
        theme, width = _theme(request, pages), _width(request, pages)
        frame = await frame_of(pages.computing, analysis.name, asked.period, parameters_of(analysis, asked))
        frame = of_channel(frame, asked.channel)
        links = {column: f"{_link(asked, column)}" for column in ("channel", "subscriber_code")}
        picture = await run_in_threadpool(partial(drawing.svg, analysis.name, frame, theme=theme, width=width, links=links))
        headers = {"Cache-Control": "private, no-cache"}
        if picture is None:
            return Response(status_code=204, headers=headers)
        return Response(picture, media_type="image/svg+xml", headers=headers)

    return draw


def parameters_of(analysis: Analysis, asked: Asked) -> dict[str, str]:
    """Of those that an address can name, the ones that the analysis takes."""
    named = {"channel": asked.channel, "subscriber_code": asked.code}
    return {name: value for name, value in named.items() if value and name in analysis.parameters.model_fields}


def of_channel(frame: pd.DataFrame, channel: str) -> pd.DataFrame:
    """The rows about a channel, if one is named."""
    columns = [name for name in _CHANNEL_COLUMNS if name in frame]
    if not channel or not columns:
        return frame
    part = frame[(frame[columns] == channel).any(axis=1)]
    part.attrs = frame.attrs
    return part


def _link(asked: Asked, column: str) -> str:
    if column == "channel":
        return asked.at(CHANNEL_PATH, channel="", code="", part="", everything=False) + "&canal="
    return asked.at(SUBSCRIBER_PATH, channel="", code="", part="", everything=False) + "&codigo="


def _theme(request: Request, pages: Pages) -> ThemeName:
    asked = request.query_params.get(THEME, "pagina")
    if asked not in THEMES:
        raise AskedWrongly(pages.speech.say.not_a_choice.format(text=pages.speech.cut(asked), choices=", ".join(THEMES)))
    return THEMES[asked]


def _width(request: Request, pages: Pages) -> int:
    asked = request.query_params.get(WIDTH, f"{_USUAL_WIDTH}")
    if not (asked.isdecimal() and len(asked) < 6 and int(asked) in _WIDTHS):
        choices = f"{_WIDTHS[0]} – {_WIDTHS[-1]}"
        raise AskedWrongly(pages.speech.say.not_a_choice.format(text=pages.speech.cut(asked), choices=choices))
    return int(asked)
