"""The pipeline for programs: launch runs, watch them, cancel them, fetch what they computed, over GraphQL.

    client = TelemetryClient("http://127.0.0.1:3000/graphql")
    run_id = client.launch("telemetry_range", first="2026-10-01", last="2026-10-31")
    for progress in client.watch(run_id):
        print(f"{progress.percent:.0f} %  {progress.message}")
    rows = client.result("top_channels", partition="2026-10-31").rows

Needs neither Dagster nor the pipeline's settings. Every flow is shown in docs/graphql.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telemetry_pipeline.client import documents
from telemetry_pipeline.client.answers import (
    ANY_ASSETS_JOB,
    Health,
    Result,
    Run,
    RunStatus,
    code_problem,
    read_health,
    read_run,
)
from telemetry_pipeline.client.graphql import (
    CodeAway,
    Endpoint,
    Json,
    code_is_away,
    metadata,
    refusal,
    unwrap,
)
from telemetry_pipeline.client.progress import Progress
from telemetry_pipeline.days import Day, asked_period
from telemetry_pipeline.errors import RequestRefused, StackError, TelemetryError
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START, ROWS

_EVENTS_PER_PAGE = 500
_CODE_RETURNS_SECONDS = 60.0
_POLL_SECONDS = 0.5
_DOCUMENTS_LOOKED_AT = 10


class TelemetryClient:
    """The pipeline behind one GraphQL address.

    Every method raises :class:`StackError` when nobody answers there, :class:`RequestRefused` when what is asked for does
    not exist or cannot be, and says what can; and :class:`TelemetryError` for what else the server could not do.

    :param timeout_seconds: how long one answer may take.
    """

    def __init__(self, graphql_url: str, timeout_seconds: float = 60) -> None:
        self._server = Endpoint(graphql_url, timeout_seconds)

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
        """How far a run has come; :meth:`refresh` brings it up to date, which costs much less than asking anew."""
        progress = Progress(run_id)
        self.refresh(progress)
        return progress

    def refresh(self, progress: Progress) -> None:
        """Read what happened in a run since *progress* was last brought up to date."""
        run_id = progress.run_id
        if not progress.planned:
            run = _found(self._server.ask(documents.RUN, id=run_id), run_id)
            if run["executionPlan"] is not None:
                progress.plan(step["key"] for step in run["executionPlan"]["steps"])
        more = True
        while more:
            answer = self._server.ask(documents.EVENTS, id=run_id, after=progress.cursor, limit=_EVENTS_PER_PAGE)
            status = RunStatus(_found(answer, run_id)["status"])
            page = unwrap(answer["logsForRun"])
            progress.feed(page["events"])
            progress.cursor = page["cursor"] or progress.cursor
            more = page["hasMore"]
        # Last, so that a run that ended is seen with all that led there.
        progress.status = status

    def watch(self, run_id: str, poll_seconds: float = _POLL_SECONDS) -> Iterator[Progress]:
        """The progress of a run, again and again until it ended; the same object each time, brought up to date."""
        progress = self.progress(run_id)
        while True:
            yield progress
            if progress.ended:
                return
            time.sleep(poll_seconds)
            self.refresh(progress)

    def wait(self, run_id: str, timeout_seconds: float) -> Run:
        """Wait until a run ended, however it did.

        :raises TelemetryError: it has not after *timeout_seconds*; it goes on.
        """
        deadline = time.monotonic() + timeout_seconds
        while not (status := self._status(run_id)).ended:
            if time.monotonic() > deadline:
                raise TelemetryError(f"run {run_id} has not ended after {timeout_seconds:g} s; it is {status} and goes on")
            time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
        return self.run(run_id)

    def cancel(self, run_id: str, timeout_seconds: float = 60) -> None:
        """Ask a run to stop; it ends some seconds later, as CANCELED.

        A run cannot be stopped while it is starting: it is asked again until it can.

        :raises TelemetryError: it ended already, or cannot be stopped within *timeout_seconds*; says why.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            answer = self._server.ask(documents.CANCEL, id=run_id)["terminateRun"]
            if answer["__typename"] == "TerminateRunSuccess":
                return
            if answer["__typename"] == "RunNotFoundError":
                raise _no_run(run_id)
            later = answer["__typename"] == "TerminateRunFailure" and time.monotonic() < deadline
            if not later or self._status(run_id).ended:
                raise TelemetryError(refusal(answer))
            time.sleep(_POLL_SECONDS)

    def run(self, run_id: str) -> Run:
        """One run, with its steps."""
        return read_run(_found(self._server.ask(documents.RUN, id=run_id), run_id))

    def runs(
        self,
        *,
        statuses: Iterable[RunStatus | str] | None = None,
        job: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> list[Run]:
        """Runs, the newest first, without their steps.

        :param statuses: in one of these states only.
        :param created_after: with a time zone, as *created_before*.
        :param cursor: the id of the last run of the page before; the answer goes on behind it.
        """
        if limit < 1:
            raise RequestRefused(f"limit is {limit}; it has to be 1 or more")
        wanted: Json = {}
        if statuses is not None:
            wanted["statuses"] = [_status(status) for status in statuses]
            if not wanted["statuses"]:
                raise RequestRefused(f"statuses is empty; states: {', '.join(RunStatus)}")
        if job is not None:
            wanted["pipelineName"] = job
        if created_after is not None:
            wanted["createdAfter"] = _seconds(created_after)
        if created_before is not None:
            wanted["createdBefore"] = _seconds(created_before)
        answer = self._server.ask(documents.RUNS, filter=wanted, limit=limit, cursor=cursor)["runsOrError"]
        found = [read_run(run) for run in unwrap(answer)["results"]]
        if not found:
            # The server finds nothing of a job or behind a run that it does not know, and does not say so.
            if job is not None and job not in (jobs := self._targets().jobs):
                raise RequestRefused(f"there is no job {job!r}; jobs: {', '.join(jobs)}")
            if cursor is not None:
                self._status(cursor)
        return found

    def reexecute(self, run_id: str, from_failure: bool = True) -> str:
        """Run again what a run ran, with its partitions, parameters and tags; the new run's id.

        :param from_failure: only what failed and what comes after it; else everything.
        """
        status = self._status(run_id)
        if from_failure and status not in (RunStatus.FAILURE, RunStatus.CANCELED):
            raise RequestRefused(f"run {run_id} is {status}: nothing failed there; from_failure=False runs all of it again")
        strategy = "FROM_FAILURE" if from_failure else "ALL_STEPS"
        params = {"parentRunId": run_id, "strategy": strategy}
        return self._launched(lambda: self._server.ask(documents.REEXECUTE, params=params)["launchRunReexecution"])

    def document(self, name: str, partition: Day | None = None, *, first: Day | None = None, last: Day | None = None) -> Json:
        """A document as it was last computed, with the results of default parameters.

        :param partition: the day it is of, and of no more. When it and the range are left out, that of the newest single day
            computed lately, else the newest.
        :param first: the first day of the range it is of exactly; *last* is the last one, included.
        """
        days = partition_tags("", partition, first, last) if partition or first or last else {}
        begin = days.get(PARTITION) or days.get(RANGE_START)
        end = days.get(PARTITION) or days.get(RANGE_END)
        answer = self._server.ask(
            documents.DOCUMENT, name=name, partitions=None if end is None else [end], limit=_DOCUMENTS_LOOKED_AT
        )["assetNodeOrError"]
        stored = answer.get("assetMaterializations", [])
        found: list[Json] = [
            values["document"] for each in stored if "document" in (values := metadata(each["metadataEntries"]))
        ]
        of_a_day = [body for body in found if body["filters"]["first"] == body["filters"]["last"]]
        exactly = [body for body in found if (body["filters"]["first"], body["filters"]["last"]) == (begin, end)]
        if answers := exactly if days else [*of_a_day, *found]:
            return answers[0]
        if name not in (names := self._targets().documents):
            raise RequestRefused(f"there is no document {name!r}; documents: {', '.join(names)}")
        wanted = "" if end is None else f" of {end}" if begin == end else f" of {begin} to {end}"
        if stored:
            raise RequestRefused(
                f"{name}{wanted} was computed within a range, which shows its last day's only, or for other days; launch it"
            )
        raise RequestRefused(f"{name}{wanted} has not been computed; launch it")

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
        """The rows of an analysis, computed if they have to be; of a range, those of its last partition.

        :param partition: as in :meth:`launch`.
        :param parameters: the analysis' own: ``{"limit": 5}``.
        :raises TelemetryError: the run failed, or has not ended after *timeout_seconds*: it goes on, and what it computes is
            reused by the next call.
        """
        targets = self._targets()
        if asset not in targets.analyses:
            raise RequestRefused(f"there is no analysis {asset!r}; analyses: {', '.join(targets.analyses)}")
        of_asset = {asset: parameters} if parameters else None
        run_id = self._launch(targets, [asset], partition, first, last, of_asset, {ROWS: "all"})
        run = self.wait(run_id, timeout_seconds)
        if run.status != RunStatus.SUCCESS:
            raise TelemetryError(f"run {run_id} of {asset} did not succeed: {self.progress(run_id).message}")
        answer = unwrap(self._server.ask(documents.ROWS, id=run_id)["runOrError"])
        for stored in answer["assetMaterializations"]:
            values = metadata(stored["metadataEntries"])
            if "rows" in values:
                [preview] = [entry["table"] for entry in stored["metadataEntries"] if "table" in entry]
                columns = tuple(column["name"] for column in preview["schema"]["columns"])
                rows = [{column: row[column] for column in columns} for row in values["rows"]]
                return Result(columns, rows, values["period"], values["parameters"], run_id)
        raise TelemetryError(f"run {run_id} of {asset} succeeded without its rows; is the pipeline older than this client?")

    def health(self) -> Health:
        """How the web server, the code and the daemon are."""
        return read_health(self._server.ask(documents.HEALTH))

    def wait_for_code(self, seconds: float) -> None:
        """Wait until the pipeline's code is loaded.

        :raises StackError: it is not after *seconds*, or it cannot be loaded; says why.
        """
        deadline = time.monotonic() + seconds
        while (problem := code_problem(self._server.ask(documents.CODE))) is not None:
            if time.monotonic() > deadline:
                raise StackError(f"the stack is running, but its code is not loaded: {problem}")
            time.sleep(_POLL_SECONDS)

    def _status(self, run_id: str) -> RunStatus:
        return RunStatus(_found(self._server.ask(documents.STATUS, id=run_id), run_id)["status"])

    def _targets(self) -> _Targets:
        answer = self._server.ask(documents.TARGETS)["repositoryOrError"]
        if answer["__typename"] == "RepositoryNotFoundError":
            # The web server knows of nothing to launch while the code server is away.
            self.wait_for_code(_CODE_RETURNS_SECONDS)
            answer = self._server.ask(documents.TARGETS)["repositoryOrError"]
        answer = unwrap(answer)
        newest = {job["name"]: next(iter(job["partitionKeysOrError"]["partitionKeys"]), None) for job in answer["jobs"]}
        assets = {"/".join(node["assetKey"]["path"]): node for node in answer["assetNodes"]}
        return _Targets(
            jobs={name: day for name, day in newest.items() if name != ANY_ASSETS_JOB},
            assets={name: newest.get(ANY_ASSETS_JOB) if node["isPartitioned"] else None for name, node in assets.items()},
            analyses=tuple(name for name, node in assets.items() if "duckdb" in node["kinds"]),
            documents=tuple(name for name, node in assets.items() if node["groupName"] == "documents"),
        )

    def _launch(
        self,
        targets: _Targets,
        target: str | Sequence[str],
        partition: Day | None,
        first: Day | None,
        last: Day | None,
        parameters: Mapping[str, Mapping[str, Any]] | None,
        tags: Mapping[str, str] | None,
    ) -> str:
        selector, newest = targets.select(target)
        days = partition_tags(newest, partition, first, last)
        if taken := days.keys() & (tags or {}).keys():
            raise RequestRefused(f"the tag {min(taken)} is given by the partition or the range, not by tags")
        _check_parameters(parameters or {}, selector)
        params = {
            "selector": {"repositoryLocationName": documents.LOCATION, "repositoryName": documents.REPOSITORY, **selector},
            "mode": "default",
            "runConfigData": {"ops": {asset: {"config": dict(values)} for asset, values in (parameters or {}).items()}},
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in {**(tags or {}), **days}.items()]},
        }
        return self._launched(lambda: self._server.ask(documents.LAUNCH, params=params)["launchRun"])

    def _launched(self, launch: Callable[[], Json]) -> str:
        """The id of the run that *launch* launches; while the code server is away, it is tried again."""
        deadline = time.monotonic() + _CODE_RETURNS_SECONDS
        while True:
            try:
                return _launched(launch())
            except CodeAway:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_POLL_SECONDS)
            self.wait_for_code(deadline - time.monotonic())


