"""When a stored result will do, and that what is stored is of what is committed."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from warehouse_events import MEXICO, ZONE, stop, store

from telemetry_pipeline.analyses.framework.caps import Cap
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.registry import defaults, find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import Cancelled, ViewsDoNotFit
from telemetry_pipeline.results import catalogue, computing, stored, tables
from telemetry_pipeline.results.computing import Updated
from telemetry_pipeline.results.tables import table_of
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core.views import merge

BEFORE, FIRST, SECOND = (date(2025, 1, n) for n in (29, 30, 31))
RULES = Rules(MEXICO)


def update(
    engine: sa.Engine, name: str = "general_summary", *days: date, views: Store | None = None, **parameters: object
) -> Updated:
    analysis = find_analysis(name)
    values = analysis.parse(parameters)
    periods = [window for day in days or (SECOND,) for window in analysis.windows(Period(day, day), values)]
    return computing.update(engine, views or Store(RULES), analysis, periods, values)


def hours(updated: Updated) -> float:
    return float(updated.last["watch_hours"].iloc[0])


def test_what_nothing_changed_for_is_computed_once(two_days: sa.Engine) -> None:
    first, again = update(two_days), update(two_days)
    assert (first.reasons, again.reasons) == (["it was not stored yet"], [None])
    assert again.infos == first.infos
    assert (hours(first), hours(again)) == (3.0, 3.0)


def test_a_result_is_computed_anew_when_views_of_its_period_changed_and_only_then(two_days: sa.Engine) -> None:
    update(two_days, "general_summary", FIRST, SECOND, window_days=1)
    store(two_days, stop(9, duration=3600, hours=24))
    merge(two_days, ZONE)
    again = update(two_days, "general_summary", FIRST, SECOND, window_days=1)
    assert again.reasons == [None, "the views changed"]
    assert hours(again) == 3.0


def test_who_computes_for_long_does_not_replace_what_is_of_newer_views(two_days: sa.Engine) -> None:
    """A range that ends with today computes it, and a tick that began later is done before."""
    overtaken: list[Updated] = []

    @functools.wraps(find_analysis("general_summary").compute)  # the code is of that module
    def compute_slowly(views: Views, parameters: Any) -> pd.DataFrame:
        frame = find_analysis("general_summary").compute(views, parameters)
        store(two_days, stop(9, duration=3600, hours=24))
        merge(two_days, ZONE)
        overtaken.append(update(two_days))
        return frame

    analysis = replace(find_analysis("general_summary"), compute=compute_slowly)
    values = analysis.parse({})
    periods = list(analysis.windows(Period(SECOND, SECOND), values))
    slow = computing.update(two_days, Store(RULES), analysis, periods, values)
    [quick] = overtaken
    assert hours(quick) == 4.0
    assert (slow.infos, hours(slow)) == (quick.infos, 4.0)
    assert update(two_days).reasons == [None]


def test_other_parameters_are_another_result(two_days: sa.Engine) -> None:
    assert hours(update(two_days)) == 3.0
    assert update(two_days, window_days=1).reasons == ["it was not stored yet"]
    assert update(two_days).reasons == [None]


def test_other_code_makes_another_result(two_days: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    update(two_days)
    monkeypatch.setattr(computing, "code_version", lambda _: "another")
    assert update(two_days).reasons == ["the code changed"]
    assert update(two_days).reasons == [None]


def test_a_cap_is_another_result_and_says_what_it_took_off(two_days: sa.Engine) -> None:
    update(two_days)
    capped = Store(Rules(MEXICO, Cap(1.5)))
    again = update(two_days, views=capped)
    assert (again.reasons, hours(again)) == (["the views changed"], 2.5)
    assert [again.infos[0].facts[name] for name in ("capped_views", "capped_hours")] == [1, 0.5]
    assert hours(update(two_days)) == 3.0


def test_a_comparison_is_computed_anew_when_the_days_before_its_period_changed(two_days: sa.Engine) -> None:
    assert update(two_days, "period_comparison").last["previous"].tolist()[0] == 1
    store(two_days, stop(9, duration=3600))
    merge(two_days, ZONE)
    again = update(two_days, "period_comparison")
    assert (again.reasons, again.last["previous"].tolist()[0]) == (["the views changed"], 2)


def test_views_that_are_here_already_are_not_read_again(two_days: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    views = Store(RULES)
    update(two_days, views=views)
    monkeypatch.setattr("telemetry_pipeline.warehouse.core.segments.read", None)
    assert hours(update(two_days, "channel_audience", views=views)) == 3.0
    assert hours(update(two_days, "general_summary", SECOND, views=views, window_days=1)) == 2.0


def test_views_that_changed_meanwhile_are_read_again(two_days: sa.Engine) -> None:
    views = Store(RULES)
    update(two_days, views=views)
    store(two_days, stop(9, duration=3600))
    merge(two_days, ZONE)
    assert hours(update(two_days, "channel_audience", views=views)) == 4.0


def test_a_run_that_is_cancelled_leaves_the_earlier_results(two_days: sa.Engine) -> None:
    def cancelled() -> None:
        raise Cancelled("ended")

    update(two_days)
    store(two_days, stop(9, duration=3600))
    merge(two_days, ZONE)
    analysis = find_analysis("general_summary")
    values = analysis.parse({})
    with pytest.raises(Cancelled):
        computing.update(
            two_days,
            Store(RULES),
            analysis,
            [analysis.window(SECOND, values)],
            values,
            checkpoint=cancelled,
        )
    with two_days.connect() as connection:
        found = stored.read(connection, analysis, values, RULES, day=SECOND)
    assert found is not None
    assert found.frame["watch_hours"].tolist() == [3.0]


def test_a_range_is_computed_day_by_day_as_each_day_alone(two_days: sa.Engine) -> None:
    days = [FIRST + timedelta(days=n) for n in range(4)]
    update(two_days, "channel_audience", *days)
    analysis = find_analysis("channel_audience")
    with two_days.connect() as connection:
        found = [stored.read(connection, analysis, analysis.parse({}), RULES, day=day) for day in days]
    assert [each and each.frame["watch_hours"].tolist() for each in found] == [[1.0], [3.0], [3.0], [3.0]]


def results_left(engine: sa.Engine) -> list[int]:
    """The limits of the top channels that are stored, after a clean-up of what nobody wanted for thirty days."""
    analysis = find_analysis("top_channels")
    with engine.begin() as connection:
        tables.delete_unwanted(connection, {analysis.name: table_of(analysis)}, defaults(), 30)
        rows = connection.execute(sa.text("select distinct parameters_key from analysis.top_channels")).all()
        limits = connection.scalars(sa.text("select cast(parameters->>'limit' as int) from analysis.results order by 1")).all()
    assert len(rows) == len(limits)
    return list(limits)


def age(engine: sa.Engine, days: int, limit: int) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "update analysis.results set wanted_at = now() - make_interval(days => :days) "
                "where cast(parameters->>'limit' as int) = :limit"
            ),
            {"days": days, "limit": limit},
        )


def test_what_nobody_wants_is_deleted_but_never_what_who_names_no_parameters_gets(two_days: sa.Engine) -> None:
    for limit in (20, 1, 2, 3):
        update(two_days, "top_channels", limit=limit)
    for limit, days in ((20, 400), (1, 31), (2, 29), (3, 400)):
        age(two_days, days, limit)
    assert results_left(two_days) == [2, 20]
    assert results_left(two_days) == [2, 20]
    assert update(two_days, "top_channels").reasons == [None]
    assert update(two_days, "top_channels", limit=1).reasons == ["it was not stored yet"]


def test_a_result_that_is_used_again_is_wanted(two_days: sa.Engine) -> None:
    for limit in (1, 2):
        update(two_days, "top_channels", limit=limit)
        age(two_days, 365, limit)
    update(two_days, "top_channels", limit=1)
    assert results_left(two_days) == [1]


def test_what_a_day_takes_is_what_the_newest_result_of_each_took(two_days: sa.Engine) -> None:
    update(two_days, "channel_audience", FIRST, SECOND)
    update(two_days, "general_summary", SECOND)
    with two_days.begin() as connection:
        took = "update analysis.results set compute_seconds = case when period_last = :last then 7 else 90 end"
        connection.execute(sa.text(took), {"last": SECOND})
        assert catalogue.seconds_of_a_day(connection, ["channel_audience", "general_summary", "never"]) == 14
        assert catalogue.seconds_of_a_day(connection, []) == 0


@pytest.mark.parametrize(("others", "fails"), [(True, 1), (False, 1)], ids=["beside others", "alone"])
def test_a_question_that_does_not_fit_beside_other_days_is_asked_without_them(
    two_days: sa.Engine, monkeypatch: pytest.MonkeyPatch, others: bool, fails: int
) -> None:
    views = Store(RULES)
    if others:
        update(two_days, "channel_audience", FIRST, views=views, window_days=1)
    really, failed = Store.query, [0]

    def query(self: Store, *asked: Any) -> pd.DataFrame:
        if failed[0] < fails:
            failed[0] += 1
            raise ViewsDoNotFit("the views that are asked for do not fit", "ask for fewer days")
        return really(self, *asked)

    monkeypatch.setattr(Store, "query", query)
    if others:
        assert hours(update(two_days, views=views)) == hours(update(two_days))
    else:
        with pytest.raises(ViewsDoNotFit):
            update(two_days, views=views)
