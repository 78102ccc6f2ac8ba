"""What operators do on *Tareas*: each deed a POST from our own page, on record, and then back with what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from telemetry_pipeline import broker
from telemetry_pipeline.errors import RequestRefused, TelemetryError, Unavailable
from telemetry_pipeline.steering import queues, runs, workers
from telemetry_pipeline.steering.record import Record
from telemetry_pipeline.web.access.door import actor, operators_only
from telemetry_pipeline.web.frame.forms import read_form
from telemetry_pipeline.web.operating.controls import Controls
from telemetry_pipeline.web.operating.launching import Launching
from telemetry_pipeline.web.operating.show import show
from telemetry_pipeline.web.operating.tasks import PATH, wanted_run

T = TypeVar("T")
Endpoint = Callable[[Request, Record], Awaitable[Response]]


class Acting:
    """The deeds, and the pages that ask whether to do them."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._launching = Launching(controls)

    def routes(self) -> list[BaseRoute]:
        """Return where they are; they come before the page of a run."""
        return [
            self._route(f"{PATH}/nueva", self._launching.ask, "GET"),
            self._route(f"{PATH}/nueva", self.launch, "POST"),
            self._route(f"{PATH}/cancelar-todas", self.ask_cancel_all, "GET"),
            self._route(f"{PATH}/cancelar-todas", self.cancel_all, "POST"),
            self._route(f"{PATH}/colas/{{queue}}/vaciar", self.ask_empty, "GET"),
            self._route(f"{PATH}/colas/{{queue}}/vaciar", self.empty, "POST"),
            self._route(f"{PATH}/procesos/reiniciar", self.ask_restart, "GET"),
            self._route(f"{PATH}/procesos/reiniciar", self.restart, "POST"),
            self._route(f"{PATH}/{{run_id}}/cancelar", self.cancel, "POST"),
            self._route(f"{PATH}/{{run_id}}/repetir", self.repeat, "POST"),
        ]

    def _route(self, path: str, endpoint: Endpoint, method: str) -> Route:
        async def for_operators(request: Request) -> Response:
            operators_only(request)
            return await endpoint(request, Record(self._controls.door.engine, actor(request)))

        return Route(path, for_operators, methods=[method], name=f"{method} {path}")

    async def launch(self, request: Request, record: Record) -> Response:
        """Launch what the form says; the form again, if that cannot be."""
        form = await read_form(request)
        try:
            asked = self._launching.read(form)
            run_id = await self._do(lambda: runs.launch(self._controls.doer, record, asked))
        except RequestRefused as err:
            return self._launching.form(request, form, err)
        return back(run_id, done="launched")

    async def cancel(self, request: Request, record: Record) -> Response:
        """Cancel a run."""
        run_id = wanted_run(request)
        await self._do(lambda: runs.cancel(self._controls.doer, record, run_id))
        return back(run_id, done="cancelled")

    async def repeat(self, request: Request, record: Record) -> Response:
        """Launch a run again."""
        run_id = wanted_run(request)
        return back(await self._do(lambda: runs.repeat(self._controls.doer, record, run_id)), done="repeated")

    async def ask_cancel_all(self, request: Request, _: Record) -> Response:
        """Return whether to."""
        say = self._controls.voice.say
        return self._sure(request, say.cancel_all_title, say.cancel_all_means)

    async def cancel_all(self, _: Request, record: Record) -> Response:
        """Cancel every run."""
        done = await self._do(lambda: runs.cancel_all(self._controls.doer, record))
        return back(done="cancelled_all", n=len(done.runs), refused=len(done.refused))

    async def ask_empty(self, request: Request, _: Record) -> Response:
        """Return whether to, and what follows from it."""
        queue, url = _queue(request), self._redis_url()
        waits, of = await self._do(lambda: (broker.waiting(url)[queue], queues.runs_waiting(url, queue)))
        voice = self._controls.voice
        title = voice.say.empty_title.format(queue=queue)
        if not waits:
            return self._sure(request, title, voice.say.empty_already, idle=True)
        means = voice.say.empty_means.format(messages=voice.number(waits), runs=voice.number(len(of)))
        option = ("cancelling", voice.say.empty_cancelling)
        return self._sure(request, title, means, option)

    async def empty(self, request: Request, record: Record) -> Response:
        """Empty a queue."""
        queue, url = _queue(request), self._redis_url()
        client = self._controls.doer if "cancelling" in await read_form(request) else None
        done = await self._do(lambda: queues.empty_queue(client, record, url, queue))
        return back(done="emptied", n=done.messages, refused=len(done.cancelled.refused))

    async def ask_restart(self, request: Request, _: Record) -> Response:
        """Return whether to."""
        say = self._controls.voice.say
        return self._sure(request, say.restart_title, say.restart_means)

    async def restart(self, _: Request, record: Record) -> Response:
        """Have the workers start anew."""
        await self._do(lambda: workers.restart_workers(self._controls.door.engine, record))
        return back(done="restarted")

    async def _do(self, deed: Callable[[], T]) -> T:
        """Do it; what our servers refuse is the asker's to know, not a failure of the door.

        :raises RequestRefused: it cannot be done, and why. :raises Unavailable: a server is away.
        """
        try:
            return await self._controls.act(deed)
        except (RequestRefused, Unavailable):
            raise
        except TelemetryError as err:
            raise RequestRefused(err.problem, err.advice) from err

    def _sure(
        self, request: Request, title: str, means: str, option: tuple[str, str] | None = None, *, idle: bool = False
    ) -> Response:
        """Ask whether that is to be done, and say what it means.

        :param option: name and words of a box to tick. :param idle: whether there is nothing to do.
        """
        voice = self._controls.voice
        return show(request, voice, "sure.html", title=title, means=means, option=option, idle=idle, back=PATH)

    def _redis_url(self) -> str:
        if self._controls.redis_url is None:
            raise RequestRefused("the front door does not know the broker", "give it REDIS_URL")
        return self._controls.redis_url


def back(run_id: str = "", **said: Any) -> Response:
    """Send back to the page of a run, or to the list, with what was done."""
    place = f"{PATH}/{run_id}" if run_id else PATH
    return RedirectResponse(f"{place}?{urlencode(said)}", status_code=303)


def _queue(request: Request) -> str:
    try:
        return queues.find_queue(request.path_params["queue"])
    except RequestRefused as err:
        raise HTTPException(404, err.problem) from err
