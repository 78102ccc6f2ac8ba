"""A check passes up to its limit and fails beyond it."""

from __future__ import annotations

from collections.abc import Callable, Set
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from orchestration_harness import execute, figures
from warehouse_events import ZONE, start, stop, store

from telemetry_pipeline.days import Period
from telemetry_pipeline.orchestration.checks import (
    RECORDS_CHECKS,
    VIEWS_CHECKS,
    check_records,
    check_views,
    limits_hours,
)
from telemetry_pipeline.settings.loading import Settings
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.operations.checks import look_at_records, look_at_views
from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import Batch, Rejected

DAY = stop(1).local_date
OF_A_QUARTER = pytest.mark.parametrize(
    ("limit", "passed"),
    [(24.9, False), (25, True), (25.1, True)],
    ids=["above the limit", "exactly at the limit", "below the limit"],
)


def reject(engine: sa.Engine, count: int) -> None:
    with records.writing(engine) as connection:
        records.store(connection, Batch(rejected=[Rejected(None, f"{n}", "unreadable") for n in range(count)]))


def records_check(engine: sa.Engine, settings: Settings, name: str, *, recent: bool = True) -> dg.AssetCheckResult:
    [result] = [each for each in check_records(look_at_records(engine, recent=recent), settings) if each.check_name == name]
    return result


def views_checks(
    engine: sa.Engine, settings: Settings, day: date = DAY, merged: Set[date] = frozenset()
) -> list[dg.AssetCheckResult]:
    return check_views(look_at_views(engine, Period(day, day), merged, limits_hours(settings)), settings)


def views_check(engine: sa.Engine, settings: Settings, name: str) -> dg.AssetCheckResult:
    [result] = [each for each in views_checks(engine, settings) if each.check_name == name]
    return result


def figures_of(result: dg.AssetCheckResult, *names: str) -> tuple[Any, ...]:
    return tuple(result.metadata[name].value for name in names)


@OF_A_QUARTER
def test_rejected_records_beyond_their_limit_are_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], limit: float, passed: bool
) -> None:
    store(engine, stop(1), stop(2), stop(3))
    reject(engine, 1)
    result = records_check(engine, make_settings(max_rejected_pct=limit), "few_records_are_rejected")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert figures(result) == {"count": 1, "of": 4, "percent": 25, "limit_percent": limit}


@OF_A_QUARTER
def test_unnamed_views_beyond_their_limit_are_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], limit: float, passed: bool
) -> None:
    store(engine, start(1, "A"), stop(2), stop(3), stop(4), stop(5, channel=9))
    merge(engine, ZONE)
    result = views_check(engine, make_settings(max_unnamed_pct=limit), "few_views_are_unnamed")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert figures(result) == {"count": 1, "of": 4, "percent": 25, "limit_percent": limit}


@pytest.mark.parametrize(
    ("of_future", "passed"), [(0, True), (1, True), (2, False)], ids=["none", "exactly at the limit", "above the limit"]
)
def test_more_than_one_percent_of_records_of_the_future_is_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], of_future: int, passed: bool
) -> None:
    store(engine, *(stop(n) for n in range(1, 101)))
    execute(engine, f"update telemetry.records set timestamp = now() + interval '1 day' where record_id <= {of_future}")
    result = records_check(engine, make_settings(), "few_records_are_of_the_future")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert figures(result) == {"count": of_future, "of": 100, "percent": of_future, "limit_percent": 1}


def test_rejected_records_of_the_evening_are_no_warning_at_five_past_midnight(
    engine: sa.Engine, make_settings: Callable[..., Settings]
) -> None:
    """The day has a minute's records then, and the rejected ones are of 24 hours."""
    store(engine, *(stop(n) for n in range(1, 200)))
    reject(engine, 1)
    execute(engine, "update telemetry.receipts set hour = hour - interval '1 hour'")
    store(engine, stop(500, hours=24), stop(501, hours=24))
    assert records_check(engine, make_settings(max_rejected_pct=1), "few_records_are_rejected").passed


@pytest.mark.parametrize(
    ("of_future", "passed"), [(0, True), (1, True), (2, False)], ids=["none", "exactly at the limit", "above the limit"]
)
def test_more_than_one_percent_of_views_of_the_future_is_a_warning_that_lists_them(
    engine: sa.Engine, make_settings: Callable[..., Settings], of_future: int, passed: bool
) -> None:
    store(engine, *(stop(n) for n in range(1, 101 - of_future)), *(stop(n, hours=10**5) for n in range(101 - of_future, 101)))
    merge(engine, ZONE)
    result = views_check(engine, make_settings(), "few_views_are_of_the_future")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert isinstance(newest := result.metadata["newest"], dg.TableMetadataValue)
    assert [record.data["record_id"] for record in newest.records] == list(range(100, 100 - of_future, -1))
    assert figures_of(result, "count", "of", "total") == (of_future, 100, of_future)


@pytest.mark.parametrize(("repeated", "passed"), [(0, True), (1, True), (2, False)])
def test_more_than_one_percent_of_repeated_views_is_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], repeated: int, passed: bool
) -> None:
    store(engine, *(stop(n) for n in range(1, 101)))
    merge(engine, ZONE)
    execute(engine, f"update telemetry.views set excluded = 'duplicate' where record_id <= {repeated}")
    result = views_check(engine, make_settings(), "few_views_are_repeated")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert figures(result) == {"count": repeated, "of": 100, "percent": repeated, "limit_percent": 1}


def watched(engine: sa.Engine, views: int, *, hours: int, hours_before: int = 0) -> None:
    """Views of an hour, and one of so many hours."""
    store(engine, *(stop(n, duration=3600) for n in range(1, views)), stop(views, duration=hours * 3600, hours=-hours_before))
    merge(engine, ZONE)


