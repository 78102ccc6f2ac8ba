"""The pictures of pages, each at an address of its own: fetched after the page, of the same answer as its tables."""

from __future__ import annotations

from datetime import date, timedelta

from starlette.authentication import requires
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import AllowedDays, Period
from telemetry_pipeline.errors import AskedWrongly, NothingToDraw
from telemetry_pipeline.reports.charts.drawing import OTHERS, ThemeName
from telemetry_pipeline.web.computing.question import Look, Question
from telemetry_pipeline.web.frame.waiting import GONE, while_asked
from telemetry_pipeline.web.pages.asked.query import Asked, read
from telemetry_pipeline.web.pages.opened import PERSONAL, Endpoint, Pages
from telemetry_pipeline.web.pages.shown.computing import question

WIDTH, THEME = "ancho", "tema"
THEMES: dict[str, ThemeName] = {"pagina": "page", "claro": "light", "oscuro": "dark"}

_A_WEEK = timedelta(days=7)
_WIDTHS = range(280, 1601)
_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}


def endpoint(pages: Pages) -> Endpoint:
    """Answers with the picture of an analysis as SVG; without content, where there is nothing to draw."""

    @requires("viewer")
    async def draw(request: Request) -> Response:
        asked = _asked(request, pages)
        known = request.headers.get("if-none-match", "")
        try:
            answer = await while_asked(request, pages.answering.answer(asked, known))
        except NothingToDraw:
            return Response(status_code=204, headers=_HEADERS)
        if answer is None:
            return Response(status_code=GONE)
        headers = {**_HEADERS, "ETag": answer.etag}
        if answer.etag in known:
            return Response(status_code=304, headers=headers)
        return Response(answer.body, media_type="image/svg+xml", headers=headers)

    return draw


def _asked(request: Request, pages: Pages) -> Question:
    """Return what the address asks for.

    :raises HTTPException: there is no such analysis, or whoever asks may not see it. :raises AskedWrongly: it cannot be.
    """
    name = request.path_params["name"]
    analysis = all_analyses().get(OTHERS.get(name, name))
    if analysis is None:
        raise HTTPException(404)
    if analysis.is_of_subscribers and PERSONAL not in request.auth.scopes:
        raise HTTPException(403)
    query, speech = request.query_params, pages.speech
    asked = read(query, AllowedDays.until_today(pages.first_day, pages.zone), speech, "7")
    theme, width = query.get(THEME, "pagina"), query.get(WIDTH)
    if theme not in THEMES:
        raise AskedWrongly(speech.say.not_a_choice.format(text=speech.cut(theme), choices=", ".join(THEMES)))
    if width is not None and not (width.isascii() and width.isdecimal() and len(width) < 6 and int(width) in _WIDTHS):
        choices = f"{_WIDTHS[0]}-{_WIDTHS[-1]}"
        raise AskedWrongly(speech.say.not_a_choice.format(text=speech.cut(width), choices=choices))
    parameters = parameters_of(analysis, asked)
    channel = "" if "channel" in parameters else asked.channel
    look = Look(
        theme=THEMES[theme], width=None if width is None else int(width), channel=channel, drawn=name if name in OTHERS else ""
    )
    if name in OTHERS and asked.period.first >= date.min + _A_WEEK:
        return question(analysis.name, Period(asked.period.last - _A_WEEK, asked.period.last), {}, "svg", look)
    return question(analysis.name, asked.period, dict(parameters), "svg", look)


def parameters_of(analysis: Analysis, asked: Asked) -> dict[str, str | int]:
    """Return the parameters that an address can name and the analysis takes."""
    named = {"channel": asked.channel, "subscriber_code": asked.code}
    return {name: value for name, value in named.items() if value and name in analysis.parameters.model_fields}