@dataclass(frozen=True)
class _Targets:
    """What can be launched, by name with its newest partition; None: it has no partitions."""

    jobs: Mapping[str, str | None]
    assets: Mapping[str, str | None]
    analyses: tuple[str, ...]
    documents: tuple[str, ...]

    def select(self, target: str | Sequence[str]) -> tuple[Json, str | None]:
        """What of a run's selector says to run *target*, and its newest partition."""
        if isinstance(target, str) and target in self.jobs:
            return {"jobName": target}, self.jobs[target]
        names = [target] if isinstance(target, str) else list(target)
        for name in names:
            if name not in self.assets:
                raise RequestRefused(
                    f"there is no {'job or ' if isinstance(target, str) else ''}asset {name!r};"
                    f" jobs: {', '.join(self.jobs)}; assets: {', '.join(self.assets)}"
                )
        if not names:
            raise RequestRefused(f"nothing is to be launched; assets: {', '.join(self.assets)}")
        return {"jobName": ANY_ASSETS_JOB, "assetSelection": [{"path": [name]} for name in names]}, self.assets[names[0]]


def partition_tags(newest: str | None, partition: Day | None, first: Day | None, last: Day | None) -> dict[str, str]:
    """The tags that tell a run its partitions; that they exist, the server checks.

    :param newest: the partition that is meant when none is given; None: what runs has no partitions.
    :raises RequestRefused: they contradict each other.
    """
    period = asked_period(partition, first, last)
    if newest is None:
        if period is not None:
            raise RequestRefused("what is to be launched has no partitions; give none")
        return {}
    if period is None:
        return {PARTITION: newest}
    if period.length == 1:
        return {PARTITION: period.first.isoformat()}
    return {RANGE_START: period.first.isoformat(), RANGE_END: period.last.isoformat()}