@pytest.mark.parametrize(
    ("settings", "views", "hours", "passed"),
    [
        pytest.param({}, 101, 48, True, id="few"),
        pytest.param({}, 101, 52, False, id="many"),
        pytest.param({}, 99, 200, True, id="of too few views"),
        pytest.param({"view_cap_hours": 4}, 101, 52, True, id="that a cap cuts"),
        pytest.param({"view_cap_hours": "auto"}, 101, 52, True, id="that a cap of its own for each channel cuts"),
        pytest.param({"max_long_view_pct": 27}, 101, 52, True, id="below another limit"),
        pytest.param({"long_view_hours": 20}, 101, 52, True, id="of which more hours are usual"),
    ],
)
def test_much_watch_time_beyond_twelve_hours_of_a_view_is_a_warning(
    engine: sa.Engine, make_settings: Callable[..., Settings], settings: dict[str, Any], views: int, hours: int, passed: bool
) -> None:
    watched(engine, views, hours=hours)
    result = views_check(engine, make_settings(**settings), "few_hours_are_of_long_views")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    caps = result.metadata["caps"]
    assert isinstance(caps, dg.TableMetadataValue)
    assert [(record.data["cap_hours"], record.data["views"]) for record in caps.records] == [(4, 1), (6, 1), (12, 1)]


def test_long_views_are_looked_for_on_the_day_before_too(engine: sa.Engine, make_settings: Callable[..., Settings]) -> None:
    watched(engine, 101, hours=60, hours_before=24)
    assert not views_check(engine, make_settings(), "few_hours_are_of_long_views").passed


def test_long_views_are_looked_for_on_days_of_which_late_records_came(
    engine: sa.Engine, make_settings: Callable[..., Settings]
) -> None:
    watched(engine, 101, hours=60)
    later = DAY + timedelta(days=9)
    for merged, passed in ((set(), True), ({DAY}, False)):
        found = {each.check_name: each for each in views_checks(engine, make_settings(), later, merged)}
        assert found["few_hours_are_of_long_views"].passed is passed


def test_a_cap_is_recommended_with_what_it_would_cut(engine: sa.Engine, make_settings: Callable[..., Settings]) -> None:
    watched(engine, 101, hours=100)
    result = views_check(engine, make_settings(), "few_hours_are_of_long_views")
    assert figures_of(result, "percent", "limit_percent", "long_views", "of", "watch_hours") == (44, 25, 1, 101, 200)
    assert figures_of(result, "advice") == (
        "44.0 % of the watch time lies beyond the first 12 hours of a view, as of boxes that were left on. Set VIEW_CAP_HOURS: "
        "4 would cut 48.0 %, 6 would cut 47.0 %, 12 would cut 44.0 % of it; auto takes what is usual for each channel and time "
        "of day.",
    )
    caps = result.metadata["caps"]
    assert isinstance(caps, dg.TableMetadataValue)
    assert dict(caps.records[0].data) == {"cap_hours": 4, "views": 1, "views_pct": 0.99, "watch_time_pct": 48}


def test_every_check_of_an_empty_warehouse_passes(engine: sa.Engine, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(max_rejected_pct=0, max_unnamed_pct=0)
    results = [*check_records(look_at_records(engine, recent=True), settings), *views_checks(engine, settings)]
    assert [result.check_name for result in results if not result.passed] == []
    assert len(results) == len(RECORDS_CHECKS) + len(VIEWS_CHECKS)


@pytest.mark.parametrize(
    ("cursor", "recent", "passed"),
    [
        pytest.param(3, True, False, id="a tick finds it among the newest"),
        pytest.param(1_000_000, True, True, id="a tick does not look further"),
        pytest.param(1_000_000, False, False, id="a repair finds it among all"),
    ],
)
def test_an_id_that_is_stored_twice_is_an_error(
    engine: sa.Engine, make_settings: Callable[..., Settings], cursor: int, recent: bool, passed: bool
) -> None:
    store(engine, stop(1), stop(2), stop(3, hours=24))
    assert records_check(engine, make_settings(), "record_ids_are_unique", recent=recent).passed
    execute(engine, "update telemetry.records set record_id = 2 where record_id = 3")
    execute(engine, f"update telemetry.sync_state set cursor = {cursor}")
    result = records_check(engine, make_settings(), "record_ids_are_unique", recent=recent)
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert figures(result) == {"duplicates": 0 if passed else 1}


@pytest.mark.parametrize(
    ("damage", "passed", "stops", "views"),
    [
        pytest.param("select", True, 2, 2, id="as many"),
        pytest.param("delete from telemetry.views where record_id = 1", False, 2, 1, id="a view is lost"),
        pytest.param("delete from telemetry.records where record_id = 1", False, 1, 2, id="a stop is lost"),
    ],
)
def test_views_that_are_not_as_many_as_their_stops_are_an_error(
    engine: sa.Engine, make_settings: Callable[..., Settings], damage: str, passed: bool, stops: int, views: int
) -> None:
    store(engine, stop(1), stop(2))
    merge(engine, ZONE)
    execute(engine, damage)
    result = views_check(engine, make_settings(), "views_are_stops")
    assert result.passed is passed
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert figures(result) == {"stops": stops, "views": views}


def test_stops_that_came_after_the_merge_are_not_missed(engine: sa.Engine, make_settings: Callable[..., Settings]) -> None:
    store(engine, stop(1))
    merge(engine, ZONE)
    store(engine, stop(2))
    assert views_check(engine, make_settings(), "views_are_stops").passed
