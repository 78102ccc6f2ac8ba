"""Soak: the whole stack by itself for an hour or more, with live records, and what became of it.

Nobody touches it: the schedule ticks, the sensors watch. Every half minute the memory of every process is noted; at the end,
from Dagster's own database, how ticks went, the longest gap between two that succeeded, and what was written a day.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from typing import Any

import psutil
import requests
import sqlalchemy as sa

from bench.harness import result, stack_settings
from telemetry_pipeline.stack.services.simulator import SimulatorOptions
from telemetry_pipeline.stack.stack import Stack
from telemetry_pipeline.warehouse.db.connections import connect

_SAMPLE_SECONDS = 30.0
_RUNS = """
select status, count(*) from runs where pipeline_name = 'telemetry_tick' group by status
"""
_TICKS = """
select job_ticks.status, count(*) from job_ticks join instigators using (selector_id)
where instigator_type = 'SCHEDULE' group by 1
"""
_LONGEST_GAP = """
select coalesce(max(gap), 0) from (
    select end_time - lag(end_time) over (order by end_time) as gap from runs
    where pipeline_name = 'telemetry_tick' and status = 'SUCCESS'
) as gaps
"""
_EVENTS = "select count(*), coalesce(sum(length(event)), 0) from event_logs"
_BIGGEST = """
select dagster_event_type, asset_key, count(*), sum(length(event)) from event_logs
group by 1, 2 order by 4 desc limit 8
"""


def memory(processes: dict[str, int]) -> dict[str, float]:
    """Megabytes of every process of the stack with its children: what is theirs alone, where the kernel tells (USS)."""
    found: dict[str, float] = defaultdict(float)
    for name, pid in processes.items():
        try:
            whole = psutil.Process(pid)
            for process in [whole, *whole.children(recursive=True)]:
                found[name if process.pid == pid else f"{name} children"] += process.memory_full_info().uss / 1e6
        except psutil.NoSuchProcess:
            continue
    return found


def main(minutes: float = 60, live: float = 50, records: int = 400_000, days: int = 90) -> None:
    """Run, measure and print."""
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as home:
        options = SimulatorOptions(records_count=records, days=days, live=live)
        with Stack(stack_settings(home), simulator=options) as stack:
            began = time.monotonic()
            samples: list[dict[str, float]] = []
            while time.monotonic() - began < minutes * 60:
                stack.tend()
                if time.monotonic() - began >= len(samples) * _SAMPLE_SECONDS:
                    samples.append(memory(stack.state.processes))
                time.sleep(0.25)
            _report(stack, samples, time.monotonic() - began)


def _report(stack: Stack, samples: list[dict[str, float]], seconds: float) -> None:
    print(f"\n{'memory, MB':<24}{'start':>8}{'middle':>8}{'end':>8}{'most':>8}")
    for name in sorted({name for sample in samples for name in sample}):
        series = [sample.get(name, 0.0) for sample in samples]
        picked = (series[min(4, len(series) - 1)], series[len(series) // 2], series[-1], max(series))
        print(f"{name:<24}" + "".join(f"{value:>8.0f}" for value in picked))
    with connect(stack.state.dagster_database_url).connect() as dagster:
        runs: dict[str, int] = dict(dagster.execute(sa.text(_RUNS)).all())
        ticks: dict[str, int] = dict(dagster.execute(sa.text(_TICKS)).all())
        gap: Any = dagster.scalar(sa.text(_LONGEST_GAP))
        events, size = dagster.execute(sa.text(_EVENTS)).one()
        print(f"\nruns of the tick {runs}; evaluations of schedules {ticks}")
        for kind, asset, count, length in dagster.execute(sa.text(_BIGGEST)):
            print(f"  {kind or 'log':<28}{asset or '':<28}{count:>8,}{length / 1e6:>9.1f} MB")
    highest = requests.get(f"{stack.state.panaccess_url}health", timeout=30).json()["highest_id"]
    with connect(stack.state.database_url).connect() as warehouse:
        cursor, stored = warehouse.execute(
            sa.text("select (select cursor from telemetry.sync_state), (select count(*) from telemetry.records)")
        ).one()
        problems = warehouse.execute(sa.text("select key, times, summary from telemetry.problems order by opened_at")).all()
    for problem in problems:
        print("problem", *problem)
    total = [sum(sample.values()) for sample in samples]
    a_day = 86_400 / seconds
    result(
        bench="soak",
        minutes=seconds / 60,
        ticks_succeeded=runs.get("SUCCESS", 0),
        ticks_failed=runs.get("FAILURE", 0),
        ticks_skipped=ticks.get("SKIPPED", 0),
        longest_gap_seconds=float(gap),
        records=stored,
        ids_behind=highest - cursor,
        memory_growth=total[-1] / total[min(8, len(total) - 1)],
        events_a_day=events * a_day,
        megabytes_a_day=size / 1e6 * a_day,
    )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument("--live", type=float, default=50)
    arguments.add_argument("--records", type=int, default=400_000)
    arguments.add_argument("--days", type=int, default=90)
    main(**vars(arguments.parse_args()))
