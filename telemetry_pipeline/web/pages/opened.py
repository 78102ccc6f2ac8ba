"""A page that somebody has opened: what was asked, what is known, and its answers on the way. Every page begins here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from starlette.authentication import requires
from starlette.requests import Request
from starlette.responses import Response

from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.errors import AskedWrongly
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.web.computing.looks import SharedLook
from telemetry_pipeline.web.pages.asked.form import Form
from telemetry_pipeline.web.pages.asked.query import Asked, as_far_as_it_can_be, read, typed_days
from telemetry_pipeline.web.pages.shown.answers import Answers
from telemetry_pipeline.web.pages.shown.computing import Answering
from telemetry_pipeline.web.pages.shown.knowledge import Knowledge
from telemetry_pipeline.web.pages.shown.notices import Notice, notices
from telemetry_pipeline.web.pages.shown.page import stream
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.shown import word

CHANNEL_PATH, SUBSCRIBER_PATH = "/canal", "/suscriptor"
PERSONAL = "personal"
"""The scope of who may see single subscribers."""

Show = Callable[["Opened"], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Pages:
    """What all pages have.

    :ivar knowing: what each has to know before it begins. :ivar first_day: that may be asked for.
    :ivar small_base: from how many subscribers on a figure is not a small one.
    """

    engine: sa.Engine
    knowing: SharedLook[Knowledge]
    answering: Answering
    speech: Speech
    first_day: date
    small_base: int

    @property
    def zone(self) -> ZoneInfo:
        """Of the operator."""
        return self.speech.zone

    def endpoint(self, show: Show, name: str, preset: str = "7", *, always: bool = False) -> Endpoint:
        """Return a page that answers requests.

        :param name: of its title in the catalogue.
        :param preset: the days of who names none.
        :param always: whether they are those of everybody, whatever an address says.
        """

        @requires("viewer")
        async def answer(request: Request) -> Response:
            seen = await self.knowing.now()
            allowed = AllowedDays.until_today(self.first_day, self.zone)
            answers = Answers(self.answering)
            asked = Asked.by_default(allowed.last, preset)
            try:
                asked = asked if always else read(request.query_params, allowed, self.speech, preset)
                return await show(Opened(self, request, name, asked, allowed, seen, answers))
            except AskedWrongly as err:
                answers.end()
                asked = as_far_as_it_can_be(request.query_params, asked, self.speech)
                again = Opened(self, request, name, asked, allowed, seen, answers, is_refused=True)
                return again.reply("asked_wrongly.html", status=err.status, problem=err.problem, choices=err.choices)

        return answer


@dataclass(frozen=True)
class Opened:
    """A page on its way to somebody.

    :ivar name: of its title in the catalogue. :ivar is_refused: whether it says why it cannot be, in place of figures.
    """

    pages: Pages
    request: Request
    name: str
    asked: Asked
    allowed: AllowedDays
    known: Knowledge
    answers: Answers
    is_refused: bool = False

    @property
    def speech(self) -> Speech:
        """The language of the page."""
        return self.pages.speech

    @property
    def path(self) -> str:
        """Where the page is."""
        return str(self.request.url.path)

    def may(self, scope: str) -> bool:
        """Return whether the reader may something."""
        return scope in self.request.auth.scopes

    @property
    def compares(self) -> bool:
        """Whether all is there of the days and of those that they are compared with."""
        return self.known.can_be_compared(self.asked.period, self.asked.against)

    def named(self, column: str) -> str:
        """Return what a column is called."""
        if self.speech.language is Language.EN:
            return column.replace("_", " ").capitalize()
        return word(column).capitalize()

    def to_channel(self, channel: str) -> str:
        """Return where the page of a channel is, on the same days."""
        return self.asked.at(CHANNEL_PATH, channel=channel, code="", part="", everything=False)

    def to_subscriber(self, code: str) -> str:
        """Return where the page of a subscriber is, on the same days."""
        return self.asked.at(SUBSCRIBER_PATH, channel="", code=code, part="", everything=False)

    def reply(self, template: str, *, status: int = 200, notes: list[Notice] | None = None, **values: Any) -> Response:
        """Return the page.

        :param notes: in place of what is to be known of its days.
        """
        refused = typed_days(self.request.query_params) if self.is_refused else None
        context: Mapping[str, Any] = {
            "asked": self.asked,
            "title": getattr(self.speech.say, self.name),
            "lead": getattr(self.speech.say, f"{self.name}_lead"),
            "form": Form(self.asked, self.allowed, self.path, self.known.channels, refused),
            "notices": notices(self.known, self.asked.period, self.speech) if notes is None else notes,
            "small_base": self.pages.small_base,
            "is_empty": self.known.days.first_day is None,
            **values,
        }
        return stream(self.request, self.speech, template, self.answers, status=status, **context)
