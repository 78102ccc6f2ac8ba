"""What sensors launch follows from the days and results that are stale, and from nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from telemetry_pipeline.days import Period, contiguous
from telemetry_pipeline.orchestration.sensors.freshness import silent_for
from telemetry_pipeline.orchestration.sensors.late_data import days_that_fit, plan_rebuild
from telemetry_pipeline.orchestration.sensors.run_ends import makes_up_for, problem_key
from telemetry_pipeline.results import catalogue
from telemetry_pipeline.results.freshness.staleness import Stale
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START
from telemetry_pipeline.warehouse.operations.checks import Freshness

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)


def day(number: int) -> date:
    return date(2026, 11, number)


def span(request: dg.RunRequest | dg.SkipReason) -> tuple[str, str]:
    assert isinstance(request, dg.RunRequest)
    return request.tags["dagster/asset_partition_range_start"], request.tags["dagster/asset_partition_range_end"]


def test_contiguous_days_are_one_range() -> None:
    assert contiguous([day(1), day(2), day(3), day(5), day(7), day(8)]) == [
        Period(day(1), day(3)),
        Period(day(5), day(5)),
        Period(day(7), day(8)),
    ]
    assert contiguous([]) == []


def assets(request: dg.RunRequest | dg.SkipReason) -> list[str]:
    assert isinstance(request, dg.RunRequest)
    return [key.to_user_string() for key in request.asset_selection or []]


def stale(*days: date, **analyses: datetime | None) -> dict[date, Stale]:
    """These analyses of each of some days, by default one that was never computed."""
    return {each: analyses or {"geography": None} for each in days}


def test_the_newest_stale_days_are_analysed_anew_first() -> None:
    found = stale(day(1), day(7)) | stale(day(8), geography=LONG_AGO)
    assert span(plan_rebuild(found, [], [], NOW)) == ("2026-11-07", "2026-11-08")


def test_days_whose_analysis_failed_hold_up_no_others() -> None:
    failed = [{RANGE_START: "2026-11-07", RANGE_END: "2026-11-08"}]
    request = plan_rebuild(stale(day(1), day(2), day(7), day(8)), [], failed, NOW)
    assert span(request) == ("2026-11-01", "2026-11-02")


def test_a_rebuild_has_no_more_days_than_fit_its_time() -> None:
    found = stale(*map(day, range(1, 9)))
    assert span(plan_rebuild(found, [], [], NOW, most_days=3)) == ("2026-11-06", "2026-11-08")


@pytest.mark.parametrize(("seconds", "days"), [(0.0, 31), (29.0, 25), (99.6, 7), (5_000.0, 1)])
def test_how_many_fit_follows_from_how_long_the_newest_results_took(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, seconds: float, days: int
) -> None:
    monkeypatch.setattr(catalogue, "seconds_of_a_day", lambda _, names: seconds if names == {"reach", "share"} else 0)
    assert days_that_fit(engine, {day(7): {"reach": None}, day(8): {"share": None}}, limit_seconds=1_500) == days


def test_a_rebuild_is_of_a_month_at_most() -> None:
    found = stale(*(date(2026, 8, 1) + timedelta(days=number) for number in range(100)))
    first, last = span(plan_rebuild(found, [], [], NOW))
    assert (date.fromisoformat(last) - date.fromisoformat(first)).days == 30


def test_only_what_is_stale_is_computed_and_the_documents_it_is_in() -> None:
    request = plan_rebuild(stale(day(7), rating=LONG_AGO, average_audience=None), [], [], NOW)
    assert assets(request) == ["average_audience", "rating"]
    request = plan_rebuild(stale(day(7), top_channels=None, churn_risk=None, rating=None), [], [], NOW)
    assert assets(request) == ["churn_risk", "full_analysis", "rating", "subscribers_analysis", "top_channels"]


def test_a_run_of_several_days_computes_what_is_stale_of_any_of_them_and_of_no_others() -> None:
    found = stale(day(1), reach=None) | stale(day(7), share=None) | stale(day(8), rating=None)
    request = plan_rebuild(found, [], [], NOW)
    assert (span(request), assets(request)) == (("2026-11-07", "2026-11-08"), ["rating", "share"])


def test_a_result_is_computed_at_most_once_an_hour_and_holds_up_no_others() -> None:
    found = stale(day(7), rating=NOW - timedelta(minutes=59), share=NOW - timedelta(hours=1), reach=None)
    assert assets(plan_rebuild(found, [], [], NOW)) == ["reach", "share"]
    found |= stale(day(8), rating=NOW - timedelta(minutes=59))
    assert span(plan_rebuild(found, [], [], NOW)) == ("2026-11-07", "2026-11-07")


def test_a_day_that_rests_divides_a_range() -> None:
    found = stale(day(6)) | stale(day(7), geography=NOW) | stale(day(8))
    assert span(plan_rebuild(found, [], [], NOW)) == ("2026-11-08", "2026-11-08")


def test_period_analyses_of_single_days_wait_for_what_looks_back_and_are_computed_a_day_a_run() -> None:
    periods = stale(*(day(number) for number in range(1, 5)), period_summary=None, period_trend=LONG_AGO)
    found = dict(sorted({**periods, **stale(day(2), day(3), share=None, period_summary=None)}.items()))
    request = plan_rebuild(found, [], [], NOW)
    assert (span(request), assets(request)) == (("2026-11-02", "2026-11-03"), ["share"])
    request = plan_rebuild(periods, [], [], NOW)
    assert (span(request), assets(request)) == (
        ("2026-11-04", "2026-11-04"),
        ["period_analysis", "period_summary", "period_trend"],
    )


def test_a_single_day_is_computed_whole_in_one_run() -> None:
    request = plan_rebuild(stale(day(7), share=None, period_trend=None), [], [], NOW)
    assert assets(request) == ["period_analysis", "period_trend", "share"]


@pytest.mark.parametrize(
    ("stale", "others", "failed", "reason"),
    [
        pytest.param({}, [], [], "as they are", id="nothing is stale"),
        pytest.param(stale(day(1)), ["a run"], [], "in flight", id="a run is in flight"),
        pytest.param(stale(day(1), share=NOW - timedelta(minutes=59)), [], [], "within an hour", id="analysed within the hour"),
        pytest.param(stale(day(1)), [], [{PARTITION: "2026-11-01"}], "that failed", id="failed within the hour"),
    ],
)
def test_nothing_is_analysed_anew_when(
    stale: dict[date, Stale], others: list[str], failed: list[dict[str, str]], reason: str
) -> None:
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
