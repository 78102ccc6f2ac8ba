"""*Tareas*: the list of runs and the page of one, and the parts of both that a script fetches anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from telemetry_pipeline import broker
from telemetry_pipeline.client.answers import Run
from telemetry_pipeline.client.progress import Progress
from telemetry_pipeline.errors import RequestRefused, TelemetryError
from telemetry_pipeline.launches import JOBS
from telemetry_pipeline.monitoring.facts.runs import RunReport, examine_run
from telemetry_pipeline.steering.tasks import ASSETS, State, find_runs, state_of
from telemetry_pipeline.tags import Priority
from telemetry_pipeline.web.operating.asked import RUN_ID, Asked, blank, fields, read
from telemetry_pipeline.web.operating.controls import Controls
from telemetry_pipeline.web.operating.show import show

PATH = "/tareas"
ON_A_PAGE = 20
_FOLLOWED_AT_ONCE = 5

DONE = ("cancelled", "cancelled_all", "repeated", "launched", "emptied", "restarted")
"""What an address may say to have been done just before."""


@dataclass(frozen=True)
class Listed:
    """A page of the list.

    :ivar older: whether there are more behind it.
    :ivar progress: of those that run, by their ids.
    """

    runs: list[Run]
    older: bool
    progress: Mapping[str, Progress]


class Tasks:
    """Both pages."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def routes(self) -> list[BaseRoute]:
        """Return where they are."""
        return [
            Route(PATH, self.list),
            Route(f"{PATH}/partes", self.list_parts),
            Route(f"{PATH}/{{run_id}}", self.one),
            Route(f"{PATH}/{{run_id}}/partes", self.one_parts),
        ]

    async def list(self, request: Request) -> Response:
        """Return the list; with the form again if it asks for what cannot be."""
        try:
            asked, refusal = read(request.query_params, self._controls.voice), None
        except RequestRefused as err:
            asked, refusal = blank(fields(request.query_params)), err
        return await self._list(request, "tasks.html", asked, refusal)

    async def list_parts(self, request: Request) -> Response:
        """Return what of the list changes."""
        return await self._list(request, "tasks_parts.html", read(request.query_params, self._controls.voice), None)

    async def one(self, request: Request) -> Response:
        """Return the page of one run."""
        return await self._one(request, "task.html")

    async def one_parts(self, request: Request) -> Response:
        """Return what of it changes."""
        return await self._one(request, "task_parts.html")

    async def _list(self, request: Request, template: str, asked: Asked, refusal: RequestRefused | None) -> Response:
        listed, failure = None, None
        if refusal is None:
            try:
                listed = await self._controls.answer(lambda: self._find(asked))
            except RequestRefused as err:
                refusal = err
            except TelemetryError as err:
                failure = err
        return show(
            request,
            self._controls.voice,
            template,
            status=200 if refusal is None else 400,
            asked=asked,
            listed=listed,
            failure=failure,
            refusal=refusal,
            choices={"states": list(State), "jobs": [*JOBS, ASSETS]},
            queues=broker.QUEUES,
            state_of=state_of,
            done=done(request),
        )

    async def _one(self, request: Request, template: str) -> Response:
        run_id = wanted_run(request)
        report, progress = await self._controls.answer(lambda: self._examine(run_id))
        return show(
            request,
            self._controls.voice,
            template,
            run=report.run,
            report=report,
            progress=progress,
            priority=Priority.of_tags(report.run.tags),
            state_of=state_of,
            done=done(request),
        )

    def _find(self, asked: Asked) -> Listed:
        controls = self._controls
        found = find_runs(controls.client, asked.wanted, controls.settings.operator_zone, ON_A_PAGE + 1, asked.after)
        runs = found[:ON_A_PAGE]
        at_work = [run.run_id for run in runs if state_of(run) is State.RUNNING][:_FOLLOWED_AT_ONCE]
        progress = {run_id: known for run_id in at_work if (known := controls.progress(run_id))}
        return Listed(runs, len(found) > ON_A_PAGE, progress)

    def _examine(self, run_id: str) -> tuple[RunReport, Progress | None]:
        try:
            report = examine_run(self._controls.client, run_id)
        except RequestRefused as err:
            raise HTTPException(404, err.problem) from err
        return report, None if report.run.status.ended else self._controls.progress(run_id)


def wanted_run(request: Request) -> str:
    """Return the run that an address is about.

    :raises HTTPException: it cannot be one.
    """
    run_id: str = request.path_params["run_id"]
    if not RUN_ID.fullmatch(run_id):
        raise HTTPException(404, "there is no such run")
    return run_id


def done(request: Request) -> dict[str, Any] | None:
    """Return what was done just before, as the address says it, and of how many; None: nothing."""
    what = request.query_params.get("done")
    counts = {name: request.query_params.get(name, "") for name in ("n", "refused")}
    if what not in DONE or not all(
        text.isascii() and (not text or text.isdigit()) and len(text) < 8 for text in counts.values()
    ):
        return None
    return {"what": what, **{name: int(text or 0) for name, text in counts.items()}}
