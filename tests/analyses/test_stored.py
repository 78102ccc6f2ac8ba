"""What readers get of what is stored: exactly what they asked for, or nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from warehouse_events import MEXICO, ZONE, complete, start, stop, store

from telemetry_pipeline.analyses.framework.caps import Cap
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.results import computing, stored
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.connections import snapshot

FIRST = date(2025, 1, 30)
RULES = Rules(MEXICO)


def day(number: int) -> date:
    """The number of days after the first."""
    return FIRST + timedelta(days=number)


@pytest.fixture
def four_days(engine: sa.Engine) -> sa.Engine:
    """One view on the first day, two on the second, and so on."""
    stops = [stop(10 * n + k, duration=3600, hours=24 * n) for n in range(4) for k in range(1, n + 2)]
    store(engine, start(99, "A"), *stops)
    merge(engine, ZONE)
    complete(engine)
    return engine


def compute(engine: sa.Engine, name: str, *periods: Period, rules: Rules = RULES, **parameters: Any) -> None:
    """Of exactly some periods, or the windows that end with their last days."""
    analysis = find_analysis(name)
    values = analysis.parse(parameters)
    windows = [each if analysis.is_of_period else analysis.window(each.last, values) for each in periods]
    for window in windows:
        computing.update(engine, Store(rules), analysis, [window], values)


def compute_day(engine: sa.Engine, name: str, number: int, **parameters: Any) -> None:
    compute(engine, name, Period(day(number), day(number)), **parameters)


def read(engine: sa.Engine, name: str, *, rules: Rules = RULES, **asked: Any) -> StoredResult | None:
    on, period = asked.pop("on", None), asked.pop("period", None)
    analysis = find_analysis(name)
    with snapshot(engine) as connection:
        return stored.read(connection, analysis, analysis.parse(asked), rules, day=on, period=period)


def views(engine: sa.Engine, name: str, **asked: Any) -> int | None:
    """How many views the result that is read says there are; None: there is no such result."""
    found = read(engine, name, **asked)
    return None if found is None else int(found.frame["views"].sum())


def outdated(engine: sa.Engine, name: str, rules: Rules = RULES, **asked: Any) -> bool:
    found = read(engine, name, rules=rules, **asked)
    assert found is not None
    return found.outdated


def test_who_names_no_parameters_gets_the_defaults_result_whatever_was_computed_last(four_days: sa.Engine) -> None:
    compute_day(four_days, "general_summary", 3)
    compute_day(four_days, "general_summary", 3, window_days=1)
    assert views(four_days, "general_summary") == views(four_days, "general_summary", on=day(3)) == 10
    assert views(four_days, "general_summary", window_days=1) == 4
    assert views(four_days, "general_summary", window_days=2) is None


def test_a_day_that_is_not_stored_is_not_answered_with_another(four_days: sa.Engine) -> None:
    for number in (1, 3):
        compute_day(four_days, "general_summary", number, window_days=1)
    for number, count in ((0, None), (1, 2), (2, None), (3, 4)):
        assert views(four_days, "general_summary", on=day(number), window_days=1) == count
    assert views(four_days, "general_summary", window_days=1) == 4


def test_a_day_asked_for_as_a_period_is_the_window_that_ends_with_it(four_days: sa.Engine) -> None:
    compute_day(four_days, "general_summary", 2)
    assert views(four_days, "general_summary", period=Period(day(2), day(2))) == 6
    assert views(four_days, "general_summary", period=Period(day(3), day(3))) is None
    with pytest.raises(RequestRefused, match=r"general_summary looks back from a day; .* with window_days=2 for"):
        views(four_days, "general_summary", period=Period(day(1), day(2)))


def test_a_period_is_exactly_its_days(four_days: sa.Engine) -> None:
    compute(four_days, "period_summary", Period(day(1), day(2)), Period(day(0), day(2)), Period(day(2), day(3)))
    assert views(four_days, "period_summary", period=Period(day(1), day(2))) == 5
    assert views(four_days, "period_summary", period=Period(day(0), day(2))) == 6
    for first, last in ((0, 1), (1, 3), (2, 2), (0, 3)):
        assert views(four_days, "period_summary", period=Period(day(first), day(last))) is None


def test_a_period_is_no_answer_for_a_day_and_the_newest_day_comes_before_any_period(four_days: sa.Engine) -> None:
    compute(four_days, "period_summary", Period(day(0), day(2)), Period(day(0), day(3)))
    assert views(four_days, "period_summary", on=day(3)) is None
    assert views(four_days, "period_summary") == 10
    compute_day(four_days, "period_summary", 1)
    assert views(four_days, "period_summary", on=day(1)) == views(four_days, "period_summary") == 2
    assert views(four_days, "period_summary", on=day(0)) is None


def test_a_period_analysis_has_its_parameters_too(four_days: sa.Engine) -> None:
    whole = Period(day(0), day(3))
    compute(four_days, "period_breakdown", whole)
    compute(four_days, "period_breakdown", whole, granularity="monthly")
    daily = read(four_days, "period_breakdown", period=whole)
    monthly = read(four_days, "period_breakdown", period=whole, granularity="monthly")
    assert daily is not None
    assert monthly is not None
    assert (len(daily.frame), len(monthly.frame)) == (4, 2)
    assert read(four_days, "period_breakdown", period=whole, granularity="weekly") is None


def test_a_result_without_rows_is_a_result(four_days: sa.Engine) -> None:
    compute(four_days, "top_channels", Period(day(-5), day(-5)))
    found = read(four_days, "top_channels", on=day(-5))
    assert found is not None
    assert found.frame.empty


def test_what_is_as_it_was_computed_is_not_outdated(four_days: sa.Engine) -> None:
    compute_day(four_days, "general_summary", 2)
    compute_day(four_days, "rating", 2)
    store(four_days, stop(200, duration=60, hours=72))
    merge(four_days, ZONE)
    assert not outdated(four_days, "general_summary")
    assert not outdated(four_days, "rating")


def test_a_result_is_outdated_as_soon_as_its_views_changed_until_it_is_computed_anew(four_days: sa.Engine) -> None:
    compute_day(four_days, "general_summary", 3)
    compute(four_days, "period_comparison", Period(day(2), day(3)))
    store(four_days, stop(200, duration=60))
    merge(four_days, ZONE)
    assert outdated(four_days, "general_summary")
    assert outdated(four_days, "period_comparison")
    assert views(four_days, "general_summary") == 10
    compute_day(four_days, "general_summary", 3)
    assert (views(four_days, "general_summary"), outdated(four_days, "general_summary")) == (11, False)


def test_a_measure_by_minute_is_outdated_when_views_that_were_running_came(four_days: sa.Engine) -> None:
    compute_day(four_days, "rating", 2)
    compute_day(four_days, "general_summary", 2)
    with four_days.begin() as connection:
        segments.mark_changed(connection, [day(3)], [day(3)])
    assert outdated(four_days, "rating")
    assert not outdated(four_days, "general_summary")


def test_a_result_is_outdated_when_a_day_of_it_becomes_complete(four_days: sa.Engine) -> None:
    complete(four_days, day(3))
    compute_day(four_days, "general_summary", 3)
    compute_day(four_days, "general_summary", 2)
    complete(four_days, day(4))
    assert outdated(four_days, "general_summary", on=day(3))
    assert not outdated(four_days, "general_summary", on=day(2))


def test_a_result_is_outdated_where_something_else_counts_now(four_days: sa.Engine) -> None:
    compute_day(four_days, "general_summary", 3)
    for rules in (Rules(MEXICO, Cap(4)), Rules(MEXICO, small_base=5)):
        assert outdated(four_days, "general_summary", rules=rules)


def test_a_reader_sees_one_moment(four_days: sa.Engine) -> None:
    compute_day(four_days, "general_summary", 3)
    analysis = find_analysis("general_summary")
    with snapshot(four_days) as connection:
        connection.execute(sa.text("select 1 from analysis.results")).all()
        store(four_days, stop(200, duration=60))
        merge(four_days, ZONE)
        compute_day(four_days, "general_summary", 3)
        found = stored.read(connection, analysis, analysis.parse({}), RULES)
    assert found is not None
    assert (found.frame["views"].tolist(), found.outdated) == ([10], False)


def test_all_that_is_stored_is_listed_the_newest_first(four_days: sa.Engine) -> None:
    compute(four_days, "period_breakdown", Period(day(1), day(3)), Period(day(0), day(2)))
    compute(four_days, "period_breakdown", Period(day(0), day(2)), granularity="weekly")
    with four_days.connect() as connection:
        found = stored.periods(connection, find_analysis("period_breakdown"))
    assert [(first, last, dict(parameters)) for first, last, parameters in found] == [
        (day(1), day(3), {"granularity": "daily"}),
        (day(0), day(2), {"granularity": "weekly"}),
        (day(0), day(2), {"granularity": "daily"}),
    ]
