"""The pipeline for programs: launch runs, watch them, cancel them, fetch what they computed, over GraphQL.

    client = TelemetryClient("http://127.0.0.1:3000/dagster/graphql", token="…")
    run_id = client.launch("telemetry_range", first="2026-10-01", last="2026-10-31")
    for progress in client.watch(run_id):
        print(f"{progress.percent:.0f} %  {progress.message}")
    rows = client.result("top_channels", partition="2026-10-31").rows

Needs neither Dagster nor the pipeline's settings. Every flow is shown in docs/graphql.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from telemetry_pipeline.client import documents
from telemetry_pipeline.client.answers import (
    Result,
    Run,
    RunStatus,
    found_run,
    launched_run,
    materialized,
    no_run,
    read_run,
    runs_filter,
)
from telemetry_pipeline.client.graphql import Json, refusal, unwrap
from telemetry_pipeline.client.launching.targets import Targets, launch_params, partition_tags, read_targets
from telemetry_pipeline.client.progress import Progress
from telemetry_pipeline.client.servers import Servers
from telemetry_pipeline.days import Day
from telemetry_pipeline.errors import CodeUnavailable, RequestRefused, TelemetryError
from telemetry_pipeline.job_names import ANY_ASSETS_JOB
from telemetry_pipeline.polling import polling
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START

_EVENTS_PER_PAGE = 500
_CODE_RETURNS_SECONDS = 60.0
_POLL_SECONDS = 0.5
_MOST_RUNS = 100_000


class TelemetryClient(Servers):
    """The pipeline behind one GraphQL address.

    Every method raises :class:`WebserverError` when nobody answers there, :class:`RequestRefused` when what is asked for does
    not exist or cannot be, and says what can; and :class:`TelemetryError` for what else the server could not do.
    """

    def launch(
        self,
        target: str | Sequence[str],
        *,
        partition: Day | None = None,
        first: Day | None = None,
        last: Day | None = None,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Launch a run, and answer with its id as soon as its process has begun. While the code server is restarted it waits,
        for a minute at most.

        :param target: a job, an asset, or several assets.
        :param partition: the day to run for; the newest there is, when neither it nor a range is given.
        :param first: the first day of a range; *last* is the last one, included.
        :param parameters: by asset: ``{"top_channels": {"limit": 5}}``.
        """
        return self._launch(self._targets(), target, partition, first, last, parameters, tags)

    def progress(self, run_id: str) -> Progress:
        """Return how far a run has come; :meth:`refresh` brings it up to date, which costs much less than asking anew."""
        progress = Progress(run_id)
        self.refresh(progress)
        return progress

    def refresh(self, progress: Progress) -> None:
        """Read what happened in a run since *progress* was last brought up to date."""
        run_id = progress.run_id
        if not progress.planned:
            run = found_run(self._server.ask(documents.RUN, id=run_id), run_id)
            if run["executionPlan"] is not None:
                progress.plan(step["key"] for step in run["executionPlan"]["steps"])
        more = True
        while more:
            answer = self._server.ask(documents.EVENTS, id=run_id, after=progress.cursor, limit=_EVENTS_PER_PAGE)
            status = RunStatus(found_run(answer, run_id)["status"])
            page = unwrap(answer["logsForRun"])
            progress.feed(page["events"])
            progress.cursor = page["cursor"] or progress.cursor
            more = page["hasMore"]
        # Last, so that a run that ended is seen with all that led there.
        progress.status = status

    def watch(self, run_id: str, poll_seconds: float = _POLL_SECONDS) -> Iterator[Progress]:
        """Yield the progress of a run, again and again until it ended; the same object each time, brought up to date."""
        progress = Progress(run_id)
        for _ in polling(interval=poll_seconds):
            self.refresh(progress)
            yield progress
            if progress.ended:
                return

    def wait(self, run_id: str, timeout_seconds: float) -> Run:
        """Wait until a run ended, however it did.

        :raises TelemetryError: it has not after *timeout_seconds*; it goes on.
        """
        status = RunStatus.STARTED
        for _ in polling(timeout_seconds, _POLL_SECONDS):
            if (status := self._status(run_id)).ended:
                return self.run(run_id)
        raise TelemetryError(f"run {run_id} has not ended after {timeout_seconds:g} s; it is {status} and goes on")

    def cancel(self, run_id: str, timeout_seconds: float = 60) -> None:
        """Ask a run to stop; it ends some seconds later, as CANCELED.

        A run cannot be stopped while it is starting: it is asked again until it can.

        :raises TelemetryError: it ended already, or cannot be stopped within *timeout_seconds*; says why.
        """
        answer: Json = {}
        for _ in polling(timeout_seconds, _POLL_SECONDS):
            if answer and self._status(run_id).ended:
                break
            answer = self._server.ask(documents.CANCEL, id=run_id)["terminateRun"]
            if answer["__typename"] == "TerminateRunSuccess":
                return
            if answer["__typename"] == "RunNotFoundError":
                raise no_run(run_id)
            if answer["__typename"] != "TerminateRunFailure":
                break
        raise TelemetryError(refusal(answer))

    def abandon(self, created_before: datetime) -> int:
        """Mark runs that have not ended as cancelled, without waiting for their processes; how many there were.

        :param created_before: with a time zone.
        """
        unfinished = [status for status in RunStatus if not status.ended]
        runs = self.runs(statuses=unfinished, created_before=created_before, limit=_MOST_RUNS)
        if runs:
            self._server.ask(documents.ABANDON, ids=[run.run_id for run in runs])
        return len(runs)

    def run(self, run_id: str) -> Run:
        """Return one run, with its steps."""
        return read_run(found_run(self._server.ask(documents.RUN, id=run_id), run_id))

    def runs(
        self,
        *,
        statuses: Iterable[RunStatus | str] | None = None,
        job: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
        steps: bool = False,
    ) -> list[Run]:
        """Return runs, the newest first.

        :param statuses: in one of these states only.
        :param created_after: with a time zone, as *created_before*.
        :param cursor: the id of the last run of the page before; the answer goes on behind it.
        :param steps: whether they have their steps, those that began; it takes some milliseconds a run.
        """
        if limit < 1:
            raise RequestRefused(f"limit is {limit}", "it has to be 1 or more")
        wanted = runs_filter(statuses, job, created_after, created_before)
        answer = self._server.ask(documents.RUNS, filter=wanted, limit=limit, cursor=cursor, steps=steps)["runsOrError"]
        found = [read_run(run) for run in unwrap(answer)["results"]]
        if not found:
            # The server finds nothing of a job or behind a run that it does not know, and does not say so.
            if job not in (None, ANY_ASSETS_JOB) and job not in (jobs := self._targets().jobs):
                raise RequestRefused(f"there is no job {job!r}", f"jobs: {', '.join(jobs)}")
            if cursor is not None:
                self._status(cursor)
        return found

    def reexecute(self, run_id: str, from_failure: bool = True) -> str:
        """Run again what a run ran, with its partitions, parameters and tags; the new run's id.

        :param from_failure: only what failed and what comes after it; else everything.
        """
        status = self._status(run_id)
        if from_failure and status not in (RunStatus.FAILURE, RunStatus.CANCELED):
            raise RequestRefused(f"run {run_id} is {status}: nothing failed there", "from_failure=False runs all of it again")
        strategy = "FROM_FAILURE" if from_failure else "ALL_STEPS"
        params = {"parentRunId": run_id, "strategy": strategy}
        return self._launched(lambda: self._server.ask(documents.REEXECUTE, params=params)["launchRunReexecution"])

    def document(self, name: str, partition: Day | None = None, *, first: Day | None = None, last: Day | None = None) -> Json:
        """Return a document as it is stored, with the results of default parameters; the front door is asked for it.

        :param partition: the day it is of, and of no more. When it and the range are left out, that of the newest single day,
            and where there is none, of the newest period.
        :param first: the first day of the range it is of exactly; *last* is the last one, included.
        """
        days = partition_tags("", partition, first, last) if partition or first or last else {}
        begin = days.get(PARTITION) or days.get(RANGE_START)
        end = days.get(PARTITION) or days.get(RANGE_END)
        asked = {name: day for name, day in {"from": begin, "to": end}.items() if day is not None}
        return self._server.fetch(f"/api/documents/{quote(name, safe='')}/stored", asked)

    def result(
        self,
        asset: str,
        *,
        partition: Day | None = None,
        first: Day | None = None,
        last: Day | None = None,
        parameters: Mapping[str, Any] | None = None,
        timeout_seconds: float = 120,
    ) -> Result:
        """Return the rows of an analysis, computed if they have to be; of a range, those of its last partition.

        :param partition: as in :meth:`launch`.
        :param parameters: the analysis' own: ``{"limit": 5}``.
        :raises TelemetryError: the run failed, or has not ended after *timeout_seconds*: it goes on, and what it computes is
            reused by the next call.
        """
        self._server.door()
        targets = self._targets()
        if asset not in targets.analyses:
            raise RequestRefused(f"there is no analysis {asset!r}", f"analyses: {', '.join(targets.analyses)}")
        of_asset = {asset: parameters} if parameters else None
        run_id = self._launch(targets, [asset], partition, first, last, of_asset, None)
        run = self.wait(run_id, timeout_seconds)
        if run.status != RunStatus.SUCCESS:
            raise TelemetryError(f"run {run_id} of {asset} did not succeed: {self.progress(run_id).message}")
        said = materialized(unwrap(self._server.ask(documents.STORED, id=run_id)["runOrError"]))
        if said is None:
            raise TelemetryError(
                f"run {run_id} of {asset} does not say where its rows are", "is the pipeline older than this client?"
            )
        address = urlsplit(said["rows"])
        found = self._server.fetch(address.path, dict(parse_qsl(address.query, keep_blank_values=True)))
        return Result(tuple(found["columns"]), found["rows"], said["period"], said["parameters"], run_id)

    def _status(self, run_id: str) -> RunStatus:
        return RunStatus(found_run(self._server.ask(documents.STATUS, id=run_id), run_id)["status"])

    def _targets(self) -> Targets:
        answer = self._server.ask(documents.TARGETS)["repositoryOrError"]
        if answer["__typename"] == "RepositoryNotFoundError":
            # The web server knows of nothing to launch while the code server is away.
            self.wait_for_code(_CODE_RETURNS_SECONDS)
            answer = self._server.ask(documents.TARGETS)["repositoryOrError"]
        return read_targets(answer)

    def _launch(
        self,
        targets: Targets,
        target: str | Sequence[str],
        partition: Day | None,
        first: Day | None,
        last: Day | None,
        parameters: Mapping[str, Mapping[str, Any]] | None,
        tags: Mapping[str, str] | None,
    ) -> str:
        selector, newest = targets.select(target)
        days = partition_tags(newest, partition, first, last)
        params = launch_params(selector, days, parameters or {}, tags or {}, targets.steps)
        return self._launched(lambda: self._server.ask(documents.LAUNCH, params=params)["launchRun"])

    def _launched(self, launch: Callable[[], Json]) -> str:
        """Return the id of the run that *launch* launches; while the code server is away, it is tried again."""
        for left in polling(_CODE_RETURNS_SECONDS, _POLL_SECONDS):
            with suppress(CodeUnavailable):
                return launched_run(launch())
            self.wait_for_code(left)
        return launched_run(launch())
