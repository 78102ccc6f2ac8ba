"""Runs of reports that are due, for schedules at their hour and for the sensor that sees to what these could not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import dagster as dg
import sqlalchemy as sa

from telemetry_pipeline.analyses.reports import Wanted
from telemetry_pipeline.days import Completeness
from telemetry_pipeline.reports.publishing.due import Decision, Due, decide
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import REPORT
from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Problem
from telemetry_pipeline.warehouse.outgoing import made_reports, subscriptions
from telemetry_pipeline.warehouse.raw import completeness


def requests_of(
    instance: dg.DagsterInstance, engine: sa.Engine, due: Due, settings: StackSettings, now: datetime, seen_since: datetime
) -> list[dg.RunRequest]:
    """Return the runs of a report that is due, one for each channel where it is of a channel; none, if it is made, or was asked
    for already, or waits.

    :raises WarehouseError: PostgreSQL is unreachable.
    """
    with snapshot(engine) as connection:
        known = completeness.read(connection)
        missing = [
            wanted
            for wanted in wanted_by(connection, due)
            if made_reports.find_scheduled(connection, due.kind.name, wanted.channel, due.period.first, due.period.last) is None
        ]
    missing = [wanted for wanted in missing if not _is_asked_for(instance, due, wanted)]
    if not missing:
        return []
    decision = decide(due, known, now, seen_since, settings)
    _tell(engine, due, known, decision)
    if decision not in (Decision.MAKE, Decision.MAKE_INCOMPLETE):
        return []
    return [_request(due, wanted) for wanted in missing]


def wanted_by(connection: sa.Connection, due: Due) -> Iterable[Wanted]:
    """Return what is to be made of a kind: one report, or one for each channel that somebody subscribed to."""
    if not due.kind.of_channel:
        return [Wanted(due.kind, due.period)]
    channels = {each.channel for each in subscriptions.find_open(connection) if each.report == due.kind.name}
    return [Wanted(due.kind, due.period, channel) for channel in sorted(channels)]


def _is_asked_for(instance: dg.DagsterInstance, due: Due, wanted: Wanted) -> bool:
    """Return whether there is a run of it, which may have failed: that is told, and for a person to repeat."""
    return bool(instance.get_runs(dg.RunsFilter(tags={REPORT: _tag(due, wanted)}), limit=1))


def _request(due: Due, wanted: Wanted) -> dg.RunRequest:
    channel = {"channel": wanted.channel} if wanted.channel else {}
    return dg.RunRequest(
        run_key=_tag(due, wanted),
        partition_key=due.period.first.isoformat(),
        asset_selection=[dg.AssetKey(due.kind.name)],
        run_config={"ops": {due.kind.name: {"config": {"deliver": True, **channel}}}},
        tags={REPORT: _tag(due, wanted)},
    )


def _tag(due: Due, wanted: Wanted) -> str:
    return f"{due.name}:{wanted.channel}" if wanted.channel else due.name


def _tell(engine: sa.Engine, due: Due, known: Completeness, decision: Decision) -> None:
    key = f"report:{due.kind.name}"
    if decision in (Decision.MAKE_INCOMPLETE, Decision.WITHHOLD):
        lacking = ", ".join(str(day) for day in due.period.days() if not known.is_complete(day))
        problem = Problem.of(key, f"{due.kind.name} of {due.period}: {decision.value}. Not complete: {lacking}.")
        if all((each.key, each.detail) != (key, problem.detail) for each in problems.open_problems(engine)):
            problems.report(engine, problem)
    elif decision is Decision.MAKE:
        problems.resolve(engine, key)
