from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from telemetry_pipeline.orchestration.sensors import contiguous, makes_up_for, plan_rebuild, problem_key, silent_for
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START
from telemetry_pipeline.warehouse.checks import Freshness

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)


def day(number: int) -> date:
    return date(2026, 11, number)


def span(request: dg.RunRequest | dg.SkipReason) -> tuple[str, str]:
    assert isinstance(request, dg.RunRequest)
    return request.tags["dagster/asset_partition_range_start"], request.tags["dagster/asset_partition_range_end"]


def test_contiguous_days_are_one_range() -> None:
    assert contiguous([day(1), day(2), day(3), day(5), day(7), day(8)]) == [
        (day(1), day(3)),
        (day(5), day(5)),
        (day(7), day(8)),
    ]
    assert contiguous([]) == []


def test_the_newest_stale_days_are_analysed_anew_first() -> None:
    stale = {day(1): None, day(7): LONG_AGO, day(8): None}
    assert span(plan_rebuild(stale, [], [], NOW)) == ("2026-11-07", "2026-11-08")


def test_days_whose_analysis_failed_hold_up_no_others() -> None:
    stale = {day(1): None, day(2): None, day(7): None, day(8): None}
    failed = [{RANGE_START: "2026-11-07", RANGE_END: "2026-11-08"}]
    assert span(plan_rebuild(stale, [], failed, NOW)) == ("2026-11-01", "2026-11-02")


def test_a_rebuild_is_of_a_month_at_most() -> None:
    stale = {date(2026, 8, 1) + timedelta(days=number): None for number in range(100)}
    first, last = span(plan_rebuild(stale, [], [], NOW))
    assert (date.fromisoformat(last) - date.fromisoformat(first)).days == 30


@pytest.mark.parametrize(
    ("stale", "others", "failed", "reason"),
    [
        pytest.param({}, [], [], "as they are", id="nothing is stale"),
        pytest.param({day(1): None}, ["a run"], [], "in flight", id="a run is in flight"),
        pytest.param({day(1): NOW - timedelta(minutes=59)}, [], [], "within an hour", id="analysed within the hour"),
        pytest.param({day(1): None}, [], [{PARTITION: "2026-11-01"}], "that failed", id="failed within the hour"),
    ],
)
def test_nothing_is_analysed_anew_when(stale: Any, others: list[str], failed: list[dict[str, str]], reason: str) -> None:
    skipped = plan_rebuild(stale, others, failed, NOW)
    assert isinstance(skipped, dg.SkipReason)
    assert reason in (skipped.skip_message or "")


@pytest.mark.parametrize(
    ("received", "synced", "expected"),
    [
        pytest.param(31, 1, 31, id="ticks succeed"),
        pytest.param(31, 11, None, id="ticks do not succeed"),
        pytest.param(None, 1, None, id="nothing ever came"),
        pytest.param(31, None, None, id="no tick ever succeeded"),
    ],
)
def test_how_long_the_upstream_is_silent_is_known_when(received: int | None, synced: int | None, expected: int | None) -> None:
    def ago(minutes: int | None) -> datetime | None:
        return None if minutes is None else NOW - timedelta(minutes=minutes)

    silent = silent_for(
        Freshness(synced_at=ago(synced), received_at=ago(received)),
        NOW,
        ticks_within=timedelta(minutes=10),
    )
    assert silent == (None if expected is None else timedelta(minutes=expected))


def test_the_problem_of_a_tick_is_that_of_any_tick_and_that_of_another_run_has_its_days() -> None:
    tick = dg.DagsterRun(job_name="telemetry_tick", run_id="1", tags={"dagster/partition": "2026-11-21"})
    assert problem_key(tick) == "run:telemetry_tick"
    ends = {"dagster/asset_partition_range_start": "2026-11-01", "dagster/asset_partition_range_end": "2026-11-03"}
    ranged = dg.DagsterRun(job_name="telemetry_range", run_id="2", tags=ends)
    assert problem_key(ranged) == "run:telemetry_range:2026-11-01 to 2026-11-03"
    adhoc = dg.DagsterRun(
        job_name="__ASSET_JOB",
        run_id="3",
        tags={"dagster/partition": "2026-11-02"},
        asset_selection={dg.AssetKey("geography")},
    )
    assert problem_key(adhoc) == "run:geography:2026-11-02"


@pytest.mark.parametrize(
    ("job", "tags", "key", "over"),
    [
        ("telemetry_tick", {PARTITION: "2026-11-21"}, "run:telemetry_tick", True),
        ("telemetry_range", {PARTITION: "2026-11-21"}, "run:telemetry_tick", False),
        ("telemetry_range", {PARTITION: "2026-11-21"}, "run:telemetry_range:2026-11-21", True),
        ("telemetry_range", {RANGE_START: "2026-11-01", RANGE_END: "2026-11-05"}, "run:telemetry_range:2026-11-05", True),
        (
            "telemetry_range",
            {RANGE_START: "2026-11-02", RANGE_END: "2026-11-05"},
            "run:telemetry_range:2026-11-01 to 2026-11-04",
            False,
        ),
        ("telemetry_rebuild", {PARTITION: "2026-11-21"}, "run:telemetry_range:2026-11-21", False),
        ("telemetry_cleanup", {}, "run:telemetry_cleanup:", True),
        ("telemetry_range", {PARTITION: "2026-11-21"}, "component:daemon", False),
    ],
)
def test_a_run_makes_up_for_one_of_the_same_with_no_days_but_its_own(
    job: str, tags: dict[str, str], key: str, over: bool
) -> None:
    assert makes_up_for(dg.DagsterRun(job_name=job, run_id="1", tags=tags), key) is over
