"""The addresses of the API."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import orjson
import sqlalchemy as sa
from starlette.authentication import requires
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.errors import RequestRefused, TelemetryError
from telemetry_pipeline.web.api import asking, catalogue, stored
from telemetry_pipeline.web.computing.answers import Answer, Answers
from telemetry_pipeline.web.computing.question import FORMS, TYPES, Question
from telemetry_pipeline.web.frame.naming import question_of
from telemetry_pipeline.web.frame.page import language_of, page
from telemetry_pipeline.web.frame.problems import problem, problem_of
from telemetry_pipeline.web.frame.waiting import GONE, while_asked
from telemetry_pipeline.words.api import API
from telemetry_pipeline.words.language import Texts

_PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}
_OF_SUBSCRIBERS = "is about single subscribers, which are not shown to you"
_ASK_FOR_IT = "whoever looks after users can allow it: telemetry-pipeline users add NAME --personal"


def routes(engine: sa.Engine, answers: Answers, allowed: Callable[[], AllowedDays]) -> list[BaseRoute]:
    """Return what programs ask.

    :param engine: of the warehouse.
    :param allowed: the days that may be asked for now.
    """
    api = _Api(engine, answers, allowed)
    return [
        Route("/api", api.page),
        Route("/api/analyses", _list(catalogue.analyses)),
        Route("/api/analyses/{name}", api.analysis),
        Route("/api/documents", _list(catalogue.documents)),
        Route("/api/documents/{name}", api.document),
        Route("/api/documents/{name}/stored", api.stored),
        Route("/api/openapi.json", _list(catalogue.openapi)),
    ]


class _Api:
    def __init__(self, engine: sa.Engine, answers: Answers, allowed: Callable[[], AllowedDays]) -> None:
        self._engine = engine
        self._answers = answers
        self._allowed = allowed
        self.analysis = requires("viewer")(self._analysis)
        self.document = requires("viewer")(self._document)
        self.stored = requires("viewer")(self._stored)
        self.page = requires("viewer")(self._page)

    async def _page(self, request: Request) -> Response:
        """Return what there is to ask for, as a page for whoever writes a program."""
        yesterday = self._allowed().last - timedelta(days=1)
        language = language_of(request)
        listed = [{**each, "question": question_of(each["name"], language)} for each in catalogue.analyses()]
        return page(request, "api.html", api=Texts(API, language), analyses=listed, forms=FORMS, day=yesterday)

    async def _analysis(self, request: Request) -> Response:
        """Return one analysis over some days, in the form that was asked for."""
        try:
            analysis = asking.find(request.path_params["name"])
        except LookupError as err:
            return problem(request, HTTPStatus.NOT_FOUND, str(err.args[0]), str(err.args[1]))
        personal = "personal" in request.auth.scopes
        if analysis.is_of_subscribers and not personal:
            return problem(request, HTTPStatus.FORBIDDEN, f"{analysis.name} {_OF_SUBSCRIBERS}", _ASK_FOR_IT)
        try:
            question = asking.question(analysis, request.query_params.multi_items(), self._allowed(), personal=personal)
            known = request.headers.get("if-none-match", "")
            answer = await while_asked(request, self._answers.answer(question, known))
        except TelemetryError as err:
            return problem_of(request, err)
        if answer is None:
            return Response(status_code=GONE)
        return _respond(question, answer, known)

    async def _document(self, request: Request) -> Response:
        """Return all analyses of a document over the same days."""
        name = request.path_params["name"]
        personal = "personal" in request.auth.scopes
        try:
            questions = asking.questions(name, request.query_params.multi_items(), self._allowed(), personal=personal)
            body = await while_asked(request, self._gather(questions))
        except LookupError as err:
            return problem(request, HTTPStatus.NOT_FOUND, str(err.args[0]), str(err.args[1]))
        except TelemetryError as err:
            return problem_of(request, err)
        if body is None:
            return Response(status_code=GONE)
        return Response(body, media_type=TYPES["json"], headers=_PRIVATE)

    async def _stored(self, request: Request) -> Response:
        """Return a document as it was stored."""
        name = request.path_params["name"]
        find = functools.partial(stored.find, self._engine, name, personal="personal" in request.auth.scopes)
        try:
            asking.check_document(name)
            days = asking.stored_days(request.query_params.multi_items(), self._allowed())
            body = await run_in_threadpool(find, days)
        except LookupError as err:
            return problem(request, HTTPStatus.NOT_FOUND, str(err.args[0]), str(err.args[1]))
        except TelemetryError as err:
            return problem_of(request, err)
        return Response(orjson.dumps(body), media_type=TYPES["json"], headers=_PRIVATE)

    async def _gather(self, questions: list[Question]) -> bytes:
        """Return the answers to all questions as one object; what cannot be answered has its error in its place."""
        parts: dict[str, Any] = {}
        # One after the other, for the processes that compute are there for others, too.
        for question in questions:
            try:
                answer = await self._answers.answer(question)
            except RequestRefused as err:
                parts[question.name] = {"error": {"problem": err.problem, "advice": err.advice}}
            else:
                parts[question.name] = orjson.loads(answer.body)
        versions = {part["views_version"] for part in parts.values() if "views_version" in part}
        version = versions.pop() if len(versions) == 1 else None
        return orjson.dumps({"views_version": version, "analyses": parts})


def _list(make: Callable[[], Any]) -> Callable[[Request], Awaitable[Response]]:
    @requires("viewer")
    async def listed(request: Request) -> Response:
        return Response(orjson.dumps(make()), media_type=TYPES["json"], headers=_PRIVATE)

    return listed


def _respond(question: Question, answer: Answer, known: str) -> Response:
    headers = {**_PRIVATE, "ETag": answer.etag}
    if answer.etag in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if question.form in ("csv", "xlsx"):
        name = f"{question.name}_{question.days.last}.{question.form}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(answer.body, media_type=TYPES[question.form], headers=headers)
