"""What operators do on *Informes*: each deed a POST from our own page, on record, and then back with what came of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from telemetry_pipeline.errors import AskedWrongly, RequestRefused, TelemetryError, Unavailable
from telemetry_pipeline.reports.publishing.subscribing import find_same, subscribe
from telemetry_pipeline.steering import runs
from telemetry_pipeline.steering.launch import Launch
from telemetry_pipeline.steering.record import Record
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.core import names
from telemetry_pipeline.warehouse.outgoing import outbox, subscriptions
from telemetry_pipeline.web.access.door import actor
from telemetry_pipeline.web.frame.forms import read_form
from telemetry_pipeline.web.frame.threads import Threads
from telemetry_pipeline.web.reporting.asked import Form, read_report, read_subscription
from telemetry_pipeline.web.reporting.room import PATH, Room
from telemetry_pipeline.web.reporting.showing import show

_MOST_CHANNELS = 1_000
_LONGEST_ID = 18
# A launch takes as long as Dagster does, and nobody who looks waits for that.
_LAUNCHES_AT_ONCE = 10


class Acting:
    """The deeds, and the forms of those that need to know something."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._launches = Threads(_LAUNCHES_AT_ONCE)

    async def ask_make(self, request: Request) -> Response:
        """Return the form of a report now, as far as the address fills it in."""
        return await self._form(request, "make.html", dict(request.query_params))

    async def make(self, request: Request) -> Response:
        """Launch the run that makes a report, and lead to it; the form again, if that cannot be."""
        form, room, who = await read_form(request), self._room, actor(request)
        try:
            asked = await room.look(partial(self._read_report, form))
            run_id = await self._launches.run(lambda: self._launch(who, asked))
        except RequestRefused as err:
            return await self._form(request, "make.html", form, err)
        return RedirectResponse(f"/tareas/{run_id}?done=launched", status_code=303)

    async def ask_subscribe(self, request: Request) -> Response:
        """Return the form of a subscription, as far as the address fills it in."""
        return await self._form(request, "subscribe.html", dict(request.query_params))

    async def subscribe(self, request: Request) -> Response:
        """Have people get a report; the form again, if that cannot be."""
        form = await read_form(request)
        try:
            await self._room.change(partial(self._subscribe, form, actor(request)))
        except RequestRefused as err:
            return await self._form(request, "subscribe.html", form, err)
        return _back("subscribed")

    async def end(self, request: Request) -> Response:
        """End a subscription."""
        await self._settle(request, subscriptions.end, self._room.speech.say.no_such_subscription)
        return _back("ended")

    async def send_again(self, request: Request) -> Response:
        """Have a message sent again that did not arrive, or may not have."""
        await self._settle(request, outbox.send_again, self._room.speech.say.no_such_delivery)
        return _back("again")

    def _read_report(self, form: Form, connection: sa.Connection) -> Launch:
        return read_report(form, self._room.allowed, self._room.speech, partial(names.is_name, connection))

    def _launch(self, who: Actor, asked: Launch) -> str:
        """Launch a run.

        :raises RequestRefused: it cannot be, and why. :raises Unavailable: a server is away.
        """
        try:
            return runs.launch(self._room.client, Record(self._room.engine, who), asked)
        except (RequestRefused, Unavailable):
            raise
        except TelemetryError as err:
            raise RequestRefused(err.problem, err.advice) from err

    def _subscribe(self, form: Form, who: Actor, connection: sa.Connection) -> None:
        asked = read_subscription(form, self._room.speech, partial(names.is_name, connection))
        wanted = (asked.report, asked.channel, asked.formats, asked.recipients)
        if same := find_same(connection, *wanted):
            raise AskedWrongly(self._room.speech.say.subscribed_already.format(address=same[0], number=same[1]))
        subscribe(connection, who, *wanted)

    async def _settle(self, request: Request, deed: Callable[[sa.Connection, Actor, int], None], otherwise: str) -> None:
        """Do something about what the address names by its number.

        :param otherwise: what is said if there is no such thing any more.
        """
        number, who = request.path_params["number"], actor(request)
        if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_ID):
            raise AskedWrongly(otherwise, status=404)
        try:
            await self._room.change(lambda connection: deed(connection, who, int(number)))
        except RequestRefused as err:
            raise AskedWrongly(otherwise, status=404) from err

    async def _form(self, request: Request, template: str, given: Form, refusal: RequestRefused | None = None) -> Response:
        channels = await self._room.look(lambda connection: names.find_names(connection, _MOST_CHANNELS))
        values: dict[str, Any] = {"given": given, "channels": channels, "allowed": self._room.allowed}
        return show(request, self._room, template, refusal=refusal, **values)


def _back(done: str) -> Response:
    return RedirectResponse(f"{PATH}?done={done}", status_code=303)
