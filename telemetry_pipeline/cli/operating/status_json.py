"""What ``status`` knows as JSON for programs: keys that stay, times in the operator's zone with their offset."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from telemetry_pipeline.cli.target import Here
from telemetry_pipeline.client.answers import Run, Step
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.monitoring.facts.overview import Overview
from telemetry_pipeline.monitoring.facts.runs import RunReport
from telemetry_pipeline.sockets import DAGSTER_PATH
from telemetry_pipeline.warehouse.operations.status import WarehouseStatus


def overview_facts(seen: Overview, here: Here, zone: ZoneInfo) -> dict[str, Any]:
    """Return the pipeline at a glance; null is what was not asked or did not answer, ``failures`` says why."""

    def at(value: datetime | None) -> str | None:
        return _at(value, zone)

    return {
        "at": at(seen.at),
        "time_zone": zone.key,
        "failures": {server: {"problem": err.problem, "advice": err.advice} for server, err in seen.failures.items()},
        "stack": {
            "running": here.stack is not None,
            "started_at": at(here.stack.started_at) if here.stack else None,
            "web_url": here.web_url,
            "graphql_url": here.web_url and f"{here.web_url.rstrip('/')}{DAGSTER_PATH}/graphql",
            "flower_url": here.stack.flower_url if here.stack else None,
        },
        "problems": seen.incidents
        and [
            {
                "key": each.key,
                "summary": each.summary,
                "detail": each.detail,
                "advice": each.advice,
                "run_id": each.run_id,
                "opened_at": at(each.opened_at),
                "last_at": at(each.last_at),
                "times": each.times,
            }
            for each in seen.incidents
        ],
        "alert_channels": seen.channels
        and [
            {
                "channel": each.channel,
                "succeeded_at": at(each.succeeded_at),
                "failing_since": at(each.failing_since),
                "failures": each.failures,
                "error": each.error,
            }
            for each in seen.channels
        ],
        "upstream": _upstream(seen),
        "ticks": seen.ticks
        and {
            "switched_on": seen.ticks.switched_on,
            "last_success_at": at(seen.ticks.succeeded_at),
            "last": {outcome.replace(" ", "_"): count for outcome, count in seen.ticks.outcomes.items()},
        },
        "throughput": seen.throughput and {**asdict(seen.throughput), "steps_a_minute": seen.throughput.steps_a_minute},
        "checks": seen.checks
        and [
            {"asset": each.asset, "name": each.name, "passed": each.passed, "blocking": each.blocking, "at": at(each.at)}
            for each in seen.checks
        ],
        "runs": None if seen.runs is None else [listed_run(each, zone) for each in seen.runs],
        "queues": seen.queues
        and {
            "waiting": dict(seen.queues.waiting),
            "foreign": seen.queues.foreign,
            "unacknowledged": len(seen.queues.taken),
            "lost": seen.lost,
        },
        "workers": seen.workers
        and [
            {
                "node": each.node,
                "queues": list(each.queues),
                "processes": len(each.processes),
                "steps": [{"run_id": step.run_id, "step": step.step, "at_work": step.at_work} for step in each.steps],
            }
            for each in seen.workers
        ],
        "warehouse": seen.warehouse and _warehouse(seen.warehouse, seen, zone),
        "partitions": seen.partitions
        and [
            {
                "table": each.table,
                "months": each.months,
                "first": each.first and each.first.isoformat(),
                "last": each.last and each.last.isoformat(),
                "size_bytes": each.size_bytes,
                "rows_elsewhere": each.elsewhere,
            }
            for each in seen.partitions
        ],
        "disks": seen.disks
        and [
            {"path": str(each.path), "for": each.names, "free_bytes": each.free_bytes, "total_bytes": each.total_bytes}
            for each in seen.disks
        ],
    }


def run_facts(report: RunReport, zone: ZoneInfo) -> dict[str, Any]:
    """Return one run with its steps, and why it failed."""
    return {
        **listed_run(report.run, zone),
        "time_zone": zone.key,
        "steps": [{"step": each.key, **_course(each, zone), "attempts": each.attempts} for each in report.run.steps],
        "failures": [failure._asdict() for failure in report.failures],
    }


def _warehouse(found: WarehouseStatus, seen: Overview, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "newest_record_at": _at(found.newest_at, zone),
        "newest_record_age_seconds": None if found.newest_at is None else seen.seconds_since(found.newest_at),
        "records": {"rows": found.records.rows, "exact": found.records.exact},
        "views": {"rows": found.views.rows, "exact": found.views.exact},
        "views_excluded": dict(found.excluded),
        "cursor": found.cursor,
        "jump": None if found.jump_id is None else {"record_id": found.jump_id, "left_out": found.left_out},
        "synced_at": _at(found.synced_at, zone),
        "gaps": {"open": found.open_gaps, "ids": found.open_gap_ids},
        "rejected": [
            {"reason": each.reason, "records": each.records, "last_at": _at(each.last_at, zone)} for each in found.rejected
        ],
        "dead_letters": found.dead_letters,
    }


def _upstream(seen: Overview) -> dict[str, Any] | None:
    if seen.upstream is None:
        return None
    newest, before, error = None, None, None
    if isinstance(seen.upstream, TelemetryError):
        error = str(seen.upstream)
    else:
        newest, before = seen.upstream.newest_id, seen.upstream.newest_before
    return {
        "newest_record_id": newest,
        "newest_record_id_before_jump": before,
        "ids_behind": seen.ids_behind,
        "error": error,
    }


def listed_run(run: Run, zone: ZoneInfo) -> dict[str, Any]:
    """Return a run as lists have it."""
    first, last = run.partitions or (None, None)
    return {"run_id": run.run_id, "job": run.target, "first": first, "last": last, **_course(run, zone)}


def _course(ran: Run | Step, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "status": ran.status.lower(),
        "started_at": _at(ran.started_at, zone),
        "ended_at": _at(ran.ended_at, zone),
    }


def _at(value: datetime | None, zone: ZoneInfo) -> str | None:
    return None if value is None else value.astimezone(zone).isoformat()