def _check_parameters(parameters: Mapping[str, Any], selector: Json) -> None:
    """What the server would not tell; the rest it checks itself."""
    selected = [key["path"][0] for key in selector.get("assetSelection", [])]
    if isinstance(ops := parameters.get("ops"), Mapping):
        of_assets = {asset: each["config"] for asset, each in ops.items() if isinstance(each, Mapping) and "config" in each}
        raise RequestRefused(f"parameters are given as {of_assets}, without what GraphQL has around them")
    if loose := {name: value for name, value in parameters.items() if not isinstance(value, Mapping)}:
        raise RequestRefused(f"parameters are given as { ({selected[0] if len(selected) == 1 else 'ASSET': loose}) }")
    for asset, values in parameters.items():
        if selected and asset not in selected:
            raise RequestRefused(f"{asset!r} is given parameters and is not launched; launched: {', '.join(selected)}")
        try:
            json.dumps(dict(values), allow_nan=False)
        except (TypeError, ValueError) as err:
            raise RequestRefused(f"the parameters of {asset!r} cannot be written as JSON: {err}") from err


def _found(answer: Json, run_id: str) -> Json:
    if answer["runOrError"]["__typename"] == "RunNotFoundError":
        raise _no_run(run_id)
    return unwrap(answer["runOrError"])


def _launched(answer: Json) -> str:
    if answer["__typename"] == "PythonError" and code_is_away(answer):
        raise CodeAway(f"the code server does not answer: {refusal(answer)}")
    if answer["__typename"] != "LaunchRunSuccess":
        raise RequestRefused(refusal(answer))
    return str(answer["run"]["runId"])


def _no_run(run_id: str) -> RequestRefused:
    return RequestRefused(f"there is no run {run_id!r}; runs() lists those there are")


def _status(status: RunStatus | str) -> RunStatus:
    try:
        return RunStatus(status)
    except ValueError:
        raise RequestRefused(f"{status!r} is not a state of a run; states: {', '.join(RunStatus)}") from None


def _seconds(moment: datetime) -> float:
    if moment.tzinfo is None:
        raise RequestRefused(f"{moment} has no time zone; give it one")
    return moment.timestamp()
