"""Runs of reports that are due, for schedules at their hour and for the sensor that sees to what these could not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg
import sqlalchemy as sa

from telemetry_pipeline.analyses.reports import Wanted
from telemetry_pipeline.reports.publishing.due import Decision, Due, decide
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import REPORT
from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Problem
from telemetry_pipeline.warehouse.outgoing import made_reports, subscriptions
from telemetry_pipeline.warehouse.raw.completeness import merged


@dataclass(frozen=True)
class Answer:
    """What becomes of a report that is due.

    :ivar decision: None: it is made, or asked for already, or nobody wants it.
    :ivar requests: runs, one for each channel where it is of a channel.
    :ivar lacking: its days that are not complete.
    """

    due: Due
    decision: Decision | None = None
    requests: tuple[dg.RunRequest, ...] = ()
    lacking: tuple[date, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether it is to be looked at again."""
        return self.decision is Decision.WAIT


def look_at(
    instance: dg.DagsterInstance, engine: sa.Engine, due: Due, settings: StackSettings, now: datetime, seen_since: datetime
) -> Answer:
    """Return what becomes of a report that is due.

    :raises WarehouseError: PostgreSQL is unreachable.
    """
    with snapshot(engine) as connection:
        known = merged(connection)
        missing = [
            wanted
            for wanted in wanted_by(connection, due)
            if made_reports.find_scheduled(connection, due.kind.name, wanted.channel, due.period.first, due.period.last) is None
        ]
    missing = [wanted for wanted in missing if not _is_asked_for(instance, due, wanted)]
    if not missing:
        return Answer(due)
    decision = decide(due, known, now, seen_since, settings)
    is_made = decision in (Decision.MAKE, Decision.MAKE_INCOMPLETE)
    requests = tuple(_request(due, wanted) for wanted in missing) if is_made else ()
    return Answer(due, decision, requests, tuple(day for day in due.period.days() if not known.is_complete(day)))


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


def tell(engine: sa.Engine, answers: Sequence[Answer]) -> None:
    """Report what is given up or goes out although its days are not complete, and that it is over with the next that is whole.

    :raises WarehouseError: PostgreSQL is unreachable.
    """
    for name in dict.fromkeys(each.due.kind.name for each in answers):
        key, of_kind = f"report:{name}", [each for each in answers if each.due.kind.name == name]
        lines = [
            f"{name} of {each.due.period}: {each.decision.value}. Not complete: {', '.join(map(str, each.lacking))}."
            for each in of_kind
            if each.decision in (Decision.MAKE_INCOMPLETE, Decision.WITHHOLD)
        ]
        if lines:
            problem = Problem.of(key, "\n".join(lines))
            if all((each.key, each.detail) != (key, problem.detail) for each in problems.open_problems(engine)):
                problems.report(engine, problem)
        elif any(each.decision is Decision.MAKE for each in of_kind):
            problems.resolve(engine, key)
